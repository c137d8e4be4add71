/** Batches with what their faces show besides: how many of their prompts wait, and how many run. */
import type { Batch } from "../batches/batch.ts";
import { listOpenPrompts } from "../batches/batch_store.ts";
import type { Lot } from "../lots/lot.ts";
import { listLotsOf } from "../lots/lot_store.ts";
import type { Store, Versioned } from "../store/store.ts";

export interface BatchView {
  batch: Batch;
  /** Prompts of it that wait for their turn, and that run. */
  waiting: number;
  running: number;
  /** Where they are at providers, oldest first; none of one that is done now. */
  lots: readonly Lot[];
  /** When it was looked at, in milliseconds since 1970. */
  seenAt: number;
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
  const [open, lots] = await Promise.all([
    listOpenPrompts(store, batch),
    batch.lane === "now" ? [] : listLotsOf(store, { userId: batch.userId, batchId: batch.id }),
  ]);
  const running = open.filter(({ value }) => value.status === "PROCESSING").length;
  return { batch, waiting: batch.open.length - running, running, lots, seenAt: store.now(), madeOf };
}
