/**
 * Running one prompt under a lease: its tasks are submitted, watched and stored, each step written before the next
 * begins, so that a restart at any point knows what surely happened, what surely did not, and what is in doubt.
 *
 * A run ends in one of four ways: the prompt is final; it goes back to the queue to be tried again; the lease is
 * somebody else's (`LeaseLost`); or the process stops and leaves it as it is to the next one.
 */
import type { Blobs } from "../blobs/blobs.ts";
import type { Callbacks } from "../catalog/callbacks.ts";
import { endTask } from "./cancel.ts";
import type { Doorbell } from "../prompts/doorbell.ts";
import { failure } from "../prompts/failure_words.ts";
import type { Log } from "../log.ts";
import type { Models } from "../catalog/models.ts";
import type { TaskDurations } from "./task_durations.ts";
import { BadPicture } from "../pixels/picture.ts";
import { holdPrompt, LeaseLost } from "./leased_prompt.ts";
import type { ProgressBoard } from "../prompts/progress.ts";
import type { ProviderHealth } from "../catalog/health.ts";
import { type ProcessingPrompt, type Prompt, type Task } from "../prompts/prompt.ts";
import { createRunProgress } from "./run_progress.ts";
import {
  type FailureReason,
  type Model,
  type Provider,
  type ProviderCost,
  type ProviderEvent,
  ProviderFailure,
  type TaskRequest,
} from "../catalog/provider.ts";
import { type Leased, requeue } from "../prompts/queue.ts";
import { sleep, unlessAborted } from "../sleep.ts";
import { commit, type Store, type Versioned } from "../store/store.ts";
import { type NewImage, StorageFailure, storePicture } from "../images/store_picture.ts";
import { billedCharge } from "./task_charge.ts";
import { failedTask, withTask } from "./task_steps.ts";
import { parseSize } from "../size.ts";

