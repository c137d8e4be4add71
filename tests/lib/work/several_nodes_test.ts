/** What one process was sure of by itself holds over several that use the same store. */
import assert from "node:assert/strict";
import { addPrice } from "../../../lib/catalog/add_price.ts";
import type { AccountDeletion } from "../../../lib/accounts/delete_account.ts";
import { createCallbacks } from "../../../lib/catalog/callbacks.ts";
import { acceptBatch } from "../../../lib/batches/accept_batch.ts";
import { createProviderTasks } from "../../../lib/catalog/provider_tasks.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";
import { readBatch } from "../../../lib/batches/batch_store.ts";
import { readAccount, readLedger } from "../../../lib/money/ledger.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { claimPrompt, type Lease, readLease, renewLease, takeOverLease } from "../../../lib/prompts/queue.ts";
import { retryPrompt } from "../../../lib/prompts/retry.ts";
import { createSubmissionLimit } from "../../../lib/prompts/submission_limit.ts";
import { keys } from "../../../lib/store/schema.ts";
import { ensureOwner, isActiveOwner, listUsers } from "../../../lib/users/user.ts";
import { acceptTestBatch, plainTerms, planRows } from "../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  createNodes,
  createSharedDatabase,
  type Node,
  quickLeaseTimes,
  quickTakeoverMs,
} from "../../fixtures/nodes.ts";
import { createStandIn, holdUntil, standInPriceMicros, succeed } from "../../fixtures/stand_in_provider.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestStore,
  createTestUser,
  startPrompt,
} from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const log = () => {};
/** Nothing is found by looking around: only what is told at once counts. */
const slowLeaseTimes = { ...quickLeaseTimes, renewEveryMs: 600_000, lookEveryMs: 600_000 };

/** Sends it at this node; returns its id. */
async function sendOne({ studio: { store, owner, deps: { doorbell } } }: Node): Promise<string> {
  return (await acceptPrompt(store, owner, { doorbell })).prompt.value.id;
}

const promptAt = async ({ studio: { store } }: Node, id: string) => (await readPrompt(store, id))!.value;

async function assertWell({ studio: { store, blobs, owner } }: Node, heldMicros = 0): Promise<void> {
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  assert.equal((await readAccount(store, owner.id)).heldMicros, heldMicros);
}

Deno.test("what a node that was killed had at its provider, another follows to its end, and submits nothing", async () => {
  const gate = Promise.withResolvers<void>();
  const resumed: string[] = [];
  const standIn = createStandIn({
    async *resume(handle, task) {
      resumed.push(String(handle.taskId));
      const [, ...rest] = await Array.fromAsync(succeed(task));
      yield* rest;
    },
  });
  standIn.scripts.push(holdUntil(gate.promise));
  await using scene = await createNodes(2, { standIn });
  const [a, b] = scene.nodes;
  const id = await sendOne(a);
  await until(() => promptAt(b, id), ({ tasks: [task] }) => task.state === "running");
  const { owner } = (await readLease(b.studio.store, id))!.value;
  const [mine, other] = owner === "node 0" ? [a, b] : [b, a];
  mine.kill();
  const { status, images } = await until(
    async () => {
      const { status, tasks } = await promptAt(other, id);
      return { status, images: tasks.flatMap(({ images }) => images).length };
    },
    ({ status }) => status === "COMPLETED",
    quickTakeoverMs + 1000,
  );
  gate.resolve();
  assert.deepEqual([status, images, standIn.submitted.length, resumed.length], ["COMPLETED", 1, 1, 1]);
  assert.equal((await readLedger(other.studio.store, [id]))[0]!.value.costMicros, standInPriceMicros);
  await assertWell(other);
});

