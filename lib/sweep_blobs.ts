/**
 * Blobs and records held against each other. A blob that no record names was left by a crash or a lost race; it goes
 * once it is older than any attempt could be. A record whose blob is gone is reported, and stays.
 */
import { blobKeysOf, type Blobs, imageIdIn, readBlob } from "./blobs.ts";
import type { Image, TrashedImage } from "./image.ts";
import { keys, kinds } from "./schema.ts";
import { readMany, type Store } from "./store.ts";

/** Longer than a picture may wait for its storage. */
export const sweepGraceMs = 48 * 3600 * 1000;

export interface SweepReport {
  /** Keys of the blobs that went. */
  removed: string[];
  /** Keys that a record names and under which there is nothing. */
  missing: string[];
}

const ownerKey = ".owner";

/** The storage is another Darkroom's: what no record names here may well be named there. */
export class ForeignBlobs extends Error {
  override readonly name = "ForeignBlobs";
}

/** `owner` names this Darkroom and no other. Throws `ForeignBlobs` where the storage is another one's. */
export async function sweepBlobs(
  { store, blobs }: { store: Store; blobs: Blobs },
  { owner }: { owner: string },
): Promise<SweepReport> {
  await demandOwn(blobs, owner);
  const listed = await Array.fromAsync(blobs.list());
  const present = new Set(listed.map(({ key }) => key));
  const old = listed.filter(({ putAt }) => putAt < store.now() - sweepGraceMs).map(({ key }) => key);
  const report: SweepReport = { removed: [], missing: await missingBlobs(store, { blobs, present }) };
  const ids = [...new Set(old.map(imageIdIn).filter((id) => id !== null))];
  const named = await namedKeys(store, ids);
  for (const key of old) {
    const id = imageIdIn(key);
    if (id === null || named.has(key)) continue;
    await blobs.delete(key);
    report.removed.push(key);
  }
  return report;
}

/** Says that the storage is this Darkroom's from now on. */
export async function claimBlobs(blobs: Blobs, owner: string): Promise<void> {
  await blobs.put(ownerKey, new TextEncoder().encode(owner), "text/plain");
}

async function demandOwn(blobs: Blobs, owner: string): Promise<void> {
  const noted = await readBlob(blobs, ownerKey);
  if (noted === null) return await claimBlobs(blobs, owner);
  if (new TextDecoder().decode(noted) === owner) return;
  throw new ForeignBlobs("The storage of pictures is another Darkroom's: nothing is swept there");
}

/** The keys that records of these pictures name, or may yet have to do with. */
async function namedKeys(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const [images, trash] = await Promise.all([
    readMany<Image>(store.kv, ids.map(keys.image)),
    readMany<TrashedImage>(store.kv, ids.map(keys.trash)),
  ]);
  const named = new Set<string>();
  for (const image of [...images, ...trash].map((found) => found && imageIn(found.value))) {
    if (image === null) continue;
    for (const key of blobKeysOf(image.id)) named.add(key);
  }
  return named;
}

function imageIn(record: Image | TrashedImage): Image {
  return "image" in record ? record.image : record;
}

async function missingBlobs(
  store: Store,
  { blobs, present }: { blobs: Blobs; present: Set<string> },
): Promise<string[]> {
  const missing: string[] = [];
  for await (const { value } of store.kv.list<Image>({ prefix: [...kinds.images] }, { batchSize: 500 })) {
    for (const key of new Set([value.blobKey, value.originalBlobKey])) {
      if (!present.has(key) && !await blobs.exists(key)) missing.push(key);
    }
  }
  return missing;
}
