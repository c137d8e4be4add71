import assert from "node:assert/strict";
import { readTyped, type TypedQuery } from "../../../lib/images/typed_query.ts";

const plain = (words: string): TypedQuery => ({ words, stars: [], tags: [] });

Deno.test("stars and tags are terms among the words; what only looks like them is words", () => {
  const read: [text: string, typed: TypedQuery][] = [
    ["a red fox", plain("a red fox")],
    ["fox stars:4", { words: "fox  ", stars: [4], tags: [] }],
    ["STARS:0 Tag:Fox", { words: "   ", stars: [0], tags: ["fox"] }],
    ["stars:x tag:é tag:E", { words: "     ", stars: ["rejected"], tags: ["e"] }],
    ['tag:"Night  Sky" sea', { words: "  sea", stars: [], tags: ["night sky"] }],
    ["tag:a tag:b", { words: "   ", stars: [], tags: ["a", "b"] }],
    ["stars:6", plain("stars:6")],
    ["stars: 4", plain("stars: 4")],
    ["mystars:4", plain("mystars:4")],
    ["stars:45", plain("stars:45")],
    ["tag:", plain("tag:")],
    ['tag:"night', plain('tag:"night')],
    ["vintage:fox", plain("vintage:fox")],
    ["", plain("")],
  ];
  for (const [text, typed] of read) assert.deepEqual(readTyped(text), typed, text);
});
