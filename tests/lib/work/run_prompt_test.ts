import assert from "node:assert/strict";
import type { Blobs } from "../../../lib/blobs/blobs.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { createTaskDurations } from "../../../lib/work/task_durations.ts";
import type { ProcessingPrompt, Task } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { claimPrompt, readLease } from "../../../lib/prompts/queue.ts";
import { sleep } from "../../../lib/sleep.ts";
import { begin, startRun } from "../../../lib/work/run_prompt.ts";
import { writeProgress } from "../../../lib/work/settle.ts";
import { type ProviderEvent, ProviderFailure, type TaskContext } from "../../../lib/catalog/provider.ts";
import { interceptCommits, taskStateIn } from "../../fixtures/commits.ts";
import {
  createStandIn,
  failWith,
  holdUntil,
  picture,
  type Script,
  standInModel,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { startPrompt } from "../../fixtures/store.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

Deno.test("a failure that created nothing is tried again, without a second charge", async () => {
  const standIn = createStandIn();
  const busy = new ProviderFailure("rate_limited", "busy", {
    outcome: "not_created",
    isRetryable: true,
    retryAfterMs: 20,
  });
  standIn.scripts.push(failWith(busy), failWith(busy));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const prompt = await finished(program, await submit(program));
  assert.deepEqual([prompt.status, prompt.costMicros], ["COMPLETED", 20_000]);
  assert.equal(standIn.submitted.length, 3);
});

Deno.test("after five tries it ends with the reason, and costs nothing", async () => {
  const standIn = createStandIn();
  const busy = new ProviderFailure("rate_limited", "busy", {
    outcome: "not_created",
    isRetryable: true,
    retryAfterMs: 1,
  });
  standIn.scripts.push(...Array.from({ length: 10 }, () => failWith(busy)));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const prompt = await finished(program, await submit(program));
  assert.deepEqual([prompt.status, prompt.errorCode, prompt.costMicros], ["FAILED", "rate_limited", 0]);
  assert.equal(standIn.submitted.length, 6);
});

Deno.test("a provider that asks to be left alone for hours is not waited for", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(failWith(
    new ProviderFailure("rate_limited", "busy", {
      outcome: "not_created",
      isRetryable: true,
      retryAfterMs: 1e18,
    }),
  ));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const prompt = await finished(program, await submit(program));
  assert.deepEqual([prompt.status, prompt.errorCode, prompt.costMicros], ["FAILED", "rate_limited", 0]);
});

Deno.test("a prompt that waits to be tried again holds up nobody, and cancelling it is free", async () => {
  const standIn = createStandIn();
  const busy = new ProviderFailure("rate_limited", "busy", {
    outcome: "not_created",
    isRetryable: true,
    retryAfterMs: 30_000,
  });
  standIn.scripts.push(failWith(busy));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const waiting = await submit(program);
  await until(
    () => read(program, waiting),
    ({ status }) => status === "PENDING" && standIn.submitted.length === 1,
  );
  const other = await finished(program, await submit(program));
  assert.equal(other.status, "COMPLETED");
  assert.equal((await read(program, waiting)).status, "PENDING");
  const { prompt } = await (await program.post(`/api/v1/prompts/${waiting}/cancel`)).json();
  assert.deepEqual([prompt.status, prompt.costMicros], ["CANCELLED", 0]);
});

const outcomes: [name: string, script: Script, reason: string, costMicros: number, basis: string][] = [
  [
    "an unknown outcome",
    failWith(new ProviderFailure("outcome_unknown", "?", { outcome: "unknown" })),
    "outcome_unknown",
    20_000,
    "unknown",
  ],
  [
    "a billed refusal",
    failWith(new ProviderFailure("content_policy", "no", { outcome: "billed" })),
    "content_policy",
    20_000,
    "table",
  ],
  [
    "a billed failure with its own cost",
    failWith(
      new ProviderFailure("bad_result", "no", {
        outcome: "billed",
        cost: { costMicros: 7, basis: "reported" },
      }),
    ),
    "bad_result",
    7,
    "reported",
  ],
  [
    "a task that failed",
    failWith(new ProviderFailure("provider_failed", "no", { outcome: "failed" })),
    "provider_failed",
    0,
    "none",
  ],
  [
    "bytes that are no picture",
    async function* () {
      yield { type: "image", bytes: new TextEncoder().encode("<html>") };
      yield { type: "done", cost: null };
    },
    "bad_result",
    20_000,
    "table",
  ],
];

