/** A person's queue, and what was done about it. */
import { z } from "zod";
import type { QueueLine } from "../../lib/live/own_queue.ts";
import type { ServerPause } from "../../lib/prompts/pause_queue.ts";
import type { QueueState } from "../../lib/prompts/queue_state.ts";
import type { CancelledWaiting } from "../../lib/work/cancel_waiting.ts";
import { answer, idValue, microsValue } from "./values.ts";

const pausedShape = {
  /** The person paused their queue, or somebody everything. */
  paused: z.boolean(),
  /** Why everything is paused, or a provider; null where the queue is paused by its owner alone. */
  reason: z.string().nullable(),
};

/** What it is like after it was paused or resumed. */
export const queuePausedAnswer = answer(pausedShape);

export function queuePausedJson(queue: QueueState): z.output<typeof queuePausedAnswer> {
  return { success: true, ...pausedJson(queue) };
}

function pausedJson({ notices }: QueueState): { paused: boolean; reason: string | null } {
  return {
    paused: notices.some(({ scope }) => scope !== "provider"),
    reason: notices.find(({ reason }) => reason !== null)?.reason ?? null,
  };
}

export const queueAnswer = answer({
  ...pausedShape,
  running: z.array(
    z.strictObject({ promptId: idValue, batchId: idValue.nullable(), holdMicros: microsValue }),
  ),
  waiting: z.array(z.strictObject({
    promptId: idValue,
    batchId: idValue.nullable(),
    /** 1 starts next; null while it waits to be tried again. */
    place: z.int().positive().nullable(),
    holdMicros: microsValue,
  })),
});

export function queueJson(
  { running, line, delayed }: QueueLine,
  queue: QueueState,
): z.output<typeof queueAnswer> {
  return {
    success: true,
    ...pausedJson(queue),
    running: running.map(({ id: promptId, batchId, holdMicros }) => ({ promptId, batchId, holdMicros })),
    waiting: [
      ...line.map(({ promptId, batchId, holdMicros }, i) => ({
        promptId,
        batchId,
        place: i + 1,
        holdMicros,
      })),
      ...delayed.map(({ promptId, batchId, holdMicros }) => ({ promptId, batchId, place: null, holdMicros })),
    ],
  };
}

export const queueCancelledAnswer = answer({
  /** How many prompts were cancelled, and how many rows of batches that were none yet. */
  cancelled: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  /** What had been set aside for them and is free again. */
  releasedMicros: microsValue,
});

export function queueCancelledJson(
  { prompts, rows, releasedMicros }: CancelledWaiting,
): z.output<typeof queueCancelledAnswer> {
  return { success: true, cancelled: prompts, rows, releasedMicros };
}

/** What an admin paused or resumed. */
export const serverPauseAnswer = answer({
  paused: z.boolean(),
  /** Null: everything. */
  provider: z.string().nullable(),
  reason: z.string().nullable(),
});

export function serverPauseJson(
  { isPaused, providerId, reason }: ServerPause,
): z.output<typeof serverPauseAnswer> {
  return { success: true, paused: isPaused, provider: providerId, reason };
}
