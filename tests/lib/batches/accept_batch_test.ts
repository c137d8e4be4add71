import assert from "node:assert/strict";
import { findAcceptedBatch } from "../../../lib/batches/accept_batch.ts";
import { listBatches, readBatch } from "../../../lib/batches/batch_store.ts";
import { batchPrefix } from "../../../lib/blobs/blobs.ts";
import { readAccount } from "../../../lib/money/ledger.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createStore } from "../../../lib/store/store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { acceptTestBatch, type TestBatch } from "../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";
import {
  acceptPrompt,
  changeOf,
  createTestStore,
  createTestUpload,
  createTestUser,
  dump,
} from "../../fixtures/store.ts";

async function setUp(monthlyBudgetMicros: number | null = null) {
  const store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store, { monthlyBudgetMicros });
  const accept = (batch: TestBatch) => acceptTestBatch({ store, blobs }, user, batch);
  return { store, blobs, user, accept, [Symbol.dispose]: () => store[Symbol.dispose]() };
}

const heldOf = async ({ store, user }: Awaited<ReturnType<typeof setUp>>) =>
  (await readAccount(store, user.id)).heldMicros;

function refuses(code: Refusal["code"], more: Partial<Refusal> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.deepEqual(
      {
        code: error.code,
        ...Object.fromEntries(Object.keys(more).map((name) => [name, error[name as "code"]])),
      },
      { code, ...more },
    );
    return true;
  };
}

Deno.test("accepting a batch sets aside what its rows can cost, and begins none", async () => {
  using scene = await setUp();
  const { store, user, blobs, accept } = scene;
  const { batch, isReplay } = await accept({ rows: 5 });
  assert.equal(isReplay, false);
  const { name, state, rows, images, next, mostMicros, reserveMicros, sequence } = batch.value;
  assert.deepEqual({ name, state, rows, images, next, mostMicros, reserveMicros, sequence }, {
    name: "row 1",
    state: "RUNNING",
    rows: 5,
    images: 5,
    next: 0,
    mostMicros: 5 * price,
    reserveMicros: 5 * price,
    sequence: 1,
  });
  assert.equal(await heldOf(scene), 5 * price);
  assert.deepEqual((await listBatches(store, { userId: user.id, limit: 10 })).items, [batch]);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("a batch holds its limit where that is less than its rows can cost, and a budget below refuses it", async () => {
  using scene = await setUp(price);
  const { accept, store, blobs } = scene;
  const before = await dump(store);
  await assert.rejects(accept({ rows: 5 }), refuses("budget_exceeded", { remainingMicros: price }));
  assert.deepEqual([await dump(store), blobs.contents.size], [before, 0]);
  const { batch } = await accept({ rows: 5, terms: { limitMicros: price / 2 } });
  assert.equal(batch.value.reserveMicros, price / 2);
  assert.equal(await heldOf(scene), price / 2);
});

Deno.test("a batch that costs more than was shown is refused with its price, and nothing has happened", async () => {
  using scene = await setUp();
  const { accept, store, blobs } = scene;
  const before = await dump(store);
  const dearer = refuses("conflict", { costMicros: 2 * price });
  await assert.rejects(accept({ rows: 2, atMostMicros: 2 * price - 1 }), dearer);
  assert.deepEqual([await dump(store), blobs.contents.size], [before, 0]);
  await accept({ rows: 2, atMostMicros: 2 * price });
});

Deno.test("the same key with the same body names the batch that was accepted, also of many at once", async () => {
  using scene = await setUp();
  const { accept, store, user, blobs } = scene;
  const idempotency = { key: "k", body: { rows: 3 } };
  const accepted = await Promise.all(
    Array.from({ length: 20 }, () => accept({ rows: 3, idempotency })),
  );
  assert.equal(new Set(accepted.map(({ batch }) => batch.value.id)).size, 1);
  assert.equal(accepted.filter(({ isReplay }) => !isReplay).length, 1);
  assert.equal(await heldOf(scene), 3 * price);
  assert.equal(blobs.contents.size, 1);
  assert.equal((await findAcceptedBatch(store, { userId: user.id, idempotency }))?.isReplay, true);
  const other = { key: "k", body: { rows: 4 } };
  await assert.rejects(accept({ rows: 4, idempotency: other }), refuses("idempotency_mismatch"));
  await assert.rejects(acceptPrompt(store, user, { idempotency: other }), refuses("idempotency_mismatch"));
});

Deno.test("200 batches at once against a dollar never hold more than it", async () => {
  using scene = await setUp(1_000_000);
  const { accept, store, blobs } = scene;
  // On a node of its own each, which knows nothing of what the others are about to write.
  const others = [
    createStore({ kv: store.kv, now: store.now }),
    createStore({ kv: store.kv, now: store.now }),
  ];
  const results = await Promise.allSettled(
    Array.from(
      { length: 200 },
      (_, i) =>
        i % 3 === 0
          ? accept({ rows: 3 })
          : acceptTestBatch({ store: others[i % 2], blobs }, scene.user, { rows: 3 }),
    ),
  );
  const accepted = results.filter(({ status }) => status === "fulfilled").length;
  assert.equal(accepted, Math.floor(1_000_000 / (3 * price)));
  for (const result of results) {
    if (result.status === "rejected") assert.equal(result.reason.code, "budget_exceeded");
  }
  assert.equal(await heldOf(scene), accepted * 3 * price);
  assert.equal((await Array.fromAsync(blobs.list(batchPrefix))).length, accepted);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("a row that names another user's picture, or none, refuses the whole batch", async () => {
  using scene = await setUp();
  const { accept, store, blobs } = scene;
  const other = await createTestUser(store);
  const theirs = changeOf(await createTestUpload(store, { user: other, blobs }));
  const before = await dump(store);
  await assert.rejects(accept({ rows: ["a", theirs] }), refuses("not_found"));
  assert.deepEqual(await dump(store), before);
});

Deno.test("a batch of an account that was deleted meanwhile is not accepted", async () => {
  using scene = await setUp();
  const { accept, store, user, blobs } = scene;
  await store.kv.set(keys.deletion(user.id), { userId: user.id });
  await store.kv.delete(keys.user(user.id));
  await assert.rejects(accept({ rows: 2 }), refuses("unauthorized"));
  assert.equal(blobs.contents.size, 0);
});

Deno.test("rows are stored before the batch that names them", async () => {
  using scene = await setUp();
  const { store, blobs, user } = scene;
  const put: Deno.KvKey[] = [];
  const watching = {
    ...blobs,
    async put(...sent: Parameters<typeof blobs.put>) {
      assert.equal((await listBatches(store, { userId: user.id, limit: 1 })).total, 0);
      put.push([sent[0]]);
      await blobs.put(...sent);
    },
  };
  const { batch } = await acceptTestBatch({ store, blobs: watching }, user, { rows: 2 });
  assert.equal(put.length, 1);
  assert.deepEqual((await readBatch(store, batch.value.id))?.value, batch.value);
});
