/** Changing something that one has said. */
import type { Comment } from "../../lib/comments/comment.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";

export function EditCommentPage({ user, comment, back, problem, text }: {
  user: User;
  comment: Comment;
  /** Where it stands. */
  back: string;
  problem?: string;
  text?: string;
}) {
  return (
    <Layout title="Change a comment" user={user} current="/boards">
      <div class="heading">
        <h1>Change a comment</h1>
        <a class="button quiet" rel="up" href={back}>Back</a>
      </div>
      <form class="say" method="post" action={`/comments/${comment.id}`}>
        <label for="comment-text" class="unseen">Your comment</label>
        <textarea id="comment-text" name="text" dir="auto" rows={4} maxlength={2000} required>
          {text ?? comment.text}
        </textarea>
        <button class="primary" type="submit">Save</button>
        <div class="problem">{problem && <ErrorText message={problem} />}</div>
      </form>
      <p class="muted">A comment can be changed for 15 minutes after it was written.</p>
    </Layout>
  );
}
