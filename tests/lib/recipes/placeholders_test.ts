import assert from "node:assert/strict";
import { readTemplate } from "../../../lib/batches/braces.ts";
import { fillIn, placeholdersOf } from "../../../lib/recipes/placeholders.ts";

Deno.test("a name in braces is a placeholder, and every other brace is text", () => {
  const cases: [text: string, names: string[]][] = [
    ["a {subject} at {time_of-day2}", ["subject", "time_of-day2"]],
    ["{b} {a} {b}", ["b", "a"]],
    ["{ subject }", ["subject"]],
    ["{Motiv} {größe} {主題}", ["Motiv", "größe", "主題"]],
    ["{cafe\u0301} {caf\u00e9}", ["caf\u00e9"]],
    ["{{subject}}", ["subject"]],
    ["{red|{colour}} {{colour} fox|wolf}", ["colour"]],
    ["{red|blue} {1..5} {} {a b} {2nd} {a,b} { } {\nx y}", []],
    ["\\{subject} \\{subject\\}", []],
    ["{colour: red|blue} and {colour}, {mood}", ["mood"]],
    ["{colour} and {colour: red|blue}", ["colour"]],
    ["{__proto__} {constructor}", ["__proto__", "constructor"]],
    [`{${"x".repeat(41)}}`, []],
    ["{".repeat(10_000), []],
  ];
  for (const [text, names] of cases) assert.deepEqual(placeholdersOf(text), names, text.slice(0, 60));
});

Deno.test("what is put in the place of one is not read again", () => {
  const values = new Map([["a", "{b} $& $1 \\{a} {x|y}"], ["b", "B"]]);
  assert.equal(fillIn("{a} {b} {c}", values), "{b} $& $1 \\{a} {x|y} B {c}");
  assert.equal(fillIn("{{b}} \\{b} \\{b\\} {b|c}", values), "{B} {b} {b} {b|c}");
  assert.equal(fillIn("{b: x|y} {b}", values), "{b: x|y} {b}");
  assert.equal(fillIn("{ b }", new Map([["b", ""]])), "");
});

Deno.test("braces of a batch see the same placeholders, and do not read their values", () => {
  const values = new Map([["a", "{b|c}\\"], ["b", " B "]]);
  const texts = (text: string) => {
    const template = readTemplate(text, { values });
    return Array.from({ length: template.count }, (_, i) => template.text(i));
  };
  assert.deepEqual(texts("{a}{x|y}"), ["{b|c}\\x", "{b|c}\\y"]);
  assert.deepEqual(texts("{{b}|{a}}"), [" B ", "{b|c}\\"]);
  assert.deepEqual(texts("{a: x|y} {a} {b}"), ["x x  B ", "y y  B "]);
  assert.deepEqual(texts("\\{a\\}"), ["{a}"]);
  assert.throws(() => texts("{unknown}"), /leaves no choice/);
});