Deno.test("a node that was stopped before it submitted, and goes on after a takeover, neither submits nor books", async () => {
  await using scene = await createNodes(2, { isWorking: false });
  const [a, b] = scene.nodes;
  await a.studio.worker.start();
  const stopped = a.pauseAfter("lease");
  const id = await sendOne(b);
  await stopped;
  // It was written that it is about to be submitted, so nobody else may.
  assert.equal((await promptAt(b, id)).tasks[0].state, "submitting");
  await b.studio.worker.start();
  const after = await until(
    () => promptAt(b, id),
    ({ status }) => status === "FAILED",
    quickTakeoverMs + 1000,
  );
  assert.equal("failure" in after && after.failure?.reason, "outcome_unknown");
  a.resume();
  await until(() => a.studio.log.join("\n"), (lines) => lines.includes("lease_lost"));
  assert.deepEqual([scene.standIn.submitted.length, a.studio.worker.runningCount()], [0, 0]);
  assert.equal((await promptAt(b, id)).updatedAt, after.updatedAt);
  await assertWell(b);
});

Deno.test("a lease that is renewed just as it is taken over stays with its holder", async () => {
  await using database = await createSharedDatabase();
  const [{ store }, other] = [await database.openStore(), await database.openStore()];
  const user = await createTestUser(store);
  const { value: { id, leaseNumber } } = await startPrompt(
    store,
    (await acceptPrompt(store, user)).prompt.value.id,
  );
  const seen = (await readLease(store, id))!.value;
  await renewLease(store, { promptId: id, number: leaseNumber });
  const as = (seen: Lease) => ({ number, renewals }: Lease) =>
    number === seen.number && renewals === seen.renewals;
  const takeOver = (isFree: ReturnType<typeof as>) =>
    takeOverLease(other.store, { promptId: id, owner: "other", isCrash: true, isFree });
  assert.equal(await takeOver(as(seen)), null);
  const taking = takeOver(as((await readLease(store, id))!.value));
  const renewing = renewLease(store, { promptId: id, number: leaseNumber });
  assert.notEqual((await taking) !== null, await renewing, "one of both");
});

Deno.test("a start leaves alone what other nodes run, and takes up what it ran itself or somebody gave back", async () => {
  await using scene = await createNodes(1, { isWorking: false });
  const [node] = scene.nodes;
  const { store, worker } = node.studio;
  const ids = [await sendOne(node), await sendOne(node), await sendOne(node)];
  const owners = ["node 0", "another", "third"];
  for (const [i, promptId] of ids.entries()) await claimPrompt(store, { promptId, owner: owners[i] });
  await store.kv.set(keys.lease(ids[2]), { ...(await readLease(store, ids[2]))!.value, until: 0 });
  await worker.start();
  const states = () => Promise.all(ids.map(async (id) => (await promptAt(node, id)).status));
  await until(
    states,
    ([own, , given]) => own === "COMPLETED" && given === "COMPLETED",
    quickLeaseTimes.lapseMs,
  );
  assert.equal((await readLease(store, ids[1]))!.value.owner, "another");
  // Nobody renews it.
  await until(states, (all) => all.every((status) => status === "COMPLETED"), quickTakeoverMs + 1000);
});

Deno.test("of one user as many run at once on two nodes together as may on one, to the end of forty prompts", async () => {
  const standIn = createStandIn();
  let [running, most] = [0, 0];
  standIn.provider.generate = async function* (task) {
    standIn.submitted.push(task);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 30));
    running--;
    yield* succeed(task);
  };
  await using scene = await createNodes(2, { standIn });
  const { nodes } = scene;
  const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => sendOne(nodes[i % 2])));
  await until(
    async () => (await Promise.all(ids.map((id) => promptAt(nodes[0], id)))).map(({ status }) => status),
    (all) => all.every((status) => status === "COMPLETED"),
    60_000,
  );
  assert.deepEqual([most, standIn.submitted.length], [4, 40]);
  await assertWell(nodes[0]);
});

Deno.test("of two nodes that take prompts of one user at the same moment one gets the last room", async () => {
  await using database = await createSharedDatabase();
  const stores = [(await database.openStore()).store, (await database.openStore()).store];
  for (let round = 0; round < 20; round++) {
    const user = await createTestUser(stores[0]);
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push((await acceptPrompt(stores[0], user)).prompt.value.id);
    let full = 0;
    const room = { userId: user.id, most: 2, onNone: () => full++ };
    const taken = await Promise.all(
      ids.map((promptId, i) => claimPrompt(stores[i % 2], { promptId, owner: `node ${i % 2}`, room })),
    );
    assert.deepEqual([taken.filter((leased) => leased !== null).length, full], [2, 2]);
  }
});

