/** The database: whether it is whole, of which version its records are, and who uses it. */
import { probeDatabaseFile, readStored } from "../../store/database_file.ts";
import { recordsVersion } from "../../store/migrations.ts";
import { keys } from "../../store/schema.ts";
import { describeHolder, isHeld, type pathsIn } from "../data_directory.ts";
import { bad, good, look, type Said, wordsOf } from "./finding.ts";

/** What tells the version of the records. */
type StoredVersion = { version: number; underWay?: unknown } | null;

/** Only reads, so it can look beside the server that uses the file. */
export async function examineDatabaseFile(paths: ReturnType<typeof pathsIn>): Promise<Said[]> {
  const { path, database } = paths;
  if (!await isThere(database)) return [good("there is none yet: the first start makes it")];
  const holder = await isHeld(path) ? await describeHolder(path) : null;
  try {
    probeDatabaseFile(database);
  } catch (error) {
    return [bad(`${database} is damaged (${wordsOf(error)}): restore a backup, or move it away`)];
  }
  const stored = readStored(database, keys.recordsVersion()) as StoredVersion;
  return [
    good(holder === null ? "it is whole, and no server runs" : `it is whole, and ${holder} uses it`),
    versionWords(stored),
  ];
}

/** The one that nodes share; `open` throws where it does not answer. */
export async function examineSharedDatabase(open: () => Promise<StoredVersion>): Promise<Said[]> {
  try {
    const stored = await open();
    return [good("the one at KV_URL answers, and can be written"), versionWords(stored)];
  } catch (error) {
    const remedy = "see that its server runs, and that KV_URL and DENO_KV_ACCESS_TOKEN are right";
    return [bad(`the one at KV_URL can't be used (${wordsOf(error)}): ${remedy}`)];
  }
}

/** Databases of the first version did not say so. */
function versionWords(stored: StoredVersion): Said {
  const { version, underWay } = stored ?? { version: 1 };
  const words = `its records have version ${version}`;
  if (version > recordsVersion) {
    return bad(
      `${words}, and this Darkroom knows ${recordsVersion}: start the newer one, or restore a backup`,
    );
  }
  if (underWay !== undefined) {
    return look(`${words}, and are on their way to ${version + 1}: start the server`);
  }
  if (version === recordsVersion) return good(`${words}, as this Darkroom writes them`);
  return look(`${words}: the next start takes them to ${recordsVersion}, so back up before it`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
