/**
 * Putting right what was booked in doubt: a charge whose outcome was unknown took what was held; whoever runs the
 * server looks it up at the provider and says what was really billed. The entry stays; a correction stands beside it.
 */
import { addAudit } from "../users/audit.ts";
import type { Batch } from "../batches/batch.ts";
import { changeBatch } from "../work/batch_progress.ts";
import { settlementOwner } from "../work/settle.ts";
import { notFound, Refusal } from "../refusal.ts";
import { isId } from "../ids.ts";
import {
  addToMonth,
  addToMonthOfNobody,
  changeBooks,
  type Correction,
  type LedgerEntry,
} from "../money/ledger.ts";
import { readPrompt, writePrompt } from "../prompts/prompt_store.ts";
import { addRollups, correctionRollup, type Rollup, rollupOf } from "../statistics/rollup.ts";
import { addToRollup, changeRollup, rollupKey } from "../statistics/rollup_store.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, readMany, type Store } from "../store/store.ts";

/** The charges in doubt that nobody has put right yet, oldest first. */
export async function listUnknownCharges(store: Store, { limit }: { limit: number }): Promise<LedgerEntry[]> {
  const open = await Array.fromAsync(store.kv.list({ prefix: [...kinds.unknownCharges] }, { limit }));
  const found = await readMany<LedgerEntry>(store.kv, open.map(({ key }) => keys.ledger(String(key[1]))));
  return found.flatMap((entry) => entry === null ? [] : [entry.value]);
}

/**
 * Books that the provider billed `billedMicros` in truth. Refuses with `not_found` where there is no charge, and
 * with `conflict` where it is not in doubt or was corrected before.
 */
export async function correctCharge(
  store: Store,
  { promptId, billedMicros, by, note }: { promptId: string; billedMicros: number; by: string; note: string },
): Promise<Correction> {
  const found = isId(promptId) ? await read<LedgerEntry>(store.kv, keys.ledger(promptId)) : null;
  if (found === null) throw notFound();
  const { value: entry } = found;
  const { userId, model, at, basis, costMicros } = entry;
  if (basis !== "unknown") throw new Refusal("conflict", "What this prompt cost is not in doubt");
  const correction: Correction = {
    promptId,
    userId,
    model,
    costMicros: billedMicros - costMicros,
    at,
    bookedAt: store.now(),
    by,
    note,
  };
  const key = keys.correction(promptId);
  const written = userId === null ? await bookForNobody() : await bookForUser();
  if (written === null) throw new Refusal("conflict", "What this prompt cost was put right before");
  return correction;

  function addCorrection(atomic: Deno.AtomicOperation): Deno.AtomicOperation {
    const detail = `${promptId} ${billedMicros}`;
    addAudit(atomic, { store, actorId: by, subjectId: null, action: "charge_corrected", detail });
    return atomic.check({ key, versionstamp: null }).set(key, correction).delete(
      keys.unknownCharge(promptId),
    );
  }

  async function bookForNobody() {
    while (await read(store.kv, key) === null) {
      const atomic = addCorrection(store.kv.atomic());
      await addToMonthOfNobody(store, { atomic, charges: [correction] });
      const counted = correctionRollup(correction, { isLost: rollupOf({ entry }).completed === 0 });
      const change = (rollup: Rollup) => addRollups(rollup, counted);
      await changeRollup(atomic, { store, key: rollupKey(entry), change });
      const booked = await commit(atomic);
      if (booked !== null) return booked;
    }
    return null;
  }

  /** With the user's books, and their pages told. */
  async function bookForUser() {
    while (await read(store.kv, key) === null) {
      const prompt = await readPrompt(store, promptId);
      if (prompt === null) throw new Refusal("not_found", "Not found");
      const isFruitless = prompt.value.status !== "COMPLETED";
      const owner = settlementOwner(prompt.value, at);
      const booked = await changeBooks<Correction, Batch>(store, owner, (books) => {
        const now = store.now();
        const after = { ...prompt.value, updatedAt: now };
        const chargedMicros = books.account.chargedMicros + correction.costMicros;
        const account = { ...books.account, chargedMicros };
        const month = addToMonth(books.month, correction);
        const atomic = addCorrection(writePrompt(store.kv, { before: prompt, after }));
        const event = { type: "charge_corrected" as const, costMicros: correction.costMicros };
        const changed = changeBatch(atomic, { books, account, event, at: now });
        const rollup = addToRollup(books, correctionRollup(correction, { isLost: isFruitless }));
        return { atomic: books.write(atomic, { ...changed, month, rollup }), value: correction };
      });
      if (booked !== null) return booked;
    }
    return null;
  }
}
