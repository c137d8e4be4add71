import assert from "node:assert/strict";
import fc from "fast-check";
import { type MadeImage, unmarked } from "../../../lib/images/image.ts";
import { allOf, type ImageQuery, searchImages } from "../../../lib/images/image_search.ts";
import { modelTerm, sizeTerm } from "../../../lib/images/search_terms.ts";
import { foldText, textTerms } from "../../../lib/search_text.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import type { AccountDeletion } from "../../../lib/accounts/delete_account.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { createTestStore, type TestStore } from "../../fixtures/store.ts";
import { keys } from "../../../lib/store/schema.ts";
import { addImage } from "../../../lib/images/image_store.ts";

const noQuery: ImageQuery = allOf("made");

Deno.test("words are terms in any case, without accents, each once; where there are no spaces, letters and pairs", () => {
  const texts: [text: string, terms: string[]][] = [
    ["A Fox, a fox; l'été à Zürich — 3D!", ["a", "fox", "l", "ete", "zurich", "3d"]],
    ["東京 の夜", ["東", "東京", "京", "の", "の夜", "夜"]],
    ["iPhone15ケース", ["iphone15", "け", "けー", "ー", "ーす", "す"]],
    ["हिन्दी में", ["हिन्दी", "में"]],
    ["👍🏽 ❤️", ["👍", "❤"]],
    [" ,.;", []],
  ];
  for (const [text, terms] of texts) assert.deepEqual(textTerms(text), terms, text);
  assert.equal(textTerms("x".repeat(1000))[0].length, 40);
  assert.equal(textTerms(Array.from({ length: 2000 }, (_, i) => `w${i}`).join(" ")).length, 800);
  const han = String.fromCodePoint(...Array.from({ length: 20_000 }, (_, i) => 0x4e00 + i));
  assert.equal(textTerms(han).length, 800);
});

Deno.test("what people take for the same is the same, however it is written", () => {
  const same = [
    ["Straße", "STRASSE", "STRAẞE", "strasse"],
    ["İstanbul", "ISTANBUL", "istanbul", "ıstanbul"],
    ["ΟΔΟΣ", "οδός", "οδοσ"],
    ["Café", "Cafe\u0301", "CAFE"],
    ["ﾈｺ", "ネコ", "ねこ"],
    ["ｆｕｌｌ", "full"],
    ["고양이", "고양이".normalize("NFD")],
    ["می‌خواهم", "ميخواهم"],
    ["كِتَاب", "كتاب", "کتاب", "كـتاب"],
    ["שָׁלוֹם", "שלום"],
    ["Łódź", "lodz"],
    ["ガ", "ｶﾞ", "カ\u3099"],
  ];
  for (const [first, ...others] of same) {
    for (const other of others) assert.equal(foldText(other), foldText(first), `${first} ${other}`);
  }
  for (const [one, other] of [["กัน", "กิน"], ["की", "का"], ["が", "か"], ["猫", "狗"], ["й", "ы"]]) {
    assert.notEqual(foldText(one), foldText(other));
  }
});

