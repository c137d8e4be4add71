import assert from "node:assert/strict";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { originalKey } from "../../../lib/images/image.ts";
import { storePicture } from "../../../lib/images/store_picture.ts";
import { createInTurn } from "../../../lib/in_turn.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { picture, standInModel } from "../../fixtures/stand_in_provider.ts";
import { acceptPrompt, createTestStore, createTestUser } from "../../fixtures/store.ts";

async function store(bytes: Uint8Array) {
  using store = await createTestStore();
  const { prompt } = await acceptPrompt(store, await createTestUser(store));
  const blobs = createMemoryBlobs();
  const imageId = store.ids();
  const deps = { blobs, decoding: createInTurn(), now: store.now, mayRetry: () => Promise.resolve(false) };
  const image = await storePicture(deps, {
    imageId,
    prompt: prompt.value,
    model: standInModel,
    bytes,
    seed: null,
  });
  return { image, keys: [...blobs.contents.keys()], blobs };
}

Deno.test("a picture of the size asked for stands once, with its tint", async () => {
  const bytes = await picture(512, 512);
  const { image, keys } = await store(bytes);
  assert.deepEqual(keys, [blobKeys.picture(image.id)]);
  assert.equal(originalKey(image), blobKeys.picture(image.id));
  assert.deepEqual([image.hasOriginal, image.byteLength, image.tint], [
    false,
    bytes.length,
    "b3290b".repeat(16),
  ]);
});

Deno.test("one of another size stands beside what the provider made", async () => {
  const bytes = await picture(640, 320);
  const { image, keys, blobs } = await store(bytes);
  assert.deepEqual(keys.toSorted(), [blobKeys.picture(image.id), blobKeys.original(image.id)].toSorted());
  assert.deepEqual(blobs.contents.get(originalKey(image)), new Uint8Array(bytes));
  assert.deepEqual([image.hasOriginal, image.width, image.height], [true, 512, 512]);
});

Deno.test("pixels are decoded in their turn, and the storage is not waited for there", async () => {
  using store = await createTestStore();
  const { prompt } = await acceptPrompt(store, await createTestUser(store));
  const blobs = createMemoryBlobs();
  const seen: string[] = [];
  await storePicture({
    blobs: { ...blobs, put: (...given) => (seen.push("put"), blobs.put(...given)) },
    async decoding(step) {
      seen.push("begins");
      const result = await step();
      seen.push("ends");
      return result;
    },
    now: store.now,
    mayRetry: () => Promise.resolve(false),
  }, {
    imageId: store.ids(),
    prompt: prompt.value,
    model: standInModel,
    bytes: await picture(512, 512),
    seed: null,
  });
  assert.deepEqual(seen, ["begins", "ends", "put"]);
});
