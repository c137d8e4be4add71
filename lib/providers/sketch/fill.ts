/** Takes what stands in a part of a picture away: the colours around it run together in it. */
import type { Rect } from "../../size.ts";
import { copyOf, cropped, type Pixels, resized } from "./pixels.ts";

/** The longest side at which the colours run together. */
const meltedAt = 96;

export async function filledIn(
  pixels: Pixels,
  { bounds, plane }: { bounds: Rect; plane: Uint8Array },
): Promise<Pixels> {
  const result = copyOf(pixels);
  const around = grown(bounds, pixels);
  const melted = await melt(pixels, { around, plane });
  const { data, width } = result;
  for (let row = 0; row < around.height; row++) {
    for (let column = 0; column < around.width; column++) {
      const at = (around.top + row) * width + around.left + column;
      if (plane[at] === 0) continue;
      const from = (row * around.width + column) * 4;
      for (let channel = 0; channel < 3; channel++) {
        data[at * 4 + channel] = Math.min(
          255,
          Math.max(0, melted.data[from + channel] + grainAt(at, channel)),
        );
      }
      data[at * 4 + 3] = melted.data[from + 3];
    }
  }
  return result;
}

/** As little as keeps a smooth area from looking printed. */
function grainAt(at: number, channel: number): number {
  return (Math.imul(at + 1, 2654435761) >>> (24 + channel)) % 3 - 1;
}

function grown({ left, top, width, height }: Rect, size: Pixels): Rect {
  const reach = Math.max(4, Math.round(0.1 * Math.max(width, height)));
  const [x, y] = [Math.max(0, left - reach), Math.max(0, top - reach)];
  return {
    left: x,
    top: y,
    width: Math.min(size.width, left + width + reach) - x,
    height: Math.min(size.height, top + height + reach) - y,
  };
}

/** Each place becomes the mean of its neighbours until nothing moves (Laplace's equation). */
async function melt(
  pixels: Pixels,
  { around, plane }: { around: Rect; plane: Uint8Array },
): Promise<Pixels> {
  const scale = Math.min(1, meltedAt / Math.max(around.width, around.height));
  const width = Math.max(1, Math.round(around.width * scale));
  const height = Math.max(1, Math.round(around.height * scale));
  const small = await resized(cropped(pixels, around), { width, height });
  const isFree = new Uint8Array(width * height);
  for (let at = 0; at < isFree.length; at++) {
    isFree[at] = anyMarked(at, { width, height, around, plane, pixels }) ? 1 : 0;
  }
  const values = Float32Array.from(small.data);
  begin(values, { isFree, width, height });
  for (let round = 0; round < 260; round++) relax(values, { isFree, width, height });
  return await resized({ data: Uint8Array.from(values, Math.round), width, height }, around);
}

/** A small pixel with one that is marked below it holds some of what is taken away. */
function anyMarked(
  at: number,
  { width, height, around, plane, pixels }: {
    width: number;
    height: number;
    around: Rect;
    plane: Uint8Array;
    pixels: Pixels;
  },
): boolean {
  const [x, y] = [at % width, Math.floor(at / width)];
  const edge = (index: number, size: number, of: number) =>
    Math.min(size, Math.max(0, Math.round(index * size / of)));
  const [left, right] = [edge(x - 0.5, around.width, width), edge(x + 1.5, around.width, width)];
  const [top, bottom] = [edge(y - 0.5, around.height, height), edge(y + 1.5, around.height, height)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      if (plane[(around.top + row) * pixels.width + around.left + column] > 0) return true;
    }
  }
  return false;
}

/** Each free place takes the weighted mean of the nearest that are not, along its row and its column. */
function begin(
  values: Float32Array,
  { isFree, width, height }: { isFree: Uint8Array; width: number; height: number },
): void {
  const before = values.slice();
  const reach = (at: number, step: number, count: number): [from: number, weight: number] | null => {
    for (let far = 1; far <= count; far++) {
      if (isFree[at + far * step] === 0) return [at + far * step, 1 / far];
    }
    return null;
  };
  for (let at = 0; at < isFree.length; at++) {
    if (isFree[at] === 0) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    const ends = [
      reach(at, -1, x),
      reach(at, 1, width - 1 - x),
      reach(at, -width, y),
      reach(at, width, height - 1 - y),
    ].filter((end) => end !== null);
    const whole = ends.reduce((sum, [, weight]) => sum + weight, 0);
    for (let channel = 0; channel < 4; channel++) {
      const sum = ends.reduce((sum, [from, weight]) => sum + before[from * 4 + channel] * weight, 0);
      values[at * 4 + channel] = whole > 0 ? sum / whole : channel === 3 ? 255 : 128;
    }
  }
}

function relax(
  values: Float32Array,
  { isFree, width, height }: { isFree: Uint8Array; width: number; height: number },
): void {
  for (let at = 0; at < isFree.length; at++) {
    if (isFree[at] === 0) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    const left = x > 0 ? at - 1 : at;
    const right = x + 1 < width ? at + 1 : at;
    const above = y > 0 ? at - width : at;
    const below = y + 1 < height ? at + width : at;
    for (let channel = 0; channel < 4; channel++) {
      values[at * 4 + channel] = (values[left * 4 + channel] + values[right * 4 + channel] +
        values[above * 4 + channel] + values[below * 4 + channel]) / 4;
    }
  }
}
