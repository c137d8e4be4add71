import assert from "node:assert/strict";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { blobKeys, blobKeysOf, type Blobs } from "../../../lib/blobs/blobs.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import {
  claimBlobs,
  ForeignBlobs,
  planLifeMs,
  sweepBlobs,
  sweepGraceMs,
  sweepPlans,
} from "../../../lib/operation/sweep_blobs.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { setScene as setDamageScene } from "../../fixtures/damage.ts";
import { completePrompt, createTestStore, createTestUser } from "../../fixtures/store.ts";
import { readImage } from "../../../lib/images/image_store.ts";

const bytes = new Uint8Array(3);

async function setScene() {
  const store = await createTestStore();
  const user = await createTestUser(store);
  const memory = createMemoryBlobs();
  /** Blobs that were put before this test's clock began are old. */
  const putAt = new Map<string, number>();
  const blobs: Blobs = {
    ...memory,
    async *list() {
      for await (const blob of memory.list()) yield { ...blob, putAt: putAt.get(blob.key) ?? store.now() };
    },
  };
  const age = () => {
    for (const key of memory.contents.keys()) putAt.set(key, store.now() - sweepGraceMs - 1);
  };
  return { store, user, blobs, memory, age, [Symbol.dispose]: () => store[Symbol.dispose]() };
}

Deno.test("old blobs that no record names go; all others stay", async () => {
  using scene = await setScene();
  const { store, user, blobs, memory } = scene;
  const { value } = await completePrompt(store, user, { blobs, request: { count: 2 } });
  const [kept, deleted] = imagesOf(value).map(({ id }) => id);
  for (
    const key of [blobKeys.thumbnail(kept, 320), blobKeys.copy(kept, { format: "png", hasSettings: true })]
  ) {
    await blobs.put(key, bytes, "");
  }
  await deleteImage(store, (await readImage(store, deleted))!.value);
  const foreign = ["images/readme.txt", ".probe", "other/x"];
  for (const key of foreign) await blobs.put(key, bytes, "");
  const stay = [...memory.contents.keys()];
  const lost = store.ids();
  const orphans = [...blobKeysOf(lost), `${blobKeys.picture(kept)}.${crypto.randomUUID()}.part`];
  for (const key of orphans) await blobs.put(key, bytes, "");
  scene.age();
  const fresh = blobKeys.picture(store.ids());
  await blobs.put(fresh, bytes, "");
  const report = await sweepBlobs({ store, blobs }, { owner: "me" });
  assert.deepEqual(report, { removed: orphans, missing: [] });
  assert.deepEqual([...memory.contents.keys()].sort(), [...stay, fresh, ".owner"].sort());
  assert.deepEqual(await sweepBlobs({ store, blobs }, { owner: "me" }), { removed: [], missing: [] });
});

Deno.test("uploads, masks and what was received stay, old as they are; a mask that no record names goes", async () => {
  using store = await createTestStore();
  const { blobs: memory, upload, mask, finishing } = await setDamageScene(store);
  const blobs: Blobs = {
    ...memory,
    async *list() {
      for await (const blob of memory.list()) yield { ...blob, putAt: store.now() - sweepGraceMs - 1 };
    },
  };
  const [{ imageId: received }] = finishing.tasks[0].received!.pictures;
  const stay = [blobKeys.picture(upload.id), blobKeys.mask(mask.id), blobKeys.original(received)];
  const left = [blobKeys.mask(store.ids()), blobKeys.original(store.ids()), blobKeys.picture(store.ids())];
  for (const key of left) await blobs.put(key, bytes, "");
  const report = await sweepBlobs({ store, blobs }, { owner: "me" });
  assert.deepEqual(report, { removed: left, missing: [] });
  assert.deepEqual(stay.filter((key) => !memory.contents.has(key)), []);
  await blobs.delete(blobKeys.mask(mask.id));
  const { missing } = await sweepBlobs({ store, blobs }, { owner: "me" });
  assert.deepEqual(missing, [blobKeys.mask(mask.id)]);
});

