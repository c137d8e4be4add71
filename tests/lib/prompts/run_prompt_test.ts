import assert from "node:assert/strict";
import type { Blobs } from "../../../lib/blobs/blobs.ts";
import { ProviderFailure } from "../../../lib/provider.ts";
import {
  createStandIn,
  failWith,
  holdUntil,
  type Script,
  standInModel,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStudio } from "../../fixtures/studio.ts";
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