Deno.test("where several nodes use the store the end of a prompt rings for those that have room; one alone writes less", async () => {
  await using database = await createSharedDatabase();
  using alone = await createTestStore();
  for (const store of [(await database.openStore()).store, alone]) {
    const user = await createTestUser(store);
    const { value: { id } } = await completePrompt(store, user);
    const [bell, turn] = await Promise.all([store.kv.get(keys.bell()), store.kv.get(keys.turn(user.id))]);
    assert.deepEqual([bell.value, turn.value], [store.isShared ? id : null, null]);
  }
});

Deno.test("a prompt that waits for room elsewhere begins as soon as there is some, without a look around", async () => {
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const standIn = createStandIn();
  standIn.scripts.push(...gates.map(({ promise }) => holdUntil(promise)));
  await using scene = await createNodes(2, { standIn, leaseTimes: slowLeaseTimes });
  const [a, b] = scene.nodes;
  for (let i = 0; i < 5; i++) await sendOne(i % 2 === 0 ? a : b);
  await until(() => standIn.submitted.length, (count) => count === 4);
  gates[0].resolve();
  await until(() => standIn.submitted.length, (count) => count === 5, 2000);
  gates.forEach(({ resolve }) => resolve());
  await until(() => a.studio.worker.runningCount() + b.studio.worker.runningCount(), (count) => count === 0);
});

Deno.test("a budget holds under two hundred requests to two nodes", async () => {
  const affordable = 50;
  await using scene = await createNodes(2, {
    isWorking: false,
    monthlyBudgetMicros: affordable * standInPriceMicros,
  });
  const { nodes } = scene;
  const programs = await Promise.all(nodes.map(({ studio }) => studio.withKey()));
  const answers = await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    const answer = await programs[i % 2].post("/api/v1/images/generate", { prompt: `harbour ${i}` }, {
      Prefer: "respond-async",
    });
    await answer.body?.cancel();
    return answer.status;
  }));
  const counts = [202, 402].map((status) => answers.filter((each) => each === status).length);
  assert.deepEqual(counts, [affordable, 200 - affordable]);
  await assertWell(nodes[0], affordable * standInPriceMicros);
});

/** None of these hears of what the others write: they only serve. */
function addDearerPrice(
  { studio: { deps, owner, store } }: Node,
  { costMicros, size = "*" }: { costMicros: number; size?: string },
) {
  const validFrom = new Date(store.now()).toISOString().slice(0, 10);
  return addPrice(deps, { model: "stand-in", size, costMicros, validFrom, by: owner.id });
}

Deno.test("nothing is set aside by an old price once an admin at another node was answered, in a storm neither", async () => {
  await using scene = await createNodes(2, { isWorking: false });
  const [a, b] = scene.nodes;
  const program = await b.studio.withKey();
  const submit = async () => {
    const answer = await program.post("/api/v1/images/generate", { prompt: "a sea" }, {
      Prefer: "respond-async",
    });
    assert.equal(answer.status, 202);
    return (await answer.json()).promptId as string;
  };
  const before = Array.from({ length: 10 }, submit);
  await before[0];
  const adding = addDearerPrice(a, { costMicros: 30_000 });
  const during = Array.from({ length: 10 }, submit);
  await adding;
  const after = Array.from({ length: 10 }, submit);
  const { versionstamp: addedAt } = await a.kv.get(keys.priceAdded());
  const accepted = await Promise.all(
    [...before, ...during, ...after].map(async (id) => (await readPrompt(b.studio.store, await id))!),
  );
  for (const [i, { value, versionstamp }] of accepted.entries()) {
    const isOld = versionstamp < addedAt!;
    const wanted = isOld ? standInPriceMicros : 30_000;
    assert.deepEqual([value.holdMicros, value.priceRow?.costMicros], [wanted, wanted], `prompt ${i}`);
    assert.ok(!isOld || i < 20, "it was accepted after the admin was answered");
  }
  await assertWell(b, accepted.reduce((sum, { value }) => sum + value.holdMicros, 0));
});

