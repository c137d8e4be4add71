/**
 * Rows of batches become prompts late, a few at a time: so a prompt that is sent meanwhile comes in turn at once, and
 * what waits of a large batch is ended by one write. Each row is one commit, in which its hold is moved from the reserve
 * of its batch to its prompt. Whichever process does it, the version of the batch lets only one.
 */
import type { Models } from "../catalog/models.ts";
import { type Batch, isPastDeadline, mayStartRow, step } from "../batches/batch.ts";
import type { RowReader, StoredRow } from "../batches/batch_rows.ts";
import { batchOwner, setAside, stepBatch, writeBatchEntries } from "../batches/batch_store.ts";
import { partOf } from "../batches/part_of.ts";
import { changeBooks } from "../money/ledger.ts";
import type { Doorbell } from "../prompts/doorbell.ts";
import { failure } from "../prompts/failure_words.ts";
import { newPrompt } from "../prompts/new_prompt.ts";
import { type Failure, isFinal, outcomeOf, type Prompt, toRefused } from "../prompts/prompt.ts";
import { checkWatermark, takesNone } from "../prompts/prompt_request.ts";
import { writePrompt } from "../prompts/prompt_store.ts";
import { demandSources } from "../prompts/request_prompt.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import { checkAccount } from "../users/user.ts";
import { addSettlement, settlementOwner } from "./settle.ts";

export interface StartRowsDeps {
  store: Store;
  models: Models;
  doorbell: Doorbell;
  rows: RowReader;
  /** So many prompts of a batch are not final at once, at most. */
  window: number;
}

/** A row that may become a prompt: why it is refused at its turn, or null. */
interface ReadyRow extends StoredRow {
  failure: Failure | null;
}

/** Begins as many rows as there is room and reserve for; a batch whose next row can never begin is stopped. */
export async function startRows(deps: StartRowsDeps, batch: Batch): Promise<void> {
  const { store, window } = deps;
  if (!mayStartRow(batch, { window }) || isPastDeadline(batch, store.now())) return;
  const most = Math.min(window - batch.open.length, batch.rows - batch.next);
  const stored = await deps.rows.read(batch.id, { from: batch.nextByte, most });
  const ready = await Promise.all(stored.map((each) => readyRow(deps, { batch, stored: each })));
  const fitting = fittingRows(batch, ready);
  if (fitting.length > 0) {
    const byNumber = new Map(fitting.map((row, i) => [batch.next + 1 + i, row]));
    // Each builds on the one before it, so that they go to the disk together.
    await Promise.all(fitting.map((row) => startNextRow(deps, { batch, ready: byNumber, expected: row })));
    return;
  }
  const { holdMicros } = ready[0].row;
  if (batch.open.length === 0) await stopAtLimit(store, { batch, holdMicros });
}

/** Those at the front whose holds the reserve has; one that is refused needs none. */
function fittingRows({ reserveMicros }: Batch, ready: readonly ReadyRow[]): ReadyRow[] {
  let left = reserveMicros;
  const end = ready.findIndex(({ row, failure }) => {
    if (failure === null) left -= row.holdMicros;
    return left < 0;
  });
  return end < 0 ? [...ready] : ready.slice(0, end);
}

async function readyRow(
  { store, models }: StartRowsDeps,
  { batch, stored }: { batch: Batch; stored: StoredRow },
): Promise<ReadyRow> {
  const { request } = stored.row;
  if (models.find(request.model) === null) {
    // A provider that is not up yet may still have it: its prompt waits for that.
    const mayTurnUp = models.areMoreExpected();
    return { ...stored, failure: mayTurnUp ? null : failure("provider_unavailable") };
  }
  try {
    const model = models.choose(request.model);
    checkWatermark(request, model);
    if (request.edit !== undefined && model.edit === null) throw takesNone(model);
    await demandSources(store, { userId: batch.userId, requests: [request] });
    return { ...stored, failure: null };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const isGone = error.code === "not_found";
    return { ...stored, failure: failure(isGone ? "source_missing" : "provider_rejected", error.message) };
  }
}

/** It is not its turn, or there is no room: somebody else was first, or the batch has changed. */
class NotNow extends Refusal {
  constructor() {
    super("conflict", "The row can't begin now");
  }
}

/** Whichever row is next when its turn comes; mostly the expected one. */
async function startNextRow(
  { store, doorbell, window }: StartRowsDeps,
  { batch: { id: batchId, userId }, ready, expected }: {
    batch: Batch;
    ready: ReadonlyMap<number, ReadyRow>;
    expected: ReadyRow;
  },
): Promise<void> {
  const at = store.now();
  const id = store.ids();
  const countedFor = expected.row.request;
  const owner = expected.failure === null
    ? batchOwner({ userId, batchId, at })
    : settlementOwner({ userId, batchId, request: countedFor }, at);
  try {
    await changeBooks<Prompt, Batch>(store, owner, (books) => {
      const before = books.beside;
      const row = before === null ? 0 : before.next + 1;
      const stored = ready.get(row);
      if (before === null || stored === undefined || !mayStartRow(before, { window })) throw new NotNow();
      if (isPastDeadline(before, at)) throw new NotNow();
      const isCounted = owner.rollup !== undefined && stored.row.request.model === countedFor.model;
      if (stored.failure !== null && !isCounted) throw new NotNow();
      const { row: { request, filing, recipe, holdMicros, imagesPerTask, priceRow }, bytes, failure } =
        stored;
      const sequence = books.account.promptSequence + 1;
      const pending = newPrompt({
        id,
        userId,
        sequence,
        request,
        filing,
        recipe,
        trace: store.tracing.origin(),
        holdMicros,
        priceRow: before.priceRows[priceRow],
        imagesPerTask,
        at,
        batch: { batchId, row, ...(before.lane === "economy" && { lane: before.lane }) },
      });
      const prompt = failure === null ? pending : toRefused(pending, { at, failure });
      const after = step(before, { type: "row_started", holdMicros, bytes, part: partOf(prompt) }, at);
      if (after === null) throw new NotNow();
      const atomic = checkAccount(writePrompt(store.kv, { before: null, after: prompt }), userId);
      writeBatchEntries(atomic, { before, after });
      const account = { ...setAside(books.account, { before, after }), promptSequence: sequence };
      // It was never held, and costs nothing.
      const settled = isFinal(prompt)
        ? addSettlement(atomic, { books, prompt, outcome: outcomeOf(prompt, { keepers: 0 }), at })
        : {};
      books.write(atomic, { ...settled, account, beside: after });
      // One that was refused makes room for the next.
      return { atomic: doorbell.ring(atomic, id), value: prompt };
    });
  } catch (error) {
    if (!(error instanceof NotNow)) throw error;
  }
}

async function stopAtLimit(
  store: Store,
  { batch: { id: batchId, userId }, holdMicros }: { batch: Batch; holdMicros: number },
): Promise<void> {
  await stepBatch(store, { userId, batchId, event: () => ({ type: "none_fits", holdMicros }) });
}
