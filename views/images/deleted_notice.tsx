/** Says that pictures were deleted, as long as that can be undone. */
import { plural } from "../shell/format.ts";

export function DeletedNotice({ images }: { images: readonly { id: string }[] }) {
  const what = images.length === 1
    ? "The picture was deleted. It goes"
    : `${plural(images.length, "picture")} were deleted. They go`;
  return (
    <form class="deleted" method="post" action="/gallery/undelete">
      <p role="status">{what} for good in ten minutes.</p>
      {images.map(({ id }) => <input type="hidden" name="image" value={id} />)}
      <button type="submit">Undo</button>
    </form>
  );
}
