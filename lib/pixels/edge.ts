/**
 * Whether a model kept what it was to keep, by what is seen on a ring around what changes: how much the numbers differ,
 * and whether that is because the picture has moved or changed its colours. Alone, the first says little: what a JPEG loses
 * in a picture full of grain is more than what three pixels to the side make in a clear sky.
 */
import type { Rect } from "../size.ts";
import { type Distances, distancesTo, unitsAPixel } from "./distance.ts";
import type { MaskPixels } from "./mask.ts";
import type { Raster } from "./raster.ts";
import { aside, eachRow } from "./slices.ts";

/** In pixels. */
export const ringWidth = 24;
const cap = ringWidth * unitsAPixel + 1;

export interface Edge {
  /** The mean absolute difference of the colours on the ring, 0 to 255. */
  difference: number;
  /** The result is moved or recoloured there, as people see it. */
  isOff: boolean;
}

interface Views {
  base: Raster;
  /** What stands at `part` of the base. */
  fitted: Raster;
  part: Rect;
}

/** Null where nothing opaque is around what changes. */
export async function compareEdge(
  { base, fitted, mask, part }: Views & { mask: MaskPixels },
): Promise<Edge | null> {
  const ring = await distancesTo(mask, { size: part, isMarked: true, cap });
  const found = await measure(ring, { base, fitted, part });
  if (found.count === 0) return null;
  const isOff = isRecoloured(found) || await hasMoved(found.places, { base, fitted, part });
  return { difference: found.difference / (found.count * 3), isOff };
}

/** Sides of the squares whose mean colours are compared, in pixels. */
const blockSide = 32;
/** At most so many places are tried in other places, in each quarter. */
const maxPlaces = 1500;

interface Measured {
  count: number;
  difference: number;
  /** Sums of the differences in each square: of three colours, and the number of its pixels. */
  blocks: Float64Array;
  /** Of the ring, as numbers in the part, in each quarter of it. */
  places: number[][];
}

async function measure(ring: Distances, { base, fitted, part }: Views): Promise<Measured> {
  const across = Math.ceil(part.width / blockSide);
  const blocks = new Float64Array(across * Math.ceil(part.height / blockSide) * 4);
  const places: number[][] = [[], [], [], []];
  const stride = Math.max(1, Math.floor(Math.sqrt(part.width * part.height / (maxPlaces * 16))));
  let [count, difference] = [0, 0];
  await eachRow(part, (y) => {
    for (let x = 0; x < part.width; x++) {
      const i = y * part.width + x;
      if (ring[i] === 0 || ring[i] === cap) continue;
      const at = ((part.top + y) * base.width + part.left + x) * base.channels;
      // What is transparent has no colour that could differ.
      if (base.channels === 4 && base.data[at + 3] < 255) continue;
      const block = (Math.floor(y / blockSide) * across + Math.floor(x / blockSide)) * 4;
      for (let colour = 0; colour < 3; colour++) {
        const off = fitted.data[i * fitted.channels + colour] - base.data[at + colour];
        difference += Math.abs(off);
        blocks[block + colour] += off;
      }
      blocks[block + 3]++;
      count++;
      if (x % stride === 0 && y % stride === 0) places[quarterOf(part, { x, y })].push(i);
    }
  });
  return { count, difference, blocks, places };
}

function quarterOf({ width, height }: Rect, { x, y }: { x: number; y: number }): number {
  return (x * 2 < width ? 0 : 1) + (y * 2 < height ? 0 : 2);
}

/** Of one colour, as the mean over the squares: what a brightness does, and grain doesn't. */
const recoloured = 8;

function isRecoloured({ blocks, count }: Measured): boolean {
  const sums = [0, 0, 0];
  for (let block = 0; block < blocks.length; block += 4) {
    for (let colour = 0; colour < 3; colour++) sums[colour] += Math.abs(blocks[block + colour]);
  }
  return Math.max(...sums) / count > recoloured;
}

/** Pixels in each direction in which a moved picture is looked for. */
const reach = 8;
/** Less than two pixels to the side is not seen. */
const leastMove = 2;
/** So much less must differ somewhere else than in its own place. */
const betterBy = 0.7;
/** Less than this can't be told from rounding. */
const leastDifference = 0.5;
/** Fewer places say nothing. */
const leastPlaces = 200;

async function hasMoved(quarters: number[][], views: Views): Promise<boolean> {
  for (const places of quarters) {
    if (places.length >= leastPlaces && await hasQuarterMoved(thinned(places), views)) return true;
  }
  return false;
}

function thinned(places: number[]): number[] {
  const every = Math.ceil(places.length / maxPlaces);
  return places.filter((_, n) => n % every === 0);
}

async function hasQuarterMoved(places: number[], views: Views): Promise<boolean> {
  const still = differenceAt(places, { ...views, dx: 0, dy: 0, bias: 0 });
  const { bias } = still;
  const own = differenceAt(places, { ...views, dx: 0, dy: 0, bias }).difference;
  if (own < leastDifference) return false;
  let best = { difference: own, distance: 0 };
  for (let dy = -reach; dy <= reach; dy++) {
    await aside();
    for (let dx = -reach; dx <= reach; dx++) {
      const { difference } = differenceAt(places, { ...views, dx, dy, bias });
      if (difference < best.difference) best = { difference, distance: Math.hypot(dx, dy) };
    }
  }
  return best.distance >= leastMove && best.difference < betterBy * own;
}

/** Of lightness, if the base were that much to the side; without the `bias` that a change of lightness makes. */
function differenceAt(
  places: number[],
  { base, fitted, part, dx, dy, bias }: Views & { dx: number; dy: number; bias: number },
): { difference: number; bias: number } {
  let [difference, sum, count] = [0, 0, 0];
  for (const i of places) {
    const x = part.left + i % part.width + dx;
    const y = part.top + Math.floor(i / part.width) + dy;
    if (x < 0 || y < 0 || x >= base.width || y >= base.height) continue;
    const off = lightness(fitted, i) - lightness(base, y * base.width + x) - bias;
    difference += Math.abs(off);
    sum += off;
    count++;
  }
  return count === 0
    ? { difference: Infinity, bias: 0 }
    : { difference: difference / count, bias: sum / count };
}

function lightness({ data, channels }: Raster, i: number): number {
  const at = i * channels;
  return (data[at] + 2 * data[at + 1] + data[at + 2]) / 4;
}
