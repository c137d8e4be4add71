/**
 * Running one lot: what `lots/lot.ts` decides is written, and then done. It is uploaded and submitted, or taken up
 * where an earlier process left it, asked for until it has ended, and what came of it is put into its prompts one by
 * one, each with its own charge.
 */
import type { ProviderHealth } from "../catalog/health.ts";
import {
  type FailureReason,
  type LotAbility,
  type LotEvent as TaskEvent,
  type Model,
  type Provider,
  ProviderFailure,
} from "../catalog/provider.ts";
import { type Refused, StorageFailure } from "../images/store_picture.ts";
import { type Lot, type LotEvent, step } from "../lots/lot.ts";
import { commitLot } from "../lots/lot_store.ts";
import { failure } from "../prompts/failure_words.ts";
import { isHeld, type Prompt } from "../prompts/prompt.ts";
import { checkNotPaused, type Pausable, pauseOf, readPauses } from "../prompts/pause.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import { sleep } from "../sleep.ts";
import type { Held } from "../store/duty.ts";
import type { Versioned } from "../store/store.ts";
import {
  endTask,
  failTask,
  finishTask,
  keyOf,
  type LotTaskDeps,
  openTasksOf,
  takeIntoLot,
  takeOutOfLot,
  taskCalled,
} from "./lot_task.ts";
import { requestOfTask } from "./task_request.ts";

export interface LotDeps extends LotTaskDeps {
  /** Lots are this node's duty. */
  held: Held;
  health: Pick<ProviderHealth, "note">;
  /** 0 to 1, for jitter. */
  random: () => number;
  times: LotTimes;
}

/** In milliseconds. */
export interface LotTimes {
  /** After a submission, and after what went wrong; each time it is twice as long. */
  firstPauseMs: number;
  longestPauseMs: number;
  /** A submission that the provider does not tell of by then has never come. */
  doubtMs: number;
  /** So long what does not work is tried again, where it costs nothing. */
  patienceMs: number;
}

/** A call that submits is answered within a minute, or not at all. */
export const usualLotTimes: LotTimes = {
  firstPauseMs: 3000,
  longestPauseMs: 5 * 60_000,
  doubtMs: 3 * 60_000,
  patienceMs: 6 * 3600_000,
};

/** Where the provider says that it has none of them, nobody is asked to wait any longer. */
const mostSubmissions = 3;

export interface LotRun {
  /** Resolves when the lot is over, or left to the next process. */
  readonly ended: Promise<void>;
  /** Some prompt was cancelled. */
  nudge(): void;
  /** Ends at the next safe point; with `isUrgent` now, which leaves a submission in doubt. */
  stop(options?: { isUrgent: boolean }): void;
}

interface Owned {
  deps: LotDeps;
  lot: Versioned<Lot>;
}

interface State extends Owned {
  provider: Provider;
  ability: LotAbility;
  model: Model;
  /** What may be broken off at any time, and what may only be where it has to. */
  stopping: AbortController;
  urgent: AbortController;
  /** Somebody waits to hear of what is cancelled. */
  onNudge: () => void;
  pauseMs: number;
}

/** Somebody else changed the lot, or the process stops. */
class Left extends Error {}

/** Null: its provider is switched off, and may be on again. */
export function startLot(deps: LotDeps, lot: Versioned<Lot>): LotRun | null {
  const offer = deps.models.find(lot.value.model);
  if (offer?.provider.lots === undefined) return isGivenUp(deps, lot.value) ? abandon(deps, lot) : null;
  const state: State = {
    deps,
    lot,
    provider: offer.provider,
    ability: offer.provider.lots,
    model: offer.model,
    stopping: new AbortController(),
    urgent: new AbortController(),
    onNudge: () => {},
    pauseMs: deps.times.firstPauseMs,
  };
  return {
    ended: run(state),
    nudge: () => state.onNudge(),
    stop(options) {
      state.stopping.abort();
      if (options?.isUrgent) state.urgent.abort();
    },
  };
}

