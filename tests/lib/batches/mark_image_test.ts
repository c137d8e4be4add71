import assert from "node:assert/strict";
import fc from "fast-check";
import { changedSince, readCursor } from "../../../lib/live/cursor.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import {
  allOf,
  type ImageQuery,
  listTags,
  searchImages,
  searchPage,
} from "../../../lib/images/image_search.ts";
import { readImage } from "../../../lib/images/image_store.ts";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { rated, tagged, taggedToo } from "../../../lib/images/marking.ts";
import { rebuild } from "../../../lib/operation/rebuild.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import type { User } from "../../../lib/users/user.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  completePrompt,
  createTestStore,
  createTestUpload,
  createTestUser,
  type TestStore,
} from "../../fixtures/store.ts";

interface Scene extends Disposable {
  store: TestStore;
  blobs: ReturnType<typeof createMemoryBlobs>;
  user: User;
  /** Oldest first. */
  ids: string[];
  find(query: Partial<ImageQuery>): Promise<string[]>;
}

async function setScene({ count = 3 } = {}): Promise<Scene> {
  const store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const made = await completePrompt(store, user, { blobs, request: { count } });
  return {
    store,
    blobs,
    user,
    ids: imagesOf(made.value).map(({ id }) => id),
    async find(query) {
      const search = { userId: user.id, query: { ...allOf("made"), ...query }, limit: 100 };
      return (await searchImages(store, search)).images.map(({ id }) => id);
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

const isWell = async ({ store, blobs }: Pick<Scene, "store" | "blobs">) =>
  assert.deepEqual((await verify(store, { blobs })).violations, []);

Deno.test("a picture is found by at least its stars, by being rejected, and by not being so", async () => {
  using scene = await setScene({ count: 4 });
  const { store, user, ids: [none, two, five, rejected], find } = scene;
  for (const [imageId, rating] of [[two, 2], [five, 5], [rejected, -1]] as const) {
    await markImage(store, { userId: user.id, imageId }, rated(rating));
  }
  assert.deepEqual(await find({ stars: 1 }), [five, two]);
  assert.deepEqual(await find({ stars: 2 }), [five, two]);
  assert.deepEqual(await find({ stars: 3 }), [five]);
  assert.deepEqual(await find({ stars: 5 }), [five]);
  assert.deepEqual(await find({ stars: "rejected" }), [rejected]);
  assert.deepEqual(await find({ stars: 0 }), [five, two, none]);
  assert.deepEqual(await find({ text: "stars:2" }), [five, two]);
  assert.deepEqual(await find({ text: "stars:2 stars:3" }), [five]);
  assert.deepEqual(await find({ text: "stars:0", stars: 4 }), [five]);
  await isWell(scene);
  await markImage(store, { userId: user.id, imageId: five }, rated(0));
  assert.deepEqual(await find({ stars: 1 }), [two]);
  await isWell(scene);
});

Deno.test("a picture is found by each of its tags and by all of them, in whatever letters", async () => {
  using scene = await setScene();
  const { store, user, ids: [first, second], find } = scene;
  await markImage(store, { userId: user.id, imageId: first }, tagged(["fox", "night sky"]));
  await markImage(store, { userId: user.id, imageId: second }, tagged(["fox"]));
  assert.deepEqual(await find({ tags: ["fox"] }), [second, first]);
  assert.deepEqual(await find({ text: 'TAG:FOX tag:"Night Sky"' }), [first]);
  assert.deepEqual(await find({ tags: ["fo"] }), []);
  assert.deepEqual(await find({ text: "fox" }), []);
  assert.deepEqual(await listTags(store, user.id), ["fox", "night sky"]);
  await markImage(store, { userId: user.id, imageId: first }, tagged([]));
  assert.deepEqual(await listTags(store, user.id), ["fox"]);
  await isWell(scene);
});

Deno.test("tags come to those that are there, and too many of them are refused", async () => {
  using scene = await setScene();
  const { store, user, ids: [imageId] } = scene;
  const many = Array.from({ length: 31 }, (_, i) => `tag ${i}`);
  await markImage(store, { userId: user.id, imageId }, taggedToo(["fox"]));
  const { tags } = await markImage(store, { userId: user.id, imageId }, taggedToo([...many, "fox"]));
  assert.deepEqual(tags, ["fox", ...many]);
  const more = markImage(store, { userId: user.id, imageId }, taggedToo(["more"]));
  await assert.rejects(more, { code: "conflict" });
  await isWell(scene);
});

Deno.test("uploads are marked and found apart from what was made, or together with it", async () => {
  using scene = await setScene();
  const { store, blobs, user, ids: [made], find } = scene;
  const upload = await createTestUpload(store, { user, blobs });
  for (const imageId of [made, upload.id]) {
    await markImage(store, { userId: user.id, imageId }, (image) => tagged(["fox"])(rated(4)(image)));
  }
  for (const query of [{ stars: 4 }, { tags: ["fox"] }, { stars: 3, tags: ["fox"] }] as const) {
    assert.deepEqual(await find(query), [made]);
    assert.deepEqual(await find({ kind: "upload", ...query }), [upload.id]);
    assert.deepEqual(await find({ kind: "all", ...query }), [upload.id, made]);
  }
  assert.deepEqual(await find({ kind: "upload", text: "phot" }), [upload.id]);
  assert.deepEqual(await find({ kind: "all", text: "phot" }), [upload.id]);
  assert.deepEqual(await find({ text: "phot" }), []);
  assert.equal((await find({ kind: "all" })).length, 4);
  assert.deepEqual(await listTags(store, user.id), ["fox"]);
  await isWell(scene);
});

Deno.test("a picture of somebody else, or none, is not marked", async () => {
  using scene = await setScene();
  const { store, ids: [imageId] } = scene;
  const other = await createTestUser(store);
  for (
    const named of [{ userId: other.id, imageId }, { userId: scene.user.id, imageId: "x" }, {
      userId: scene.user.id,
      imageId: store.ids(),
    }]
  ) {
    await assert.rejects(markImage(store, named, rated(4)), { code: "not_found" });
  }
  assert.equal((await readImage(store, imageId))!.value.rating, 0);
});

Deno.test("marks go with a deleted picture, and come back with it", async () => {
  using scene = await setScene();
  const { store, user, ids: [imageId], find } = scene;
  await markImage(store, { userId: user.id, imageId }, (image) => tagged(["fox"])(rated(5)(image)));
  await deleteImage(store, { id: imageId });
  assert.deepEqual(await find({ stars: 1 }), []);
  assert.deepEqual(await listTags(store, user.id), []);
  await isWell(scene);
  await undoDeletion(store, { userId: user.id, imageId });
  assert.deepEqual(await find({ stars: 5, tags: ["fox"] }), [imageId]);
  await isWell(scene);
});

Deno.test("of two who rate a picture at once one comes last, and it is found by that alone", async () => {
  using scene = await setScene();
  const { store, user, ids, find } = scene;
  await Promise.all(
    Array.from(
      { length: 20 },
      (_, i) => markImage(store, { userId: user.id, imageId: ids[i % 3] }, rated(i % 5 + 1)),
    ),
  );
  for (const imageId of ids) {
    const { rating } = (await readImage(store, imageId))!.value;
    assert.ok(rating >= 1);
    for (const stars of [1, 2, 3, 4, 5] as const) {
      assert.equal((await find({ stars })).includes(imageId), rating >= stars);
    }
  }
  await isWell(scene);
});

Deno.test("whoever looks on is told of a mark, and of none where nothing changed", async () => {
  using scene = await setScene();
  const { store, user, ids: [imageId] } = scene;
  const before = await readCursor(store, user.id);
  await markImage(store, { userId: user.id, imageId }, rated(3));
  const { ids, cursor } = await changedSince(store, { userId: user.id, since: before });
  const { value } = (await readImage(store, imageId))!;
  assert.deepEqual(ids, [value.kind === "made" && value.promptId]);
  await markImage(store, { userId: user.id, imageId }, rated(3));
  assert.deepEqual((await changedSince(store, { userId: user.id, since: cursor })).ids, []);
});

Deno.test("what marks imply is found missing or left over, and put right", async () => {
  using scene = await setScene();
  const { store, blobs, user, ids: [imageId] } = scene;
  await markImage(store, { userId: user.id, imageId }, (image) => tagged(["fox"])(rated(5)(image)));
  const { sequence } = (await readImage(store, imageId))!.value;
  await store.kv.delete(keys.imageTerm(user.id, ":tag fox", sequence));
  await store.kv.set(keys.imageTerm(user.id, ":stars 2", sequence), imageId);
  const rules = (await verify(store, { blobs })).violations.map(({ rule }) => rule);
  assert.deepEqual(rules.sort(), ["image_term_missing", "image_term_orphan"]);
  await rebuild(store);
  await isWell(scene);
});

Deno.test("a tag on five thousand pictures, or on one of them, is found without looking at the others", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const ids: string[] = [];
  for (let from = 0; from < 5000; from += 100) {
    const atomic = store.kv.atomic();
    for (let i = from; i < from + 100; i++) {
      ids.push(store.ids());
      atomic.set(keys.imageTerm(user.id, ":tag all", i + 1), ids[i]);
    }
    await atomic.commit();
  }
  await store.kv.set(keys.imageTerm(user.id, ":tag one", 17), ids[16]);
  let reads = 0;
  const { list } = store.kv;
  store.kv.list = ((...args: Parameters<typeof list>) => {
    reads += args[1]?.limit ?? Infinity;
    return list(...args);
  }) as typeof list;
  const search = (tags: string[]) =>
    searchImages(store, { userId: user.id, query: { ...allOf("made"), tags }, limit: 24 });
  assert.equal((await search(["all"])).next, 4977);
  assert.ok(reads <= 64, `${reads} entries`);
  reads = 0;
  await search(["one"]);
  assert.ok(reads <= 128, `${reads} entries`);
  reads = 0;
  await search(["all", "one"]);
  assert.ok(reads < 600, `${reads} entries`);
  const page = await searchPage(store, {
    userId: user.id,
    query: { ...allOf("made"), tags: ["all"] },
    limit: 24,
    offset: 4990,
  });
  assert.deepEqual([page.total, page.next], [5000, null]);
});

Deno.test("what is found by marks is what a look at all pictures finds, page by page", async () => {
  const tag = fc.constantFrom("fox", "sea", "red");
  const marks = fc.record({
    rating: fc.integer({ min: -1, max: 5 }),
    tags: fc.uniqueArray(tag, { maxLength: 3 }),
  });
  const query = fc.record({
    stars: fc.option(fc.constantFrom(0, 1, 2, 3, 4, 5, "rejected") as fc.Arbitrary<ImageQuery["stars"]>),
    tags: fc.uniqueArray(tag, { maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(marks, { minLength: 1, maxLength: 8 }),
      fc.array(query, { maxLength: 5 }),
      fc.integer({ min: 1, max: 4 }),
      async (pictures, queries, limit) => {
        using scene = await setScene({ count: pictures.length });
        const { store, user, ids } = scene;
        for (const [i, { rating, tags }] of pictures.entries()) {
          const named = { userId: user.id, imageId: ids[i] };
          await markImage(store, named, (image) => tagged(tags)(rated(rating)(image)));
        }
        for (const { stars, tags } of queries) {
          const expected = ids.filter((_, i) =>
            tags.every((each) => pictures[i].tags.includes(each)) &&
            (stars === null || stars === undefined ||
              (stars === "rejected" ? pictures[i].rating === -1 : pictures[i].rating >= stars))
          ).toReversed();
          const search = { userId: user.id, query: { ...allOf("made"), stars: stars ?? null, tags } };
          const found: string[] = [];
          let before: number | undefined;
          do {
            const page = await searchPage(store, { ...search, limit, before });
            assert.equal(page.total, expected.length);
            found.push(...page.items.map(({ id }) => id));
            before = page.next ?? undefined;
          } while (before !== undefined);
          assert.deepEqual(found, expected);
        }
        const terms = await Array.fromAsync(store.kv.list({ prefix: [...kinds.imageTerms] }));
        assert.ok(terms.length > 0);
        await isWell(scene);
      },
    ),
    { numRuns: 60 },
  );
});
