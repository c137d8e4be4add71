/** The generator's fields as a tool's settings say them, and what of these settings has no field. */
import { cutText } from "../graphemes.ts";
import type { FormFields } from "../prompts/prompt_draft.ts";

/** What a picture's settings hold and the form can't take; the words for it are the page's. */
export const leftOvers = [
  "sampler",
  "scheduler",
  "lora",
  "vae",
  "clipSkip",
  "denoise",
  "hires",
  "controlNet",
  "styles",
  "flags",
  "parts",
  "cutPrompt",
  "cutNegativePrompt",
  "longPrompt",
  "size",
  "model",
  "count",
  "seed",
  "steps",
  "guidance",
  "negativePrompt",
  "watermark",
] as const;
export type LeftOver = (typeof leftOvers)[number];

export interface Left {
  what: LeftOver;
  /** What it was, where that says something; text that is not ours. */
  value?: string;
}

export interface FoundSettings {
  fields: FormFields;
  left: Left[];
}

export type Json = { [name: string]: unknown };

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Values of any kind, under the names of the form's fields; width and height are one. */
export interface FoundValues {
  prompt?: unknown;
  negativePrompt?: unknown;
  model?: unknown;
  width?: unknown;
  height?: unknown;
  seed?: unknown;
  steps?: unknown;
  guidance?: unknown;
  count?: unknown;
  watermark?: unknown;
  left?: { [what in LeftOver]?: unknown };
}

/** The longest a request takes; the form says so where this server's prompts are shorter. */
const maxPromptChars = 20_000;
const maxNegativeChars = 1000;
const maxValueChars = 200;

/** Null where there is nothing that could be asked for. */
export function settingsOf(found: FoundValues): FoundSettings | null {
  const left: Left[] = Object.entries(found.left ?? {}).flatMap(([what, value]) =>
    isSaid(value) ? [{ what: what as LeftOver, ...valueOf(value) }] : []
  );
  const fields: FormFields = {};
  const put = (name: string, text: string | null) => {
    if (text !== null && text !== "") fields[name] = text;
  };
  const prompt = cut(found.prompt, maxPromptChars);
  const negative = cut(found.negativePrompt, maxNegativeChars);
  if (prompt.isCut) left.push({ what: "cutPrompt" });
  if (negative.isCut) left.push({ what: "cutNegativePrompt" });
  put("prompt", prompt.text);
  put("negativePrompt", negative.text);
  put("model", line(found.model));
  put("imageSize", sizeOf(found));
  // Programs say -1 for a seed of chance.
  const seed = line(found.seed);
  put("seed", seed !== null && /^-/.test(seed) ? null : seed);
  put("steps", line(found.steps));
  put("guidance", line(found.guidance));
  put("count", line(found.count));
  put("watermark", line(found.watermark));
  if (fields.prompt === undefined && Object.keys(fields).length === 0) return null;
  return { fields: { ...fields, prompt: fields.prompt ?? "" }, left };
}

/** Text as a form takes it: no control characters, no half of a character. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\r\n", "\n").replace(/[^\P{Cc}\t\n]/gu, "");
}

function cut(value: unknown, chars: number): { text: string; isCut: boolean } {
  const whole = typeof value === "string" ? value : "";
  // What is cleaned away can only make it shorter.
  const clean = cleanText(whole.slice(0, 8 * chars)).trim();
  const text = cutText(clean, { chars: chars });
  const fitting = text.length > chars ? cutUnits(text, chars) : text;
  return { text: fitting, isCut: fitting !== clean || whole.length > 8 * chars };
}

/** The form and the database count in UTF-16 units at their ends. */
function cutUnits(text: string, units: number): string {
  return cutText(text.slice(0, units).toWellFormed().replace(/\ufffd$/, ""), { chars: units });
}

function line(value: unknown): string | null {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : null;
  if (typeof value !== "string") return null;
  return cutText(cleanText(value.slice(0, 4 * maxValueChars)).replace(/\s+/g, " ").trim(), {
    chars: maxValueChars,
  });
}

function sizeOf({ width, height }: FoundValues): string | null {
  const [w, h] = [Number(width), Number(height)];
  const isSize = (pixels: number) => Number.isInteger(pixels) && pixels > 0 && pixels < 100_000;
  return isSize(w) && isSize(h) ? `${w}x${h}` : null;
}

function isSaid(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== "" && value !== false && value !== 0;
}

function valueOf(value: unknown): { value?: string } {
  const text = line(value);
  return text === null || text === "" ? {} : { value: text };
}
