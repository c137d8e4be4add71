import assert from "node:assert/strict";
import fc from "fast-check";
import type { Image } from "../../../lib/images/image.ts";
import { type ImageQuery, searchImages } from "../../../lib/images/image_search.ts";
import { modelTerm, sizeTerm, wordsOf } from "../../../lib/images/search_terms.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { createTestStore, type TestStore } from "../../fixtures/store.ts";
import { addImage } from "../../../lib/images/image_store.ts";

const noQuery: ImageQuery = { text: "", model: null, size: null, from: null, to: null, cost: null };

Deno.test("words are found in any case, without accents, each once", () => {
  assert.deepEqual(wordsOf("A Fox, a fox; l'été à Zürich — 3D!"), ["a", "fox", "l", "ete", "zurich", "3d"]);
  assert.deepEqual(wordsOf("東京 の夜"), ["東京", "の夜"]);
  assert.deepEqual(wordsOf(" ,.;"), []);
  assert.equal(wordsOf("x".repeat(1000))[0].length, 40);
  assert.equal(wordsOf(Array.from({ length: 500 }, (_, i) => `w${i}`).join(" ")).length, 64);
});

async function add(
  store: TestStore,
  userId: string,
  sequence: number,
  text: string,
  changes: Partial<Image> = {},
) {
  const size = { width: changes.width ?? 512, height: 512 };
  const model = changes.model ?? "m";
  const id = store.ids();
  const image = {
    id,
    userId,
    sequence,
    ...size,
    model,
    terms: [...wordsOf(text), modelTerm(model), sizeTerm(size)],
    createdAt: store.now(),
  } as Image;
  const atomic = store.kv.atomic();
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