Deno.test("a picture that is deleted, or brought back, while its storage is swept keeps its bytes", async () => {
  for (const isBroughtBack of [false, true]) {
    using scene = await setScene();
    const { store, user, blobs, memory } = scene;
    const { value } = await completePrompt(store, user, { blobs });
    const image = (await readImage(store, imagesOf(value)[0].id))!.value;
    if (isBroughtBack) await deleteImage(store, image);
    scene.age();
    const list = store.kv.list.bind(store.kv);
    let isDone = false;
    const change = async () => {
      isDone = true;
      if (isBroughtBack) await undoDeletion(store, { userId: user.id, imageId: image.id });
      else await deleteImage(store, image);
    };
    store.kv.list = <T>(selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
      const kind = "prefix" in selector ? selector.prefix[0] : "";
      const isTime = !isDone && kind === (isBroughtBack ? "trash" : "image");
      async function* changed() {
        await change();
        yield* list<T>(selector, options);
      }
      return isTime ? changed() as unknown as Deno.KvListIterator<T> : list<T>(selector, options);
    };
    const { removed } = await sweepBlobs({ store, blobs }, { owner: "me" });
    assert.deepEqual([isDone, removed], [true, []]);
    assert.ok(memory.contents.has(blobKeys.picture(image.id)));
  }
});

Deno.test("a record whose blob is gone is reported, and stays", async () => {
  using scene = await setScene();
  const { store, user, blobs } = scene;
  const { value } = await completePrompt(store, user, { blobs, request: { count: 2 } });
  const key = blobKeys.picture(imagesOf(value)[0].id);
  await blobs.delete(key);
  assert.deepEqual(await sweepBlobs({ store, blobs }, { owner: "me" }), { removed: [], missing: [key] });
  assert.notEqual(await readImage(store, imagesOf(value)[0].id), null);
});

Deno.test("a storage that is another Darkroom's is left alone until it is claimed", async () => {
  using scene = await setScene();
  const { store, blobs, memory } = scene;
  const key = blobKeys.picture(store.ids());
  await blobs.put(key, bytes, "");
  scene.age();
  await claimBlobs(blobs, "another");
  await assert.rejects(sweepBlobs({ store, blobs }, { owner: "me" }), ForeignBlobs);
  assert.ok(memory.contents.has(key));
  await claimBlobs(blobs, "me");
  assert.deepEqual((await sweepBlobs({ store, blobs }, { owner: "me" })).removed, [key]);
});

Deno.test("rows of a batch stay as long as the batch does; those of one that was never accepted go", async () => {
  using store = await createTestStore();
  const { blobs: memory, batch, doneBatch } = await setDamageScene(store);
  let ageMs = sweepGraceMs + 1;
  const blobs: Blobs = {
    ...memory,
    async *list(prefix) {
      for await (const blob of memory.list(prefix)) yield { ...blob, putAt: store.now() - ageMs };
    },
  };
  const left = blobKeys.batchRows(store.ids());
  await blobs.put(left, bytes, "");
  ageMs = sweepGraceMs - 1;
  assert.deepEqual((await sweepBlobs({ store, blobs }, { owner: "me" })).removed, []);
  ageMs = sweepGraceMs + 1;
  assert.deepEqual((await sweepBlobs({ store, blobs }, { owner: "me" })).removed, [left]);
  for (const { id } of [batch, doneBatch]) assert.ok(memory.contents.has(blobKeys.batchRows(id)));
  await blobs.delete(blobKeys.batchRows(batch.id));
  const { missing } = await sweepBlobs({ store, blobs }, { owner: "me" });
  assert.deepEqual(missing, [blobKeys.batchRows(batch.id)]);
});

Deno.test("a plan that may not be accepted any more goes after an hour", async () => {
  using store = await createTestStore();
  const memory = createMemoryBlobs();
  const [old, fresh] = [store.ids(), store.ids()].map((id) => blobKeys.plan("u", id));
  for (const key of [old, fresh]) await memory.put(key, bytes, "");
  const blobs: Blobs = {
    ...memory,
    async *list(prefix) {
      for await (const blob of memory.list(prefix)) {
        yield { ...blob, putAt: store.now() - planLifeMs + (blob.key === old ? -1 : 1) };
      }
    },
  };
  assert.equal(await sweepPlans({ store, blobs }), 1);
  assert.deepEqual([...memory.contents.keys()], [fresh]);
});
