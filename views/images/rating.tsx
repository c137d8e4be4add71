/** What a picture is rated, and buttons to say so, which know themselves by an id of their own, for live pages. */
import type { Image } from "../../lib/images/image.ts";

type Rated = Pick<Image, "id" | "rating">;

export function ratingId(imageId: string): string {
  return `rating-${imageId}`;
}

/** In words: "4 stars". */
export function ratingWords(rating: number): string {
  if (rating === -1) return "rejected";
  return rating === 0 ? "no stars" : rating === 1 ? "1 star" : `${rating} stars`;
}

const stars = [1, 2, 3, 4, 5];

/**
 * A form whose buttons rate a picture; the one that is pressed already takes its rating back. Without a script it leads
 * to `returnTo`. Other pages put it under pictures as it is.
 */
export function Rating({ image: { id, rating }, returnTo }: { image: Rated; returnTo?: string }) {
  const action = `/images/${id}/rating`;
  return (
    <form
      id={ratingId(id)}
      class="rating"
      method="post"
      action={action}
      data-rating={rating}
      hx-post={action}
      hx-target="#notice"
    >
      {returnTo !== undefined && <input type="hidden" name="returnTo" value={returnTo} />}
      {stars.map((value) => (
        <RatingButton rating={rating} value={value} isLit={value <= rating}>
          <path d="M10 2.2l2.4 5 5.4.7-4 3.8 1 5.4-4.8-2.6-4.8 2.6 1-5.4-4-3.8 5.4-.7z" />
        </RatingButton>
      ))}
      <RatingButton rating={rating} value={-1} isLit={rating === -1}>
        <path d="M5 5l10 10M15 5l-10 10" />
      </RatingButton>
    </form>
  );
}

function RatingButton({ rating, value, isLit, children }: {
  rating: number;
  value: number;
  isLit: boolean;
  children?: unknown;
}) {
  const isPressed = rating === value;
  const name = value === -1 ? "Reject" : ratingWords(value);
  return (
    <button
      class={isLit ? "rate lit" : "rate"}
      type="submit"
      name="rating"
      value={isPressed ? 0 : value}
      data-key={value === -1 ? "x" : value}
      aria-label={name}
      aria-pressed={isPressed ? "true" : "false"}
      title={`${name} (${value === -1 ? "x" : value})`}
    >
      <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">{children}</svg>
    </button>
  );
}

/** What shows the picture bears its rating as it is now. */
export function MarkPartial({ image: { id, rating } }: { image: Rated }) {
  return <hx-partial hx-target={`[data-picture="${id}"]`} hx-swap="rate">{rating}</hx-partial>;
}

/** The same, and the buttons. */
export function RatingPartials({ image }: { image: Rated }) {
  return (
    <>
      <MarkPartial image={image} />
      <hx-partial hx-target={`#${ratingId(image.id)}`} hx-swap="outerMorph">
        <Rating image={image} />
      </hx-partial>
    </>
  );
}

/** The answer to who has rated it, by a key or a button. */
export function RatedFragment({ image }: { image: Rated }) {
  return (
    <>
      <RatingPartials image={image} />
      <hx-partial hx-target="#announcer" hx-swap="textContent">{ratingWords(image.rating)}</hx-partial>
      <hx-partial hx-target="#notice" hx-swap="innerHTML"></hx-partial>
    </>
  );
}
