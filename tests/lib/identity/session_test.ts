import assert from "node:assert/strict";
import { keys } from "../../../lib/store/schema.ts";
import { endSession, openSession, startSession } from "../../../lib/identity/session.ts";
import { createTestStore, createTestUser, dump } from "../../fixtures/store.ts";

const day = 24 * 3600 * 1000;

Deno.test("a session opens for its user until it is ended", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const [id, other] = [await startSession(store, user.id), await startSession(store, user.id)];
  const opened = await openSession(store, id);
  assert.deepEqual(opened?.user, user);
  await endSession(store, { userId: user.id, hash: opened!.hash });
  assert.equal(await openSession(store, id), null);
  assert.notEqual(await openSession(store, other), null);
});

Deno.test("only the hash of a session's id is stored", async () => {
  using store = await createTestStore();
  const id = await startSession(store, (await createTestUser(store)).id);
  assert.ok(!JSON.stringify(await dump(store)).includes(id));
  assert.equal(await openSession(store, id.slice(1)), null);
});

Deno.test("a session that is not used ends after seven days", async () => {
  using store = await createTestStore();
  const id = await startSession(store, (await createTestUser(store)).id);
  store.clock.advance(7 * day - 1);
  assert.notEqual(await openSession(store, id), null);
  store.clock.advance(7 * day);
  assert.equal(await openSession(store, id), null);
});

Deno.test("a session that is used daily ends after thirty days", async () => {
  using store = await createTestStore();
  const id = await startSession(store, (await createTestUser(store)).id);
  const began = store.now();
  for (let i = 0; i < 29; i++) {
    store.clock.advance(day);
    assert.ok(await openSession(store, id));
  }
  store.clock.advance(day - 1);
  assert.equal((await openSession(store, id))?.expiresAt, began + 30 * day);
  store.clock.advance(1);
  assert.equal(await openSession(store, id), null);
});

Deno.test("looking twice within a minute writes nothing", async () => {
  using store = await createTestStore();
  const id = await startSession(store, (await createTestUser(store)).id);
  const before = await dump(store);
  store.clock.advance(59_999);
  await openSession(store, id);
  assert.deepEqual(await dump(store), before);
  store.clock.advance(1);
  await openSession(store, id);
  assert.notDeepEqual(await dump(store), before);
});

Deno.test("a session ended at the same moment as it is used stays ended", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  for (let i = 0; i < 20; i++) {
    const id = await startSession(store, user.id);
    const { hash } = (await openSession(store, id))!;
    store.clock.advance(60_000);
    await Promise.all([openSession(store, id), endSession(store, { userId: user.id, hash })]);
    assert.equal(await openSession(store, id), null);
  }
});

Deno.test("a disabled or deleted user has no session", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const id = await startSession(store, user.id);
  await store.kv.set(keys.user(user.id), { ...user, isDisabled: true });
  assert.equal(await openSession(store, id), null);
  await store.kv.delete(keys.user(user.id));
  assert.equal(await openSession(store, id), null);
});
