/** Picking the best among pictures: where one stands in a set, and what can be taken back. */
import type { Image } from "./image.ts";

/** As many as a batch has at most. */
export const mostPicked = 2000;

/** A rating that was given, to be taken back: what it was before. */
export interface GivenRating {
  imageId: string;
  before: number;
}

const mostUndone = 20;

/** As it stands in an address, the latest first. */
export function undoText(given: readonly GivenRating[]): string {
  return given.map(({ imageId, before }) => `${imageId}.${before}`).join(",");
}

/** Read from an address that anybody may have written: what is none is left out. */
export function readUndo(text: string): GivenRating[] {
  return text.split(",").slice(0, mostUndone).flatMap((each) => {
    const [, imageId, before] = /^([0-9a-f-]{36})\.(-1|[0-5])$/.exec(each) ?? [];
    return imageId === undefined ? [] : [{ imageId, before: Number(before) }];
  });
}

/** With one more, the oldest ones forgotten. */
export function withGiven(given: readonly GivenRating[], latest: GivenRating): GivenRating[] {
  return [latest, ...given].slice(0, mostUndone);
}

/** The one with the most stars, besides this one; null: none has any. */
export function bestBeside(images: readonly Image[], imageId: string): Image | null {
  const others = images.filter(({ id, rating }) => id !== imageId && rating > 0);
  return others.reduce(
    (best: Image | null, each) => best !== null && best.rating >= each.rating ? best : each,
    null,
  );
}
