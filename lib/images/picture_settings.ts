/** The generator's fields as somebody's picture file says them; its pixels are not looked at. */
import { parametersKeyword, readEmbeddedText } from "../pixels/embedded_text.ts";
import { Refusal } from "../refusal.ts";
import { readParameters } from "./generation_parameters.ts";
import type { FormFields } from "../prompts/prompt_draft.ts";
import { formatOf } from "../pixels/format.ts";

/** Refuses with `unsupported_media_type` or `invalid_request`; every other file brings fields, unchecked. */
export function readPictureSettings(bytes: Uint8Array): FormFields {
  if (formatOf(bytes) === null) {
    throw new Refusal("unsupported_media_type", "Settings are read from PNG, JPEG and WebP pictures");
  }
  const text = readEmbeddedText(bytes, parametersKeyword);
  const fields = text === null ? null : readParameters(text);
  if (fields !== null) return fields;
  throw new Refusal("invalid_request", "There are no settings in this picture");
}
