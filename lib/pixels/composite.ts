/**
 * Puts what a model made into the picture it was made from: where the mask says that nothing changes, each number stays as
 * it is. The edge of what changes is feathered inward only, so that nothing outside of it is touched.
 */
import type { Rect, Size } from "../size.ts";
import { distancesTo, unitsAPixel } from "./distance.ts";
import { compareEdge, type Edge, ringWidth } from "./edge.ts";
import { boundsOf, type MaskPixels } from "./mask.ts";
import { intersection, openPicture, type Raster, rasterOf, withAlpha } from "./raster.ts";
import { eachRow } from "./slices.ts";

/** In pixels. */
export const maxFeather = 64;

export interface Composite {
  raster: Raster;
  /** How well the result fits around what changes; null where nothing is around it. */
  edge: Edge | null;
}

/**
 * `area` is the part of the base that the result stands for, and may reach beyond it; null for all of it. A result of
 * another size is resized, of another ratio cropped around its centre. The pixels of `base` are written over.
 */
export async function composite(
  { base, result, mask, feather, area }: {
    base: Raster;
    result: Uint8Array;
    mask: MaskPixels;
    feather: number;
    area: Rect | null;
  },
): Promise<Composite> {
  if (mask.length !== base.width * base.height) throw new Error("The mask is not of the base's size");
  const whole = { left: 0, top: 0, width: base.width, height: base.height };
  const placed = area ?? whole;
  const bounds = boundsOf(mask, base);
  const part = bounds && intersection(aroundIt(bounds), intersection(placed, whole));
  if (part === null || part.width === 0 || part.height === 0) return { raster: base, edge: null };
  const fitted = await fitResult(result, { area: placed, part });
  const partMask = cutMask(mask, { width: base.width, part });
  const edge = await compareEdge({ base, fitted, mask: partMask, part });
  const alpha = await featheredAlpha(partMask, { size: part, feather: Math.min(feather, maxFeather) });
  const raster = await isSeeThrough(fitted, alpha) ? await withAlpha(base) : base;
  await blend(raster, { fitted, alpha, part });
  return { raster, edge };
}

/** With room for the ring, and for what is outside of it to be known as that. */
function aroundIt({ left, top, width, height }: Rect): Rect {
  const margin = ringWidth + 1;
  return { left: left - margin, top: top - margin, width: width + 2 * margin, height: height + 2 * margin };
}

/** Of the result, as large as the area, what stands at that part of the base. */
async function fitResult(bytes: Uint8Array, { area, part }: { area: Rect; part: Rect }): Promise<Raster> {
  const { width, height } = area;
  const fitted = openPicture(bytes)
    .resize(width, height, { fit: "cover", position: "centre", kernel: "lanczos3", fastShrinkOnLoad: false });
  const isWhole = part.width === width && part.height === height;
  if (isWhole) return await rasterOf(fitted);
  return await rasterOf(fitted.extract({ ...part, left: part.left - area.left, top: part.top - area.top }));
}

function cutMask(mask: MaskPixels, { width, part }: { width: number; part: Rect }): MaskPixels {
  if (part.width * part.height === mask.length) return mask;
  const cut = new Uint8Array(part.width * part.height);
  for (let y = 0; y < part.height; y++) {
    const start = (part.top + y) * width + part.left;
    cut.set(mask.subarray(start, start + part.width), y * part.width);
  }
  return cut;
}

/**
 * How much of the result is seen at each pixel: nothing outside of the mask, all of it from `feather` pixels inside.
 * Where a part is too thin for that, it is all seen in its middle: a stroke must not fade away.
 */
export async function featheredAlpha(
  mask: MaskPixels,
  { size, feather }: { size: Size; feather: number },
): Promise<Uint8Array> {
  if (feather === 0) return mask;
  const cap = (feather + 1) * unitsAPixel;
  const depths = await distancesTo(mask, { size, isMarked: false, cap });
  const depthsAround = await deepestNear(depths, size);
  await eachRow(size, (y) => {
    const end = (y + 1) * size.width;
    for (let i = y * size.width; i < end; i++) {
      if (depths[i] > 0) depths[i] = smooth[Math.floor(depths[i] * 255 / depthsAround[i])];
    }
  });
  return depths;
}

/** Rises slowly, then quickly, then slowly from 0 to 255, without a line to be seen at either end. */
const smooth = Uint8Array.from(
  { length: 256 },
  (_, i) => Math.round(255 * (i / 255) ** 2 * (3 - 2 * i / 255)),
);

/** The depth of the deepest place of the same part, less the farther away that is: by a third of a pixel for each. */
async function deepestNear(depths: Uint8Array, { width, height }: Size): Promise<Uint8Array> {
  const deepest = depths.slice();
  await eachRow({ width, height }, (y) => {
    handOn(deepest, { start: y * width, width, step: 1, other: y > 0 ? -width : 0 });
  });
  await eachRow({ width, height, isUpward: true }, (y) => {
    handOn(deepest, { start: (y + 1) * width - 1, width, step: -1, other: y < height - 1 ? width : 0 });
  });
  return deepest;
}

function handOn(
  deepest: Uint8Array,
  { start, width, step, other }: { start: number; width: number; step: 1 | -1; other: number },
): void {
  let before = 0;
  for (let n = 0, i = start; n < width; n++, i += step) {
    let most = deepest[i];
    if (most > 0) {
      let near = before;
      if (other !== 0) {
        near = Math.max(near, deepest[i + other]);
        if (n > 0) near = Math.max(near, deepest[i + other - step]);
        if (n < width - 1) near = Math.max(near, deepest[i + other + step]);
      }
      most = Math.max(most, near - 1);
      deepest[i] = most;
    }
    before = most;
  }
}

/** The result is not opaque in all that is taken from it. */
async function isSeeThrough(fitted: Raster, alpha: Uint8Array): Promise<boolean> {
  if (fitted.channels === 3) return false;
  let isOpaque = true;
  await eachRow(fitted, (y) => {
    const end = (y + 1) * fitted.width;
    for (let i = y * fitted.width; i < end && isOpaque; i++) {
      if (alpha[i] > 0 && fitted.data[i * 4 + 3] < 255) isOpaque = false;
    }
  });
  return !isOpaque;
}

async function blend(
  raster: Raster,
  { fitted, alpha, part }: { fitted: Raster; alpha: Uint8Array; part: Rect },
): Promise<void> {
  const { data, channels } = raster;
  await eachRow(part, (y) => {
    const row = y * part.width;
    const start = (part.top + y) * raster.width + part.left;
    for (let x = 0; x < part.width; x++) {
      const share = alpha[row + x];
      if (share === 0) continue;
      const at = (start + x) * channels;
      const from = (row + x) * fitted.channels;
      for (let channel = 0; channel < channels; channel++) {
        const made = channel === 3 && fitted.channels === 3 ? 255 : fitted.data[from + channel];
        data[at + channel] = Math.floor((data[at + channel] * (255 - share) + made * share + 127) / 255);
      }
    }
  });
}
