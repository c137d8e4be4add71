/** What a painter sees in a picture that is there: its light, its colours, and where its sky is. */
import { type Colour, fromRgb, mix } from "./colour.ts";
import type { Surrounding } from "./palette.ts";
import { inSlices, lightnessOf, type Pixels, resized } from "./pixels.ts";
import type { Time } from "./words.ts";

export interface Look {
  /** From 0 to 1. */
  lightness: number;
  mean: Colour;
  /** The five that there is most of, dark to light. */
  colours: Colour[];
  /** The hour that its light is like. */
  time: Time;
  /** Where its sky ends, as a part of the height; null: it shows none. */
  horizon: number | null;
  /** How far down there is nothing but sky, as a part of the height. */
  openSky: number;
  /** Its sun or moon, as parts of the width and the height, and of the mean side; null: there is none to be seen. */
  light: { x: number; y: number; radius: number } | null;
  /** One row of the sky after the other, from the top, as channels from 0 to 255. */
  skyRows: number[][];
  /** Streets and houses rather than trees and hills. */
  isBuilt: boolean;
  surrounding: Surrounding;
  sky: SkyMap;
}

/** For each pixel of a small copy, sky as `slope` × lightness + `offset`; so its edge is as sharp as the picture's. */
export interface SkyMap {
  width: number;
  height: number;
  slope: Float32Array;
  offset: Float32Array;
}

/** The longest side of the copy that is looked at. */
const lookedAt = 160;
/** Side of the coarse map that light and colours are counted in. */
const coarse = 32;

export async function lookAt(pixels: Pixels): Promise<Look> {
  const scale = Math.min(1, lookedAt / Math.max(pixels.width, pixels.height));
  const small = await resized(pixels, {
    width: Math.max(1, Math.round(pixels.width * scale)),
    height: Math.max(1, Math.round(pixels.height * scale)),
  });
  const colours = coloursOf(small);
  const patches = coloursOf(await resized(pixels, { width: coarse, height: coarse }));
  const mean = meanOf(patches);
  const main = mainColours(patches);
  const isSky = findSky(small, colours);
  const horizon = isLikeSky(colours, isSky) ? horizonOf(small, isSky) : null;
  if (horizon === null) isSky.fill(0);
  const light = horizon === null ? null : lightIn(small, { isSky, colours, horizon });
  if (light !== null) markDisc(isSky, { size: small, light });
  return {
    lightness: mean[0],
    mean,
    colours: main,
    time: timeOf(patches, mean),
    horizon,
    openSky: openSkyIn(small, isSky),
    light,
    skyRows: skyRowsOf(small, isSky),
    isBuilt: isBuilt(small, isSky),
    surrounding: surroundingOf({ patches, main, horizon }),
    sky: refined(small, isSky),
  };
}

function coloursOf({ data, width, height }: Pixels): Colour[] {
  return Array.from(
    { length: width * height },
    (_, at) => fromRgb([data[at * 4], data[at * 4 + 1], data[at * 4 + 2]]),
  );
}

export function meanOf(colours: Colour[]): Colour {
  const average = (axis: 0 | 1 | 2) =>
    colours.reduce((sum, colour) => sum + colour[axis], 0) / colours.length;
  return [average(0), average(1), average(2)];
}

/** Five means that move to what is nearest to them, begun at even steps of lightness. */
function mainColours(colours: Colour[]): Colour[] {
  const sorted = colours.toSorted((one, other) => one[0] - other[0]);
  let centres = [0.1, 0.3, 0.5, 0.7, 0.9].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
  for (let round = 0; round < 6; round++) {
    const groups: Colour[][] = centres.map(() => []);
    for (const colour of colours) {
      const distances = centres.map((centre) => distance(centre, colour));
      groups[distances.indexOf(Math.min(...distances))].push(colour);
    }
    centres = centres.map((centre, index) => groups[index].length === 0 ? centre : meanOf(groups[index]));
  }
  return centres.sort((one, other) => one[0] - other[0]);
}

function distance(one: Colour, other: Colour): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

function timeOf(patches: Colour[], mean: Colour): Time {
  if (mean[0] < 0.36) return "night";
  const upper = meanOf(patches.slice(0, patches.length / 2));
  const warmth = upper[2] + 0.5 * upper[1];
  if (warmth > 0.045) return "sunset";
  return warmth > 0.015 && mean[0] > 0.55 ? "dawn" : "day";
}

