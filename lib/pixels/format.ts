/** The formats in which Darkroom takes, keeps and hands out pictures. */
import { Buffer } from "node:buffer";

export const pictureFormats = ["png", "jpeg", "webp"] as const;
export type PictureFormat = (typeof pictureFormats)[number];

/** By its first bytes; null for everything else. */
export function formatOf(bytes: Uint8Array): PictureFormat | null {
  const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  return start.startsWith("RIFF") && start.endsWith("WEBP") ? "webp" : null;
}

const otherFormats: [offset: number, start: string, name: string][] = [
  [4, "ftypavi", "an AVIF"],
  [4, "ftyphe", "a HEIC"],
  [4, "ftypmif1", "a HEIC"],
  [4, "ftyp", "a video"],
  [0, "\xff\n", "a JPEG XL"],
  [0, "\0\0\0\fJXL ", "a JPEG XL"],
  [0, "GIF8", "a GIF"],
  [0, "BM", "a BMP"],
  [0, "II*\0", "a TIFF"],
  [0, "MM\0*", "a TIFF"],
  [0, "%PDF-", "a PDF"],
  [0, "PK\u0003\u0004", "a ZIP archive"],
];

/** What bytes are that are none of our formats, in words such as "an AVIF" or "3 bytes of text". */
export function nameOfBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const head = bytes.subarray(0, 512);
  const start = Buffer.from(head).toString("latin1");
  const isText = head.every((byte) => byte >= 0x20 ? byte !== 0x7f : [9, 10, 12, 13].includes(byte));
  if (isText && /^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/i.test(start)) return "an SVG";
  if (isText && /^\s*<(!doctype html|html)/i.test(start)) return "a page (HTML)";
  const count = bytes.length === 1 ? "1 byte" : `${bytes.length} bytes`;
  if (isText && !start.startsWith("%PDF-")) return `${count} of text`;
  const name = otherFormats.find(([offset, letters]) => start.startsWith(letters, offset))?.[2];
  return name ?? `${count} of something else`;
}
