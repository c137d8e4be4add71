import assert from "node:assert/strict";
import { type Batch, needsWork } from "../../../lib/batches/batch.ts";
import {
  batchOwner,
  changeStars,
  listBatchPrompts,
  readBatch,
  readTold,
} from "../../../lib/batches/batch_store.ts";
import { pauseBatch, resumeBatch, setLimit } from "../../../lib/batches/change_batch.ts";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { deleteImage, emptyTrash, undoMs } from "../../../lib/images/delete_image.ts";
import { changeBooks, readAccount, readLedger } from "../../../lib/money/ledger.ts";
import { isFinal } from "../../../lib/prompts/prompt.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { cancelBatch } from "../../../lib/work/end_batch.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { readPauses } from "../../../lib/prompts/pause.ts";
import { listPrompts } from "../../../lib/prompts/prompt_store.ts";
import { createStore } from "../../../lib/store/store.ts";
import { acceptTestBatch, beginRows, type TestBatch } from "../../fixtures/batches.ts";
import {
  createStandIn,
  failWith,
  holdUntil,
  type Script,
  type StandIn,
  standInModel,
  standInPriceMicros as price,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { changeOf, createTestClock, createTestUpload } from "../../fixtures/store.ts";
import { createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

async function accept(studio: Studio, batch: TestBatch): Promise<Batch> {
  const { models, doorbell } = studio.deps;
  return (await acceptTestBatch(studio, studio.owner, { models, doorbell, ...batch })).batch.value;
}

const read = async ({ store }: Studio, { id }: Pick<Batch, "id">) => (await readBatch(store, id))!.value;

/** The batch once nothing more happens to it. */
const over = (studio: Studio, batch: Batch) =>
  until(() => read(studio, batch), (found) => !needsWork(found) && found.heldMicros === 0);

const promptsOf = async (studio: Studio, { id }: Pick<Batch, "id">) => {
  const batch = await read(studio, { id });
  const { items } = await listBatchPrompts(studio.store, { batch, limit: 2000 });
  return items.map(({ value }) => value);
};

/** So many of its rows are prompts, and what runs of them is at the provider: nothing moves. */
async function still(studio: Studio, batch: Batch, { next }: { next: number }): Promise<Batch> {
  await until(() => promptsOf(studio, batch), (prompts) => {
    const running = prompts.filter(({ tasks }) => tasks.some(({ state }) => state === "running"));
    return prompts.length === next && running.length === 4;
  });
  return await read(studio, batch);
}

async function assertWell({ store, blobs, owner }: Studio, heldMicros = 0): Promise<void> {
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  assert.equal((await readAccount(store, owner.id)).heldMicros, heldMicros);
}

/** A stand-in of which every task does the same. */
function always(script: Script): StandIn {
  const standIn = createStandIn();
  const { generate } = standIn.provider;
  standIn.provider.generate = (task, context) => {
    standIn.scripts.push(script);
    return generate(task, context);
  };
  return standIn;
}

/** Costs so much a picture, whatever the price book says. */
const at = (costMicros: number): Script =>
  async function* (task) {
    for await (const event of succeed(task)) {
      yield event.type === "done" ? { type: "done", cost: { costMicros, basis: "reported" } } : event;
    }
  };

Deno.test("each row becomes one prompt, in order, and the batch is done with the last", async () => {
  await using studio = await createStudio();
  const batch = await accept(studio, { rows: 30 });
  const done = await over(studio, batch);
  assert.deepEqual([done.state, done.reason, done.next, done.chargedMicros], ["DONE", null, 30, 30 * price]);
  assert.deepEqual(done.counts, { completed: 30, failed: 0, cancelled: 0, images: 30, stars: 0 });
  const prompts = await promptsOf(studio, done);
  assert.deepEqual(
    prompts.map(({ request, row }) => [request.text, row]),
    Array.from({ length: 30 }, (_, i) => [`row ${i + 1}`, i + 1]),
  );
  assert.deepEqual(
    prompts.map(({ sequence }) => sequence),
    prompts.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
  );
  assert.equal(studio.standIn.submitted.length, 30);
  await assertWell(studio);
});

Deno.test("no more than a few rows of a batch are prompts that are not final", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const batch = await accept(studio, { rows: 40 });
  const running = await still(studio, batch, { next: 8 });
  assert.deepEqual([running.open.length, running.heldMicros, running.reserveMicros], [
    8,
    8 * price,
    32 * price,
  ]);
  await assertWell(studio, 40 * price);
  gate.resolve();
  assert.equal((await over(studio, batch)).counts.completed, 40);
});

Deno.test("a batch stops at its limit, and charges no more than it", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: 1_000_000 });
  const limitMicros = 5 * price + price / 2;
  const batch = await accept(studio, { rows: 20, terms: { limitMicros }, defaultBudgetMicros: 1_000_000 });
  const stopped = await over(studio, batch);
  assert.deepEqual([stopped.state, stopped.reason, stopped.chargedMicros], ["STOPPED", "limit", 5 * price]);
  assert.equal(stopped.reserveMicros, 0);
  await assertWell(studio);
});

