import assert from "node:assert/strict";
import { commonWords } from "../../../lib/statistics/words.ts";

const words = (texts: string[]) =>
  commonWords(texts, { most: 10 }).map(({ word, count }) => `${word} ${count}`);

Deno.test("words count once a text, those of two texts and more, without the small ones", () => {
  assert.deepEqual(words(["a Fox and a fox in the fog", "the fox", "fog with fog", "and the"]), [
    "fog 2",
    "fox 2",
  ]);
  assert.deepEqual(words(["ein Haus am See", "das HAUS im Wald, 1024 1024", "1024"]), ["haus 2"]);
  assert.deepEqual(words(["夕焼けの灯台", "灯台と海"]), ["灯台 2"]);
  assert.deepEqual(words(["x".repeat(50), "x".repeat(50), "<b>", "<b>", "👩‍🚀", "👩‍🚀"]), []);
});
