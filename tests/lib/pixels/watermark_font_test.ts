import assert from "node:assert/strict";
import sharp from "sharp";
import { createWatermark } from "../../../lib/pixels/watermark.ts";
import { isSeen, lettersNotDrawn } from "../../../lib/pixels/watermark_font.ts";

const drawn = [
  "© 2026, Ada Œ ß Ŋ ẍ̤ e\u0301",
  "Ελλάδα Україна ქართ Հայ ລາວ",
  "שלום שָׁלוֹם",
  "مرحبا بالعالم كِتَاب",
  "☺ ☺️ ❤️ ★ ™ → 😀 𝔸",
  "a\u200db\ufeff\u202ec\u00a0d\ne",
];

Deno.test("letters that the font of watermarks has are told from those that it lacks, as a reader sees them", () => {
  for (const text of drawn) assert.deepEqual(lettersNotDrawn(text), [], text);
  const missing: [text: string, letters: string[]][] = [
    ["猫 studio 猫 窓", ["猫", "窓"]],
    ["สวัสดี", ["ส", "วั", "ดี"]],
    ["हिन्दी", ["हि", "न्दी"]],
    ["👍🏽 👍", ["👍🏽", "👍"]],
    ["👩‍👩‍👧", ["👩‍👩‍👧"]],
    ["🇩🇪 1️⃣", ["🇩🇪", "1️⃣"]],
    ["😀🏽", ["😀🏽"]],
    ["\u{10ffff}\ue000", ["\u{10ffff}", "\ue000"]],
  ];
  for (const [text, letters] of missing) assert.deepEqual(lettersNotDrawn(text), letters, text);
});

Deno.test("what is drawn shows something", async () => {
  for (const text of drawn) {
    const mark = await createWatermark(text, { width: 512, height: 512 });
    const { channels } = await sharp(mark).stats();
    assert.equal(channels[3].max, 255);
  }
  for (const text of ["", " ", "\u200b", "\u3000\u00a0", "\u2066\u2069"]) assert.equal(isSeen(text), false);
  for (const text of ["a", "\u200b猫", "."]) assert.equal(isSeen(text), true);
});