for (const [name, script, reason, costMicros, basis] of outcomes) {
  Deno.test(`${name} is booked as the provider bills it`, async () => {
    const standIn = createStandIn();
    standIn.scripts.push(script);
    await using studio = await createStudio({ standIn });
    const program = await studio.withKey();
    const prompt = await finished(program, await submit(program));
    assert.deepEqual(
      [prompt.status, prompt.errorCode, prompt.ledger.costMicros, prompt.ledger.basis],
      ["FAILED", reason, costMicros, basis],
    );
    const { budget } = await (await program.get("/api/v1/me")).json();
    assert.deepEqual([budget.heldMicros, budget.spentMicros], [0, costMicros]);
    assert.equal(standIn.submitted.length, 1);
  });
}

for (const costMicros of [1e300, NaN, -1, 0.5]) {
  Deno.test(`a cost of ${costMicros} micro-dollars is none: the price book decides`, async () => {
    const standIn = createStandIn();
    standIn.scripts.push(async function* (task) {
      for await (const event of succeed(task)) {
        yield event.type === "done" ? { type: "done", cost: { costMicros, basis: "computed" } } : event;
      }
    });
    await using studio = await createStudio({ standIn });
    const program = await studio.withKey();
    const prompt = await finished(program, await submit(program));
    assert.deepEqual([prompt.costMicros, prompt.ledger.basis], [20_000, "table"]);
  });
}

Deno.test("what a provider says about its pictures is kept with the task that made them", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(async function* (task) {
    for await (const event of succeed(task)) {
      yield event.type === "done" ? { ...event, note: "Used: night. Not known: unicorn." } : event;
    }
  });
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const notes: (string | undefined)[] = [];
  for (const promptId of [await submit(program), await submit(program)]) {
    await finished(program, promptId);
    const { tasks: [task] } = (await readPrompt(studio.store, promptId))!.value;
    notes.push(task.state === "done" ? task.note : task.state);
  }
  assert.deepEqual(notes, ["Used: night. Not known: unicorn.", undefined]);
});

Deno.test("a charge above the hold is booked as it is, and marked", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(async function* (task) {
    for await (const event of succeed(task)) {
      yield event.type === "done" ? { type: "done", cost: { costMicros: 50_000, basis: "reported" } } : event;
    }
  });
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const id = await submit(program);
  const prompt = await finished(program, id);
  assert.deepEqual([prompt.costMicros, prompt.ledger.basis], [50_000, "reported"]);
  const { value } = await studio.store.kv.get<{ isAboveHold: boolean }>(["ledger", id]);
  assert.equal(value!.isAboveHold, true);
});

/** Blobs that take nothing while they are broken, and say so, or do not even do that. */
function breakable(refuse: () => Promise<never> = () => Promise.reject(new Error("no"))) {
  const state = { isBroken: false, refused: 0 };
  const blobs = (disk: Blobs): Blobs => ({
    ...disk,
    put: (...put) => {
      if (!state.isBroken) return disk.put(...put);
      state.refused++;
      return refuse();
    },
  });
  return { state, blobs };
}

Deno.test("pictures that can't be stored for as long as that is tried are charged, since they were made", async () => {
  const { state, blobs } = breakable();
  await using studio = await createStudio({ blobs, storagePatienceMs: 0 });
  const program = await studio.withKey();
  state.isBroken = true;
  const prompt = await finished(program, await submit(program));
  assert.deepEqual([prompt.status, prompt.errorCode, prompt.costMicros], [
    "FAILED",
    "storage_failed",
    20_000,
  ]);
});

Deno.test("a picture that was made outlasts its storage and the model's deadline, and is paid for once", async () => {
  const standIn = createStandIn();
  standIn.provider = { ...standIn.provider, models: [{ ...standInModel, deadlineMs: 100 }] };
  const { state, blobs } = breakable();
  await using studio = await createStudio({ standIn, blobs });
  const program = await studio.withKey();
  state.isBroken = true;
  const id = await submit(program);
  await until(() => state.refused, (refused) => refused >= 2);
  const waiting = await read(program, id);
  assert.deepEqual([waiting.status, waiting.stage], ["PROCESSING", "storing"]);
  state.isBroken = false;
  const prompt = await finished(program, id);
  assert.deepEqual([prompt.status, prompt.images.length, prompt.costMicros], ["COMPLETED", 1, 20_000]);
  assert.equal(standIn.submitted.length, 1);
});

