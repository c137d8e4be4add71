/**
 * The worker: woken by the doorbell, it takes the next prompts in turn and runs them, as many as may run at once.
 * A sweep every few seconds catches whatever a wake-up missed: delays that are over, leases that ran out.
 */
import {
  claimPrompt,
  type Leased,
  listLeases,
  nextInTurn,
  promoteDelayed,
  takeOverLease,
} from "../prompts/queue.ts";
import { createInTurn, type InTurn } from "../in_turn.ts";
import { ofEverything, type Pause, pauseOf, readPauses } from "../prompts/pause.ts";
import { begin, type Run, type RunDeps, startRun } from "./run_prompt.ts";
import { sleep } from "../sleep.ts";
import type { BatchFeeder } from "./feed_batches.ts";
import { isDatabaseTrouble } from "../store/store.ts";
import { keys } from "../store/schema.ts";
import { watchKey } from "../store/watch_key.ts";

export interface WorkerDeps extends RunDeps {
  concurrency: number;
  userConcurrency: number;
  /** Names this process on the leases it holds. */
  owner: string;
  batches: BatchFeeder;
}

export interface Worker {
  /** Takes up what an earlier process left, then begins to take new work. */
  start(): Promise<void>;
  /** Takes nothing new, lets go of what can be resumed, and waits for the rest until it gets urgent. */
  stop(): Promise<void>;
  runningCount(): number;
}

const sweepMs = 3000;
/** After this, a stop breaks off submissions too, and their outcome is unknown. */
const patienceMs = 7000;
const troubleDelayMs = 1000;
/** Prompts during which the process died twice run one after another, so that the next time shows which it is. */
const suspectCrashes = 2;

interface State {
  deps: WorkerDeps;
  runs: Map<string, Run>;
  runsPerUser: Map<string, number>;
  /** They wait for each other; the first runs. */
  crashSuspects: string[];
  stopping: AbortController;
  inTurn: InTurn;
  lastServed: string;
  isWoken: boolean;
  nextSweep: ReturnType<typeof setTimeout> | undefined;
}

export function createWorker(deps: WorkerDeps): Worker {
  const state: State = {
    deps,
    runs: new Map(),
    runsPerUser: new Map(),
    crashSuspects: [],
    stopping: new AbortController(),
    inTurn: createInTurn(),
    lastServed: "",
    isWoken: false,
    nextSweep: undefined,
  };
  return { start: () => start(state), stop: () => stop(state), runningCount: () => state.runs.size };
}

async function start(state: State): Promise<void> {
  const { deps, stopping: { signal } } = state;
  const { store, doorbell, log } = deps;
  await state.inTurn(() => takeUp(state, () => true));
  doorbell.listen(() => wake(state), signal);
  const onWrite = () => {
    nudgeAll(state);
    deps.batches.wake();
  };
  void watchKey(store.kv, { key: keys.cancellation(), onWrite, signal, log });
  sweepLater(state);
  wake(state);
}

async function stop({ deps, stopping, nextSweep, inTurn, runs }: State): Promise<void> {
  stopping.abort();
  clearTimeout(nextSweep);
  await deps.batches.stop();
  // What a step has just claimed is stopped with the rest.
  await inTurn(() => Promise.resolve());
  for (const run of runs.values()) run.stop();
  const urgency = setTimeout(() => runs.forEach((run) => run.stop({ isUrgent: true })), patienceMs);
  await Promise.allSettled([...runs.values()].map((run) => run.ended));
  clearTimeout(urgency);
}

/** Something was cancelled, here or on another node: each run looks at its record again. */
function nudgeAll({ runs }: State): void {
  for (const run of runs.values()) run.nudge();
}

function wake(state: State): void {
  state.deps.batches.wake();
  if (state.isWoken) return;
  state.isWoken = true;
  void soon(state, "pump", () => pump(state));
}

async function pump(state: State): Promise<void> {
  const { deps, stopping } = state;
  const { store, owner, concurrency } = deps;
  state.isWoken = false;
  await promoteDelayed(store);
  const providerOf = (model: string) => deps.models.find(model)?.provider.id ?? null;
  while (!stopping.signal.aborted) {
    // What is paused while this goes on is noticed by the claim, and the next time round.
    const pauses = await readPauses(store);
    const next = await nextInTurn(store, {
      after: state.lastServed,
      limit: isPaused(pauses, ofEverything) ? 0 : concurrency - occupiedSlots(state),
      roomOf: (userId) => isPaused(pauses, { scope: "user", id: userId }) ? 0 : roomOf(state, userId),
      isPaused: ({ userId, batchId, model }) =>
        pauseOf(pauses, { userId, batchId, providerId: providerOf(model) }) !== null,
    });
    if (next.length === 0) return;
    state.lastServed = next.at(-1)!.userId;
    await Promise.all(next.map(async ({ promptId }) => {
      const leased = await claimPrompt(store, {
        promptId,
        owner,
        providerOf,
        begin: (prompt) => begin(deps, prompt),
      });
      if (leased !== null) run(state, leased);
    }));
  }
}

