/** Pictures of the public gallery, whose bytes lie below the publication's own address. */
import type { Child } from "hono/jsx";
import type { Image } from "../../lib/images/image.ts";
import type { PublicationView } from "../../lib/live/publication_view.ts";
import { Tint } from "../images/picture.tsx";

export function publicationPath(id: string): string {
  return `/explore/${id}`;
}

type Pictured = Pick<Image, "width" | "height" | "tint">;

interface ShownProps {
  id: string;
  image: Pictured;
  title: string;
  /** Left out: as large as it is. */
  width?: 320 | 640;
  isLazy?: boolean;
}

/** In a place of its own shape, which has its colours before its bytes are there. */
export function ShownPicture({ id, image, title, width, isLazy = false }: ShownProps) {
  return (
    <span class="picture">
      {image.tint && <Tint tint={image.tint} />}
      <img
        src={`${publicationPath(id)}/file${width === undefined ? "" : `?width=${width}`}`}
        width={image.width}
        height={image.height}
        alt={title}
        decoding="async"
        loading={isLazy ? "lazy" : undefined}
      />
    </span>
  );
}

/** Until somebody opens it there are only its colours, without a shape in them; its bytes are not even asked for. */
export function CoveredPicture(
  { image, words, children }: { image: Pictured; words: string; children: Child },
) {
  return (
    <details class="covered">
      <summary>
        <span class="picture">
          {image.tint && <Tint tint={image.tint} name="veil" />}
          <svg class="place" viewBox={`0 0 ${image.width} ${image.height}`} aria-hidden="true"></svg>
        </span>
        <span class="words">{words}</span>
      </summary>
      {children}
    </details>
  );
}

/** A picture of the grid, with what it is called and whose it is. */
export function ExploreTile({ view: { publication, image, author } }: { view: PublicationView }) {
  const { id, title, isSensitive } = publication;
  if (image === null) return null;
  const link = (
    <a href={publicationPath(id)}>
      <ShownPicture {...{ id, image, title }} width={640} isLazy />
    </a>
  );
  return (
    <li class="exhibit" data-publication={id}>
      {isSensitive ? <CoveredPicture image={image} words="Sensitive. Show it">{link}</CoveredPicture> : link}
      <p class="byline">
        <a href={publicationPath(id)} dir="auto">{title}</a>
        {author && <bdi class="muted">{author.name}</bdi>}
      </p>
    </li>
  );
}
