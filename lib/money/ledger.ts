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
  nobody,
  type Spend,
  sumSaved,
} from "./account.ts";
import { Refusal } from "../refusal.ts";
import { promisedVersion } from "../store/group_commit.ts";
import { keys } from "../store/schema.ts";
import {
  commit,
  DatabaseRefusal,
  read,
  readMany,
  type SeenBooks,
  type Store,
  type Versioned,
} from "../store/store.ts";
import type { Charge, PriceRow } from "./charge.ts";

export interface LedgerEntry extends Charge {
  promptId: string;
  /** Null once the account was deleted: the books keep the amount without the person. */
  userId: string | null;
  model: string;
  /** Pictures that were stored for it. */
  images: number;
  /** The charge is above what was set aside for it. */
  isAboveHold: boolean;
  /** What the price book says of these pictures, whatever was charged: shows where the two drift apart. */
  tableMicros: number;
  at: number;
  /** Put right once it was known what the provider had billed; the entry as read has the amount that counts. */
  correction?: Correction;
  /** How its prompt ended: said here once the account was deleted, and the prompt with it. */
  outcome?: Outcome;
}

/** How a prompt ended, as far as it is counted. */
export interface Outcome {
  status: "COMPLETED" | "FAILED" | "CANCELLED";
  /** Why it failed. */
  reason: string | null;
  /** Milliseconds from acceptance to its pictures; null: it has none, or was in nobody's hurry. */
  tookMs: number | null;
  /** How many of its pictures are worth keeping (`statistics/rollup.ts`). */
  keepers: number;
}

/** Beside an entry whose outcome was unknown: what is added to its amount, and who says so. */
export interface Correction {
  promptId: string;
  userId: string | null;
  model: string;
  /** Added to the entry's amount; mostly negative. */
  costMicros: number;
  /** Of the entry that it corrects, so that it counts in the same month. */
  at: number;
  bookedAt: number;
  /** The admin's user id and why. */
  by: string;
  note: string;
}

/** The account and the month, and what is kept beside them, with the versions to check when they change. */
export interface Books<B = never> {
  account: Account;
  month: Month;
  /** The record that was asked for; null where there is none. */
  beside: B | null;
  /** The rollup that was asked for (`statistics/rollup.ts`); null where there is none. */
  rollup: unknown;
  /** Checks all and writes what is given. */
  write(
    atomic: Deno.AtomicOperation,
    changed: { account?: Account; month?: Month; beside?: B; rollup?: unknown },
  ): Deno.AtomicOperation;
}

export interface BooksResult<T> {
  value: T;
  versionstamp: string;
}

/**
 * Runs `change` on a user's books and commits the atomic operation it returns, again if the books changed in
 * between. Null: something else that the operation checks has changed, so somebody else was first. Within this process
 * each begins with the books as the one before will leave them, which may still be on its way to the disk, and checks
 * the version that was promised for them: so many go there together, and none without those that it builds on. The same
 * goes for a record beside them, such as a batch, which changes nowhere else.
 */
export async function changeBooks<T, B = never>(
  store: Store,
  owner: BooksOwner,
  change: Change<T, B>,
): Promise<BooksResult<T> | null> {
  if (remembered(store, owner) === undefined) await rememberBooks(store, owner);
  const seen = remembered(store, owner);
  let lost: SeenBooks | undefined;
  try {
    const result = seen && await tryChange(store, { seen, owner, change });
    if (result) return result;
    lost = seen;
  } catch (error) {
    // What the books as they were remembered do not allow is decided again by those that are there.
    if (!(error instanceof Refusal) || error instanceof DatabaseRefusal) throw error;
  }
  return await store.locks.hold(owner.userId, () => changeStored(store, { owner, lost, change }));
}

export interface BooksOwner {
  userId: string;
  /** In the month that this time is of. */
  at: number;
  /** The key of a record that changes with them. */
  beside?: Deno.KvKey;
  /** That of a rollup of what they are about. */
  rollup?: Deno.KvKey;
}

export type Change<T, B = never> = (books: Books<B>) => { atomic: Deno.AtomicOperation; value: T };

function remembered({ recentBooks }: Store, owner: BooksOwner): SeenBooks | undefined {
  const seen = recentBooks.get(owner.userId);
  const areKnown = keysBeside(owner).every((key) => seen?.beside.has(nameOf(key)));
  return seen?.monthName === monthOf(owner.at) && areKnown ? seen : undefined;
}

function keysBeside({ beside, rollup }: BooksOwner): Deno.KvKey[] {
  return [beside, rollup].filter((key) => key !== undefined);
}

/** Read once for all who come meanwhile. */
function rememberBooks(store: Store, owner: BooksOwner): Promise<void> {
  return store.locks.hold(owner.userId, async () => {
    if (remembered(store, owner) !== undefined) return;
    const found = await readBooks(store, owner);
    const seen = store.recentBooks.get(owner.userId);
    // What is ahead of the disk by now stays.
    const isAhead = seen?.monthName === found.monthName;
    store.recentBooks.put(
      owner.userId,
      isAhead ? { ...seen, beside: joined(found.beside, seen.beside) } : found,
    );
  });
}

