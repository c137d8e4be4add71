/** The gallery: all pictures, newest first. */
import type { Image } from "../lib/image.ts";
import type { ImageView } from "../lib/prompt_view.ts";
import type { User } from "../lib/user.ts";
import { DeletedNotice } from "./deleted_notice.tsx";
import { MoreLink } from "./history_page.tsx";
import type { Pagination } from "./json.ts";
import { Layout } from "./layout.tsx";
import { Tile } from "./picture.tsx";

export function GalleryPage({ user, cursor, images, pagination, deleted }: {
  user: User;
  cursor: string;
  images: ImageView[];
  pagination: Pagination;
  /** What was just deleted, if that can still be undone. */
  deleted: Image | null;
}) {
  return (
    <Layout title="Gallery" user={user} current="/gallery" live={{ page: "gallery", cursor }}>
      {deleted && <DeletedNotice image={deleted} />}
      <div class="heading">
        <h1>Gallery</h1>
        <p class="muted">{pagination.total} in all</p>
      </div>
      <ul id="gallery" class="tiles gallery" data-fixed={pagination.offset > 0 ? "" : undefined}>
        {images.map((view) => <Tile view={view} />)}
      </ul>
      {images.length === 0 && (
        <div class="empty">
          <p>No pictures yet. What you make appears here.</p>
          <a class="button primary" href="/generator">Make the first one</a>
        </div>
      )}
      <MoreLink pagination={pagination} path="/gallery" query="" name="Older pictures" />
    </Layout>
  );
}