/** Nothing of it is at a provider, or a provider has none of it any more. */
function isGivenUp({ models, store }: LotDeps, { state, submittedAt, expiresAt }: Lot): boolean {
  if (models.areMoreExpected()) return false;
  const until = (expiresAt ?? (submittedAt ?? 0) + 2 * dayMs) + dayMs;
  return state === "uploading" || store.now() > until;
}

/** Whoever offered its model does so no more. */
function abandon(deps: LotDeps, lot: Versioned<Lot>): LotRun {
  const ended = giveUp({ deps, lot });
  return { ended, nudge: () => {}, stop: () => {} };
}

async function giveUp(state: Owned): Promise<void> {
  const isSent = state.lot.value.state !== "uploading";
  const reason = isSent ? "outcome_unknown" : "provider_unavailable";
  await advance(state, { type: isSent ? "lost" : "refused", failure: failure(reason, null) });
  await failRest(state, trouble(reason, state.lot.value, isSent ? "unknown" : "not_created"));
  await advance(state, { type: "settled" });
}

async function run(state: State): Promise<void> {
  try {
    while (state.lot.value.state !== "over") await work(state);
  } catch (error) {
    if (!(error instanceof Left) && !state.stopping.signal.aborted) throw error;
  }
}

function work(state: State): Promise<void> {
  switch (state.lot.value.state) {
    case "uploading":
      return upload(state);
    case "submitting":
      return lookForIt(state);
    case "running":
      return poll(state);
    case "collecting":
      return collect(state);
    case "over":
      return Promise.resolve();
  }
}

/** Writes what follows from the event; only where its turn is not over a lot comes to be submitted. */
async function advance(state: Owned, event: LotEvent): Promise<void> {
  const { store, log } = state.deps;
  const after = step(state.lot.value, event, store.now());
  // Of what its prompts go through, those tell themselves.
  const isTold = event.type !== "settled" && event.type !== "emptied";
  const needsTurn = event.type === "uploaded";
  const written = after && await commitLot(store, { before: state.lot, after, isTold, needsTurn });
  if (written === null) throw new Left();
  state.lot = written;
  const { id: lotId, state: stands, end } = written.value;
  log("info", "lot_changed", { lotId, event: event.type, state: stands, end });
}

async function upload(state: State): Promise<void> {
  const { deps, ability, lot: { value: lot }, stopping: { signal } } = state;
  await takeIn(deps, lot);
  const { going: all, cancelled } = await ownPrompts(state);
  const isHalted = await isPaused(deps.store, lot);
  // They wait for another lot.
  if (isHalted) { for (const prompt of all) await takeOut(state, prompt.id); }
  const going = isHalted ? [] : all;
  // Nothing of it was ever submitted.
  await free(state, cancelled);
  if (going.length === 0) return await advance(state, { type: "emptied" });
  const tasks = going.flatMap((prompt) =>
    openTasksOf(prompt, lot.id).map((task) =>
      requestOfTask(prompt, { index: task.index, taskKey: keyOf(task), model: state.model })
    )
  );
  const asked = { lotId: lot.id, model: state.model.wireId ?? lot.model, tasks };
  const files = await orTrouble(state, () => ability.uploadLot(asked, { signal }));
  if (files === null) return;
  const savesMicros = going.reduce((sum, prompt) => sum + savesOf(prompt), 0);
  const promptIds = going.map(({ id }) => id);
  signal.throwIfAborted();
  await advance(state, { type: "uploaded", files, promptIds, savesMicros });
  deps.log("info", "lot_submitted", { lotId: lot.id, tasks: tasks.length });
  await submit(state);
}

