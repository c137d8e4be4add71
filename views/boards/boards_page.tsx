/** Boards, each by the picture that stands for it: one's own, or those that others share. */
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { User } from "../../lib/users/user.ts";
import { Thumbnail } from "../images/picture.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Tabs } from "../shell/tabs.tsx";

const mine = "/boards";
const shared = "/boards?tab=shared";

export function BoardsPage({ user, tab, boards, next, problem, name }: {
  user: User;
  tab: "mine" | "shared";
  boards: readonly BoardView[];
  /** The cursor of older ones; null after the last. */
  next: string | null;
  /** Why no board was made, and how it was to be called. */
  problem?: string;
  name?: string;
}) {
  const here = tab === "mine" ? mine : shared;
  return (
    <Layout title={tab === "mine" ? "Boards" : "Boards shared with me"} user={user} current="/boards">
      <div class="heading">
        <h1>Boards</h1>
      </div>
      <Tabs
        name="Whose boards"
        tabs={[{ href: mine, name: "Mine" }, { href: shared, name: "Shared with me" }]}
        current={here}
      />
      {tab === "mine" && <NewBoard isFirst={boards.length === 0} problem={problem} name={name} />}
      {boards.length === 0 && (
        <p class="empty">
          {tab === "mine"
            ? "A board keeps pictures together that belong together: a series, a client, a mood. A picture can be " +
              "on many, and a board can be shared with others here."
            : "Nobody shares a board with you yet. Whoever does adds you on the board's page, and you are told."}
        </p>
      )}
      <ul class="boards">{boards.map((view) => <BoardTile view={view} />)}</ul>
      {next !== null && (
        <p class="more">
          <a class="button" href={`${here}${tab === "mine" ? "?" : "&"}cursor=${next}`}>Older boards</a>
        </p>
      )}
    </Layout>
  );
}

function NewBoard({ isFirst, problem, name }: { isFirst: boolean; problem?: string; name?: string }) {
  return (
    <form class="one-field new-board" method="post" action="/boards">
      <div class="field">
        <label for="name">{isFirst ? "Name of your first board" : "Name of a new board"}</label>
        <input
          id="name"
          name="name"
          value={name ?? ""}
          dir="auto"
          autocomplete="off"
          required
          maxlength={80}
          aria-describedby={problem && "problem"}
        />
      </div>
      <button class={isFirst ? "primary" : undefined} type="submit">Make a board</button>
      <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
    </form>
  );
}

function BoardTile({ view: { board, role, members, ownerName, images, cover } }: { view: BoardView }) {
  return (
    <li>
      <a class="board" href={`/boards/${board.id}`}>
        <span class="cover">{cover !== null && <Thumbnail image={cover} text="" wide />}</span>
        <span class="name" dir="auto">{board.name}</span>
        <span class="muted">
          {plural(images, "picture")}
          {role === "owner"
            ? members.length > 0 && `, with ${plural(members.length, "person", "people")}`
            : (
              <>
                , by <bdi>{ownerName}</bdi>
              </>
            )}
        </span>
      </a>
    </li>
  );
}
