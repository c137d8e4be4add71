/**
 * What of a picture file is needed to show it, and what is said in it besides. Parts are taken over as they are, so not a
 * pixel changes (PNG specification, section 11; ITU T.81, annex B; RFC 9649).
 */
import { Buffer } from "node:buffer";
import { formatOf } from "./format.ts";

export interface PictureParts {
  /** The file with nothing but what shows the picture. */
  bare: Uint8Array;
  /** Content credentials (C2PA); empty where there are none. */
  credentials: Buffer;
  /** Whether there was anything else in it. */
  hasOthers: boolean;
}

/** What a part is good for: to show the picture, as credentials, or for nothing of the two. */
type Use = "picture" | "credentials" | "other";

interface Part {
  use: Use;
  bytes: Buffer;
}

/** Of a file that can be decoded. */
export function partsOf(file: Uint8Array): PictureParts {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const parts = [...readParts(bytes)];
  const used = (use: Use) => parts.filter((part) => part.use === use).map((part) => part.bytes);
  const read = parts.reduce((length, part) => length + part.bytes.length, 0);
  return {
    bare: closed(Buffer.concat(used("picture"))),
    credentials: Buffer.concat(used("credentials")),
    hasOthers: used("other").length > 0 || read < bytes.length,
  };
}

function* readParts(file: Buffer): Generator<Part> {
  switch (formatOf(file)) {
    case "png":
      return yield* partsOfPng(file);
    case "jpeg":
      return yield* partsOfJpeg(file);
    case "webp":
      return yield* partsOfWebp(file);
  }
}

const shownChunks = [
  "IHDR",
  "PLTE",
  "IDAT",
  "IEND",
  "tRNS",
  "cHRM",
  "gAMA",
  "iCCP",
  "sBIT",
  "sRGB",
  "cICP",
  "pHYs",
];

function* partsOfPng(file: Buffer): Generator<Part> {
  yield { use: "picture", bytes: file.subarray(0, 8) };
  for (let start = 8; start + 12 <= file.length;) {
    const end = start + 12 + file.readUInt32BE(start);
    const type = file.toString("latin1", start + 4, start + 8);
    const use = shownChunks.includes(type) ? "picture" : type === "caBX" ? "credentials" : "other";
    yield { use, bytes: file.subarray(start, end) };
    if (type === "IEND") return;
    start = end;
  }
}

const markers = { app0: 0xe0, app2: 0xe2, app11: 0xeb, app14: 0xee, app15: 0xef, comment: 0xfe };
const scan = 0xda;
const end = 0xd9;
const profileName = Buffer.from("ICC_PROFILE\0");

function* partsOfJpeg(file: Buffer): Generator<Part> {
  yield { use: "picture", bytes: file.subarray(0, 2) };
  for (let start = 2; start + 2 <= file.length;) {
    // Any number of them may stand before a marker.
    if (file[start] === 0xff && file[start + 1] === 0xff) {
      start++;
      continue;
    }
    const marker = file[start + 1];
    if (marker === end) {
      return yield { use: "picture", bytes: file.subarray(start, start + 2) };
    }
    if (start + 4 > file.length) return;
    const segmentEnd = start + 2 + file.readUInt16BE(start + 2);
    const next = marker === scan ? endOfScan(file, segmentEnd) : segmentEnd;
    yield {
      use: useOfSegment(marker, file.subarray(start + 4, segmentEnd)),
      bytes: file.subarray(start, next),
    };
    start = next;
  }
}

function useOfSegment(marker: number, data: Buffer): Use {
  const isApplication = marker >= markers.app0 && marker <= markers.app15;
  if (!isApplication) return marker === markers.comment ? "other" : "picture";
  if (marker === markers.app11) return "credentials";
  const isProfile = marker === markers.app2 && data.subarray(0, profileName.length).equals(profileName);
  return marker === markers.app0 || marker === markers.app14 || isProfile ? "picture" : "other";
}

/** Where the next marker stands that is neither a restart nor a byte of the scan (ITU T.81, section B.1.1.5). */
function endOfScan(file: Buffer, start: number): number {
  let at = file.indexOf(0xff, start);
  while (at >= 0 && (file[at + 1] === 0 || (file[at + 1] >= 0xd0 && file[at + 1] <= 0xd7))) {
    at = file.indexOf(0xff, at + 2);
  }
  return at < 0 ? file.length : at;
}

const shownWebpChunks = ["VP8 ", "VP8L", "VP8X", "ALPH", "ICCP"];

function* partsOfWebp(file: Buffer): Generator<Part> {
  yield { use: "picture", bytes: file.subarray(0, 12) };
  for (let start = 12; start + 8 <= file.length;) {
    const length = file.readUInt32LE(start + 4);
    const type = file.toString("latin1", start, start + 4);
    const next = start + 8 + length + length % 2;
    const use = shownWebpChunks.includes(type) ? "picture" : type === "C2PA" ? "credentials" : "other";
    yield { use, bytes: file.subarray(start, next) };
    start = next;
  }
}

const flags = { profile: 0x20, alpha: 0x10, exif: 0x08, xmp: 0x04 };

/** A WebP says how long it is, and what it has. */
function closed(file: Buffer): Buffer {
  if (formatOf(file) !== "webp") return file;
  file.writeUInt32LE(file.length - 8, 4);
  if (file.toString("latin1", 12, 16) === "VP8X") file[20] &= ~(flags.exif | flags.xmp);
  return file;
}

/** The segment that holds XMP in a JPEG (XMP specification, part 3, section 1.1.3), right after its beginning. */
export function addJpegXmp(jpeg: Uint8Array, xmp: string): Uint8Array {
  const data = Buffer.from(`http://ns.adobe.com/xap/1.0/\0${xmp}`);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  // What says that it is JFIF comes first.
  const at = jpeg[3] === markers.app0 ? 4 + Buffer.from(jpeg.subarray(4, 6)).readUInt16BE() : 2;
  return Buffer.concat([jpeg.subarray(0, at), head, data, jpeg.subarray(at)]);
}

/** The chunk that holds XMP in a WebP, at its end; a simple one becomes an extended one for it. */
export function addWebpXmp(
  webp: Uint8Array,
  { xmp, width, height }: { xmp: string; width: number; height: number },
): Uint8Array {
  const simple = Buffer.from(webp);
  const isExtended = simple.toString("latin1", 12, 16) === "VP8X";
  const head = isExtended ? simple.subarray(12, 30) : extendedHead({ simple, width, height });
  const extended = Buffer.from(head);
  extended[8] |= flags.xmp;
  const text = Buffer.from(xmp);
  const chunk = Buffer.alloc(8 + text.length + text.length % 2);
  chunk.write("XMP ");
  chunk.writeUInt32LE(text.length, 4);
  chunk.set(text, 8);
  return closedLength(
    Buffer.concat([simple.subarray(0, 12), extended, simple.subarray(isExtended ? 30 : 12), chunk]),
  );
}

/** In a lossless one the fifth byte of its data ends the sizes and says whether pixels may be see-through. */
const losslessAlpha = 0x10;

function extendedHead(
  { simple, width, height }: { simple: Buffer; width: number; height: number },
): Buffer {
  const head = Buffer.alloc(18);
  head.write("VP8X");
  head.writeUInt32LE(10, 4);
  const isLossless = simple.toString("latin1", 12, 16) === "VP8L";
  if (isLossless && (simple[24] & losslessAlpha) !== 0) head[8] |= flags.alpha;
  head.writeUIntLE(width - 1, 12, 3);
  head.writeUIntLE(height - 1, 15, 3);
  return head;
}

function closedLength(file: Buffer): Buffer {
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}
