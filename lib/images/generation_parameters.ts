/**
 * A picture's settings as one text, in the form in which tools for generated images write and read them under the
 * name `parameters`: the prompt, a line for what to leave out, and a line of "Name: value" pairs, where a value
 * with commas, colons or line breaks is a JSON string. Extensions of these tools add lines of their own after the pairs.
 */
import type { MadeImage } from "./image.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import { cleanText, type FoundSettings, settingsOf } from "./found_settings.ts";

const leaveOut = "Negative prompt: ";

export function writeParameters(
  { text, model, imageSize, watermark, options }: PromptRequest,
  { seed }: Pick<MadeImage, "seed">,
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

/** Longer than any prompt with what may stand after it. */
const maxChars = 200_000;
const maxLines = 10_000;
const maxPairsChars = 20_000;
/** With fewer pairs than this a line belongs to the prompt. */
const fewestPairs = 3;

/** How tools begin the line of pairs, and what Darkroom's may begin with. */
const stepsFirst = /^\s*Steps: *\d/;
const knownFirst = /^\s*(Steps|CFG scale|Seed|Size|Model|Watermark|Version): /;
const leavingOut = /^negative prompt:/i;

/** Whether a text says of itself that it is in this form. */
export function hasParameters(text: string): boolean {
  return linesOf(text).some((line) => stepsFirst.test(line) || leavingOut.test(line));
}

/** What the text says; null where it says nothing that could be asked for. */
export function readParameters(parameters: string): FoundSettings | null {
  const lines = linesOf(parameters);
  const end = findPairs(lines);
  const pairs = new Map<string, string>();
  for (const [name, value] of end < 0 ? [] : readPairs(lines[end])) {
    if (!pairs.has(name)) pairs.set(name, value);
  }
  const texts = end < 0 ? lines : lines.slice(0, end);
  const start = texts.findIndex((line) => leavingOut.test(line));
  const prompt = (start < 0 ? texts : texts.slice(0, start)).join("\n");
  const [width, height] = pairs.get("Size")?.split("x") ?? [];
  return settingsOf({
    prompt,
    negativePrompt: start < 0 ? "" : texts.slice(start).join("\n").replace(leavingOut, ""),
    model: pairs.get("Model"),
    width,
    height,
    seed: pairs.get("Seed"),
    steps: pairs.get("Steps"),
    guidance: pairs.get("CFG scale"),
    watermark: pairs.get("Watermark"),
    left: {
      sampler: pairs.get("Sampler"),
      scheduler: pairs.get("Schedule type"),
      lora: pairs.get("Lora hashes") ?? /<(?:lora|lyco):[^<>:]{1,200}/.test(prompt),
      vae: pairs.get("VAE"),
      clipSkip: pairs.get("Clip skip"),
      denoise: pairs.get("Denoising strength"),
      hires: pairs.get("Hires upscale"),
      controlNet: [...pairs.keys()].some((name) => name.startsWith("ControlNet")),
    },
  });
}

function linesOf(text: string): string[] {
  return cleanText(text.slice(0, maxChars)).split("\n", maxLines);
}

/**
 * The line of pairs: the last one, or, where others come after it, the last that begins as tools begin theirs. What
 * looks like it further up belongs to the prompt.
 */
function findPairs(lines: string[]): number {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  const isPairs = (line: string) => readPairs(line).length >= fewestPairs;
  if (last >= 0 && isPairs(lines[last]) && knownFirst.test(lines[last])) return last;
  const marked = lines.findLastIndex((line) => stepsFirst.test(line));
  if (marked >= 0 && isPairs(lines[marked])) return marked;
  return last >= 0 && isPairs(lines[last]) ? last : -1;
}

function readPairs(line: string): [name: string, value: string][] {
  const pairs = line.slice(0, maxPairsChars).matchAll(
    /([A-Za-z][\w /-]{0,60}):[ ]*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/g,
  );
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
