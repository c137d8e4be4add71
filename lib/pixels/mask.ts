/**
 * Masks: which part of a picture may change. In memory one byte a pixel, row by row from the top: 255 may change, 0
 * stays. Stored as a grey PNG in which white may change.
 */
import { Buffer } from "node:buffer";
import sharp, { type Sharp } from "sharp";
import type { MaskForm } from "../catalog/provider.ts";
import type { Rect, Size } from "../size.ts";
import { type Distances, distancesTo, unitsAPixel } from "./distance.ts";
import type { Raster } from "./raster.ts";
import { aside, eachRow, slicePixels } from "./slices.ts";
import { BadMask, demandShape } from "./mask_shape.ts";
import { decodeUpload } from "./upright.ts";

export type MaskPixels = Uint8Array;

/** In fractions of the picture, from its upper left corner. */
export interface Shape {
  kind: "rect" | "ellipse";
  x: number;
  y: number;
  width: number;
  height: number;
}

export const pictureParts = ["top", "bottom", "left", "right", "middle"] as const;
export type PicturePart = (typeof pictureParts)[number];

const third = 1 / 3;
const partShapes: { [part in PicturePart]: Omit<Shape, "kind"> } = {
  top: { x: 0, y: 0, width: 1, height: third },
  bottom: { x: 0, y: 2 * third, width: 1, height: third },
  left: { x: 0, y: 0, width: third, height: 1 },
  right: { x: 2 * third, y: 0, width: third, height: 1 },
  middle: { x: third, y: third, width: third, height: third },
};

/** A third of the picture at that side, or the middle of nine. */
export function shapeOfPart(part: PicturePart): Shape {
  return { kind: "rect", ...partShapes[part] };
}

/** All that is in one of the shapes, or with `invert` all that is in none. */
export function drawShapes(
  shapes: readonly Shape[],
  { size: { width, height }, invert = false }: { size: Size; invert?: boolean },
): MaskPixels {
  const mask = new Uint8Array(width * height).fill(invert ? 255 : 0);
  for (const shape of shapes) {
    for (let y = 0; y < height; y++) {
      const span = spanOf(shape, (y + 0.5) / height);
      if (span === null) continue;
      // A pixel belongs to the shape that its middle is in.
      const [from, to] = span.map((x) => Math.min(width, Math.max(0, Math.ceil(x * width - 0.5))));
      mask.fill(invert ? 0 : 255, y * width + from, y * width + to);
    }
  }
  return mask;
}

/** From where to where it reaches at that height. */
function spanOf({ kind, x, y, width, height }: Shape, at: number): [from: number, to: number] | null {
  if (at < y || at >= y + height) return null;
  if (kind === "rect") return [x, x + width];
  const half = width / 2 * Math.sqrt(1 - ((at - y) / height * 2 - 1) ** 2);
  return [x + width / 2 - half, x + width / 2 + half];
}

/**
 * From a picture file: where anything in it is transparent, what is transparent may change; else what is white, or with
 * `isDark` what is black. In between, half decides. Throws `BadMask` where its shape is not the base's, or with `isAlpha`
 * where nothing in it is transparent, and `BadUpload`.
 */
export async function readMask(
  bytes: Uint8Array,
  { base, isDark = false, isAlpha = false }: { base: Size; isDark?: boolean; isAlpha?: boolean },
): Promise<MaskPixels> {
  const raster = await decodeUpload(bytes);
  demandShape(raster, base);
  const { levels, isTransparent } = await levelsOf(raster);
  if (isAlpha && !isTransparent) {
    throw new BadMask("The mask marks nothing: what may change is transparent in it, and nothing is");
  }
  const fitted = await fitLevels(levels, { from: raster, to: base });
  return await halved(fitted, { size: base, isFlipped: isTransparent || isDark });
}

