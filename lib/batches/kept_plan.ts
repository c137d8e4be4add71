/** What somebody previews, kept for an hour so that it can be started as it was seen: as it was asked for, not as planned. */
import { blobKeys, type Blobs, planPrefix, readBlob } from "../blobs/blobs.ts";
import { isId } from "../ids.ts";
import type { Store } from "../store/store.ts";
import type { BatchForm } from "./batch_form.ts";

const keptMs = 3600 * 1000;
/** Of one person. */
const mostKept = 20;

export interface KeptPlan {
  id: string;
  at: number;
  form: BatchForm;
}

interface KeptPlanDeps {
  store: Pick<Store, "now" | "ids">;
  blobs: Blobs;
}

/** Those of the same person that are too many, or too old, go. */
export async function keepPlan(
  { store, blobs }: KeptPlanDeps,
  { userId, form, id }: { userId: string; form: BatchForm; id: string },
): Promise<KeptPlan> {
  const kept: KeptPlan = { id, at: store.now(), form };
  await removeOld(blobs, { userId, now: kept.at });
  const bytes = new TextEncoder().encode(JSON.stringify(kept));
  await blobs.put(blobKeys.plan(userId, id), bytes, "application/json");
  return kept;
}

/** Null: it is not kept any more, or never was this person's. */
export async function readKeptPlan(
  { store, blobs }: KeptPlanDeps,
  { userId, planId }: { userId: string; planId: string },
): Promise<KeptPlan | null> {
  const bytes = isId(planId) ? await readBlob(blobs, blobKeys.plan(userId, planId)) : null;
  if (bytes === null) return null;
  const kept: KeptPlan = JSON.parse(new TextDecoder().decode(bytes));
  return store.now() - kept.at < keptMs ? kept : null;
}

async function removeOld(blobs: Blobs, { userId, now }: { userId: string; now: number }): Promise<void> {
  const own = await Array.fromAsync(blobs.list(`${planPrefix}${userId}/`));
  const newestFirst = own.toSorted((a, b) => b.putAt - a.putAt);
  const old = newestFirst.filter(({ putAt }, i) => i >= mostKept - 1 || now - putAt >= keptMs);
  for (const { key } of old) await blobs.delete(key);
}
