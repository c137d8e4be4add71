/** Writes everything anew that follows from the records and the ledger, and touches neither of them. */
import { compareDerived, type Difference } from "./derived.ts";
import { readRecords, type StoreView } from "./records.ts";
import { StartError } from "../refusal.ts";
import { listNodes } from "../store/nodes.ts";
import { commit } from "../store/store.ts";

const commitSize = 200;

/**
 * Puts right what differs and returns it; a healthy store is left as it is. Nobody else may use the store meanwhile.
 */
export async function rebuild(view: StoreView): Promise<Difference[]> {
  const differences = await Array.fromAsync(compareDerived(view, await readRecords(view)));
  for (let i = 0; i < differences.length; i += commitSize) {
    const atomic = view.kv.atomic();
    for (const { key, value, expireIn } of differences.slice(i, i + commitSize)) {
      if (value === undefined) atomic.delete(key);
      else atomic.set(key, value, { expireIn });
    }
    await commit(atomic);
  }
  return differences;
}

/** The same for a database that several nodes share. Throws `StartError` as long as one of them lives. */
export async function rebuildShared(view: StoreView): Promise<Difference[]> {
  const nodes = await listNodes(view);
  if (nodes.length === 0) return await rebuild(view);
  throw new StartError(
    `rebuild needs the database at KV_URL for itself: stop all nodes (${nodes.length} seen within half a minute)`,
  );
}
