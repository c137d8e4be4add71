/**
 * Texts that some tools hide in the pixels of a picture, where no text of the file is left ("stealth pnginfo", as NovelAI
 * and an extension of Stable Diffusion's web interface write it): the lowest bits of the transparency, or else of the
 * colours, column by column. There are a mark, the length in bits, and the text, as it is or packed with gzip.
 */
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";
import { formatOf } from "./format.ts";
import type { PictureText } from "./picture_texts.ts";

/** Larger pictures than such tools make are not looked into. */
const maxPixels = 16_000_000;
const maxTextBytes = 2 * 1024 * 1024;
const maxTexts = 40;

const marks: { mark: string; isInColours: boolean; isPacked: boolean }[] = [
  { mark: "stealth_pnginfo", isInColours: false, isPacked: false },
  { mark: "stealth_pngcomp", isInColours: false, isPacked: true },
  { mark: "stealth_rgbinfo", isInColours: true, isPacked: false },
  { mark: "stealth_rgbcomp", isInColours: true, isPacked: true },
];
const markBytes = 15;

/** Empty where nothing is hidden; a text is null where it is there, but too long or broken. */
export async function readHiddenTexts(file: Uint8Array): Promise<PictureText[]> {
  const pixels = await decode(file);
  if (pixels === null) return [];
  for (const { mark, isInColours, isPacked } of marks) {
    const read = (range: { from: number; count: number }) => bytesIn(pixels, { ...range, isInColours });
    if (read({ from: 0, count: markBytes })?.toString("latin1") !== mark) continue;
    const count = (read({ from: markBytes, count: 4 })?.readUInt32BE() ?? 0) / 8;
    const hidden = count <= maxTextBytes ? read({ from: markBytes + 4, count: Math.floor(count) }) : null;
    return textsOf(isPacked ? unpack(hidden) : hidden);
  }
  return [];
}

interface Pixels {
  data: Buffer;
  width: number;
  height: number;
  channels: number;
}

/** Null for what keeps no lowest bits, is too large, or no picture at all. */
async function decode(file: Uint8Array): Promise<Pixels | null> {
  if (!["png", "webp"].includes(formatOf(file) ?? "")) return null;
  try {
    const { data, info } = await sharp(file, { limitInputPixels: maxPixels }).toColourspace("srgb").raw()
      .toBuffer({ resolveWithObject: true });
    return info.channels < 3 ? null : { data, ...info };
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

/** Null where the picture has not as many. */
function bytesIn(
  { data, width, height, channels }: Pixels,
  { from, count, isInColours }: { from: number; count: number; isInColours: boolean },
): Buffer | null {
  const perPixel = isInColours ? 3 : 1;
  if ((!isInColours && channels < 4) || (from + count) * 8 > width * height * perPixel) return null;
  const bytes = Buffer.alloc(count);
  for (let i = 0; i < count * 8; i++) {
    const bit = from * 8 + i;
    const pixel = Math.floor(bit / perPixel);
    const at = ((pixel % height) * width + Math.floor(pixel / height)) * channels;
    const channel = isInColours ? bit % 3 : 3;
    bytes[i >> 3] |= (data[at + channel] & 1) << (7 - i % 8);
  }
  return bytes;
}

function unpack(packed: Buffer | null): Buffer | null {
  if (packed === null) return null;
  try {
    return gunzipSync(packed, { maxOutputLength: maxTextBytes });
  } catch (error) {
    // Broken, or too large once it is unpacked.
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}

/** An object of texts by name, as NovelAI's, or one that would stand under `parameters`. */
function textsOf(bytes: Buffer | null): PictureText[] {
  if (bytes === null) return [{ name: "parameters", text: null }];
  const text = bytes.toString("utf8");
  const named = namedTexts(text);
  return named.length > 0 ? named : [{ name: "parameters", text }];
}

function namedTexts(text: string): PictureText[] {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null || !("Comment" in json || "parameters" in json)) return [];
    return Object.entries(json).slice(0, maxTexts)
      .flatMap(([name, value]) => typeof value === "string" ? [{ name, text: value }] : []);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