export interface RunDeps {
  store: Store;
  doorbell: Doorbell;
  models: Models;
  blobs: Blobs;
  progress: ProgressBoard;
  taskDurations: TaskDurations;
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
const stalledMs = 15_000;
const longestStorageBackoffMs = 10_000;
/** What was made may have been kept waiting by its storage: it is asked for however late it is. */
const lateLookMs = 30_000;

/** Why a task's work is broken off. */
type Interruption = "stop" | "cancelled" | "deadline" | "lease_lost";

export function startRun(deps: RunDeps, leased: Leased): Run {
  const { store } = deps;
  const { id, userId, request } = leased.prompt.value;
  const offer = deps.models.find(request.model);
  const aborts = leased.prompt.value.tasks.map(() => new AbortController());
  const inDoubt = new Set<number>();
  const storing = new Set<number>();
  /** Their pictures are refused by the storage, and wait. */
  const refused = new Set<number>();
  const deadlines: ReturnType<typeof setTimeout>[] = [];
  let isStopping = false;
  let heardAt = store.now();
  let retryAfterMs: number | null = null;

  const held = holdPrompt(deps, leased, {
    onRead: breakOffIfCancelled,
    onLost: () => interrupt(() => "lease_lost"),
    isStopping: () => isStopping,
  });
  const progress = createRunProgress({ ...deps, now: store.now }, latest);
  const ended = Promise.resolve().then(main).finally(() => {
    held.letGo();
    deadlines.forEach(clearTimeout);
    progress.end();
  });
  const isStalled = () => store.now() - heardAt >= stalledMs;
  return { promptId: id, userId, ended, isStalled, nudge: () => void held.lookAgain(), stop };

  async function main(): Promise<void> {
    try {
      if (offer === null) await missingModel();
      else if (latest().crashes >= maxCrashes) await failUnfinished("provider_failed");
      else {
        const { model, provider } = offer;
        await settleAll(latest().tasks.map((_, index) => runTask(index, { model, provider })));
      }
      await conclude();
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      deps.log("info", "lease_lost", { promptId: id });
    }
  }

  /** Its provider was switched off; or it is not up yet and the prompt may wait for it. */
  async function missingModel(): Promise<void> {
    const mayWait = deps.models.areMoreExpected() && latest().retries < maxRetries &&
      latest().status === "PROCESSING" && latest().tasks.every(isWaiting);
    if (!mayWait) await failUnfinished("provider_unavailable");
  }

  /** What is left when every task has ended or was broken off. */
  async function conclude(): Promise<void> {
    while (latest().status === "PROCESSING" && !isStopping && latest().tasks.some(isWaiting)) {
      const before = held.latest as Versioned<ProcessingPrompt>;
      const delayMs = retryAfterMs ?? backoffMs(before.value.retries);
      const atomic = requeue(store, { before, readyAt: store.now() + delayMs });
      if (await commit(deps.doorbell.ring(atomic, id, delayMs)) !== null) return;
      await held.readAgain();
    }
    if (isStopping) await held.giveBack();
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
      latest().tasks[index].state === "submitting";
    if (!isInDoubt || callback === null || provider.await === undefined) return null;
    inDoubt.add(index);
    return provider.await(taskRequest(index), { signal: aborts[index].signal, callback });
  }

  /** The task's events: a fresh submission, or the one that an earlier process had saved. Null: nothing to do. */
  async function beginOrResume(
    index: number,
    { model, provider }: { model: Model; provider: Provider },
  ): Promise<AsyncIterable<ProviderEvent> | null> {
    const task = latest().tasks[index];
    if (task.state === "done" || task.state === "failed") return null;
    const context = { signal: aborts[index].signal, callback: deps.callbacks.line(`${id}:${index}`) };
    if (task.state === "running" && task.handle !== null && provider.resume !== undefined) {
      armDeadline(index, Math.max(deadlineOf(task, model), store.now() + lateLookMs));
      progress.generating(index, { model, since: task.submittedAt });
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
    await held.changeTask(
      index,
      ({ count, imageIds }) => ({ state: "submitting", count, imageIds, submittedAt }),
    );
    // It was cancelled before this could be written.
    if (latest().tasks[index].state !== "submitting") return null;
    if (isStopping) {
      // Nothing was sent, so nothing is left in doubt.
      await held.changeTask(index, ({ count, imageIds }) => ({ state: "waiting", count, imageIds }));
      return null;
    }
    armDeadline(index, submittedAt + model.deadlineMs);
    progress.submitting();
    // Where the call is the generation, nothing tells when the one becomes the other.
    if (provider.resume === undefined) progress.generating(index, { model, since: submittedAt });
    return provider.generate(taskRequest(index), context);
  }

  function taskRequest(index: number): TaskRequest {
    return {
      taskKey: `${id}:${index}`,
      taskType: request.taskType,
      model: request.model,
      prompt: request.text,
      ...parseSize(request.imageSize),
      count: latest().tasks[index].count,
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
    deadlines.push(timer);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
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
          await held.changeTask(index, ({ count, imageIds }) => (
            { state: "running", count, imageIds, submittedAt: store.now(), handle: event.handle }
          ));
          progress.generating(index, { model, since: store.now() });
          if (isStopping) return;
          if (isCancelled()) throw new Error("cancelled during the submission");
          break;
        case "progress":
          if (event.fraction === null) break;
          progress.fraction(index, event.fraction);
          break;
        case "preview":
          progress.preview(index, event);
          break;
        case "image":
          progress.storing();
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
          progress.done(index);
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
        prompt: latest(),
        model,
        bytes,
        seed,
      });
      return await unlessAborted(work, signal);
    } catch (error) {
      // What nobody can ask for again is given up for good, and known to be billed.
      const isLost = signal.reason === "stop" && latest().tasks[index].state === "submitting";
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
    const add = (task: Task): Task => ({ ...task, imageIds: task.imageIds.concat(idsOf(images)) });
    return held.changeTask(index, add, images);
  }

  function finishTask(
    index: number,
    { arrived, cost, reason }: {
      arrived: NewImage[];
      cost: ProviderCost | null;
      reason: FailureReason | null;
    },
  ): Promise<void> {
    const before = latest().tasks[index];
    const tookMs = "submittedAt" in before ? store.now() - before.submittedAt : undefined;
    if (tookMs !== undefined) deps.taskDurations.note(request.model, tookMs);
    if (offer !== null) deps.health.note(offer.provider.id, null);
    return held.change((prompt) =>
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
      latest().retries < maxRetries && (error.retryAfterMs ?? 0) <= longestRetryAfterMs;
    if (mayRetry && !isCancelled()) {
      retryAfterMs = Math.max(retryAfterMs ?? 0, error.retryAfterMs ?? 0) || null;
      return await held.changeTask(index, ({ count, imageIds }) => ({ state: "waiting", count, imageIds }));
    }
    await held.change((prompt) => withTask(prompt, index, (task) => failedTask(prompt, { task, error })));
  }

  /** After a restart that can't go on: nothing is submitted any more. */
  async function failUnfinished(reason: FailureReason): Promise<void> {
    const isFree = offer?.provider.isRepeatable ?? false;
    await held.change((prompt) => ({
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
    const task = latest().tasks[index];
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
    await held.change((prompt) =>
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

  function breakOffIfCancelled(): void {
    const isFree = offer?.model.isFree === true;
    if (!isCancelled()) return;
    interrupt((task, index) => isFree || isSafeToBreakOff(task, index) ? "cancelled" : null);
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
    latest().tasks.forEach((task, index) => {
      const reason = choose(task, index);
      if (reason !== null) aborts[index].abort(reason);
    });
  }

  function latest(): Prompt {
    return held.latest.value;
  }

  function isCancelled(): boolean {
    return latest().status === "CANCELLED";
  }
}

function isWaiting(task: Task): boolean {
  return task.state === "waiting";
}

function idsOf(images: NewImage[]): string[] {
  return images.map((image) => image.id);
}

/** Waits for all, then throws what the first of them threw. */
async function settleAll(tasks: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const failed = results.find((result) => result.status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
