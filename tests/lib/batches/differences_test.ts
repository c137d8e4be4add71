/** What tells the rows of a batch apart. */
import assert from "node:assert/strict";
import { differencesOf } from "../../../lib/batches/differences.ts";
import type { PromptRequest } from "../../../lib/prompts/prompt.ts";

function request(changes: Partial<PromptRequest> = {}): PromptRequest {
  return {
    taskType: "TEXT_TO_IMAGE",
    text: "sea",
    model: "sketch",
    imageSize: "512x512",
    count: 1,
    watermark: null,
    options: {},
    ...changes,
  };
}

function wordsOf(texts: string[]): string[] {
  return differencesOf(texts.map((text) => request({ text }))).map(({ text }) => text);
}

const texts: [name: string, texts: string[], words: string[]][] = [
  ["alike", ["a fox", "a fox"], ["", ""]],
  ["one word in the midst", ["a red fox at dawn", "a blue fox at dawn"], ["red", "blue"]],
  ["two words", ["a red fox at dawn", "a blue fox at night"], ["red … dawn", "blue … night"]],
  ["a word more", ["a fox", "a red fox", "a red fox"], ["", "red", "red"]],
  ["nothing in common", ["red fox", "blue sea"], ["red fox", "blue sea"]],
  ["a word that only some have", ["a red fox here", "a blue fox here", "a dog here"], [
    "red fox",
    "blue fox",
    "dog",
  ]],
  ["words in another order", ["fox and dog", "dog and fox"], ["fox and", "and fox"]],
  ["the end of one is the beginning of the other", ["a b a", "a"], ["b a", ""]],
];

for (const [name, given, words] of texts) {
  Deno.test(`texts that are told apart by: ${name}`, () => assert.deepEqual(wordsOf(given), words));
}

Deno.test("settings that are alike in all rows are not told, and others of each row", () => {
  const differences = differencesOf([
    request({ options: { seed: 1 } }),
    request({ options: { seed: 2 }, model: "other" }),
    request({ model: "other" }),
  ]);
  assert.deepEqual(differences, [
    { text: "", settings: [{ field: "model", value: "sketch" }, { field: "seed", value: "1" }] },
    { text: "", settings: [{ field: "model", value: "other" }, { field: "seed", value: "2" }] },
    { text: "", settings: [{ field: "model", value: "other" }] },
  ]);
});

Deno.test("a single row differs from nothing", () => {
  assert.deepEqual(differencesOf([request()]), [{ text: "", settings: [] }]);
  assert.deepEqual(differencesOf([]), []);
});

Deno.test("long texts are told by their beginning", () => {
  const [first] = wordsOf([`${"red ".repeat(3000)}`, `${"blue ".repeat(3000)}`]);
  assert.match(first, /^red red .*…$/);
  assert.ok(first.length < 150);
});