Deno.test("what rows cost less than their holds pays for more rows of the same limit", async () => {
  await using studio = await createStudio({ standIn: always(at(price / 4)) });
  const batch = await accept(studio, { rows: 40, terms: { limitMicros: 5 * price } });
  const stopped = await over(studio, batch);
  assert.equal(stopped.reason, "limit");
  // As long as a whole hold is left, a row begins.
  assert.ok(stopped.chargedMicros > 4 * price && stopped.chargedMicros <= 5 * price);
  assert.equal(stopped.chargedMicros, stopped.next * price / 4);
  await assertWell(studio);
});

Deno.test("a charge above its own hold is booked and marked, and takes from what is left", async () => {
  await using studio = await createStudio({ standIn: always(at(3 * price)) });
  const batch = await accept(studio, { rows: 10, terms: { limitMicros: 2 * price } });
  const stopped = await over(studio, batch);
  assert.equal(stopped.reason, "limit");
  const prompts = await promptsOf(studio, stopped);
  const entries = await readLedger(studio.store, prompts.map(({ id }) => id));
  assert.ok(entries.every((entry) => entry!.value.isAboveHold));
  assert.equal(stopped.chargedMicros, prompts.length * 3 * price);
  assert.ok(prompts.length <= 2);
  await assertWell(studio);
});

Deno.test("a batch that its limit has stopped goes on where that is raised, within the budget", async () => {
  const defaultBudgetMicros = 8 * price;
  await using studio = await createStudio({ monthlyBudgetMicros: defaultBudgetMicros });
  const { owner: user, deps } = studio;
  const batch = await accept(studio, { rows: 10, terms: { limitMicros: 3 * price }, defaultBudgetMicros });
  const stopped = await over(studio, batch);
  assert.equal(stopped.next, 3);
  const set = (limitMicros: number | null) => setLimit(deps, { user, batch, limitMicros });
  await assert.rejects(set(2 * price), (error: Refusal) => error.code === "conflict");
  await assert.rejects(set(null), (error: Refusal) => error.code === "budget_exceeded");
  assert.deepEqual(await read(studio, batch), stopped);
  await set(6 * price);
  const again = await until(() => over(studio, batch), ({ next }) => next === 6);
  assert.deepEqual([again.state, again.reason, again.chargedMicros], ["STOPPED", "limit", 6 * price]);
  await assertWell(studio);
});

Deno.test("a limit that is lowered while rows run frees what it takes from the reserve", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const batch = await accept(studio, { rows: 20 });
  await still(studio, batch, { next: 8 });
  const { owner: user, deps } = studio;
  const tooLow = setLimit(deps, { user, batch, limitMicros: 8 * price - 1 });
  await assert.rejects(
    tooLow,
    (error: Refusal) => error.code === "conflict" && error.costMicros === 8 * price,
  );
  const lowered = await setLimit(deps, { user, batch, limitMicros: 10 * price });
  assert.equal(lowered.reserveMicros, 2 * price);
  await assertWell(studio, 10 * price);
  gate.resolve();
  const stopped = await over(studio, batch);
  assert.deepEqual([stopped.reason, stopped.chargedMicros], ["limit", 10 * price]);
  await assertWell(studio);
});

Deno.test("cancelling ends rows that are no prompts yet with one write, and cancels the others", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const batch = await accept(studio, { rows: 500 });
  await until(() => studio.standIn.submitted.length, (count) => count === 4);
  await until(() => read(studio, batch), ({ next }) => next === 8);
  const cancelled = await cancelBatch(studio.deps, batch);
  assert.deepEqual([cancelled.state, cancelled.reason, cancelled.next, cancelled.reserveMicros], [
    "STOPPED",
    "cancelled",
    8,
    0,
  ]);
  assert.equal(cancelled.counts.cancelled, 8);
  const again = await cancelBatch(studio.deps, batch);
  assert.deepEqual(again.counts, cancelled.counts);
  gate.resolve();
  await over(studio, batch);
  const submitted = studio.standIn.submitted.length;
  assert.equal(submitted, 4);
  await assertWell(studio);
});

