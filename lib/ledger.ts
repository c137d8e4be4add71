/**
 * The ledger and what is derived from it. A ledger entry's key is the prompt's id, so a prompt is charged once by
 * construction. A user's account (held, charged in all, numbers given out) and months (spent by day and model) are
 * kept in the same commits, so reading a total costs the same whatever its size.
 */
import type { Charge, ChargeBasis, Prompt } from "./prompt.ts";
import { keys } from "./schema.ts";
import { commit, read, readMany, type Store, type Versioned } from "./store.ts";

export interface LedgerEntry extends Charge {
  promptId: string;
  /** Null once the account was deleted: the books keep the amount without the person. */
  userId: string | null;
  model: string;
  /** Pictures that were stored for it. */
  images: number;
  /** The charge is above what was set aside for it. */
  isAboveHold: boolean;
  at: number;
}

/** All amounts in micro-dollars. */
export interface Account {
  heldMicros: number;
  /** Everything ever charged: the sum of the ledger. */
  chargedMicros: number;
  /** The number of the latest prompt, and of the latest image. */
  promptSequence: number;
  imageSequence: number;
}

export interface Spend {
  costMicros: number;
  images: number;
}

/** What was charged in one calendar month (UTC). */
export interface Month {
  spentMicros: number;
  days: { [day: string]: Spend };
  models: { [model: string]: Spend };
}

export const emptyAccount: Account = { heldMicros: 0, chargedMicros: 0, promptSequence: 0, imageSequence: 0 };
export const emptyMonth: Month = { spentMicros: 0, days: {}, models: {} };

/** "2026-11", in UTC. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

/** The account and the month, with the versions to check when they change. */
export interface Books {
  account: Account;
  month: Month;
  /** Checks both and writes what is given. */
  write(atomic: Deno.AtomicOperation, changed: { account?: Account; month?: Month }): Deno.AtomicOperation;
}

export interface BooksResult<T> {
  value: T;
  versionstamp: string;
}

/**
 * Runs `change` on a user's books and commits the atomic operation it returns, again if the books changed in
 * between. Null: something else that the operation checks has changed, so somebody else was first. Callers within
 * this process take turns.
 */
export function changeBooks<T>(
  store: Store,
  { userId, at }: { userId: string; at: number },
  change: (books: Books) => { atomic: Deno.AtomicOperation; value: T },
): Promise<BooksResult<T> | null> {
  return store.locks.hold(userId, async () => {
    let seen = await readBooks(store, { userId, at });
    while (true) {
      const { atomic, value } = change(seen.books);
      const result = await commit(atomic);
      if (result !== null) return { value, versionstamp: result.versionstamp };
      const again = await readBooks(store, { userId, at });
      if (again.version === seen.version) return null;
      seen = again;
    }
  });
}

async function readBooks(store: Store, { userId, at }: { userId: string; at: number }) {
  const accountKey = keys.account(userId);
  const monthKey = keys.month(userId, monthOf(at));
  const [account, month] = await readMany<Account | Month>(store.kv, [accountKey, monthKey]);
  const books: Books = {
    account: account?.value as Account | undefined ?? emptyAccount,
    month: month?.value as Month | undefined ?? emptyMonth,
    write(atomic, changed) {
      atomic.check({ key: accountKey, versionstamp: account?.versionstamp ?? null });
      atomic.check({ key: monthKey, versionstamp: month?.versionstamp ?? null });
      if (changed.account) atomic.set(accountKey, changed.account);
      if (changed.month) atomic.set(monthKey, changed.month);
      return atomic;
    },
  };
  return { books, version: `${account?.versionstamp} ${month?.versionstamp}` };
}

/** The entry that settles a prompt, and the books after it: hold released, charge added. */
export function settle(
  books: Books,
  { prompt, charge, at }: { prompt: Prompt; charge: Charge; at: number },
): { entry: LedgerEntry; account: Account; month: Month } {
  const entry: LedgerEntry = {
    ...charge,
    promptId: prompt.id,
    userId: prompt.userId,
    model: prompt.request.model,
    images: prompt.images.length,
    isAboveHold: charge.costMicros > prompt.holdMicros,
    at,
  };
  const account = {
    ...books.account,
    heldMicros: books.account.heldMicros - prompt.holdMicros,
    chargedMicros: books.account.chargedMicros + charge.costMicros,
  };
  return { entry, account, month: addToMonth(books.month, entry) };
}

/** The month with one more entry in it. */
export function addToMonth(month: Month, entry: LedgerEntry): Month {
  const day = new Date(entry.at).toISOString().slice(0, 10);
  const add = (spend: Spend | undefined) => ({
    costMicros: (spend?.costMicros ?? 0) + entry.costMicros,
    images: (spend?.images ?? 0) + entry.images,
  });
  return {
    spentMicros: month.spentMicros + entry.costMicros,
    days: { ...month.days, [day]: add(month.days[day]) },
    models: { ...month.models, [entry.model]: add(month.models[entry.model]) },
  };
}

/** One charge for several tasks: amounts add up, and the basis is that of the least certain part. */
export function sumCharges(charges: readonly Charge[]): Charge {
  const leastCertainFirst: ChargeBasis[] = ["unknown", "table", "computed", "reported", "none"];
  const basis = leastCertainFirst.find((b) => charges.some((charge) => charge.basis === b)) ?? "none";
  return {
    costMicros: charges.reduce((sum, charge) => sum + charge.costMicros, 0),
    basis,
    priceRow: charges.find((charge) => charge.priceRow !== null)?.priceRow ?? null,
  };
}

export const noCharge: Charge = { costMicros: 0, basis: "none", priceRow: null };

export function readAccount(store: Store, userId: string): Promise<Account> {
  return read<Account>(store.kv, keys.account(userId)).then((found) => found?.value ?? emptyAccount);
}

export function readMonth(
  store: Store,
  { userId, month }: { userId: string; month: string },
): Promise<Month> {
  return read<Month>(store.kv, keys.month(userId, month)).then((found) => found?.value ?? emptyMonth);
}

export function readLedger(
  store: Store,
  promptIds: readonly string[],
): Promise<(Versioned<LedgerEntry> | null)[]> {
  return readMany<LedgerEntry>(store.kv, promptIds.map(keys.ledger));
}
