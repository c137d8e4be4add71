/**
 * A picture's settings as one text, in the form in which tools for generated images write and read them under the
 * name `parameters`: the prompt, a line for what to leave out, and a last line of "Name: value" pairs, where a value
 * with commas, colons or line breaks is a JSON string.
 */
import type { Image } from "./image.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import type { FormFields } from "../prompts/prompt_draft.ts";

const leaveOut = "Negative prompt: ";

export function writeParameters(
  { text, model, imageSize, watermark, options }: PromptRequest,
  { seed }: Pick<Image, "seed">,
): string {
  const pairs: [name: string, value: string | number | null | undefined][] = [
    ["Steps", options.steps],
    ["CFG scale", options.guidance],
    ["Seed", seed ?? options.seed],
    ["Size", imageSize],
    ["Model", model],
    ["Watermark", watermark],
    ["Version", "Darkroom"],
  ];
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  return [
    text,
    ...(options.negativePrompt === undefined ? [] : [leaveOut + options.negativePrompt]),
    known.map(([name, value]) => `${name}: ${quoted(String(value))}`).join(", "),
  ].join("\n");
}

function quoted(value: string): string {
  return /[,:"\n]/.test(value) ? JSON.stringify(value) : value;
}

/** Longer than any prompt may be. */
const maxChars = 40_000;
const maxPairsChars = 4000;
const maxFieldChars = 1000;
/** With fewer pairs than this the last line belongs to the prompt. */
const fewestPairs = 3;

const fieldNames: { [name: string]: string } = {
  "Steps": "steps",
  "CFG scale": "guidance",
  "Seed": "seed",
  "Size": "imageSize",
  "Model": "model",
  "Watermark": "watermark",
};

/** What the text says about the generator's fields; null where it says nothing that could be a prompt. */
export function readParameters(parameters: string): FormFields | null {
  const lines = cleaned(parameters).slice(0, maxChars).split("\n");
  const pairs = readPairs(lines.at(-1)!.slice(0, maxPairsChars));
  if (pairs.length >= fewestPairs) lines.pop();
  const fields: FormFields = {};
  if (pairs.length >= fewestPairs) {
    for (const [name, value] of pairs) {
      if (Object.hasOwn(fieldNames, name)) fields[fieldNames[name]] = value.slice(0, maxFieldChars);
    }
  }
  const start = lines.findIndex((line) => line.startsWith(leaveOut.trim()));
  const [wanted, unwanted] = start < 0 ? [lines, []] : [lines.slice(0, start), lines.slice(start)];
  const prompt = wanted.join("\n").trim();
  const negative = unwanted.join("\n").slice(leaveOut.length).trim();
  if (negative !== "") fields.negativePrompt = negative.slice(0, maxFieldChars);
  if (prompt === "" && Object.keys(fields).length === 0) return null;
  return { ...fields, prompt };
}

function readPairs(line: string): [name: string, value: string][] {
  const pairs = line.matchAll(/([A-Za-z][\w /-]{0,60}):[ ]*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/g);
  return Array.from(pairs, ([, name, value]) => [name.trim(), unquoted(value.trim())]);
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    const text: unknown = JSON.parse(value);
    return typeof text === "string" ? text : value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return value;
  }
}

function cleaned(text: string): string {
  return text.toWellFormed().replaceAll("\r\n", "\n").replace(/[^\P{Cc}\t\n]/gu, "");
}
