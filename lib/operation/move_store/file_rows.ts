/** The rows of a file of Deno KV, or of denokv, which keeps the same: denoland/denokv, `sqlite/backend.rs`. */
import { dirname, join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { StartError } from "../../refusal.ts";
import { lockName } from "../data_directory.ts";
import { probeDatabaseFile, sealDatabaseFile } from "../../store/database_file.ts";
import { kindsOfValue } from "../../store/postgres/stored_value.ts";
import { openDatabaseAsItIs } from "../../store/store.ts";
import { rowsAtOnce, type RowSource, type RowTarget, type StoredRow } from "./rows.ts";

/** As it is at this moment. Throws `StartError`, also where a server has its data directory. */
export function openFileSource(path: string, { now }: { now: () => number }): RowSource {
  demandFile(path);
  const lock = holdDirectory(dirname(path));
  const database = new DatabaseSync(path, { readOnly: true });
  // The first query after it says which moment that is.
  database.exec("BEGIN");
  highestIn(database);
  const at = now();
  return {
    read: () => readRows(database, at),
    highestVersion: () => Promise.resolve(highestIn(database)),
    close() {
      database.close();
      lock?.close();
      return Promise.resolve();
    },
  };
}

/** Null: it is none of Darkroom's. */
function holdDirectory(path: string): Deno.FsFile | null {
  let lock: Deno.FsFile;
  try {
    lock = Deno.openSync(join(path, lockName), { read: true, write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  if (lock.tryLockSync(true)) return lock;
  lock.close();
  throw new StartError(`Stop the server that has ${path}: what it writes would be lost`);
}

function demandFile(path: string): void {
  let isFile = false;
  try {
    ({ isFile } = Deno.statSync(path));
    if (isFile) probeDatabaseFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new StartError(`There is no file ${path}`);
    const cause = error instanceof Error ? error.message : String(error);
    throw new StartError(`The database ${path} cannot be opened (${cause})`);
  }
  if (!isFile) throw new StartError(`${path} is no file`);
}

/** A new file; it is written beside where it is to be. Throws `StartError` where there is one. */
export async function openFileTarget(path: string): Promise<RowTarget> {
  for (const each of [path, `${path}-wal`]) {
    if (await isThere(each)) throw new StartError(`${each} is there already: a store is moved to a new file`);
  }
  const draft = `${path}.moving`;
  await removeDraft(draft);
  (await openDatabaseAsItIs(draft)).close();
  const database = new DatabaseSync(draft);
  database.exec("BEGIN");
  const insert = database.prepare(
    "INSERT INTO kv (k, v, v_encoding, version, expiration_ms) VALUES (?, ?, ?, ?, ?)",
  );
  return {
    write(rows) {
      for (const { key, kind, bytes, number, version, expiresAt } of rows) {
        insert.run(key, bytes ?? littleEndian(number!), kind, version, expiresAt ?? never);
      }
      return Promise.resolve();
    },
    goOnBehind(version) {
      const statement =
        "INSERT INTO data_version (k, version) VALUES (0, ?) ON CONFLICT (k) DO UPDATE SET version = excluded.version";
      database.prepare(statement).run(version);
      return Promise.resolve();
    },
    read: () => readRows(database, 0),
    async keep() {
      database.exec("COMMIT");
      database.close();
      sealDatabaseFile(draft);
      await Deno.rename(draft, path);
    },
    async close() {
      if (database.isOpen) database.close();
      await removeDraft(draft);
    },
  };
}

async function removeDraft(draft: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    if (await isThere(draft + suffix)) await Deno.remove(draft + suffix);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** How the file says that an entry stays. */
const never = -1;

function highestIn(database: DatabaseSync): bigint {
  const statement = database.prepare("SELECT max(version) AS version FROM data_version");
  statement.setReadBigInts(true);
  return BigInt(statement.get()?.version as bigint ?? 0n);
}

async function* readRows(database: DatabaseSync, at: number): AsyncGenerator<StoredRow[]> {
  const statement = database.prepare(
    `SELECT k, v, v_encoding, version, expiration_ms FROM kv
    WHERE k > ? AND (expiration_ms = ${never} OR expiration_ms > ?) ORDER BY k LIMIT ${rowsAtOnce}`,
  );
  statement.setReadBigInts(true);
  let last: Uint8Array = new Uint8Array();
  while (true) {
    const rows = statement.all(last, at).map(rowOf);
    if (rows.length === 0) return;
    yield rows;
    last = rows.at(-1)!.key;
  }
}

function rowOf({ k, v, v_encoding, version, expiration_ms }: Record<string, SQLOutputValue>): StoredRow {
  const kind = Number(v_encoding);
  const isNumber = kind === kindsOfValue.number;
  const bytes = v as Uint8Array;
  return {
    key: k as Uint8Array,
    kind,
    bytes: isNumber ? null : bytes,
    number: isNumber ? new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) : null,
    version: version as bigint,
    expiresAt: Number(expiration_ms) === never ? null : Number(expiration_ms),
  };
}

function littleEndian(number: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number, true);
  return bytes;
}
