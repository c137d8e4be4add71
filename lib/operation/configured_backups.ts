/** Where backups go by the settings. */
import { resolve } from "node:path";
import { createS3Blobs } from "../blobs/s3_blobs.ts";
import type { S3Deps } from "../blobs/s3_client.ts";
import type { Settings } from "../settings.ts";
import { type BackupPlace, createBlobPlace, createFolderPlace } from "./backup_place.ts";
import type { DataDirectory } from "./data_directory.ts";
import type { BackupPlan } from "./own_backups.ts";

/** Null: none is taken by itself. */
export function configureBackups(
  settings: Settings,
  { data, ...deps }: S3Deps & { data: DataDirectory },
): BackupPlan | null {
  const place = configureBackupPlace(settings, { data, ...deps });
  if (place === null) return null;
  const { BACKUP_AT: atMinute, BACKUP_KEEP: keep, BACKUP_DATABASE: database } = settings;
  return { place, atMinute, keep, data, database };
}

/** Null: nowhere. */
export function configureBackupPlace(
  settings: Settings,
  { data, ...deps }: S3Deps & { data: DataDirectory },
): BackupPlace | null {
  const { BACKUP_DIR, BACKUP_S3_ENDPOINT: endpoint, BACKUP_S3_BUCKET: bucket } = settings;
  const { BACKUP_S3_ACCESS_KEY_ID: accessKeyId, BACKUP_S3_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  if (BACKUP_DIR !== undefined) return createFolderPlace(resolve(BACKUP_DIR));
  if (!endpoint || !bucket || !accessKeyId || !secretAccessKey) return null;
  const address = { endpoint, bucket, accessKeyId, secretAccessKey, region: settings.BACKUP_S3_REGION };
  return createBlobPlace(createS3Blobs(address, deps), { temporary: data.temporary });
}
