/** Says that a picture was deleted, as long as that can be undone. */
import type { Image } from "../lib/image.ts";

export function DeletedNotice({ image }: { image: Image }) {
  return (
    <form class="deleted" method="post" action={`/images/${image.id}/undelete`}>
      <p role="status">The picture was deleted. It goes for good in ten minutes.</p>
      <button type="submit">Undo</button>
    </form>
  );
}
