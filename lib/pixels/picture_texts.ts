/**
 * The texts inside of a picture file, without touching a pixel: PNG text chunks (PNG specification, section 11.3.3),
 * EXIF (CIPA DC-008, section 4.6) and XMP in all three formats, and JPEG comments. Tools keep their settings in all of
 * these. What is read comes from anybody: nothing is believed, labels of encodings least of all, and everything has
 * a limit.
 */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { formatOf } from "./format.ts";

export interface PictureText {
  /** A PNG keyword, or `UserComment`, `ImageDescription`, `Make`, `Model`, `Software`, `XPComment`, `xmp`, `comment`. */
  name: string;
  /** Null: it is there, but too long or broken. */
  text: string | null;
}

/** Longer texts, and what unpacks to more, are not read. */
const maxTextBytes = 2 * 1024 * 1024;
/** More texts than this are not read, nor any once so many bytes were. */
const maxTexts = 40;
const maxAllBytes = 8 * 1024 * 1024;
const maxParts = 10_000;

/** The texts in the order of the file, the first of each name. */
export function readPictureTexts(bytes: Uint8Array): PictureText[] {
  const found = new Map<string, PictureText>();
  let left = maxAllBytes;
  for (const { name, read } of textsIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
    if (found.has(name)) continue;
    if (found.size === maxTexts || left <= 0) break;
    const text = read();
    left -= text === null ? maxTextBytes : text.length;
    found.set(name, { name, text });
  }
  return [...found.values()];
}

/** A text that is there; unpacked and decoded only when it is asked for. */
interface Place {
  name: string;
  read(): string | null;
}

function* textsIn(file: Buffer): Generator<Place> {
  try {
    switch (formatOf(file)) {
      case "png":
        return yield* textsInPng(file);
      case "jpeg":
        return yield* textsInJpeg(file);
      case "webp":
        return yield* textsInWebp(file);
    }
  } catch (error) {
    // The file ends in the middle of something, or points out of itself.
    if (!(error instanceof RangeError)) throw error;
  }
}

const pngSignatureLength = 8;

function* textsInPng(file: Buffer): Generator<Place> {
  let start = pngSignatureLength;
  for (let part = 0; part < maxParts && start + 12 <= file.length; part++) {
    const length = file.readUInt32BE(start);
    const type = file.toString("latin1", start + 4, start + 8);
    const data = file.subarray(start + 8, start + 8 + length);
    if (type === "IEND") return;
    if (type === "eXIf") yield* textsInExif(withoutMarker(data));
    const keyword = /^[tzi](TXt|EXt)$/.test(type) ? data.subarray(0, 80).indexOf(0) : -1;
    if (keyword > 0) {
      const name = data.toString("latin1", 0, keyword);
      yield {
        name: name === "XML:com.adobe.xmp" ? "xmp" : name,
        read: () => readPngText(type, data.subarray(keyword + 1)),
      };
    }
    start += length + 12;
  }
}

