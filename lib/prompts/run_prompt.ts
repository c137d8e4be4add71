/**
 * Running one prompt under a lease: its tasks are submitted, watched and stored, each step written before the next
 * begins, so that a restart at any point knows what surely happened, what surely did not, and what is in doubt.
 *
 * A run ends in one of four ways: the prompt is final; it goes back to the queue to be tried again; the lease is
 * somebody else's (`LeaseLost`); or the process stops and leaves it as it is to the next one.
 */
import { blobKeysOf, type Blobs } from "../blobs/blobs.ts";
import type { Callbacks } from "./callbacks.ts";
import { endTask } from "./cancel_prompt.ts";
import type { Doorbell } from "./doorbell.ts";
import { Refusal } from "../errors.ts";
import { failure } from "./failure_words.ts";
import type { Log } from "../log.ts";
import type { Models } from "../models.ts";
import type { Pace } from "./pace.ts";
import { BadPicture } from "../images/picture.ts";
import type { ProgressBoard } from "./progress.ts";
import type { ProviderHealth } from "../provider_health.ts";
import {
  type FailureReason,
  isFinal,
  parseSize,
  type ProcessingPrompt,
  type Prompt,
  type Task,
} from "./prompt.ts";
import { readPrompt } from "./prompt_store.ts";
import {
  type Model,
  type Provider,
  type ProviderCost,
  type ProviderEvent,
  ProviderFailure,
  type TaskRequest,
} from "../provider.ts";
import { giveBackLease, type Leased, leaseMs, renewLease, requeue } from "./queue.ts";
import { writeProgress } from "./settle_prompt.ts";
import { sleep, unlessAborted } from "../sleep.ts";
import { commit, type Store, type Versioned } from "../store.ts";
import { type NewImage, StorageFailure, storePicture } from "../images/store_picture.ts";
import { billedCharge } from "../money/task_charge.ts";
import { failedTask, outcomeOf, withImages, withTask } from "./task_steps.ts";