/** How far two neighbours in one sky may differ. */
const skyStep = 0.02;
/** How far it may drift from the row above all of it. */
const skyDrift = 0.6;

/** What can be reached from the upper edge without a step, and whatever floats within. */
function findSky(small: Pixels, colours: Colour[]): Uint8Array {
  const { width, height } = small;
  const floor = Math.min(strongestEdge(small, colours), Math.floor(height * 0.82));
  const isSky = new Uint8Array(width * height);
  const queue: number[] = [];
  const top = meanOf(colours.slice(0, width));
  for (let x = 0; x < width; x++) {
    if (distance(colours[x], top) > 0.2) continue;
    isSky[x] = 1;
    queue.push(x);
  }
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const neighbour of neighboursOf(next, { width, height: floor })) {
      // Never upward: where hills fade into the air below them, they are not to be climbed.
      if (isSky[neighbour] === 1 || neighbour < next - 1) continue;
      const above = colours[Math.max(neighbour % width, neighbour - 2 * width)];
      // A ridge is soft in so small a copy: no step, but two rows further up it is another colour.
      const isSmooth = distance(colours[next], colours[neighbour]) < skyStep &&
        distance(above, colours[neighbour]) < 1.3 * skyStep;
      if (!isSmooth || distance(colours[neighbour], top) > skyDrift) continue;
      isSky[neighbour] = 1;
      queue.push(neighbour);
    }
  }
  return withWhatFloats(isSky, { width, height });
}

/** The row at which nearly the whole width changes alike, as at the line of a sea; else the last. */
function strongestEdge({ width, height }: Pixels, colours: Colour[]): number {
  let [best, at] = [0.05, height];
  for (let y = Math.max(2, Math.floor(height * 0.15)); y < Math.min(height - 2, height * 0.82); y++) {
    const changes = Array.from({ length: width }, (_, x): Colour => {
      const [above, below] = [colours[(y - 2) * width + x], colours[(y + 1) * width + x]];
      return [below[0] - above[0], below[1] - above[1], below[2] - above[2]];
    });
    const mean = meanOf(changes);
    const size = Math.hypot(...mean);
    const alike = changes.filter((change) => distance(change, mean) < 0.6 * size).length;
    if (size > best && alike > width * 0.6) [best, at] = [size, y];
  }
  return at;
}

function neighboursOf(at: number, { width, height }: { width: number; height: number }): number[] {
  const [x, y] = [at % width, Math.floor(at / width)];
  const found: number[] = [];
  if (x > 0) found.push(at - 1);
  if (x + 1 < width) found.push(at + 1);
  if (y > 0) found.push(at - width);
  if (y + 1 < height) found.push(at + width);
  return found;
}

/** Clouds and birds belong to the sky; what stands on the ground does not. */
function withWhatFloats(isSky: Uint8Array, size: { width: number; height: number }): Uint8Array {
  const { width, height } = size;
  const stands = new Uint8Array(width * height);
  const queue: number[] = [];
  const visit = (at: number) => {
    if (isSky[at] === 1 || stands[at] === 1) return;
    stands[at] = 1;
    queue.push(at);
  };
  for (let x = 0; x < width; x++) visit((height - 1) * width + x);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    neighboursOf(next, size).forEach(visit);
  }
  const middle = Math.floor(height * 0.82);
  return isSky.map((_, at) => stands[at] === 1 || at >= middle * width ? 0 : 1);
}

/** A sky is light, or blue, or at least lighter than what is below it; a dark table at the upper edge is none. */
function isLikeSky(colours: Colour[], isSky: Uint8Array): boolean {
  const [above, below] = [1, 0].map((side) => colours.filter((_, at) => isSky[at] === side));
  if (above.length === 0) return false;
  const sky = meanOf(above);
  const zenith = meanOf(above.slice(0, Math.ceil(above.length / 4)));
  const isLighter = below.length === 0 || sky[0] > meanOf(below)[0] - 0.03;
  const isBrown = [zenith, sky].some(([lightness, , yellow]) => yellow > 0.03 && lightness < 0.6);
  return zenith[2] < -0.012 || (isLighter && !isBrown);
}

