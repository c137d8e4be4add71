/** What batches state of themselves (`store/noun.ts`). */
import { blobKeys } from "../blobs/blobs.ts";
import type { Pause } from "../prompts/pause.ts";
import { idInKey, idInValue, type ImpliedEntry, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { type Batch, isHalted, needsWork } from "./batch.ts";
import { rowsContentType } from "./batch_rows.ts";
import { pauseOf } from "./batch_store.ts";

export const batchNoun: Noun<Batch, Batch> = {
  kind: kinds.batches,
  facts: ({ value }) => value,
  implied: (batch) => [
    listed(lists.batches(batch.userId), { number: batch.sequence, id: batch.id }),
    ...needsWork(batch) ? [{ key: keys.batchWork(batch.id), value: batch.userId }] : [],
    ...isHalted(batch) ? [haltOf(batch)] : [],
  ],
  indexes: [
    { prefix: kinds.batchLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.batchWork, name: "batch_work", recordId: idInKey },
    { prefix: [...kinds.pauses, "batch"], name: "batch_pause", recordId: idInKey },
  ],
  blobs: ({ id }) => [{ key: blobKeys.batchRows(id), contentType: rowsContentType }],
};

/** Since when, and why, it may say otherwise. */
function haltOf(batch: Batch): ImpliedEntry {
  return {
    key: keys.pause("batch", batch.id),
    value: pauseOf(batch),
    isRight: (stored) => (stored as Pause).by === batch.userId,
  };
}

export interface ToldFacts {
  batchId: string;
  userId: string;
  /** At which it changed by itself. */
  version: string;
}

/** When a batch changed by itself the last time. */
export const toldNoun: Noun<string, ToldFacts> = {
  kind: kinds.batchesTold,
  facts: ({ key, value: userId, versionstamp: version }) => ({ batchId: String(key[1]), userId, version }),
  implied: ({ batchId, userId, version }) => [{ key: keys.batchChange(userId, version), value: batchId }],
  indexes: [{ prefix: kinds.batchChanges, name: "change_entry", recordId: idInValue }],
};
