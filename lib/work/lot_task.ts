/**
 * The tasks of prompts that went in a lot. They are begun and ended like others, but under no lease: each step is
 * written against the version of the prompt that it was decided by, so that whoever is second does nothing.
 */
import { blobKeysOf, type Blobs } from "../blobs/blobs.ts";
import { release } from "../bytes.ts";
import { type Model, type ProviderCost, ProviderFailure } from "../catalog/provider.ts";
import { type NewImage, type StoreDeps, storePicture } from "../images/store_picture.ts";
import type { InTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { BadPicture } from "../pixels/picture.ts";
import { type Prompt, type Task, toPending, toProcessing } from "../prompts/prompt.ts";
import { readPrompt, writePrompt } from "../prompts/prompt_store.ts";
import { commit, type Store, type Versioned } from "../store/store.ts";
import { type FullPriceDeps, goOnAtFullPrice, wasNotDone } from "./full_price.ts";
import { outcomeOf, withTask } from "./prompt_steps.ts";
import { writeProgress } from "./settle.ts";
import { isOver, step, type TaskEvent, type Terms } from "./task.ts";

export interface LotTaskDeps extends FullPriceDeps {
  blobs: Blobs;
  decoding: InTurn;
  log: Log;
}

/** A lot is stopped as a whole or not at all, so nothing can be done about one of its tasks. */
const terms: Terms = {
  isRepeatable: false,
  isFree: false,
  canResume: false,
  canBeStopped: false,
  canCall: false,
};

/** Which task of which lot. */
export interface LotTask {
  lotId: string;
  promptId: string;
  index: number;
}

export function keyOf({ promptId, index }: Omit<LotTask, "lotId">): string {
  return `${promptId}:${index}`;
}

/** The task that is called so at the provider; null where it is none of the lot's. */
export function taskCalled(
  taskKey: string,
  { id: lotId, promptIds }: { id: string; promptIds: readonly string[] },
): LotTask | null {
  const [, promptId, index] = /^([^:]+):(\d{1,3})$/.exec(taskKey) ?? [];
  return promptId !== undefined && promptIds.includes(promptId)
    ? { lotId, promptId, index: Number(index) }
    : null;
}

/** Takes a prompt that waits into a lot, where nothing keeps it from starting; false: somebody was first. */
export async function takeIntoLot(
  { store }: { store: Store },
  { before, lotId, guard }: {
    before: Versioned<Prompt>;
    lotId: string;
    guard: (atomic: Deno.AtomicOperation) => Deno.AtomicOperation;
  },
): Promise<boolean> {
  const { value: prompt } = before;
  if (prompt.status !== "PENDING" || prompt.lotId !== undefined) return false;
  const at = store.now();
  const tasks = prompt.tasks.map(({ count, images }): Task => (
    { state: "submitting", submittedAt: at, count, images }
  ));
  const after = { ...toProcessing(prompt, { at }), tasks, lotId };
  return await commit(guard(writePrompt(store.kv, { before, after }))) !== null;
}

/** Puts a prompt of a lot that was never submitted back among those that wait. */
export async function takeOutOfLot(
  { store }: { store: Store },
  before: Versioned<Prompt>,
): Promise<boolean> {
  if (before.value.status !== "PROCESSING") return false;
  const { lotId: _, ...pending } = toPending(before.value, { readyAt: null, at: store.now() });
  const tasks = pending.tasks.map(({ count, images }): Task => ({ state: "waiting", count, images }));
  return await commit(writePrompt(store.kv, { before, after: { ...pending, tasks } })) !== null;
}

/** A picture that came of a task. Throws `StorageFailure` where it can't be stored now. */
export async function finishTask(
  deps: LotTaskDeps,
  task: LotTask,
  { bytes, cost, model, mayRetry }: {
    bytes: Uint8Array;
    cost: ProviderCost | null;
    model: Model;
    mayRetry: StoreDeps["mayRetry"];
  },
): Promise<void> {
  const found = await readTask(deps, task);
  if (found === null) return;
  const { value: prompt } = found;
  const finished = { type: "finished" as const, at: deps.store.now(), cost, trouble: null, imageIds: [] };
  if (prompt.status !== "PROCESSING") return await endTask(deps, task, finished);
  const imageId = deps.store.ids();
  try {
    const storing = { ...deps, now: deps.store.now, mayRetry };
    const image = await storePicture(storing, { imageId, prompt, model, bytes, seed: null });
    release(bytes);
    await endTask(deps, task, { ...finished, imageIds: [imageId] }, [image]);
  } catch (error) {
    if (!(error instanceof BadPicture)) throw error;
    deps.log("warn", "bad_result", { promptId: task.promptId, error });
    await endTask(deps, task, { ...finished, trouble: "bad_result", said: error.message });
  }
}

export async function failTask(
  deps: LotTaskDeps,
  task: LotTask,
  failure: ProviderFailure,
): Promise<void> {
  await endTask(deps, task, { type: "failed", failure });
}

/** What its line says counts once, whichever came first. Pictures of a prompt that was cancelled are not kept. */
export async function endTask(
  deps: LotTaskDeps,
  task: LotTask,
  event: TaskEvent,
  images: NewImage[] = [],
): Promise<void> {
  const { store } = deps;
  while (true) {
    const before = await readTask(deps, task);
    if (before === null) return await discard(deps, images);
    const { value: prompt } = before;
    const isKept = prompt.status === "PROCESSING";
    const facts = { prompt, terms, isStopping: false, isInDoubt: true };
    const next = step(prompt.tasks[task.index], event, facts).task;
    const after = outcomeOf(withTask(prompt, task.index, withoutTime(next)), store.now());
    const mayGoOn = prompt.status === "PROCESSING" && wasNotDone(after);
    if (mayGoOn && await goOnAtFullPrice(deps, { ...before, value: prompt })) return;
    if (await writeProgress(store, { before, after, images: isKept ? images : [] }) === null) continue;
    return isKept ? undefined : await discard(deps, images);
  }
}

/** Its prompt, while it goes on; null where it has ended, or is in the lot no more. */
async function readTask({ store }: LotTaskDeps, task: LotTask): Promise<Versioned<Prompt> | null> {
  const found = await readPrompt(store, task.promptId);
  const own = found?.value.lotId === task.lotId ? found.value.tasks[task.index] : undefined;
  return own === undefined || isOver(own) ? null : found;
}

/** How long a lot took tells nothing of how long its model takes. */
function withoutTime(task: Task): Task {
  if (task.state !== "done") return task;
  const { tookMs: _, ...done } = task;
  return done;
}

async function discard({ blobs }: LotTaskDeps, images: NewImage[]): Promise<void> {
  for (const key of images.flatMap((image) => blobKeysOf(image.id))) await blobs.delete(key);
}

/** The tasks of a prompt that have not ended. */
export function openTasksOf(prompt: Prompt, lotId: string): LotTask[] {
  return prompt.tasks.flatMap((task, index) => isOver(task) ? [] : [{ lotId, promptId: prompt.id, index }]);
}
