/**
 * The folder that holds everything: database, blobs, secret. One process at a time may use it, because KV's watches
 * and wake-ups do not cross processes. The lock is the kernel's, so it dies with its holder, however that ends.
 */
import { join } from "node:path";
import { randomToken } from "../digest.ts";
import { StartError } from "../refusal.ts";

export interface DataDirectory {
  readonly path: string;
  readonly database: string;
  readonly blobs: string;
  readonly secret: string;
  /** Names this data directory and no copy that a backup makes of it. */
  readonly instanceId: string;
  readonly controlSocket: string;
  /** For what need not outlive the process; empty when the directory is claimed. */
  readonly temporary: string;
  /** Lets another process have it. */
  close(): void;
}

/** Where things are in a data directory, and in a backup of one. */
export function pathsIn(path: string) {
  return {
    path,
    database: join(path, "darkroom.sqlite3"),
    blobs: join(path, "blobs"),
    secret: join(path, "secret"),
    instanceId: join(path, "identity"),
    controlSocket: join(path, "control.sock"),
    temporary: join(path, "temporary"),
  };
}

/** Of the file that its user holds. */
export const lockName = "lock";

/** The directory, made if need be, for this process alone. Throws `StartError`, which names the other process. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const claimed = await claimDataDirectory(path);
  if (claimed !== null) return claimed;
  throw new StartError(`DATA_DIR ${path} is in use by ${await describeHolder(path)}`);
}

/** The directory, made if need be; null when another process has it. */
export async function claimDataDirectory(path: string): Promise<DataDirectory | null> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const lock = await Deno.open(join(path, lockName), {
      read: true,
      write: true,
      create: true,
      mode: 0o600,
    });
    if (!lock.tryLockSync(true)) {
      lock.close();
      return null;
    }
    lock.truncateSync();
    lock.writeSync(new TextEncoder().encode(String(Deno.pid)));
    const paths = pathsIn(path);
    await removeIfThere(paths.temporary);
    await Deno.mkdir(paths.temporary, { mode: 0o700 });
    return { ...paths, close: () => lock.close() };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new StartError(`DATA_DIR takes a folder that can be written, and ${path} can't: ${cause}`);
  }
}

/** Whether a process has it; nothing is made or changed. */
export async function isHeld(path: string): Promise<boolean> {
  try {
    using lock = await Deno.open(join(path, lockName), { read: true, write: true });
    return !lock.tryLockSync(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** "process 4711": whoever has the directory. */
export async function describeHolder(path: string): Promise<string> {
  const pid = await Deno.readTextFile(join(path, lockName));
  return /^\d+$/.test(pid) ? `process ${pid}` : "another process";
}

/** True where nothing was ever stored. */
export async function isUnused(data: DataDirectory): Promise<boolean> {
  const names = (await Array.fromAsync(Deno.readDir(data.path))).map((entry) => join(data.path, entry.name));
  return names.every((name) => name === join(data.path, lockName) || name === data.temporary);
}

/** A name for this data directory, made once and kept. */
export async function readInstanceId(data: DataDirectory): Promise<string> {
  try {
    return await Deno.readTextFile(data.instanceId);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const id = crypto.randomUUID();
  const draft = join(data.temporary, "identity");
  await Deno.writeTextFile(draft, id, { createNew: true, mode: 0o600 });
  await Deno.rename(draft, data.instanceId);
  return id;
}

/** What signs tokens: `given`, or 256 random bits that are made once and kept. */
export async function readSecret(data: DataDirectory, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  try {
    const kept = await Deno.readTextFile(data.secret);
    if (kept.length >= 32) return kept;
    throw new StartError(`${data.secret} is damaged: restore it from a backup, or remove it to sign anew`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const secret = randomToken();
  const draft = join(data.temporary, "secret");
  {
    using file = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
    await file.write(new TextEncoder().encode(secret));
    await file.sync();
  }
  await Deno.rename(draft, data.secret);
  return secret;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