Deno.test("a row whose picture is gone, or whose model is, fails at its turn and costs nothing; the others go on", async () => {
  const edit = {
    sources: {
      max: 1,
      maxBytes: 1e7,
      longestSide: 2048,
      contentTypes: ["image/png" as const],
      by: "bytes" as const,
      roles: false,
    },
    mask: null,
    strength: null,
    sizes: "list" as const,
  };
  const changing = { ...standInModel, edit };
  const retiring = { ...standInModel, id: "retiring", retiresAt: "2099-01-01" };
  const models = [changing, retiring];
  const own = createStandIn({ models });
  own.prices.push({ ...own.prices[0], model: "retiring" });
  const clock = createTestClock();
  await using studio = await createStudio({ standIn: own, isWorking: false, now: clock.now });
  const upload = await createTestUpload(studio.store, { user: studio.owner, blobs: studio.blobs });
  const batch = await accept(studio, {
    rows: ["first", changeOf(upload), { text: "third", model: "retiring" }, "fourth"],
  });
  await deleteImage(studio.store, upload);
  clock.advance(undoMs + 1);
  await emptyTrash({ store: studio.store, blobs: studio.deps.blobs });
  models[1] = { ...retiring, retiresAt: "2020-01-01" };
  await studio.worker.start();
  const done = await over(studio, batch);
  assert.deepEqual([done.state, done.counts], [
    "DONE",
    { completed: 2, failed: 2, cancelled: 0, images: 2, stars: 0 },
  ]);
  const prompts = await promptsOf(studio, done);
  assert.deepEqual(prompts.map(({ status }) => status), ["COMPLETED", "FAILED", "FAILED", "COMPLETED"]);
  const reasons = prompts.map((prompt) => prompt.status === "FAILED" ? prompt.failure.reason : null);
  assert.deepEqual(reasons, [null, "source_missing", "provider_rejected", null]);
  const entries = await readLedger(studio.store, prompts.map(({ id }) => id));
  assert.deepEqual(entries.map((entry) => entry?.value.costMicros), [price, 0, 0, price]);
  await assertWell(studio);
});

Deno.test("a provider that refuses everything for its key pauses a batch after ten, with words", async () => {
  const refusal = new ProviderFailure("provider_auth", "no", { outcome: "not_created" });
  const standIn = always(failWith(refusal));
  await using studio = await createStudio({ standIn });
  const batch = await accept(studio, { rows: 100 });
  const paused = await until(() => read(studio, batch), ({ state }) => state === "PAUSED");
  assert.equal(paused.reason, "provider");
  assert.match(
    paused.providerWords!,
    /^stand-in refused 10 rows in a row: .* key\. Ask whoever runs this server/,
  );
  const settled = await until(
    () => promptsOf(studio, batch).then(() => read(studio, batch)),
    ({ heldMicros, open }) => heldMicros === open.length * price,
  );
  assert.ok(settled.counts.failed >= 10 && settled.counts.failed < 30, `${settled.counts.failed} failed`);
});

Deno.test("at its deadline a batch stops, what waits is cancelled, and what runs is finished", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const deadline = Date.now() + 700;
  const batch = await accept(studio, { rows: 20, terms: { deadline } });
  const stopped = await until(() => read(studio, batch), ({ state }) => state === "STOPPED");
  assert.equal(stopped.reason, "deadline");
  assert.ok(stopped.finishedAt! >= deadline);
  await until(() => read(studio, batch), ({ counts }) => counts.cancelled === 4);
  assert.equal(studio.standIn.submitted.length, 4);
  gate.resolve();
  assert.equal((await over(studio, batch)).counts.completed, 4);
  assert.equal(studio.standIn.submitted.length, 4);
  await assertWell(studio);
});

