/** From what a picture's settings say to what the form of this server's models takes; the rest is named, not dropped. */
import type { Model, Range } from "../catalog/provider.ts";
import { maxSeed } from "../prompts/prompt_request.ts";
import { type FoundSettings, type Left, type LeftOver, leftOvers } from "./found_settings.ts";
import { cutText } from "../graphemes.ts";

/** `models` begins with the default; prompts longer than `maxChars` stay whole, for somebody to shorten. */
export function takeOver(
  found: FoundSettings,
  { models, maxChars }: { models: readonly Model[]; maxChars: number },
): FoundSettings {
  const fields = { ...found.fields };
  const left: Left[] = [];
  const leave = (name: string, what: LeftOver, value?: string) => {
    delete fields[name];
    left.push({ what, value });
  };
  const known = models.find(({ id }) => id === fields.model);
  if (fields.model !== undefined && known === undefined) leave("model", "model", fields.model);
  const model = known ?? models[0];
  const { prompt = "", imageSize, seed, steps, guidance, negativePrompt } = fields;
  if (imageSize !== undefined && !model.sizes.includes(imageSize)) leave("imageSize", "size", imageSize);
  if (seed !== undefined && !(model.options.seed && isIn(seed, { min: 0, max: maxSeed, isWhole: true }))) {
    leave("seed", "seed", seed);
  }
  if (steps !== undefined && !isOffered(steps, model.options.steps, true)) leave("steps", "steps", steps);
  if (guidance !== undefined && !isOffered(guidance, model.options.guidance, false)) {
    leave("guidance", "guidance", guidance);
  }
  if (negativePrompt !== undefined && !model.options.negativePrompt) {
    leave("negativePrompt", "negativePrompt");
  }
  if (Array.from(prompt).length > maxChars) left.push({ what: "longPrompt" });
  return { fields, left: [...left, ...found.left] };
}

function isOffered(text: string, range: Range | null, isWhole: boolean): boolean {
  return range !== null && isIn(text, { ...range, isWhole });
}

function isIn(text: string, { min, max, isWhole }: { min: number; max: number; isWhole: boolean }): boolean {
  const number = Number(text);
  return number >= min && number <= max && (!isWhole || Number.isInteger(number));
}

const mostLeft = 30;
const maxValueChars = 200;

/** What was left as it stands in an address, one text each. */
export function leftTexts(left: readonly Left[]): string[] {
  return left.map(({ what, value }) => value === undefined ? what : `${what}:${value}`);
}

/** Read from an address that anybody may have written: what is no such text is left out. */
export function readLeft(texts: readonly string[]): Left[] {
  return texts.slice(0, mostLeft).flatMap((text) => {
    const [, name, value] = /^(\w{1,30})(?::(.*))?$/su.exec(text) ?? [];
    const what = leftOvers.find((known) => known === name);
    if (what === undefined) return [];
    return [value === undefined ? { what } : { what, value: cutText(value, { chars: maxValueChars }) }];
  });
}
