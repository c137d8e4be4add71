/** Following a key that commits write to tell others of something, on whichever node they are made. */
import type { Log } from "../log.ts";
import { sleep } from "../sleep.ts";

const troubleDelayMs = 1000;

/**
 * Calls `onWrite` at first and after each write, or once for several, until the signal is aborted. A watch that breaks
 * off is begun anew, so nothing is missed by that.
 */
export async function watchKey(
  kv: Deno.Kv,
  { key, onWrite, signal, log }: {
    key: Deno.KvKey;
    onWrite: () => void | Promise<void>;
    signal: AbortSignal;
    log: Log;
  },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await followOnce(kv, { key, onWrite, signal });
    } catch (error) {
      if (signal.aborted) return;
      log("error", "watch_lost", { key: String(key[0]), error });
      await sleep(troubleDelayMs, signal).catch(() => {});
    }
  }
}

async function followOnce(
  kv: Deno.Kv,
  { key, onWrite, signal }: { key: Deno.KvKey; onWrite: () => void | Promise<void>; signal: AbortSignal },
): Promise<void> {
  const reader = kv.watch([key]).getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    while (!signal.aborted && !(await reader.read()).done) await onWrite();
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
