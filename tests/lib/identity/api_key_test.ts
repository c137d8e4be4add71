import assert from "node:assert/strict";
import { createApiKey, openApiKey } from "../../../lib/identity/api_key.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createTestStore, createTestUser, dump } from "../../fixtures/store.ts";

Deno.test("a key opens for its user with its scope; only its hash is stored", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const secret = await createApiKey(store, {
    userId: user.id,
    name: "laptop",
    scope: "read",
    expiresAt: null,
  });
  assert.match(secret, /^dk_[\w-]{43}$/);
  const opened = await openApiKey(store, secret);
  assert.deepEqual(opened?.user, user);
  assert.equal(opened?.key.scope, "read");
  assert.ok(!JSON.stringify(await dump(store)).includes(secret.slice(3)));
});

Deno.test("what is no key opens nothing", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const secret = await createApiKey(store, {
    userId: user.id,
    name: "laptop",
    scope: "all",
    expiresAt: null,
  });
  for (const wrong of ["", "dk_", secret.slice(3), secret + "x", secret.toUpperCase()]) {
    assert.equal(await openApiKey(store, wrong), null);
  }
});

Deno.test("a key ends at its expiry", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const expiresAt = store.now() + 1000;
  const secret = await createApiKey(store, { userId: user.id, name: "laptop", scope: "all", expiresAt });
  store.clock.advance(999);
  assert.notEqual(await openApiKey(store, secret), null);
  store.clock.advance(1);
  assert.equal(await openApiKey(store, secret), null);
});

Deno.test("the time of the last use is kept to the minute", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const secret = await createApiKey(store, {
    userId: user.id,
    name: "laptop",
    scope: "all",
    expiresAt: null,
  });
  const lastUsed = async () => (await openApiKey(store, secret))!.key.lastUsedAt;
  assert.equal(await lastUsed(), null);
  const first = store.now();
  store.clock.advance(59_999);
  assert.equal(await lastUsed(), first);
  store.clock.advance(1);
  await lastUsed();
  assert.equal(await lastUsed(), first + 60_000);
});

Deno.test("a disabled user's key opens nothing", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const secret = await createApiKey(store, {
    userId: user.id,
    name: "laptop",
    scope: "all",
    expiresAt: null,
  });
  await store.kv.set(keys.user(user.id), { ...user, isDisabled: true });
  assert.equal(await openApiKey(store, secret), null);
});