function horizonOf({ width, height }: Pixels, isSky: Uint8Array): number | null {
  if (width < 8 || height < 8) return null;
  const ends = Array.from({ length: width }, (_, x) => {
    let y = 0;
    while (y < height && isSky[y * width + x] === 1) y++;
    return y / height;
  }).sort((one, other) => one - other);
  const isWide = ends.filter((end) => end > 0.04).length > width * 0.55;
  const horizon = ends[Math.floor(width * 0.6)];
  return isWide && horizon > 0.08 ? horizon : null;
}

function openSkyIn({ width, height }: Pixels, isSky: Uint8Array): number {
  let row = 0;
  while (row < height && isSky.subarray(row * width, (row + 1) * width).every((is) => is === 1)) row++;
  return row / height;
}

/** The largest round spot that is much lighter than the sky about it. */
function lightIn(
  { width, height }: Pixels,
  { isSky, colours, horizon }: { isSky: Uint8Array; colours: Colour[]; horizon: number },
): Look["light"] {
  const sky = colours.filter((_, at) => isSky[at] === 1).map(([lightness]) => lightness)
    .sort((one, other) => one - other);
  if (sky.length === 0) return null;
  const brightest = sky[sky.length - 1];
  if (brightest < 0.84 || brightest < sky[Math.floor(sky.length / 2)] + 0.07) return null;
  const least = brightest - 0.03;
  // It may touch a roof, and then counts as something that stands.
  const end = Math.floor(horizon * height) * width;
  const isSeen = new Uint8Array(width * height);
  let best: Look["light"] = null;
  for (let start = 0; start < end; start++) {
    const spot: number[] = [];
    const visit = (at: number) => {
      if (at >= end || isSeen[at] === 1 || colours[at][0] < least) return;
      isSeen[at] = 1;
      spot.push(at);
    };
    visit(start);
    for (let next = 0; next < spot.length; next++) neighboursOf(spot[next], { width, height }).forEach(visit);
    if (spot.length < 9) continue;
    const [xs, ys] = [spot.map((at) => at % width), spot.map((at) => Math.floor(at / width))];
    const [left, right] = [Math.min(...xs), Math.max(...xs) + 1];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys) + 1];
    const [wide, high] = [right - left, bottom - top];
    const isRound = Math.max(wide, high) < 1.5 * Math.min(wide, high) && spot.length > 0.62 * wide * high;
    const radius = Math.max(wide, high) / 2 / Math.sqrt(width * height);
    if (!isRound || radius > 0.12 || radius <= (best?.radius ?? 0)) continue;
    best = { x: (left + right) / 2 / width, y: (top + bottom) / 2 / height, radius };
  }
  return best;
}

function markDisc(
  isSky: Uint8Array,
  { size: { width, height }, light }: { size: Pixels; light: NonNullable<Look["light"]> },
): void {
  const reach = light.radius * Math.sqrt(width * height) + 1.5;
  for (let at = 0; at < isSky.length; at++) {
    const [x, y] = [at % width + 0.5, Math.floor(at / width) + 0.5];
    if (Math.hypot(x - light.x * width, y - light.y * height) < reach) isSky[at] = 1;
  }
}

/** Where a row shows none, the nearest that does. */
function skyRowsOf({ data, width, height }: Pixels, isSky: Uint8Array): number[][] {
  const rows: number[][] = [];
  for (let y = 0; y < height; y++) {
    const sum = [0, 0, 0, 0];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (isSky[at] === 0) continue;
      for (let channel = 0; channel < 3; channel++) sum[channel] += data[at * 4 + channel];
      sum[3]++;
    }
    const isEnough = sum[3] > width * 0.05;
    rows.push(isEnough ? sum.slice(0, 3).map((value) => value / sum[3]) : rows.at(-1) ?? [128, 128, 128]);
  }
  return rows;
}

/** Upright and level edges are rare where nobody builds. */
function isBuilt(small: Pixels, isSky: Uint8Array): boolean {
  const { width, height } = small;
  const plane = lightnessOf(small);
  let [straight, all] = [0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      if (isSky[at] === 1 || isSky[at - width] === 1) continue;
      const across = Math.abs(plane[at + 1] - plane[at - 1]);
      const down = Math.abs(plane[at + width] - plane[at - width]);
      const size = across + down;
      if (size < 18) continue;
      all += size;
      if (across > 3 * down) straight += size;
    }
  }
  return all > width * height * 2 && straight / all > 0.42;
}

