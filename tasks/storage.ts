/** The tasks that move files: `restore`, `move-blobs`, `claim-blobs`. */
import type { Blobs } from "../lib/blobs/blobs.ts";
import { openMisplacedBlobs, s3AddressIn } from "../lib/blobs/configured_blobs.ts";
import { createDiskBlobs } from "../lib/blobs/disk_blobs.ts";
import { createS3Blobs } from "../lib/blobs/s3_blobs.ts";
import { restore } from "../lib/operation/backup.ts";
import { createFolderPlace, type KeptBackup, timeOfBackup } from "../lib/operation/backup_place.ts";
import { configureBackupPlace } from "../lib/operation/configured_backups.ts";
import {
  claimDataDirectory,
  type DataDirectory,
  openDataDirectory,
  pathsIn,
  readInstanceId,
} from "../lib/operation/data_directory.ts";
import { copyBlobs, type MoveReport, removeCopied } from "../lib/operation/move_blobs.ts";
import { claimBlobs, readOwner } from "../lib/operation/sweep_blobs.ts";
import { StartError } from "../lib/refusal.ts";
import type { Settings } from "../lib/settings.ts";
import { readArguments, readRestored, UsageError } from "./arguments.ts";
import { configuredBlobs, demandFile, migrationDeps, s3Deps } from "./store_access.ts";

/** What is restored: a backup's folder, the newest good one in a folder of them, or one in the bucket that is set. */
export async function restoreBackup(args: string[], settings: Settings): Promise<void> {
  const named = readRestored(args);
  demandFile(settings, "restore");
  const data = await openDataDirectory(settings.DATA_DIR);
  try {
    const found = "directory" in named
      ? await backupInFolder(named.directory)
      : await backupInBucket(named.name, { settings, data });
    const { blobs } = configuredBlobs(settings, data);
    const { images, missing } = await restore({ data, blobs, ...migrationDeps(settings) }, {
      directory: found.directory,
      source: found.blobs,
    });
    for (const key of missing) console.error(`A picture's bytes are not in the backup: ${key}`);
    const from = found.name === null ? "" : ` as they were at ${timeWords(found.name)}`;
    console.log(`Restored ${images} images and the database${from} to ${settings.DATA_DIR}`);
  } finally {
    data.close();
  }
}

interface FoundBackup {
  directory: string;
  blobs: Blobs;
  /** Null: a folder that was named by itself. */
  name: string | null;
}

async function backupInFolder(directory: string): Promise<FoundBackup> {
  const place = createFolderPlace(directory);
  const name = newestGood(await place.list());
  if (name === null) return { directory, blobs: createDiskBlobs(pathsIn(directory).blobs), name };
  return { ...await place.fetch(name, directory), name };
}

async function backupInBucket(
  named: string | null,
  { settings, data }: { settings: Settings; data: DataDirectory },
): Promise<FoundBackup> {
  const place = configureBackupPlace({ ...settings, BACKUP_DIR: undefined }, { data, ...s3Deps });
  if (place === null) throw new StartError("BACKUP_S3_ENDPOINT and what belongs to it must be set");
  const all = await place.list();
  const name = named === null ? newestGood(all) : all.find((each) => each.name === named)?.name ?? null;
  if (name === null) {
    const there = all.length === 0 ? "none" : all.map((each) => each.name).join(", ");
    throw new StartError(`There is no such backup in the bucket; there are: ${there}`);
  }
  const directory = await Deno.makeTempDir({ dir: data.temporary });
  return { ...await place.fetch(name, directory), name };
}

function newestGood(all: readonly KeptBackup[]): string | null {
  return (all.findLast(({ isGood }) => isGood) ?? all.at(-1))?.name ?? null;
}

function timeWords(name: string): string {
  return new Date(timeOfBackup(name)).toISOString().slice(0, 16).replace("T", " ") + " UTC";
}

export async function moveBlobs(args: string[], settings: Settings): Promise<void> {
  const [target] = readArguments(args, ["r2 or disk: where to"]).positionals;
  demandFile(settings, "move-blobs");
  if (target !== "r2" && target !== "disk") throw new UsageError("This task takes r2 or disk: where to");
  const address = s3AddressIn(settings);
  if (address === null) throw new StartError("R2_ENDPOINT and what belongs to it must be set");
  const [disk, r2] = [createDiskBlobs(pathsIn(settings.DATA_DIR).blobs), createS3Blobs(address, s3Deps)];
  const misplaced = openMisplacedBlobs(settings, s3Deps)!;
  const to = target === "r2" ? r2 : disk;
  const from = [target === "r2" ? disk : r2, misplaced];
  const { copied, present } = await copyAll(from, to);
  console.log(`Copied ${copied} files to ${target}; ${present} were there already`);
  const data = await claimDataDirectory(settings.DATA_DIR);
  if (data === null) {
    console.log("A server is running, so all of them stay where they were, too. Stop it and repeat this.");
    return;
  }
  try {
    await copyAll(from, to);
    const ownId = await readInstanceId(data);
    if (target === "r2") await claimBlobs(r2, ownId);
    const owner = await readOwner(misplaced);
    let removed = 0;
    for (const each of from) {
      const isOurs = each !== misplaced || owner === null || owner === ownId;
      if (isOurs) removed += await removeCopied({ from: each, to });
    }
    console.log(`Removed ${removed} files from where they were`);
  } finally {
    data.close();
  }
}

async function copyAll(sources: readonly Blobs[], to: Blobs): Promise<MoveReport> {
  const sum: MoveReport = { copied: 0, present: 0, removed: 0 };
  for (const from of sources) {
    const { copied, present } = await copyBlobs({ from, to });
    sum.copied += copied;
    sum.present += present;
  }
  return sum;
}

export async function claimBucket(args: string[], settings: Settings): Promise<void> {
  readArguments(args, []);
  demandFile(settings, "claim-blobs");
  const data = await openDataDirectory(settings.DATA_DIR);
  try {
    await claimBlobs(configuredBlobs(settings, data).blobs, await readInstanceId(data));
    console.log("The storage of pictures is this Darkroom's: it sweeps there what its records don't name");
  } finally {
    data.close();
  }
}
