/**
 * Pictures that somebody uploads: decoded whole, turned upright and converted once to 8-bit sRGB, so that everybody who
 * decodes them later sees the same numbers; and without what a camera or program wrote beside the pixels. A file in
 * which nothing of that had to change stays as it is, byte for byte.
 */
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { formatOf, nameOfBytes, type PictureFormat } from "./format.ts";
import { BadPicture, type PictureFacts } from "./picture.ts";
import { encodePng, type Raster, rasterOf } from "./raster.ts";
import { tintOf } from "./tint.ts";

export const uploadLimits = { bytes: 20 * 1024 * 1024, pixels: 25_000_000 };

/** The bytes can't be taken: no PNG, JPEG or WebP at all; one that is broken or moves; too large. */
export class BadUpload extends BadPicture {
  constructor(readonly reason: "other_format" | "broken" | "too_large", message: string, cause?: unknown) {
    super(message, { cause });
  }
}

export interface UprightPicture {
  bytes: Uint8Array;
  facts: PictureFacts;
  /** These are the bytes that came. */
  isAsItCame: boolean;
}

/** Throws `BadUpload`. */
export async function uprightPicture(bytes: Uint8Array): Promise<UprightPicture> {
  const { format, isPlain } = await inspectUpload(bytes);
  const raster = await decodeWhole(bytes);
  const { width, height, channels } = raster;
  const tint = tintOf(raster.data, { size: raster, channels, shown: raster });
  const isAsItCame = isPlain && isBare(bytes);
  return {
    bytes: isAsItCame ? bytes : await encodePng(raster),
    facts: { width, height, tint, contentType: isAsItCame ? `image/${format}` : "image/png" },
    isAsItCame,
  };
}

/** The pixels alone, under the same rules. Throws `BadUpload`. */
export async function decodeUpload(bytes: Uint8Array): Promise<Raster> {
  await inspectUpload(bytes);
  return await decodeWhole(bytes);
}

/** By what the file says of itself; nothing is decoded. Throws `BadUpload`. */
async function inspectUpload(bytes: Uint8Array): Promise<{ format: PictureFormat; isPlain: boolean }> {
  if (bytes.length > uploadLimits.bytes) {
    const mib = tenthsAbove(bytes.length / 1024 / 1024);
    throw new BadUpload(
      "too_large",
      `The file has ${mib} MiB; ${uploadLimits.bytes / 1024 / 1024} MiB is the most`,
    );
  }
  const format = formatOf(bytes);
  if (format === null) {
    throw new BadUpload("other_format", `Not a PNG, JPEG or WebP: it is ${nameOfBytes(bytes)}`);
  }
  const { width, height, pages = 1, space } = await orBroken(
    () => sharp(bytes, { failOn: "warning", limitInputPixels: false }).metadata(),
  );
  if (width * height > uploadLimits.pixels) {
    const megapixels = tenthsAbove(width * height / 1e6);
    throw new BadUpload(
      "too_large",
      `The picture has ${megapixels} megapixels; ${uploadLimits.pixels / 1e6} is the most`,
    );
  }
  if (pages > 1 || (format === "png" && movesPng(bytes))) {
    throw new BadUpload("broken", "The picture moves; only still ones are taken");
  }
  // A turn, a profile and a palette stand in parts of the file that may not stay in it.
  return { format, isPlain: space === "srgb" };
}

/** Rounded up, so that what is too much never looks like the most. */
function tenthsAbove(value: number): string {
  return (Math.ceil(value * 10) / 10).toFixed(1);
}

async function decodeWhole(bytes: Uint8Array): Promise<Raster> {
  return await orBroken(() =>
    rasterOf(sharp(bytes, { failOn: "warning", limitInputPixels: uploadLimits.pixels }).autoOrient())
  );
}

async function orBroken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0];
    throw new BadUpload("broken", `The picture can't be decoded: ${why}`, error);
  }
}

/** It has pixels and what they need, and nothing else: no metadata, no profile, nothing behind its end. */
export function isBare(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (formatOf(bytes)) {
    case "png":
      return isBarePng(file);
    case "jpeg":
      return isBareJpeg(file);
    case "webp":
      return isBareWebp(file);
    case null:
      return false;
  }
}

