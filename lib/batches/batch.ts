/**
 * A batch: many rows that were accepted together, under one ceiling. Its rows become prompts late, a few at a time, and
 * from then on they are prompts like any other. What a batch may still cost is set aside for it as its reserve; the hold
 * of each prompt is taken out of that. Nothing is done here: from what a batch is and what happened to what it is next.
 *
 * After every step `reserveMicros` is what its rows that are no prompts yet can cost, within what the limit leaves.
 * So what a prompt cost less than its hold is there for the rows that follow, and a batch that is over has no reserve.
 */
import type { PriceRow } from "../money/charge.ts";

export const batchStates = ["RUNNING", "PAUSED", "STOPPED", "DONE"] as const;
export type BatchState = (typeof batchStates)[number];

/** Why it is stopped, or paused by something else than its owner (`provider`). */
export const batchReasons = ["limit", "stars", "deadline", "cancelled", "provider"] as const;
export type BatchReason = (typeof batchReasons)[number];

/** `economy` waits for up to a day at a lower price. */
export type Lane = "now" | "economy";

/** Values of one setting, each of which is tried; two of them make a table. */
export interface Axis {
  /** The name of the field, such as "model". */
  field: string;
  values: string[];
}

export interface BatchCounts {
  /** Prompts by how they ended. */
  completed: number;
  failed: number;
  cancelled: number;
  /** Pictures that came, the deleted ones among them. */
  images: number;
  /** Pictures with a star, those that were deleted with it among them. */
  stars: number;
}

export interface Batch {
  id: string;
  userId: string;
  /** The user's batches are numbered from 1 in the order in which they were accepted. */
  sequence: number;
  name: string;
  state: BatchState;
  /** Null while it runs, when it is done, and while its owner has paused it. */
  reason: BatchReason | null;
  rows: number;
  /** Pictures wanted in all. */
  images: number;
  /** So many rows are prompts; it never gets less. */
  next: number;
  /** Where the first row that is no prompt yet begins in its blob, in bytes. */
  nextByte: number;
  /** Rows, numbered from 1, whose prompts are not final. */
  open: number[];
  /** What all of its rows can cost, by the prices of its acceptance. */
  mostMicros: number;
  /** What it may cost at most; null: what its rows can cost. */
  limitMicros: number | null;
  /** Set aside for rows that are no prompts yet. */
  reserveMicros: number;
  /** The most that those rows can cost. */
  remainingMicros: number;
  /** The holds of its prompts. */
  heldMicros: number;
  chargedMicros: number;
  /** By model and size, as they were at acceptance. */
  priceRows: PriceRow[];
  lane: Lane;
  /** What the economy lane could not do is done at the full price, as far as the limit allows. */
  fallback: "full price" | null;
  /** No row is begun after this time. */
  deadline: number | null;
  /** It stops when so many of its pictures have a star. */
  stopAtStars: number | null;
  counts: BatchCounts;
  /** How often in a row a provider has refused its prompts for key, credit or rate. */
  refusalsInRow: { [provider: string]: number };
  /** Why it was paused for `provider`, for people. */
  providerWords: string | null;
  /** It was cancelled with all that waited in its user's queue: what runs of it goes on. */
  isRunningKept?: true;
  axes: Axis[] | null;
  createdAt: number;
  updatedAt: number;
  /** When it stopped or was done. */
  finishedAt: number | null;
}

/** What one prompt is to its batch. */
export interface Part {
  row: number;
  /** 0 once its charge is known. */
  heldMicros: number;
  chargedMicros: number;
  /** Null: not final. */
  outcome: "completed" | "failed" | "cancelled" | null;
  images: number;
}

/** Why a provider took none of a prompt's tasks, where that will be so for others too. */
export interface ProviderRefusal {
  provider: string;
  /** For people. */
  words: string;
}

export type BatchEvent =
  /** Its next row, so many bytes of its blob, became a prompt; one that was refused is final already. */
  | { type: "row_started"; holdMicros: number; bytes: number; part: Part }
  /** What its next row can cost is more than it may spend, and nothing runs that could give some back. */
  | { type: "none_fits"; holdMicros: number }
  /** One of its prompts changed; `refusal` where it failed by one, `isTaken` where its provider worked for it. */
  | {
    type: "prompt_changed";
    before: Part;
    after: Part;
    refusal: ProviderRefusal | null;
    takenBy: string | null;
  }
  /** A charge that was in doubt was put right by so much. */
  | { type: "charge_corrected"; costMicros: number }
  | { type: "stars_changed"; by: number }
  | { type: "limit_set"; limitMicros: number | null }
  | { type: "paused" }
  | { type: "resumed" }
  /** With `isRunningKept` no more than what waits of it. */
  | { type: "cancelled"; isRunningKept?: true }
  | { type: "deadline_passed" };