/** From here on it may be there. */
async function submit(state: State): Promise<void> {
  const { ability, lot: { value: lot }, urgent, model, deps: { held } } = state;
  const asked = { lotId: lot.id, model: model.wireId ?? lot.model, files: lot.files! };
  // Whoever has the lots by now looks for it, and submits it again once it is too late for this one.
  if (!held.isSure()) throw new Left();
  try {
    const handle = await ability.submitLot(asked, { signal: urgent.signal });
    await taken(state, handle);
  } catch (error) {
    if (urgent.signal.aborted) throw new Left();
    if (!(error instanceof ProviderFailure)) throw error;
    note(state, error);
    if (error.outcome === "unknown") return await pause(state);
    if (!error.isRetryable || isTooLong(state, lot.createdAt)) return await refuse(state, error);
    await advance(state, { type: "not_there" });
    await pause(state, error.retryAfterMs);
  }
}

async function taken(state: State, handle: NonNullable<Lot["handle"]>): Promise<void> {
  await advance(state, { type: "submitted", handle, windowMs: state.model.lots!.windowMs });
  state.deps.health.note(state.provider.id, null);
  state.pauseMs = state.deps.times.firstPauseMs;
}

/** The process stopped during its submission, or no answer came: its provider knows whether it is there. */
async function lookForIt(state: State): Promise<void> {
  const { deps: { store, times }, ability, lot: { value: lot }, stopping: { signal }, model } = state;
  const since = lot.submittedAt!;
  const asked = { lotId: lot.id, model: model.wireId ?? lot.model, files: lot.files!, since };
  try {
    const handle = await ability.findLot(asked, { signal });
    if (handle !== null) return await taken(state, handle);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderFailure)) throw error;
    note(state, error);
    if (isTooLong(state, since + model.lots!.windowMs)) {
      return await lose(state, "outcome_unknown", error.said);
    }
    return await pause(state);
  }
  const leftMs = since + times.doubtMs - store.now();
  if (leftMs > 0) return await pause(state, Math.min(leftMs, state.pauseMs));
  if (lot.submissions < mostSubmissions) return await advance(state, { type: "not_there" });
  await refuse(state, new ProviderFailure("provider_unavailable", "", { outcome: "not_created" }));
}

async function poll(state: State): Promise<void> {
  const { deps: { store }, ability, lot: { value: lot }, stopping: { signal } } = state;
  await pause(state);
  try {
    const status = await ability.pollLot(lot.handle!, { signal });
    const { end, doneCount, expiresAt } = status;
    state.deps.health.note(state.provider.id, null);
    const isNews = end !== null || doneCount !== lot.doneCount ||
      (expiresAt !== null && expiresAt !== lot.expiresAt);
    if (isNews) {
      const trouble = status.failure && failure(status.failure.reason, status.failure.said);
      await advance(state, { type: "polled", status, failure: trouble });
    }
    if (end !== null) return void (state.pauseMs = state.deps.times.firstPauseMs);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderFailure)) throw error;
    note(state, error);
  }
  const { expiresAt } = state.lot.value;
  // Some say for days that they go on.
  if (expiresAt !== null && store.now() > expiresAt + dayMs) await lose(state, "outcome_unknown", null);
}

const dayMs = 24 * 3600_000;

/** One whose prompts were all cancelled need not be done; of what was done by then the bill comes. */
async function stopCancelled(state: State): Promise<void> {
  const { ability, lot: { value: lot }, stopping: { signal } } = state;
  if (lot.state !== "running" || lot.isStopAsked || (await ownPrompts(state)).going.length > 0) return;
  try {
    await ability.cancelLot(lot.handle!, { signal });
    await advance(state, { type: "stop_asked" });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderFailure)) throw error;
    note(state, error);
  }
}

