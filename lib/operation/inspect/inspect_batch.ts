/** What is known of a batch, and of its lots. */
import { type Batch, needsWork } from "../../batches/batch.ts";
import { listOpenPrompts, readBatch } from "../../batches/batch_store.ts";
import { blobKeys } from "../../blobs/blobs.ts";
import { isGoingOn, type Lot } from "../../lots/lot.ts";
import { listLotsOf } from "../../lots/lot_store.ts";
import { keys, kinds } from "../../store/schema.ts";
import { read, type Store } from "../../store/store.ts";
import { type InspectDeps, type Inspection, isoTime } from "./facts.ts";
import { entriesOf } from "./inspect_prompt.ts";

export async function inspectBatch({ store, blobs }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await readBatch(store, id);
  if (found === null) return null;
  const { value: batch, versionstamp } = found;
  const open = await listOpenPrompts(store, batch);
  const hasWork = await read(store.kv, keys.batchWork(id)) !== null;
  const { userId, sequence, state, reason, rows, next, lane, deadline, counts, finishedAt } = batch;
  const lots = lane === "economy" ? await listLotsOf(store, { userId, batchId: id }) : [];
  return {
    kind: "batch",
    id,
    stands: batchStanding(batch),
    userId,
    sequence,
    state,
    reason,
    acceptedAt: isoTime(batch.createdAt),
    changedAt: isoTime(batch.updatedAt),
    finishedAt: finishedAt && isoTime(finishedAt),
    deadline: deadline && isoTime(deadline),
    lane,
    version: versionstamp,
    rows: {
      all: rows,
      arePrompts: next,
      blob: await blobs.exists(blobKeys.batchRows(id)) ? "there" : "missing",
      nextByte: batch.nextByte,
    },
    counts: { ...counts },
    micros: {
      most: batch.mostMicros,
      limit: batch.limitMicros,
      reserve: batch.reserveMicros,
      held: batch.heldMicros,
      charged: batch.chargedMicros,
      remaining: batch.remainingMicros,
    },
    refusalsInRow: { ...batch.refusalsInRow },
    open: open.map(({ value }) => ({ promptId: value.id, row: value.row ?? null, status: value.status })),
    ...(lane === "economy" && { lots: lots.map(({ id, state }) => ({ id, state })) }),
    indexes: { work: hasWork === needsWork(batch) ? "right" : hasWork ? "orphan" : "missing" },
  };
}

function batchStanding(batch: Batch): string {
  const { state, reason, rows, next, open } = batch;
  const begun = `${next} of ${rows} rows are prompts, ${open.length} of which are not final`;
  if (state === "RUNNING") return `It runs: ${begun}.`;
  if (state === "PAUSED") {
    return `It is paused by ${reason === null ? "its owner" : "what its provider said"}: ${begun}.`;
  }
  if (state === "DONE") return "All of its rows are done.";
  return open.length === 0
    ? `It was stopped (${reason}).`
    : `It was stopped (${reason}), and ends: ${begun}.`;
}

/** Lots are few, and each is looked for by its last part. */
export async function inspectLot({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  for await (const { value: lot } of store.kv.list<Lot>({ prefix: [...kinds.lots] })) {
    if (lot.id === id) return await lotFacts(store, lot);
  }
  return null;
}

async function lotFacts(store: Store, lot: Lot): Promise<Inspection> {
  const { id, userId, batchId, provider, model, state, promptIds, files, handle, results } = lot;
  const implied = [keys.lotOf(userId, batchId, id), ...isGoingOn(lot) ? [keys.lotWork(userId, id)] : []];
  const possible = [keys.lotWork(userId, id)];
  return {
    kind: "lot",
    id,
    stands: lotStanding(lot),
    userId,
    batchId,
    provider,
    model,
    state,
    prompts: promptIds,
    atProvider: { files, handle, results },
    submissions: lot.submissions,
    submittedAt: lot.submittedAt && isoTime(lot.submittedAt),
    expiresAt: lot.expiresAt && isoTime(lot.expiresAt),
    done: lot.doneCount,
    end: lot.end,
    failure: lot.failure?.reason ?? null,
    changedAt: isoTime(lot.updatedAt),
    indexes: await entriesOf(store, { implied, possible }),
  };
}

function lotStanding({ state, end }: Lot): string {
  switch (state) {
    case "uploading":
      return "It is on the way to its provider, and not submitted yet";
    case "submitting":
      return "It was about to be submitted: its provider is asked whether it has it";
    case "running":
      return "Its provider has it, and is asked how it goes";
    case "collecting":
      return "What came of it is being put into its prompts";
    case "over":
      return `It is over (${end}); nothing is to be done`;
  }
}
