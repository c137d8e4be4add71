/** What every store works with: the database, the clock, ids, and one lock a user against needless lost races. */
import { createDatabaseFile, probeDatabaseFile } from "./database_file.ts";
import { Refusal, StartError } from "../refusal.ts";
import { createIds, type Ids } from "../ids.ts";
import { groupCommits } from "./group_commit.ts";
import { createInTurn, type InTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { createRecent, type Recent } from "../recent.ts";
import { migrateRecords } from "./migrations.ts";
import { isOfTheDisk } from "./disk_trouble.ts";
import { ownChanges } from "./own_changes.ts";
import { keys } from "./schema.ts";
import { noTracing, type Tracing } from "../tracing.ts";

export interface Store {
  kv: Deno.Kv;
  /** Several nodes may use it; false: only this process does. */
  isShared: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds that go on evenly, whatever becomes of the clock: for how long something has lasted. */
  monotonic: () => number;
  ids: Ids;
  /** What is done here is told as spans of the trace that it belongs to. */
  tracing: Tracing;
  locks: Locks;
  /** The books of the users who changed theirs last, so that the next change need not read them. */
  recentBooks: Recent<SeenBooks>;
  /** Whose a credential is, by its hash; that never changes, so it and its user are read together the next time. */
  recentOwners: Recent<string>;
}

/** Users who change their books, and credentials that are used, within a few minutes. */
const mostRemembered = 1000;

export function createStore(
  { kv, now, monotonic = now, isShared = false, tracing = noTracing }: {
    kv: Deno.Kv;
    now: () => number;
    monotonic?: () => number;
    isShared?: boolean;
    tracing?: Tracing;
  },
): Store {
  return {
    kv: groupCommits(kv, (mutations) => ownChanges(mutations, now)),
    isShared,
    now,
    monotonic,
    ids: createIds(now),
    tracing,
    locks: createLocks(),
    recentBooks: createRecent({ most: mostRemembered }),
    recentOwners: createRecent({ most: mostRemembered }),
  };
}

/**
 * A user's account and month, and records that are kept beside them, as they were last read or as they are being
 * written; null: nothing was written yet.
 */
export interface SeenBooks {
  userId: string;
  /** Such as "2026-11". */
  monthName: string;
  account: Versioned<unknown> | null;
  month: Versioned<unknown> | null;
  /** By key; the one that was used last at the end. */
  beside: ReadonlyMap<string, Versioned<unknown> | null>;
}

/** A value with the version at which it was read; `versionstamp` is also the cursor of changes. */
export interface Versioned<T> {
  value: T;
  versionstamp: string;
  /** The version at which it changed last, where that is another: a migration that wrote it anew is no change. */
  changedAs?: string;
}

/** The version at which it changed last. */
export function changeVersion({ versionstamp, changedAs }: Omit<Versioned<unknown>, "value">): string {
  return changedAs ?? versionstamp;
}

/**
 * Opens the database file, made if need be, and brings its records to the version of this program. Throws `StartError`
 * on one that is damaged, can't be written or is of a newer program.
 */
export async function openDatabase(
  path: string,
  { now, log }: { now: () => number; log: Log },
): Promise<Deno.Kv> {
  const kv = await openDatabaseAsItIs(path);
  try {
    await migrateRecords(kv, { now, log });
    return kv;
  } catch (error) {
    kv.close();
    if (!(error instanceof Error && isDatabaseTrouble(error))) throw error;
    throw new StartError(`The database ${path} cannot be written (${error.message})`);
  }
}

/** The same for a copy of a database that is open already, which is of this program's version. */
export async function openDatabaseAsItIs(path: string): Promise<Deno.Kv> {
  try {
    probeDatabaseFile(path);
    await createDatabaseFile(path);
    const kv = await Deno.openKv(path);
    await probeDatabase(kv);
    return kv;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `The database ${path} cannot be opened (${cause}): restore a backup, or move it away`,
    );
  }
}

/** Throws when nothing can be written. */
export async function probeDatabase(kv: Deno.Kv): Promise<void> {
  await kv.delete(keys.probe());
}

export async function read<T>(kv: Deno.Kv, key: Deno.KvKey): Promise<Versioned<T> | null> {
  const entry = await kv.get<T>(key);
  return entry.versionstamp === null ? null : { value: entry.value, versionstamp: entry.versionstamp };
}

/** Reads any number of keys, in order; `getMany` alone takes ten. */
export async function readMany<T>(
  kv: Deno.Kv,
  wanted: readonly Deno.KvKey[],
): Promise<(Versioned<T> | null)[]> {
  const chunks: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
  for (let i = 0; i < wanted.length; i += 10) {
    chunks.push(kv.getMany<T[]>([...wanted.slice(i, i + 10)]) as Promise<Deno.KvEntryMaybe<T>[]>);
  }
  return (await Promise.all(chunks)).flat().map((entry) =>
    entry.versionstamp === null ? null : { value: entry.value, versionstamp: entry.versionstamp }
  );
}

/** What was found of `readMany`. */
export function present<T>(found: (T | null)[]): T[] {
  return found.filter((value) => value !== null);
}

/** The database does not take what is written. No other refusal says so: those are about what was asked for. */
export class DatabaseRefusal extends Refusal {
  constructor(cause: unknown) {
    super("unavailable", "The database does not answer", { retryAfterSeconds: 5, cause });
  }
}

/** The database is ill, whether it said so to a read or a write: the fault of nobody who used it. */
export function isDatabaseTrouble(error: unknown): boolean {
  return error instanceof DatabaseRefusal || (error instanceof TypeError && isOfTheDisk(error));
}

/**
 * Commits, or throws `DatabaseRefusal` where the database does not take it (a full disk, a read-only file).
 * False means a lost race: a check failed and nothing was written.
 */
export async function commit(atomic: Deno.AtomicOperation): Promise<Deno.KvCommitResult | null> {
  try {
    const result = await atomic.commit();
    return result.ok ? result : null;
  } catch (error) {
    if (error instanceof DatabaseRefusal || (error instanceof TypeError && !isOfTheDisk(error))) throw error;
    throw new DatabaseRefusal(error);
  }
}

const removedAtOnce = 500;

/** Takes away all that stands under a prefix, commit by commit. */
export async function removeUnder({ kv }: Pick<Store, "kv">, prefix: Deno.KvKey): Promise<void> {
  while (true) {
    const entries = await Array.fromAsync(
      kv.list({ prefix }, { limit: removedAtOnce, batchSize: removedAtOnce }),
    );
    const atomic = kv.atomic();
    for (const { key } of entries) atomic.delete(key);
    await commit(atomic);
    if (entries.length < removedAtOnce) return;
  }
}

export interface Locks {
  /** Runs `work` after whatever runs under the same name has ended. */
  hold<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/**
 * Within this process, commits that would collide wait for each other instead. This only saves repeated work:
 * correctness rests on the version checks.
 */
export function createLocks(): Locks {
  const held = new Map<string, { inTurn: InTurn; holders: number }>();
  return {
    async hold(name, work) {
      const lock = held.get(name) ?? { inTurn: createInTurn(), holders: 0 };
      held.set(name, lock);
      lock.holders++;
      try {
        return await lock.inTurn(work);
      } finally {
        if (--lock.holders === 0) held.delete(name);
      }
    },
  };
}
