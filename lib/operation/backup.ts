/**
 * Backups, taken while the server runs: first the database as it is at one moment, then the blobs that its records
 * name. A blob is written before its record and never changes, so all of them are there, as long as none is deleted
 * meanwhile; deletions therefore wait until the backup is complete. A backup is laid out like a data directory and
 * is complete once it has a manifest.
 */
import { join } from "node:path";
import { z } from "zod";
import { ownNouns } from "../accounts/nouns.ts";
import { batchIdIn, blobKeys, blobKeysOf, type Blobs, imageIdIn, readBlob } from "../blobs/blobs.ts";
import type { StoredBlob } from "../store/noun.ts";
import { copyDatabase, sealDatabaseFile } from "../store/database_file.ts";
import { type DataDirectory, isUnused, pathsIn } from "./data_directory.ts";
import { imageNoun, trashNoun } from "../images/image_noun.ts";
import { Refusal } from "../refusal.ts";
import type { Log } from "../log.ts";
import { openDatabase, openDatabaseAsItIs } from "../store/store.ts";
import type { HoldableBlobs } from "../blobs/holdable_blobs.ts";

/** Runs `work` on a copy of the database that stands still. */
export async function withSnapshot<T>(data: DataDirectory, work: (kv: Deno.Kv) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ dir: data.temporary });
  try {
    const path = join(folder, "snapshot.sqlite3");
    await copyDatabase(data.database, path);
    const kv = await openDatabaseAsItIs(path);
    try {
      return await work(kv);
    } finally {
      kv.close();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

export interface BackupReport {
  images: number;
  /** Blobs that a record names and that are gone: `verify` tells more. */
  missing: string[];
}

const manifest = z.object({ darkroomBackup: z.literal(1), takenAt: z.iso.datetime() });
const manifestPath = (directory: string) => join(directory, "backup.json");

/** Fills `directory`, which must not exist or be empty; refuses with `conflict`, and where there is no such `database`. */
export async function backUp(
  { data, blobs, now }: { data: DataDirectory; blobs: HoldableBlobs; now: () => number },
  { directory, target, database = data.database, copyRecords, takeOver }: {
    directory: string;
    target: Blobs;
    /** The file of a store that several nodes use, also while they use it. */
    database?: string;
    /** Makes a file of what is in no file, as it is at one moment, while nodes use it. */
    copyRecords?: (path: string) => Promise<void>;
    /** Takes a blob over from an earlier backup; false: it is to be copied. Left out: all are. */
    takeOver?: (key: string) => Promise<boolean>;
  },
): Promise<BackupReport> {
  if (copyRecords === undefined) await demandFile(database);
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  for await (const _ of Deno.readDir(directory)) {
    throw new Refusal("conflict", `${directory} is not empty: a backup needs a folder of its own`);
  }
  const paths = pathsIn(directory);
  return await blobs.holdDeletes(async () => {
    if (copyRecords === undefined) await copyDatabase(database, paths.database);
    else await copyRecords(paths.database);
    await copyIfThere(data.secret, paths.secret);
    const kv = await openDatabaseAsItIs(paths.database);
    const report = await copyBlobs({ kv, from: blobs, to: target, takeOver }).finally(() => kv.close());
    sealDatabaseFile(paths.database);
    await Deno.chmod(paths.database, 0o600);
    const facts: z.infer<typeof manifest> = {
      darkroomBackup: 1,
      takenAt: new Date(now()).toISOString(),
    };
    await Deno.writeTextFile(manifestPath(directory), JSON.stringify(facts), { mode: 0o600 });
    return report;
  });
}

/**
 * Puts a backup, of this version or an earlier one, into a data directory where nothing was ever stored; refuses with
 * `conflict` or `not_found`.
 */
export async function restore(
  { data, blobs, now, log }: { data: DataDirectory; blobs: Blobs; now: () => number; log: Log },
  { directory, source }: { directory: string; source: Blobs },
): Promise<BackupReport> {
  if (!await isUnused(data)) {
    throw new Refusal(
      "conflict",
      `${data.path} is not empty: a backup is restored into an empty DATA_DIR only`,
    );
  }
  await demandManifest(directory);
  await demandNoLinks(directory);
  const paths = pathsIn(directory);
  const draft = join(data.temporary, "restored.sqlite3");
  await Deno.copyFile(paths.database, draft);
  const kv = await openDatabase(draft, { now, log });
  const report = await copyBlobs({ kv, from: source, to: blobs }).finally(() => kv.close());
  sealDatabaseFile(draft);
  await copyIfThere(paths.secret, data.secret);
  await Deno.chmod(draft, 0o600);
  await Deno.rename(draft, data.database);
  return report;
}

async function demandFile(path: string): Promise<void> {
  const { isFile } = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return { isFile: false };
    throw error;
  });
  if (!isFile) throw new Refusal("not_found", `${path} is no file`);
}

