import assert from "node:assert/strict";
import { createSigningKeys } from "../../../lib/identity/signing_keys.ts";
import { kinds } from "../../../lib/store/schema.ts";
import { createTestStore, dump } from "../../fixtures/store.ts";

const secret = "a secret of the tests, 32 bytes long";
const day = 24 * 3600 * 1000;

Deno.test("the first key is made once, also when many ask at the same moment, and outlives the process", async () => {
  using store = await createTestStore();
  const signingKeys = createSigningKeys({ store, secret });
  const asked = await Promise.all(Array.from({ length: 20 }, () => signingKeys.current()));
  assert.equal(new Set(asked.map(({ kid }) => kid)).size, 1);
  const again = createSigningKeys({ store, secret });
  assert.equal((await again.current()).kid, asked[0].kid);
  assert.equal((await Array.fromAsync(store.kv.list({ prefix: [...kinds.signingKeys] }))).length, 1);
});

Deno.test("a key signs for thirty days, and is published for as long as its tokens may live", async () => {
  using store = await createTestStore();
  const signingKeys = createSigningKeys({ store, secret });
  const published = async () => (await signingKeys.published()).keys.map(({ kid }) => kid);
  const { kid: first } = await signingKeys.current();
  store.clock.advance(30 * day - 1);
  assert.equal((await signingKeys.current()).kid, first);
  store.clock.advance(1);
  const renewed = await Promise.all(Array.from({ length: 5 }, () => signingKeys.current()));
  const second = renewed[0].kid;
  assert.notEqual(second, first);
  assert.ok(renewed.every(({ kid }) => kid === second));
  assert.deepEqual(await published(), [second, first]);
  assert.ok(await signingKeys.find(first));
  store.clock.advance(3600_000);
  assert.deepEqual(await published(), [second]);
  assert.equal(await signingKeys.find(first), null);
  assert.deepEqual(await (await createSigningKeys({ store, secret }).published()).keys.length, 1);
});

Deno.test("what is published holds no private half, and what is stored can't be read", async () => {
  using store = await createTestStore();
  const signingKeys = createSigningKeys({ store, secret });
  const { keys: [{ kid, x, ...rest }] } = await signingKeys.published();
  assert.ok(kid && x);
  assert.deepEqual(rest, { kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" });
  const stored = JSON.stringify(await dump(store));
  assert.match(stored, /signing_key/);
  assert.doesNotMatch(stored, /"d"|"d\\"/);
});

Deno.test("with another secret the old keys are gone, and new ones sign", async () => {
  using store = await createTestStore();
  const { kid } = await createSigningKeys({ store, secret }).current();
  const signingKeys = createSigningKeys({ store, secret: secret.toUpperCase() });
  assert.notEqual((await signingKeys.current()).kid, kid);
  assert.equal(await signingKeys.find(kid), null);
});

Deno.test("of several nodes that start at once one makes the key, and all sign with it", async () => {
  using store = await createTestStore();
  const nodes = Array.from({ length: 5 }, () => createSigningKeys({ store, secret }));
  const signed = await Promise.all(nodes.map((node) => node.current()));
  assert.equal(new Set(signed.map(({ kid }) => kid)).size, 1);
  assert.equal((await Array.fromAsync(store.kv.list({ prefix: [...kinds.signingKeys] }))).length, 1);
});

Deno.test("a key that another node made is found at its first token, and made-up ones are looked for every five seconds", async () => {
  using store = await createTestStore();
  const [one, other] = [createSigningKeys({ store, secret }), createSigningKeys({ store, secret })];
  await Promise.all([one.current(), other.current()]);
  store.clock.advance(30 * day);
  const { kid } = await one.current();
  assert.ok(await other.find(kid));
  let lists = 0;
  const list = store.kv.list.bind(store.kv);
  store.kv.list = (...args) => {
    lists++;
    return list(...args);
  };
  store.clock.advance(5000);
  for (let i = 0; i < 50; i++) assert.equal(await other.find(`made up ${i}`), null);
  assert.equal(lists, 1);
  store.clock.advance(5000);
  assert.equal(await other.find("made up"), null);
  assert.equal(lists, 2);
});
