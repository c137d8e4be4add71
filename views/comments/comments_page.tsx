/** What was said earlier, on a page of its own. */
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { User } from "../../lib/users/user.ts";
import { type BoardComments, commentsOf } from "../boards/board_page.tsx";
import { Layout } from "../shell/layout.tsx";
import { CommentList } from "./comments.tsx";

export function CommentsPage({ user, view, comments }: {
  user: User;
  view: BoardView;
  comments: BoardComments;
}) {
  return (
    <Layout title={`Comments on ${view.board.name}`} user={user} current="/boards">
      <div class="heading">
        <h1>
          Comments on <bdi>{view.board.name}</bdi>
        </h1>
        <a class="button quiet" rel="up" href={`/boards/${view.board.id}`}>Board</a>
      </div>
      <section class="comments">
        <CommentList {...commentsOf({ user, view, comments })} />
      </section>
    </Layout>
  );
}
