/**
 * A prompt: one accepted request for images and how it went. The states are a discriminated union, so that a failed
 * prompt without a reason, or a final one that still waits, cannot be written. What was asked for
 * (`request`) never changes; everything else changes only through `writePrompt` in `prompt_store.ts`.
 */
import { type Charge, noCharge, type PriceRow } from "../money/charge.ts";
import type { Outcome } from "../money/ledger.ts";
import type { FailureReason, ProviderCost, SourceRole, TaskHandle, TaskType } from "../catalog/provider.ts";
import type { RemixOf } from "../publications/remixes.ts";
import type { Frame, Rect } from "../size.ts";

export const promptStatuses = ["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"] as const;
export type PromptStatus = (typeof promptStatuses)[number];

export interface Failure {
  reason: FailureReason;
  /** For people. */
  message: string;
  /** What the provider said, cut and cleaned of keys; text that is not ours. */
  detail: string | null;
}

/** What was asked for, checked and complete; also what a retry asks for again. */
export interface PromptRequest {
  taskType: TaskType;
  text: string;
  model: string;
  /** "WIDTHxHEIGHT" in pixels: what is stored in the end. */
  imageSize: string;
  /** Pictures wanted, 1–8. */
  count: number;
  watermark: string | null;
  options: { seed?: number; negativePrompt?: string; guidance?: number; steps?: number };
  /** Absent for a picture from words alone. */
  edit?: Edit;
  /** What of somebody else's it goes back to; absent where it is one's own. */
  remixOf?: RemixOf;
}

/** Where pictures go when they arrive; the tags are folded. */
export interface Filing {
  boardId: string | null;
  tags: string[];
}

/** The version of a recipe that something is made with. */
export interface RecipeUse {
  recipeId: string;
  version: number;
}

/** What is changed, and how it is sent: fixed at acceptance, so that every attempt sends the same. */
export interface Edit {
  /** The base first, where there is one. */
  sources: Source[];
  /** `imageId` is the picture that it was made for, with which it goes; `feather` in pixels, inward. */
  mask: { maskId: string; imageId: string; feather: number } | null;
  frame: Frame | null;
  /** The rest stays as it is, pixel for pixel; only with a mask or a frame. */
  isRestKept: boolean;
  /** 0 keeps all, 1 nothing; null: as the model does by itself. */
  strength: number | null;
  /** "WIDTHxHEIGHT" that the provider is asked for, and that is paid for. */
  askedSize: string;
  /**
   * The part of the canvas (the base with its frame) that is sent and put back; null: the whole base. It may reach
   * beyond the canvas, where its edges are mirrored.
   */
  area: Rect | null;
}

/** A picture that was given to a prompt, as it was then. */
export interface Source {
  imageId: string;
  role: SourceRole;
  /** Of its stored bytes, hexadecimal. */
  sha256: string;
  /** In pixels. */
  width: number;
  height: number;
  /** The prompt that made it; null: it was uploaded. */
  promptId: string | null;
}

/** The picture that is changed, if there is one. */
export function baseOf({ sources }: Pick<Edit, "sources">): Source | null {
  return sources.find(({ role }) => role === "base") ?? null;
}

/**
 * One task at the provider. `submitting` is written before the provider is called and `running` as soon as its
 * handle is known, so a restart can tell a task that surely does not exist from one that may.
 */
export type Task =
  & {
    count: number;
    images: PromptImage[];
    /** Made, and still to be put into what it changes: nothing more is asked of the provider. */
    received?: Received;
  }
  & (
    | { state: "waiting" }
    | { state: "submitting"; submittedAt: number }
    | { state: "running"; submittedAt: number; handle: TaskHandle | null }
    /**
     * `tookMs` from its submission, in milliseconds, where that is known; `note` is what people should know about what
     * came, where there is something.
     */
    | { state: "done"; charge: Charge; tookMs?: number; note?: string }
    | { state: "failed"; charge: Charge; failure: Failure }
  );

/** A picture that a task produced; a deleted one stays named, so the prompt still tells what it made. */
export interface PromptImage {
  id: string;
  isDeleted: boolean;
  /** It is all that the provider made where the named picture keeps the rest: free, and no picture more. */
  wholeOf?: string;
  /** It was finished when the books were closed already, in which it is missing. */
  isLate?: true;
}

/** All that came of a task. */
export interface Received {
  pictures: ReceivedPicture[];
  /** As the provider told it. */
  cost: ProviderCost | null;
  note?: string;
}

/** A picture that the provider made, before it was put into the one that it changes. */
export interface ReceivedPicture {
  /** The id that the picture will have; its original is stored already. */
  imageId: string;
  contentType: string;
  seed: number | null;
}