async function demandManifest(directory: string): Promise<void> {
  try {
    manifest.parse(JSON.parse(await Deno.readTextFile(manifestPath(directory))));
  } catch (error) {
    const isExpected = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
      error instanceof SyntaxError || error instanceof z.ZodError;
    if (!isExpected) throw error;
    throw new Refusal("not_found", `${directory} is not a complete backup`);
  }
}

/** A link would bring in what is somewhere else on this machine. A backup has none. */
async function demandNoLinks(directory: string): Promise<void> {
  for await (const { name, isSymlink, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isSymlink) throw new Refusal("conflict", `${path} is a link: that is no backup of Darkroom`);
    if (isDirectory) await demandNoLinks(path);
  }
}

const copiesAtOnce = 4;

interface CopyPlaces {
  from: Blobs;
  to: Blobs;
  takeOver?: (key: string) => Promise<boolean>;
}

async function copyBlobs(
  { kv, ...places }: { kv: Deno.Kv } & CopyPlaces,
): Promise<BackupReport> {
  const report: BackupReport = { images: 0, missing: [] };
  let batch: StoredRecord[] = [];
  const copyBatch = async () => {
    const copying = batch.map(({ stored }) => copyStored(stored, places));
    // Where one fails, none goes on behind the back of whoever clears up.
    await Promise.allSettled(copying);
    report.missing.push(...(await Promise.all(copying)).flat());
    report.images += batch.filter(({ isImage }) => isImage).length;
    batch = [];
  };
  for await (const stored of allStored(kv)) {
    batch.push(stored);
    if (batch.length === copiesAtOnce) await copyBatch();
  }
  await copyBatch();
  return report;
}

/** Where the bytes of a record are. */
interface StoredRecord {
  stored: StoredBlob[];
  /** Not a mask, nor what is still to be put into a picture. */
  isImage: boolean;
}

/** The bytes of each record that has some, also of those whose deletion can still be undone. */
async function* allStored(kv: Deno.Kv): AsyncGenerator<StoredRecord> {
  for (const noun of ownNouns) {
    if (noun.blobs === undefined) continue;
    for await (const record of kv.list({ prefix: [...noun.kind] }, { batchSize: 500 })) {
      const facts = noun.facts(record);
      if (facts === null) continue;
      const stored = noun.blobs(facts);
      for (const { key } of stored) demandOwnKey(key);
      if (stored.length > 0) yield { stored, isImage: noun === imageNoun || noun === trashNoun };
    }
  }
}

/** Returns the keys under which nothing was. */
async function copyStored(
  stored: readonly StoredBlob[],
  { from, to, takeOver }: CopyPlaces,
): Promise<string[]> {
  const missing: string[] = [];
  for (const { key, contentType } of stored) {
    if (await takeOver?.(key)) continue;
    const bytes = await readBlob(from, key);
    if (bytes === null) missing.push(key);
    else await to.put(key, bytes, contentType);
  }
  return missing;
}

/** A backup may be anybody's: a record whose id is none was made by hand, and its bytes could be anywhere. */
function demandOwnKey(key: string): void {
  if (batchIdIn(key) !== null) return;
  const id = imageIdIn(key);
  if (id !== null && [...blobKeysOf(id), blobKeys.mask(id)].includes(key)) return;
  throw new Refusal("conflict", `A record names files of something else: ${key}`);
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await Deno.copyFile(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return;
  }
  await Deno.chmod(to, 0o600);
}
