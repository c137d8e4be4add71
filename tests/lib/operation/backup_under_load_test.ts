import assert from "node:assert/strict";
import { join } from "node:path";
import { backUp, restore } from "../../../lib/operation/backup.ts";
import { createProviderTasks } from "../../../lib/catalog/provider_tasks.ts";
import { createCallbacks } from "../../../lib/catalog/callbacks.ts";
import { openDataDirectory, pathsIn } from "../../../lib/operation/data_directory.ts";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { createKvDoorbell } from "../../../lib/prompts/doorbell.ts";
import { createModels } from "../../../lib/catalog/models.ts";
import { createTaskDurations } from "../../../lib/work/task_durations.ts";
import { createPriceBook } from "../../../lib/catalog/price_book.ts";
import { createProgressBoard } from "../../../lib/prompts/progress.ts";
import { isFinal, type Prompt } from "../../../lib/prompts/prompt.ts";
import { kinds } from "../../../lib/store/schema.ts";
import { createStore, type Store } from "../../../lib/store/store.ts";
import { createFewAtOnce } from "../../../lib/in_turn.ts";
import { createWorker } from "../../../lib/work/worker.ts";
import { noBatches } from "../../fixtures/batches.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";
import { runTask } from "../../fixtures/server.ts";
import { createStandIn, holdUntil, type StandIn, succeed } from "../../fixtures/stand_in_provider.ts";
import { acceptPrompt, createTestUser, openTestDatabase } from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";

const count = 1000;

/** A store in a data directory, and a worker that may run all its prompts at once. */
async function open(path: string, standIn: StandIn) {
  const data = await openDataDirectory(path);
  const kv = await openTestDatabase(data.database);
  const store = createStore({ kv, now: Date.now });
  const blobs = createHoldableBlobs(createDiskBlobs(data.blobs));
  const doorbell = createKvDoorbell(store, () => {});
  const worker = createWorker({
    batches: noBatches,
    sources: { offer: () => Promise.reject(new Error("nobody fetches")), withdraw: () => Promise.resolve() },
    store,
    doorbell,
    models: createModels({
      providers: [standIn.provider],
      prices: createPriceBook(standIn.prices),
      defaultModel: undefined,
      now: Date.now,
    }),
    blobs,
    decoding: createFewAtOnce(2),
    progress: createProgressBoard(),
    taskDurations: createTaskDurations(store),
    log: () => {},
    random: Math.random,
    providerTasks: createProviderTasks(store),
    callbacks: createCallbacks({ publicUrl: "http://localhost:8000", secret: "s".repeat(32) }),
    health: { note() {} },
    storagePatienceMs: 60_000,
    concurrency: count,
    userConcurrency: count,
    nodeId: "this process",
  });
  await worker.start();
  return {
    data,
    store,
    blobs,
    doorbell,
    worker,
    async [Symbol.asyncDispose]() {
      await worker.stop();
      kv.close();
      data.close();
    },
  };
}

async function readAll({ kv }: Store): Promise<Prompt[]> {
  const prompts = kv.list<Prompt>({ prefix: [...kinds.prompts] }, { batchSize: 500 });
  return (await Array.fromAsync(prompts)).map(({ value }) => value);
}

Deno.test("a backup in the middle of 1,000 running prompts brings each of them to its end, with balanced books", async () => {
  await using directory = await createTestDirectory();
  const folder = (name: string) => join(directory.path, name);
  const resume: StandIn["provider"]["resume"] = (_, task) => succeed(task);
  const gates = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const standIn = createStandIn({ resume });
  standIn.scripts.push(...gates.map((gate) => holdUntil(gate.promise)));
  {
    await using studio = await open(folder("data"), standIn);
    const { store, doorbell, data, blobs } = studio;
    const users = [];
    for (let i = 0; i < 4; i++) users.push(await createTestUser(store));
    for (let i = 0; i < count; i++) await acceptPrompt(store, users[i % users.length], { doorbell });
    await until(() => standIn.submitted.length, (submitted) => submitted === count, 60_000);
    const ends = (async () => {
      for (const gate of gates) {
        gate.resolve();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    const finished = async () => (await readAll(store)).filter(isFinal).length;
    await until(finished, (done) => done > 50, 60_000);
    const target = createDiskBlobs(pathsIn(folder("backup")).blobs);
    const report = await backUp({ data, blobs, now: store.now }, { directory: folder("backup"), target });
    assert.deepEqual(report.missing, []);
    assert.ok(report.images > 50 && report.images < count, `${report.images} were done`);
    await ends;
    await until(finished, (done) => done === count, 120_000);
  }
  const fresh = await openDataDirectory(folder("copy"));
  await restore({ data: fresh, blobs: createDiskBlobs(fresh.blobs), now: Date.now, log: () => {} }, {
    directory: folder("backup"),
    source: createDiskBlobs(pathsIn(folder("backup")).blobs),
  });
  fresh.close();
  const verified = await runTask(["verify"], { dataDir: folder("copy") });
  assert.deepEqual([verified.code, verified.stderr], [0, ""], verified.stdout);
  {
    await using copy = await open(folder("copy"), createStandIn({ resume }));
    const before = await readAll(copy.store);
    assert.equal(before.length, count);
    const all = await until(() => readAll(copy.store), (prompts) => prompts.every(isFinal), 120_000);
    assert.deepEqual(new Set(all.map(({ status }) => status)), new Set(["COMPLETED"]));
  }
  const settled = await runTask(["verify"], { dataDir: folder("copy") });
  assert.deepEqual([settled.code, settled.stderr], [0, ""], settled.stdout);
  assert.match(settled.stdout, /1000 prompts, 1000 images, 1000 ledger entries/);
});