interface PromptFacts {
  id: string;
  userId: string;
  /** The user's prompts are numbered from 1 in the order in which they were accepted. */
  sequence: number;
  batchId: string | null;
  /** It goes with others in a lot: it stands in no queue. */
  lane?: "economy";
  /** The lot that it is in; nobody runs it. */
  lotId?: string;
  /** Its place in its user's queue, the smallest first; several may share one. Whoever moves it gives it another. */
  rank: number;
  /** Of its batch, the row that it was, counted from 1; absent where there is none. */
  row?: number;
  request: PromptRequest;
  /** Absent where nothing was said. */
  filing?: Filing;
  /** Absent where it was made without one. The recipe may be gone by now. */
  recipe?: RecipeUse;
  /** The span that it came with, as W3C's `traceparent`; absent where nothing was traced then. */
  trace?: string;
  /** Set aside at acceptance, in micro-dollars; released in full when the charge is booked. */
  holdMicros: number;
  /** What its row was set aside with, where it went on at another price. */
  rowMicros?: number;
  /** The row that the hold was computed from, kept so that a later price change cannot alter this prompt's. */
  priceRow: PriceRow | null;
  createdAt: number;
  updatedAt: number;
  /** The fence: counts the leases given out; a worker that holds an older one cannot write. */
  leaseNumber: number;
  /** Times the process died while this prompt ran and made no progress that was stored. */
  crashes: number;
  /** Submissions that were known to create nothing, so far. */
  retries: number;
  tasks: Task[];
}

interface FinalFacts {
  finishedAt: number;
}

export type PendingPrompt = PromptFacts & {
  status: "PENDING";
  /** Not before this time, after a failure that is tried again; null: as soon as it is its turn. */
  readyAt: number | null;
};
export type ProcessingPrompt = PromptFacts & { status: "PROCESSING" };
export type CompletedPrompt = PromptFacts & FinalFacts & {
  status: "COMPLETED";
  /** What is missing, where fewer pictures came than were asked for. */
  failure: Failure | null;
};
export type FailedPrompt = PromptFacts & FinalFacts & { status: "FAILED"; failure: Failure };
export type CancelledPrompt = PromptFacts & FinalFacts & {
  status: "CANCELLED";
  /** True while what the provider bills is not known yet; the hold stays until then. */
  isChargeDue: boolean;
};
export type FinalPrompt = CompletedPrompt | FailedPrompt | CancelledPrompt;
export type Prompt = PendingPrompt | ProcessingPrompt | FinalPrompt;

/** Batches' rows stand behind all single prompts. */
export const batchRankBase = 2 ** 30;

/** The rank that a prompt is accepted with. */
export function firstRank({ sequence, batchId }: Pick<Prompt, "sequence" | "batchId">): number {
  return batchId === null ? sequence : batchRankBase + sequence;
}

/** The pictures that it was given, each once. */
export function sourceIdsOf({ request: { edit } }: Pick<Prompt, "request">): string[] {
  return [...new Set(edit?.sources.map(({ imageId }) => imageId))];
}

/** The pictures that must stay until it is final: those, and the one that its mask goes with. */
export function neededIdsOf(prompt: Pick<Prompt, "request">): string[] {
  const { edit } = prompt.request;
  return [...new Set([...sourceIdsOf(prompt), ...edit?.mask ? [edit.mask.imageId] : []])];
}

export function isFinal(prompt: Prompt): prompt is FinalPrompt {
  return prompt.status === "COMPLETED" || prompt.status === "FAILED" || prompt.status === "CANCELLED";
}

/** A worker has something to do for it: it runs, or its charge is not known yet. What is in a lot goes with that. */
export function isLeased(prompt: Prompt): boolean {
  if (prompt.lotId !== undefined) return false;
  return prompt.status === "PROCESSING" || (prompt.status === "CANCELLED" && prompt.isChargeDue);
}

/** The hold counts against the budget until the ledger entry is written. */
export function isHeld(prompt: Prompt): boolean {
  return !isFinal(prompt) || (prompt.status === "CANCELLED" && prompt.isChargeDue);
}

/** Milliseconds from acceptance to the final state; null while it is not final. */
export function durationMs(prompt: Prompt): number | null {
  return isFinal(prompt) ? prompt.finishedAt - prompt.createdAt : null;
}

/**
 * How it ended, for the statistics, with so many pictures that are worth keeping. What goes in a lot waits for company,
 * so how long that took says nothing of its model.
 */
export function outcomeOf(prompt: FinalPrompt, { keepers }: { keepers: number }): Outcome {
  const { status } = prompt;
  const isTimed = status === "COMPLETED" && prompt.lane === undefined;
  return {
    status,
    reason: status === "FAILED" ? prompt.failure.reason : null,
    tookMs: isTimed ? durationMs(prompt) : null,
    keepers,
  };
}

/** All pictures that the prompt produced, the deleted ones among them, in the order of its tasks. */
export function imagesOf({ tasks }: { tasks: readonly Pick<Task, "images">[] }): PromptImage[] {
  return tasks.flatMap(({ images }) => images);
}

/** The pictures that were asked for, without what is shown beside one that keeps the rest. */
export function answersOf({ tasks }: { tasks: readonly Pick<Task, "images">[] }): PromptImage[] {
  return imagesOf({ tasks }).filter(({ wholeOf }) => wholeOf === undefined);
}

/** Those that count in the books. */
export function madeBy({ tasks }: { tasks: readonly Pick<Task, "images">[] }): PromptImage[] {
  return imagesOf({ tasks }).filter(({ wholeOf, isLate }) => wholeOf === undefined && !isLate);
}