Deno.test("a few letters are found inside of scripts without spaces, and only where they stand in a row", async () => {
  using store = await createTestStore();
  const texts = [
    "猫が窓辺に座っている",
    "แมวนั่งอยู่ที่หน้าต่าง",
    "ແມວນັ່ງຢູ່ປ່ອງຢ້ຽມ",
    "ឆ្មាអង្គុយនៅបង្អួច",
    "ကြောင်ပြတင်းပေါက်",
    "길고양이가 창가에",
    "a ネコ by iPhone15ケース 🦊",
    "座ると窓と座",
    "黑白狗和白猫",
  ];
  for (const [i, text] of texts.entries()) await add(store, "ada", i + 1, text);
  const found: [typed: string, numbers: number[]][] = [
    ["座", [8, 1]],
    ["窓辺", [1]],
    ["座って", [1]],
    ["猫が窓辺に座っている", [1]],
    ["窓 猫", [1]],
    ["ている猫", []],
    ["窓座", []],
    ["座と窓", []],
    ["ると窓と座", [8]],
    ["白猫", [9]],
    ["黑白狗", [9]],
    // Each pair of its letters is there, and all of them are not.
    ["黑白猫", []],
    ["นั่ง", [2]],
    ["ต่าง", [2]],
    ["หน้าต่างแมว", []],
    ["ຢູ່", [3]],
    ["ម", [4]],
    ["អង្គុយ", [4]],
    ["ပြတင်း", [5]],
    ["고양이", [6]],
    ["창가", [6]],
    ["ねこ", [7]],
    ["ﾈｺ", [7]],
    ["ケース", [7]],
    ["iphone ケ", [7]],
    ["🦊", [7]],
    ["🌊", []],
    ["犬", []],
  ];
  for (const [typed, expected] of found) {
    assert.deepEqual(await numbers(store, { text: typed }), expected, typed);
  }
});

async function add(
  store: TestStore,
  userId: string,
  sequence: number,
  text: string,
  changes: Partial<MadeImage> = {},
) {
  const size = { width: changes.width ?? 512, height: 512 };
  const model = changes.model ?? "m";
  const id = store.ids();
  const image = {
    id,
    kind: "made",
    userId,
    sequence,
    ...size,
    model,
    promptId: store.ids(),
    byteLength: 1,
    terms: [...textTerms(text), modelTerm(model), sizeTerm(size)],
    ...unmarked,
    createdAt: store.now(),
  } as MadeImage;
  const atomic = store.kv.atomic().set(keys.prompt(image.promptId), { request: { text } });
  addImage(atomic, image);
  await atomic.commit();
}

async function numbers(store: TestStore, query: Partial<ImageQuery>, limit = 100): Promise<number[]> {
  const found: number[] = [];
  let before: number | undefined;
  do {
    const page = await searchImages(store, { userId: "ada", query: { ...noQuery, ...query }, limit, before });
    found.push(...page.images.map(({ sequence }) => sequence));
    before = page.next ?? undefined;
  } while (before !== undefined);
  return found;
}

Deno.test("pictures are found by words in any order, by their beginnings, by model, size and day", async () => {
  using store = await createTestStore();
  const texts = ["A lighthouse at dusk", "Dusk over a light house", "a lighted sea", "nothing of the kind"];
  for (const [i, text] of texts.entries()) {
    await add(store, "ada", i + 1, text, { model: i % 2 ? "odd" : "even", width: i < 2 ? 512 : 768 });
    store.clock.advance(24 * 3600 * 1000);
  }
  await add(store, "bob", 1, "A lighthouse at dusk");
  assert.deepEqual(await numbers(store, { text: "dusk lighthouse" }), [1]);
  assert.deepEqual(await numbers(store, { text: "LIGHT dusk" }), [2, 1]);
  assert.deepEqual(await numbers(store, { text: "light" }), [3, 2, 1]);
  assert.deepEqual(await numbers(store, { text: "lightx" }), []);
  assert.deepEqual(await numbers(store, { model: "odd" }), [4, 2]);
  assert.deepEqual(await numbers(store, { text: "light", model: "even", size: "512x512" }), [1]);
  assert.deepEqual(await numbers(store, { from: "2026-11-24", to: "2026-11-25" }), [3, 2]);
  assert.deepEqual(await numbers(store, { from: "2026-11-25" }), [4, 3]);
  assert.deepEqual(await numbers(store, { to: "2026-11-23" }), [1]);
  assert.deepEqual(await numbers(store, { to: "2026-11-22" }), []);
  assert.deepEqual(await numbers(store, { from: "2027-01-01" }), []);
  assert.deepEqual(await numbers(store, {}), [4, 3, 2, 1]);
});

