/**
 * The ledger and what is derived from it. A ledger entry's key is the prompt's id, so a prompt is charged once by
 * construction. A user's account (held, charged in all, numbers given out) and months (spent by day and model) are
 * kept in the same commits, so reading a total costs the same whatever its size.
 */
import {
  type Account,
  emptyAccount,
  emptyMonth,
  type Month,
  monthOf,
  type SeenBooks,
  type Spend,
} from "./account.ts";
import { Refusal } from "./errors.ts";
import type { TokenKind, Usage } from "./price_book.ts";
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
 * this process take turns, and each begins with the books as the one before left them: if those are not the latest,
 * the versions tell.
 */
export function changeBooks<T>(
  store: Store,
  { userId, at }: { userId: string; at: number },
  change: (books: Books) => { atomic: Deno.AtomicOperation; value: T },
): Promise<BooksResult<T> | null> {
  return store.locks.hold(userId, async () => {
    const remembered = store.recentBooks.take(userId);
    let isFresh = remembered?.monthName !== monthOf(at);
    let seen = isFresh ? await readBooks(store, { userId, at }) : remembered!;
    while (true) {
      try {
        const open = openBooks(seen);
        const { atomic, value } = change(open.books);
        const result = await commit(atomic);
        if (result !== null) {
          store.recentBooks.put(userId, open.after(result.versionstamp));
          return { value, versionstamp: result.versionstamp };
        }
      } catch (error) {
        if (isFresh || !(error instanceof Refusal)) throw error;
      }
      const again = await readBooks(store, { userId, at });
      if (isFresh && versionsOf(again) === versionsOf(seen)) return null;
      isFresh = true;
      seen = again;
    }
  });
}

function openBooks(seen: SeenBooks): { books: Books; after: (versionstamp: string) => SeenBooks } {
  let changed: { account?: Account; month?: Month } = {};
  const versioned = <V>(value: V | undefined, versionstamp: string) => value && { value, versionstamp };
  return {
    books: {
      account: seen.account?.value ?? emptyAccount,
      month: seen.month?.value ?? emptyMonth,
      write(atomic, given) {
        changed = given;
        const accountKey = keys.account(seen.userId);
        const monthKey = keys.month(seen.userId, seen.monthName);
        atomic.check({ key: accountKey, versionstamp: seen.account?.versionstamp ?? null });
        atomic.check({ key: monthKey, versionstamp: seen.month?.versionstamp ?? null });
        if (given.account) atomic.set(accountKey, given.account);
        if (given.month) atomic.set(monthKey, given.month);
        return atomic;
      },
    },
    after: (versionstamp) => ({
      ...seen,
      account: versioned(changed.account, versionstamp) ?? seen.account,
      month: versioned(changed.month, versionstamp) ?? seen.month,
    }),
  };
}

async function readBooks(
  store: Store,
  { userId, at }: { userId: string; at: number },
): Promise<SeenBooks> {
  const monthName = monthOf(at);
  const [account, month] = await readMany<Account | Month>(store.kv, [
    keys.account(userId),
    keys.month(userId, monthName),
  ]);
  return {
    userId,
    monthName,
    account: account as Versioned<Account> | null,
    month: month as Versioned<Month> | null,
  };
}

function versionsOf({ account, month }: SeenBooks): string {
  return `${account?.versionstamp} ${month?.versionstamp}`;
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
    ...sumUsage(charges),
  };
}

function sumUsage(charges: readonly Charge[]): Pick<Charge, "usage"> {
  const parts = charges.flatMap(({ usage }) => usage === undefined ? [] : [usage]);
  if (parts.length === 0) return {};
  const usage: Usage = {};
  for (const part of parts) {
    for (const kind of Object.keys(part) as TokenKind[]) usage[kind] = (usage[kind] ?? 0) + part[kind]!;
  }
  return { usage };
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
