/**
 * Text inside picture files, without touching a pixel: PNG text chunks (PNG specification, section 11.3.3), and EXIF's
 * `UserComment` in JPEG and WebP (CIPA DC-008, section 4.6.5), where other tools for generated images keep their
 * settings too. What is read comes from anybody: nothing is believed, and everything has a limit.
 */
import { Buffer } from "node:buffer";
import { crc32, inflateSync } from "node:zlib";
import { formatOf } from "./format.ts";

/** The name under which tools for generated images keep a picture's settings. */
export const parametersKeyword = "parameters";

const pngSignatureLength = 8;
const pngHeaderLength = 25;

/** Adds an uncompressed `iTXt` chunk right after `IHDR`. */
export function addPngText(png: Uint8Array, keyword: string, text: string): Uint8Array {
  const body = Buffer.from(`iTXt${keyword}\0\0\0\0\0${text}`);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return insert(png, { at: pngSignatureLength + pngHeaderLength, bytes: chunk });
}

const exifMarker = Buffer.from("Exif\0\0");
const longestSegment = 65_533;

/** Adds an EXIF segment with that comment; text that is too long for one is cut. */
export function addJpegComment(jpeg: Uint8Array, text: string): Uint8Array {
  const room = (longestSegment - exifMarker.length - exifOf("").length) >> 1;
  const exif = Buffer.concat([exifMarker, exifOf(text.slice(0, room).toWellFormed())]);
  const segment = Buffer.alloc(exif.length + 4);
  segment.writeUInt16BE(0xffe1);
  segment.writeUInt16BE(exif.length + 2, 2);
  segment.set(exif, 4);
  return insert(jpeg, { at: 2, bytes: segment });
}

const hasExif = 0x08;

/** Adds an EXIF chunk with that comment to an extended WebP, before its XMP. */
export function addWebpComment(webp: Uint8Array, text: string): Uint8Array {
  const exif = exifOf(text);
  const chunk = Buffer.alloc(8 + exif.length + exif.length % 2);
  chunk.write("EXIF");
  chunk.writeUInt32LE(exif.length, 4);
  chunk.set(exif, 8);
  const chunks = [...webpChunks(Buffer.from(webp))];
  if (chunks[0]?.type !== "VP8X") throw new Error("Only an extended WebP can hold EXIF");
  const at = chunks.find(({ type }) => type === "XMP ")?.start ?? webp.length;
  const file = Buffer.from(insert(webp, { at, bytes: chunk }));
  file[chunks[0].start + 8] |= hasExif;
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}

function insert(file: Uint8Array, { at, bytes }: { at: number; bytes: Uint8Array }): Uint8Array {
  return Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]);
}

const tags = { exifDirectory: 0x8769, userComment: 0x9286 };
const types = { long: 4, undefined: 7 };

/** One directory that leads to another, which holds the comment: big-endian, as its UTF-16 is. */
function exifOf(comment: string): Buffer {
  const text = Buffer.concat([Buffer.from("UNICODE\0"), Buffer.from(comment, "utf16le").swap16()]);
  const directory = (entry: { tag: number; type: number; count: number; value: number }) => {
    const bytes = Buffer.alloc(18);
    bytes.writeUInt16BE(1);
    bytes.writeUInt16BE(entry.tag, 2);
    bytes.writeUInt16BE(entry.type, 4);
    bytes.writeUInt32BE(entry.count, 6);
    bytes.writeUInt32BE(entry.value, 10);
    return bytes;
  };
  return Buffer.concat([
    Buffer.from("MM\0*\0\0\0\x08", "latin1"),
    directory({ tag: tags.exifDirectory, type: types.long, count: 1, value: 26 }),
    directory({ tag: tags.userComment, type: types.undefined, count: text.length, value: 44 }),
    text,
  ]);
}

/** Longer texts, and what unpacks to more, are not read. */
const maxTextBytes = 256 * 1024;
const maxParts = 10_000;

/** The text under a keyword in a PNG, or the EXIF comment of any of the three; null where there is none to read. */
export function readEmbeddedText(bytes: Uint8Array, keyword: string): string | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    switch (formatOf(bytes)) {
      case "png":
        return readPng(file, keyword);
      case "jpeg":
        return readJpeg(file);
      case "webp":
        return readWebp(file);
      case null:
        return null;
    }
  } catch (error) {
    // The file ends in the middle of something, or points out of itself.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readPng(file: Buffer, keyword: string): string | null {
  let start = pngSignatureLength;
  for (let part = 0; part < maxParts && start + 12 <= file.length; part++) {
    const length = file.readUInt32BE(start);
    const type = file.toString("latin1", start + 4, start + 8);
    const data = file.subarray(start + 8, start + 8 + length);
    if (type === "IEND") return null;
    if (isTextUnder(keyword, { type, data })) return readPngText(type, data);
    const comment = type === "eXIf" ? readExif(data) : null;
    if (comment !== null) return comment;
    start += length + 12;
  }
  return null;
}

