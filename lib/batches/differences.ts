/** What tells the rows of a batch apart: the words of each that not all have, and the settings that are not alike. */
import { cutText } from "../graphemes.ts";
import type { PromptRequest } from "../prompts/prompt.ts";

export interface Difference {
  /** The words that differ, with … for what is alike between them; empty where the texts are alike. */
  text: string;
  /** Those that differ, by the names of the JSON API. */
  settings: { field: string; value: string }[];
}

const mostChars = 140;
/** Texts that differ in more words are compared at their ends only. */
const mostCompared = 120;
const gap = "…";

/** One for each, in their order. */
export function differencesOf(requests: readonly PromptRequest[]): Difference[] {
  const texts = differingWords(requests.map(({ text }) => text));
  const settings = requests.map(settingsOf);
  const fields = settingFields.filter((field) => new Set(settings.map((each) => each[field])).size > 1);
  return requests.map((_, i) => ({
    text: texts[i],
    settings: fields.flatMap((field) => {
      const value = settings[i][field];
      return value === undefined ? [] : [{ field, value }];
    }),
  }));
}

const settingFields = [
  "model",
  "imageSize",
  "count",
  "seed",
  "guidance",
  "steps",
  "negativePrompt",
  "watermark",
  "sources",
] as const;

type Settings = { [field in (typeof settingFields)[number]]?: string };

function settingsOf({ model, imageSize, count, watermark, options, edit }: PromptRequest): Settings {
  const { seed, guidance, steps, negativePrompt } = options;
  return {
    model,
    imageSize,
    count: String(count),
    seed: seed?.toString(),
    guidance: guidance?.toString(),
    steps: steps?.toString(),
    negativePrompt,
    watermark: watermark ?? undefined,
    sources: edit?.sources.map(({ imageId }) => imageId).join(" "),
  };
}

/** Of each text what is not in all of them. */
function differingWords(texts: readonly string[]): string[] {
  if (new Set(texts).size < 2) return texts.map(() => "");
  const words = texts.map((text) => text.trim().split(/\s+/u));
  const shortest = Math.min(...words.map(({ length }) => length));
  const start = alike(words, shortest, (each, i) => each[i]);
  const end = alike(words, shortest - start, (each, i) => each[each.length - 1 - i]);
  const middles = words.map((each) => each.slice(start, each.length - end));
  const isComparable = middles.every(({ length }) => length <= mostCompared);
  const common = isComparable ? middles.reduce((all, each) => commonWords(all, each)) : [];
  return middles.map((middle) => cut(without(middle, common)));
}

/** How many words, counted as `at` does, all begin with. */
function alike(
  words: readonly string[][],
  most: number,
  at: (words: readonly string[], index: number) => string,
): number {
  let count = 0;
  while (count < most && words.every((each) => at(each, count) === at(words[0], count))) count++;
  return count;
}

/** The longest list of words that are in both, in their order. */
function commonWords(a: readonly string[], b: readonly string[]): string[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j]
        ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const common: string[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      common.push(a[i]);
      [i, j] = [i + 1, j + 1];
    } else if (lengths[i + 1][j] >= lengths[i][j + 1]) i++;
    else j++;
  }
  return common;
}

function without(words: readonly string[], common: readonly string[]): string {
  const left: string[] = [];
  let next = 0;
  for (const word of words) {
    if (word === common[next]) {
      next++;
      if (left.length > 0 && left.at(-1) !== gap) left.push(gap);
    } else left.push(word);
  }
  if (left.at(-1) === gap) left.pop();
  return left.join(" ");
}

function cut(text: string): string {
  const beginning = cutText(text, { chars: mostChars });
  return beginning === text ? text : `${beginning}${gap}`;
}