export interface RunDeps {
  store: Store;
  doorbell: Doorbell;
  models: Models;
  blobs: Blobs;
  progress: ProgressBoard;
  pace: Pace;
  log: Log;
  /** 0 to 1, for jitter. */
  random: () => number;
  callbacks: Pick<Callbacks, "line">;
  health: Pick<ProviderHealth, "note">;
  /** How long a picture that was made waits for a storage that does not take it, in milliseconds. */
  storagePatienceMs: number;
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
const maxRetries = 5;
const maxBackoffMs = 60_000;
/** Who asks to be left alone for longer is not waited for: the prompt would hold its money all the while. */
const longestRetryAfterMs = 3600_000;
const estimateStepMs = 1000;
/** After this a task takes longer than usual, whatever the model. */
const longMs = 120_000;

const stalledMs = 15_000;
const databaseRetryMs = 500;
const longestStorageBackoffMs = 10_000;
/** What was made may have been kept waiting by its storage: it is asked for however late it is. */
const lateLookMs = 30_000;

/** Why a task's work is broken off. */
type Interruption = "stop" | "cancelled" | "deadline" | "lease_lost";

class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

export function startRun(deps: RunDeps, leased: Leased): Run {
  const { store, progress } = deps;
  const { id, userId, request } = leased.prompt.value;
  const offer = deps.models.find(request.model);
  const aborts = leased.prompt.value.tasks.map(() => new AbortController());
  const fractions: number[] = leased.prompt.value.tasks.map((task) => task.state === "done" ? 1 : 0);
  const inDoubt = new Set<number>();
  const storing = new Set<number>();
  /** Their pictures are refused by the storage, and wait. */
  const refused = new Set<number>();
  let current = leased.prompt;
  let isStopping = false;
  let hasEnded = false;
  let heardAt = store.now();
  let retryAfterMs: number | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  const timers = [setInterval(() => void renew(), leaseMs / 3)];
  const ended = Promise.resolve().then(main).finally(() => {
    hasEnded = true;
    timers.forEach(clearTimeout);
    progress.clear(id);
  });
  const isStalled = () => store.now() - heardAt >= stalledMs;
  return { promptId: id, userId, ended, isStalled, nudge: () => void lookAgain(), stop };

  async function main(): Promise<void> {
    try {
      if (offer === null) await missingModel();
      else if (current.value.crashes >= maxCrashes) await failUnfinished("provider_failed");
      else {
        const { model, provider } = offer;
        await settleAll(current.value.tasks.map((_, index) => runTask(index, { model, provider })));
      }
      await conclude();
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      deps.log("info", "lease_lost", { promptId: id });
    }
  }

  /** Its provider was switched off; or it is not up yet and the prompt may wait for it. */
  async function missingModel(): Promise<void> {
    const mayWait = deps.models.areMoreExpected() && current.value.retries < maxRetries &&
      current.value.status === "PROCESSING" && current.value.tasks.every(isWaiting);
    if (!mayWait) await failUnfinished("provider_unavailable");
  }

  /** What is left when every task has ended or was broken off. */
  async function conclude(): Promise<void> {
    while (current.value.status === "PROCESSING" && !isStopping && current.value.tasks.some(isWaiting)) {
      const before = current as Versioned<ProcessingPrompt>;
      const delayMs = retryAfterMs ?? backoffMs(before.value.retries);
      const atomic = requeue(store, { before, readyAt: store.now() + delayMs });
      if (await commit(deps.doorbell.ring(atomic, id, delayMs)) !== null) return;
      await reread();
    }
    if (isStopping) await giveBackLease(store, { promptId: id, number: leased.lease.number });
  }

  function backoffMs(retries: number): number {
    return Math.min(maxBackoffMs, 1000 * 2 ** retries) * (0.75 + deps.random() / 2);
  }

  async function runTask(index: number, offered: { model: Model; provider: Provider }): Promise<void> {
    const { provider } = offered;
    const signal = aborts[index].signal;
    try {
      if (isCancelled()) return await endCancelled(index, provider);
      await carryOut(index, offered);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      if (signal.aborted && signal.reason === "lease_lost") throw new LeaseLost();
      if (signal.aborted && signal.reason === "stop") return;
      if (isCancelled()) return await endCancelled(index, provider, error);
      if (signal.aborted && signal.reason === "deadline") {
        const reason = inDoubt.has(index) ? "outcome_unknown" : "timeout";
        return await failTask(
          index,
          new ProviderFailure(reason, "no result in time", { outcome: "unknown" }),
        );
      }
      if (!(error instanceof ProviderFailure)) throw error;
      await failTask(index, error);
    }
  }

  /** Submits the task, or resumes it, and follows it; one in doubt is followed once the provider has called back. */
  async function carryOut(index: number, offered: { model: Model; provider: Provider }): Promise<void> {
    try {
      const events = await beginOrResume(index, offered);
      if (events !== null) await follow(index, { events, model: offered.model });
    } catch (error) {
      const events = awaitCall(index, { provider: offered.provider, error });
      if (events === null) throw error;
      await follow(index, { events, model: offered.model });
    }
  }

  /** Null where the outcome is not in doubt, or nobody can call. */
  function awaitCall(
    index: number,
    { provider, error }: { provider: Provider; error: unknown },
  ): AsyncIterable<ProviderEvent> | null {
    const callback = deps.callbacks.line(`${id}:${index}`);
    const isInDoubt = error instanceof ProviderFailure && error.reason === "outcome_unknown" &&
      current.value.tasks[index].state === "submitting";
    if (!isInDoubt || callback === null || provider.await === undefined) return null;
    inDoubt.add(index);
    return provider.await(taskRequest(index), { signal: aborts[index].signal, callback });
  }

  /** The task's events: a fresh submission, or the one that an earlier process had saved. Null: nothing to do. */
  async function beginOrResume(
    index: number,
    { model, provider }: { model: Model; provider: Provider },
  ): Promise<AsyncIterable<ProviderEvent> | null> {
    const task = current.value.tasks[index];
    if (task.state === "done" || task.state === "failed") return null;
    const context = { signal: aborts[index].signal, callback: deps.callbacks.line(`${id}:${index}`) };
    if (task.state === "running" && task.handle !== null && provider.resume !== undefined) {
      armDeadline(index, Math.max(deadlineOf(task, model), store.now() + lateLookMs));
      showGenerating(index, { model, since: task.submittedAt });
      return provider.resume(task.handle, taskRequest(index), context);
    }
    if (task.state !== "waiting" && !provider.isRepeatable) {
      armDeadline(index, deadlineOf(task, model));
      throw new ProviderFailure("outcome_unknown", "the server stopped during the submission", {
        outcome: "unknown",
      });
    }
    if (isStopping) return null;
    const submittedAt = store.now();
    await changeTask(index, ({ count, imageIds }) => ({ state: "submitting", count, imageIds, submittedAt }));
    // It was cancelled before this could be written.
    if (current.value.tasks[index].state !== "submitting") return null;
    if (isStopping) {
      // Nothing was sent, so nothing is left in doubt.
      await changeTask(index, ({ count, imageIds }) => ({ state: "waiting", count, imageIds }));
      return null;
    }
    armDeadline(index, submittedAt + model.deadlineMs);
    progress.report(current.value, { stage: "submitting" });
    // Where the call is the generation, nothing tells when the one becomes the other.
    if (provider.resume === undefined) showGenerating(index, { model, since: submittedAt });
    return provider.generate(taskRequest(index), context);
  }

  function taskRequest(index: number): TaskRequest {
    return {
      taskKey: `${id}:${index}`,
      taskType: request.taskType,
      model: request.model,
      prompt: request.text,
      ...parseSize(request.imageSize),
      count: current.value.tasks[index].count,
      watermark: request.watermark,
      ...request.options,
      ...(request.options.seed !== undefined && { seed: (request.options.seed + index) % 2 ** 32 }),
    };
  }

  /** A clock that was set back since does not put it off. */
  function deadlineOf({ submittedAt }: { submittedAt: number }, { deadlineMs }: Model): number {
    return Math.min(submittedAt, store.now()) + deadlineMs;
  }

  function armDeadline(index: number, at: number): void {
    const { signal } = aborts[index];
    const timer = setTimeout(() => {
      if (storing.has(index)) armDeadline(index, store.now() + lateLookMs);
      else aborts[index].abort("deadline" satisfies Interruption);
    }, Math.max(0, at - store.now()));
    timers.push(timer);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  /** The work does not wait for an estimate, nor end with it. */
  function showGenerating(index: number, { model, since }: { model: Model; since: number }): void {
    progress.report(current.value, { stage: "generating" });
    if (model.progress !== "estimate") return;
    estimate(index, since).catch((error) => deps.log("warn", "no_estimate", { promptId: id, error }));
  }

  /**
   * Where the provider tells no percentage, earlier tasks of the model do; it never says that it is done. Without
   * any it only tells, in time, that this one takes long.
   */
  async function estimate(index: number, since: number): Promise<void> {
    const knownMs = await deps.pace.expectedMs(request.model);
    if (hasEnded) return;
    const expectedMs = knownMs ?? longMs;
    const report = () => {
      const remainingMs = since + expectedMs - store.now();
      const isOver = !["submitting", "running"].includes(current.value.tasks[index].state);
      if (isOver || (knownMs === null && remainingMs > 0)) return;
      fractions[index] = Math.min(0.95, 1 - remainingMs / expectedMs);
      const percent = knownMs === null ? null : Math.round(average(fractions) * 100);
      progress.report(current.value, { stage: "generating", percent, isEstimate: true, remainingMs });
    };
    report();
    timers.push(setInterval(report, estimateStepMs));
  }

  async function follow(
    index: number,
    { events, model }: { events: AsyncIterable<ProviderEvent>; model: Model },
  ): Promise<void> {
    let arrived: NewImage[] = [];
    let trouble: FailureReason | null = null;
    for await (const event of events) {
      heardAt = store.now();
      if (event.type !== "done" && arrived.length > 0) {
        await addPictures(index, arrived);
        arrived = [];
      }
      switch (event.type) {
        case "submitted":
          await changeTask(index, ({ count, imageIds }) => (
            { state: "running", count, imageIds, submittedAt: store.now(), handle: event.handle }
          ));
          showGenerating(index, { model, since: store.now() });
          if (isStopping) return;
          if (isCancelled()) throw new Error("cancelled during the submission");
          break;
        case "progress":
          if (event.fraction === null) break;
          fractions[index] = event.fraction;
          progress.report(current.value, {
            stage: "generating",
            percent: Math.round(average(fractions) * 100),
          });
          break;
        case "preview":
          progress.showPreview(current.value, { ...event, task: index });
          break;
        case "image":
          progress.report(current.value, { stage: "storing" });
          try {
            arrived.push(await storeArrived(index, { event, model }));
          } catch (error) {
            if (error instanceof BadPicture) trouble = "bad_result";
            else if (error instanceof StorageFailure) {
              trouble = "storage_failed";
            } else throw error;
            deps.log("warn", trouble, { promptId: id, error });
            if (aborts[index].signal.aborted) {
              return await finishTask(index, { arrived, cost: null, reason: trouble });
            }
          }
          break;
        case "done":
          fractions[index] = 1;
          return await finishTask(index, { arrived, cost: event.cost, reason: trouble });
        default:
          event satisfies never;
      }
    }
    throw new Error(`The provider ended task ${id}:${index} without a result`);
  }

  /** A picture that is there is stored however long that takes: the deadline is the provider's. */
  async function storeArrived(
    index: number,
    { event, model }: { event: { bytes: Uint8Array; seed?: number }; model: Model },
  ): Promise<NewImage> {
    const { signal } = aborts[index];
    const { bytes, seed = null } = event;
    const mayRetry = (refused: { since: number; attempt: number }) => waitForStorage(index, refused);
    storing.add(index);
    try {
      signal.throwIfAborted();
      const work = storePicture({ blobs: deps.blobs, now: store.now, mayRetry }, {
        imageId: store.ids(),
        prompt: current.value,
        model,
        bytes,
        seed,
      });
      return await unlessAborted(work, signal);
    } catch (error) {
      // What nobody can ask for again is given up for good, and known to be billed.
      const isLost = signal.reason === "stop" && current.value.tasks[index].state === "submitting";
      throw isLost ? new StorageFailure("the server stopped", { cause: error }) : error;
    } finally {
      storing.delete(index);
    }
  }

  /** The picture was paid for, so it waits for its storage; while it does, no more are made. */
  async function waitForStorage(
    index: number,
    { since, attempt }: { since: number; attempt: number },
  ): Promise<boolean> {
    heardAt = store.now();
    if (isCancelled() || store.now() - since >= deps.storagePatienceMs) return false;
    if (attempt === 1) deps.log("warn", "storage_refuses", { promptId: id });
    refused.add(index);
    try {
      await sleep(Math.min(longestStorageBackoffMs, 250 * 2 ** attempt), aborts[index].signal);
    } finally {
      refused.delete(index);
    }
    return true;
  }

  function addPictures(index: number, images: NewImage[]): Promise<void> {
    return change(
      (prompt) =>
        withTask(prompt, index, (task) => ({ ...task, imageIds: task.imageIds.concat(idsOf(images)) })),
      images,
    );
  }

  function finishTask(
    index: number,
    { arrived, cost, reason }: {
      arrived: NewImage[];
      cost: ProviderCost | null;
      reason: FailureReason | null;
    },
  ): Promise<void> {
    const before = current.value.tasks[index];
    const tookMs = "submittedAt" in before ? store.now() - before.submittedAt : undefined;
    if (tookMs !== undefined) deps.pace.note(request.model, tookMs);
    if (offer !== null) deps.health.note(offer.provider.id, null);
    return change((prompt) =>
      withTask(prompt, index, (task) => {
        const imageIds = task.imageIds.concat(idsOf(arrived));
        const charge = billedCharge(prompt, { task, cost });
        return imageIds.length > 0 ? { state: "done", count: task.count, imageIds, charge, tookMs } : {
          state: "failed",
          count: task.count,
          imageIds,
          charge,
          failure: failure(reason ?? "bad_result"),
        };
      }), arrived);
  }

  async function failTask(index: number, error: ProviderFailure): Promise<void> {
    deps.log("warn", "task_failed", {
      promptId: id,
      reason: error.reason,
      outcome: error.outcome,
      said: error.message,
    });
    if (offer !== null) deps.health.note(offer.provider.id, error.reason);
    const mayRetry = error.isRetryable && error.outcome === "not_created" &&
      current.value.retries < maxRetries && (error.retryAfterMs ?? 0) <= longestRetryAfterMs;
    if (mayRetry && !isCancelled()) {
      retryAfterMs = Math.max(retryAfterMs ?? 0, error.retryAfterMs ?? 0) || null;
      return await changeTask(index, ({ count, imageIds }) => ({ state: "waiting", count, imageIds }));
    }
    await change((prompt) => withTask(prompt, index, (task) => failedTask(prompt, { task, error })));
  }

  /** After a restart that can't go on: nothing is submitted any more. */
  async function failUnfinished(reason: FailureReason): Promise<void> {
    const isFree = offer?.provider.isRepeatable ?? false;
    await change((prompt) => ({
      ...prompt,
      tasks: prompt.tasks.map((task) => {
        if (task.state === "done" || task.state === "failed") return task;
        const isCertain = task.state === "waiting" || isFree;
        const error = isCertain
          ? new ProviderFailure(reason, "", { outcome: "failed" })
          : new ProviderFailure("outcome_unknown", "", { outcome: "unknown" });
        return failedTask(prompt, { task, error });
      }),
    }));
  }

  /** Ends a task of a cancelled prompt with what the provider bills for it. */
  async function endCancelled(index: number, provider: Provider, error?: unknown): Promise<void> {
    const task = current.value.tasks[index];
    if (task.state === "done" || task.state === "failed") return;
    if (error instanceof ProviderFailure && !aborts[index].signal.aborted) {
      return await failTask(index, error);
    }
    const costsNothing = provider.isRepeatable || offer?.model.isFree === true;
    if (task.state === "submitting" && !costsNothing) {
      return await failTask(index, new ProviderFailure("outcome_unknown", "", { outcome: "unknown" }));
    }
    const answer = task.state === "running" && task.handle !== null
      ? await provider.cancel?.(task.handle)
      : undefined;
    await change((prompt) =>
      withTask(
        prompt,
        index,
        (open) =>
          answer === "not_billed"
            ? failedTask(prompt, {
              task: open,
              error: new ProviderFailure("cancelled", "", { outcome: "failed" }),
            })
            : endTask(prompt, { task: open, canBeStopped: false, costsNothing }),
      )
    );
  }

  function changeTask(index: number, next: (task: Task) => Task): Promise<void> {
    return change((prompt) => withTask(prompt, index, next));
  }

  /** Writes the prompt's next state; one step at a time, and only as long as the lease is ours. */
  function change(next: (prompt: Prompt) => Prompt, images: NewImage[] = []): Promise<void> {
    const mine = turn.then(async () => {
      while (true) {
        const isKept = current.value.status === "PROCESSING";
        const after = outcomeOf(withImages(next(current.value), isKept ? images : []), store.now());
        const written = await write({ before: current, after, images: isKept ? images : [] });
        if (written === null) {
          await reread();
          continue;
        }
        current = written;
        if (!isKept) await discard(images);
        return;
      }
    });
    turn = mine.catch(() => {});
    return mine;
  }

  /** Nobody else knows what happened until it is written, so a database that does not take it is asked again. */
  async function write(step: Parameters<typeof writeProgress>[1]): ReturnType<typeof writeProgress> {
    for (let attempt = 1;; attempt++) {
      try {
        return await writeProgress(store, step);
      } catch (error) {
        if (!(error instanceof Refusal) || isStopping) throw error;
        if (attempt === 1) deps.log("error", "database_refuses", { promptId: id, error });
      }
      await sleep(databaseRetryMs);
    }
  }

  async function discard(images: NewImage[]): Promise<void> {
    for (const key of images.flatMap((image) => blobKeysOf(image.id))) await deps.blobs.delete(key);
  }

  async function reread(): Promise<void> {
    const found = await readPrompt(store, id);
    const isOurs = found?.value.leaseNumber === leased.prompt.value.leaseNumber;
    const isOpen = found !== null && (found.value.status === "PROCESSING" || isChargeDue(found.value));
    if (!isOurs || !isOpen) {
      interrupt(() => "lease_lost");
      throw new LeaseLost();
    }
    current = found;
    const isFree = offer?.model.isFree === true;
    if (isCancelled()) {
      interrupt((task, index) => isFree || isSafeToBreakOff(task, index) ? "cancelled" : null);
    }
  }

  async function lookAgain(): Promise<void> {
    const mine = turn.then(reread);
    turn = mine.catch(() => {});
    await mine.catch((error) => {
      if (!(error instanceof LeaseLost)) deps.log("error", "look_again_failed", { promptId: id, error });
    });
  }

  async function renew(): Promise<void> {
    try {
      if (!await renewLease(store, { promptId: id, number: leased.lease.number })) await lookAgain();
    } catch (error) {
      deps.log("warn", "lease_not_renewed", { promptId: id, error });
    }
  }

  function stop({ isUrgent } = { isUrgent: false }): void {
    isStopping = true;
    interrupt((task, index) => isUrgent || isSafeToBreakOff(task, index) ? "stop" : null);
  }

  /**
   * Breaking off during a submission, or a one-shot call, would leave its outcome unknown. What is just being stored
   * is left to it.
   */
  function isSafeToBreakOff(task: Task, index: number): boolean {
    if (storing.has(index) && !refused.has(index)) return false;
    return task.state !== "submitting" || (offer?.provider.isRepeatable ?? true);
  }

  function interrupt(choose: (task: Task, index: number) => Interruption | null): void {
    current.value.tasks.forEach((task, index) => {
      const reason = choose(task, index);
      if (reason !== null) aborts[index].abort(reason);
    });
  }

  function isCancelled(): boolean {
    return current.value.status === "CANCELLED";
  }
}

function isWaiting(task: Task): boolean {
  return task.state === "waiting";
}

function isChargeDue(prompt: Prompt): boolean {
  return isFinal(prompt) && prompt.status === "CANCELLED" && prompt.isChargeDue;
}

function idsOf(images: NewImage[]): string[] {
  return images.map((image) => image.id);
}

function average(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Waits for all, then throws what the first of them threw. */
async function settleAll(tasks: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
