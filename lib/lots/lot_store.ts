/** The one write path of lots, and how they are read. */
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

/** Null: somebody else changed it in between. */
export async function commitLot(
  { kv }: Store,
  change: { before: Versioned<Lot> | null; after: Lot },
): Promise<Versioned<Lot> | null> {
  const written = await commit(writeLot(kv.atomic(), change));
  return written && { value: change.after, versionstamp: written.versionstamp };
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
