/**
 * The font that watermarks are drawn with, and which letters it has: a letter that it lacks would become a box with
 * digits in a picture that was paid for. Other fonts of the machine do not count, so that every machine draws the same.
 */
import { Buffer } from "node:buffer";
import bytes from "dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf" with { type: "bytes" };
import { graphemesOf } from "../graphemes.ts";

export const watermarkFont = { name: "DejaVu Sans Bold", bytes };

/** What a reader sees as letters of this text that can't be drawn, each once; empty where all can. */
export function lettersNotDrawn(text: string): string[] {
  const hasGlyph = readCoverage(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return [...new Set(graphemesOf(text.normalize("NFC")).filter((letter) => !isDrawn(letter, hasGlyph)))];
}

/** Something of it can be seen. */
export function isSeen(text: string): boolean {
  return /[^\p{DI}\p{White_Space}\p{C}]/u.test(text);
}

const composed = /\p{RGI_Emoji_ZWJ_Sequence}|\p{RGI_Emoji_Flag_Sequence}|\p{RGI_Emoji_Modifier_Sequence}/v;

/** What shows nothing needs no letter; but a picture that is put together of several is not drawn as one. */
function isDrawn(letter: string, hasGlyph: (codePoint: number) => boolean): boolean {
  if (composed.test(letter)) return false;
  return Array.from(letter).every((char) =>
    /[\p{DI}\p{White_Space}]/u.test(char) || hasGlyph(char.codePointAt(0)!)
  );
}

/** The table `cmap` of the font (OpenType specification, formats 4 and 12): which code points have a glyph. */
function readCoverage(font: Buffer): (codePoint: number) => boolean {
  const ranges = subtables(font).flatMap((table) => {
    switch (table.readUInt16BE(0)) {
      case 4:
        return readSegments(table);
      case 12:
        return readGroups(table);
      default:
        return [];
    }
  });
  return (codePoint) =>
    ranges.some(({ first, last, has }) => first <= codePoint && codePoint <= last && has(codePoint));
}

interface Covered {
  first: number;
  last: number;
  /** Within the range; glyph 0 stands for none. */
  has(codePoint: number): boolean;
}

function subtables(font: Buffer): Buffer[] {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, i) => 12 + 16 * i);
  const record = tables.find((at) => font.toString("latin1", at, at + 4) === "cmap");
  if (record === undefined) throw new Error("The font of watermarks says of no letter that it has it");
  const cmap = font.subarray(font.readUInt32BE(record + 8));
  const unicodePlatforms = [0, 3];
  const entries = Array.from({ length: cmap.readUInt16BE(2) }, (_, i) => 4 + 8 * i);
  return entries.filter((at) => unicodePlatforms.includes(cmap.readUInt16BE(at)))
    .map((at) => cmap.subarray(cmap.readUInt32BE(at + 4)));
}

function readSegments(table: Buffer): Covered[] {
  const size = table.readUInt16BE(6);
  const [ends, starts, deltas, offsets] = [14, 16 + size, 16 + 2 * size, 16 + 3 * size];
  return Array.from({ length: size / 2 }, (_, i) => {
    const [last, first] = [table.readUInt16BE(ends + 2 * i), table.readUInt16BE(starts + 2 * i)];
    const [delta, offset] = [table.readUInt16BE(deltas + 2 * i), table.readUInt16BE(offsets + 2 * i)];
    const has = (codePoint: number) => {
      if (offset === 0) return ((codePoint + delta) & 0xffff) !== 0;
      return table.readUInt16BE(offsets + 2 * i + offset + 2 * (codePoint - first)) !== 0;
    };
    return { first, last, has };
  }).filter(({ first }) => first !== 0xffff);
}

function readGroups(table: Buffer): Covered[] {
  return Array.from({ length: table.readUInt32BE(12) }, (_, i) => 16 + 12 * i).map((at) => {
    const [first, last] = [table.readUInt32BE(at), table.readUInt32BE(at + 4)];
    return { first, last, has: (codePoint: number) => table.readUInt32BE(at + 8) + codePoint - first !== 0 };
  });
}