function isPaused(pauses: readonly Pause[], name: Pick<Pause, "scope" | "id">): boolean {
  return pauses.some(({ scope, id }) => scope === name.scope && id === name.id);
}

/** A provider that hangs must not keep the others' prompts from running, so its runs lend their slots, once. */
function occupiedSlots({ runs, deps }: State): number {
  const stalled = [...runs.values()].filter((run) => run.isStalled()).length;
  return runs.size - Math.min(stalled, deps.concurrency);
}

function roomOf({ runsPerUser, deps }: State, userId: string): number {
  return deps.userConcurrency - (runsPerUser.get(userId) ?? 0);
}

function run(state: State, leased: Leased): void {
  const { runs, runsPerUser } = state;
  const started = startRun(state.deps, leased);
  const { promptId, userId, ended } = started;
  runs.set(promptId, started);
  runsPerUser.set(userId, (runsPerUser.get(userId) ?? 0) + 1);
  void ended.catch((error) => retakeLater(state, { promptId, error })).finally(() => {
    makeRoom(state, { promptId, userId });
    wake(state);
  });
}

function makeRoom(state: State, { promptId, userId }: { promptId: string; userId: string }): void {
  const { runs, runsPerUser, crashSuspects } = state;
  runs.delete(promptId);
  const left = runsPerUser.get(userId)! - 1;
  if (left === 0) runsPerUser.delete(userId);
  else runsPerUser.set(userId, left);
  if (promptId !== crashSuspects[0]) return;
  crashSuspects.shift();
  void soon(state, "crash suspects", () => nextCrashSuspect(state));
}

/** A database that does not answer is no fault of the prompt; a bug counts like a crash. */
function retakeLater(state: State, { promptId, error }: { promptId: string; error: unknown }): void {
  const isCrash = !isDatabaseTrouble(error);
  state.deps.log("error", isCrash ? "run_failed" : "run_interrupted", { promptId, error });
  const retake = () => soon(state, "retake", () => take(state, { promptId, isCrash }));
  sleep(troubleDelayMs, state.stopping.signal).then(retake, () => {});
}

async function take(
  state: State,
  { promptId, isCrash }: { promptId: string; isCrash: boolean },
): Promise<void> {
  const { runs, stopping, deps: { store, owner } } = state;
  if (runs.has(promptId) || stopping.signal.aborted) return;
  const leased = await takeOverLease(store, { promptId, owner, isCrash });
  if (leased !== null) run(state, leased);
}

/** Takes up leases that nobody works under; those under suspicion wait for each other. */
async function takeUp(state: State, isFree: (lease: { until: number }) => boolean): Promise<void> {
  const { runs, crashSuspects, deps } = state;
  for (const { promptId, lease, crashes } of await listLeases(deps.store)) {
    if (runs.has(promptId) || crashSuspects.includes(promptId) || !isFree(lease)) continue;
    // A process that gave the lease back did not die of the prompt.
    const hasDiedAgain = lease.until !== 0;
    if (hasDiedAgain && crashes + 1 >= suspectCrashes) crashSuspects.push(promptId);
    else await take(state, { promptId, isCrash: true });
  }
  await nextCrashSuspect(state);
}

/** Runs the first of them; one that has no lease to be taken any more, such as a cancelled one, makes room. */
async function nextCrashSuspect(state: State): Promise<void> {
  const { crashSuspects, runs, stopping } = state;
  while (crashSuspects.length > 0 && !stopping.signal.aborted) {
    const [promptId] = crashSuspects;
    await take(state, { promptId, isCrash: true });
    if (runs.has(promptId)) return;
    if (crashSuspects[0] === promptId) crashSuspects.shift();
  }
}

function sweepLater(state: State): void {
  if (state.stopping.signal.aborted) return;
  const sweep = () => void soon(state, "sweep", () => sweepOnce(state)).then(() => sweepLater(state));
  state.nextSweep = setTimeout(sweep, sweepMs);
}

async function sweepOnce(state: State): Promise<void> {
  const now = state.deps.store.now();
  await takeUp(state, (lease) => lease.until < now);
  wake(state);
}

/** Unless the worker stops before its turn comes. */
function soon({ inTurn, stopping, deps }: State, step: string, work: () => Promise<void>): Promise<void> {
  return inTurn(async () => {
    if (stopping.signal.aborted) return;
    try {
      await work();
    } catch (error) {
      deps.log("error", "worker_trouble", { step, error });
    }
  });
}
