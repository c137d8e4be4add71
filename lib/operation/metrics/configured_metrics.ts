/** What is measured, by the settings: nothing where nobody can read it. */
import { collectDefaultMetrics } from "prom-client";
import { readDiskSpace } from "../../disk.ts";
import { StartError } from "../../refusal.ts";
import type { Settings } from "../../settings.ts";
import type { DataDirectory } from "../data_directory.ts";
import { createMeters } from "./meters.ts";
import type { DiskFigures, Measured } from "./metrics.ts";

/** With what is known of the process itself. Throws `StartError` for a file of a token that holds none. */
export async function configureMetrics(settings: Settings, data: DataDirectory): Promise<Measured | null> {
  const token = await tokenIn(settings);
  if (token === null && settings.METRICS_PORT === undefined) return null;
  const meters = createMeters();
  collectDefaultMetrics({ register: meters.registry });
  const hasDatabase = settings.KV_URL === undefined;
  return { meters, token, readDisk: () => readDisk(data, { hasDatabase }) };
}

async function tokenIn({ METRICS_TOKEN: token, METRICS_TOKEN_FILE: file }: Settings): Promise<string | null> {
  if (file === undefined) return token ?? null;
  if (token !== undefined) throw new StartError("METRICS_TOKEN and METRICS_TOKEN_FILE: take one of them");
  const text = await readToken(file);
  if (/^[\x21-\x7e]{16,}$/.test(text)) return text;
  throw new StartError("METRICS_TOKEN_FILE takes a file that holds at least 16 characters without spaces");
}

async function readToken(file: string): Promise<string> {
  try {
    return (await Deno.readTextFile(file)).trim();
  } catch (error) {
    const cause = error instanceof Error ? error.name : "unknown";
    throw new StartError(`METRICS_TOKEN_FILE takes a file that can be read (${cause})`);
  }
}

/** Recent changes of a database are in files beside it. */
const databaseFiles = ["", "-wal", "-shm"];

async function readDisk(
  { path, database }: DataDirectory,
  { hasDatabase }: { hasDatabase: boolean },
): Promise<DiskFigures> {
  const { freeBytes } = await readDiskSpace(path);
  const sizes = hasDatabase ? await Promise.all(databaseFiles.map((end) => sizeOf(database + end))) : [];
  return { free: freeBytes, database: sizes.reduce((sum, size) => sum + size, 0) };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
