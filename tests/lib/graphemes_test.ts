import assert from "node:assert/strict";
import { cutText, graphemesOf } from "../../lib/graphemes.ts";
import { imageTitle } from "../../lib/images/image.ts";
import { failure } from "../../lib/prompts/failure_words.ts";

const family = "👩‍👩‍👧‍👦";

Deno.test("text is cut by characters or bytes, never inside of what a reader sees as one letter", () => {
  const cuts: [text: string, limits: { chars?: number; bytes?: number }, cut: string][] = [
    ["sea", { chars: 3 }, "sea"],
    ["seas", { chars: 3 }, "sea"],
    ["हिन्दी", { chars: 3 }, "हि"],
    ["ที่นี่", { chars: 4 }, "ที่"],
    [`a${family}b`, { chars: 4 }, "a"],
    [`a${family}b`, { chars: 8 }, `a${family}`],
    ["e\u0301e\u0301", { chars: 3 }, "e\u0301"],
    ["🇩🇪🇫🇷", { chars: 3 }, "🇩🇪"],
    ["海海海", { bytes: 8 }, "海海"],
    ["각".normalize("NFD") + "x", { chars: 2 }, "각".normalize("NFD").slice(0, 2)],
    ["", { chars: 3 }, ""],
    ["\r\n", { chars: 1 }, "\r"],
  ];
  for (const [text, limits, cut] of cuts) assert.equal(cutText(text, limits), cut, JSON.stringify(text));
});

Deno.test("one letter with more marks than there is room for is cut between them, in bounded time", () => {
  const tower = "e" + "\u0301".repeat(2_000_000);
  assert.equal(cutText(tower, { chars: 10 }), tower.slice(0, 10));
  assert.equal(cutText("👍🏽".repeat(1_000_000), { chars: 5 }), "👍🏽👍🏽");
});

Deno.test("letters are told apart as a reader does", () => {
  assert.deepEqual(graphemesOf(`a${family}हि`), ["a", family, "हि"]);
});

Deno.test("a title and what a provider said end between letters", () => {
  assert.equal(imageTitle("a".repeat(49) + "e\u0301 sea"), `Generated: ${"a".repeat(49)}…`);
  assert.equal(imageTitle(family.repeat(10)), `Generated: ${family.repeat(7)}…`);
  assert.equal(imageTitle("हि".repeat(25)), `Generated: ${"हि".repeat(25)}`);
  const said = failure("provider_failed", "海".repeat(299) + family).detail;
  assert.equal(said, "海".repeat(299));
});
