/**
 * Running one task: what `task.ts` decides is written, and then done. The task is submitted or taken up where an
 * earlier process left it, followed, and its pictures stored, until it has ended, waits to be tried again, or is
 * left to the next process.
 */
import type { Blobs } from "../blobs/blobs.ts";
import type { Callbacks } from "../catalog/callbacks.ts";
import type { ProviderTasks } from "../catalog/provider_tasks.ts";
import type { ProviderHealth } from "../catalog/health.ts";
import {
  type FailureReason,
  type Model,
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type TaskContext,
  type TaskRequest,
} from "../catalog/provider.ts";
import type { NewImage } from "../images/store_picture.ts";
import type { InTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { MissingSource, prepareEdit } from "../images/edit_pixels.ts";
import type { OfferedPicture, SourceAddresses } from "../catalog/source_addresses.ts";
import type { Received, ReceivedPicture, Task } from "../prompts/prompt.ts";
import { Refusal } from "../refusal.ts";
import { sleep } from "../sleep.ts";
import { isDatabaseTrouble, type Store } from "../store/store.ts";
import type { LeasedPrompt } from "./leased_prompt.ts";
import type { RunProgress } from "./run_progress.ts";
import {
  type Interruption,
  isOver,
  mayBreakOff,
  type Move,
  type Note,
  step,
  type TaskEvent,
  type Terms,
  termsOf,
} from "./task.ts";
import type { TaskDurations } from "./task_durations.ts";
import { requestOfTask } from "./task_request.ts";
import { createTaskStorage, type Stored, type TaskStorage } from "./task_storage.ts";

export interface TaskDeps {
  store: Store;
  blobs: Blobs;
  /** Work on decoded pixels waits for its turn here. */
  decoding: InTurn;
  log: Log;
  taskDurations: Pick<TaskDurations, "note">;
  health: Pick<ProviderHealth, "note">;
  callbacks: Pick<Callbacks, "line">;
  providerTasks: ProviderTasks;
  sources: Pick<SourceAddresses, "offer" | "withdraw">;
  /** How long a picture that was made waits for a storage that does not take it, in milliseconds. */
  storagePatienceMs: number;
}

/** What a task sees of the run that it belongs to. */
export interface TaskSurroundings {
  offer: { model: Model; provider: Provider };
  leased: LeasedPrompt;
  progress: RunProgress;
  /** The claim wrote already that it is submitted, and nobody has done so yet. */
  isBegun: boolean;
  isStopping(): boolean;
  /** Something was heard of the task. */
  onHeard(): void;
  /** It is to be tried again; `afterMs` is what the provider asked for. */
  onRetry(afterMs: number | null): void;
}

export interface TaskRun {
  /** Resolves when nothing more is done about the task. */
  run(): Promise<void>;
  /** At the next safe point, which may be now; with `isUrgent` now, whatever that leaves in doubt. */
  breakOff(why: Exclude<Interruption, "deadline">, options?: { isUrgent: boolean }): void;
}

/** What was made may have been kept waiting by its storage: it is asked for however late it is. */
const lateLookMs = 30_000;

interface Work extends TaskDeps, TaskSurroundings {
  index: number;
  taskKey: string;
  terms: Terms;
  context: TaskContext;
  abort: AbortController;
  storage: TaskStorage;
  isInDoubt: boolean;
  deadline: ReturnType<typeof setTimeout> | undefined;
}

export function createTaskRun(deps: TaskDeps, around: TaskSurroundings, index: number): TaskRun {
  const taskKey = `${around.leased.latest.value.id}:${index}`;
  const callback = deps.callbacks.line(taskKey);
  const abort = new AbortController();
  const { signal } = abort;
  const terms = termsOf(around.offer);
  const { leased, onHeard, offer: { model } } = around;
  const work: Work = {
    ...deps,
    ...around,
    index,
    taskKey,
    terms: { ...terms, canCall: terms.canCall && callback !== null },
    context: {
      signal,
      callback,
      claim: (taskId) => claim({ ...deps, ...around, signal }, { taskId, taskKey }),
    },
    abort,
    storage: createTaskStorage(deps, { index, leased, model, signal, onHeard }),
    isInDoubt: false,
    deadline: undefined,
  };
  return { run: () => run(work), breakOff: (why, options) => breakOff(work, { why, ...options }) };
}

const databaseRetryMs = 500;

/** The task is there and will be paid, so a database that does not answer is waited for as long as that may be. */
async function claim(
  { providerTasks, offer: { provider }, isStopping, signal }: TaskDeps & TaskSurroundings & {
    signal: AbortSignal;
  },
  { taskId, taskKey }: { taskId: string; taskKey: string },
): Promise<boolean> {
  while (true) {
    try {
      return await providerTasks.claim({ provider: provider.id, taskId }, taskKey);
    } catch (error) {
      if (!isDatabaseTrouble(error)) throw error;
      if (signal.aborted || isStopping()) return true;
    }
    await sleep(databaseRetryMs);
  }
}

function breakOff(
  { leased, index, terms, storage, abort }: Work,
  { why, isUrgent = false }: { why: Exclude<Interruption, "deadline">; isUrgent?: boolean },
): void {
  const task = leased.latest.value.tasks[index];
  const isNow = isUrgent || why === "lease_lost" ||
    mayBreakOff(task, { why, terms, isStoring: storage.isTaking() });
  if (isNow) abort.abort(why);
}

async function run(work: Work): Promise<void> {
  try {
    let move = await takeUp(work);
    while (move.do !== "leave") move = await perform(work, move);
    await withdrawSources(work);
  } finally {
    clearTimeout(work.deadline);
  }
}

/** What can't be taken away now is swept later. */
async function withdrawSources({ sources, leased, index, offer: { model }, log }: Work): Promise<void> {
  const { id: promptId, request: { edit }, tasks } = leased.latest.value;
  if (edit === undefined || model.edit?.sources.by !== "address" || !isOver(tasks[index])) return;
  try {
    await sources.withdraw({ promptId, task: index }, edit.sources.length);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    log("warn", "sources_not_withdrawn", { promptId, error });
  }
}

async function takeUp(work: Work): Promise<Move> {
  const task = work.leased.latest.value.tasks[work.index];
  if (work.isBegun && task.state === "submitting") return { do: "submit", at: task.submittedAt };
  return await advance(work, { type: "taken_up", at: work.store.now() });
}

/** Writes what follows from the event, tells whoever should know, and says what is to be done next. */
async function advance(work: Work, event: TaskEvent, images: NewImage[] = []): Promise<Move> {
  const { terms, isInDoubt } = work;
  const next = (task: Task, prompt: Parameters<typeof step>[2]["prompt"]) =>
    step(task, event, { prompt, terms, isStopping: work.isStopping(), isInDoubt });
  const written = await work.leased.changeTask(work.index, next, images);
  for (const note of written?.notes ?? []) tell(work, note);
  return written?.move ?? { do: "leave" };
}

function tell({ leased, offer, ...work }: Work, note: Note): void {
  const { id: promptId, request } = leased.latest.value;
  switch (note.type) {
    case "finished":
      if (note.tookMs !== null) work.taskDurations.note(request.model, note.tookMs);
      return work.health.note(offer.provider.id, null);
    case "failed": {
      const { reason, outcome, message: said } = note.failure;
      work.log("warn", "task_failed", { promptId, reason, outcome, said });
      return work.health.note(offer.provider.id, reason);
    }
    case "retry":
      return work.onRetry(note.afterMs);
  }
}

async function perform(work: Work, move: Move): Promise<Move> {
  const { offer: { model, provider }, context } = work;
  const now = work.store.now();
  switch (move.do) {
    case "submit":
      return await submit(work, move);
    case "resume":
      armDeadline(work, Math.max(deadlineOf(work, move), now + lateLookMs));
      work.progress.generating(work.index, { model, since: move.since });
      return await follow(work, () => provider.resume!(move.handle, textOf(work), context));
    case "await_call": {
      work.isInDoubt = true;
      armDeadline(work, deadlineOf(work, move));
      const callback = context.callback!;
      return await follow(work, () => provider.await!(textOf(work), { ...context, callback }));
    }
    case "finish_received":
      return await finishReceived(work, move.received, nothingUnwritten());
    case "ask_to_stop": {
      const answer = await provider.cancel?.(move.handle);
      return await advance(work, { type: "stop_answered", isBilled: answer !== "not_billed" });
    }
    case "go_on":
    case "leave":
      return move;
  }
}

async function submit(work: Work, { at }: { at: number }): Promise<Move> {
  const { offer: { model, provider }, index, progress, leased } = work;
  // Nothing was sent, so nothing is left in doubt.
  if (work.isStopping()) return await advance(work, { type: "not_sent" });
  armDeadline(work, at + model.deadlineMs);
  progress.submitting();
  // Where the call is the generation, nothing tells when the one becomes the other.
  if (provider.resume === undefined) progress.generating(index, { model, since: at });
  const task = await requestOf(work);
  if (task instanceof ProviderFailure) return await advance(work, { type: "failed", failure: task });
  // Whoever has taken it over has to say that nobody knows whether it was submitted, and then nobody may.
  if (!await leased.isStillOurs()) return await advance(work, { type: "not_sent" });
  return await follow(work, () => provider.generate(task, work.context));
}

/** With the pictures that are to be changed; a failure where they can't be read: then nothing was sent. */
async function requestOf(work: Work): Promise<TaskRequest | ProviderFailure> {
  const { leased, index, blobs, decoding, sources, offer: { model } } = work;
  const { id: promptId, request: { edit } } = leased.latest.value;
  const ability = model.edit;
  if (edit === undefined) return textOf(work);
  if (ability === null) {
    return new ProviderFailure("source_refused", "the model takes no pictures", { outcome: "not_created" });
  }
  const offer = ability.sources.by === "address"
    ? (source: number, picture: OfferedPicture) => sources.offer({ promptId, task: index, source }, picture)
    : null;
  try {
    return { ...textOf(work), edit: await decoding(() => prepareEdit(blobs, { edit, ability, offer })) };
  } catch (error) {
    if (error instanceof MissingSource) {
      return new ProviderFailure("source_missing", error.message, { outcome: "not_created", cause: error });
    }
    if (!(error instanceof Refusal) || error.code !== "unavailable") throw error;
    const details = { outcome: "not_created" as const, isRetryable: true, cause: error };
    return new ProviderFailure("source_missing", error.message, details);
  }
}

function textOf({ leased, index, taskKey, offer: { model } }: Work): TaskRequest {
  return requestOfTask(leased.latest.value, { index, taskKey, model });
}

/** A clock that was set back since does not put it off. */
function deadlineOf({ store, offer }: Work, { since }: { since: number }): number {
  return Math.min(since, store.now()) + offer.model.deadlineMs;
}

/** What is being stored is there, so the deadline, which is the provider's, is put off. */
function armDeadline(work: Work, at: number): void {
  clearTimeout(work.deadline);
  const { store, storage, abort } = work;
  work.deadline = setTimeout(() => {
    if (storage.isBusy()) armDeadline(work, store.now() + lateLookMs);
    else abort.abort("deadline" satisfies Interruption);
  }, Math.max(0, at - store.now()));
}

type Heard = ProviderEvent | Extract<TaskEvent, { type: "failed" | "broken_off" }>;

/** What has come of a task since it is followed and is not written yet. */
interface Unwritten {
  images: NewImage[];
  /** Of pictures that are still to be put into what they change. */
  received: ReceivedPicture[];
  trouble: FailureReason | null;
  said: string | null;
}

function nothingUnwritten(): Unwritten {
  return { images: [], received: [], trouble: null, said: null };
}

/** From the call to the provider until it has said all, with what is stored and written meanwhile. */
function follow(work: Work, open: () => AsyncIterable<ProviderEvent>): Promise<Move> {
  const { store: { tracing }, offer: { provider, model }, index, leased } = work;
  const attributes = {
    provider: provider.id,
    model: model.id,
    task: index,
    state: leased.latest.value.tasks[index].state,
  };
  return tracing.span("provider", { attributes }, () => followTask(work, open));
}

async function followTask(work: Work, open: () => AsyncIterable<ProviderEvent>): Promise<Move> {
  const unwritten = nothingUnwritten();
  for await (const heard of hear(work, open)) {
    work.onHeard();
    const move = await take(work, heard, unwritten);
    if (move.do !== "go_on") return move;
  }
  throw new Error(`The provider ended task ${work.taskKey} without a result`);
}

/** The provider's events, and as the last of them its failure or that the task was broken off. */
async function* hear(
  { abort: { signal } }: Work,
  open: () => AsyncIterable<ProviderEvent>,
): AsyncGenerator<Heard> {
  try {
    yield* open();
  } catch (error) {
    if (!signal.aborted && !(error instanceof ProviderFailure)) throw error;
    if (!signal.aborted) yield { type: "failed", failure: error as ProviderFailure };
  }
  if (signal.aborted) yield { type: "broken_off", by: signal.reason };
}

async function take(work: Work, heard: Heard, unwritten: Unwritten): Promise<Move> {
  const { index, progress, offer: { model }, store } = work;
  const isLast = heard.type === "done" || heard.type === "failed" || heard.type === "broken_off";
  if (!isLast && unwritten.images.length > 0) {
    const move = await writePictures(work, unwritten);
    if (move.do !== "go_on") return move;
  }
  switch (heard.type) {
    case "submitted": {
      const move = await advance(work, { ...heard, at: store.now() });
      if (move.do === "go_on") progress.generating(index, { model, since: store.now() });
      return move;
    }
    case "progress":
      if (heard.fraction !== null) progress.fraction(index, heard.fraction);
      return { do: "go_on" };
    case "preview":
      progress.preview(index, heard);
      return { do: "go_on" };
    case "image":
      return await takePicture(work, heard, unwritten);
    case "done": {
      progress.done(index);
      if (unwritten.received.length === 0) {
        return await finish(work, { ...unwritten, cost: heard.cost, note: heard.note });
      }
      const received = { pictures: unwritten.received, cost: heard.cost, note: heard.note };
      const move = await advance(work, { type: "received", received });
      return move.do === "go_on" ? await finishReceived(work, received, unwritten) : move;
    }
    case "failed":
      await putInPlace(work, unwritten);
      if (unwritten.images.length > 0) await writePictures(work, unwritten);
      return await advance(work, heard);
    case "broken_off":
      return await advance(work, heard);
  }
}

function writePictures(work: Work, unwritten: Unwritten): Promise<Move> {
  const { images } = unwritten;
  unwritten.images = [];
  return advance(work, { type: "stored", imageIds: idsOf(images) }, images);
}

async function takePicture(
  work: Work,
  picture: Extract<ProviderEvent, { type: "image" }>,
  unwritten: Unwritten,
): Promise<Move> {
  work.progress.storing();
  const stored = await work.storage.store(picture);
  switch (stored.type) {
    case "stored":
      unwritten.images.push(stored.image);
      return { do: "go_on" };
    case "received":
      unwritten.received.push(stored.picture);
      return { do: "go_on" };
    case "broken_off":
      return await advance(work, stored);
    case "trouble":
      unwritten.trouble = stored.reason;
      unwritten.said = stored.said;
      return stored.isLast ? await finish(work, { ...unwritten, cost: null }) : { do: "go_on" };
  }
}

/** What the provider made is put into what it changes; that it is done was written. */
async function finishReceived(work: Work, received: Received, unwritten: Unwritten): Promise<Move> {
  const { pictures, cost, note } = received;
  work.progress.storing();
  unwritten.received = pictures;
  const brokenOff = await putInPlace(work, unwritten);
  if (brokenOff !== null) return await advance(work, brokenOff);
  return await finish(work, { ...unwritten, cost, note });
}

/** Null: all was tried. */
async function putInPlace(
  work: Work,
  unwritten: Unwritten,
): Promise<Extract<Stored, { type: "broken_off" }> | null> {
  const pictures = unwritten.received;
  unwritten.received = [];
  for (const picture of pictures) {
    const stored = await work.storage.finish(picture);
    if (stored.type === "broken_off") return stored;
    if (stored.type === "stored") unwritten.images.push(stored.image);
    if (stored.type === "trouble") Object.assign(unwritten, { trouble: stored.reason, said: stored.said });
  }
  return null;
}

function finish(
  work: Work,
  { images, trouble, said, cost, note }:
    & Omit<Unwritten, "received">
    & Omit<Extract<ProviderEvent, { type: "done" }>, "type">,
): Promise<Move> {
  const at = work.store.now();
  return advance(work, { type: "finished", at, imageIds: idsOf(images), cost, trouble, said, note }, images);
}

function idsOf(images: NewImage[]): string[] {
  return images.map(({ id }) => id);
}
