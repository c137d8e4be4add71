/** Pictures that were deleted while a prompt may still need their bytes. */
import assert from "node:assert/strict";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";
import { deleteImage, emptyTrash, undoMs } from "../../../lib/images/delete_image.ts";
import type { Prompt } from "../../../lib/prompts/prompt.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import type { Versioned } from "../../../lib/store/store.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  acceptPrompt,
  changeOf,
  createTestMask,
  createTestModels,
  createTestStore,
  createTestUpload,
  createTestUser,
  startPrompt,
  type TestStore,
} from "../../fixtures/store.ts";

async function setScene(store: TestStore) {
  const memory = createMemoryBlobs();
  const blobs = createHoldableBlobs(memory);
  const user = await createTestUser(store);
  const base = await createTestUpload(store, { user, blobs });
  const other = await createTestUpload(store, { user, blobs, colour: "#963" });
  /** After the time in which it can be undone. */
  const purge = async () => {
    store.clock.advance(undoMs + 1);
    return await emptyTrash({ store, blobs });
  };
  const cancel = (prompt: Versioned<Prompt>) =>
    cancelPrompt({ store, models: createTestModels(store.now) }, prompt);
  return { memory, blobs, user, base, other, purge, cancel };
}

Deno.test("a picture that was deleted keeps its bytes until the last prompt that changes it is final", async () => {
  using store = await createTestStore();
  const { memory, blobs, user, base, other, purge, cancel } = await setScene(store);
  const request = changeOf(base, { style: other });
  const first = await acceptPrompt(store, user, { request });
  const second = await acceptPrompt(store, user, { request });
  for (const image of [base, other]) await deleteImage(store, image);
  assert.equal(await purge(), 0);
  await cancel(first.prompt);
  assert.equal(await purge(), 0);
  assert.ok(memory.contents.has(blobKeys.picture(base.id)));
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  await cancel(second.prompt);
  assert.equal(await purge(), 2);
  assert.equal(memory.contents.size, 0);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("a mask that was made for another picture stays while a prompt that has it is not final", async () => {
  using store = await createTestStore();
  const { memory, blobs, user, base, other, purge, cancel } = await setScene(store);
  const mask = await createTestMask(store, { base: other, blobs });
  const accepted = await acceptPrompt(store, user, { request: changeOf(base, { mask }) });
  await startPrompt(store, accepted.prompt.value.id);
  await deleteImage(store, other);
  assert.equal(await purge(), 0);
  assert.ok(memory.contents.has(blobKeys.mask(mask.id)));
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  const { value } = await store.kv.get<Prompt>(["prompt", accepted.prompt.value.id]);
  const { versionstamp } = await store.kv.get(["prompt", accepted.prompt.value.id]);
  const { value: ended } = await cancel({ value: value!, versionstamp: versionstamp! });
  assert.equal(ended.status, "CANCELLED");
  assert.equal(await purge(), 1);
  assert.ok(!memory.contents.has(blobKeys.mask(mask.id)));
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});