Deno.test("a row that is cancelled by itself makes room for the next", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const batch = await accept(studio, { rows: 20 });
  await until(() => read(studio, batch), ({ next }) => next === 8);
  const [, , , , , , , waiting] = (await listBatchPrompts(studio.store, {
    batch: await read(studio, batch),
    limit: 8,
  })).items;
  await cancelPrompt(studio.deps, waiting);
  const after = await until(() => read(studio, batch), ({ next }) => next === 9, 2000);
  assert.deepEqual([after.counts.cancelled, after.open], [1, [1, 2, 3, 4, 5, 6, 7, 9]]);
  gate.resolve();
  await over(studio, batch);
  await assertWell(studio);
});

Deno.test("a batch goes on after a restart where it was, also from a pause", async () => {
  const gate = Promise.withResolvers<void>();
  const options: StudioOptions = { standIn: always(holdUntil(gate.promise)), isWorking: false };
  await using studio = await createStudio(options);
  const batch = await accept(studio, { rows: 12 });
  const paused = await pauseBatch(studio.deps, batch);
  assert.equal(paused.state, "PAUSED");
  await studio.worker.start();
  const single = (await accept(studio, { rows: 1 })).id;
  await until(() => readBatch(studio.store, single), (found) => found!.value.next === 1);
  assert.equal((await read(studio, batch)).next, 0);
  await resumeBatch(studio.deps, batch);
  gate.resolve();
  assert.equal((await over(studio, batch)).counts.completed, 12);
  await assertWell(studio);
});

Deno.test("rows that the storage has lost leave the other batches alone", async () => {
  await using studio = await createStudio({ isWorking: false });
  const lost = await accept(studio, { rows: 3 });
  const fine = await accept(studio, { rows: 3 });
  await studio.blobs.delete(blobKeys.batchRows(lost.id));
  await studio.worker.start();
  assert.equal((await over(studio, fine)).counts.completed, 3);
  const told = studio.log.filter((line) => line.includes("batch_trouble"));
  assert.deepEqual([told.length, told[0].includes(lost.id)], [1, true]);
  assert.deepEqual((await read(studio, lost)).next, 0);
  const cancelled = await cancelBatch(studio.deps, lost);
  assert.deepEqual([cancelled.state, cancelled.reserveMicros], ["STOPPED", 0]);
  assert.ok((await promptsOf(studio, fine)).every(isFinal));
});

Deno.test("of a paused batch nothing that waits begins, and what runs is finished; then it goes on in order", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const batch = await accept(studio, { rows: 12 });
  await still(studio, batch, { next: 8 });
  await pauseBatch(studio.deps, batch);
  gate.resolve();
  const paused = await until(() => read(studio, batch), ({ counts }) => counts.completed === 4);
  assert.deepEqual([paused.state, paused.next, paused.open], ["PAUSED", 8, [5, 6, 7, 8]]);
  const single = await accept(studio, { rows: ["alone"] });
  await over(studio, single);
  assert.equal(studio.standIn.submitted.length, 5);
  assert.deepEqual((await read(studio, batch)).open, [5, 6, 7, 8]);
  await assertWell(studio, 8 * price);
  await resumeBatch(studio.deps, batch);
  const done = await over(studio, batch);
  assert.deepEqual([done.state, done.counts.completed], ["DONE", 12]);
  const submitted = studio.standIn.submitted.map(({ prompt }) => prompt).filter((text) => text !== "alone");
  assert.equal(new Set(submitted).size, 12);
  await assertWell(studio);
});

Deno.test("nothing of a batch is begun after the commit in which it is stopped by its stars", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn: always(holdUntil(gate.promise)) });
  const batch = await accept(studio, { rows: 50, terms: { stopAtStars: 2 } });
  await still(studio, batch, { next: 8 });
  await giveStars(studio, batch, 1);
  assert.equal((await read(studio, batch)).state, "RUNNING");
  await giveStars(studio, batch, 1);
  const submitted = studio.standIn.submitted.length;
  const stopped = await read(studio, batch);
  assert.deepEqual([stopped.state, stopped.reason, stopped.reserveMicros], ["STOPPED", "stars", 0]);
  gate.resolve();
  const ended = await over(studio, batch);
  assert.deepEqual([ended.counts.completed, ended.counts.cancelled, ended.next], [4, 4, 8]);
  assert.equal(studio.standIn.submitted.length, submitted);
  assert.equal((await readPauses(studio.store)).length, 0);
});

