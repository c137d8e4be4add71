/** A mask that somebody sends as a picture. */
import { type MaskPixels, readMask } from "../pixels/mask.ts";
import { BadMask } from "../pixels/mask_shape.ts";
import { Refusal } from "../refusal.ts";
import type { Size } from "../size.ts";
import { uploadRefusal } from "./upload_refusal.ts";

/**
 * One byte for each pixel of the base, 255 where it may change. Refuses with `unsupported_media_type` what is no picture,
 * with `too_large` what is too much, and with `invalid_request` one of another shape or that can't be decoded.
 */
export async function readSentMask(
  bytes: Uint8Array,
  { base, ...rule }: { base: Size; isDark?: boolean; isAlpha?: boolean },
): Promise<MaskPixels> {
  try {
    return await readMask(bytes, { base, ...rule });
  } catch (error) {
    if (error instanceof BadMask) throw new Refusal("invalid_request", error.message, { field: "mask" });
    throw uploadRefusal(error, "mask");
  }
}
