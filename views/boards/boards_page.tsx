/** All boards of somebody, each by the picture that stands for it. */
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { plural } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Thumbnail } from "../images/picture.tsx";

export function BoardsPage({ user, boards, next, problem, name }: {
  user: User;
  boards: readonly BoardView[];
  /** The cursor of older ones; null after the last. */
  next: string | null;
  /** Why no board was made, and how it was to be called. */
  problem?: string;
  name?: string;
}) {
  return (
    <Layout title="Boards" user={user} current="/boards">
      <div class="heading">
        <h1>Boards</h1>
      </div>
      <form class="one-field new-board" method="post" action="/boards">
        <div class="field">
          <label for="name">{boards.length === 0 ? "Name of your first board" : "Name of a new board"}</label>
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
        <button class={boards.length === 0 ? "primary" : undefined} type="submit">Make a board</button>
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
      </form>
      {boards.length === 0 && (
        <p class="empty">
          A board keeps pictures together that belong together: a series, a client, a mood. A picture can be
          on many.
        </p>
      )}
      <ul class="boards">{boards.map((view) => <BoardTile view={view} />)}</ul>
      {next !== null && (
        <p class="more">
          <a class="button" href={`/boards?cursor=${next}`}>Older boards</a>
        </p>
      )}
    </Layout>
  );
}

function BoardTile({ view: { board, images, cover } }: { view: BoardView }) {
  return (
    <li>
      <a class="board" href={`/boards/${board.id}`}>
        <span class="cover">{cover !== null && <Thumbnail image={cover} text="" wide />}</span>
        <span class="name" dir="auto">{board.name}</span>
        <span class="muted">{plural(images, "picture")}</span>
      </a>
    </li>
  );
}