async function collect(state: State): Promise<void> {
  const { lot: { value: lot }, deps: { times } } = state;
  if (lot.end === "refused") return await settleRefused(state);
  if (lot.end === "lost") {
    await failRest(state, trouble("outcome_unknown", lot, "unknown"));
    return await advance(state, { type: "settled" });
  }
  const isLast = isTooLong(state, lot.updatedAt);
  try {
    await takeResults(state, { isLast });
  } catch (error) {
    state.stopping.signal.throwIfAborted();
    if (!(error instanceof ProviderFailure) && !(error instanceof StorageFailure)) throw error;
    if (error instanceof ProviderFailure) note(state, error);
    else state.deps.log("warn", "storage_refuses", { lotId: lot.id, error });
    if (isLast) return await lose(state, "outcome_unknown", null);
    return await pause(state, Math.min(state.pauseMs, times.longestPauseMs));
  }
  // What the provider does not tell of it has not done, and does not bill.
  await failRest(state, lot.failure === null ? notDone(lot) : trouble(lot.failure.reason, lot, "failed"));
  await advance(state, { type: "settled" });
}

async function takeResults(state: State, { isLast }: { isLast: boolean }): Promise<void> {
  const { deps: { log }, ability, lot: { value: lot }, stopping: { signal }, model } = state;
  const asked = { model: model.wireId ?? lot.model };
  for await (const event of ability.collectLot(asked, lot.results ?? {}, { signal })) {
    await take(state, event, { isLast });
    if (event.type === "unreadable") log("warn", "lot_line_unreadable", { lotId: lot.id });
    signal.throwIfAborted();
  }
}

async function take(state: State, event: TaskEvent, { isLast }: { isLast: boolean }): Promise<void> {
  const { deps, lot: { value: lot }, model } = state;
  const task = event.type === "unreadable" ? null : taskCalled(event.taskKey, lot);
  if (task === null || event.type === "unreadable") return;
  if (event.type === "failed") return await failTask(deps, task, event.failure);
  const { bytes, cost } = event;
  try {
    await finishTask(deps, task, {
      bytes,
      cost,
      model,
      mayRetry: (refused) => waitForStorage(state, refused),
    });
  } catch (error) {
    if (!(error instanceof StorageFailure) || !isLast) throw error;
    const at = deps.store.now();
    await endTask(deps, task, { type: "finished", at, cost, trouble: "storage_failed", imageIds: [] });
  }
}

const storagePauses = 5;

/** What came of the lot stays where it is, so it is not waited for as long as for what comes only once. */
async function waitForStorage({ stopping: { signal } }: State, { attempt }: Refused): Promise<boolean> {
  if (attempt > storagePauses || signal.aborted) return false;
  await sleep(250 * 2 ** attempt, signal);
  return true;
}

/** Unless its batch was paused for it meanwhile: then the rest waits. */
async function settleRefused(state: State): Promise<void> {
  const { deps, lot: { value: lot } } = state;
  for (const prompt of (await ownPrompts(state)).going) {
    if (await isPaused(deps.store, lot)) await takeOut(state, prompt.id);
    else await failAll(state, prompt, trouble(lot.failure!.reason, lot, "not_created"));
  }
  await failRest(state, trouble(lot.failure!.reason, lot, "not_created"));
  await advance(state, { type: "settled" });
}

async function takeOut(state: State, promptId: string): Promise<void> {
  const [found] = await readPrompts(state.deps.store, [promptId]);
  if (found?.value.lotId === state.lot.value.id) await takeOutOfLot(state.deps, found);
}

/** Its prompts that wait become its own, where nothing is paused that they depend on. */
export async function takeIn({ store }: Pick<LotDeps, "store">, lot: Lot): Promise<void> {
  const guard = (atomic: Deno.AtomicOperation) => checkNotPaused(atomic, pausableOf(lot));
  const found = await readPrompts(store, lot.promptIds);
  await Promise.all(found.map((before) => takeIntoLot({ store }, { before, lotId: lot.id, guard })));
}

async function isPaused(store: LotDeps["store"], lot: Lot): Promise<boolean> {
  return pauseOf(await readPauses(store), pausableOf(lot)) !== null;
}

