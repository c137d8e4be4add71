/** Pictures as plain pixels: what is compared, cut and put together. */
import sharp, { type Sharp } from "sharp";
import type { Rect, Size } from "../size.ts";
import { formatOf, nameOfBytes } from "./format.ts";
import { BadPicture } from "./picture.ts";
import { eachRow } from "./slices.ts";

/** Pixels of 8-bit sRGB, with or without alpha, row by row from the top. */
export interface Raster extends Size {
  data: Uint8Array;
  channels: 3 | 4;
}

/** More pixels than this are not decoded. */
const maxPixels = 50_000_000;

/**
 * The one decoding that "the same" is measured by: the whole picture upright, converted to sRGB by its profile, alpha
 * as it is.
 */
export async function decodeRaster(bytes: Uint8Array): Promise<Raster> {
  return await rasterOf(openPicture(bytes));
}

/** Upright. What else sharp reads, such as SVG, may draw for as long as it likes: nothing of it gets there. */
export function openPicture(bytes: Uint8Array): Sharp {
  if (formatOf(bytes) === null) throw new BadPicture(`Not a PNG, JPEG or WebP: it is ${nameOfBytes(bytes)}`);
  return sharp(bytes, { limitInputPixels: maxPixels }).autoOrient();
}

/** What a sharp pipeline makes, as 8-bit sRGB. */
export async function rasterOf(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3 && channels !== 4) throw new Error(`sRGB of ${channels} channels`);
  return { data, width, height, channels };
}

/** The pixels to go on with in sharp. */
export function pixelsOf({ data, width, height, channels }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

/** Exactly these pixels as PNG. */
export async function encodePng(raster: Raster): Promise<Uint8Array> {
  return await pixelsOf(raster).png({ compressionLevel: 6 }).toBuffer();
}

/** The same with an alpha channel. */
export async function withAlpha(raster: Raster): Promise<Raster> {
  const { data, width, height, channels } = raster;
  if (channels === 4) return raster;
  const wide = new Uint8Array(width * height * 4);
  await eachRow(raster, (y) => {
    const end = (y + 1) * width;
    for (let i = y * width; i < end; i++) {
      wide[i * 4] = data[i * 3];
      wide[i * 4 + 1] = data[i * 3 + 1];
      wide[i * 4 + 2] = data[i * 3 + 2];
      wide[i * 4 + 3] = 255;
    }
  });
  return { data: wide, width, height, channels: 4 };
}

/** What both have; of no width or height where they don't meet. */
export function intersection(one: Rect, other: Rect): Rect {
  const left = Math.max(one.left, other.left);
  const top = Math.max(one.top, other.top);
  const right = Math.min(one.left + one.width, other.left + other.width);
  const bottom = Math.min(one.top + one.height, other.top + other.height);
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}