Deno.test("a prompt whose picture waits for its storage can be cancelled, and is billed", async () => {
  const { state, blobs } = breakable();
  await using studio = await createStudio({ blobs });
  const program = await studio.withKey();
  state.isBroken = true;
  const id = await submit(program);
  await until(() => state.refused, (refused) => refused >= 1);
  await program.post(`/api/v1/prompts/${id}/cancel`);
  const prompt = await until(() => read(program, id), ({ ledger }) => ledger !== null);
  assert.deepEqual([prompt.status, prompt.images, prompt.costMicros], ["CANCELLED", [], 20_000]);
});

Deno.test("a stop does not wait for the storage: what can be asked for again is left to the next start", async () => {
  for (const isAskable of [true, false]) {
    const standIn = createStandIn(isAskable ? { resume: (_, task) => succeed(task) } : {});
    if (!isAskable) {
      standIn.scripts.push(async function* (task) {
        for await (const event of succeed(task)) if (event.type !== "submitted") yield event;
      });
    }
    const { state, blobs } = breakable(isAskable ? undefined : () => new Promise(() => {}));
    await using studio = await createStudio({ standIn, blobs });
    const program = await studio.withKey();
    state.isBroken = true;
    const id = await submit(program);
    await until(() => state.refused, (refused) => refused >= 1);
    await studio.worker.stop();
    const prompt = await read(program, id);
    if (isAskable) assert.equal(prompt.status, "PROCESSING");
    else assert.deepEqual([prompt.errorCode, prompt.costMicros], ["storage_failed", 20_000]);
  }
});

Deno.test("a stop leaves a picture that is just being stored to it, and nothing is stored after the stop", async () => {
  const gate = Promise.withResolvers<void>();
  let stored = 0;
  await using studio = await createStudio({
    blobs: (disk) => ({
      ...disk,
      async put(...put) {
        await gate.promise;
        await disk.put(...put);
        stored++;
      },
    }),
  });
  studio.deps.readiness.demand = () => Promise.resolve();
  const program = await studio.withKey();
  const id = await submit(program);
  await until(() => read(program, id), ({ stage }) => stage === "storing");
  const stopping = studio.worker.stop();
  gate.resolve();
  await stopping;
  assert.equal(stored, 1);
  assert.equal((await read(program, id)).status, "COMPLETED");
});

Deno.test("a task past its deadline ends as timeout with its hold booked", async () => {
  const standIn = createStandIn();
  standIn.provider = { ...standIn.provider, models: [{ ...standInModel, deadlineMs: 50 }] };
  standIn.scripts.push(holdUntil(new Promise(() => {})));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const prompt = await finished(program, await submit(program));
  assert.deepEqual(
    [prompt.status, prompt.errorCode, prompt.ledger.basis, prompt.costMicros],
    ["FAILED", "timeout", "unknown", 20_000],
  );
});

Deno.test("where the provider tells no percentage, earlier runs do, and it says so", async () => {
  const standIn = createStandIn();
  standIn.provider = { ...standIn.provider, models: [{ ...standInModel, progress: "estimate" }] };
  const gate = Promise.withResolvers<void>();
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  await finished(program, await submit(program));
  standIn.scripts.push(holdUntil(gate.promise));
  const id = await submit(program);
  const running = await until(() => read(program, id), ({ percent }) => percent !== null);
  assert.ok(running.percent >= 0 && running.percent <= 95, String(running.percent));
  assert.equal(studio.deps.progress.read(id)!.isEstimate, true);
  gate.resolve();
  await finished(program, id);
});

Deno.test("two users' prompts go in turn, and one user has no more than their share", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(...Array.from({ length: 12 }, () => holdUntil(gate.promise)));
  await using studio = await createStudio({ standIn });
  const [busy, late] = [await studio.withKey(), await studio.withKey(await studio.addMember())];
  const busyIds: string[] = [];
  for (let i = 0; i < 10; i++) busyIds.push(await submit(busy));
  await until(() => standIn.submitted.length, (count) => count === 4);
  const lateId = await submit(late);
  await until(() => read(late, lateId), ({ status }) => status === "PROCESSING");
  assert.equal(standIn.submitted.length, 5);
  gate.resolve();
  for (const id of busyIds) await finished(busy, id);
});

