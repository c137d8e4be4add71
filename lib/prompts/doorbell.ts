/**
 * Wakes workers. The queue itself is an index in the database; the bell only says that it is worth a look. It rings
 * inside the commit that makes work, so no work exists without it: a watched key for what may run at once, and KV's own
 * queue for what has to wait. What a crash left needs no bell, since a start looks for it, as does a sweep every few
 * seconds. A bell may ring twice or for nothing.
 */
import { keys } from "../store/schema.ts";

export interface Doorbell {
  /** Adds the ring to a commit; with `delayMs` it rings once that time has passed. */
  ring(atomic: Deno.AtomicOperation, promptId: string, delayMs?: number): Deno.AtomicOperation;
  /** Calls `onRing`, which returns at once, until the signal is aborted. */
  listen(onRing: () => void, signal: AbortSignal): void;
}

/** Deno's longest delay of a queue message. */
const longestDelayMs = 30 * 24 * 3600 * 1000;

export function createKvDoorbell(kv: Deno.Kv): Doorbell {
  return {
    ring(atomic, promptId, delayMs) {
      if (delayMs === undefined) return atomic.set(keys.bell(), promptId);
      return atomic.enqueue({ promptId }, { delay: Math.min(delayMs, longestDelayMs) });
    },
    listen(onRing, signal) {
      void kv.listenQueue(() => onRing());
      void watchBell(kv, { onRing, signal });
    },
  };
}

async function watchBell(
  kv: Deno.Kv,
  { onRing, signal }: { onRing: () => void; signal: AbortSignal },
): Promise<void> {
  const reader = kv.watch([keys.bell()]).getReader();
  const stop = () => void reader.cancel();
  signal.addEventListener("abort", stop, { once: true });
  while (!signal.aborted && !(await reader.read()).done) onRing();
}