/** Begins with the books as they are stored. Until it has read them nobody builds on others, so it gets its turn. */
async function changeStored<T, B>(
  store: Store,
  { owner, lost, change }: { owner: BooksOwner; lost: SeenBooks | undefined; change: Change<T, B> },
): Promise<BooksResult<T> | null> {
  let before = lost;
  while (true) {
    store.recentBooks.take(owner.userId);
    const stored = await readBooks(store, owner);
    store.recentBooks.put(owner.userId, stored);
    if (before !== undefined && versionsOf(stored, owner) === versionsOf(before, owner)) return null;
    const result = await tryChange(store, { seen: stored, owner, change });
    if (result !== null) return result;
    before = stored;
  }
}

/** Null: a check failed. What is remembered is ahead of the disk until the commit has ended, one way or the other. */
async function tryChange<T, B>(
  { recentBooks }: Store,
  { seen, owner, change }: { seen: SeenBooks; owner: BooksOwner; change: Change<T, B> },
): Promise<BooksResult<T> | null> {
  const open = openBooks<B>(seen, owner);
  const { atomic, value } = change(open.books);
  const promised = promisedVersion(atomic);
  recentBooks.put(seen.userId, open.after(promised));
  try {
    const result = await commit(atomic);
    const latest = recentBooks.take(seen.userId);
    if (result === null) return null;
    const { versionstamp } = result;
    if (latest !== undefined) recentBooks.put(seen.userId, withVersion(latest, { promised, versionstamp }));
    return { value, versionstamp };
  } catch (error) {
    recentBooks.take(seen.userId);
    throw error;
  }
}

type MaybeVersioned = Versioned<unknown> | null;

function withVersion(
  { account, month, beside, ...seen }: SeenBooks,
  { promised, versionstamp }: { promised: string; versionstamp: string },
): SeenBooks {
  const known = (part: MaybeVersioned) => part?.versionstamp === promised ? { ...part, versionstamp } : part;
  return {
    ...seen,
    account: known(account),
    month: known(month),
    beside: new Map(Array.from(beside, ([name, record]) => [name, known(record)])),
  };
}

function openBooks<B>(
  seen: SeenBooks,
  owner: BooksOwner,
): { books: Books<B>; after: (versionstamp: string) => SeenBooks } {
  let changed: { account?: Account; month?: Month; beside?: B; rollup?: unknown } = {};
  const versioned = <V>(value: V | undefined, versionstamp: string) => value && { value, versionstamp };
  const found = (key: Deno.KvKey | undefined) => key === undefined ? null : besideIn(seen, key);
  return {
    books: {
      account: seen.account?.value as Account ?? emptyAccount,
      month: seen.month?.value as Month ?? emptyMonth,
      beside: found(owner.beside)?.value as B ?? null,
      rollup: found(owner.rollup)?.value ?? null,
      write(atomic, given) {
        changed = given;
        const accountKey = keys.account(seen.userId);
        const monthKey = keys.month(seen.userId, seen.monthName);
        atomic.check({ key: accountKey, versionstamp: seen.account?.versionstamp ?? null });
        atomic.check({ key: monthKey, versionstamp: seen.month?.versionstamp ?? null });
        for (const key of keysBeside(owner)) {
          atomic.check({ key, versionstamp: found(key)?.versionstamp ?? null });
        }
        if (given.account) atomic.set(accountKey, given.account);
        if (given.month) atomic.set(monthKey, given.month);
        if (given.beside && owner.beside) atomic.set(owner.beside, given.beside);
        if (given.rollup && owner.rollup) atomic.set(owner.rollup, given.rollup);
        return atomic;
      },
    },
    after: (versionstamp) => ({
      ...seen,
      account: versioned(changed.account, versionstamp) ?? seen.account,
      month: versioned(changed.month, versionstamp) ?? seen.month,
      beside: withWritten(seen.beside, { owner, changed, versionstamp }),
    }),
  };
}

async function readBooks(store: Store, owner: BooksOwner): Promise<SeenBooks> {
  const { userId, at } = owner;
  const monthName = monthOf(at);
  const besides = keysBeside(owner);
  const [account, month, ...records] = await readMany<unknown>(store.kv, [
    keys.account(userId),
    keys.month(userId, monthName),
    ...besides,
  ]);
  const beside = new Map(besides.map((key, i) => [nameOf(key), records[i]]));
  return { userId, monthName, account, month, beside };
}

/** Of so many records a user's books remember what they are. */
const mostBeside = 32;

function withWritten(
  seen: SeenBooks["beside"],
  { owner, changed, versionstamp }: {
    owner: BooksOwner;
    changed: { beside?: unknown; rollup?: unknown };
    versionstamp: string;
  },
): SeenBooks["beside"] {
  const written = new Map<string, Versioned<unknown>>();
  for (const name of ["beside", "rollup"] as const) {
    const key = owner[name];
    if (key && changed[name]) written.set(nameOf(key), { value: changed[name], versionstamp });
  }
  return written.size === 0 ? seen : joined(seen, written);
}

