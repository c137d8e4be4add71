/** Long work on pixels in short slices, between which the event loop does what else there is to do. */
import { setImmediate } from "node:timers";

/** Pixels in a slice: a few milliseconds of simple work on each. */
export const slicePixels = 100_000;

/** Calls `row` for each row from the top, or from the bottom with `isUpward`. */
export async function eachRow(
  { width, height, isUpward = false }: { width: number; height: number; isUpward?: boolean },
  row: (y: number) => void,
): Promise<void> {
  const rows = Math.max(1, Math.floor(slicePixels / Math.max(1, width)));
  for (let start = 0; start < height; start += rows) {
    if (start > 0) await aside();
    const end = Math.min(height, start + rows);
    for (let y = start; y < end; y++) row(isUpward ? height - 1 - y : y);
  }
}

/** Lets everything else have its turn. */
export function aside(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
