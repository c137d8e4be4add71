/**
 * The tint of a picture: the colours of a grid laid over it, small enough to stand in its record, so that a page can
 * show something of it before a byte has loaded. Written as hexadecimal digits, six a cell, row by row from the top.
 */
import type { Size } from "../size.ts";

/** Cells in each direction. */
export const tintGrid = 4;

/** Pixels that are looked at in each direction of a cell. */
const samples = 16;

/** What a cell looks like through which everything is seen. */
const clear = [128, 128, 128];

/**
 * From pixels as sharp gives them raw: grey or RGB, with or without an alpha channel, 8 bits each. Of another aspect
 * ratio than `shown`, what is around the centre counts.
 */
export function tintOf(
  pixels: Uint8Array,
  { size, channels, shown }: { size: Size; channels: number; shown: Size },
): string {
  const scale = Math.min(size.width / shown.width, size.height / shown.height);
  const [width, height] = [shown.width * scale, shown.height * scale];
  const [left, top] = [(size.width - width) / 2, (size.height - height) / 2];
  let tint = "";
  for (let row = 0; row < tintGrid; row++) {
    for (let column = 0; column < tintGrid; column++) {
      tint += colourOf(pixels, {
        xs: places(left, { length: width, cell: column, limit: size.width }),
        ys: places(top, { length: height, cell: row, limit: size.height }).map((y) => y * size.width),
        channels,
      });
    }
  }
  return tint;
}

/** The pixels in one direction of a cell that are looked at. */
function places(
  start: number,
  { length, cell, limit }: { length: number; cell: number; limit: number },
): number[] {
  const step = length / (tintGrid * samples);
  return Array.from(
    { length: samples },
    (_, i) => Math.min(limit - 1, Math.floor(start + (cell * samples + i + 0.5) * step)),
  );
}

function colourOf(
  pixels: Uint8Array,
  { xs, ys, channels }: { xs: number[]; ys: number[]; channels: number },
): string {
  const isGrey = channels < 3;
  const alphaAt = channels % 2 === 0 ? channels - 1 : null;
  const sums = [0, 0, 0];
  let weight = 0;
  for (const y of ys) {
    for (const x of xs) {
      const at = (y + x) * channels;
      const alpha = alphaAt === null ? 255 : pixels[at + alphaAt];
      for (let colour = 0; colour < 3; colour++) sums[colour] += alpha * pixels[at + (isGrey ? 0 : colour)];
      weight += alpha;
    }
  }
  const colour = weight === 0 ? clear : sums.map((sum) => Math.round(sum / weight));
  return new Uint8Array(colour).toHex();
}