Deno.test("what has become dearer at another node is not accepted at what was shown, a retry and a batch neither", async () => {
  await using scene = await createNodes(2, { isWorking: false });
  const [a, b] = scene.nodes;
  const { studio } = b;
  const { models, doorbell } = studio.deps;
  const shown = standInPriceMicros;
  const sent = await readPrompt(studio.store, await sendOne(b));
  const plan = planRows(models, ["one", { text: "two", count: 2 }]);
  await addDearerPrice(a, { costMicros: 30_000 });
  const costs = (costMicros: number) => ({ code: "conflict", field: "price", costMicros });
  const retry = (atMostMicros?: number) =>
    retryPrompt(studio.deps, { user: studio.owner, prompt: sent!.value, atMostMicros });
  await assert.rejects(retry(shown), costs(30_000));
  assert.equal((await retry(30_000)).prompt.value.holdMicros, 30_000);
  await addDearerPrice(a, { costMicros: 40_000, size: "512x512" });
  const accept = (atMostMicros?: number) =>
    acceptBatch({ ...studio.deps, doorbell }, {
      user: studio.owner,
      plan,
      terms: plainTerms,
      atMostMicros,
    });
  await assert.rejects(accept(3 * shown), costs(120_000));
  const { batch: { value: batch } } = await accept(120_000);
  assert.deepEqual([
    batch.mostMicros,
    batch.reserveMicros,
    batch.priceRows.map(({ costMicros }) => costMicros),
  ], [
    120_000,
    120_000,
    [40_000],
  ]);
  await assertWell(b, shown + 30_000 + 120_000);
});

Deno.test("two nodes accept together as many a minute as one may, and say how many are left and when to come again", async () => {
  const at = Date.now();
  let now = at;
  const limit = 10;
  await using scene = await createNodes(2, { isWorking: false, generateLimit: limit, now: () => now });
  const { nodes } = scene;
  const programs = await Promise.all(nodes.map(({ studio }) => studio.withKey()));
  const post = async (i: number) => {
    const { status, headers, body } = await programs[i % 2].post(
      "/api/v1/images/generate",
      { prompt: `harbour ${i}` },
      { Prefer: "respond-async" },
    );
    await body?.cancel();
    return { status, left: headers.get("RateLimit"), after: headers.get("Retry-After") };
  };
  const answers = await Promise.all(Array.from({ length: 4 * limit }, (_, i) => post(i)));
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(answers.filter(({ status }) => status === 202).length, limit);
  assert.equal(refused.length, 3 * limit);
  for (const { after } of refused) assert.equal(after, "6");
  // Also where nobody has been refused, and by a node that heard of none of it.
  const told = async (i: number) => (await programs[i].get("/api/v1/me")).headers.get("RateLimit");
  assert.deepEqual([await told(0), await told(1)], Array(2).fill('"submissions";r=0;t=6'));
  now = at + 6000;
  assert.deepEqual((await Promise.all([post(0), post(1)])).map(({ status }) => status).toSorted(), [
    202,
    429,
  ]);
  // A batch is one, and what was cancelled together is sent again as one.
  now = at + 12_000;
  const cancelled = await programs[1].post("/api/v1/queue/cancel");
  assert.equal(cancelled.status, 200);
  const page = await nodes[1].studio.withSession();
  assert.equal((await page.form("/queue/send-again", {})).status, 303);
  assert.equal(
    (await readAccount(nodes[0].studio.store, nodes[0].studio.owner.id)).heldMicros,
    11 * standInPriceMicros,
  );
  now = at + 18_000;
  const rows = Array.from({ length: 3 }, (_, i) => ({ prompt: `row ${i}` }));
  const [first, second] = await Promise.all(
    programs.map((program) => program.post("/api/v1/batches", { rows })),
  );
  assert.deepEqual([first.status, second.status].toSorted(), [202, 429]);
  await assertWell(nodes[0], 14 * standInPriceMicros);
});

