/** In place of a picture that was deleted, as long as that can be undone. */
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Layout } from "../shell/layout.tsx";
import { DeletedNotice } from "./deleted_notice.tsx";

export function DeletedPicturePage({ user, view }: { user: User; view: PictureView }) {
  return (
    <Layout title="Deleted picture" user={user} current="/gallery">
      <div class="sheet">
        <h1>This picture was deleted</h1>
        <p class="text" dir="auto">{view.text}</p>
        <DeletedNotice images={[view.image]} />
        <p>
          <a class="button" rel="up" href="/gallery">Gallery</a>
        </p>
      </div>
    </Layout>
  );
}
