import assert from "node:assert/strict";
import { listOpenPrompts, readBatch } from "../../../lib/batches/batch_store.ts";
import { viewOwnQueue } from "../../../lib/live/own_queue.ts";
import type { Lot } from "../../../lib/lots/lot.ts";
import { commitLot, listLotsOf, listOpenLots, readLot } from "../../../lib/lots/lot_store.ts";
import { inspect } from "../../../lib/operation/inspect/inspect.ts";
import { rebuild } from "../../../lib/operation/rebuild.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createProgressBoard } from "../../../lib/prompts/progress.ts";
import { keys } from "../../../lib/store/schema.ts";
import { takeIntoLot } from "../../../lib/work/lot_task.ts";
import { acceptTestBatch, beginRows } from "../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { lotRecord } from "../../fixtures/lots.ts";
import {
  acceptPrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  type TestStore,
} from "../../fixtures/store.ts";

/** A lot with two prompts, that is about to be submitted. */
async function setScene(store: TestStore) {
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store);
  const rows = { store, blobs };
  const { batch } = await acceptTestBatch(rows, user, { rows: 3, terms: { lane: "economy" } });
  await beginRows(rows, batch.value);
  const prompts = await listOpenPrompts(store, (await readBatch(store, batch.value.id))!.value);
  const lot = lotRecord({
    id: store.ids(),
    userId: user.id,
    batchId: batch.value.id,
    promptIds: prompts.map(({ value }) => value.id),
  });
  assert.ok(await commitLot(store, { before: null, after: lot }));
  const guard = (atomic: Deno.AtomicOperation) => atomic;
  for (const before of prompts) assert.ok(await takeIntoLot({ store }, { before, lotId: lot.id, guard }));
  return { store, blobs, user, lot };
}

type Scene = Awaited<ReturnType<typeof setScene>>;

async function rules({ store, blobs }: Scene): Promise<string[]> {
  return [...new Set((await verify(store, { blobs })).violations.map(({ rule }) => rule))];
}

const change = async ({ store, lot }: Scene, changes: Partial<Lot>) =>
  void await store.kv.set(keys.lot(lot.userId, lot.id), { ...lot, ...changes });

Deno.test("prompts of the economy lane stand in no queue and under no lease, and all agrees", async () => {
  using store = await createTestStore();
  const scene = await setScene(store);
  assert.deepEqual(await rules(scene), []);
  for (const kind of ["queue", "lease"]) {
    assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: [kind] })), []);
  }
  const { lot, user } = scene;
  assert.deepEqual((await listOpenLots(store)).map(({ value }) => value.id), [lot.id]);
  assert.deepEqual(await listLotsOf(store, { userId: user.id, batchId: lot.batchId }), [lot]);
});

Deno.test("what is in a lot is shown as running, and keeps nothing else from starting", async () => {
  using store = await createTestStore();
  const { user, lot } = await setScene(store);
  const { prompt: waiting } = await acceptPrompt(store, user);
  const queue = await viewOwnQueue({
    store,
    models: createTestModels(store.now),
    progress: createProgressBoard(),
    taskDurations: { expectedMs: () => Promise.resolve(60_000) },
    userConcurrency: 1,
  }, user.id);
  assert.deepEqual(queue.running.map(({ prompt }) => prompt.id), lot.promptIds);
  assert.equal(queue.runningCount, lot.promptIds.length);
  assert.deepEqual(queue.waiting.map(({ view, startsInMs }) => [view.prompt.id, startsInMs]), [[
    waiting.value.id,
    0,
  ]]);
});

Deno.test("a prompt goes into one lot only, and into none while it is not waiting", async () => {
  using store = await createTestStore();
  const { lot } = await setScene(store);
  const { value: batch } = (await readBatch(store, lot.batchId))!;
  const guard = (atomic: Deno.AtomicOperation) => atomic;
  for (const before of await listOpenPrompts(store, batch)) {
    assert.equal(await takeIntoLot({ store }, { before, lotId: "another", guard }), false);
  }
});

const derived: { [rule: string]: (scene: Scene) => Promise<unknown> } = {
  lot_entry_missing: ({ store, lot }) => store.kv.delete(keys.lotOf(lot.userId, lot.batchId, lot.id)),
  lot_entry_orphan: ({ store, lot }) => store.kv.set(keys.lotOf(lot.userId, "another", lot.id), null),
  lot_work_missing: ({ store, lot }) => store.kv.delete(keys.lotWork(lot.userId, lot.id)),
  lot_work_orphan: ({ store }) => store.kv.set(keys.lotWork("another", "none"), null),
};
for (const [rule, damage] of Object.entries(derived)) {
  Deno.test(`verify names ${rule}, and rebuild mends it`, async () => {
    using store = await createTestStore();
    const scene = await setScene(store);
    await damage(scene);
    assert.deepEqual(await rules(scene), [rule]);
    await rebuild(store);
    assert.deepEqual(await rules(scene), []);
    assert.deepEqual(
      (await readLot(store, { userId: scene.user.id, lotId: scene.lot.id }))!.value,
      scene.lot,
    );
  });
}

const records: { [rule: string]: (scene: Scene) => Promise<unknown> }[] = [
  { lot_missing: ({ store, lot }) => store.kv.delete(keys.lot(lot.userId, lot.id)) },
  { lot_wrong: (scene) => change(scene, { state: "over" }) },
  { lot_wrong: (scene) => change(scene, { userId: "another" }) },
];
for (const [[rule, damage]] of records.map(Object.entries)) {
  Deno.test(`verify says of a prompt that nobody will end: ${rule}`, async () => {
    using store = await createTestStore();
    const scene = await setScene(store);
    await (damage as (scene: Scene) => Promise<unknown>)(scene);
    assert.ok((await rules(scene)).includes(rule as string));
  });
}

Deno.test("whoever looks into it is told where a lot stands, and nobody's words", async () => {
  using store = await createTestStore();
  const { lot, blobs } = await setScene(store);
  const shown = await inspect({ store, blobs }, lot.id);
  assert.deepEqual([shown.kind, shown.stands, shown.state], [
    "lot",
    "It is on the way to its provider, and not submitted yet",
    "uploading",
  ]);
  const prompt = await inspect({ store, blobs }, lot.promptIds[0]);
  assert.deepEqual([prompt.stands, prompt.lot], ["It is in a lot, and waits for what comes of that", lot.id]);
  const batch = await inspect({ store, blobs }, lot.batchId);
  assert.deepEqual(batch.lots, [{ id: lot.id, state: "uploading" }]);
  assert.ok(!JSON.stringify([shown, prompt, batch]).includes("row 1"));
});