Deno.test("a node whose clock is behind or ahead lets nobody submit more", async () => {
  await using database = await createSharedDatabase();
  const now = Date.now();
  const stores = [
    await database.openStore({ now: () => now }),
    await database.openStore({ now: () => now + 5000 }),
  ];
  const user = await createTestUser(stores[0].store);
  let accepted = 0;
  for (let i = 0; i < 40; i++) {
    const { store } = stores[i % 2];
    const submissions = createSubmissionLimit(store, { perMinute: 12 });
    const { status } = (await Promise.allSettled([acceptPrompt(store, user, { submissions })]))[0];
    if (status === "fulfilled") accepted++;
  }
  // One comes back in five seconds.
  assert.ok(accepted >= 12 && accepted <= 13, `${accepted}`);
});

Deno.test("a cancel on one node reaches the run on another at once", async () => {
  const standIn = createStandIn();
  const begun = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<unknown>();
  standIn.scripts.push(async function* (task, { signal }) {
    signal.addEventListener("abort", () => aborted.resolve(signal.reason));
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    begun.resolve();
    await aborted.promise;
    signal.throwIfAborted();
  });
  await using scene = await createNodes(2, { standIn, isWorking: false, leaseTimes: slowLeaseTimes });
  const [a, b] = scene.nodes;
  await b.studio.worker.start();
  const id = await sendOne(a);
  await begun.promise;
  const sentAt = performance.now();
  const program = await a.studio.withKey();
  assert.equal((await program.post(`/api/v1/prompts/${id}/cancel`)).status, 200);
  // Its bill is known at once, so nobody has to do with it any more.
  assert.equal(await aborted.promise, "lease_lost");
  assert.ok(performance.now() - sentAt < 1500, `${performance.now() - sentAt} ms`);
});

Deno.test("a renewal sees what nobody was told of, such as a cancel", async () => {
  const standIn = createStandIn();
  const aborted = Promise.withResolvers<unknown>();
  standIn.scripts.push(async function* (task, { signal }) {
    signal.addEventListener("abort", () => aborted.resolve(signal.reason));
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    await aborted.promise;
    signal.throwIfAborted();
  });
  await using scene = await createNodes(1, { standIn });
  const [node] = scene.nodes;
  const id = await sendOne(node);
  const running = await until(() => promptAt(node, id), ({ tasks: [task] }) => task.state === "running");
  // Without the key that is watched.
  await node.kv.set(keys.prompt(id), { ...running, status: "CANCELLED", isChargeDue: true, finishedAt: 1 });
  assert.equal(await aborted.promise, "cancelled");
});

Deno.test("an account that is deleted at one node leaves by the node whose duty that is", async () => {
  await using scene = await createNodes(2);
  const [a, b] = scene.nodes;
  const member = await a.studio.addMember();
  const { owner } = (await a.studio.store.kv.get<{ owner: string }>(keys.duty("deletions"))).value!;
  const other = owner === "node 0" ? b : a;
  await other.studio.deps.deletions.request(member.id);
  await until(
    async () => (await a.studio.store.kv.get<AccountDeletion>(keys.deletion(member.id))).value?.finishedAt,
    (finishedAt) => typeof finishedAt === "number",
    3000,
  );
});

Deno.test("the batches of a node that was killed go on at another", async () => {
  await using scene = await createNodes(2);
  const { nodes } = scene;
  const holder = (await nodes[0].studio.store.kv.get<{ owner: string }>(keys.duty("batches"))).value!.owner;
  const [dead, other] = holder === "node 0" ? nodes : nodes.toReversed();
  dead.kill();
  const { studio } = other;
  const { models, doorbell } = studio.deps;
  const rows = 6;
  const { batch } = await acceptTestBatch(studio, studio.owner, { models, doorbell, rows });
  await until(
    async () => (await readBatch(studio.store, batch.value.id))!.value.counts.completed,
    (completed) => completed === rows,
    quickTakeoverMs + 6000,
  );
});