interface Chunk {
  type: string;
  data: Buffer;
  end: number;
}

/** Chunks as far as they are whole. */
function* pngChunks(file: Buffer): Generator<Chunk> {
  let start = 8;
  while (start + 12 <= file.length) {
    const end = start + 12 + file.readUInt32BE(start);
    if (end > file.length) return;
    yield {
      type: file.toString("latin1", start + 4, start + 8),
      data: file.subarray(start + 8, end - 4),
      end,
    };
    start = end;
  }
}

/** Of sRGB, as it is written beside it (PNG specification, section 11.3.2). */
const gammaOfSrgb = 45_455;

/** Chunks of a PNG that may stay (PNG specification, section 11). */
const bareChunks: { [type: string]: (data: Buffer) => boolean } = {
  IHDR: (data) => data.length === 13,
  pHYs: (data) => data.length === 9,
  sRGB: (data) => data.length === 1,
  gAMA: (data) => data.length === 4 && data.readUInt32BE() === gammaOfSrgb,
  IDAT: () => true,
  IEND: (data) => data.length === 0,
};

function isBarePng(file: Buffer): boolean {
  for (const { type, data, end } of pngChunks(file)) {
    if (!Object.hasOwn(bareChunks, type) || !bareChunks[type](data)) return false;
    if (type === "IEND") return end === file.length;
  }
  return false;
}

/** An animated PNG has a count of its frames (PNG specification, section 11.3.6). */
function movesPng(bytes: Uint8Array): boolean {
  for (const { type, data } of pngChunks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
    if (type === "acTL") return data.length < 8 || data.readUInt32BE() > 1;
    if (type === "IDAT") return false;
  }
  return false;
}

/** Frame headers, tables and restarts of a JPEG (ITU T.81, table B.1). */
const bareMarkers = [0xc0, 0xc1, 0xc2, 0xc4, 0xdb, 0xdd];
const markers = { app0: 0xe0, app14: 0xee, startOfScan: 0xda, end: 0xd9 };
const jfif = { name: Buffer.from("JFIF\0"), length: 14 };
const adobe = { name: Buffer.from("Adobe"), length: 12 };

function isBareJpeg(file: Buffer): boolean {
  let start = 2;
  while (start + 4 <= file.length && file[start] === 0xff) {
    const marker = file[start + 1];
    const end = start + 2 + file.readUInt16BE(start + 2);
    const data = file.subarray(start + 4, end);
    const isKnown = bareMarkers.includes(marker) ||
      (marker === markers.app0 && isSegment(data, jfif)) ||
      (marker === markers.app14 && isSegment(data, adobe));
    if (marker !== markers.startOfScan && !isKnown) return false;
    start = marker === markers.startOfScan ? endOfScan(file, end) : end;
    if (file[start] === 0xff && file[start + 1] === markers.end) return start + 2 === file.length;
  }
  return false;
}

function isSegment(data: Buffer, { name, length }: { name: Buffer; length: number }): boolean {
  return data.length === length && data.subarray(0, name.length).equals(name);
}

/** Where the next marker stands that is neither a restart nor a byte of the scan (ITU T.81, section B.1.1.5). */
function endOfScan(file: Buffer, start: number): number {
  let at = file.indexOf(0xff, start);
  while (at >= 0 && (file[at + 1] === 0 || (file[at + 1] >= 0xd0 && file[at + 1] <= 0xd7))) {
    at = file.indexOf(0xff, at + 2);
  }
  return at < 0 ? file.length : at;
}

const bareWebpChunks = ["VP8 ", "VP8L", "VP8X", "ALPH"];
/** In the flags of an extended WebP: a profile, EXIF, XMP, animation. */
const webpExtras = 0x20 | 0x08 | 0x04 | 0x02;

function isBareWebp(file: Buffer): boolean {
  let start = 12;
  while (start + 8 <= file.length) {
    const type = file.toString("latin1", start, start + 4);
    if (!bareWebpChunks.includes(type)) return false;
    if (type === "VP8X" && (file[start + 8] & webpExtras) !== 0) return false;
    const length = file.readUInt32LE(start + 4);
    start += 8 + length + length % 2;
  }
  return start === file.length && file.readUInt32LE(4) + 8 === file.length;
}
