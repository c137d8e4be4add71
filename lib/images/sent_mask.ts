/** A mask that somebody sends as a picture. */
import { BadMask, type MaskPixels, readMask } from "../pixels/mask.ts";
import { BadPicture } from "../pixels/picture.ts";
import { formatOf } from "../pixels/format.ts";
import { Refusal } from "../refusal.ts";
import type { Size } from "../size.ts";

/**
 * One byte for each pixel of the base, 255 where it may change. Refuses with `unsupported_media_type` what is no picture,
 * and with `invalid_request` one of another shape or that can't be decoded.
 */
export async function readSentMask(
  bytes: Uint8Array,
  { base, isDark }: { base: Size; isDark: boolean },
): Promise<MaskPixels> {
  if (formatOf(bytes) === null) {
    throw new Refusal("unsupported_media_type", "A mask is a PNG, JPEG or WebP", { field: "mask" });
  }
  try {
    return await readMask(bytes, { base, isDark });
  } catch (error) {
    if (error instanceof BadMask) throw new Refusal("invalid_request", error.message, { field: "mask" });
    if (!(error instanceof BadPicture)) throw error;
    const words = `The mask can't be read: ${error.message}`;
    throw new Refusal("invalid_request", words, { field: "mask", isUnprocessable: true });
  }
}
