import assert from "node:assert/strict";
import { fileName } from "../../../lib/images/file_name.ts";
import { graphemesOf } from "../../../lib/graphemes.ts";

const nameOf = (text: string) => fileName(text, "image/png").replace(/\.png$/, "");

Deno.test("a file name keeps the letters of every script whole", () => {
  const names: [text: string, name: string][] = [
    ["A Fox, at night!", "a-fox-at-night"],
    ["हिन्दी में एक बिल्ली", "हिन्दी-में-एक-बिल्ली"],
    ["แมวที่หน้าต่าง", "แมวที่หน้าต่าง"],
    ["ကြောင်", "ကြောင်"],
    ["ဆိတ် ខ្មែរ", "ဆိတ်-ខ្មែរ"],
    ["Cafe\u0301 zu\u0308rich", "café-zürich"],
    ["한국어".normalize("NFD"), "한국어"],
    ["می‌خواهم", "می‌خواهم"],
    ["क्‍ष", "क्‍ष"],
    ["猫が窓辺に座っている", "猫が窓辺に座っている"],
    ["𐐀 𓀀", "𐐨-𓀀"],
    ["a\u202efdp.exe\u2066 sea\u200f", "afdp-exe-sea"],
    ["l\u00adit\ufeffe", "lite"],
    ["👩‍👩‍👧 sea 👍🏽 ❤️ 1️⃣ 🇩🇪", "sea-1"],
    ["🦊🌊", "image"],
    ["\u0301\u200d…", "image"],
    ["../../etc/passwd", "etc-passwd"],
    ["...", "image"],
    ["con", "con-image"],
    ["NUL.", "nul-image"],
    ["COM¹", "com¹-image"],
    ["lpt9", "lpt9-image"],
    ["console", "console"],
  ];
  for (const [text, name] of names) assert.equal(nameOf(text), name, JSON.stringify(text));
});

Deno.test("a long name ends between letters and leaves room in 255 bytes for what is put around it", () => {
  for (const letter of ["हि", "ที่", "海", "𓀀", "각".normalize("NFD"), "e\u0301\u0323\u0330", "क्ष", "a"]) {
    for (let odd = 0; odd < 4; odd++) {
      const text = "x".repeat(odd) + letter.repeat(400);
      const name = fileName(text, "image/webp");
      const whole = `pictures/${crypto.randomUUID()}-${name}`.split("/")[1];
      assert.ok(new TextEncoder().encode(whole).length <= 255 - 8, name);
      const letters = graphemesOf(name.replace(/\.webp$/, ""));
      const known = new Set(graphemesOf(text.normalize("NFC")));
      assert.deepEqual(letters.filter((each) => !known.has(each)), [], name);
      assert.ok(letters.length > 5, name);
    }
  }
  assert.ok(nameOf("a" + "\u0301".repeat(100_000)).length <= 90);
  assert.equal(nameOf("a".repeat(59) + " b"), "a".repeat(59));
});
