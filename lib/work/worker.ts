/**
 * The worker: woken by the doorbell, and when a delay is over, it takes the next prompts in turn and runs them, as many
 * as may run at once. A sweep every few seconds catches whatever a wake-up missed, and what nobody works at any more:
 * leases that were given back, or have lapsed.
 */
import {
  claimPrompt,
  type Lease,
  type Leased,
  listLeases,
  nextInTurn,
  promoteDelayed,
  takeOverLease,
} from "../prompts/queue.ts";
import { createInTurn, type InTurn } from "../in_turn.ts";
import { ofEverything, type Pause, pauseOf, readPauses } from "../prompts/pause.ts";
import { readUnanswered } from "../prompts/unanswered.ts";
import { begin, type Run, type RunDeps, startRun } from "./run_prompt.ts";
import { sleep } from "../sleep.ts";
import type { BatchFeeder } from "./feed_batches.ts";
import { isDatabaseTrouble } from "../store/store.ts";
import { createLapses, type Lapses, usualLeaseTimes } from "../store/lapse.ts";
import { keys } from "../store/schema.ts";
import { watchKey } from "../store/watch_key.ts";

export interface WorkerDeps extends RunDeps {
  /** Prompts that run at once here, and of one user on all nodes. */
  concurrency: number;
  userConcurrency: number;
  /** Names this node on the leases it holds. */
  nodeId: string;
  batches: Pick<BatchFeeder, "wake">;
}

export interface Worker {
  /** Takes up what an earlier process left, then begins to take new work. */
  start(): Promise<void>;
  /** Takes nothing new, lets go of what can be resumed, and waits for the rest until it gets urgent. */
  stop(): Promise<void>;
  runningCount(): number;
}

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
  crashSuspects: Suspect[];
  lapses: Lapses;
  stopping: AbortController;
  inTurn: InTurn;
  lastServed: string;
  isWoken: boolean;
  nextSweep: ReturnType<typeof setTimeout> | undefined;
  nextDelay: ReturnType<typeof setTimeout> | undefined;
}

interface Suspect {
  promptId: string;
  /** As it was found. */
  lease: Lease;
}

export function createWorker(deps: WorkerDeps): Worker {
  const state: State = {
    deps,
    runs: new Map(),
    runsPerUser: new Map(),
    crashSuspects: [],
    lapses: createLapses({ monotonic: deps.store.monotonic, times: timesOf(deps) }),
    stopping: new AbortController(),
    inTurn: createInTurn(),
    lastServed: "",
    isWoken: false,
    nextSweep: undefined,
    nextDelay: undefined,
  };
  return { start: () => start(state), stop: () => stop(state), runningCount: () => state.runs.size };
}

function timesOf({ leaseTimes = usualLeaseTimes }: WorkerDeps) {
  return leaseTimes;
}

async function start(state: State): Promise<void> {
  const { deps, stopping: { signal } } = state;
  const { store, doorbell, log, nodeId } = deps;
  // Where nobody else uses the store, nobody holds any of them; otherwise nobody else holds this node's own.
  const isLeft = ({ owner }: Lease) => !store.isShared || owner === nodeId;
  await state.inTurn(async () => takeUp(state, await listLeases(store), isLeft));
  doorbell.listen(() => wake(state), signal);
  const onWrite = () => {
    nudgeAll(state);
    deps.batches.wake();
  };
  void watchKey(store.kv, { key: keys.cancellation(), onWrite, signal, log });
  sweepLater(state);
  wake(state);
}

async function stop({ stopping, nextSweep, nextDelay, inTurn, runs }: State): Promise<void> {
  stopping.abort();
  clearTimeout(nextSweep);
  clearTimeout(nextDelay);
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
  const { store, nodeId, concurrency, userConcurrency: most } = deps;
  state.isWoken = false;
  wakeAt(state, await promoteDelayed(store));
  const providerOf = (model: string) => deps.models.find(model)?.provider.id ?? null;
  /** Of whom enough run, counted over all nodes; what ends rings the bell. */
  const full = new Set<string>();
  /** The bell rings when whoever asked for them is answered. */
  const unanswered = new Set<string>();
  while (!stopping.signal.aborted) {
    // What is paused while this goes on is noticed by the claim, and the next time round.
    const pauses = await readPauses(store);
    const free = concurrency - occupiedSlots(state);
    const next = await nextInTurn(store, {
      after: state.lastServed,
      limit: isPaused(pauses, ofEverything) ? 0 : Math.max(0, free),
      roomOf: (userId) =>
        full.has(userId) || isPaused(pauses, { scope: "user", id: userId }) ? 0 : roomOf(state, userId),
      isPaused: ({ promptId, userId, batchId, model }) =>
        unanswered.has(promptId) ||
        pauseOf(pauses, { userId, batchId, providerId: providerOf(model) }) !== null,
    });
    if (next.length === 0) return;
    state.lastServed = next.at(-1)!.userId;
    // They came into the queue together with that note, which can only have been taken away since.
    for (const id of await readUnanswered(store, next.map(({ promptId }) => promptId))) unanswered.add(id);
    const answered = next.filter(({ promptId }) => !unanswered.has(promptId));
    const begun = await Promise.all(answered.map(async ({ promptId, userId }) => {
      const leased = await claimPrompt(store, {
        promptId,
        owner: nodeId,
        room: { userId, most, onNone: () => full.add(userId) },
        providerOf,
        begin: (prompt) => begin(deps, prompt),
        onDoubt: (later) => void runAfterDoubt(state, { promptId, later }),
      });
      if (leased !== null) run(state, leased);
      return leased !== null;
    }));
    // There was nothing else that may run, and what comes now rings.
    if (next.length < free && begun.length === next.length && begun.every(Boolean)) return;
  }
}

