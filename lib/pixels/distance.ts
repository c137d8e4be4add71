/**
 * How far each pixel is from a part of a picture, in two passes over the rows: steps cost 3 beside and 4 across, which is
 * the distance as the crow flies within 6 % (Borgefors, Distance transformations in digital images, 1986).
 */
import type { Size } from "../size.ts";
import { eachRow } from "./slices.ts";

/** In these units. */
export type Distances = Uint8Array;

export const unitsAPixel = 3;
const across = 4;

/** To the nearest pixel that is marked, or with `isMarked` false to the nearest that isn't; `cap` where it is farther. */
export async function distancesTo(
  mask: Uint8Array,
  { size, isMarked, cap }: { size: Size; isMarked: boolean; cap: number },
): Promise<Distances> {
  const distances = new Uint8Array(mask.length);
  await eachRow(size, (y) => {
    markRow(mask, { distances, y, width: size.width, isMarked, cap });
    spread(distances, { start: y * size.width, width: size.width, step: 1, other: y > 0 ? -size.width : 0 });
  });
  await eachRow({ ...size, isUpward: true }, (y) => {
    const end = (y + 1) * size.width - 1;
    const other = y < size.height - 1 ? size.width : 0;
    spread(distances, { start: end, width: size.width, step: -1, other });
  });
  return distances;
}

function markRow(
  mask: Uint8Array,
  { distances, y, width, isMarked, cap }: {
    distances: Distances;
    y: number;
    width: number;
    isMarked: boolean;
    cap: number;
  },
): void {
  const [marked, unmarked] = isMarked ? [0, cap] : [cap, 0];
  const end = (y + 1) * width;
  for (let i = y * width; i < end; i++) distances[i] = mask[i] === 0 ? unmarked : marked;
}

/** Along a row, in the direction of `step`, from the pixel before and from the three in the row that is `other` away. */
function spread(
  distances: Distances,
  { start, width, step, other }: { start: number; width: number; step: 1 | -1; other: number },
): void {
  let before = 255;
  for (let n = 0, i = start; n < width; n++, i += step) {
    let least = distances[i];
    if (least > 0) {
      least = Math.min(least, before + unitsAPixel);
      if (other !== 0) {
        least = Math.min(least, distances[i + other] + unitsAPixel);
        if (n > 0) least = Math.min(least, distances[i + other - step] + across);
        if (n < width - 1) least = Math.min(least, distances[i + other + step] + across);
      }
      distances[i] = least;
    }
    before = least;
  }
}