/** Of pictures whose bytes are there, and which are still to be put into what they change. */
export function receivedIdsOf({ tasks }: Pick<Prompt, "tasks">): string[] {
  return tasks.flatMap(({ received }) => received?.pictures ?? []).map(({ imageId }) => imageId);
}

/** Those that are not deleted. */
export function shownImageIds(prompt: Prompt): string[] {
  return imagesOf(prompt).filter(({ isDeleted }) => !isDeleted).map(({ id }) => id);
}

/** The task with more pictures, all of which are there. */
export function withImages<T extends Task>(task: T, imageIds: readonly string[]): T {
  return { ...task, images: task.images.concat(imageIds.map((id) => ({ id, isDeleted: false }))) };
}

/** The prompt with one of its pictures marked as deleted, or brought back. */
export function withMark<P extends Prompt>(
  prompt: P,
  { imageId, isDeleted }: { imageId: string; isDeleted: boolean },
): P {
  const mark = (image: PromptImage) => image.id === imageId ? { ...image, isDeleted } : image;
  return { ...prompt, tasks: prompt.tasks.map((task) => ({ ...task, images: task.images.map(mark) })) };
}

/** What every state of a prompt has, without what only its present state has. */
function facts(prompt: Prompt): PromptFacts {
  const {
    id,
    userId,
    sequence,
    batchId,
    lane,
    lotId,
    rank,
    row,
    request,
    filing,
    recipe,
    trace,
    holdMicros,
    rowMicros,
    priceRow,
    createdAt,
    updatedAt,
    leaseNumber,
    crashes,
    retries,
    tasks,
  } = prompt;
  return {
    id,
    userId,
    sequence,
    batchId,
    ...(lane !== undefined && { lane }),
    ...(lotId !== undefined && { lotId }),
    rank,
    ...(row !== undefined && { row }),
    request,
    ...(filing && { filing }),
    ...(recipe && { recipe }),
    ...(trace !== undefined && { trace }),
    holdMicros,
    ...(rowMicros !== undefined && { rowMicros }),
    priceRow,
    createdAt,
    updatedAt,
    leaseNumber,
    crashes,
    retries,
    tasks,
  };
}

export function toPending(
  prompt: ProcessingPrompt,
  { readyAt, at }: { readyAt: number | null; at: number },
): PendingPrompt {
  return { ...facts(prompt), status: "PENDING", readyAt, updatedAt: at };
}

export function toProcessing(
  prompt: PendingPrompt | ProcessingPrompt,
  { at }: { at: number },
): ProcessingPrompt {
  return { ...facts(prompt), status: "PROCESSING", leaseNumber: prompt.leaseNumber + 1, updatedAt: at };
}

/** What a prompt whose tasks are all final has come to: `COMPLETED` with at least one picture, else `FAILED`. */
export function toOutcome(prompt: ProcessingPrompt, { at }: { at: number }): CompletedPrompt | FailedPrompt {
  const failure = prompt.tasks.find((task) => task.state === "failed")?.failure ?? null;
  const final = { ...facts(prompt), updatedAt: at, finishedAt: at };
  if (imagesOf(prompt).length > 0) return { ...final, status: "COMPLETED", failure };
  if (failure === null) throw new Error(`Prompt ${prompt.id} has neither a picture nor a failure`);
  return { ...final, status: "FAILED", failure };
}

/** A prompt that never began, and costs nothing. */
export function toRefused(
  prompt: PendingPrompt,
  { at, failure }: { at: number; failure: Failure },
): FailedPrompt {
  const tasks = prompt.tasks.map(({ count, images }): Task => (
    { state: "failed", count, images, charge: noCharge, failure }
  ));
  return { ...facts(prompt), tasks, status: "FAILED", failure, updatedAt: at, finishedAt: at };
}

export function toCancelled(
  prompt: PendingPrompt | ProcessingPrompt,
  { at, isChargeDue }: { at: number; isChargeDue: boolean },
): CancelledPrompt {
  return { ...facts(prompt), status: "CANCELLED", updatedAt: at, finishedAt: at, isChargeDue };
}

/** A final prompt after pictures that were received have been finished: those named are there now. */
export function toFinished(
  prompt: FinalPrompt,
  { imageIds, at }: { imageIds: readonly string[]; at: number },
): CompletedPrompt {
  const tasks = prompt.tasks.map((task): Task => {
    const { received, ...rest } = task;
    const arrived = (received?.pictures ?? []).filter(({ imageId }) => imageIds.includes(imageId));
    if (arrived.length === 0 || !("charge" in rest)) return task;
    const late = arrived.map(({ imageId }): PromptImage => ({ id: imageId, isDeleted: false, isLate: true }));
    const { count, images, charge } = rest;
    return { state: "done", count, images: [...images, ...late], charge };
  });
  const failure = tasks.find((task) => task.state === "failed")?.failure ?? null;
  const final = { ...facts(prompt), tasks, updatedAt: at, finishedAt: prompt.finishedAt };
  return { ...final, status: "COMPLETED", failure };
}
