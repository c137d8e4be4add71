import assert from "node:assert/strict";
import { startDeletions } from "../../../fixtures/deletions.ts";
import { correctCharge } from "../../../../lib/accounts/correct_charge.ts";
import { markImage } from "../../../../lib/batches/mark_image.ts";
import { deleteImage } from "../../../../lib/images/delete_image.ts";
import { rated } from "../../../../lib/images/marking.ts";
import { nobody } from "../../../../lib/money/account.ts";
import type { LedgerEntry } from "../../../../lib/money/ledger.ts";
import { verify } from "../../../../lib/operation/verify.ts";
import { imagesOf } from "../../../../lib/prompts/prompt.ts";
import type { Rollup } from "../../../../lib/statistics/rollup.ts";
import { migrateRecords } from "../../../../lib/store/migrations.ts";
import { countedByDay } from "../../../../lib/store/migrations/counted_by_day.ts";
import { keys, kinds } from "../../../../lib/store/schema.ts";
import { createMemoryBlobs } from "../../../fixtures/blobs.ts";
import { interceptCommits } from "../../../fixtures/commits.ts";
import {
  completePrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  failPrompt,
  losePrompt,
} from "../../../fixtures/store.ts";
import { until } from "../../../fixtures/until.ts";

const migrate = (kv: Deno.Kv) => migrateRecords(kv, { now: () => 0, log: () => {} }, [countedByDay]);

/** Prompts of three days with all that counts, one account deleted, as version 7 kept them: nothing is counted yet. */
async function openVersion7() {
  const store = await createTestStore();
  const blobs = createMemoryBlobs();
  const [ada, grace] = [await createTestUser(store), await createTestUser(store)];
  for (let day = 0; day < 3; day++) {
    const completed = await completePrompt(store, ada, { blobs, request: { count: 2 } });
    const [first, second] = imagesOf(completed.value);
    await markImage(store, { userId: ada.id, imageId: first.id }, rated(5));
    await markImage(store, { userId: ada.id, imageId: second.id }, rated(3));
    if (day === 1) await deleteImage(store, first);
    await failPrompt(store, ada);
    await losePrompt(store, ada);
    await completePrompt(store, grace, { blobs });
    await failPrompt(store, grace);
    store.clock.advance(24 * 60 * 60_000);
  }
  const lost = await losePrompt(store, ada);
  await correctCharge(store, { promptId: lost.value.id, billedMicros: 7, by: ada.id, note: "as billed" });
  await deleteAccount(store, { userId: grace.id, blobs });
  for (const prefix of [kinds.rollups, kinds.storedBytes]) {
    for await (const { key } of store.kv.list({ prefix: [...prefix] })) await store.kv.delete(key);
  }
  for await (const { key, value } of store.kv.list<LedgerEntry>({ prefix: [...kinds.ledger] })) {
    const { outcome: _, ...old } = value;
    await store.kv.set(key, old);
  }
  await store.kv.set(keys.recordsVersion(), { version: 1 });
  return { ...store, blobs, ada };
}

async function deleteAccount(
  store: Awaited<ReturnType<typeof createTestStore>>,
  { userId, blobs }: { userId: string; blobs: ReturnType<typeof createMemoryBlobs> },
) {
  const deletions = startDeletions({
    store,
    blobs: { ...blobs, isHolding: () => false },
    models: createTestModels(store.now),
    log: () => {},
  });
  await deletions.request(userId);
  await until(
    () => store.kv.get<{ finishedAt: number | null }>(keys.deletion(userId)),
    ({ value }) => value?.finishedAt !== null,
  );
  await deletions.stop();
}

async function rollups(kv: Deno.Kv) {
  const found = await Array.fromAsync(kv.list<Rollup>({ prefix: [...kinds.rollups] }));
  return found.map(({ key, value }) => [key, value] as const);
}

Deno.test("what people have already is counted as if it had always been", async () => {
  using old = await openVersion7();
  assert.notDeepEqual((await verify(old, old)).violations, []);
  await migrate(old.kv);
  assert.deepEqual((await verify(old, old)).violations, []);
  const mine = (await rollups(old.kv)).filter(([key]) => key[1] === old.ada.id).map(([, value]) => value);
  assert.deepEqual(mine.map(({ keepers }) => keepers), [1, 0, 1, 0]);
  assert.deepEqual(mine.map(({ failures }) => failures), [
    ...Array(3).fill({ content_policy: 1, outcome_unknown: 1 }),
    { outcome_unknown: 1 },
  ]);
  assert.deepEqual(mine.at(-1)?.lostMicros, 7);
});

Deno.test("of an account that was deleted before, what was paid is counted, and pictures, for nobody", async () => {
  using old = await openVersion7();
  await migrate(old.kv);
  const of = (await rollups(old.kv)).filter(([key]) => key[1] === nobody).map(([, value]) => value);
  assert.equal(of.length, 3);
  for (const { prompts, completed, failed, images, costMicros, failures } of of) {
    assert.deepEqual([prompts, completed, failed, images, costMicros, failures], [2, 1, 0, 1, 20_000, {}]);
  }
});

Deno.test("killed at any of its commits it counts nothing twice", async () => {
  for (const dieAt of [1, 2, 3, 4]) {
    for (const isWritten of [false, true]) {
      using old = await openVersion7();
      let commits = 0;
      const { atomic } = old.kv;
      interceptCommits(old.kv, async (_, commit) => {
        if (++commits !== dieAt) return await commit();
        if (isWritten) await commit();
        throw new Error("killed");
      });
      const isKilled = await migrate(old.kv).then(() => false, () => true);
      assert.equal(isKilled, dieAt < 4);
      old.kv.atomic = atomic;
      await migrate(old.kv);
      assert.deepEqual((await verify(old, old)).violations, []);
    }
  }
});
