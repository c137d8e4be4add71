/** What a picture's file is called where people keep it. */
import { cutText } from "../graphemes.ts";

const extensions: { [contentType: string]: string } = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};

const maxNameChars = 60;
/**
 * File systems take names of 255 bytes; what archives put before one (an id) and systems after it (`.png`, ` (1)`)
 * needs room in them too.
 */
const maxNameBytes = 180;

/** Windows gives these to devices, whatever extension follows. */
const deviceName = /^(con|prn|aux|nul|(com|lpt)[0-9¹²³])$/;

/**
 * A file name made from the prompt: letters with their marks and digits of any script, words joined by dashes. What
 * is not seen, such as what turns the direction of writing, is left out; joiners inside of words belong to them.
 */
export function fileName(promptText: string, contentType: string): string {
  const seen = promptText.normalize("NFC").toLowerCase().replace(/(?![\u200c\u200d])\p{DI}/gu, "");
  const words = seen.match(/[\p{L}\p{N}](?:[\u200c\u200d]*[\p{L}\p{N}\p{Mn}\p{Mc}])*/gu) ?? [];
  const joined = words.join("-").normalize("NFC");
  const stem = cutText(joined, { chars: maxNameChars, bytes: maxNameBytes }).replace(/-$/, "");
  const name = deviceName.test(stem) ? `${stem}-image` : stem || "image";
  return `${name}.${extensions[contentType] ?? "bin"}`;
}
