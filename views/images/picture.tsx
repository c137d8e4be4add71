/** Pictures in the sizes that pages show them in. */
import { raw } from "hono/html";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import { addressOf } from "./image_query.ts";

export function fileAddress(imageId: string, query = ""): string {
  return `/api/v1/images/${imageId}/file${query}`;
}

/** A picture as its view knows it; `tint` is its colours in four rows of four, each as six hexadecimal digits. */
type Pictured = Pick<Image, "id" | "width" | "height"> & { tint?: string | null };

/** A thumbnail in the picture's own shape; `wide` for more than about 300 pixels. */
export function Thumbnail({ image, text, wide = false }: { image: Pictured; text: string; wide?: boolean }) {
  return <Picture image={image} text={text} query={wide ? "?width=640" : "?width=320"} />;
}

/** A picture in a place of its own shape, which has its colours before its bytes are there. */
export function Picture({ image, text, query = "" }: { image: Pictured; text: string; query?: string }) {
  const { id, width, height, tint } = image;
  return (
    <span class="picture">
      {tint && <Tint tint={tint} />}
      <img src={fileAddress(id, query)} width={width} height={height} alt={text} decoding="async" />
    </span>
  );
}

const tintSide = 4;

/** Of a long page it is the larger part, so its cells are written as they stand. */
export function Tint({ tint, name = "tint" }: { tint: string; name?: "tint" | "veil" }) {
  const colours = tint.match(/[\da-f]{6}/gi) ?? [];
  const cells = colours.map((colour, i) =>
    `<rect x="${i % tintSide}" y="${Math.floor(i / tintSide)}" width="1" height="1" fill="#${colour}"/>`
  );
  return (
    <svg class={name} viewBox={`0 0 ${tintSide} ${tintSide}`} preserveAspectRatio="none" aria-hidden="true">
      {raw(cells.join(""))}
    </svg>
  );
}

export function tileId(imageId: string): string {
  return `image-${imageId}`;
}

/** The gallery, opened where the picture is. */
export function galleryAddress(imageId: string, query: string): string {
  return `${addressOf("/gallery", query, `at=${imageId}`)}#${tileId(imageId)}`;
}

interface TileProps {
  view: PictureView;
  /** The search that it was found by. */
  query?: string;
  isSelectable?: boolean;
}

/** All that a tile shows. */
export function tileName({ view: { image, text }, query = "", isSelectable = false }: TileProps): string {
  const { id, width, height, tint } = image;
  return `tile ${id} ${width} ${height} ${tint} ${image.rating} ${query} ${isSelectable} ${text}`;
}

/** A picture of the gallery, with its prompt over it. All but its rating stays as it is, so a live page leaves that alone. */
export function Tile({ view: { image, text }, query = "", isSelectable = false }: TileProps) {
  return (
    <li id={tileId(image.id)} class="tile" data-picture={image.id} data-rating={image.rating} data-once>
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
