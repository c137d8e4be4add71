/**
 * The worker: woken by the doorbell, it takes the next prompts in turn and runs them, as many as may run at once.
 * A sweep every few seconds catches whatever a wake-up missed: delays that are over, leases that ran out.
 */
import {
  claimPrompt,
  type Leased,
  listLeases,
  nextWaiting,
  promoteDelayed,
  takeOverLease,
} from "../prompts/queue.ts";
import { createInTurn } from "../in_turn.ts";
import { type Run, type RunDeps, startRun } from "./run_prompt.ts";
import { sleep } from "../sleep.ts";
import { isDatabaseTrouble } from "../store/store.ts";
import { keys } from "../store/schema.ts";
import { watchKey } from "../store/watch_key.ts";

export interface WorkerDeps extends RunDeps {
  concurrency: number;
  userConcurrency: number;
  /** Names this process on the leases it holds. */
  owner: string;
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

export function createWorker(deps: WorkerDeps): Worker {
  const { store, log } = deps;
  const runs = new Map<string, Run>();
  const runsPerUser = new Map<string, number>();
  const suspects: string[] = [];
  const stopping = new AbortController();
  let lastServed = "";
  const inTurn = createInTurn();
  let isWoken = false;
  let nextSweep: ReturnType<typeof setTimeout> | undefined;

  return {
    async start() {
      await inTurn(() => takeUp(() => true));
      deps.doorbell.listen(wake, stopping.signal);
      void watchKey(store.kv, { key: keys.cancellation(), onWrite: nudgeAll, signal: stopping.signal, log });
      sweepLater();
      wake();
    },
    async stop() {
      stopping.abort();
      clearTimeout(nextSweep);
      // What a step has just claimed is stopped with the rest.
      await inTurn(() => Promise.resolve());
      for (const run of runs.values()) run.stop();
      const urgency = setTimeout(() => runs.forEach((run) => run.stop({ isUrgent: true })), patienceMs);
      await Promise.allSettled([...runs.values()].map((run) => run.ended));
      clearTimeout(urgency);
    },
    runningCount: () => runs.size,
  };

  /** Something was cancelled, here or on another node: each run looks at its record again. */
  function nudgeAll(): void {
    for (const run of runs.values()) run.nudge();
  }

  function wake(): void {
    if (isWoken) return;
    isWoken = true;
    void soon("pump", pump);
  }

  async function pump(): Promise<void> {
    isWoken = false;
    await promoteDelayed(store);
    while (occupiedSlots() < deps.concurrency && !stopping.signal.aborted) {
      const waiting = await nextWaiting(store, { after: lastServed, isUserFull });
      if (waiting === null) return;
      lastServed = waiting.userId;
      const leased = await claimPrompt(store, { promptId: waiting.promptId, owner: deps.owner });
      if (leased !== null) run(leased);
    }
  }

  /** A provider that hangs must not keep the others' prompts from running, so its runs lend their slots, once. */
  function occupiedSlots(): number {
    const stalled = [...runs.values()].filter((run) => run.isStalled()).length;
    return runs.size - Math.min(stalled, deps.concurrency);
  }

  function isUserFull(userId: string): boolean {
    return (runsPerUser.get(userId) ?? 0) >= deps.userConcurrency;
  }

  function run(leased: Leased): void {
    const started = startRun(deps, leased);
    const { promptId, userId } = started;
    runs.set(promptId, started);
    runsPerUser.set(userId, (runsPerUser.get(userId) ?? 0) + 1);
    void started.ended.catch((error) => retakeLater(promptId, error)).finally(() => {
      runs.delete(promptId);
      const left = runsPerUser.get(userId)! - 1;
      if (left === 0) runsPerUser.delete(userId);
      else runsPerUser.set(userId, left);
      if (promptId === suspects[0]) {
        suspects.shift();
        void soon("suspects", nextSuspect);
      }
      wake();
    });
  }

  /** A database that does not answer is no fault of the prompt; a bug counts like a crash. */
  function retakeLater(promptId: string, error: unknown): void {
    const isCrash = !isDatabaseTrouble(error);
    deps.log("error", isCrash ? "run_failed" : "run_interrupted", { promptId, error });
    const retake = () => soon("retake", () => take({ promptId, isCrash }));
    sleep(troubleDelayMs, stopping.signal).then(retake, () => {});
  }

  async function take({ promptId, isCrash }: { promptId: string; isCrash: boolean }): Promise<void> {
    if (runs.has(promptId) || stopping.signal.aborted) return;
    const leased = await takeOverLease(store, { promptId, owner: deps.owner, isCrash });
    if (leased !== null) run(leased);
  }

  /** Takes up leases that nobody works under; those under suspicion wait for each other. */
  async function takeUp(isFree: (lease: { until: number }) => boolean): Promise<void> {
    for (const { promptId, lease, crashes } of await listLeases(store)) {
      if (runs.has(promptId) || suspects.includes(promptId) || !isFree(lease)) continue;
      // A process that gave the lease back did not die of the prompt.
      const hasDiedAgain = lease.until !== 0;
      if (hasDiedAgain && crashes + 1 >= suspectCrashes) suspects.push(promptId);
      else await take({ promptId, isCrash: true });
    }
    await nextSuspect();
  }

  /** Runs the first of them; one that has no lease to be taken any more, such as a cancelled one, makes room. */
  async function nextSuspect(): Promise<void> {
    while (suspects.length > 0 && !stopping.signal.aborted) {
      const [promptId] = suspects;
      await take({ promptId, isCrash: true });
      if (runs.has(promptId)) return;
      if (suspects[0] === promptId) suspects.shift();
    }
  }

  function sweepLater(): void {
    if (stopping.signal.aborted) return;
    nextSweep = setTimeout(() => void soon("sweep", sweepOnce).then(sweepLater), sweepMs);
  }

  async function sweepOnce(): Promise<void> {
    await takeUp((lease) => lease.until < store.now());
    wake();
  }

  /** Unless the worker stops before its turn comes. */
  function soon(step: string, work: () => Promise<void>): Promise<void> {
    return inTurn(async () => {
      if (stopping.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        deps.log("error", "worker_trouble", { step, error });
      }
    });
  }
}
