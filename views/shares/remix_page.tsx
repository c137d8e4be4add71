/** Starting from a picture that somebody shares and lets others start from. */
import type { SharedPicture } from "../../lib/shares/open_share.ts";
import type { User } from "../../lib/users/user.ts";
import { Layout } from "../shell/layout.tsx";
import { SharedImage } from "./shared_pictures.tsx";

export function RemixSharePage({ user, shown, token }: { user: User; shown: SharedPicture; token: string }) {
  const path = `/s/${token}`;
  return (
    <Layout title="Start from it" user={user}>
      <div class="heading">
        <h1>Start from this picture</h1>
        <a class="button quiet" href={`${path}/${shown.number}`}>Back to it</a>
      </div>
      <div class="new-share">
        <div class="strip-of">
          <div>
            <SharedImage {...{ shown, path }} query="?width=640" isFirst />
          </div>
        </div>
        <div class="stack">
          <p class="muted">
            A copy of it becomes one of your uploads, to be changed as you like. It stays when the link ends.
          </p>
          <form method="post" action="/shares/remix">
            <input type="hidden" name="link" value={token} />
            <input type="hidden" name="number" value={shown.number} />
            <button class="primary" type="submit">Change a copy of it</button>
          </form>
          {shown.text !== null && (
            <form method="get" action="/generator">
              <input type="hidden" name="prompt" value={shown.text} />
              <button type="submit">Start from its prompt</button>
            </form>
          )}
        </div>
      </div>
    </Layout>
  );
}
