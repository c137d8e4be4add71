/** A person's own queue: what runs, and what waits in the order in which it starts. */
import { listBatchesWithWork } from "../batches/batch_store.ts";
import { countEntries } from "../store/counted_list.ts";
import type { Prompt } from "../prompts/prompt.ts";
import { listPromptIds, readPrompts } from "../prompts/prompt_store.ts";
import { type Pause, pauseOf, readPauses } from "../prompts/pause.ts";
import { listWaiting, type WaitingPrompt } from "../prompts/queue.ts";
import { lists } from "../store/schema.ts";
import type { Store, Versioned } from "../store/store.ts";
import type { TaskDurations } from "../work/task_durations.ts";
import { type PromptView, type ViewDeps, viewPrompts } from "./prompt_view.ts";
import { estimateStarts } from "./queue_estimates.ts";

export interface OwnQueue {
  /** Oldest first, those that went in lots behind the others; as many as are shown. */
  running: PromptView[];
  runningCount: number;
  /** The next first, as many as are shown. */
  waiting: WaitingView[];
  /** All that wait, those that are tried again later among them. */
  waitingCount: number;
  /** Batches that go on: those of which rows wait, and those of which rows are still to come. */
  batches: WaitingBatch[];
  /** What is set aside for all that wait, and for rows that are still to come. */
  holdMicros: number;
}

export interface WaitingBatch {
  id: string;
  name: string;
  /** Rows that are no prompts yet. */
  rowsToCome: number;
}

export interface WaitingView {
  view: PromptView;
  /** 1 starts next; null: it waits to be tried again. */
  place: number | null;
  /** Milliseconds until it starts, from earlier runs; null where nobody can tell. */
  startsInMs: number | null;
}

export interface OwnQueueDeps extends ViewDeps {
  taskDurations: Pick<TaskDurations, "expectedMs">;
  userConcurrency: number;
}

/** More are counted, and shown once those before them have started. */
const shown = 200;

export async function viewOwnQueue(deps: OwnQueueDeps, userId: string): Promise<OwnQueue> {
  const { store } = deps;
  const [running, { line, delayed }, pauses, batches] = await Promise.all([
    listPromptIds(store, { userId, status: "PROCESSING" }).then((ids) => readPrompts(store, ids)),
    readLine(store, userId),
    readPauses(store),
    listBatchesWithWork(store, { userId }),
  ]);
  const first = line.slice(0, shown);
  const later = delayed.slice(0, shown);
  const prompts = await readPrompts(store, [...first, ...later].map(({ promptId }) => promptId));
  const isInLot = ({ value }: Versioned<Prompt>) => value.lotId !== undefined;
  const shownRunning = [...running.filter((found) => !isInLot(found)), ...running.filter(isInLot)].slice(
    0,
    shown,
  );
  const [runningViews, views] = await Promise.all([
    viewPrompts(deps, shownRunning),
    viewPrompts(deps, prompts),
  ]);
  const startsIn = await startsOf(deps, { running: runningViews, line: first, pauses });
  const places = new Map(first.map(({ promptId }, i) => [promptId, i]));
  const waiting = views.filter(({ prompt }) => prompt.status === "PENDING").map((view): WaitingView => {
    const place = places.get(view.prompt.id);
    if (place === undefined) return { view, place: null, startsInMs: null };
    return { view, place: place + 1, startsInMs: startsIn[place] };
  });
  return {
    running: runningViews.filter(({ prompt }) => prompt.status === "PROCESSING"),
    runningCount: running.length,
    waiting,
    waitingCount: line.length + delayed.length,
    batches: batches.map(({ value: { id, name, rows, next, state } }) => (
      { id, name, rowsToCome: state === "RUNNING" || state === "PAUSED" ? rows - next : 0 }
    )),
    holdMicros: [...line, ...delayed].reduce((sum, { holdMicros }) => sum + holdMicros, 0) +
      batches.reduce((sum, { value }) => sum + value.reserveMicros, 0),
  };
}

/** The same for programs, from the index alone. */
export interface QueueLine {
  running: Prompt[];
  line: WaitingPrompt[];
  /** Those that wait to be tried again. */
  delayed: WaitingPrompt[];
}

export async function readQueueLine(store: Store, userId: string): Promise<QueueLine> {
  const [running, waiting] = await Promise.all([
    listPromptIds(store, { userId, status: "PROCESSING" }).then((ids) => readPrompts(store, ids)),
    readLine(store, userId),
  ]);
  return { running: running.map(({ value }) => value), ...waiting };
}

async function readLine(store: Store, userId: string): Promise<Omit<QueueLine, "running">> {
  const pending = lists.promptsByStatus(userId, "PENDING");
  const [line, count] = await Promise.all([listWaiting(store, { userId }), countEntries(store.kv, pending)]);
  if (count <= line.length) return { line, delayed: [] };
  const inLine = new Set(line.map(({ promptId }) => promptId));
  const ids = await listPromptIds(store, { userId, status: "PENDING" });
  const others = await readPrompts(store, ids.filter((id) => !inLine.has(id)));
  return { line, delayed: others.flatMap(asDelayed) };
}

function asDelayed({ value }: Versioned<Prompt>): WaitingPrompt[] {
  if (value.status !== "PENDING" || value.readyAt === null) return [];
  const { id: promptId, userId, rank, batchId, holdMicros, request: { model } } = value;
  return [{ promptId, userId, rank, batchId, holdMicros, model }];
}

async function startsOf(
  deps: OwnQueueDeps,
  { running, line, pauses }: { running: PromptView[]; line: WaitingPrompt[]; pauses: Pause[] },
): Promise<(number | null)[]> {
  // What went in a lot keeps nothing else from starting.
  const inSlots = running.filter(({ prompt }) => prompt.lotId === undefined);
  const models = new Set([
    ...inSlots.map(({ prompt }) => prompt.request.model),
    ...line.map(({ model }) => model),
  ]);
  const expected = new Map(
    await Promise.all(
      Array.from(models, async (model) => [model, await deps.taskDurations.expectedMs(model)] as const),
    ),
  );
  const isPaused = ({ userId, batchId, model }: WaitingPrompt) => {
    const providerId = deps.models.find(model)?.provider.id ?? null;
    return pauseOf(pauses, { userId, batchId, providerId }) !== null;
  };
  return estimateStarts({
    slots: deps.userConcurrency,
    running: inSlots.map(({ prompt, progress }) =>
      progress?.remainingMs ?? expected.get(prompt.request.model) ?? null
    ),
    waiting: line.map((prompt) => ({
      tookMs: expected.get(prompt.model) ?? null,
      isPaused: isPaused(prompt),
    })),
  });
}
