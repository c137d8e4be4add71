/** The data directory: whether it is there, whose it is, whether it can be written, and how much room is left. */
import { dirname, join } from "node:path";
import type { DiskSpace } from "../../disk.ts";
import type { pathsIn } from "../data_directory.ts";
import { bad, good, look, type Said, wordsOf } from "./finding.ts";

type Paths = ReturnType<typeof pathsIn>;

export interface DirectoryDeps {
  paths: Paths;
  readSpace: (path: string) => Promise<DiskSpace>;
  /** Nothing new is accepted where there is less. */
  reserveBytes: number;
}

export async function examineDirectory(
  { paths, readSpace, reserveBytes }: DirectoryDeps,
): Promise<Said[]> {
  const { path } = paths;
  const info = await statOrNull(path);
  if (info === null) {
    const above = await nearestFolder(path);
    const trouble = await troubleWriting(above);
    if (trouble !== null) return [bad(`${path} is not there, and can't be made in ${above} (${trouble})`)];
    return [good(`${path} is not there yet: the first start makes it`)];
  }
  if (!info.isDirectory) return [bad(`${path} is a file: DATA_DIR takes a folder`)];
  const trouble = await troubleWriting(path);
  if (trouble !== null) {
    return [bad(`${path} can't be written (${trouble}): give it to the user that Darkroom runs as`)];
  }
  const isOpen = isForOthers(info);
  return [
    good(`${path} can be written`),
    ...isOpen ? [look(`others on this machine may look into ${path}: chmod 700 ${path}`)] : [],
    ...await examineSecret(paths, { isOpen }),
    roomWords(await readSpace(path), reserveBytes),
  ];
}

/** The folder itself, or the first one above it that is there. */
async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path);
  return above === path || await statOrNull(above) !== null ? above : nearestFolder(above);
}

async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Null: there is none. */
async function troubleWriting(folder: string): Promise<string | null> {
  const file = join(folder, `.doctor-${crypto.randomUUID()}`);
  try {
    await Deno.writeTextFile(file, "", { createNew: true, mode: 0o600 });
    await Deno.remove(file);
    return null;
  } catch (error) {
    return wordsOf(error);
  }
}

/** Windows has no such rights. */
function isForOthers({ mode }: Deno.FileInfo): boolean {
  return mode !== null && (mode & 0o077) !== 0;
}

async function examineSecret({ secret }: Paths, { isOpen }: { isOpen: boolean }): Promise<Said[]> {
  const info = await statOrNull(secret);
  if (info === null) return [];
  const isWhole = (await Deno.readTextFile(secret)).length >= 32;
  if (!isWhole) return [bad(`${secret} is damaged: restore it from a backup, or remove it to sign anew`)];
  return isOpen && isForOthers(info)
    ? [bad(`others may read ${secret}, which signs tokens: chmod 600 ${secret}`)]
    : [];
}

/** Reserves that are left when it is time to do something. */
const lowReserves = 4;

function roomWords({ freeBytes, totalBytes }: DiskSpace, reserveBytes: number): Said {
  const words = `${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} are free`;
  const remedy = "make room, or move the pictures to a bucket (deno task move-blobs)";
  if (freeBytes < reserveBytes) return bad(`${words}, so nothing is accepted: ${remedy}`);
  return freeBytes < lowReserves * reserveBytes ? look(`${words}, which is little: ${remedy}`) : good(words);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
