/** What may be asked for: one schema for the JSON API, the forms and quotes, then checked against the chosen model. */
import { z } from "zod";
import { readFields } from "../fields.ts";
import { cutText } from "../graphemes.ts";
import { Refusal } from "../refusal.ts";
import { type Models, unknownModel } from "../catalog/models.ts";
import { isSeen, lettersNotDrawn } from "../pixels/watermark_font.ts";
import type { PromptRequest } from "./prompt.ts";
import type { Model, Range } from "../catalog/provider.ts";

export const defaultSize = "1024x1024";
export const maxSeed = 4_294_967_295;
const maxWatermarkChars = 100;
const maxNegativeChars = 1000;
/** In UTF-16 units: a record of the database has 64 KiB, and what becomes of the prompt needs room in it too. */
const mostStoredUnits = 20_000;

const promptMissing = "Prompt is required and must be a non-empty string";

/** Text that survives every encoding: no NUL or other control characters, no half of a surrogate pair. */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text);
}

const cleanText = (name: string, max: number) =>
  z.string({ error: `${name} must be text` })
    .max(max, `${name} must be at most ${max} characters`)
    .refine(isCleanText, `${name} must not contain control characters or broken Unicode`);

/** The fields of a request as they come; unknown ones are refused by name. */
export const promptInput = z.strictObject({
  prompt: z.string({ error: promptMissing }).refine((text) => text.trim() !== "", promptMissing)
    .refine(isCleanText, "Prompt must not contain control characters or broken Unicode"),
  model: z.string({ error: "Model must be text" }).optional(),
  imageSize: z.string({ error: "Image size must be text such as 1024x1024" }).optional(),
  count: z.int({ error: "count must be a whole number from 1 to 8" })
    .min(1, "count must be a whole number from 1 to 8").max(8, "count must be a whole number from 1 to 8")
    .optional(),
  watermark: cleanText("watermark", maxWatermarkChars).optional(),
  seed: z.int({ error: `seed must be a whole number from 0 to ${maxSeed}` })
    .min(0, `seed must be a whole number from 0 to ${maxSeed}`)
    .max(maxSeed, `seed must be a whole number from 0 to ${maxSeed}`).optional(),
  negativePrompt: cleanText("negativePrompt", maxNegativeChars).optional(),
  guidance: z.number({ error: "guidance must be a number" }).optional(),
  steps: z.int({ error: "steps must be a whole number" }).optional(),
});

/** A complete request for a model on offer; throws `Refusal`. */
export function checkPromptRequest(
  input: unknown,
  { models, maxChars }: { models: Models; maxChars: number },
): { request: PromptRequest; model: Model } {
  const { prompt, imageSize = defaultSize, count = 1, watermark, ...rest } = readFields(promptInput, input, {
    refuse: (field, words) => refuseField(field, words, { input, models }),
  });
  if (Array.from(prompt).length > maxChars) {
    throw new Refusal("invalid_prompt", `Prompt must be at most ${maxChars} characters`, { field: "prompt" });
  }
  if (prompt.length > mostStoredUnits) {
    const words =
      `Prompt must be at most ${mostStoredUnits} characters, where emoji and rare letters count two`;
    throw new Refusal("invalid_prompt", words, { field: "prompt" });
  }
  const model = models.choose(rest.model);
  if (!model.sizes.includes(imageSize)) throw invalidSize(model);
  if (count > model.maxCount) {
    throw new Refusal("invalid_request", `count must be a whole number from 1 to ${model.maxCount}`, {
      field: "count",
    });
  }
  const { seed, negativePrompt, guidance, steps } = rest;
  const request: PromptRequest = {
    taskType: "TEXT_TO_IMAGE",
    text: prompt,
    model: model.id,
    imageSize,
    count,
    watermark: watermark !== undefined && isSeen(watermark) ? watermark.trim() : null,
    options: defined({ seed, negativePrompt, guidance, steps }),
  };
  checkOptions(request.options, model);
  checkWatermark(request, model);
  return { request, model };
}

const mostLettersNamed = 10;

/** Refuses a watermark that would become boxes in the picture, as long as nothing was paid. */
export function checkWatermark({ watermark }: Pick<PromptRequest, "watermark">, model: Model): void {
  if (watermark === null || model.watermark === "provider") return;
  const missing = lettersNotDrawn(watermark).map((letter) => cutText(letter, { chars: 20 }));
  if (missing.length === 0) return;
  const named = missing.slice(0, mostLettersNamed).join(" ") +
    (missing.length > mostLettersNamed ? " …" : "");
  throw new Refusal("invalid_request", `watermark has letters that can't be drawn: ${named}`, {
    field: "watermark",
  });
}

/** The first field that does not fit, with the code that the API has for it. */
function refuseField(
  field: string,
  words: string,
  { input, models }: { input: unknown; models: Models },
): Refusal {
  if (field === "imageSize") return invalidSize(models.choose((input as { model?: string }).model));
  if (field === "model") return unknownModel(models.available());
  return new Refusal(field === "prompt" ? "invalid_prompt" : "invalid_request", words, { field });
}

function invalidSize(model: Model): Refusal {
  const sizes = model.sizes.join(", ");
  return new Refusal("invalid_image_size", `Invalid image size. Supported: ${sizes}`, { field: "imageSize" });
}

function checkOptions(options: PromptRequest["options"], model: Model): void {
  for (const name of Object.keys(options) as (keyof PromptRequest["options"])[]) {
    const offered = model.options[name];
    if (offered === false || offered === null) {
      throw new Refusal("unsupported_option", `The model ${model.id} does not support ${name}`, {
        field: name,
      });
    }
    if (typeof offered === "object") checkRange(name, { value: options[name] as number, range: offered });
  }
}

function checkRange(name: string, { value, range }: { value: number; range: Range }): void {
  if (value < range.min || value > range.max) {
    throw new Refusal("invalid_request", `${name} must be from ${range.min} to ${range.max}`, {
      field: name,
    });
  }
}

function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
