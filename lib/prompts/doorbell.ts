/**
 * Wakes workers. The queue itself is an index in the database; the bell only says that it is worth a look. It rings
 * inside the commit that makes work, so no work exists without it: a watched key, which is heard on all nodes. What has
 * to wait needs no bell, since each worker knows when the next of it is ready; nor does what a crash left, since a sweep
 * looks for it every few seconds. A bell may ring twice or for nothing.
 */
import type { Log } from "../log.ts";
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { watchKey } from "../store/watch_key.ts";

export interface Doorbell {
  /** Adds the ring to a commit. */
  ring(atomic: Deno.AtomicOperation, promptId: string): Deno.AtomicOperation;
  /** Calls `onRing`, which returns at once, until the signal is aborted. */
  listen(onRing: () => void, signal: AbortSignal): void;
}

export function createKvDoorbell({ kv }: Pick<Store, "kv">, log: Log): Doorbell {
  return {
    ring: ringBell,
    listen: (onRing, signal) => void watchKey(kv, { key: keys.bell(), onWrite: onRing, signal, log }),
  };
}

/** The same where there is no bell at hand. */
export function ringBell(atomic: Deno.AtomicOperation, promptId: string): Deno.AtomicOperation {
  return atomic.set(keys.bell(), promptId);
}
