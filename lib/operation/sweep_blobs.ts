/**
 * Blobs and records held against each other. A blob that no record names was left by a crash or a lost race; it goes
 * once it is older than any attempt could be. A record whose blob is gone is reported, and stays.
 */
import { readBatch } from "../batches/batch_store.ts";
import {
  batchIdIn,
  batchPrefix,
  blobKeysOf,
  type Blobs,
  imageIdIn,
  planPrefix,
  readBlob,
} from "../blobs/blobs.ts";
import { outboxPrefix } from "../catalog/source_addresses.ts";
import { ownNouns } from "../accounts/nouns.ts";
import type { Image, TrashedImage } from "../images/image.ts";
import { trashNoun } from "../images/image_noun.ts";
import { keys } from "../store/schema.ts";
import { readMany, type Store } from "../store/store.ts";

/** Longer than a picture may wait for its storage. */
export const sweepGraceMs = 48 * 3600 * 1000;

/** Longer than a task that needs a copy may run. */
const outboxGraceMs = 3600 * 1000;

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
  const present = new Map<string, number>();
  for await (const { key, putAt } of blobs.list()) present.set(key, putAt);
  const named = await readNamed(store);
  const report: SweepReport = { removed: [], missing: [] };
  for (const [key, putAt] of present) {
    if (key.startsWith(outboxPrefix) && putAt < store.now() - outboxGraceMs) {
      await blobs.delete(key);
      report.removed.push(key);
    }
    if (putAt >= store.now() - sweepGraceMs || imageIdIn(key) === null || isNamed(key, named)) continue;
    if (await isNamedAfterAll(store, key)) continue;
    await blobs.delete(key);
    report.removed.push(key);
  }
  report.removed.push(...await sweepRows({ store, blobs }));
  for (const key of named.keys) {
    if (!present.has(key) && !await blobs.exists(key)) report.missing.push(key);
  }
  return report;
}

/** Rows of batches that were never accepted, or whose account is gone. */
async function sweepRows({ store, blobs }: { store: Store; blobs: Blobs }): Promise<string[]> {
  const removed: string[] = [];
  for await (const { key, putAt } of blobs.list(batchPrefix)) {
    const batchId = batchIdIn(key);
    if (batchId === null || putAt >= store.now() - sweepGraceMs) continue;
    if (await readBatch(store, batchId) !== null) continue;
    await blobs.delete(key);
    removed.push(key);
  }
  return removed;
}

/** For so long what was planned may be accepted. */
export const planLifeMs = 3600 * 1000;

/** Plans that nobody may accept any more go; returns how many. */
export async function sweepPlans({ store, blobs }: { store: Store; blobs: Blobs }): Promise<number> {
  let removed = 0;
  for await (const { key, putAt } of blobs.list(planPrefix)) {
    if (putAt >= store.now() - planLifeMs) continue;
    await blobs.delete(key);
    removed++;
  }
  return removed;
}

interface Named {
  /** Of all that has bytes, also of deleted pictures that are still here. */
  ids: Set<string>;
  /** What records name, but for those that are on their way out. */
  keys: Set<string>;
}

/** Deleted pictures first, so that one that is deleted meanwhile is mostly met in both places. */
async function readNamed({ kv }: Store): Promise<Named> {
  const named: Named = { ids: new Set(), keys: new Set() };
  for (const noun of ownNouns.toReversed()) {
    if (noun.blobs === undefined) continue;
    for await (const record of kv.list({ prefix: [...noun.kind] }, { batchSize: 500 })) {
      named.ids.add(String(record.key.at(-1)));
      const facts = noun.facts(record);
      if (facts === null || noun === trashNoun) continue;
      for (const { key } of noun.blobs(facts)) named.keys.add(key);
    }
  }
  return named;
}

/** By a record, or as what may be made of a picture at any time. */
function isNamed(key: string, named: Named): boolean {
  const id = imageIdIn(key)!;
  return named.keys.has(key) || (named.ids.has(id) && blobKeysOf(id).includes(key));
}

/** A picture that was deleted, or brought back, while the records were read may have been overlooked in both places. */
async function isNamedAfterAll({ kv }: Store, key: string): Promise<boolean> {
  const id = imageIdIn(key)!;
  const found = await readMany<Image | TrashedImage>(kv, [keys.image(id), keys.trash(id)]);
  return found.some((record) => record !== null) && blobKeysOf(id).includes(key);
}

/** Says that the storage is this Darkroom's from now on. */
export async function claimBlobs(blobs: Blobs, owner: string): Promise<void> {
  await blobs.put(ownerKey, new TextEncoder().encode(owner), "text/plain");
}

/** Whose the storage says that it is; null where it says nothing. */
export async function readOwner(blobs: Blobs): Promise<string | null> {
  const noted = await readBlob(blobs, ownerKey);
  return noted && new TextDecoder().decode(noted);
}

async function demandOwn(blobs: Blobs, owner: string): Promise<void> {
  const noted = await readOwner(blobs);
  if (noted === null) return await claimBlobs(blobs, owner);
  if (noted === owner) return;
  throw new ForeignBlobs("The storage of pictures is another Darkroom's: nothing is swept there");
}
