/**
 * Writes text into picture files, without touching a pixel: PNG text chunks (PNG specification, section 11.3.3), and
 * EXIF's `UserComment` in JPEG and WebP (CIPA DC-008, section 4.6.5), where other tools look for settings too.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

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

const maxParts = 10_000;

function* webpChunks(file: Buffer): Generator<{ type: string; start: number; end: number }> {
  let start = 12;
  for (let part = 0; part < maxParts && start + 8 <= file.length; part++) {
    const length = file.readUInt32LE(start + 4);
    yield { type: file.toString("latin1", start, start + 4), start, end: start + 8 + length };
    start += 8 + length + length % 2;
  }
}
