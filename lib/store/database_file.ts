/**
 * The SQLite file beneath KV, for what KV itself can't do: to look at a file before it is opened, and to copy it
 * while it is in use.
 */
import { DatabaseSync } from "node:sqlite";
import { deserialize } from "node:v8";

/** Below this size the whole file is checked (a few hundredths of a second); above it, what the start needs. */
const wholeCheckBytes = 16 * 1024 * 1024;

/** KV ends the process when it meets a damaged file, so look first. Throws on damage; a new file is fine. */
export function probeDatabaseFile(path: string): void {
  const size = sizeOf(path);
  if (size === 0) return;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    for (const query of size < wholeCheckBytes ? ["PRAGMA quick_check(1)"] : startQueries) {
      const damage = database.prepare(query).all().find(({ quick_check }) => (quick_check ?? "ok") !== "ok");
      if (damage !== undefined) throw new Error(String(damage.quick_check).replaceAll("\n", " "));
    }
  } finally {
    database.close();
  }
}

/** One end a query: SQLite finds it by the index, where both together would read the whole table. */
const startQueries = [
  "SELECT version FROM data_version",
  "SELECT count(*) FROM queue",
  "SELECT count(*) FROM queue_running",
  "SELECT min(k) FROM kv",
  "SELECT max(k) FROM kv",
  "SELECT min(expiration_ms) FROM kv",
  "SELECT max(expiration_ms) FROM kv",
];

/** A value under a key of texts, read from the file beside whoever uses it; null: there is none. */
export function readStored(path: string, key: readonly string[]): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database.prepare("SELECT v FROM kv WHERE k = ?").get(storedKey(key));
    return row === undefined ? null : deserialize(row.v as Uint8Array);
  } finally {
    database.close();
  }
}

/** Each text between a 2 and a 0, as KV keeps them; none of them has a 0 in it. */
function storedKey(key: readonly string[]): Uint8Array {
  return new Uint8Array(key.flatMap((part) => [2, ...new TextEncoder().encode(part), 0]));
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Makes the file, for its owner alone, where there is none; SQLite gives the ones beside it the same mode. */
export async function createDatabaseFile(path: string): Promise<void> {
  try {
    (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/**
 * Copies a database as it is at one moment, also while KV writes to it. SQLite copies in one go and would hold up
 * everything else, so a worker does it.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await createDatabaseFile(to);
  const worker = new Worker(new URL("./copy_database_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = ({ data: failure }: MessageEvent<string | null>) =>
    failure === null ? resolve() : reject(new Error(`The database can't be copied: ${failure}`));
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`The database can't be copied: ${event.message}`));
  };
  worker.postMessage({ from, to });
  try {
    await promise;
  } finally {
    worker.terminate();
  }
}

/** Makes the file complete in itself: KV leaves recent changes in a second file beside it. */
export function sealDatabaseFile(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = DELETE");
  } finally {
    database.close();
  }
}
