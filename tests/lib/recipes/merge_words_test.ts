import assert from "node:assert/strict";
import fc from "fast-check";
import { mergeFields, mergeTexts, wordsOf } from "../../../lib/recipes/merge_words.ts";

const line = "a red fox at dawn, in snow";

Deno.test("what two changed apart from each other goes in together, to the last space", () => {
  const cases: [base: string, mine: string, theirs: string, merged: string][] = [
    [line, "a blue fox at dawn, in snow", "a red fox at night, in snow", "a blue fox at night, in snow"],
    ["a red fox", "a blue fox", "a red wolf", "a blue wolf"],
    ["a red fox", "a blue fox", "a red fox at night", "a blue fox at night"],
    ["a\r\n\r\n  b\tc", "x\r\n\r\n  b\tc", "a\r\n\r\n  b\td", "x\r\n\r\n  b\td"],
    [
      "one\ntwo\nthree\n",
      "zero\none\ntwo\nthree\n",
      "one\ntwo\nthree\nfour\n",
      "zero\none\ntwo\nthree\nfour\n",
    ],
    ["a {subject} at {time}", "a {animal} at {time}", "a {subject} at {hour}", "a {animal} at {hour}"],
    ["红色狐狸在黎明的森林里", "蓝色狐狸在黎明的森林里", "红色狐狸在黎明的城市里", "蓝色狐狸在黎明的城市里"],
    ["赤い狐が森の中を走る", "青い狐が森の中を走る", "赤い狐が森の中を歩く", "青い狐が森の中を歩く"],
    ["👨‍👩‍👧 by the sea", "👨‍👩‍👦 by the sea", "👨‍👩‍👧 by the lake", "👨‍👩‍👦 by the lake"],
    ["a b", "a c", "a c", "a c"],
    ["a fox and a wolf", "a fox", "a fox and a wolf", "a fox"],
  ];
  for (const [base, mine, theirs, merged] of cases) {
    assert.equal(mergeTexts({ base, mine, theirs }), merged);
    assert.equal(mergeTexts({ base, mine: theirs, theirs: mine }), merged);
  }
});

Deno.test("what two changed in the same place, or right beside each other, is for people to settle", () => {
  const cases: [base: string, mine: string, theirs: string][] = [
    [line, "a blue fox at dawn, in snow", "a green fox at dawn, in snow"],
    ["a red fox", "a red fox by day", "a red fox by night"],
    ["a red fox", "a fox", "a blue fox"],
    ["a", "b", "c"],
    ["红色狐狸", "蓝色狐狸", "绿色狐狸"],
    ["a {subject}", "a {animal}", "a {person}"],
  ];
  for (const [base, mine, theirs] of cases) assert.equal(mergeTexts({ base, mine, theirs }), null);
});

Deno.test("words put together again are the text", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom("a", " ", "\n", "\r", "{", "}", "狐") }),
  );
  fc.assert(fc.property(text, (each) => assert.equal(wordsOf(each).join(""), each)));
});

const words = fc.array(fc.constantFrom("a", "b", "fox", " ", "\n", ",", "狐"), { maxLength: 12 }).map((
  each,
) => each.join(""));

Deno.test("who changed nothing gets what the other wrote, and the order of the two does not matter", () => {
  fc.assert(fc.property(words, words, words, (base, mine, theirs) => {
    assert.equal(mergeTexts({ base, mine, theirs: base }), mine);
    assert.equal(mergeTexts({ base, mine: base, theirs }), theirs);
    assert.equal(mergeTexts({ base, mine, theirs: mine }), mine);
    assert.equal(mergeTexts({ base, mine, theirs }), mergeTexts({ base, mine: theirs, theirs: mine }));
  }));
});

Deno.test("every word that either of two added is in what they come to", () => {
  fc.assert(fc.property(words, fc.nat(), fc.nat(), (base, i, j) => {
    const all = wordsOf(base);
    const put = (at: number, word: string) => all.toSpliced(at % (all.length + 1), 0, word).join("");
    const [mine, theirs] = [put(i, "«mine»"), put(j, "«theirs»")];
    const merged = mergeTexts({ base, mine, theirs });
    if (merged === null) return;
    assert.match(merged, /«mine»/);
    assert.match(merged, /«theirs»/);
    assert.equal(merged.replace("«mine»", "").replace("«theirs»", ""), base);
  }));
});

Deno.test("texts of the greatest length that have nothing in common are told so within a second", () => {
  const begun = performance.now();
  const text = (words: string) => words.repeat(Math.floor(20_000 / words.length));
  assert.equal(mergeTexts({ base: text("a b "), mine: text("c b "), theirs: text("a d ") }), null);
  assert.ok(performance.now() - begun < 2000);
});

Deno.test("settings are merged field by field", () => {
  interface Settings {
    model?: string;
    seed?: number;
    count?: number;
  }
  const merge = (base: Settings, mine: Settings, theirs: Settings) => mergeFields({ base, mine, theirs });
  assert.deepEqual(merge({ seed: 1 }, { seed: 2 }, { seed: 1, count: 4 }), {
    merged: { seed: 2, count: 4 },
    conflicts: [],
  });
  assert.deepEqual(merge({ seed: 1, count: 2 }, { count: 2 }, { seed: 1 }), { merged: {}, conflicts: [] });
  assert.deepEqual(merge({ seed: 1 }, { seed: 2 }, { seed: 2 }).conflicts, []);
  assert.deepEqual(merge({ seed: 1 }, { seed: 2 }, { seed: 3 }).conflicts, ["seed"]);
  assert.deepEqual(merge({ seed: 1 }, {}, { seed: 3 }).conflicts, ["seed"]);
  assert.deepEqual(merge({}, { model: "a" }, { model: "b" }).conflicts, ["model"]);
});
