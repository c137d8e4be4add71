import assert from "node:assert/strict";
import { startDeletions } from "../../fixtures/deletions.ts";
import {
  addNotice,
  countNewNotices,
  listNotices,
  markNoticesSeen,
  mostNotices,
  tellPerson,
  type Told,
} from "../../../lib/users/notice.ts";
import { kinds } from "../../../lib/store/schema.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestModels, createTestStore, createTestUser } from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const told = (userId: string, changes: Partial<Told> = {}): Told => ({
  userId,
  kind: "mention",
  href: "/boards/1",
  words: "Ada mentioned you",
  byId: null,
  ...changes,
});

const wordsOf = async (store: Store, userId: string) =>
  (await listNotices(store, { userId, limit: mostNotices + 10 })).items.map(({ words }) => words);

Deno.test("notices come newest first, are counted while they are new, and are seen once", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  await tellPerson(store, told(userId, { words: "one" }));
  await tellPerson(store, told(userId, { words: "two" }));
  assert.deepEqual(await wordsOf(store, userId), ["two", "one"]);
  assert.equal(await countNewNotices(store, userId), 2);
  await markNoticesSeen(store, userId);
  await markNoticesSeen(store, userId);
  assert.equal(await countNewNotices(store, userId), 0);
  const { items } = await listNotices(store, { userId, limit: 10 });
  assert.deepEqual(items.map(({ seenAt }) => seenAt), [store.now(), store.now()]);
  await tellPerson(store, told(userId, { words: "three" }));
  assert.equal(await countNewNotices(store, userId), 1);
});

Deno.test("of too many notices the oldest go, seen or not, and the counts stay right", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  for (let i = 1; i <= mostNotices + 3; i++) {
    await tellPerson(store, told(userId, { words: String(i), byId: userId }));
    if (i === 2) await markNoticesSeen(store, userId);
  }
  const words = await wordsOf(store, userId);
  assert.deepEqual([words.length, words[0], words.at(-1)], [mostNotices, String(mostNotices + 3), "4"]);
  assert.equal(await countNewNotices(store, userId), mostNotices);
  const left = await Array.fromAsync(store.kv.list({ prefix: [...kinds.noticesBy] }));
  assert.equal(left.length, mostNotices);
});

Deno.test("what many tell at once arrives whole, also while it is being seen", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    await tellPerson(store, told(userId, { words: String(i) }));
    if (i % 5 === 0) await markNoticesSeen(store, userId);
  }));
  const { items } = await listNotices(store, { userId, limit: 50 });
  assert.equal(new Set(items.map(({ words }) => words)).size, 20);
  assert.equal(await countNewNotices(store, userId), items.filter(({ seenAt }) => seenAt === null).length);
});

Deno.test("nobody is told who has no account, and a commit that tells them is lost", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  await deleteAccount(store, user.id);
  await tellPerson(store, told(user.id));
  const atomic = store.kv.atomic();
  await addNotice(atomic, { store, ...told(user.id) });
  assert.equal((await atomic.commit()).ok, false);
  assert.deepEqual(await wordsOf(store, user.id), []);
});

Deno.test("with an account its notices go, and what others were told of it", async () => {
  using store = await createTestStore();
  const ada = await createTestUser(store);
  const bob = await createTestUser(store, { name: "Bob" });
  await tellPerson(store, told(ada.id, { byId: bob.id }));
  await tellPerson(store, told(bob.id, { byId: ada.id, words: "Ada mentioned you" }));
  await tellPerson(store, told(bob.id, { words: "of nobody" }));
  await deleteAccount(store, ada.id);
  assert.deepEqual(await wordsOf(store, bob.id), ["of nobody"]);
  assert.equal(await countNewNotices(store, bob.id), 1);
  for (const prefix of [kinds.noticesBy, [...kinds.noticeLists, ada.id], [...kinds.noticeHeads, ada.id]]) {
    assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: [...prefix] })), []);
  }
});

async function deleteAccount(store: Store, userId: string): Promise<void> {
  const blobs = { ...createMemoryBlobs(), isHolding: () => false };
  const deletions = startDeletions({
    store,
    models: createTestModels(store.now),
    blobs,
    log: () => {},
  });
  await deletions.request(userId);
  const isFinished = async () =>
    (await Array.fromAsync(store.kv.list<{ finishedAt: number | null }>({ prefix: [...kinds.deletions] })))
      .every(({ value }) => value.finishedAt !== null);
  await until(isFinished, (isIt) => isIt);
  await deletions.stop();
}