/** All of both, of `latest` what both have. */
function joined(earlier: SeenBooks["beside"], latest: SeenBooks["beside"]): SeenBooks["beside"] {
  const others = Array.from(earlier).filter(([name]) => !latest.has(name));
  return new Map([...others, ...latest].slice(-mostBeside));
}

function besideIn({ beside }: SeenBooks, key: Deno.KvKey): MaybeVersioned {
  return beside.get(nameOf(key)) ?? null;
}

function nameOf(key: Deno.KvKey): string {
  return key.join("\0");
}

function versionsOf(seen: SeenBooks, owner: BooksOwner): string {
  const besides = keysBeside(owner).map((key) => besideIn(seen, key));
  return [seen.account, seen.month, ...besides].map((part) => part?.versionstamp).join(" ");
}

/** What the books need to know of a prompt. */
interface SettledPrompt {
  id: string;
  userId: string;
  request: { model: string };
  holdMicros: number;
  priceRow: PriceRow | null;
}

/** The entry that settles a prompt with so many pictures, and the books after it: hold released, charge added. */
export function settle(
  books: Pick<Books, "account" | "month">,
  { prompt, images, charge, at }: { prompt: SettledPrompt; images: number; charge: Charge; at: number },
): { entry: LedgerEntry; account: Account; month: Month } {
  const entry: LedgerEntry = {
    ...charge,
    promptId: prompt.id,
    userId: prompt.userId,
    model: prompt.request.model,
    images,
    isAboveHold: charge.costMicros > prompt.holdMicros,
    tableMicros: (prompt.priceRow?.costMicros ?? 0) * images,
    at,
  };
  const account = {
    ...books.account,
    heldMicros: books.account.heldMicros - prompt.holdMicros,
    chargedMicros: books.account.chargedMicros + charge.costMicros,
  };
  return { entry, account, month: addToMonth(books.month, entry) };
}

/** The month with one more entry, or correction, in it. */
export function addToMonth(
  month: Month,
  entry: Pick<LedgerEntry, "at" | "model" | "costMicros" | "savedMicros"> & { images?: number },
): Month {
  const day = new Date(entry.at).toISOString().slice(0, 10);
  const add = (spend: Spend | undefined) => ({
    costMicros: (spend?.costMicros ?? 0) + entry.costMicros,
    images: (spend?.images ?? 0) + (entry.images ?? 0),
  });
  return {
    spentMicros: month.spentMicros + entry.costMicros,
    ...sumSaved(month, entry),
    days: { ...month.days, [day]: add(month.days[day]) },
    models: { ...month.models, [entry.model]: add(month.models[entry.model]) },
  };
}

/** Adds what is left of deleted accounts, all of one month, to their month, so that all still adds up. */
export async function addToMonthOfNobody(
  store: Store,
  { atomic, charges }: { atomic: Deno.AtomicOperation; charges: readonly (LedgerEntry | Correction)[] },
): Promise<void> {
  if (charges.length === 0) return;
  const key = keys.month(nobody, monthOf(charges[0].at));
  const found = await read<Month>(store.kv, key);
  atomic.check({ key, versionstamp: found?.versionstamp ?? null })
    .set(key, charges.reduce((month, charge) => addToMonth(month, charge), found?.value ?? emptyMonth));
}

export function readAccount(store: Store, userId: string): Promise<Account> {
  return read<Account>(store.kv, keys.account(userId)).then((found) => found?.value ?? emptyAccount);
}

export function readMonth(
  store: Store,
  { userId, month }: { userId: string; month: string },
): Promise<Month> {
  return read<Month>(store.kv, keys.month(userId, month)).then((found) => found?.value ?? emptyMonth);
}

/** The entries of these prompts, each with its correction in its amount. */
export async function readLedger(
  store: Store,
  promptIds: readonly string[],
): Promise<(Versioned<LedgerEntry> | null)[]> {
  const entries = await readMany<LedgerEntry>(store.kv, promptIds.map(keys.ledger));
  const inDoubt = entries.flatMap((entry) => entry?.value.basis === "unknown" ? [entry.value.promptId] : []);
  if (inDoubt.length === 0) return entries;
  const corrections = await readMany<Correction>(store.kv, inDoubt.map(keys.correction));
  const byId = new Map(
    corrections.flatMap((found) => found === null ? [] : [[found.value.promptId, found.value]]),
  );
  return entries.map((entry) => {
    const correction = entry === null ? undefined : byId.get(entry.value.promptId);
    return correction === undefined ? entry : { ...entry!, value: corrected(entry!.value, correction) };
  });
}

function corrected(entry: LedgerEntry, correction: Correction): LedgerEntry {
  return { ...entry, costMicros: entry.costMicros + correction.costMicros, basis: "reported", correction };
}
