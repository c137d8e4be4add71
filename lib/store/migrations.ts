/**
 * Records have a version, one number for the whole database, and people have data: where a record's shape changes, a
 * migration takes all of them there when the database is opened, before anybody uses it. Forward only. Each commit
 * says with what it rewrites how far the migration has come, so one that is killed goes on where it was, and nothing
 * is rewritten twice.
 */
import type { Log } from "../log.ts";
import { StartError } from "../refusal.ts";
import { boardsWithMembers } from "./migrations/boards_with_members.ts";
import { findByLetters } from "./migrations/find_by_letters.ts";
import { changesInRows } from "./migrations/changes_in_rows.ts";
import { countedByDay } from "./migrations/counted_by_day.ts";
import { markedPictures } from "./migrations/marked_pictures.ts";
import { oneFactInOnePlace } from "./migrations/one_fact_in_one_place.ts";
import { picturesOfTwoKinds } from "./migrations/pictures_of_two_kinds.ts";
import { ranksInTheQueue } from "./migrations/ranks_in_the_queue.ts";
import type { Migration, Step, Write } from "./migration.ts";
import { keys, kinds } from "./schema.ts";

interface RecordsVersion {
  version: number;
  /** The migration to the next version has begun: its step, and the last key of it that is done. */
  underWay?: { step: number; lastKey: Deno.KvKey | null };
}

/** The first leads from version 1, which did not say so yet, to version 2. */
const shipped: readonly Migration[] = [
  findByLetters,
  oneFactInOnePlace,
  picturesOfTwoKinds,
  changesInRows,
  ranksInTheQueue,
  markedPictures,
  countedByDay,
  boardsWithMembers,
];

/** The version of the records that this program reads and writes. */
export const recordsVersion = 1 + shipped.length;

/** Another node migrates the records at the same time, and was faster. */
export class LostMigration extends Error {
  override readonly name = "LostMigration";
}

/** Below what a commit of KV may hold: 1,000 mutations in 800 KiB. */
const mostWrites = 500;
const mostBytes = 700 * 1024;

const reportedEvery = 20_000;

/**
 * Brings the records to the version that this program knows; a database without any is of that version at once.
 * Nobody else may use it meanwhile. Throws `StartError` where they are of a newer one.
 */
export async function migrateRecords(
  kv: Deno.Kv,
  { now, log }: { now: () => number; log: Log },
  migrations: readonly Migration[] = shipped,
): Promise<void> {
  const newest = 1 + migrations.length;
  const { version, versionstamp, underWay } = await readVersion(kv, newest);
  if (!(version <= newest)) {
    throw new StartError(
      `The database is of a newer Darkroom (its records have version ${version}, this one knows ${newest}): ` +
        `start that one, or restore a backup from before`,
    );
  }
  const progress = createProgress(kv, { version, versionstamp, underWay });
  if (versionstamp === null) await progress.write([], { version });
  for (let from = version; from < newest; from++) {
    log("info", "migration_begun", { from, to: from + 1 });
    const rewritten = await migrate(kv, { migration: migrations[from - 1], from, progress, now, log });
    log("info", "migration_done", { to: from + 1, rewritten });
  }
}

async function readVersion(
  kv: Deno.Kv,
  newest: number,
): Promise<RecordsVersion & { versionstamp: string | null }> {
  const { value, versionstamp } = await kv.get<RecordsVersion>(keys.recordsVersion());
  if (value !== null) return { ...value, versionstamp };
  return { version: await isEmpty(kv) ? newest : 1, versionstamp };
}

/** What nodes that share it leave before they have looked at its records is nothing yet. */
async function isEmpty(kv: Deno.Kv): Promise<boolean> {
  for await (const { key } of kv.list({ prefix: [] }, { batchSize: 10 })) {
    if (!ofNodes.includes(String(key[0]))) return false;
  }
  return true;
}

const ofNodes = [kinds.commitMarkers, kinds.nodes, kinds.nodeSettings].map(([kind]): string => kind);

/** Throws `StartError` where the records are of another version than this program's, or are on their way there. */
export async function demandRecordsVersion(kv: Deno.Kv): Promise<void> {
  const { value } = await kv.get<RecordsVersion>(keys.recordsVersion());
  if (value?.version === recordsVersion && value.underWay === undefined) return;
  throw new StartError(
    `The records at KV_URL have version ${
      value?.version ?? "none"
    }, and this program knows ${recordsVersion}: ` +
      `start its nodes first`,
  );
}

