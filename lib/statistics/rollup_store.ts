/** Where rollups are written beside what they follow from, and how they are read. */
import { nobody } from "../money/account.ts";
import type { Books, BooksOwner, LedgerEntry, Outcome } from "../money/ledger.ts";
import { keys, kinds } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";
import { dayOf, type Days } from "./days.ts";
import { addRollups, emptyRollup, isEmptyRollup, type Rollup, rollupOf, subtractRollup } from "./rollup.ts";

/** Where an entry counts: on the day on which it was booked. */
export function rollupKey(
  { userId, at, model }: Pick<LedgerEntry, "userId" | "at" | "model">,
): Deno.KvKey {
  return keys.rollup(userId ?? nobody, dayOf(at), model);
}

/** What stands in the books for a rollup, with more in it. */
export function addToRollup({ rollup }: Pick<Books, "rollup">, more: Rollup): Rollup {
  return addRollups(rollup as Rollup | null ?? emptyRollup, more);
}

/** Adds to a commit that a rollup changes that stands in nobody's books just now; what comes to nothing goes. */
export async function changeRollup(
  atomic: Deno.AtomicOperation,
  { store, key, change }: { store: Store; key: Deno.KvKey; change: (rollup: Rollup) => Rollup },
): Promise<void> {
  const found = await read<Rollup>(store.kv, key);
  const after = change(found?.value ?? emptyRollup);
  atomic.check({ key, versionstamp: found?.versionstamp ?? null });
  if (isEmptyRollup(after)) atomic.delete(key);
  else atomic.set(key, after);
}

/** Adds to the commit that takes a person away from an entry that it counts for nobody from then on. */
export async function leaveToNobody(
  atomic: Deno.AtomicOperation,
  { store, entry, correction, outcome }: {
    store: Store;
    entry: LedgerEntry;
    correction: { costMicros: number } | null;
    outcome: Outcome;
  },
): Promise<void> {
  const moved = rollupOf({ entry, correction, outcome });
  await changeRollup(atomic, {
    store,
    key: rollupKey(entry),
    change: (rollup) => subtractRollup(rollup, moved),
  });
  const key = rollupKey({ ...entry, userId: null });
  await changeRollup(atomic, { store, key, change: (rollup) => addRollups(rollup, moved) });
}

/** The books in which it counts that a picture of the prompt is worth keeping; null: it is not booked yet. */
export async function booksOfPrompt(
  store: Store,
  promptId: string,
): Promise<Required<Pick<BooksOwner, "at" | "rollup">> | null> {
  const entry = await read<LedgerEntry>(store.kv, keys.ledger(promptId));
  return entry && { at: entry.value.at, rollup: rollupKey(entry.value) };
}

/** What was booked on one day for one person and model. */
export interface RollupRow {
  day: string;
  /** Null: accounts that are deleted, all of them together. */
  userId: string | null;
  model: string;
  rollup: Rollup;
}

/** One person's, in the order of days and models. */
export async function readRollups(
  { kv }: Pick<Store, "kv">,
  { userId, days: { from, to } }: { userId: string; days: Days },
): Promise<RollupRow[]> {
  const selector = { start: keys.rollupsFrom(userId, from), end: keys.rollupsTo(userId, to) };
  const found = await Array.fromAsync(kv.list<Rollup>(selector, { batchSize: 1000 }));
  return found.map(({ key: [, , day, model], value: rollup }) => ({
    day: String(day),
    userId: userId === nobody ? null : userId,
    model: String(model),
    rollup,
  }));
}

/** Everybody's, in the order of people. */
export async function readRollupsOfAll(store: Pick<Store, "kv">, days: Days): Promise<RollupRow[]> {
  const all: Promise<RollupRow[]>[] = [];
  let start: Deno.KvKey = kinds.rollups;
  while (true) {
    const userId = await firstUser(store, start);
    if (userId === null) return (await Promise.all(all)).flat();
    all.push(readRollups(store, { userId, days }));
    start = keys.rollupsOfEnd(userId);
  }
}

/** Whoever is the first at that place; null: nobody. */
async function firstUser({ kv }: Pick<Store, "kv">, start: Deno.KvKey): Promise<string | null> {
  for await (const { key } of kv.list({ start, end: keys.rollupsEnd() }, { limit: 1 })) {
    return String(key[1]);
  }
  return null;
}
