/** Batches with what their faces show besides: how many of their prompts wait, and how many run. */
import type { Batch } from "../batches/batch.ts";
import { listOpenPrompts } from "../batches/batch_store.ts";
import type { Store, Versioned } from "../store/store.ts";

export interface BatchView {
  batch: Batch;
  /** Prompts of it that wait for their turn, and that run. */
  waiting: number;
  running: number;
  /** The version of its record. */
  madeOf: string;
}

export function viewBatches(store: Store, batches: readonly Versioned<Batch>[]): Promise<BatchView[]> {
  return Promise.all(batches.map((batch) => viewBatch(store, batch)));
}

export async function viewBatch(
  store: Store,
  { value: batch, versionstamp: madeOf }: Versioned<Batch>,
): Promise<BatchView> {
  const open = await listOpenPrompts(store, batch);
  const running = open.filter(({ value }) => value.status === "PROCESSING").length;
  return { batch, waiting: batch.open.length - running, running, madeOf };
}