Deno.test("prompts of a provider that is not heard of lend their slots to the others'", async () => {
  let offsetMs = 0;
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(...Array.from({ length: 8 }, () => holdUntil(gate.promise)));
  await using studio = await createStudio({ standIn, now: () => Date.now() + offsetMs });
  for (const user of [await studio.addMember(), await studio.addMember()]) {
    const program = await studio.withKey(user);
    for (let i = 0; i < 4; i++) await submit(program);
  }
  await until(() => standIn.submitted.length, (count) => count === 8);
  const program = await studio.withKey(await studio.addMember());
  const promptId = await submit(program);
  assert.equal((await read(program, promptId)).status, "PENDING");
  assert.equal(studio.worker.runningCount(), 8);
  offsetMs = 16_000;
  assert.equal((await finished(program, promptId)).status, "COMPLETED");
  gate.resolve();
  await until(() => studio.worker.runningCount(), (count) => count === 0);
});

Deno.test("a prompt whose model has not turned up yet waits for it", async () => {
  let isUp = true;
  const models = () => isUp ? [standInModel] : [];
  const standIn = createStandIn();
  Object.defineProperty(standIn.provider, "models", { get: models });
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const promptId = await submit(program);
  isUp = false;
  await studio.worker.start();
  const waiting = await until(() => read(program, promptId), ({ status }) => status === "PENDING");
  assert.equal(waiting.errorCode, null);
  await until(
    () => studio.store.kv.get<{ retries: number }>(["prompt", promptId]),
    ({ value }) => value!.retries === 1,
  );
  isUp = true;
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.status, prompt.costMicros], ["COMPLETED", 20_000]);
});

/** Makes a picture in one call, which can't be asked for again. */
async function* callOnce(...[task]: Parameters<Script>): AsyncGenerator<ProviderEvent> {
  for await (const event of succeed(task)) if (event.type !== "submitted") yield event;
}

/** Runs a waiting prompt as the worker would; with `isBegun`, its tasks were begun with the claim. */
async function run(
  { store, deps }: Studio,
  promptId: string,
  { storagePatienceMs = 0, isBegun = false } = {},
) {
  const more = { taskDurations: createTaskDurations(store), random: () => 0.5, storagePatienceMs };
  const runDeps = { ...deps, ...more };
  const leased = await claimPrompt(store, {
    promptId,
    owner: "this process",
    ...(isBegun && { begin: (prompt: ProcessingPrompt) => begin(runDeps, prompt) }),
  });
  return startRun(runDeps, leased!);
}

Deno.test("what a claim wrote as begun is submitted once, without another commit before", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const promptId = await submit(program, { count: 2 });
  const states: (string | undefined)[] = [];
  interceptCommits(studio.store.kv, async (writes, commit) => {
    if (standIn.submitted.length === 0) states.push(taskStateIn(writes));
    return await commit();
  });
  await (await run(studio, promptId, { isBegun: true })).ended;
  assert.deepEqual(states, ["submitting"]);
  const prompt = await read(program, promptId);
  assert.deepEqual([prompt.status, standIn.submitted.length, prompt.costMicros], ["COMPLETED", 2, 40_000]);
});

Deno.test("a stop right after such a claim leaves nothing in doubt: the next start submits", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const promptId = await submit(program);
  const started = await run(studio, promptId, { isBegun: true });
  started.stop();
  await started.ended;
  const { tasks } = (await readPrompt(studio.store, promptId))!.value;
  assert.deepEqual([standIn.submitted.length, tasks[0].state], [0, "waiting"]);
  await studio.worker.start();
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.status, standIn.submitted.length], ["COMPLETED", 1]);
});

Deno.test("what a process that died had begun is never submitted again", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(callOnce);
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const promptId = await submit(program);
  await claimPrompt(studio.store, {
    promptId,
    owner: "who dies",
    begin: (prompt) =>
      begin({
        ...studio.deps,
        taskDurations: createTaskDurations(studio.store),
        random: () => 0,
        storagePatienceMs: 0,
      }, prompt),
  });
  await studio.worker.start();
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ["outcome_unknown", "unknown"]);
  assert.equal(standIn.submitted.length, 0);
});

Deno.test("a stop just before the submission leaves nothing in doubt: the next start submits", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const promptId = await submit(program);
  interceptCommits(studio.store.kv, async (writes, commit) => {
    const result = await commit();
    if (taskStateIn(writes) === "submitting" && standIn.submitted.length === 0) started?.stop();
    return result;
  });
  const started: Awaited<ReturnType<typeof run>> | undefined = await run(studio, promptId);
  await started.ended;
  assert.equal(standIn.submitted.length, 0);
  assert.equal((await readPrompt(studio.store, promptId))!.value.tasks[0].state, "waiting");
  assert.equal((await readLease(studio.store, promptId))!.value.until, 0);
  await studio.worker.start();
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.status, prompt.ledger.basis], ["COMPLETED", "table"]);
  assert.equal(standIn.submitted.length, 1);
});