function readPngText(type: string, rest: Buffer): string | null {
  if (type === "tEXt") return decode(rest);
  if (type === "zTXt") return decode(unpack(rest.subarray(1)));
  const isPacked = rest[0] === 1;
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return null;
  const text = rest.subarray(translated + 1);
  return decode(isPacked ? unpack(text) : text);
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

const exifMarker = Buffer.from("Exif\0\0");
const xmpMarker = Buffer.from("http://ns.adobe.com/xap/1.0/\0");

function* textsInJpeg(file: Buffer): Generator<Place> {
  let start = 2;
  for (let part = 0; part < maxParts && start + 4 <= file.length; part++) {
    const marker = file.readUInt16BE(start);
    const length = file.readUInt16BE(start + 2);
    const isPixels = marker === 0xffda;
    if (isPixels || marker >> 8 !== 0xff || length < 2) return;
    const data = file.subarray(start + 4, start + 2 + length);
    if (marker === 0xffe1 && startsWith(data, exifMarker)) yield* textsInExif(withoutMarker(data));
    if (marker === 0xffe1 && startsWith(data, xmpMarker)) {
      yield { name: "xmp", read: () => decode(data.subarray(xmpMarker.length)) };
    }
    if (marker === 0xfffe) yield { name: "comment", read: () => decode(data) };
    start += length + 2;
  }
}

function* textsInWebp(file: Buffer): Generator<Place> {
  let start = 12;
  for (let part = 0; part < maxParts && start + 8 <= file.length; part++) {
    const length = file.readUInt32LE(start + 4);
    const type = file.toString("latin1", start, start + 4);
    const data = file.subarray(start + 8, start + 8 + length);
    if (type === "EXIF") yield* textsInExif(withoutMarker(data));
    if (type === "XMP ") yield { name: "xmp", read: () => decode(data) };
    start += 8 + length + length % 2;
  }
}

function withoutMarker(data: Buffer): Buffer {
  return startsWith(data, exifMarker) ? data.subarray(exifMarker.length) : data;
}

const maxEntries = 1000;
const exifDirectory = 0x8769;

const exifNames: { [tag: number]: string } = {
  0x010e: "ImageDescription",
  0x010f: "Make",
  0x0110: "Model",
  0x0131: "Software",
  0x9286: "UserComment",
  0x9c9c: "XPComment",
};
/** Bytes of a value, by its type: one each, but for these. */
const typeSizes: { [type: number]: number } = { 3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8 };

/** Both directories are looked at, and none twice; what points out of the block is left out. */
function* textsInExif(tiff: Buffer): Generator<Place> {
  const order = tiff.toString("latin1", 0, 2);
  if (tiff.length < 8 || (order !== "MM" && order !== "II")) return;
  const isBig = order === "MM";
  const u16 = (at: number) => isBig ? tiff.readUInt16BE(at) : tiff.readUInt16LE(at);
  const u32 = (at: number) => isBig ? tiff.readUInt32BE(at) : tiff.readUInt32LE(at);
  const directories = [u32(4)];
  for (const [index, directory] of directories.entries()) {
    if (directory + 2 > tiff.length) continue;
    const count = Math.min(u16(directory), maxEntries, Math.floor((tiff.length - directory - 2) / 12));
    for (let i = 0; i < count; i++) {
      const at = directory + 2 + 12 * i;
      const tag = u16(at);
      if (tag === exifDirectory && index === 0) directories.push(u32(at + 8));
      if (exifNames[tag] === undefined) continue;
      const length = u32(at + 4) * (typeSizes[u16(at + 2)] ?? 1);
      const start = length <= 4 ? at + 8 : u32(at + 8);
      if (start + length > tiff.length) continue;
      const value = tiff.subarray(start, start + length);
      yield { name: exifNames[tag], read: () => readExifText(exifNames[tag], { value, isBig }) };
    }
  }
}

const commentPrefixes = ["ASCII\0\0\0", "UNICODE\0", "JIS\0\0\0\0\0", "\0\0\0\0\0\0\0\0"];

/** A comment begins with the name of its encoding, which many programs get wrong: what the bytes look like counts. */
function readExifText(name: string, { value, isBig }: { value: Buffer; isBig: boolean }): string | null {
  if (name === "XPComment") return decode(value, { isWide: true, isBig: false });
  const prefix = value.toString("latin1", 0, 8);
  if (name !== "UserComment" || !commentPrefixes.includes(prefix)) return decode(value);
  const text = value.subarray(8);
  if (prefix.startsWith("JIS")) return decode(text, { encoding: "iso-2022-jp" });
  return decode(text, { isWide: prefix === "UNICODE\0", isBig });
}

interface Guess {
  /** Said to be UTF-16, in that order. */
  isWide?: boolean;
  isBig?: boolean;
  /** Said to be in this one, where it is neither. */
  encoding?: string;
}

/** UTF-8 where the bytes are that, UTF-16 where they look like it or nothing else fits, else one byte a letter. */
function decode(
  bytes: Buffer | null,
  { isWide = false, isBig = false, encoding }: Guess = {},
): string | null {
  if (bytes === null || bytes.length > maxTextBytes) return null;
  if (startsWith(bytes, Buffer.from([0xff, 0xfe]))) return wide(bytes.subarray(2), false);
  if (startsWith(bytes, Buffer.from([0xfe, 0xff]))) return wide(bytes.subarray(2), true);
  const order = orderOf(bytes);
  if (order !== null) return likelierWide(bytes, order);
  const plain = bytes.subarray(0, lengthWithoutEnd(bytes));
  const utf8 = tryDecode(plain, "utf-8");
  const isMarked = utf8 !== null && encoding !== undefined && utf8.includes("\x1b");
  if (utf8 !== null && !isMarked && !(isWide && control.test(utf8))) return utf8;
  if (isWide) return likelierWide(bytes, isBig);
  return (encoding && tryDecode(plain, encoding)) ?? plain.toString("latin1");
}

const control = /[^\P{Cc}\t\n\r]/u;

/** Letters of Latin scripts, digits and line breaks have an empty byte in UTF-16, and tell where it is. */
function orderOf(bytes: Buffer): boolean | null {
  let [even, odd] = [0, 0];
  const end = lengthWithoutEnd(bytes) - 1;
  for (let i = 0; i < end; i += 2) {
    even += Number(bytes[i] === 0);
    odd += Number(bytes[i + 1] === 0);
  }
  return even + odd === 0 || even === odd ? null : even > odd;
}

function wide(bytes: Buffer, isBig: boolean): string {
  const whole = Buffer.from(bytes.subarray(0, bytes.length - bytes.length % 2));
  const text = (isBig ? whole.swap16() : whole).toString("utf16le");
  return text.replace(/\0+$/, "").replace(/^\ufeff/, "");
}

/** In this order, unless the text makes clearly more sense in the other: programs take that of the file for it. */
function likelierWide(bytes: Buffer, isBig: boolean): string {
  const [likely, other] = [wide(bytes, isBig), wide(bytes, !isBig)];
  return oddity(likely) > 1.2 * oddity(other) ? other : likely;
}

const oddityChars = 2000;

/**
 * A text stays within a few blocks of 256 letters, and has hardly any that nobody writes: unassigned, private, halves of
 * others, controls. With its bytes the other way round it is all over the place.
 */
function oddity(text: string): number {
  const start = text.slice(0, oddityChars);
  const blocks = new Set(Array.from(start, (letter) => letter.codePointAt(0)! >> 8)).size;
  return blocks + 3 * (start.match(/[\p{Cn}\p{Co}\p{Cs}]|[^\P{Cc}\t\n\r]/gu)?.length ?? 0);
}

function tryDecode(bytes: Buffer, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Without the empty bytes that end a text in some programs. */
function lengthWithoutEnd(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

function startsWith(data: Buffer, start: Buffer): boolean {
  return data.subarray(0, start.length).equals(start);
}
