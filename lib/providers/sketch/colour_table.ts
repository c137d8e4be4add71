/** What each colour becomes, kept in a table, so that a million pixels cost no more than some thousand. */
import { type Colour, fromRgb, mix, toRgb } from "./colour.ts";

export type Grade = (colour: Colour) => Colour;

export interface ColourTable {
  /** Writes what a colour becomes, its channels from 0 to 255 and not rounded. */
  look(red: number, green: number, blue: number, into: Float32Array): void;
}

/** Steps of each channel. */
const side = 33;
const steps = { red: side * side * 3, green: side * 3, blue: 3 };

/** One grade after the other; `amount` 1 is all of it, and more goes further. */
export function createTable(grades: Grade[], amount = 1): ColourTable {
  const table = new Float32Array(side ** 3 * 3);
  const scale = 255 / (side - 1);
  for (let at = 0; at < side ** 3; at++) {
    const [red, green, blue] = [Math.floor(at / side ** 2), Math.floor(at / side) % side, at % side];
    const before = fromRgb([red * scale, green * scale, blue * scale]);
    const after = grades.reduce((colour, grade) => grade(colour), before);
    table.set(toRgb(mix(before, after, amount)), at * 3);
  }
  return {
    look: (red, green, blue, into) =>
      between(table, { red: red / scale, green: green / scale, blue: blue / scale }, into),
  };
}

/** The mean of the eight nearest colours of the table, by how near they are. */
function between(
  table: Float32Array,
  { red, green, blue }: { red: number; green: number; blue: number },
  into: Float32Array,
): void {
  const r = Math.min(side - 2, red | 0);
  const g = Math.min(side - 2, green | 0);
  const b = Math.min(side - 2, blue | 0);
  const [partR, partG, partB] = [red - r, green - g, blue - b];
  const origin = r * steps.red + g * steps.green + b * steps.blue;
  for (let at = origin; at < origin + 3; at++) {
    const near = corner(table, at, partG, partB);
    into[at - origin] = near + (corner(table, at + steps.red, partG, partB) - near) * partR;
  }
}

function corner(table: Float32Array, at: number, partG: number, partB: number): number {
  const low = table[at] + (table[at + steps.blue] - table[at]) * partB;
  const next = at + steps.green;
  const high = table[next] + (table[next + steps.blue] - table[next]) * partB;
  return low + (high - low) * partG;
}