function surroundingOf(
  { patches, main, horizon }: { patches: Colour[]; main: Colour[]; horizon: number | null },
): Surrounding {
  const end = Math.max(4, Math.round((horizon ?? 0.5) * coarse));
  const row = (y: number) => meanOf(patches.slice(y * coarse, (y + 1) * coarse));
  const sky = [0, 0.38, 0.74, 1].map((part) => row(Math.min(coarse - 1, Math.floor(part * (end - 1)))));
  return { sky, haze: mix(sky[3], main[2], 0.3), near: main[0] };
}

/** Follows the picture's own edges (He and Sun, "Fast Guided Filter", 2015). */
function refined(small: Pixels, isSky: Uint8Array): SkyMap {
  const { width, height } = small;
  const light = Float32Array.from(lightnessOf(small), (value) => value / 255);
  const sky = Float32Array.from(isSky);
  const means = (values: Float32Array) => boxed(values, { width, height, radius: 3 });
  const [meanLight, meanSky] = [means(light), means(sky)];
  const meanBoth = means(light.map((value, at) => value * sky[at]));
  const meanSquare = means(light.map((value) => value * value));
  const slope = meanBoth.map((value, at) =>
    (value - meanLight[at] * meanSky[at]) / (meanSquare[at] - meanLight[at] ** 2 + 0.0008)
  );
  const offset = meanSky.map((value, at) => value - slope[at] * meanLight[at]);
  return { width, height, slope: means(slope), offset: means(offset) };
}

/** The mean of the square around each value. */
function boxed(
  values: Float32Array,
  { width, height, radius }: { width: number; height: number; radius: number },
): Float32Array {
  const along = (source: Float32Array, { step, length, count, stride }: {
    step: number;
    length: number;
    count: number;
    stride: number;
  }) => {
    const result = new Float32Array(source.length);
    for (let line = 0; line < count; line++) {
      for (let at = 0; at < length; at++) {
        let [sum, found] = [0, 0];
        for (let near = Math.max(0, at - radius); near <= Math.min(length - 1, at + radius); near++) {
          sum += source[line * stride + near * step];
          found++;
        }
        result[line * stride + at * step] = sum / found;
      }
    }
    return result;
  };
  const rows = along(values, { step: 1, length: width, count: height, stride: width });
  return along(rows, { step: width, length: height, count: width, stride: 1 });
}

/** How much of each pixel of a picture is sky, from 0 to 255. */
export async function skyPlane(pixels: Pixels, { sky, horizon }: Look): Promise<Uint8Array> {
  const { width, height } = pixels;
  const plane = new Uint8Array(width * height);
  if (horizon === null) return plane;
  const light = lightnessOf(pixels);
  const columns = Array.from({ length: width }, (_, x) => between(x, { size: width, of: sky.width }));
  const rows = Array.from({ length: height }, (_, y) => between(y, { size: height, of: sky.height }));
  await inSlices(pixels, (from, to) => {
    for (let index = from; index < to; index++) {
      const [column, row] = [columns[index % width], rows[Math.floor(index / width)]];
      const slope = valueAt(sky.slope, { column, row, width: sky.width });
      const offset = valueAt(sky.offset, { column, row, width: sky.width });
      const share = Math.min(1, Math.max(0, (slope * light[index] / 255 + offset - 0.2) / 0.6));
      plane[index] = Math.round(255 * share * share * (3 - 2 * share));
    }
  });
  return plane;
}

interface Between {
  low: number;
  high: number;
  part: number;
}

function valueAt(
  values: Float32Array,
  { column: { low, high, part }, row, width }: { column: Between; row: Between; width: number },
): number {
  const [upper, lower] = [row.low * width, row.high * width];
  const above = values[upper + low] + (values[upper + high] - values[upper + low]) * part;
  const below = values[lower + low] + (values[lower + high] - values[lower + low]) * part;
  return above + (below - above) * row.part;
}

function between(at: number, { size, of }: { size: number; of: number }): Between {
  const place = Math.min(of - 1, Math.max(0, (at + 0.5) * of / size - 0.5));
  const low = Math.floor(place);
  return { low, high: Math.min(of - 1, low + 1), part: place - low };
}
