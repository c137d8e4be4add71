/** Choices in braces: what a text stands for, in which order, and what is refused with its place. */
import assert from "node:assert/strict";
import { readTemplate } from "../../../lib/batches/braces.ts";
import { Refusal } from "../../../lib/refusal.ts";

function textsOf(text: string): string[] {
  const template = readTemplate(text);
  const texts = Array.from({ length: template.count }, (_, i) => template.text(i));
  assert.ok(
    template.longest >= Math.max(...texts.map((each) => each.length)),
    "the longest is not that long",
  );
  return texts;
}

const good: [text: string, texts: string[]][] = [
  ["a fox", ["a fox"]],
  ["", [""]],
  ["a {red|blue} fox", ["a red fox", "a blue fox"]],
  ["{red|blue}", ["red", "blue"]],
  ["a {red|blue} fox at {dawn|night}", [
    "a red fox at dawn",
    "a red fox at night",
    "a blue fox at dawn",
    "a blue fox at night",
  ]],
  ["{a|b}{c|d}{e|f}", ["ace", "acf", "ade", "adf", "bce", "bcf", "bde", "bdf"]],
  ["a { red | blue } fox", ["a red fox", "a blue fox"]],
  ["{dark red|light  blue}", ["dark red", "light  blue"]],
  ["{a|b|c|d}", ["a", "b", "c", "d"]],
  ["{a|a}", ["a", "a"]],
  ["{{dark|light} red|blue}", ["dark red", "light red", "blue"]],
  ["{blue|{dark|light} red}", ["blue", "dark red", "light red"]],
  ["{a|{b|{c|d}}}", ["a", "b", "c", "d"]],
  ["{{a|b}{c|d}|e}!", ["ac!", "ad!", "bc!", "bd!", "e!"]],
  ["{1..5}", ["1", "2", "3", "4", "5"]],
  ["{1..9..2}", ["1", "3", "5", "7", "9"]],
  ["{1..8..3}", ["1", "4", "7"]],
  ["{-1..1}", ["-1", "0", "1"]],
  ["{0.5..1.5..0.5}", ["0.5", "1", "1.5"]],
  ["{0.1..0.4..0.1}", ["0.1", "0.2", "0.3", "0.4"]],
  ["{ 1 .. 3 }", ["1", "2", "3"]],
  ["{{1..2}|x}", ["1", "2", "x"]],
  ["{1..3|x}", ["1..3", "x"]],
  ["{colour: red|blue} fox, {colour} sky", ["red fox, red sky", "blue fox, blue sky"]],
  ["{c:a|b}{c}{c}", ["aaa", "bbb"]],
  ["{n: 1..2} of {n}", ["1 of 1", "2 of 2"]],
  ["{c: {dark|light} red|blue} and {c}", [
    "dark red and dark red",
    "light red and light red",
    "blue and blue",
  ]],
  ["{c: a|b} {d: x|y} {d}{c}", ["a x xa", "a y ya", "b x xb", "b y yb"]],
  ["{c: a|b}, {a {c} hat|no hat}", ["a, a a hat", "a, no hat", "b, a b hat", "b, no hat"]],
  ["{{c: a|b} and {c}|none}", ["a and a", "b and b", "none"]],
  ["{Größe: groß|klein} {Größe}", ["groß groß", "klein klein"]],
  ["{12:30|13:00}", ["12:30", "13:00"]],
  ["\\{a\\|b\\}", ["{a|b}"]],
  ["{\\{|\\}|\\|}", ["{", "}", "|"]],
  ["{a\\|b|c}", ["a|b", "c"]],
  ["a|b", ["a|b"]],
  ["a \\ b \\n {c\\d|e}", ["a \\ b \\n c\\d", "a \\ b \\n e"]],
  ["{日|月}と{🦊|🐺🏽}", ["日と🦊", "日と🐺🏽", "月と🦊", "月と🐺🏽"]],
  ["{one\ntwo|three}\n{x|y}", ["one\ntwo\nx", "one\ntwo\ny", "three\nx", "three\ny"]],
];

