/** What somebody is told, the newest first. */
import type { OwnNews } from "../../lib/live/read_changes.ts";
import type { Notice } from "../../lib/users/notice.ts";
import type { User } from "../../lib/users/user.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";

interface NoticesPart {
  user: User;
  notices: readonly Notice[];
  /** How many of all are new. */
  newCount: number;
  /** The cursor of older ones; null after the last. */
  next: string | null;
}

export function NoticesPage({ cursor, ...part }: NoticesPart & { cursor: string }) {
  return (
    <Layout title="Notices" user={part.user} current="/notices" live={{ page: "notices", cursor }}>
      <div class="heading">
        <h1>Notices</h1>
        <SeenButton newCount={part.newCount} />
      </div>
      <span id="notices-renewal" hidden></span>
      <NoticeList {...part} />
    </Layout>
  );
}

/** With a script they count as seen once the page is there; what was new on it stays marked until it is left. */
function SeenButton({ newCount }: Pick<NoticesPart, "newCount">) {
  if (newCount === 0) return null;
  return (
    <form method="post" action="/notices/seen" hx-post="/notices/seen" hx-trigger="load" hx-swap="none">
      <noscript>
        <button type="submit">Mark all as seen</button>
      </noscript>
    </form>
  );
}

export function NoticeList({ user, notices, next }: NoticesPart) {
  return (
    <div id="notices">
      {notices.length === 0 && (
        <p class="empty">
          Nothing yet. You are told here when somebody names you in a comment or shares a board with you.
        </p>
      )}
      <ul class="notices">
        {notices.map(({ id, href, words, at, seenAt }) => (
          <li id={`notice-${id}`} class={seenAt === null ? "new" : undefined}>
            <a href={href} dir="auto">
              {seenAt === null && <span class="unseen">New:</span>} {words}
            </a>
            <span class="muted">
              <Time at={at} zone={user.timeZone} />
            </span>
          </li>
        ))}
      </ul>
      {next !== null && (
        <p class="more">
          <a class="button" href={`/notices?cursor=${next}`}>Older notices</a>
        </p>
      )}
    </div>
  );
}

/** Something was told while the page is open: it asks for the list anew. That all were seen takes no mark away. */
export function NoticesNews({ news }: { news: OwnNews }) {
  if ("view" in news || "batch" in news || news.newNotices === 0) return null;
  return (
    <hx-partial hx-target="#notices-renewal" hx-swap="outerHTML">
      <span
        id="notices-renewal"
        hidden
        hx-get="/notices/list"
        hx-trigger="load"
        hx-target="#notices"
        hx-swap="outerMorph"
      >
      </span>
    </hx-partial>
  );
}