/** After so many refusals in a row it waits for somebody to look. */
export const mostRefusals = 10;

/** What it is after that; null where it is not so that this could happen. */
export function step(batch: Batch, event: BatchEvent, at: number): Batch | null {
  const after = next(batch, event, at);
  return after && balanced(concluded({ ...after, updatedAt: at }, at));
}

function next(batch: Batch, event: BatchEvent, at: number): Batch | null {
  switch (event.type) {
    case "row_started":
      return rowStarted(batch, event);
    case "none_fits":
      return noneFits(batch, event, at);
    case "prompt_changed":
      return promptChanged(batch, event);
    case "charge_corrected":
      return { ...batch, chargedMicros: batch.chargedMicros + event.costMicros };
    case "stars_changed":
      return starsChanged(batch, event, at);
    case "limit_set":
      return limitSet(batch, event);
    case "paused":
      return batch.state === "RUNNING" ? { ...batch, state: "PAUSED", reason: null } : null;
    case "resumed":
      return batch.state === "PAUSED" ? running(batch) : null;
    case "cancelled":
      return cancelled(batch, event, at);
    case "deadline_passed":
      return isGoingOn(batch) && isPastDeadline(batch, at)
        ? stopped(batch, { reason: "deadline", at })
        : null;
  }
}

/** Not over: rows of it may still become prompts, or those that did are not final. */
export function isGoingOn({ state }: Batch): boolean {
  return state === "RUNNING" || state === "PAUSED";
}

export function isPastDeadline({ deadline }: Batch, at: number): boolean {
  return deadline !== null && deadline <= at;
}

/** Those of its prompts that wait must not be begun. */
export function isHalted({ state, open }: Batch): boolean {
  return state === "PAUSED" || (state === "STOPPED" && open.length > 0);
}

/** Somebody has to begin its rows, to watch its deadline, or to end what waits after a stop. */
export function needsWork(batch: Batch): boolean {
  return isGoingOn(batch) || (batch.state === "STOPPED" && batch.open.length > 0);
}

/** Its next row may become a prompt now, with at most `window` that are not final. */
export function mayStartRow(batch: Batch, { window }: { window: number }): boolean {
  return batch.state === "RUNNING" && batch.next < batch.rows && batch.open.length < window;
}

/** All that is set aside for it. */
export function setAsideMicros({ reserveMicros, heldMicros }: Batch): number {
  return reserveMicros + heldMicros;
}

/** A limit below this would be broken already. */
export function leastLimitMicros({ chargedMicros, heldMicros }: Batch): number {
  return chargedMicros + heldMicros;
}

/** As it should be set aside by all else that is known of it. */
export function reserveOf(
  batch: Pick<
    Batch,
    "state" | "next" | "rows" | "limitMicros" | "chargedMicros" | "heldMicros" | "remainingMicros"
  >,
): number {
  const { state, next, rows, limitMicros, chargedMicros, heldMicros, remainingMicros } = batch;
  const mayStart = (state === "RUNNING" || state === "PAUSED") && next < rows;
  if (!mayStart) return 0;
  if (limitMicros === null) return remainingMicros;
  return Math.max(0, Math.min(limitMicros - chargedMicros - heldMicros, remainingMicros));
}

function balanced(batch: Batch): Batch {
  return { ...batch, reserveMicros: reserveOf(batch) };
}

function concluded(batch: Batch, at: number): Batch {
  const isDone = isGoingOn(batch) && batch.next === batch.rows && batch.open.length === 0;
  return isDone ? { ...batch, state: "DONE", reason: null, providerWords: null, finishedAt: at } : batch;
}

function rowStarted(
  batch: Batch,
  { holdMicros, bytes, part }: Extract<BatchEvent, { type: "row_started" }>,
): Batch | null {
  const fits = part.outcome !== null || holdMicros <= batch.reserveMicros;
  if (batch.state !== "RUNNING" || batch.next === batch.rows || !fits) return null;
  const started = {
    ...batch,
    next: batch.next + 1,
    nextByte: batch.nextByte + bytes,
    remainingMicros: batch.remainingMicros - holdMicros,
  };
  return withPart(started, { before: null, after: part });
}

