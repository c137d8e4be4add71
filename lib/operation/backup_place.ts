/**
 * Where backups are kept that are taken by themselves: a folder of this machine, or blobs somewhere else, such as a
 * bucket. Pictures never change, so each is copied once: in a folder the backups share its file by hard links, so that
 * each is a whole backup by itself, which may be carried away; in a bucket they share a pool. A backup is there once it
 * has its manifest; what an interrupted one left is taken away by the next.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import { batchPrefix, blobPrefix, type Blobs, type ListedBlob, readBlob } from "../blobs/blobs.ts";
import { createDiskBlobs } from "../blobs/disk_blobs.ts";
import { pathsIn } from "./data_directory.ts";

/** What a backup says of itself beside what every one says. */
const facts = z.object({
  takenAt: z.iso.datetime(),
  /** Its records were read back and agree; left out: nobody looked. */
  isGood: z.boolean().optional(),
});

export interface KeptBackup {
  /** The time when it was taken, such as 2026-12-01T03-00-00Z. */
  name: string;
  isGood: boolean;
}

export interface Draft {
  /** Laid out like a data directory; what is put into it beside blobs is uploaded when it is completed. */
  directory: string;
  /** Where the blobs of its records go. */
  blobs: Blobs;
  /** Takes a blob over from an earlier backup; null: no earlier one has it, else its size. */
  takeOver(key: string): Promise<number | null>;
  /** Brings its database there, and copies it as it lies there to a path of this machine. */
  readBack(path: string): Promise<void>;
  /** From then on it is one of those that are kept. */
  complete(said: { isGood: boolean }): Promise<void>;
  /** It is not to be completed any more. */
  discard(): Promise<void>;
}

export interface BackupPlace {
  /** Those that are complete, the oldest first. */
  list(): Promise<KeptBackup[]>;
  /** Begins a backup, and takes away what an interrupted one left. */
  begin(name: string): Promise<Draft>;
  /** Takes complete ones away. */
  remove(names: readonly string[]): Promise<void>;
  /** Brings one into an empty folder, as far as it is not its blobs; says where these are. */
  fetch(name: string, directory: string): Promise<{ directory: string; blobs: Blobs }>;
}

export const backupName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/;

