/**
 * Lots: what waits of batches in the economy lane is packed, handed to its providers, and looked after until it has
 * ended. What is done follows from what is stored, so a crash loses nothing; it is woken by the doorbell, by what is
 * cancelled, and by a sweep.
 */
import type { Provider } from "../catalog/provider.ts";
import type { Batch } from "../batches/batch.ts";
import { listBatchesWithWork, listOpenPrompts } from "../batches/batch_store.ts";
import { createInTurn } from "../in_turn.ts";
import type { Lot } from "../lots/lot.ts";
import { commitLot, listOpenLots } from "../lots/lot_store.ts";
import { failure } from "../prompts/failure_words.ts";
import { type Pause, pauseOf, readPauses } from "../prompts/pause.ts";
import { type PendingPrompt, type Prompt, toRefused } from "../prompts/prompt.ts";
import { isDatabaseTrouble, type Versioned } from "../store/store.ts";
import type { Job } from "../store/duty.ts";
import { keys } from "../store/schema.ts";
import { watchKey } from "../store/watch_key.ts";
import { type LotDeps, type LotRun, startLot, takeIn } from "./run_lot.ts";
import { writeProgress } from "./settle.ts";

const sweepMs = 3000;
/** A batch of which nothing has changed for so long begins no more rows by itself. */
const settledMs = 1000;
/** Rows come in numbers, and what goes in lots has time. */
const gatherMs = 100;
/** Many are cancelled at once. */
const nudgeMs = 500;
/** After this, a stop breaks off submissions too, and they are in doubt. */
const patienceMs = 7000;

interface State {
  deps: LotDeps;
  runs: Map<string, LotRun>;
  /** How many rows of a batch were prompts when none of them waited for a lot. */
  packed: Map<string, number>;
  stopping: AbortController;
  timers: Set<ReturnType<typeof setTimeout>>;
  isWoken: boolean;
  inTurn: ReturnType<typeof createInTurn>;
}

/**
 * One node's turn at them. It begins with what another left; its end begins nothing new, and waits until no submission is
 * under way, unless that gets urgent.
 */
export function createLots(deps: LotDeps): Job {
  const state: State = {
    deps,
    runs: new Map(),
    packed: new Map(),
    stopping: new AbortController(),
    timers: new Set(),
    isWoken: false,
    inTurn: createInTurn(),
  };
  return { start: () => start(state), stop: () => stop(state) };
}

function start(state: State): void {
  const { deps: { store, doorbell, log }, stopping: { signal } } = state;
  doorbell.listen(() => wakeSoon(state, gatherMs), signal);
  const onWrite = () => later(state, nudgeMs, () => state.runs.forEach((run) => run.nudge()));
  void watchKey(store.kv, { key: keys.cancellation(), onWrite, signal, log });
  sweepLater(state);
  wake(state);
}

async function stop({ stopping, timers, inTurn, runs }: State): Promise<void> {
  stopping.abort();
  timers.forEach(clearTimeout);
  await inTurn(() => Promise.resolve());
  for (const run of runs.values()) run.stop();
  const urgency = setTimeout(() => runs.forEach((run) => run.stop({ isUrgent: true })), patienceMs);
  await Promise.allSettled([...runs.values()].map((run) => run.ended));
  clearTimeout(urgency);
}

function sweepLater(state: State): void {
  later(state, sweepMs, () => {
    wake(state);
    sweepLater(state);
  });
}

function later(state: State, ms: number, work: () => void): void {
  const { timers, stopping } = state;
  if (stopping.signal.aborted) return;
  const timer = setTimeout(() => {
    timers.delete(timer);
    if (!stopping.signal.aborted) work();
  }, ms);
  timers.add(timer);
}

/** Once for all who call meanwhile. */
function wakeSoon(state: State, ms: number): void {
  if (state.isWoken) return;
  state.isWoken = true;
  later(state, ms, () => wake(state));
}

function wake(state: State): void {
  state.isWoken = false;
  void state.inTurn(async () => {
    if (state.stopping.signal.aborted) return;
    try {
      await look(state);
    } catch (error) {
      state.deps.log("error", "lots_trouble", { error });
    }
  });
}

async function look(state: State): Promise<void> {
  const { store } = state.deps;
  for (const lot of await listOpenLots(store)) run(state, lot);
  const batches = (await listBatchesWithWork(store)).map(({ value }) => value)
    .filter(({ lane, state }) => lane === "economy" && state === "RUNNING");
  if (batches.length === 0) return state.packed.clear();
  const pauses = await readPauses(store);
  for (const batch of batches) {
    if (state.packed.get(batch.id) !== batch.next) await pack(state, { batch, pauses });
  }
}