Deno.test("a task that was cancelled just before its submission is not submitted", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(async function* (...args) {
    await gate.promise;
    yield* callOnce(...args);
  });
  await using studio = await createStudio({ standIn, isWorking: false });
  const { store, deps } = studio;
  const program = await studio.withKey();
  const promptId = await submit(program, { count: 2 });
  let isCancelling = false;
  interceptCommits(store.kv, async (writes, commit) => {
    if (taskStateIn(writes, 1) === "submitting" && !isCancelling) {
      isCancelling = true;
      // It does not wait for its turn, so it comes first.
      const hasty = { ...store, locks: { hold: <T>(_: string, work: () => Promise<T>) => work() } };
      await cancelPrompt({ ...deps, store: hasty }, (await readPrompt(store, promptId))!);
    }
    return await commit();
  });
  const { ended } = await run(studio, promptId);
  await until(() => read(program, promptId), ({ status }) => status === "CANCELLED");
  gate.resolve();
  await ended;
  const prompt = await read(program, promptId);
  assert.deepEqual([standIn.submitted.length, prompt.ledger?.costMicros], [1, 20_000]);
});

Deno.test("a task that was cancelled is broken off at once, also while another's outcome is awaited", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  const contexts: TaskContext[] = [];
  standIn.scripts.push(
    async function* (...args) {
      contexts.push(args[1]);
      await gate.promise;
      yield* callOnce(...args);
    },
    async function* (task, context) {
      contexts.push(context);
      yield* holdUntil(new Promise(() => {}))(task, context);
    },
  );
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const promptId = await submit(program, { count: 2 });
  await until(
    () => readPrompt(studio.store, promptId),
    (found) => found!.value.tasks.map(({ state }) => state).join() === "submitting,running",
  );
  await program.post(`/api/v1/prompts/${promptId}/cancel`);
  try {
    await until(() => contexts[1].signal.aborted, (isAborted) => isAborted);
    assert.equal(contexts[0].signal.aborted, false);
  } finally {
    gate.resolve();
  }
  const prompt = await until(() => read(program, promptId), ({ ledger }) => ledger !== null);
  assert.deepEqual([prompt.status, prompt.costMicros, prompt.ledger.basis], ["CANCELLED", 40_000, "table"]);
});

Deno.test("a picture does not depend on whether its time can be estimated", async () => {
  const standIn = createStandIn();
  standIn.provider = { ...standIn.provider, models: [{ ...standInModel, progress: "estimate" }] };
  await using studio = await createStudio({ standIn });
  const { kv } = studio.store;
  const list = kv.list.bind(kv);
  let failures = 0;
  kv.list = <T>(selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
    const isDurations = "prefix" in selector && selector.prefix[0] === "prompt" && failures++ === 0;
    if (isDurations) throw new TypeError("disk I/O error");
    return list<T>(selector, options);
  };
  const program = await studio.withKey();
  assert.equal((await finished(program, await submit(program))).status, "COMPLETED");
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise));
  const promptId = await submit(program);
  await until(() => studio.deps.progress.read(promptId)?.isEstimate, (isEstimate) => isEstimate === true);
  gate.resolve();
  assert.equal((await finished(program, promptId)).status, "COMPLETED");
});

for (const state of ["running", "done"]) {
  Deno.test(`what happened is not forgotten while the database does not take that a task is ${state}`, async () => {
    const standIn = createStandIn();
    if (state === "done") standIn.scripts.push(callOnce);
    await using studio = await createStudio({ standIn });
    let refused = 0;
    interceptCommits(studio.store.kv, async (writes, commit) => {
      if (taskStateIn(writes) !== state || refused === 2) return await commit();
      refused++;
      throw new TypeError("database or disk is full");
    });
    const program = await studio.withKey();
    const prompt = await finished(program, await submit(program));
    assert.deepEqual([prompt.status, prompt.images.length, prompt.ledger.basis], ["COMPLETED", 1, "table"]);
    assert.deepEqual([standIn.submitted.length, refused], [1, 2]);
  });
}

