import assert from "node:assert/strict";
import { quotedText } from "../../../views/mcp/quoted_text.ts";

Deno.test("a text that is quoted stays on one line, between its marks, with nothing that people don't see", () => {
  const cases: [text: string, quoted: string][] = [
    ["a fox", '"a fox"'],
    ['a "fox"', String.raw`"a \"fox\""`],
    ["a\\", String.raw`"a\\"`],
    ["a\r\nb\tc", String.raw`"a\r\nb\tc"`],
    ["a\u2028b\u2029c\u0085d", String.raw`"a\u{2028}b\u{2029}c\u{85}d"`],
    ["\u202efox\u200b\ufeff", String.raw`"\u{202e}fox\u{200b}\u{feff}"`],
    ["\u{e0041}\u{e0042}", String.raw`"\u{e0041}\u{e0042}"`],
    ["\ud800", String.raw`"\ud800"`],
    ["狐 🦊 é", '"狐 🦊 é"'],
  ];
  for (const [text, quoted] of cases) assert.equal(quotedText(text), quoted);
});
