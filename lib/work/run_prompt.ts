/**
 * Running one prompt under a lease: its tasks are submitted, watched and stored, each step written before the next
 * begins, so that a restart at any point knows what surely happened, what surely did not, and what is in doubt.
 *
 * A run ends in one of four ways: the prompt is final; it goes back to the queue to be tried again; the lease is
 * somebody else's; or the process stops and leaves it as it is to the next one.
 */
import type { FailureReason } from "../catalog/provider.ts";
import type { Models } from "../catalog/models.ts";
import type { Doorbell } from "../prompts/doorbell.ts";
import type { ProgressBoard } from "../prompts/progress.ts";
import type { ProcessingPrompt } from "../prompts/prompt.ts";
import { type Leased, requeue } from "../prompts/queue.ts";
import type { LeaseTimes } from "../store/lapse.ts";
import { commit, isDatabaseTrouble, type Versioned } from "../store/store.ts";
import { createLeasedPrompt, type LeasedPrompt } from "./leased_prompt.ts";
import { createRunProgress, type RunProgress } from "./run_progress.ts";
import { createTaskRun, type TaskDeps, type TaskRun } from "./run_task.ts";
import { maxRetries, step, termsOf } from "./task.ts";
import type { TaskDurations } from "./task_durations.ts";

export interface RunDeps extends TaskDeps {
  doorbell: Doorbell;
  models: Models;
  progress: ProgressBoard;
  taskDurations: TaskDurations;
  /** 0 to 1, for jitter. */
  random: () => number;
  leaseTimes?: LeaseTimes;
}

export interface Run {
  readonly promptId: string;
  readonly userId: string;
  /** Resolves when the run has ended; rejects on a bug or when the database does not answer. */
  readonly ended: Promise<void>;
  /** Nothing has been heard from the provider for so long that the run takes nothing but time. */
  isStalled(): boolean;
  /** Look at the record again: it may have been cancelled. */
  nudge(): void;
  /** End at the next safe point; with `isUrgent` now, whatever that leaves in doubt. */
  stop(options?: { isUrgent: boolean }): void;
}

/** A prompt that brought the process down so often is not tried again. */
const maxCrashes = 3;
const maxBackoffMs = 60_000;
const stalledMs = 15_000;

interface State {
  deps: RunDeps;
  leased: LeasedPrompt;
  offer: ReturnType<Models["find"]>;
  progress: RunProgress;
  /** None where the model is not offered. */
  tasks: TaskRun[];
  isStopping: boolean;
  heardAt: number;
  retryAfterMs: number | null;
}

/** A prompt whose tasks are submitted at once, as the claim writes it: one commit less for each of them. */
export function begin({ models, store }: RunDeps, prompt: ProcessingPrompt): ProcessingPrompt {
  const offer = models.find(prompt.request.model);
  if (offer === null) return prompt;
  const facts = { prompt, terms: termsOf(offer), isStopping: false, isInDoubt: false };
  const event = { type: "taken_up" as const, at: store.now() };
  const tasks = prompt.tasks.map((task) => task.state === "waiting" ? step(task, event, facts).task : task);
  return { ...prompt, tasks };
}

export function startRun(deps: RunDeps, lease: Leased): Run {
  const { id, userId, request } = lease.prompt.value;
  const { now } = deps.store;
  const leased = createLeasedPrompt(deps, lease, {
    onRead: () => breakOffIfCancelled(state),
    onLost: () => state.tasks.forEach((task) => task.breakOff("lease_lost")),
    isStopping: () => state.isStopping,
  });
  const state: State = {
    deps,
    leased,
    offer: deps.models.find(request.model),
    progress: createRunProgress({ ...deps, now }, () => leased.latest.value),
    tasks: [],
    isStopping: false,
    heardAt: now(),
    retryAfterMs: null,
  };
  state.tasks = createTasks(state, { isBegun: lease.isBegun === true });
  const ended = Promise.resolve().then(() => traced(state)).finally(() => {
    leased.letGo();
    state.progress.end();
  });
  const isStalled = () => now() - state.heardAt >= stalledMs;
  const nudge = () => void leased.lookAgain();
  return { promptId: id, userId, ended, isStalled, nudge, stop: (options) => stop(state, options) };
}

