/** Pictures in the sizes that pages show them in. */
import type { Image } from "../../lib/images/image.ts";
import type { ImageView } from "../../lib/live/prompt_view.ts";
import { addressOf } from "./image_query.ts";

export function fileAddress(imageId: string, query = ""): string {
  return `/api/v1/images/${imageId}/file${query}`;
}

/** A thumbnail in the picture's own shape; `wide` for more than about 300 pixels. */
export function Thumbnail({ image, text, wide = false }: { image: Image; text: string; wide?: boolean }) {
  return (
    <img
      src={fileAddress(image.id, wide ? "?width=640" : "?width=320")}
      width={image.width}
      height={image.height}
      alt={text}
      decoding="async"
    />
  );
}

export function tileId(imageId: string): string {
  return `image-${imageId}`;
}

/** A picture of the gallery, with its prompt over it; `query` is the search that it was found by. */
export function Tile({ view: { image, prompt }, query = "", isSelectable = false }: {
  view: ImageView;
  query?: string;
  isSelectable?: boolean;
}) {
  const { text } = prompt.request;
  return (
    <li id={tileId(image.id)} class="tile">
      <a href={addressOf(`/images/${image.id}`, query)}>
        <Thumbnail image={image} text={text} />
        <span class="caption" dir="auto" aria-hidden="true">{text}</span>
      </a>
      {isSelectable && (
        <input
          class="select"
          type="checkbox"
          name="image"
          value={image.id}
          aria-label={`Select ${text}`}
        />
      )}
    </li>
  );
}
