import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../../../lib/blobs/disk_blobs.ts";
import { deleteImage, undoDeletion } from "../../../../lib/images/delete_image.ts";
import type { Image, TrashedImage } from "../../../../lib/images/image.ts";
import { allOf, searchImages } from "../../../../lib/images/image_search.ts";
import { markImage } from "../../../../lib/batches/mark_image.ts";
import { rated } from "../../../../lib/images/marking.ts";
import { verify } from "../../../../lib/operation/verify.ts";
import { migrateRecords } from "../../../../lib/store/migrations.ts";
import { markedPictures } from "../../../../lib/store/migrations/marked_pictures.ts";
import { keys, kinds } from "../../../../lib/store/schema.ts";
import { createStore } from "../../../../lib/store/store.ts";
import { createMemoryBlobs } from "../../../fixtures/blobs.ts";
import { interceptCommits } from "../../../fixtures/commits.ts";
import { createTestDirectory } from "../../../fixtures/directory.ts";
import { copyOldDatabase, oldDatabaseAt, oldDatabaseCounts } from "../../../fixtures/old_database.ts";
import { completePrompt, createTestUpload, createTestUser } from "../../../fixtures/store.ts";
import { imagesOf } from "../../../../lib/prompts/prompt.ts";

const now = () => oldDatabaseAt;
const quietly = { now, log: () => {} };
const migrate = (kv: Deno.Kv) => migrateRecords(kv, quietly, [markedPictures]);

/** Two pictures that were made and two uploads, one of each deleted, as version 5 kept them. */
async function openVersion5() {
  const kv = await Deno.openKv(":memory:");
  const blobs = createMemoryBlobs();
  const store = createStore({ kv, now });
  const user = await createTestUser(store);
  const made = imagesOf((await completePrompt(store, user, { blobs, request: { count: 2 } })).value);
  const uploads = [
    await createTestUpload(store, { user, blobs }),
    await createTestUpload(store, { user, blobs, colour: "#963" }),
  ];
  await deleteImage(store, made[1]);
  await deleteImage(store, uploads[1]);
  const old = ({ rating: _, tags: __, boards: ___, ...image }: Image) =>
    image.kind === "upload" ? { ...image, terms: [] } : image;
  for await (const { key, value } of kv.list<Image>({ prefix: [...kinds.images] })) {
    await kv.set(key, old(value));
  }
  for await (const { key, value } of kv.list<TrashedImage>({ prefix: [...kinds.trash] })) {
    await kv.set(key, { ...value, image: old(value.image) });
  }
  for await (const { key } of kv.list({ prefix: keys.imageTermsOf(user.id) })) {
    if (String(key[2]).startsWith(":upload ")) await kv.delete(key);
  }
  return { kv, store, blobs, user, made, uploads, [Symbol.dispose]: () => kv.close() };
}

Deno.test("pictures from before have no stars, tags or boards, and uploads are found by their names", async () => {
  using old = await openVersion5();
  const { kv, store, blobs, user, made, uploads } = old;
  await kv.set(keys.recordsVersion(), { version: 1 });
  await migrate(kv);
  const found = async (kind: "made" | "upload") =>
    (await searchImages(store, { userId: user.id, query: { ...allOf(kind), text: "photo" }, limit: 9 }))
      .images;
  assert.deepEqual((await found("upload")).map(({ id }) => id), [uploads[0].id]);
  assert.deepEqual(await found("made"), []);
  for (const imageId of [made[1].id, uploads[1].id]) await undoDeletion(store, { userId: user.id, imageId });
  assert.deepEqual((await found("upload")).map(({ id }) => id), [uploads[1].id, uploads[0].id]);
  for await (const { value } of kv.list<Image>({ prefix: [...kinds.images] })) {
    assert.deepEqual([value.rating, value.tags, value.boards], [0, [], []]);
    await markImage(store, { userId: user.id, imageId: value.id }, rated(5));
  }
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("killed at any of its commits it goes on to the same", async () => {
  const contents = async (kv: Deno.Kv) =>
    (await Array.fromAsync(kv.list({ prefix: [] }))).map(({ key, value }) => [key[0], value]);
  for (const dieAt of [1, 2, 3, 4]) {
    using old = await openVersion5();
    const { kv } = old;
    await kv.set(keys.recordsVersion(), { version: 1 });
    const before = await contents(kv);
    const { atomic } = kv;
    let commits = 0;
    interceptCommits(kv, (_, commit) => {
      if (++commits === dieAt) throw new Error("killed");
      return commit();
    });
    const isKilled = await migrate(kv).then(() => false, () => true);
    assert.equal(isKilled, dieAt < 4);
    kv.atomic = atomic;
    await migrate(kv);
    assert.ok((await contents(kv)).length > before.length);
    assert.deepEqual((await verify(old.store, old)).violations, []);
  }
});

Deno.test("an old database is well after all that has changed since", async () => {
  await using directory = await createTestDirectory();
  await copyOldDatabase(directory.path);
  const kv = await Deno.openKv(join(directory.path, "darkroom.sqlite3"));
  await migrateRecords(kv, quietly);
  const blobs = createDiskBlobs(join(directory.path, "blobs"));
  const { violations, ...counts } = await verify({ kv, now }, { blobs });
  assert.deepEqual([violations, counts], [[], oldDatabaseCounts]);
  kv.close();
});
