import assert from "node:assert/strict";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { fillTints } from "../../../lib/images/fill_tints.ts";
import { deleteImage } from "../../../lib/images/delete_image.ts";
import type { Image } from "../../../lib/images/image.ts";
import { readImage } from "../../../lib/images/image_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { kinds } from "../../../lib/store/schema.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { completePrompt, createTestStore, createTestUser, type TestStore } from "../../fixtures/store.ts";

const plain = "b3290b".repeat(16);

/** Pictures without a tint, oldest first. */
async function setScene(store: TestStore, prompts: number) {
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const ids: string[] = [];
  for (let i = 0; i < prompts; i++) {
    const { value } = await completePrompt(store, user, { blobs });
    ids.push(imagesOf(value)[0].id);
  }
  for (const id of ids) await blobs.put(blobKeys.picture(id), await picture(64, 64), "image/png");
  return { store, blobs, ids };
}

async function tints(store: TestStore): Promise<(string | null)[]> {
  return await Array.fromAsync(
    store.kv.list<Image>({ prefix: [...kinds.images] }),
    ({ value }) => value.tint,
  );
}

Deno.test("older pictures get their tint ten at a time, each once", async () => {
  using store = await createTestStore();
  const scene = await setScene(store, 23);
  for (const filled of [10, 20]) {
    assert.equal(await fillTints(scene), true);
    assert.equal((await tints(store)).filter((tint) => tint === plain).length, filled);
  }
  let opened = 0;
  const counting = {
    ...scene.blobs,
    open: (...args: Parameters<typeof scene.blobs.open>) => (opened++, scene.blobs.open(...args)),
  };
  assert.equal(await fillTints({ store, blobs: counting }), false);
  assert.deepEqual(new Set(await tints(store)), new Set([plain]));
  assert.equal(await fillTints({ store, blobs: counting }), false);
  // Of each the thumbnail was asked for, then the picture.
  assert.equal(opened, 6);
  assert.deepEqual((await verify(store, scene)).violations, []);
});

Deno.test("a thumbnail that is there is enough", async () => {
  using store = await createTestStore();
  const scene = await setScene(store, 1);
  const [id] = scene.ids;
  await scene.blobs.put(blobKeys.thumbnail(id, 320), await picture(32, 32), "image/webp");
  scene.blobs.contents.delete(blobKeys.picture(id));
  assert.equal(await fillTints(scene), false);
  assert.deepEqual(await tints(store), [plain]);
});

Deno.test("a picture that is gone or broken stays without, and holds up no other", async () => {
  using store = await createTestStore();
  const scene = await setScene(store, 3);
  const [gone, broken] = scene.ids;
  scene.blobs.contents.delete(blobKeys.picture(gone));
  await scene.blobs.put(blobKeys.picture(broken), new Uint8Array(9), "image/png");
  assert.equal(await fillTints(scene), false);
  assert.deepEqual(await tints(store), [null, null, plain]);
});

Deno.test("a storage that does not answer is asked again, and nothing is left out", async () => {
  using store = await createTestStore();
  const scene = await setScene(store, 2);
  const silent = { ...scene.blobs, open: () => Promise.reject(new Error("no answer")) };
  await assert.rejects(fillTints({ store, blobs: silent }), /no answer/);
  await fillTints(scene);
  assert.deepEqual(await tints(store), [plain, plain]);
});

Deno.test("a picture that is deleted while its tint is made stays deleted", async () => {
  using store = await createTestStore();
  const scene = await setScene(store, 1);
  const [id] = scene.ids;
  const deleting = {
    ...scene.blobs,
    async open(...args: Parameters<typeof scene.blobs.open>) {
      if (args[0] === blobKeys.picture(id)) await deleteImage(store, { id });
      return await scene.blobs.open(...args);
    },
  };
  await fillTints({ store, blobs: deleting });
  assert.equal(await readImage(store, id), null);
  assert.deepEqual((await verify(store, scene)).violations, []);
});
