/** The end of a credential, told in the commit that ends it. */
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/** For as long as any node may take to hear of it. */
const keptMs = 60_000;

/**
 * Adds to a commit that takes a session or key away: on every node, the streams that it opened end. What ends all that
 * somebody has (a disabled or deleted account) shows in the user's own record, which is watched as well.
 */
export function announceEnd(
  atomic: Deno.AtomicOperation,
  { store, userId }: { store: Pick<Store, "now">; userId: string },
): Deno.AtomicOperation {
  return atomic.set(keys.credentialEnded(userId), store.now(), { expireIn: keptMs });
}
