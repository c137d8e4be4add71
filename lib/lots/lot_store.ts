/** The one write path of lots, and how they are read. */
import { isGoingOn as isGoingOnBatch } from "../batches/batch.ts";
import { readBatch, readTold, tellOfBatch } from "../batches/batch_store.ts";
import { checkNotPaused, pauseOf, readPauses } from "../prompts/pause.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { isGoingOn, type Lot } from "./lot.ts";

/** Checks that it still is what `before` says, and replaces what that implies by what `after` does. */
export function writeLot(
  atomic: Deno.AtomicOperation,
  { before, after }: { before: Versioned<Lot> | null; after: Lot },
): Deno.AtomicOperation {
  const { id, userId, batchId } = after;
  const key = keys.lot(userId, id);
  atomic.check({ key, versionstamp: before?.versionstamp ?? null }).set(key, after);
  if (before === null) atomic.set(keys.lotOf(userId, batchId, id), null);
  if (isGoingOn(after)) atomic.set(keys.lotWork(userId, id), null);
  else atomic.delete(keys.lotWork(userId, id));
  return atomic;
}

/**
 * Null: somebody else changed it in between, or, where it `needsTurn`, its batch was stopped or something is paused that
 * it depends on. Where `isTold`, whoever looks at its batch hears of it.
 */
export async function commitLot(
  store: Store,
  { before, after, isTold = false, needsTurn = false }: {
    before: Versioned<Lot> | null;
    after: Lot;
    isTold?: boolean;
    needsTurn?: boolean;
  },
): Promise<Versioned<Lot> | null> {
  while (true) {
    const atomic = writeLot(store.kv.atomic(), { before, after });
    if (needsTurn && !await checkTurn(store, { atomic, lot: after })) return null;
    if (isTold) await tell(store, { atomic, lot: after });
    const written = await commit(atomic);
    if (written !== null) return { value: after, versionstamp: written.versionstamp };
    const found = isTold ? await readLot(store, { userId: after.userId, lotId: after.id }) : null;
    // It was the batch that changed, or a pause that came.
    if (found === null || found.versionstamp !== before?.versionstamp) return null;
  }
}

/** False: it is not its turn; otherwise the commit checks that this is still so. */
async function checkTurn(
  store: Store,
  { atomic, lot: { userId, batchId, provider: providerId } }: { atomic: Deno.AtomicOperation; lot: Lot },
): Promise<boolean> {
  const pausable = { userId, batchId, providerId };
  const [batch, pauses] = await Promise.all([readBatch(store, batchId), readPauses(store)]);
  if (batch === null || !isGoingOnBatch(batch.value) || pauseOf(pauses, pausable) !== null) return false;
  checkNotPaused(atomic, pausable).check({ key: keys.batch(batchId), versionstamp: batch.versionstamp });
  return true;
}

/** A batch that is gone has nobody who would hear. */
async function tell(
  store: Store,
  { atomic, lot: { batchId } }: { atomic: Deno.AtomicOperation; lot: Lot },
): Promise<void> {
  const [batch, told] = await Promise.all([readBatch(store, batchId), readTold(store, batchId)]);
  if (batch !== null) tellOfBatch(store, { atomic, batch: batch.value, told });
}

export function readLot(
  { kv }: Store,
  { userId, lotId }: { userId: string; lotId: string },
): Promise<Versioned<Lot> | null> {
  return read<Lot>(kv, keys.lot(userId, lotId));
}

/** Those for which something is still to be done, oldest first. */
export async function listOpenLots(store: Store): Promise<Versioned<Lot>[]> {
  return await readLots(store, await namesUnder(store, [...kinds.lotWork]));
}

/** Of one batch, oldest first. */
export async function listLotsOf(
  store: Store,
  { userId, batchId }: { userId: string; batchId: string },
): Promise<Lot[]> {
  const found = await readLots(store, await namesUnder(store, keys.lotsOfBatch(userId, batchId)));
  return found.map(({ value }) => value);
}

/** Whose it is comes first, and its id last. */
async function namesUnder({ kv }: Store, prefix: Deno.KvKey): Promise<Deno.KvKey[]> {
  return await Array.fromAsync(
    kv.list({ prefix }, { batchSize: 500 }),
    ({ key }) => keys.lot(String(key[1]), String(key.at(-1))),
  );
}

async function readLots({ kv }: Store, names: readonly Deno.KvKey[]): Promise<Versioned<Lot>[]> {
  return present(await readMany<Lot>(kv, names));
}