function isTextUnder(keyword: string, { type, data }: { type: string; data: Buffer }): boolean {
  return ["tEXt", "zTXt", "iTXt"].includes(type) && startsWith(data, Buffer.from(`${keyword}\0`));
}

/** The first text under the keyword counts, readable or not: unpacking one after another could go on for long. */
function readPngText(type: string, data: Buffer): string | null {
  const rest = data.subarray(data.indexOf(0) + 1);
  if (type === "tEXt") return rest.length > maxTextBytes ? null : rest.toString("latin1");
  if (type === "zTXt") return unpack(rest.subarray(1))?.toString("latin1") ?? null;
  const isPacked = rest[0] === 1;
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return null;
  const text = rest.subarray(translated + 1);
  if (isPacked) return unpack(text)?.toString() ?? null;
  return text.length > maxTextBytes ? null : text.toString();
}

function unpack(packed: Buffer): Buffer | null {
  try {
    return inflateSync(packed, { maxOutputLength: maxTextBytes });
  } catch (error) {
    // Broken, or too large once it is unpacked.
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}

function readJpeg(file: Buffer): string | null {
  let start = 2;
  for (let part = 0; part < maxParts && start + 4 <= file.length; part++) {
    const marker = file.readUInt16BE(start);
    const length = file.readUInt16BE(start + 2);
    const isPixels = marker === 0xffda;
    if (isPixels || marker >> 8 !== 0xff || length < 2) return null;
    const data = file.subarray(start + 4, start + 2 + length);
    if (marker === 0xffe1 && startsWith(data, exifMarker)) {
      const text = readExif(data.subarray(exifMarker.length));
      if (text !== null) return text;
    }
    start += length + 2;
  }
  return null;
}

function readWebp(file: Buffer): string | null {
  for (const { type, start, end } of webpChunks(file)) {
    if (type !== "EXIF") continue;
    const data = file.subarray(start + 8, end);
    return readExif(startsWith(data, exifMarker) ? data.subarray(exifMarker.length) : data);
  }
  return null;
}

function* webpChunks(file: Buffer): Generator<{ type: string; start: number; end: number }> {
  let start = 12;
  for (let part = 0; part < maxParts && start + 8 <= file.length; part++) {
    const length = file.readUInt32LE(start + 4);
    yield { type: file.toString("latin1", start, start + 4), start, end: start + 8 + length };
    start += 8 + length + length % 2;
  }
}

const maxEntries = 1000;

function readExif(tiff: Buffer): string | null {
  const order = tiff.toString("latin1", 0, 2);
  if (order !== "MM" && order !== "II") return null;
  const isBig = order === "MM";
  const u16 = (at: number) => isBig ? tiff.readUInt16BE(at) : tiff.readUInt16LE(at);
  const u32 = (at: number) => isBig ? tiff.readUInt32BE(at) : tiff.readUInt32LE(at);
  const find = (directory: number, tag: number) => {
    const count = Math.min(u16(directory), maxEntries);
    for (let at = directory + 2; at < directory + 2 + 12 * count; at += 12) {
      if (u16(at) === tag) return { count: u32(at + 4), value: u32(at + 8) };
    }
    return null;
  };
  const exif = find(u32(4), tags.exifDirectory);
  const comment = exif && find(exif.value, tags.userComment);
  if (comment === null || comment.count <= 8 || comment.count > maxTextBytes) return null;
  if (comment.value + comment.count > tiff.length) return null;
  return readComment(tiff.subarray(comment.value, comment.value + comment.count), { isBig });
}

function readComment(comment: Buffer, { isBig }: { isBig: boolean }): string | null {
  const text = Buffer.from(comment.subarray(8));
  switch (comment.toString("latin1", 0, 8)) {
    case "ASCII\0\0\0":
      return text.toString();
    case "UNICODE\0": {
      const whole = text.subarray(0, text.length - text.length % 2);
      return (isBigText(whole) ?? isBig ? whole.swap16() : whole).toString("utf16le");
    }
  }
  return null;
}

/** Programs disagree about the order of bytes; letters of Latin scripts give it away. */
function isBigText(text: Buffer): boolean | null {
  let balance = 0;
  for (let i = 0; i + 1 < text.length; i += 2) balance += Number(text[i] === 0) - Number(text[i + 1] === 0);
  return balance === 0 ? null : balance > 0;
}

function startsWith(data: Buffer, start: Buffer): boolean {
  return data.subarray(0, start.length).equals(start);
}