function run(state: State, lot: Versioned<Lot>): void {
  const { deps, runs, packed } = state;
  const { id: lotId, batchId } = lot.value;
  if (runs.has(lotId) || state.stopping.signal.aborted) return;
  const started = startLot(deps, lot);
  if (started === null) return;
  runs.set(lotId, started);
  void started.ended
    .catch((error) =>
      deps.log("error", isDatabaseTrouble(error) ? "lot_interrupted" : "lot_failed", { lotId, error })
    )
    .finally(() => {
      runs.delete(lotId);
      // What it could not take, or gave back, waits again.
      packed.delete(batchId);
      // Not at once, so that what goes wrong again and again does so at leisure.
      later(state, settledMs, () => wake(state));
    });
}

type Waiting = Versioned<PendingPrompt>;

async function pack(
  state: State,
  { batch, pauses }: { batch: Batch; pauses: readonly Pause[] },
): Promise<void> {
  const { store, models } = state.deps;
  const waiting = (await listOpenPrompts(store, batch)).filter(isWaiting);
  if (waiting.length === 0) return void state.packed.set(batch.id, batch.next);
  const isSettled = batch.next === batch.rows || store.now() - batch.updatedAt >= settledMs;
  if (!isSettled) later(state, settledMs, () => wake(state));
  const byModel = Map.groupBy(waiting, ({ value }) => value.request.model);
  for (const [model, prompts] of byModel) {
    const offer = models.find(model);
    if (offer?.model.lots === undefined || offer.provider.lots === undefined) {
      if (!models.areMoreExpected()) await refuseAll(state, prompts);
      continue;
    }
    const { id: batchId, userId } = batch;
    const { provider } = offer;
    if (pauseOf(pauses, { userId, batchId, providerId: provider.id }) !== null) continue;
    for (const { prompts: packed, isFull } of packsOf(prompts, offer.model.lots.maxTasks)) {
      if (isFull || isSettled) await begin(state, { batch, provider, model, prompts: packed });
    }
  }
}

function isWaiting(found: Versioned<Prompt>): found is Waiting {
  const { status, lane, lotId } = found.value;
  return status === "PENDING" && lane === "economy" && lotId === undefined;
}

/** In their order, as many tasks in each as it may have. */
function packsOf(prompts: readonly Waiting[], maxTasks: number): { prompts: Waiting[]; isFull: boolean }[] {
  const packs: { prompts: Waiting[]; isFull: boolean }[] = [];
  let room = 0;
  for (const prompt of prompts) {
    const count = prompt.value.tasks.length;
    const last = packs.at(-1);
    if (last === undefined || count > room) {
      if (last !== undefined) last.isFull = true;
      packs.push({ prompts: [prompt], isFull: false });
      room = maxTasks - count;
    } else {
      last.prompts.push(prompt);
      room -= count;
    }
    if (room <= 0) packs.at(-1)!.isFull = true;
  }
  return packs;
}

async function begin(
  state: State,
  { batch: { id: batchId, userId }, provider, model, prompts }: {
    batch: Batch;
    provider: Provider;
    model: string;
    prompts: readonly Waiting[];
  },
): Promise<void> {
  const { store } = state.deps;
  const at = store.now();
  const lot = await commitLot(store, {
    before: null,
    after: {
      id: store.ids(),
      userId,
      batchId,
      provider: provider.id,
      providerName: provider.name,
      model,
      state: "uploading",
      promptIds: prompts.map(({ value }) => value.id),
      files: null,
      handle: null,
      results: null,
      submissions: 0,
      submittedAt: null,
      expiresAt: null,
      doneCount: null,
      savesMicros: 0,
      isStopAsked: false,
      end: null,
      failure: null,
      createdAt: at,
      updatedAt: at,
      finishedAt: null,
    },
  });
  if (lot === null) return;
  // Before anybody packs again.
  await takeIn(state.deps, lot.value);
  run(state, lot);
}

/** Nobody offers their model any more, or not in lots. */
async function refuseAll({ deps: { store } }: State, prompts: readonly Waiting[]): Promise<void> {
  for (const before of prompts) {
    const after = toRefused(before.value, { at: store.now(), failure: failure("provider_unavailable") });
    await writeProgress(store, { before, after });
  }
}
