/** Where blobs are by the settings: in R2 where it is set, else on the disk. */
import type { Outbox } from "../catalog/source_addresses.ts";
import type { Blobs } from "./blobs.ts";
import { createDiskBlobs } from "./disk_blobs.ts";
import { createS3Blobs, type S3Blobs } from "./s3_blobs.ts";
import type { S3Address, S3Deps } from "./s3_client.ts";
import type { Settings } from "../settings.ts";

export interface ConfiguredBlobs {
  blobs: Blobs;
  /** Where readers are sent to R2 themselves: how, and to which origin. */
  presigned: PresignedFiles | null;
  /** Where providers fetch copies from, where this server can't be fetched from. */
  outbox: Outbox | null;
}

export interface PresignedFiles {
  origin: string;
  presign: S3Blobs["presign"];
}

export function configureBlobs(
  settings: Settings,
  { folder, ...deps }: S3Deps & { folder: string },
): ConfiguredBlobs {
  const address = s3AddressIn(settings);
  if (address === null) return { blobs: createDiskBlobs(folder), presigned: null, outbox: null };
  const blobs = createS3Blobs(address, deps);
  const isPresigning = settings.R2_SERVE === "presign";
  const { presign } = blobs;
  return {
    blobs,
    presigned: isPresigning ? { origin: new URL(address.endpoint).origin, presign } : null,
    outbox: { put: blobs.put, delete: blobs.delete, addressOf: blobs.offer },
  };
}

/** Null where R2 is not set. */
export function s3AddressIn(settings: Settings): S3Address | null {
  const { R2_ENDPOINT, R2_BUCKET, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, R2_REGION } = settings;
  if (!R2_ENDPOINT || !R2_BUCKET || !R2_ACCESS_KEY_ID || !R2_SECRET_ACCESS_KEY) return null;
  return {
    endpoint: R2_ENDPOINT,
    bucket: R2_BUCKET,
    accessKeyId: R2_ACCESS_KEY_ID,
    secretAccessKey: R2_SECRET_ACCESS_KEY,
    region: R2_REGION,
  };
}

/**
 * Pictures that an address with the bucket in it once brought below a folder that is called like the bucket; null where
 * R2 is not set.
 */
export function openMisplacedBlobs(settings: Settings, deps: S3Deps): Blobs | null {
  const address = s3AddressIn(settings);
  return address && createS3Blobs({ ...address, prefix: `${address.bucket}/` }, deps);
}
