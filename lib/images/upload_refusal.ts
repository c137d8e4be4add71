/** What is wrong with a picture that somebody sends, as it is told. */
import { BadUpload } from "../pixels/upright.ts";
import { Refusal } from "../refusal.ts";

/**
 * `unsupported_media_type` for what is no picture of ours, `too_large` for what is too much, `invalid_request` for what
 * can't be decoded; whatever else went wrong stays what it is.
 */
export function uploadRefusal(error: unknown, field: string): unknown {
  if (!(error instanceof BadUpload)) return error;
  const { message, reason } = error;
  if (reason === "other_format") return new Refusal("unsupported_media_type", message, { field });
  if (reason === "too_large") return new Refusal("too_large", message, { field });
  return new Refusal("invalid_request", message, { field, isUnprocessable: true });
}