/** Its alpha where it is transparent anywhere, else how light it is (ITU-R BT.601). */
async function levelsOf(raster: Raster): Promise<{ levels: Uint8Array; isTransparent: boolean }> {
  const { data, channels, width } = raster;
  const light = new Uint8Array(width * raster.height);
  const alpha = channels === 4 ? new Uint8Array(light.length) : null;
  let isTransparent = false;
  await eachRow(raster, (y) => {
    const end = (y + 1) * width;
    for (let i = y * width, at = i * channels; i < end; i++, at += channels) {
      light[i] = (data[at] * 299 + data[at + 1] * 587 + data[at + 2] * 114 + 500) / 1000;
      if (alpha === null) continue;
      alpha[i] = data[at + 3];
      if (alpha[i] < 255) isTransparent = true;
    }
  });
  return { levels: alpha !== null && isTransparent ? alpha : light, isTransparent };
}

async function fitLevels(levels: Uint8Array, { from, to }: { from: Size; to: Size }): Promise<Uint8Array> {
  if (from.width === to.width && from.height === to.height) return levels;
  return await greyOf(levels, from).resize(to.width, to.height, { fit: "fill", kernel: "cubic" })
    .toColourspace("b-w").raw().toBuffer();
}

async function halved(
  levels: Uint8Array,
  { size, isFlipped }: { size: Size; isFlipped: boolean },
): Promise<MaskPixels> {
  const [light, dark] = isFlipped ? [0, 255] : [255, 0];
  const mask = new Uint8Array(levels.length);
  await eachRow(size, (y) => {
    const end = (y + 1) * size.width;
    for (let i = y * size.width; i < end; i++) mask[i] = levels[i] < 128 ? dark : light;
  });
  return mask;
}

/** The same mask for the picture in another size. */
export async function fitMask(mask: MaskPixels, { from, to }: { from: Size; to: Size }): Promise<MaskPixels> {
  const levels = await fitLevels(mask, { from, to });
  return levels === mask ? mask : await halved(levels, { size: to, isFlipped: false });
}

/** What may change stays, and the other way round. */
export function invertMask(mask: MaskPixels): MaskPixels {
  const inverted = new Uint8Array(mask.length + 3 & ~3);
  inverted.set(mask);
  const words = new Uint32Array(inverted.buffer);
  for (let i = 0; i < words.length; i++) words[i] = ~words[i];
  return inverted.subarray(0, mask.length);
}

/** By that many pixels at each edge, less where it is negative. What is beyond the picture counts as what it borders on. */
export async function growMask(
  mask: MaskPixels,
  { size, by }: { size: Size; by: number },
): Promise<MaskPixels> {
  const far = Math.floor(254 / unitsAPixel);
  let grown = mask;
  for (let left = Math.abs(by); left > 0; left -= far) {
    const step = Math.min(left, far);
    const distances = await distancesTo(grown, { size, isMarked: by > 0, cap: step * unitsAPixel + 1 });
    grown = await within(distances, { size, isMarked: by > 0, reach: step * unitsAPixel });
  }
  return grown;
}

async function within(
  distances: Distances,
  { size, isMarked, reach }: { size: Size; isMarked: boolean; reach: number },
): Promise<MaskPixels> {
  const [near, far] = isMarked ? [255, 0] : [0, 255];
  const mask = new Uint8Array(distances.length);
  await eachRow(size, (y) => {
    const end = (y + 1) * size.width;
    for (let i = y * size.width; i < end; i++) mask[i] = distances[i] <= reach ? near : far;
  });
  return mask;
}

/** How much of the picture may change, from 0 to 1. */
export function shareOf(mask: MaskPixels): number {
  const words = wordsOf(mask);
  let marked = 0;
  // Each byte is 0 or 255: its lowest bit counts, four at a time.
  for (let i = 0; i < words.length; i++) marked += Math.imul(words[i] & 0x01010101, 0x01010101) >>> 24;
  for (let i = words.length * 4; i < mask.length; i++) marked += mask[i] & 1;
  return marked / mask.length;
}

function wordsOf(mask: MaskPixels): Uint32Array {
  const aligned = mask.byteOffset % 4 === 0 ? mask : mask.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, mask.length >> 2);
}

