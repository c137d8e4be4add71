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