export function nameOfBackup(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(":", "-")}Z`;
}

/** When a backup with this name was taken. */
export function timeOfBackup(name: string): number {
  return Date.parse(name.replace(/T(\d\d)-(\d\d)-/, "T$1:$2:"));
}

const manifestName = "backup.json";
const draftName = ".draft";

/** In a folder, which is made when the first is taken. */
export function createFolderPlace(path: string): BackupPlace {
  return {
    list: () => listFolder(path),
    async begin(name) {
      const directory = join(path, draftName);
      await removeTree(directory);
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      const latest = (await listFolder(path)).at(-1);
      const blobs = createDiskBlobs(pathsIn(directory).blobs);
      const earlier = latest && pathsIn(join(path, latest.name)).blobs;
      return {
        directory,
        blobs,
        takeOver: (key) =>
          earlier === undefined
            ? Promise.resolve(null)
            : linkFile(join(earlier, key), join(pathsIn(directory).blobs, key)),
        readBack: (to) => Deno.copyFile(pathsIn(directory).database, to),
        discard: () => removeTree(directory),
        async complete(said) {
          await sayOf(directory, said);
          await Deno.rename(directory, join(path, name));
        },
      };
    },
    async remove(names) {
      for (const name of names) {
        // What is half gone is no backup any more.
        await Deno.rename(join(path, name), join(path, draftName));
        await removeTree(join(path, draftName));
      }
    },
    fetch(name) {
      const directory = join(path, name);
      return Promise.resolve({ directory, blobs: createDiskBlobs(pathsIn(directory).blobs) });
    },
  };
}

async function listFolder(path: string): Promise<KeptBackup[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory && backupName.test(name)) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const found = await Promise.all(
    names.sort().map(async (name) => keptFrom(name, await readText(join(path, name, manifestName)))),
  );
  return found.filter((each) => each !== null);
}

function keptFrom(name: string, manifest: string | null): KeptBackup | null {
  return manifest === null ? null : { name, isGood: facts.parse(JSON.parse(manifest)).isGood ?? false };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Adds to the manifest of a draft what was found out about it. */
async function sayOf(directory: string, said: { isGood: boolean }): Promise<string> {
  const path = join(directory, manifestName);
  const text = JSON.stringify({ ...JSON.parse(await Deno.readTextFile(path)), ...said });
  await Deno.writeTextFile(path, text);
  return text;
}

/** Its size; null where there is none to link to, or the file system has no links. */
async function linkFile(from: string, to: string): Promise<number | null> {
  try {
    await Deno.mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await Deno.link(from, to);
    return (await Deno.stat(to)).size;
  } catch (error) {
    // What the system says where it can't link depends on the file system: then it is copied.
    if (error instanceof Error && "code" in error || error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function removeTree(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const recordsPrefix = "records/";
const poolPrefix = "pool/";
/** The database goes in pieces, so that none of them is too large for memory or for one request. */
const pieceBytes = 16 * 1024 * 1024;
const bytesType = "application/octet-stream";

/** In blobs: `records/NAME/…`, the manifest last, and `pool/…` with the blobs of all of them. */
export function createBlobPlace(
  place: Blobs,
  { temporary }: { temporary: string },
): BackupPlace {
  const keyOf = (name: string, file: string) => `${recordsPrefix}${name}/${file}`;
  return {
    list: () => listRecords(place),
    async begin(name) {
      const complete = await listRecords(place);
      await removeUnnamed(place, complete.map(({ name }) => name));
      const directory = await Deno.makeTempDir({ dir: temporary });
      const pool = new Map<string, number>();
      for await (const { key, size } of list(place, poolPrefix)) pool.set(key.slice(poolPrefix.length), size);
      const named = new Set<string>();
      const blobs = poolOf(place);
      return {
        directory,
        blobs: {
          ...blobs,
          async put(key, bytes, contentType) {
            await blobs.put(key, bytes, contentType);
            pool.set(key, bytes.length);
            named.add(key);
          },
          exists: (key) => Promise.resolve(pool.has(key)),
        },
        takeOver(key) {
          const size = pool.get(key) ?? null;
          if (size !== null) named.add(key);
          return Promise.resolve(size);
        },
        discard: () => removeTree(directory),
        async readBack(to) {
          await uploadPieces(place, { path: pathsIn(directory).database, prefix: keyOf(name, "") });
          await downloadPieces(place, { path: to, prefix: keyOf(name, "") });
        },
        async complete(said) {
          const paths = pathsIn(directory);
          const secret = await Deno.readFile(paths.secret).catch(orNothing);
          if (secret !== null) await place.put(keyOf(name, "secret"), secret, bytesType);
          await place.put(keyOf(name, "blobs.json"), encode(JSON.stringify([...named])), "application/json");
          const manifest = await sayOf(directory, said);
          await place.put(keyOf(name, manifestName), encode(manifest), "application/json");
          await removeTree(directory);
        },
      };
    },
    async remove(names) {
      for (const name of names) await place.delete(keyOf(name, manifestName));
      await removeUnnamed(place, (await listRecords(place)).map(({ name }) => name));
    },
    async fetch(name, directory) {
      const paths = pathsIn(directory);
      await downloadPieces(place, { path: paths.database, prefix: keyOf(name, "") });
      for (const [file, path] of [["secret", paths.secret], [manifestName, join(directory, manifestName)]]) {
        const bytes = await readBlob(place, keyOf(name, file));
        if (bytes !== null) await Deno.writeFile(path, bytes, { mode: 0o600 });
      }
      return { directory, blobs: poolOf(place) };
    },
  };
}

function list(place: Blobs, prefix: string): AsyncIterable<ListedBlob> {
  return place.list(prefix);
}

function poolOf(place: Blobs): Blobs {
  const within = (key: string) => poolPrefix + key;
  return {
    ...place,
    put: (key, bytes, contentType) => place.put(within(key), bytes, contentType),
    open: (key, range) => place.open(within(key), range),
    delete: (key) => place.delete(within(key)),
    exists: (key) => place.exists(within(key)),
  };
}

async function listRecords(place: Blobs): Promise<KeptBackup[]> {
  const names: string[] = [];
  for await (const { key } of list(place, recordsPrefix)) {
    const [, name, file] = key.split("/");
    if (file === manifestName && backupName.test(name)) names.push(name);
  }
  const found = await Promise.all(
    names.sort().map(async (name) => {
      const manifest = await readBlob(place, `${recordsPrefix}${name}/${manifestName}`);
      return keptFrom(name, manifest && new TextDecoder().decode(manifest));
    }),
  );
  return found.filter((each) => each !== null);
}

/** Takes away what belongs to no complete backup: records first, then what only they named. */
async function removeUnnamed(place: Blobs, complete: readonly string[]): Promise<void> {
  const kept = new Set(complete);
  for await (const { key } of list(place, recordsPrefix)) {
    if (!kept.has(key.split("/")[1])) await place.delete(key);
  }
  const named = new Set<string>();
  for (const name of complete) {
    const keys = await readBlob(place, `${recordsPrefix}${name}/blobs.json`);
    if (keys === null) throw new Error(`The backup ${name} does not say any more which blobs it has`);
    for (const key of z.array(z.string()).parse(JSON.parse(new TextDecoder().decode(keys)))) named.add(key);
  }
  for (const prefix of [blobPrefix, batchPrefix]) {
    for await (const { key } of list(place, poolPrefix + prefix)) {
      if (!named.has(key.slice(poolPrefix.length))) await place.delete(key);
    }
  }
}

function pieceKey(prefix: string, number: number): string {
  return `${prefix}database.${String(number).padStart(6, "0")}`;
}

async function uploadPieces(
  place: Blobs,
  { path, prefix }: { path: string; prefix: string },
): Promise<void> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  for (let number = 0; number * pieceBytes < size; number++) {
    const piece = new Uint8Array(Math.min(pieceBytes, size - number * pieceBytes));
    for (let filled = 0; filled < piece.length;) {
      const read = await file.read(piece.subarray(filled));
      if (read === null) throw new Error(`${path} became shorter while it was read`);
      filled += read;
    }
    await place.put(pieceKey(prefix, number), piece, bytesType);
  }
}

async function downloadPieces(
  place: Blobs,
  { path, prefix }: { path: string; prefix: string },
): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
  for (let number = 0;; number++) {
    const piece = await readBlob(place, pieceKey(prefix, number));
    if (piece === null) return;
    for (let written = 0; written < piece.length;) written += await file.write(piece.subarray(written));
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function orNothing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
