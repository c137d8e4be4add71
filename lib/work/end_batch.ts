/**
 * Ending batches: what waits of one that was stopped is cancelled, and of one that was cancelled what runs, too, unless it
 * was cancelled with all that waited in the queue.
 */
import { type Batch, isGoingOn } from "../batches/batch.ts";
import { listBatchesWithWork, listOpenPrompts, readBatch, stepBatch } from "../batches/batch_store.ts";
import { isOver } from "../batches/change_batch.ts";
import type { Prompt } from "../prompts/prompt.ts";
import { Refusal } from "../refusal.ts";
import type { Store, Versioned } from "../store/store.ts";
import { type CancelDeps, cancelPrompt } from "./cancel.ts";

/**
 * Cancels a batch: rows that are no prompts yet never will be, and its reserve is free, with one write. Then its prompts
 * are cancelled, as `cancelPrompt` does. One that is stopped already stays so; refuses with `conflict` where it is done.
 */
export async function cancelBatch(deps: CancelDeps, batch: Batch): Promise<Batch> {
  const stopped = await stepBatch(deps.store, {
    userId: batch.userId,
    batchId: batch.id,
    event(found) {
      if (!isGoingOn(found) && found.reason !== "cancelled" && found.open.length === 0) throw isOver(found);
      return found.reason === "cancelled" && !found.isRunningKept ? null : { type: "cancelled" };
    },
  });
  await endWaiting(deps, stopped);
  return (await readBatch(deps.store, batch.id))?.value ?? stopped;
}

/** Rows that will not become prompts any more, and what had been set aside for them, in micro-dollars. */
export interface StoppedRows {
  rows: number;
  releasedMicros: number;
}

/** Stops all batches of a user that are going on: no row becomes a prompt any more. Their prompts are left as they are. */
export async function stopRows(store: Store, userId: string): Promise<StoppedRows> {
  const stopped: StoppedRows = { rows: 0, releasedMicros: 0 };
  for (const { value: { id: batchId } } of await listBatchesWithWork(store, { userId })) {
    let released: StoppedRows = { rows: 0, releasedMicros: 0 };
    await stepBatch(store, {
      userId,
      batchId,
      event: (found) => isGoingOn(found) ? { type: "cancelled", isRunningKept: true } : null,
      add(_, { before }) {
        released = { rows: before.rows - before.next, releasedMicros: before.reserveMicros };
      },
    });
    stopped.rows += released.rows;
    stopped.releasedMicros += released.releasedMicros;
  }
  return stopped;
}

/** Cancels those prompts of a stopped batch that must not go on; what was cut off by a crash is done again. */
export async function endWaiting(deps: CancelDeps, batch: Batch): Promise<void> {
  const mayRun = batch.reason !== "cancelled" || batch.isRunningKept === true;
  const open = await listOpenPrompts(deps.store, batch);
  const ending = open.filter(({ value }) => value.status === "PENDING" || !mayRun);
  await Promise.all(ending.map((prompt) => cancelUnlessFinal(deps, prompt)));
}

async function cancelUnlessFinal(deps: CancelDeps, prompt: Versioned<Prompt>): Promise<void> {
  try {
    await cancelPrompt(deps, prompt);
  } catch (error) {
    // It became final in the meantime.
    if (!(error instanceof Refusal && error.code === "conflict")) throw error;
  }
}
