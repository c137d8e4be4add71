/**
 * A lot: tasks of one model, of one batch, that are handed to a provider together. Nothing is done here: from what a lot is
 * and what happened to it what it is next. `work/lots.ts` writes that first, and then does what follows from it.
 *
 * What is asked for is uploaded, which costs nothing and may be done again; then the lot is submitted, which is paid
 * for. `submitting` is written before that call and `running` as soon as the provider's handle is known, so that a
 * restart can tell a lot that surely does not exist from one that may. Of one that may, the provider is asked.
 */
import type { LotStatus, TaskHandle } from "../catalog/provider.ts";
import type { Failure } from "../prompts/prompt.ts";

export const lotStates = ["uploading", "submitting", "running", "collecting", "over"] as const;
export type LotState = (typeof lotStates)[number];

/**
 * How it ended: as the provider says; `refused`, when there never was such a lot; or `lost`, when nobody can say what
 * came of it.
 */
export type LotEnd = NonNullable<LotStatus["end"]> | "refused" | "lost";

export interface Lot {
  id: string;
  userId: string;
  batchId: string;
  provider: string;
  /** As people call it. */
  providerName: string;
  model: string;
  state: LotState;
  /** Once it is submitted, those that were. */
  promptIds: string[];
  /** What was uploaded, what was submitted, and where what came of it lies: as the provider calls them. */
  files: TaskHandle | null;
  handle: TaskHandle | null;
  results: TaskHandle | null;
  /** How often it was submitted: again only where the provider says that it has none. */
  submissions: number;
  /** When the latest submission began. */
  submittedAt: number | null;
  /** When the provider gives it up. */
  expiresAt: number | null;
  /** Tasks that have ended, as far as the provider tells. */
  doneCount: number | null;
  /** What all of it costs less than by itself, at most. */
  savesMicros: number;
  /** Its prompts are all cancelled, and the provider was asked to stop it. */
  isStopAsked: boolean;
  end: LotEnd | null;
  /** Why it ended without results. */
  failure: Failure | null;
  createdAt: number;
  updatedAt: number;
  finishedAt: number | null;
}

export type LotEvent =
  /** Those are what was uploaded; the lot is about to be submitted. */
  | { type: "uploaded"; files: TaskHandle; promptIds: string[]; savesMicros: number }
  /** All of its prompts were cancelled before anything was submitted. */
  | { type: "emptied" }
  | { type: "submitted"; handle: TaskHandle; windowMs: number }
  /** The submission that was in doubt never came: it begins anew. */
  | { type: "not_there" }
  | { type: "polled"; status: LotStatus; failure: Failure | null }
  | { type: "stop_asked" }
  /** The provider took none of it. */
  | { type: "refused"; failure: Failure }
  /** Its submission has been in doubt, or what came of it could not be had, for too long. */
  | { type: "lost"; failure: Failure }
  /** All of its prompts have ended. */
  | { type: "settled" };

/** What it is after that; null where it is not so that this could happen. */
export function step(lot: Lot, event: LotEvent, at: number): Lot | null {
  const after = next(lot, event, at);
  return after && { ...after, updatedAt: at };
}

function next(lot: Lot, event: LotEvent, at: number): Lot | null {
  const { state } = lot;
  const isBefore = state === "uploading" || state === "submitting";
  switch (event.type) {
    case "uploaded": {
      const { files, promptIds, savesMicros } = event;
      const submissions = lot.submissions + 1;
      return state === "uploading"
        ? { ...lot, state: "submitting", files, promptIds, savesMicros, submissions, submittedAt: at }
        : null;
    }
    case "emptied":
      return state === "uploading" ? { ...lot, state: "over", end: "cancelled", finishedAt: at } : null;
    case "submitted":
      return state === "submitting"
        ? { ...lot, state: "running", handle: event.handle, expiresAt: lot.submittedAt! + event.windowMs }
        : null;
    case "not_there":
      return state === "submitting" ? { ...lot, state: "uploading" } : null;
    case "polled":
      return state === "running" ? polled(lot, event) : null;
    case "stop_asked":
      return state === "running" ? { ...lot, isStopAsked: true } : null;
    case "refused":
      return isBefore ? { ...lot, state: "collecting", end: "refused", failure: event.failure } : null;
    case "lost":
      return state === "submitting" || state === "running" || state === "collecting"
        ? { ...lot, state: "collecting", results: null, end: "lost", failure: event.failure }
        : null;
    case "settled":
      return state === "collecting" ? { ...lot, state: "over", finishedAt: at } : null;
  }
}

function polled(lot: Lot, { status, failure }: Extract<LotEvent, { type: "polled" }>): Lot {
  const { end, doneCount, results } = status;
  const known = { ...lot, doneCount, expiresAt: status.expiresAt ?? lot.expiresAt };
  return end === null ? known : { ...known, state: "collecting", end, results, failure };
}

/** Something is still to be done for it. */
export function isGoingOn({ state }: Pick<Lot, "state">): boolean {
  return state !== "over";
}
