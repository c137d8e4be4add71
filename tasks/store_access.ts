/** How a task reaches the data: through the server that runs, or by opening the data directory itself. */
import { configureBlobs, type ConfiguredBlobs } from "../lib/blobs/configured_blobs.ts";
import { createDiskBlobs } from "../lib/blobs/disk_blobs.ts";
import { createHoldableBlobs } from "../lib/blobs/holdable_blobs.ts";
import type { S3Deps } from "../lib/blobs/s3_client.ts";
import {
  type Command,
  type CommandAnswers,
  type CommandInput,
  createCommands,
  notOfShared,
} from "../lib/operation/commands.ts";
import { askServer } from "../lib/operation/control_socket.ts";
import {
  claimDataDirectory,
  type DataDirectory,
  describeHolder,
  pathsIn,
} from "../lib/operation/data_directory.ts";
import { createLog, type Log } from "../lib/log.ts";
import { isPostgresAddress } from "../lib/postgres_address.ts";
import { StartError } from "../lib/refusal.ts";
import type { Settings } from "../lib/settings.ts";
import { sleep } from "../lib/sleep.ts";
import { demandRecordsVersion } from "../lib/store/migrations.ts";
import { openSharedDatabase } from "../lib/store/shared_database.ts";
import { createStore, openDatabase, type Store } from "../lib/store/store.ts";

/** How long to wait for a server that is just starting, or for another task to be done. */
const patienceMs = 10_000;
const retryMs = 100;

const now = () => Date.now();
const monotonic = () => performance.now();

export const s3Deps: S3Deps = { now, sleep, random: Math.random };

/** A task tells of a migration beside its result. */
export function migrationDeps({ LOG_LEVEL: level }: Settings): { now: () => number; log: Log } {
  return { now, log: createLog({ level, now, write: (line) => console.error(line) }) };
}

export function configuredBlobs(settings: Settings, data: DataDirectory): ConfiguredBlobs {
  return configureBlobs(settings, { folder: data.blobs, ...s3Deps });
}

/** Throws `StartError` where nothing was ever stored, before anything is made there. */
export async function demandDatabase({ DATA_DIR, KV_URL }: Settings): Promise<void> {
  if (KV_URL !== undefined) return;
  try {
    await Deno.stat(pathsIn(DATA_DIR).database);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new StartError(`There is no database in DATA_DIR ${DATA_DIR}`);
  }
}

/** Has a command carried out by whoever has the data directory. */
export async function perform<C extends Command>(
  settings: Settings,
  { command, input }: { command: C; input: CommandInput<C> },
): Promise<CommandAnswers[C]> {
  const { DATA_DIR, PUBLIC_URL, PORT, KV_URL } = settings;
  if (KV_URL !== undefined) {
    return await withSharedStore(settings, (store) => {
      const data: DataDirectory = { ...pathsIn(DATA_DIR), close() {} };
      const { log } = migrationDeps(settings);
      const blobs = createHoldableBlobs(configuredBlobs(settings, data).blobs, { store, log });
      const copyRecords = isPostgresAddress(KV_URL)
        ? (path: string) => copyFrom(KV_URL, { path, log })
        : undefined;
      const deps = { store, data, blobs, publicUrl: PUBLIC_URL!, openFolder: createDiskBlobs, copyRecords };
      return createCommands(deps)[command](input);
    });
  }
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const data = await claimDataDirectory(DATA_DIR);
    if (data !== null) {
      return await withStore({ data, settings }, (store) => {
        const blobs = createHoldableBlobs(configuredBlobs(settings, data).blobs);
        const publicUrl = PUBLIC_URL ?? `http://localhost:${PORT}`;
        return createCommands({ store, data, blobs, publicUrl, openFolder: createDiskBlobs })[command](input);
      });
    }
    const answer = await askServer(pathsIn(DATA_DIR), { command, input });
    if (answer !== null) return answer;
    await sleep(retryMs);
  }
  throw new StartError(
    `DATA_DIR ${DATA_DIR} is in use by ${await describeHolder(DATA_DIR)}, which does not answer`,
  );
}

/** What speaks to PostgreSQL is loaded by who needs it. */
async function copyFrom(from: string, { path, log }: { path: string; log: Log }): Promise<void> {
  const { copyToFile } = await import("../lib/operation/move_store/move_store.ts");
  await copyToFile({ now, monotonic, log }, { from, to: path });
}

/** Opens the database that the nodes share, as it is, and closes it. */
export async function withSharedStore<T>(
  { KV_URL, DENO_KV_ACCESS_TOKEN, ...settings }: Settings,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  // The runtime reads it there, and a .env file alone does not put it there.
  if (DENO_KV_ACCESS_TOKEN !== undefined) Deno.env.set("DENO_KV_ACCESS_TOKEN", DENO_KV_ACCESS_TOKEN);
  const { log } = migrationDeps({ KV_URL, DENO_KV_ACCESS_TOKEN, ...settings });
  const kv = await openSharedDatabase(KV_URL!, { log, monotonic });
  try {
    await demandRecordsVersion(kv);
    return await work(createStore({ kv, now, monotonic, isShared: true }));
  } finally {
    kv.close();
  }
}

/** Throws `StartError` for a task that works on the file of a single node. */
export function demandFile({ KV_URL }: Settings, task: string): void {
  if (KV_URL !== undefined) throw notOfShared(task);
}

/** Opens the store of a claimed directory, and closes both. */
export async function withStore<T>(
  { data, settings }: { data: DataDirectory; settings: Settings },
  work: (store: Store) => Promise<T>,
): Promise<T> {
  try {
    const kv = await openDatabase(data.database, migrationDeps(settings));
    try {
      return await work(createStore({ kv, now }));
    } finally {
      kv.close();
    }
  } finally {
    data.close();
  }
}