/** The version of the record that tells how far a migration under way has come; null: none is. */
export async function readMigrationUnderWay(kv: Deno.Kv): Promise<string | null> {
  const { value, versionstamp } = await kv.get<RecordsVersion>(keys.recordsVersion());
  return value?.underWay === undefined ? null : versionstamp;
}

interface Progress {
  /** How far the migration under way has come; undefined: not begun. */
  readonly underWay: RecordsVersion["underWay"];
  /** Writes, and says in the same commit how far that goes. */
  write(writes: readonly Write[], next: RecordsVersion): Promise<void>;
}

function createProgress(
  kv: Deno.Kv,
  found: RecordsVersion & { versionstamp: string | null },
): Progress {
  let { versionstamp, underWay } = found;
  return {
    get underWay() {
      return underWay;
    },
    async write(writes, next) {
      const key = keys.recordsVersion();
      const atomic = kv.atomic().check({ key, versionstamp }).set(key, next);
      for (const { key, value, expireIn, sum } of await merged(kv, writes)) {
        if (sum !== undefined) atomic.sum(key, sum);
        else if (value === undefined) atomic.delete(key);
        else atomic.set(key, value, { expireIn });
      }
      const written = await atomic.commit();
      if (!written.ok) throw new LostMigration("Somebody else writes to the database while it is migrated");
      ({ versionstamp } = written);
      ({ underWay } = next);
    },
  };
}

/** What is to be merged, with what is there; nobody else writes meanwhile. */
async function merged(kv: Deno.Kv, writes: readonly Write[]): Promise<Write[]> {
  const values = new Map<string, Write>();
  const others: Write[] = [];
  for (const write of writes) {
    const { key, merge } = write;
    if (merge === undefined) {
      others.push(write);
      continue;
    }
    const name = nameOf(key);
    const stored = values.get(name)?.value ?? (await kv.get(key)).value;
    values.set(name, { key, value: merge(stored) });
  }
  return [...others, ...values.values()];
}

/** Returns how many records were rewritten. */
async function migrate(
  kv: Deno.Kv,
  { migration: { steps }, from, progress, now, log }: {
    migration: Migration;
    from: number;
    progress: Progress;
    now: () => number;
    log: Log;
  },
): Promise<number> {
  let rewritten = 0;
  let reported = 0;
  for (let step = progress.underWay?.step ?? 0; step < steps.length; step++) {
    const lastKey = progress.underWay?.step === step ? progress.underWay.lastKey : null;
    for await (const batch of batches(kv, { step: steps[step], lastKey, now })) {
      await progress.write(batch.writes, { version: from, underWay: { step, lastKey: batch.lastKey } });
      rewritten += batch.entries;
      if (rewritten - reported < reportedEvery) continue;
      reported = rewritten;
      log("info", "migrating", { to: from + 1, rewritten });
    }
  }
  await progress.write([], { version: from + 1 });
  return rewritten;
}

interface Batch {
  writes: Write[];
  /** Of the entries that are done with it. */
  lastKey: Deno.KvKey;
  entries: number;
  bytes: number;
}

function emptyBatch(): Batch {
  return { writes: [], lastKey: [], entries: 0, bytes: 0 };
}

/** What is still to be rewritten in a step, in parts that fit into a commit. */
async function* batches(
  kv: Deno.Kv,
  { step: { prefix, rewrite }, lastKey, now }: {
    step: Step;
    lastKey: Deno.KvKey | null;
    now: () => number;
  },
): AsyncGenerator<Batch> {
  const selector = { prefix: [...prefix], ...(lastKey !== null && { start: lastKey }) };
  const done = lastKey === null ? null : nameOf(lastKey);
  let batch = emptyBatch();
  for await (const entry of kv.list(selector, { batchSize: 500 })) {
    if (nameOf(entry.key) === done) continue;
    const writes = await rewrite(entry, { now: now(), kv });
    if (writes.length === 0) continue;
    const size = sizeOf(writes);
    const isFull = batch.writes.length + writes.length > mostWrites || batch.bytes + size > mostBytes;
    if (isFull && batch.entries > 0) {
      yield batch;
      batch = emptyBatch();
    }
    batch.writes.push(...writes);
    batch.lastKey = entry.key;
    batch.entries++;
    batch.bytes += size;
  }
  if (batch.entries > 0) yield batch;
}

function nameOf(key: Deno.KvKey): string {
  return JSON.stringify(key);
}

/** In bytes, rather too much than too little. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return 2 * value.length + 8;
  if (ArrayBuffer.isView(value)) return value.byteLength + 16;
  if (typeof value !== "object" || value === null) return 12;
  let size = 16;
  for (const name in value) size += 8 + name.length + sizeOf(value[name as keyof typeof value]);
  return size;
}