/** As whatever rates a picture does it, without a picture. */
async function giveStars({ store }: Studio, { id: batchId, userId }: Batch, by: number): Promise<void> {
  const told = await readTold(store, batchId);
  const owner = batchOwner({ userId, batchId, at: store.now() });
  await changeBooks<null, Batch>(store, owner, (books) => {
    const atomic = store.kv.atomic();
    books.write(atomic, changeStars(store, { atomic, books, by, told }));
    return { atomic, value: null };
  });
}

Deno.test("rows that two processes begin at once are begun once each", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { kv } = studio.store;
  const nodes = [studio.store, createStore({ kv, now: Date.now }), createStore({ kv, now: Date.now })];
  const batch = await accept(studio, { rows: 40 });
  for (let round = 0; round < 10; round++) {
    const now = await read(studio, batch);
    await Promise.all(nodes.map((store) => beginRows({ store, blobs: studio.blobs }, now, { window: 40 })));
  }
  const begun = await read(studio, batch);
  assert.equal(begun.next, 40);
  const prompts = await promptsOf(studio, batch);
  assert.deepEqual(prompts.map(({ row }) => row), Array.from({ length: 40 }, (_, i) => i + 1));
  assert.equal((await listPrompts(studio.store, { userId: studio.owner.id, limit: 1 })).total, 40);
  await assertWell(studio, 40 * price);
});

Deno.test("rows are begun beside prompts that end, without one undoing the other", async () => {
  await using studio = await createStudio();
  const batches = await Promise.all(Array.from({ length: 5 }, () => accept(studio, { rows: 20 })));
  const done = await Promise.all(batches.map((batch) => over(studio, batch)));
  assert.deepEqual(
    done.map(({ state, counts }) => [state, counts.completed]),
    batches.map(() => ["DONE", 20]),
  );
  assert.equal(studio.standIn.submitted.length, 100);
  await assertWell(studio);
});

Deno.test("whatever halts a batch while rows of it begin on two nodes, none begins after that commit", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { owner: user, blobs, deps } = studio;
  const { kv } = studio.store;
  const other = createStore({ kv, now: Date.now });
  const halts: { [name: string]: (batch: Batch) => Promise<unknown> } = {
    pause: (batch) => pauseBatch({ ...deps, store: other }, batch),
    cancel: (batch) => cancelBatch({ ...deps, store: other }, batch),
    stars: (batch) => giveStars({ ...studio, store: other }, batch, 1),
    limit: (batch) => setLimit({ ...deps, store: other }, { user, batch, limitMicros: 5 * price }),
  };
  for (const [name, halt] of Object.entries(halts)) {
    for (let round = 0; round < 10; round++) {
      const batch = await accept(studio, { rows: 12, terms: { stopAtStars: 1 } });
      await beginRows({ store: studio.store, blobs }, batch, { window: 1 });
      const begun = await read(studio, batch);
      const [halted] = await Promise.all([
        halt(begun).then(() => read(studio, batch)),
        beginRows({ store: studio.store, blobs }, begun, { window: 2 + round % 3 }),
        beginRows({ store: other, blobs }, begun, { window: 3 }),
      ]);
      const after = await read(studio, batch);
      await beginRows({ store: studio.store, blobs }, after, { window: 12 });
      const last = await read(studio, batch);
      if (name === "limit") assert.ok(last.heldMicros + last.reserveMicros <= 5 * price, name);
      else assert.equal(last.next, halted.next, `${name}, round ${round}`);
      assert.equal((await promptsOf(studio, batch)).length, last.next);
    }
  }
  const { violations } = await verify(studio.store, { blobs });
  // These stars are of no picture.
  assert.deepEqual(violations.filter(({ detail }) => !detail.includes("have a star")), []);
});

Deno.test("of many who cancel, pause and resume at once, all see one batch, whose books balance", async () => {
  await using studio = await createStudio();
  const { deps } = studio;
  for (let round = 0; round < 5; round++) {
    const batch = await accept(studio, { rows: 30 });
    const verbs = [pauseBatch, resumeBatch, pauseBatch, resumeBatch, pauseBatch].map((verb) => () =>
      verb(deps, batch)
    );
    const cancels = Array.from({ length: 3 }, () => () => cancelBatch(deps, batch));
    const results = await Promise.allSettled([...verbs, ...cancels, ...verbs].map((call) => call()));
    for (const result of results) {
      if (result.status === "rejected") assert.equal(result.reason.code, "conflict");
    }
    const ended = await over(studio, batch);
    assert.deepEqual([ended.state, ended.reason], ["STOPPED", "cancelled"]);
  }
  await assertWell(studio);
});
