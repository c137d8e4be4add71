/** A person's queue, and what was done about it. */
import { z } from "zod";
import type { QueueLine } from "../../lib/live/own_queue.ts";
import type { ServerPause } from "../../lib/prompts/pause_queue.ts";
import type { QueueState } from "../../lib/prompts/queue_state.ts";
import type { CancelledWaiting } from "../../lib/work/cancel_waiting.ts";
import { answer, idValue, microsValue } from "./values.ts";

const pausedShape = {
  paused: z.boolean().describe("The person paused their queue, or somebody everything."),
  reason: z.string().nullable().describe(
    "Why everything is paused, or a provider; null where the queue is paused by its owner alone.",
  ),
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
    place: z.int().positive().nullable().describe("1 starts next; null while it waits to be tried again."),
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
  cancelled: z.int().nonnegative().describe(
    "How many prompts were cancelled, and how many rows of batches that were none yet.",
  ),
  rows: z.int().nonnegative(),
  releasedMicros: microsValue.describe("What had been set aside for them and is free again."),
});

export function queueCancelledJson(
  { prompts, rows, releasedMicros }: CancelledWaiting,
): z.output<typeof queueCancelledAnswer> {
  return { success: true, cancelled: prompts, rows, releasedMicros };
}

/** What an admin paused or resumed. */
export const serverPauseAnswer = answer({
  paused: z.boolean(),
  provider: z.string().nullable().describe("Null: everything."),
  reason: z.string().nullable(),
});

export function serverPauseJson(
  { isPaused, providerId, reason }: ServerPause,
): z.output<typeof serverPauseAnswer> {
  return { success: true, paused: isPaused, provider: providerId, reason };
}