function noneFits(
  batch: Batch,
  { holdMicros }: Extract<BatchEvent, { type: "none_fits" }>,
  at: number,
): Batch | null {
  const isSo = batch.state === "RUNNING" && batch.next < batch.rows && batch.open.length === 0 &&
    holdMicros > batch.reserveMicros;
  return isSo ? stopped(batch, { reason: "limit", at }) : null;
}

function promptChanged(
  batch: Batch,
  { before, after, refusal, takenBy }: Extract<BatchEvent, { type: "prompt_changed" }>,
): Batch {
  const changed = withPart(batch, { before, after });
  if (takenBy !== null) return { ...changed, refusalsInRow: { ...changed.refusalsInRow, [takenBy]: 0 } };
  if (refusal === null) return changed;
  const { provider, words } = refusal;
  const refusals = (changed.refusalsInRow[provider] ?? 0) + 1;
  const noted = { ...changed, refusalsInRow: { ...changed.refusalsInRow, [provider]: refusals } };
  if (noted.state !== "RUNNING" || refusals < mostRefusals) return noted;
  return { ...noted, state: "PAUSED", reason: "provider", providerWords: words };
}

function starsChanged(
  batch: Batch,
  { by }: Extract<BatchEvent, { type: "stars_changed" }>,
  at: number,
): Batch {
  const stars = batch.counts.stars + by;
  const changed = { ...batch, counts: { ...batch.counts, stars } };
  const isEnough = batch.stopAtStars !== null && stars >= batch.stopAtStars;
  // Otherwise it would go on where its limit is raised.
  const mayGoOn = isGoingOn(batch) || isAtLimit(batch);
  return isEnough && mayGoOn ? stopped(changed, { reason: "stars", at }) : changed;
}

function isAtLimit({ state, reason }: Batch): boolean {
  return state === "STOPPED" && reason === "limit";
}

/** One that its limit has stopped goes on where it may spend more. */
function limitSet(
  batch: Batch,
  { limitMicros }: Extract<BatchEvent, { type: "limit_set" }>,
): Batch | null {
  const wasAtLimit = isAtLimit(batch);
  if (!isGoingOn(batch) && !wasAtLimit) return null;
  if (limitMicros !== null && limitMicros < leastLimitMicros(batch)) return null;
  const changed = { ...batch, limitMicros };
  const isRaised = (limitMicros ?? Infinity) > (batch.limitMicros ?? Infinity);
  return wasAtLimit && isRaised ? running(changed) : changed;
}

/** One whose rows were stopped before can still be cancelled as a whole. */
function cancelled(
  batch: Batch,
  { isRunningKept }: Extract<BatchEvent, { type: "cancelled" }>,
  at: number,
): Batch | null {
  const mayBe = isGoingOn(batch) || (batch.state === "STOPPED" && batch.open.length > 0 && !isRunningKept);
  if (!mayBe) return null;
  const { isRunningKept: _, ...rest } = stopped(batch, { reason: "cancelled", at });
  return isRunningKept ? { ...rest, isRunningKept } : rest;
}

function running(batch: Batch): Batch {
  return {
    ...batch,
    state: "RUNNING",
    reason: null,
    refusalsInRow: {},
    providerWords: null,
    finishedAt: null,
  };
}

function stopped(batch: Batch, { reason, at }: { reason: BatchReason; at: number }): Batch {
  return { ...batch, state: "STOPPED", reason, providerWords: null, finishedAt: batch.finishedAt ?? at };
}

/** With what one of its prompts is by now in place of what it was. */
function withPart(batch: Batch, { before, after }: { before: Part | null; after: Part }): Batch {
  const { counts, open } = batch;
  const difference = (name: "heldMicros" | "chargedMicros" | "images") => after[name] - (before?.[name] ?? 0);
  const endedAs = (outcome: NonNullable<Part["outcome"]>) =>
    counts[outcome] + Number(after.outcome === outcome) - Number(before?.outcome === outcome);
  const others = open.filter((row) => row !== after.row);
  return {
    ...batch,
    open: after.outcome === null ? [...others, after.row].sort((a, b) => a - b) : others,
    heldMicros: batch.heldMicros + difference("heldMicros"),
    chargedMicros: batch.chargedMicros + difference("chargedMicros"),
    counts: {
      completed: endedAs("completed"),
      failed: endedAs("failed"),
      cancelled: endedAs("cancelled"),
      images: counts.images + difference("images"),
      stars: counts.stars,
    },
  };
}