/** Nobody else knows that nothing was begun under a lease that was taken while the database fell silent. */
async function runAfterDoubt(
  state: State,
  { promptId, later }: { promptId: string; later: Promise<Leased | null> },
): Promise<void> {
  const { runs, stopping, deps: { log } } = state;
  try {
    const leased = await later;
    if (leased !== null && !stopping.signal.aborted && !runs.has(promptId)) run(state, leased);
  } catch (error) {
    log("warn", "claim_in_doubt", { promptId, error });
  }
}

/** What is later is found by a sweep. */
const longestTimerMs = 60_000;

function wakeAt(state: State, readyAt: number | null): void {
  clearTimeout(state.nextDelay);
  if (readyAt === null || state.stopping.signal.aborted) return;
  const waitMs = Math.max(0, readyAt - state.deps.store.now());
  if (waitMs <= longestTimerMs) state.nextDelay = setTimeout(() => wake(state), waitMs);
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
  const { lease } = leased;
  void ended.catch((error) => retakeLater(state, { promptId, lease, error })).finally(() => {
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
  if (promptId !== crashSuspects[0]?.promptId) return;
  crashSuspects.shift();
  void soon(state, "crash suspects", () => nextCrashSuspect(state));
}

/** A database that does not answer is no fault of the prompt; a bug counts like a crash. */
function retakeLater(
  state: State,
  { promptId, lease, error }: { promptId: string; lease: Lease; error: unknown },
): void {
  const isCrash = !isDatabaseTrouble(error);
  state.deps.log("error", isCrash ? "run_failed" : "run_interrupted", { promptId, error });
  // It was renewed since; of another number, it is somebody else's.
  const isFree = ({ number }: Lease) => number === lease.number;
  const retake = () => soon(state, "retake", () => take(state, { promptId, isCrash, isFree }));
  sleep(troubleDelayMs, state.stopping.signal).then(retake, () => {});
}

async function take(
  state: State,
  { promptId, isCrash, isFree }: { promptId: string; isCrash: boolean; isFree: (lease: Lease) => boolean },
): Promise<void> {
  const { runs, stopping, deps: { store, nodeId } } = state;
  if (runs.has(promptId) || stopping.signal.aborted) return;
  const leased = await takeOverLease(store, {
    promptId,
    owner: nodeId,
    isCrash,
    isFree,
    onDoubt: (later) => void runAfterDoubt(state, { promptId, later }),
  });
  if (leased !== null) run(state, leased);
}

type Found = Awaited<ReturnType<typeof listLeases>>;

/** Takes up leases that nobody works under; those under suspicion wait for each other. */
async function takeUp(
  state: State,
  leases: Found,
  isLeft: (lease: Lease, promptId: string) => boolean,
): Promise<void> {
  const { runs, crashSuspects } = state;
  for (const { promptId, lease, crashes } of leases) {
    // Whoever gave it back did not die of the prompt.
    const isGivenBack = lease.until === 0;
    if (!isGivenBack && !isLeft(lease, promptId)) continue;
    if (runs.has(promptId) || crashSuspects.some((suspect) => suspect.promptId === promptId)) continue;
    const suspect = { promptId, lease };
    if (!isGivenBack && crashes + 1 >= suspectCrashes) crashSuspects.push(suspect);
    else await takeFound(state, suspect);
  }
  await nextCrashSuspect(state);
}

/** Unless somebody has renewed it or taken it over since it was found. */
function takeFound(state: State, { promptId, lease }: Suspect): Promise<void> {
  return take(state, { promptId, isCrash: true, isFree: (latest) => markOf(latest) === markOf(lease) });
}

/** Another one after each change of a lease. */
function markOf({ number, renewals, until }: Lease): string {
  return `${number} ${renewals} ${until === 0 ? "given back" : ""}`;
}

/** Runs the first of them; one that has no lease to be taken any more, such as a cancelled one, makes room. */
async function nextCrashSuspect(state: State): Promise<void> {
  const { crashSuspects, runs, stopping } = state;
  while (crashSuspects.length > 0 && !stopping.signal.aborted) {
    const [suspect] = crashSuspects;
    await takeFound(state, suspect);
    if (runs.has(suspect.promptId)) return;
    if (crashSuspects[0] === suspect) crashSuspects.shift();
  }
}

function sweepLater(state: State): void {
  if (state.stopping.signal.aborted) return;
  const sweep = () => void sweepOnce(state).then(() => sweepLater(state));
  state.nextSweep = setTimeout(sweep, timesOf(state.deps).lookEveryMs);
}

/** It looks without waiting for its turn: what lapses is told by how much time lies between two looks. */
async function sweepOnce(state: State): Promise<void> {
  const { deps: { store, log }, stopping } = state;
  try {
    const { all, lapsed } = await state.lapses.look(async () => {
      const leases = await listLeases(store);
      return leases.map((found) => ({ ...found, name: found.promptId, mark: markOf(found.lease) }));
    });
    await soon(state, "sweep", () => takeUp(state, all, (_, promptId) => lapsed.has(promptId)));
  } catch (error) {
    if (!stopping.signal.aborted) log("error", "worker_trouble", { step: "look", error });
  }
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