Deno.test("what is found is what a search through everything finds, page by page, whatever was asked", async () => {
  const word = fc.constantFrom("sea", "seal", "red", "reddish", "fox", "f");
  const library = fc.array(
    fc.record({ words: fc.array(word, { maxLength: 4 }), model: fc.constantFrom("a", "b") }),
    { maxLength: 60 },
  );
  const query = fc.record({
    words: fc.array(word, { maxLength: 3 }),
    model: fc.option(fc.constantFrom("a", "b", "c")),
  });
  await fc.assert(
    fc.asyncProperty(
      library,
      query,
      fc.integer({ min: 1, max: 7 }),
      async (pictures, { words, model }, limit) => {
        using store = await createTestStore();
        for (const [i, each] of pictures.entries()) {
          await add(
            store,
            "ada",
            i + 1,
            each.words.join(" "),
            each,
          );
        }
        const expected = pictures.map((each, i) => ({ ...each, number: i + 1 })).filter((each) =>
          words.every((typed) => each.words.some((has) => has.startsWith(typed))) &&
          (model === null || each.model === model)
        ).map(({ number }) => number).toReversed();
        assert.deepEqual(await numbers(store, { text: words.join(" "), model }, limit), expected);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("what stands inside of a text without spaces is found as by reading all of them", async () => {
  const letters = fc.string({
    unit: fc.constantFrom("猫", "窓", "座", "の", "ว", "่", " ", "a"),
    maxLength: 9,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(letters, { maxLength: 20 }), letters, async (texts, typed) => {
      using store = await createTestStore();
      for (const [i, text] of texts.entries()) await add(store, "ada", i + 1, text);
      const rows = typed.match(/[^ a]+/g) ?? [];
      const words = typed.match(/a+/g) ?? [];
      const expected = texts.map((text, i) => ({ text, number: i + 1 })).filter(({ text }) =>
        rows.every((row) => text.includes(row)) &&
        words.every((word) => (text.match(/a+/g) ?? []).some((has) => has.startsWith(word)))
      ).map(({ number }) => number).toReversed();
      assert.deepEqual(await numbers(store, { text: typed }, 3), expected);
    }),
    { numRuns: 200 },
  );
});

async function readDeletion({ store }: Studio, userId: string): Promise<AccountDeletion | null> {
  return (await store.kv.get<AccountDeletion>(keys.deletion(userId))).value;
}

Deno.test("eight pictures of the longest text without spaces are found, deleted, and leave with their account", async () => {
  await using studio = await createStudio();
  const ada = await studio.addMember();
  const program = await studio.withKey(ada);
  const prompt = String.fromCodePoint(...Array.from({ length: 500 }, (_, i) => 0x4e00 + i));
  const { images } = await finished(program, await submit(program, { prompt, count: 8 }));
  assert.equal(images.length, 8);
  const query = { ...noQuery, text: String.fromCodePoint(0x4e00 + 300, 0x4e00 + 301, 0x4e00 + 302) };
  const search = async () =>
    (await searchImages(studio.store, { userId: ada.id, query, limit: 9 })).images.length;
  assert.equal(await search(), 8);
  await program.delete(`/api/v1/images/${images[0].id}`);
  assert.equal(await search(), 7);
  await studio.deps.deletions.request(ada.id);
  const prefix = keys.imageTermsOf(ada.id);
  await until(() => Array.fromAsync(studio.store.kv.list({ prefix })), (left) => left.length === 0);
  await until(() => readDeletion(studio, ada.id), (deletion) => deletion?.finishedAt != null);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("a picture is found once it is there and not any more once it is deleted, and by nobody else", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  await finished(program, await submit(program, { prompt: "A Red Fox" }));
  const search = async (userId: string) =>
    (await searchImages(studio.store, { userId, query: { ...noQuery, text: "fox" }, limit: 5 })).images;
  const [image] = await search(studio.owner.id);
  assert.equal(image.title, "Generated: A Red Fox");
  assert.deepEqual(await search((await studio.addMember()).id), []);
  await program.delete(`/api/v1/images/${image.id}`);
  assert.deepEqual(await search(studio.owner.id), []);
});