function pausableOf({ userId, batchId, provider: providerId }: Lot): Pausable {
  return { userId, batchId, providerId };
}

/** Those of its prompts that have not ended: to be done, or cancelled and waiting for their bill. */
async function ownPrompts({ deps: { store }, lot: { value: lot } }: Owned) {
  const found = await readPrompts(store, lot.promptIds);
  const own = found.map(({ value }) => value).filter((prompt) => prompt.lotId === lot.id && isHeld(prompt));
  const isCancelled = ({ status }: Prompt) => status === "CANCELLED";
  return { going: own.filter((prompt) => !isCancelled(prompt)), cancelled: own.filter(isCancelled) };
}

async function free(state: State, cancelled: readonly Prompt[]): Promise<void> {
  const failure = new ProviderFailure("cancelled", "", { outcome: "not_created" });
  for (const prompt of cancelled) await failAll(state, prompt, failure);
}

async function failRest(state: Owned, failure: ProviderFailure): Promise<void> {
  const { going, cancelled } = await ownPrompts(state);
  for (const prompt of [...going, ...cancelled]) await failAll(state, prompt, failure);
}

async function failAll({ deps, lot }: Owned, prompt: Prompt, failure: ProviderFailure): Promise<void> {
  for (const task of openTasksOf(prompt, lot.value.id)) await failTask(deps, task, failure);
}

function notDone({ end }: Lot): ProviderFailure {
  return new ProviderFailure("timeout", `the lot was ${end}`, { outcome: "failed" });
}

function trouble(
  reason: FailureReason,
  { failure }: Lot,
  outcome: ProviderFailure["outcome"],
): ProviderFailure {
  return new ProviderFailure(reason, "", { outcome, said: failure?.detail ?? null });
}

/** Null: it was tried in vain, and is tried again, or has been refused. */
async function orTrouble<T>(state: State, call: () => Promise<T>): Promise<T | null> {
  const { lot: { value: lot }, stopping: { signal } } = state;
  try {
    return await call();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderFailure)) throw error;
    note(state, error);
    if (!error.isRetryable || isTooLong(state, lot.createdAt)) await refuse(state, error);
    else await pause(state, error.retryAfterMs);
    return null;
  }
}

async function refuse(state: State, { reason, said }: ProviderFailure): Promise<void> {
  await advance(state, { type: "refused", failure: failure(reason, said) });
}

async function lose(state: State, reason: FailureReason, said: string | null): Promise<void> {
  await advance(state, { type: "lost", failure: failure(reason, said) });
}

function isTooLong({ deps: { store, times } }: State, since: number): boolean {
  return store.now() - since > times.patienceMs;
}

function note({ deps, provider, lot }: State, { reason, outcome, message }: ProviderFailure): void {
  deps.log("warn", "lot_trouble", { lotId: lot.value.id, reason, outcome, said: message });
  deps.health.note(provider.id, reason);
}

/** Twice as long each time; what was cancelled meanwhile is looked at. */
async function pause(state: State, ms: number | null = null): Promise<void> {
  const { deps: { random, times }, stopping: { signal } } = state;
  const wantedMs = Math.max(Math.min(ms ?? 0, times.patienceMs), state.pauseMs) * (0.75 + random() / 2);
  state.pauseMs = Math.min(times.longestPauseMs, state.pauseMs * 2);
  const over = sleep(wantedMs, signal);
  await stopCancelled(state);
  while (await Promise.race([over.then(() => false), nudgeOf(state)])) await stopCancelled(state);
}

/** Resolves when some prompt is cancelled. */
function nudgeOf(state: State): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  state.onNudge = () => resolve(true);
  return promise;
}

/** By how much it is cheaper than its prompts would be by themselves, at most. */
function savesOf({ priceRow, request }: Prompt): number {
  return ((priceRow?.insteadOfMicros ?? 0) - (priceRow?.costMicros ?? 0)) * request.count;
}
