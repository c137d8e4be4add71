/** What the generator's form holds: text, not yet checked, completed to settings that the chosen model has. */
import type { PromptRequest } from "./prompt.ts";
import { defaultSize } from "./prompt_request.ts";
import type { Model } from "../catalog/provider.ts";

/** The text fields of a form, under the names of the JSON API. */
export interface FormFields {
  [name: string]: string | undefined;
}

export interface Draft {
  text: string;
  model: Model;
  imageSize: string;
  count: number;
  watermark: string;
  options: { seed: string; negativePrompt: string; guidance: string; steps: string };
}

/** Falls back to what the model offers; `models` begins with the default. */
export function draftOf(fields: FormFields, models: readonly Model[]): Draft {
  const model = models.find(({ id }) => id === fields.model) ?? models[0];
  const count = Number(fields.count);
  return {
    text: fields.prompt ?? "",
    model,
    imageSize: sizeFor(model, fields.imageSize),
    count: Number.isInteger(count) && count >= 1 ? Math.min(count, model.maxCount) : 1,
    watermark: fields.watermark ?? "",
    options: {
      seed: fields.seed ?? "",
      negativePrompt: fields.negativePrompt ?? "",
      guidance: fields.guidance ?? "",
      steps: fields.steps ?? "",
    },
  };
}

/** The generator's form with these fields typed in. */
export function draftPath(fields: FormFields): string {
  const typed = Object.entries(fields).filter((field): field is [string, string] => Boolean(field[1]));
  return `/generator?${new URLSearchParams(typed)}`;
}

/** The settings of an earlier prompt, to start from; `fields` count before them. */
export function draftFrom(
  { text, options, ...request }: PromptRequest,
  models: readonly Model[],
  fields: FormFields = {},
): Draft {
  const typed = (value: number | undefined) => value?.toString();
  return draftOf({
    prompt: text,
    model: request.model,
    imageSize: request.imageSize,
    count: String(request.count),
    watermark: request.watermark ?? undefined,
    negativePrompt: options.negativePrompt,
    seed: typed(options.seed),
    guidance: typed(options.guidance),
    steps: typed(options.steps),
    ...fields,
  }, models);
}

const numberFields = ["count", "seed", "guidance", "steps"];

/** The request that a sent form stands for; fields left empty were not asked for. */
export function inputOf(fields: FormFields): { [name: string]: unknown } {
  const filled = Object.entries(fields).filter(([name, text]) => name === "prompt" || text?.trim());
  return Object.fromEntries(
    filled.map(([name, text]) => [name, numberFields.includes(name) ? numberOrText(text!) : text]),
  );
}

function numberOrText(text: string): number | string {
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

function sizeFor(model: Model, wanted: string | undefined): string {
  if (wanted !== undefined && model.sizes.includes(wanted)) return wanted;
  return model.sizes.includes(defaultSize) ? defaultSize : model.sizes[0];
}