for (const [text, texts] of good) {
  Deno.test(`${JSON.stringify(text)} stands for ${texts.length === 1 ? "one text" : `${texts.length} texts`}`, () => {
    assert.deepEqual(textsOf(text), texts);
  });
}

const bad: [text: string, place: number, words: RegExp][] = [
  ["a {red} fox", 3, /\{red\} leaves no choice/],
  ["{colour: red} fox", 1, /leaves no choice/],
  ["{a b}", 1, /leaves no choice/],
  ["a {} fox", 4, /missing/],
  ["{ }", 2, /missing/],
  ["{|}", 2, /missing/],
  ["{a|}", 4, /missing/],
  ["{a||b}", 4, /missing/],
  ["{c: }", 4, /missing/],
  ["{colour} {colour: red|blue}", 1, /names none/],
  ["{{c: a|b}|x} {c}", 14, /names none/],
  ["{c: a|{c}}", 7, /names none/],
  ["{c: a|b} {c: d|e}", 10, /The name c is given twice/],
  ["{c: a|b} {{c: d|e}|f}", 11, /given twice/],
  ["a {5..1}", 3, /goes down/],
  ["{1..5..0}", 1, /step/],
  ["{1..5..-1}", 1, /step/],
  ["{3..3}", 1, /no choice/],
  ["{1..9..20}", 1, /no choice/],
  ["{1..}", 1, /leaves no choice/],
  ["{1..99999999999999999999}", 1, /too large/],
  ["{0.0000001..1}", 1, /digits/],
  ["a {red|blue fox", 3, /not closed/],
  ["{", 1, /not closed/],
  ["{a|{b|c}", 1, /not closed/],
  ["a fox}", 6, /closes nothing/],
  ["{a|b}}", 6, /closes nothing/],
  ["{a|{b|{c|{d|e}}}}", 10, /at most 3 deep/],
  ["🦊🦊 {red}", 4, /leaves no choice/],
];

for (const [text, place, words] of bad) {
  Deno.test(`${JSON.stringify(text)} is refused at character ${place}`, () => {
    assert.throws(() => readTemplate(text), (error) => {
      assert.ok(error instanceof Refusal);
      assert.equal(error.code, "invalid_prompt");
      assert.ok(error.message.startsWith(`character ${place}: `), error.message);
      assert.match(error.message, words);
      return true;
    });
  });
}

Deno.test("a text that stands for billions is counted without making one", () => {
  assert.equal(readTemplate("{a|b}".repeat(40)).count, 2 ** 40);
  assert.equal(readTemplate("{1..1000000000}").count, 1e9);
  assert.ok(readTemplate("{a|b}".repeat(200_000)).count > Number.MAX_SAFE_INTEGER);
});

const tooManyChoices: { [name: string]: string } = {
  "one choice": `{${"a|".repeat(450_000)}b}`,
  "choices in one option": `{a|${"{a|b}".repeat(180_000)}}`,
  "choices in many options": `{${"{a|b}|".repeat(140_000)}c}`,
  "a choice that is not closed": `{1${"|1".repeat(450_000)}`,
  "a name that is repeated in many options": `{x: a|b}{${"{x}|".repeat(200_000)}c}`,
};

for (const [name, text] of Object.entries(tooManyChoices)) {
  Deno.test(`${name}: of a megabyte no more is read than a batch could have rows`, () => {
    assert.throws(() => readTemplate(text), (error) => {
      assert.ok(error instanceof Refusal);
      assert.equal(error.message, "This text has more than 10,000 choices; a batch has fewer rows");
      return true;
    });
  });
}

Deno.test("any one of billions of texts can be made alone", () => {
  const template = readTemplate("{a|b}".repeat(40));
  assert.equal(template.text(0), "a".repeat(40));
  assert.equal(template.text(1), "a".repeat(39) + "b");
  assert.equal(template.text(2 ** 40 - 1), "b".repeat(40));
});

Deno.test("a name that is repeated without end makes no text of that length", () => {
  const { count, longest } = readTemplate(`{n: ${"x".repeat(10_000)}|y}${"{n}".repeat(100_000)}`);
  assert.equal(count, 2);
  assert.equal(longest, 10_000 * 100_001);
});
