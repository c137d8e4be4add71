/** What a picture is found by: the words of its prompt, its model, its size, and whether it was paid for. */

const maxTerms = 64;
const maxChars = 40;

/**
 * The words of a text, each once: in lower case, without accents, split where there is neither letter nor digit. A
 * script without spaces is one word up to its next sign.
 */
export function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
  const words = plain.match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words.map((word) => Array.from(word).slice(0, maxChars).join("")))].slice(0, maxTerms);
}

/** Kept apart from words by a sign that no word has. */
export function modelTerm(model: string): string {
  return `:model ${model}`;
}

export function sizeTerm({ width, height }: { width: number; height: number }): string {
  return `:size ${width}x${height}`;
}

export type CostKind = "free" | "paid";

export function costTerm(kind: CostKind): string {
  return `:cost ${kind}`;
}
