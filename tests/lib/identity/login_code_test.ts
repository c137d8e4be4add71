import assert from "node:assert/strict";
import { createLoginCode, useLoginCode } from "../../../lib/identity/login_code.ts";
import { createTestStore, dump } from "../../fixtures/store.ts";

Deno.test("a code signs in once, also when it is used twice at the same moment", async () => {
  using store = await createTestStore();
  const code = await createLoginCode(store, "ada");
  const uses = await Promise.all(Array.from({ length: 10 }, () => useLoginCode(store, code)));
  assert.deepEqual(uses.filter((user) => user !== null), ["ada"]);
  assert.equal(await useLoginCode(store, code), null);
});

Deno.test("a code is good for fifteen minutes", async () => {
  using store = await createTestStore();
  const [early, late] = [await createLoginCode(store, "ada"), await createLoginCode(store, "ada")];
  store.clock.advance(15 * 60_000 - 1);
  assert.equal(await useLoginCode(store, early), "ada");
  store.clock.advance(1);
  assert.equal(await useLoginCode(store, late), null);
});

Deno.test("codes that were never made sign nobody in", async () => {
  using store = await createTestStore();
  await createLoginCode(store, "ada");
  for (const code of ["", "x", "a".repeat(43)]) assert.equal(await useLoginCode(store, code), null);
});

Deno.test("the code itself is stored nowhere", async () => {
  using store = await createTestStore();
  const code = await createLoginCode(store, "ada");
  assert.ok(!JSON.stringify(await dump(store)).includes(code));
});
