/** What pages of something that several people look at have in common: how they are told, and ask for what there is to see. */
import type { TopicNews } from "../../lib/live/read_changes.ts";
import { PresencePartial } from "../boards/presence.tsx";

/** Up to which change the page shows everything: it asks for what came after that. */
export function TopicSince({ cursor }: { cursor: string }) {
  return (
    <div id="topic-since" hidden>
      <input type="hidden" name="since" value={cursor} />
    </div>
  );
}

export function boardPageName(boardId: string): `board:${string}` {
  return `board:${boardId}`;
}

/** A version of a recipe as it is shown. */
export function recipePageName(
  { recipeId, n }: { recipeId: string; n: number },
): `recipe:${string}` {
  return `recipe:${recipeId}:${n}`;
}

/** A picture as it is shown on a board. */
export function picturePageName(
  { boardId, imageId }: { boardId: string; imageId: string },
): `picture:${string}` {
  return `picture:${boardId}:${imageId}`;
}

/** `changes` is where the page asks what has changed. */
export function TopicPartials({ news, changes }: { news: TopicNews; changes: string }) {
  switch (news.what) {
    case "presence":
      return <PresencePartial here={news.here} />;
    case "changed":
      return (
        <hx-partial hx-target="#topic-since" hx-swap="beforeend">
          <span hx-get={changes} hx-trigger="load" hx-include="#topic-since" hx-target="#notice"></span>
        </hx-partial>
      );
    case "gone":
      return (
        <hx-partial hx-target="#main" hx-swap="innerHTML">
          <div class="sheet">
            <h1>This is not shared with you any more</h1>
            <p>Its owner has taken you off it, or it was deleted.</p>
            {news.topic.kind === "board"
              ? <a class="button" href="/boards?tab=shared">Shared with me</a>
              : <a class="button" href="/recipes">All recipes</a>}
          </div>
        </hx-partial>
      );
  }
}