/** The smallest rectangle with all that may change; null where nothing may. */
export function boundsOf(mask: MaskPixels, { width }: Size): Rect | null {
  const first = mask.indexOf(255);
  if (first < 0) return null;
  const top = Math.floor(first / width);
  const bottom = Math.floor(mask.lastIndexOf(255) / width);
  let [left, right] = [width, -1];
  for (let y = top; y <= bottom; y++) {
    const row = mask.subarray(y * width, (y + 1) * width);
    const from = row.subarray(0, left).indexOf(255);
    if (from >= 0) left = from;
    const to = row.subarray(right + 1).lastIndexOf(255);
    if (to >= 0) right += to + 1;
  }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Throws `BadMask` where nothing or everything may change. */
export function demandPart(mask: MaskPixels): void {
  const share = shareOf(mask);
  if (share === 0) throw new BadMask("The mask marks nothing");
  if (share === 1) throw new BadMask("The mask marks everything; leave it away");
}

/**
 * What is connected with a point and similar to its colour: no channel differs by more than `tolerance`, 0 to 255. The
 * point is in fractions of the picture.
 */
export async function floodFill(
  base: Raster,
  { x, y, tolerance }: { x: number; y: number; tolerance: number },
): Promise<MaskPixels> {
  const { width, height } = base;
  const place = (fraction: number, length: number) =>
    Math.min(length - 1, Math.max(0, Math.floor(fraction * length)));
  const start = place(y, height) * width + place(x, width);
  const isSimilar = similarTo(base, { start, tolerance });
  const mask = new Uint8Array(width * height);
  const isOpen = (i: number) => mask[i] === 0 && isSimilar(i);
  const waiting = [start];
  let done = 0;
  for (let seed = waiting.pop(); seed !== undefined; seed = waiting.pop()) {
    if (!isOpen(seed)) continue;
    const row = seed - seed % width;
    let [from, to] = [seed, seed + 1];
    while (from > row && isOpen(from - 1)) from--;
    while (to < row + width && isOpen(to)) to++;
    mask.fill(255, from, to);
    for (const shift of [-width, width]) {
      if (row + shift < 0 || row + shift >= mask.length) continue;
      // One seed for each run beside this one.
      for (let i = from; i < to; i++) {
        if (isOpen(i + shift) && (i === from || !isOpen(i + shift - 1))) waiting.push(i + shift);
      }
    }
    done += to - from;
    if (done >= slicePixels / 2) {
      done = 0;
      await aside();
    }
  }
  return mask;
}

function similarTo(
  { data, channels }: Raster,
  { start, tolerance }: { start: number; tolerance: number },
): (i: number) => boolean {
  const colour = data.slice(start * channels, (start + 1) * channels);
  const isClear = channels === 4 && colour[3] === 0;
  return (i) => {
    const at = i * channels;
    if (isClear && data[at + 3] === 0) return true;
    for (let channel = 0; channel < channels; channel++) {
      if (Math.abs(data[at + channel] - colour[channel]) > tolerance) return false;
    }
    return true;
  };
}

/** As a model takes it, as PNG. */
export async function encodeMask(
  mask: MaskPixels,
  { size, form }: { size: Size; form: MaskForm },
): Promise<Uint8Array> {
  switch (form) {
    case "white":
    case "binary-white":
      return await greyPng(mask, size);
    case "black":
      return await greyPng(invertMask(mask), size);
    case "alpha": {
      const black = sharp({ create: { ...size, channels: 3, background: "#000" }, limitInputPixels: false });
      const { width, height } = size;
      return await black.joinChannel(bufferOf(invertMask(mask)), { raw: { width, height, channels: 1 } })
        .png(packing).toBuffer();
    }
  }
}

/** The same bytes. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

const packing = { compressionLevel: 6, adaptiveFiltering: false };

/** As it is stored. */
export async function encodeStoredMask(mask: MaskPixels, size: Size): Promise<Uint8Array> {
  return await greyPng(mask, size);
}

/** One that is stored. */
export async function decodeStoredMask(bytes: Uint8Array): Promise<{ mask: MaskPixels; size: Size }> {
  const { data, info } = await sharp(bytes).toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 1) throw new Error(`A mask of ${info.channels} channels`);
  return { mask: data, size: { width: info.width, height: info.height } };
}

async function greyPng(levels: Uint8Array, size: Size): Promise<Uint8Array> {
  return await greyOf(levels, size).toColourspace("b-w").png(packing).toBuffer();
}

function greyOf(levels: Uint8Array, { width, height }: Size): Sharp {
  return sharp(levels, { raw: { width, height, channels: 1 }, limitInputPixels: false });
}