Deno.test("a call that comes to a node that does not follow the task reaches the one that does", async () => {
  await using database = await createSharedDatabase();
  const secret = "a secret of the tests, 32 bytes long";
  const create = async () => {
    const { store } = await database.openStore();
    return createCallbacks({ publicUrl: "https://darkroom.example", secret, shared: { store, log } });
  };
  const [a, b] = [await create(), await create()];
  const stop = new AbortController();
  a.follow(stop.signal);
  const line = a.line("prompt:0")!;
  const token = line.url.split("/").at(-1)!;
  const waiting = line.next(stop.signal);
  assert.equal(await b.receive(token, { code: 200 }), true);
  assert.deepEqual(await waiting, [{ code: 200 }]);
  // Nobody waits as yet; the oldest are given up when they are many.
  for (let i = 0; i < 20; i++) await b.receive(token, i);
  await b.receive(token, "x".repeat(100_000));
  const kept = await line.next(stop.signal);
  assert.deepEqual(kept, [...Array.from({ length: 15 }, (_, i) => 5 + i), null]);
  assert.equal(await b.receive(`${token}x`, {}), false);
  const { store } = await database.openStore();
  assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix: ["callback"] })), []);
  stop.abort();
});

Deno.test("an id that a provider gives to tasks of two nodes is the first one's", async () => {
  await using database = await createSharedDatabase();
  const open = async () => createProviderTasks((await database.openStore()).store);
  const [a, b] = [await open(), await open()];
  const name = { provider: "nanobanana", taskId: "t1" };
  const both = await Promise.all([a.claim(name, "first:0"), b.claim(name, "second:0")]);
  assert.deepEqual(both.toSorted(), [false, true]);
  const owner = both[0] ? "first:0" : "second:0";
  assert.deepEqual([await a.claim(name, owner), await b.claim(name, owner)], [true, true]);
  assert.equal(await b.claim({ ...name, taskId: "t2" }, "second:0"), true);
});

Deno.test("nothing is deleted on any node while one takes a backup, and all of it goes afterwards", async () => {
  await using database = await createSharedDatabase();
  const contents = createMemoryBlobs();
  const times = { heldMs: 5000, renewEveryMs: 200, settleMs: 50, lookEveryMs: 50 };
  const create = async () =>
    createHoldableBlobs(contents, { store: (await database.openStore()).store, log, times });
  const [a, b] = [await create(), await create()];
  await contents.put("kept", new Uint8Array(1), "image/png");
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const backup = a.holdDeletes(async () => {
    begun.resolve();
    await over.promise;
  });
  await begun.promise;
  assert.equal(await b.isHolding(), true);
  await b.delete("kept");
  assert.equal(await contents.exists("kept"), true);
  over.resolve();
  await backup;
  await until(() => contents.exists("kept"), (isThere) => !isThere, 2000);
  assert.equal(await b.isHolding(), false);
});

Deno.test("a backup whose hold could not be renewed in time is no backup", async () => {
  await using database = await createSharedDatabase();
  const { store, pause, resume } = await database.openStore();
  const times = { heldMs: 200, renewEveryMs: 50, settleMs: 10, lookEveryMs: 50 };
  const blobs = createHoldableBlobs(createMemoryBlobs(), { store, log, times });
  const work = blobs.holdDeletes(async () => {
    pause();
    await new Promise((resolve) => setTimeout(resolve, 400));
    resume();
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  await assert.rejects(work, { code: "unavailable" });
});

Deno.test("nodes that start for the first time at the same moment make one owner", async () => {
  for (let round = 0; round < 5; round++) {
    await using database = await createSharedDatabase();
    const stores = [await database.openStore(), await database.openStore(), await database.openStore()];
    const owners = await Promise.all(stores.map(({ store }) => ensureOwner(store)));
    assert.equal(new Set(owners.map(({ id }) => id)).size, 1);
    assert.equal((await listUsers(stores[0].store)).filter(isActiveOwner).length, 1);
  }
});
