/** Pictures as bytes, four a pixel: red, green, blue and opacity. */
import { setImmediate } from "node:timers/promises";
import sharp, { type Sharp } from "sharp";
import type { Rect, Size } from "../../size.ts";

export interface Pixels extends Size {
  data: Uint8Array;
}

/** Its own pixels where it has that size already. */
export async function decode(bytes: Uint8Array, size: Size): Promise<Pixels> {
  const picture = sharp(bytes).toColourspace("srgb").ensureAlpha();
  const { width, height } = await sharp(bytes).metadata();
  if (width !== size.width || height !== size.height) {
    picture.resize({ width: size.width, height: size.height, fit: "fill" });
  }
  return pixelsOf(await picture.raw({ depth: "uchar" }).toBuffer(), size);
}

/** Without the channel for opacity where everything is opaque. */
export async function encode(pixels: Pixels): Promise<Uint8Array> {
  const picture = toSharp(pixels);
  if (isOpaque(pixels)) picture.removeAlpha();
  return await picture.png({ compressionLevel: 6 }).toBuffer();
}

export function toSharp({ data, width, height }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels: 4 } });
}

export async function resized(pixels: Pixels, size: Size): Promise<Pixels> {
  const { width, height } = size;
  if (pixels.width === width && pixels.height === height) return pixels;
  return pixelsOf(await toSharp(pixels).resize({ width, height, fit: "fill" }).raw().toBuffer(), size);
}

export function copyOf({ data, width, height }: Pixels): Pixels {
  // A Node buffer's own `slice` would share its bytes.
  return { data: new Uint8Array(data), width, height };
}

export function cropped(pixels: Pixels, { left, top, width, height }: Rect): Pixels {
  const data = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * pixels.width + left) * 4;
    data.set(pixels.data.subarray(from, from + width * 4), row * width * 4);
  }
  return { data, width, height };
}

/** The same for one plane of bytes. */
export async function resizedPlane(
  plane: Uint8Array,
  { from: { width, height }, to }: { from: Size; to: Size },
): Promise<Uint8Array> {
  if (width === to.width && height === to.height) return plane;
  const picture = sharp(plane, { raw: { width, height, channels: 1 } });
  const { width: wide, height: high } = to;
  return await picture.resize({ width: wide, height: high, fit: "fill" }).toColourspace("b-w").raw()
    .toBuffer();
}

/** Draws an SVG; what it leaves free is transparent. */
export async function drawn(svg: string, size: Size): Promise<Pixels> {
  const { width, height } = size;
  const picture = sharp(new TextEncoder().encode(svg));
  return pixelsOf(await picture.resize({ width, height, fit: "fill" }).ensureAlpha().raw().toBuffer(), size);
}

/** Softens one plane of bytes. */
export async function blurred(
  plane: Uint8Array,
  { width, height, sigma }: Size & { sigma: number },
): Promise<Uint8Array> {
  if (sigma < 0.3) return plane;
  const raw = { width, height, channels: 1 as const };
  return await sharp(plane, { raw }).blur(Math.min(1000, sigma)).toColourspace("b-w").raw().toBuffer();
}

/** How light each pixel is, one byte a pixel. */
export function lightnessOf({ data, width, height }: Pixels): Uint8Array {
  const plane = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < plane.length; at++, from += 4) {
    plane[at] = (data[from] * 77 + data[from + 1] * 151 + data[from + 2] * 28) >> 8;
  }
  return plane;
}

/** Lays one picture over another, in place; `share` from 0 to 1 for a pixel, and everywhere if absent. */
export async function layOver(
  under: Pixels,
  over: Pixels,
  { opacity = 1, share }: { opacity?: number; share?: (at: number) => number },
): Promise<void> {
  const [below, above] = [under.data, over.data];
  await inSlices(under, (from, to) => {
    for (let at = from; at < to; at++) {
      const index = at * 4;
      if (above[index + 3] === 0) continue;
      const part = above[index + 3] / 255 * opacity * (share === undefined ? 1 : share(at));
      if (part <= 0) continue;
      const whole = part + below[index + 3] / 255 * (1 - part);
      for (let channel = index; channel < index + 3; channel++) {
        below[channel] = Math.round(below[channel] + (above[channel] - below[channel]) * part / whole);
      }
      below[index + 3] = Math.round(whole * 255);
    }
  });
}

/** Goes from one picture to another of its size, in place; `share` from 0 to 1 for a pixel. */
export async function blend(
  pixels: Pixels,
  other: Pixels,
  share: (at: number) => number,
): Promise<void> {
  const [data, target] = [pixels.data, other.data];
  await inSlices(pixels, (from, to) => {
    for (let at = from; at < to; at++) {
      const part = share(at);
      if (part <= 0) continue;
      for (let channel = at * 4; channel < at * 4 + 4; channel++) {
        data[channel] = Math.round(data[channel] + (target[channel] - data[channel]) * part);
      }
    }
  });
}

const slicePixels = 200_000;

/** Does a picture's pixels in slices, so that a large one does not keep the others waiting. */
export async function inSlices(
  { width, height }: Size,
  work: (from: number, to: number) => void,
): Promise<void> {
  const count = width * height;
  const step = Math.max(width, Math.floor(slicePixels / width) * width);
  for (let from = 0; from < count; from += step) {
    if (from > 0) await setImmediate();
    work(from, Math.min(count, from + step));
  }
}

function pixelsOf(data: Uint8Array, { width, height }: Size): Pixels {
  return { data, width, height };
}

function isOpaque({ data }: Pixels): boolean {
  for (let index = 3; index < data.length; index += 4) if (data[index] !== 255) return false;
  return true;
}