function createTasks(state: State, { isBegun }: { isBegun: boolean }): TaskRun[] {
  const { deps, leased, offer, progress } = state;
  if (offer === null) return [];
  const around = {
    offer,
    leased,
    progress,
    isBegun,
    isStopping: () => state.isStopping,
    onHeard: () => void (state.heardAt = deps.store.now()),
    onRetry: (afterMs: number | null) =>
      void (state.retryAfterMs = Math.max(state.retryAfterMs ?? 0, afterMs ?? 0) || null),
  };
  return leased.latest.value.tasks.map((_, index) => createTaskRun(deps, around, index));
}

function stop(state: State, { isUrgent } = { isUrgent: false }): void {
  state.isStopping = true;
  for (const task of state.tasks) task.breakOff("stop", { isUrgent });
}

function breakOffIfCancelled({ leased, tasks }: State): void {
  if (leased.latest.value.status !== "CANCELLED") return;
  for (const task of tasks) task.breakOff("cancelled");
}

function traced(state: State): Promise<void> {
  const { deps: { store: { tracing } }, leased: { latest: { value: { id, trace, request, leaseNumber } } } } =
    state;
  const attributes = { prompt: id, model: request.model, lease: leaseNumber };
  return tracing.span("run", { origin: trace, attributes }, () => run(state));
}

async function run(state: State): Promise<void> {
  const { deps, leased } = state;
  const promptId = leased.latest.value.id;
  try {
    if (state.offer === null) await missModel(state);
    else if (leased.latest.value.crashes >= maxCrashes) await giveUp(state, "provider_failed");
    else await settleAll(state.tasks.map((task) => task.run()));
  } catch (error) {
    if (!state.isStopping || !isDatabaseTrouble(error)) throw error;
    // What could not be written is left to the next process, for which this one makes way.
    deps.log("error", "run_interrupted", { promptId, error });
  }
  await conclude(state);
  if (leased.isLost) deps.log("info", "lease_lost", { promptId });
}

/** Its provider was switched off; or it is not up yet and the prompt may wait for it. */
async function missModel(state: State): Promise<void> {
  const { status, retries, tasks } = state.leased.latest.value;
  const mayWait = state.deps.models.areMoreExpected() && retries < maxRetries &&
    status === "PROCESSING" && tasks.every((task) => task.state === "waiting");
  if (!mayWait) await giveUp(state, "provider_unavailable");
}

/** After a restart that can't go on: nothing is submitted any more. */
async function giveUp({ leased, offer }: State, reason: FailureReason): Promise<void> {
  const terms = termsOf(offer);
  await leased.change((prompt) => {
    const facts = { prompt, terms, isStopping: false, isInDoubt: false };
    const tasks = prompt.tasks.map((task) => step(task, { type: "given_up", reason }, facts).task);
    return { ...prompt, tasks };
  });
}

/** What is left when every task has ended or was broken off. */
async function conclude(state: State): Promise<void> {
  const { leased, deps } = state;
  while (isToBeTriedAgain(state)) {
    const before = leased.latest as Versioned<ProcessingPrompt>;
    const delayMs = state.retryAfterMs ?? backoffMs(before.value.retries, deps);
    const atomic = requeue(deps.store, { before, readyAt: deps.store.now() + delayMs });
    // There is room for another one.
    if (await commit(deps.doorbell.ring(atomic, before.value.id)) !== null) return;
    await leased.readAgain();
  }
  if (state.isStopping && !leased.isLost) await leased.giveBack();
}

function isToBeTriedAgain({ leased, isStopping }: State): boolean {
  const { status, tasks } = leased.latest.value;
  return !isStopping && !leased.isLost && status === "PROCESSING" &&
    tasks.some((task) => task.state === "waiting");
}

function backoffMs(retries: number, { random }: RunDeps): number {
  return Math.min(maxBackoffMs, 1000 * 2 ** retries) * (0.75 + random() / 2);
}

/** Waits for all, then throws what the first of them threw. */
async function settleAll(tasks: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
