/** Whether a mask fits a picture by its shape; no pixel is looked at, and nothing that could is needed for it. */
import type { Size } from "../size.ts";

/** It can't be used with this picture, or at all; the message is for people. */
export class BadMask extends Error {
  override readonly name = "BadMask";
}

/** How far off a ratio may be. */
const ratioTolerance = 0.01;

/** Throws `BadMask` where they have not the same shape. */
export function demandShape(mask: Size, base: Size): void {
  const off = mask.width * base.height / (mask.height * base.width);
  if (off <= 1 + ratioTolerance && off >= 1 / (1 + ratioTolerance)) return;
  const [one, other] = shapesInWords(mask, base);
  throw new BadMask(`The mask is ${one}, the picture ${other}`);
}

/** Two shapes such as "3:2", or in pixels where one of them has no short name. */
function shapesInWords(...sizes: [Size, Size]): string[] {
  const names = sizes.map(ratioName);
  const isNamed = names.every((name) => name !== null) && names[0] !== names[1];
  return sizes.map(({ width, height }, i) => isNamed ? names[i]! : `${width} × ${height}`);
}

const largestTerm = 16;
const nameTolerance = 0.004;

function ratioName({ width, height }: Size): string | null {
  for (let sum = 2; sum <= 2 * largestTerm; sum++) {
    for (let a = Math.max(1, sum - largestTerm); a < sum && a <= largestTerm; a++) {
      if (Math.abs(width * (sum - a) / (height * a) - 1) <= nameTolerance) return `${a}:${sum - a}`;
    }
  }
  return null;
}