Deno.test("a clock that was set back by months does not end what runs", async () => {
  const standIn = createStandIn({ resume: (_, task) => succeed(task) });
  await using studio = await createStudio({ standIn, isWorking: false });
  const { store } = studio;
  const program = await studio.withKey();
  const promptId = await submit(program);
  const before = await startPrompt(store, promptId);
  const submittedAt = Date.now() + 60 * 24 * 3600 * 1000;
  const [task] = before.value.tasks;
  const running = { ...task, state: "running" as const, submittedAt, handle: { taskId: "1" } };
  await writeProgress(store, { before, after: { ...before.value, tasks: [running] } });
  const gate = Promise.withResolvers<void>();
  standIn.provider.resume = (_, task, context) => holdUntil(gate.promise)(task, context);
  await studio.worker.start();
  await until(() => studio.deps.progress.read(promptId), (progress) => progress?.stage === "generating");
  assert.equal((await read(program, promptId)).status, "PROCESSING");
  gate.resolve();
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.status, prompt.errorCode], ["COMPLETED", null]);
});

Deno.test("what a task that is late has made is asked for all the same after a restart", async () => {
  const standIn = createStandIn({ resume: (_, task) => succeed(task) });
  await using studio = await createStudio({ standIn, isWorking: false });
  const { store } = studio;
  const program = await studio.withKey();
  const promptId = await submit(program);
  const before = await startPrompt(store, promptId);
  const [{ count, images }] = before.value.tasks;
  const running: Task = { state: "running", count, images, submittedAt: 1, handle: { taskId: "1" } };
  await writeProgress(store, { before, after: { ...before.value, tasks: [running] } });
  const gate = Promise.withResolvers<void>();
  standIn.provider.resume = (_, task, context) => holdUntil(gate.promise)(task, context);
  await studio.worker.start();
  await until(() => studio.deps.progress.read(promptId), (progress) => progress?.stage === "generating");
  // A deadline that is over rings before this.
  await sleep(1);
  gate.resolve();
  const prompt = await finished(program, promptId);
  assert.deepEqual([prompt.status, prompt.errorCode], ["COMPLETED", null]);
});

Deno.test("of a task that makes several pictures, each is kept before the next but one is heard of", async () => {
  const standIn = createStandIn();
  standIn.provider = { ...standIn.provider, models: [{ ...standInModel, imagesPerTask: 2 }] };
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(async function* (task) {
    yield { type: "submitted", handle: { taskId: "1" } };
    const bytes = await picture(task.width, task.height);
    yield { type: "image", bytes };
    yield { type: "image", bytes };
    await gate.promise;
    yield { type: "done", cost: null };
  });
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const promptId = await submit(program, { count: 2 });
  const imageIdsOf = async () =>
    (await readPrompt(studio.store, promptId))!.value.tasks[0].images.map(({ id }) => id);
  const [first] = await until(imageIdsOf, ({ length }) => length === 1).finally(gate.resolve);
  assert.equal((await finished(program, promptId)).images.length, 2);
  assert.equal((await imageIdsOf())[0], first);
});

Deno.test("a stop gives the prompt back also where the database does not take what came of it", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(async function* (...args) {
    await gate.promise;
    yield* callOnce(...args);
  });
  await using studio = await createStudio({ standIn, isWorking: false });
  const promptId = await submit(await studio.withKey());
  interceptCommits(studio.store.kv, async (writes, commit) => {
    if (taskStateIn(writes) === "done") throw new TypeError("database or disk is full");
    return await commit();
  });
  const started = await run(studio, promptId);
  await until(() => standIn.submitted.length, (count) => count === 1);
  started.stop();
  gate.resolve();
  await started.ended;
  assert.equal((await readLease(studio.store, promptId))!.value.until, 0);
});

Deno.test("a stop breaks off at once what waits for its storage and can be asked for again", async () => {
  const { state, blobs } = breakable();
  await using studio = await createStudio({ blobs, isWorking: false });
  const promptId = await submit(await studio.withKey());
  state.isBroken = true;
  const started = await run(studio, promptId, { storagePatienceMs: 60_000 });
  await until(() => state.refused, (refused) => refused >= 1);
  started.stop();
  let hasEnded = false;
  void started.ended.then(() => hasEnded = true);
  // So that a run that goes on ends too.
  await until(() => hasEnded, (ended) => ended).finally(() => started.stop({ isUrgent: true }));
  const { tasks: [task] } = (await readPrompt(studio.store, promptId))!.value;
  assert.deepEqual([task.state, task.images], ["running", []]);
  assert.equal((await readLease(studio.store, promptId))!.value.until, 0);
});
