import assert from "node:assert/strict";
import { readCursor } from "../../../lib/live/cursor.ts";
import { imagesOf, type Prompt, promptStatuses } from "../../../lib/prompts/prompt.ts";
import {
  listPrompts,
  listUnfinishedPrompts,
  readPrompt,
  readPrompts,
  writePrompt,
} from "../../../lib/prompts/prompt_store.ts";
import { keys } from "../../../lib/store/schema.ts";
import { deleteImage } from "../../../lib/images/delete_image.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { setScene } from "../../fixtures/damage.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestStore,
  createTestUser,
  startPrompt,
} from "../../fixtures/store.ts";
import { countImages, imageNeighbours, listImages, readImage } from "../../../lib/images/image_store.ts";

Deno.test("a prompt that changed since it was read is not overwritten", async () => {
  using store = await createTestStore();
  const { prompt: before } = await acceptPrompt(store, await createTestUser(store));
  const after = { ...before.value, retries: 1 } as Prompt;
  assert.ok((await writePrompt(store.kv, { before, after }).commit()).ok);
  assert.ok(!(await writePrompt(store.kv, { before, after }).commit()).ok);
  assert.ok(!(await writePrompt(store.kv, { before: null, after }).commit()).ok);
});

Deno.test("each prompt has one place among the changes: that of its latest change", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const first = await acceptPrompt(store, user);
  const second = await acceptPrompt(store, user);
  const started = await startPrompt(store, first.prompt.value.id);
  const changes = await Array.fromAsync(store.kv.list<string>({ prefix: keys.changesOf(user.id) }));
  const byVersion = changes.map(({ key, value }) => [key.at(-1), value]).sort();
  assert.deepEqual(byVersion, [
    [second.prompt.versionstamp, second.prompt.value.id],
    [started.versionstamp, started.value.id],
  ]);
  assert.equal(await readCursor(store, user.id), started.versionstamp);
  assert.equal((await store.kv.get(keys.changeHead(user.id))).value, started.value.id);
});

Deno.test("a list by status holds the prompts that are in it now, newest first", async () => {
  using store = await createTestStore();
  const { user } = await setScene(store);
  const found: { [status: string]: number } = {};
  for (const status of promptStatuses) {
    const { items, total } = await listPrompts(store, { userId: user.id, only: status, limit: 10 });
    assert.ok(items.every(({ value }) => value.status === status));
    assert.equal(items.length, total);
    found[status] = total;
  }
  assert.deepEqual(found, { PENDING: 6, PROCESSING: 2, COMPLETED: 1, FAILED: 3, CANCELLED: 1 });
  const all = await listPrompts(store, { userId: user.id, limit: 10 });
  assert.deepEqual(all.items.map(({ value }) => value.sequence), [13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
  assert.deepEqual((await listUnfinishedPrompts(store, user.id)).map(({ value }) => value.sequence), [
    5,
    6,
    7,
    8,
    9,
    11,
    12,
    13,
  ]);
});

Deno.test("pages lead to each other until the last, whose next is null", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  for (let i = 0; i < 5; i++) await acceptPrompt(store, user);
  const seen: number[] = [];
  let before: number | undefined;
  while (true) {
    const page = await listPrompts(store, { userId: user.id, limit: 2, before });
    seen.push(...page.items.map(({ value }) => value.sequence));
    assert.equal(page.total, 5);
    if (page.next === null) break;
    before = page.next;
  }
  assert.deepEqual(seen, [5, 4, 3, 2, 1]);
  const beyond = await listPrompts(store, { userId: user.id, limit: 2, offset: 5 });
  assert.deepEqual(beyond, { items: [], total: 5, next: null });
});

Deno.test("a user sees nothing of another's", async () => {
  using store = await createTestStore();
  const { user } = await setScene(store);
  const other = await createTestUser(store);
  assert.equal((await listPrompts(store, { userId: other.id, limit: 10 })).total, 0);
  assert.equal((await listImages(store, { userId: other.id, limit: 10 })).total, 0);
  assert.notEqual(user.id, other.id);
});

Deno.test("a deleted picture leaves the gallery and the count, and its prompt still tells of it", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const blobs = createMemoryBlobs();
  const { value } = await completePrompt(store, user, { blobs, request: { count: 3 } });
  const [first, middle, last] = imagesOf(value).map(({ id }) => id);
  const read = async (id: string) => (await readImage(store, id))!.value;
  assert.deepEqual(await imageNeighbours(store, await read(middle)), { newer: last, older: first });
  await deleteImage(store, await read(middle));
  assert.equal(await countImages(store, user.id), 2);
  assert.equal(await readImage(store, middle), null);
  assert.deepEqual((await listImages(store, { userId: user.id, limit: 9 })).items.map(({ id }) => id), [
    last,
    first,
  ]);
  assert.deepEqual(await imageNeighbours(store, await read(last)), { newer: null, older: first });
  assert.deepEqual(await imageNeighbours(store, await read(first)), { newer: last, older: null });
  const images = imagesOf((await readPrompt(store, value.id))!.value);
  assert.deepEqual(images.map(({ isDeleted }) => isDeleted), [false, true, false]);
});

Deno.test("of many prompts asked for by id, those that exist come, in that order", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const ids = [];
  for (let i = 0; i < 12; i++) ids.push((await acceptPrompt(store, user)).prompt.value.id);
  const found = await readPrompts(store, [...ids.toReversed(), "none"]);
  assert.deepEqual(found.map(({ value }) => value.id), ids.toReversed());
});
