/**
 * Blobs from which nothing goes while something, such as a backup, needs all that is there. Where several nodes use the
 * store, a record there tells the others; it says until when, so that it ends with a node that dies.
 */
import type { Log } from "../log.ts";
import { Refusal } from "../refusal.ts";
import { sleep } from "../sleep.ts";
import { keys } from "../store/schema.ts";
import { commit, type Store } from "../store/store.ts";
import type { Blobs } from "./blobs.ts";

/** Blobs whose deletions can be put off. */
export interface HoldableBlobs extends Blobs {
  /** No blob goes while `work` runs; what was to be deleted meanwhile is deleted afterwards. */
  holdDeletes<T>(work: () => Promise<T>): Promise<T>;
  isHolding(): boolean | Promise<boolean>;
}

interface Shared {
  store: Store;
  log: Log;
  times?: HoldTimes;
}

/** In milliseconds. */
export interface HoldTimes {
  /** A hold that is not renewed counts for so long, on clocks that may differ by much less. */
  heldMs: number;
  renewEveryMs: number;
  /** Deletions that had begun before others knew have ended by then. */
  settleMs: number;
  /** How often it is looked whether what was put off may go. */
  lookEveryMs: number;
}

const usualHoldTimes: HoldTimes = {
  heldMs: 120_000,
  renewEveryMs: 30_000,
  settleMs: 5000,
  lookEveryMs: 5000,
};

/** `shared`: what several nodes use; left out where there is only one. */
export function createHoldableBlobs(blobs: Blobs, shared?: Shared): HoldableBlobs {
  const putOff = new Set<string>();
  let holders = 0;
  let waiting: Promise<void> | null = null;
  const holds = shared && createHolds(shared);
  const isHolding = () => holders > 0 || (holds?.isAny() ?? false);
  return {
    ...blobs,
    async put(key, bytes, contentType) {
      putOff.delete(key);
      await blobs.put(key, bytes, contentType);
    },
    async delete(key) {
      if (!await isHolding()) return await blobs.delete(key);
      putOff.add(key);
      if (holders === 0) wait();
    },
    isHolding,
    async holdDeletes(work) {
      holders++;
      try {
        return await (holds === undefined ? work() : holds.hold(work));
      } finally {
        if (--holders === 0 && shared === undefined) await deletePutOff();
        else if (holders === 0) wait();
      }
    },
  };

  async function deletePutOff(): Promise<void> {
    const keys = [...putOff];
    putOff.clear();
    for (const key of keys) await blobs.delete(key);
  }

  function wait(): void {
    waiting ??= deleteLater().finally(() => void (waiting = null));
  }

  /** Another node may hold them. What this one does not come to any more is swept one day. */
  async function deleteLater(): Promise<void> {
    const { log, times = usualHoldTimes } = shared!;
    while (putOff.size > 0 && holders === 0) {
      await sleep(times.lookEveryMs);
      try {
        if (!await isHolding()) await deletePutOff();
      } catch (error) {
        log("warn", "blobs_not_deleted", { error });
      }
    }
  }
}

function createHolds({ store, log, times = usualHoldTimes }: Shared) {
  const { kv } = store;
  return {
    async isAny(): Promise<boolean> {
      const held = await Array.fromAsync(kv.list<number>({ prefix: keys.allDeletesHeld() }));
      return held.some(({ value: until }) => until > store.now());
    },
    async hold<T>(work: () => Promise<T>): Promise<T> {
      const key = keys.deletesHeld(store.ids());
      let until = 0;
      const renew = async () => {
        const next = store.now() + times.heldMs;
        await commit(kv.atomic().set(key, next, { expireIn: 2 * times.heldMs }));
        until = next;
      };
      await renew();
      let isLost = false;
      const renewal = setInterval(() => {
        isLost ||= until <= store.now();
        renew().catch((error) => log("warn", "deletions_not_held", { error }));
      }, times.renewEveryMs);
      try {
        await sleep(times.settleMs);
        const result = await work();
        if (!isLost && until > store.now()) return result;
        throw new Refusal("unavailable", "The store was away for so long that bytes may have gone meanwhile");
      } finally {
        clearInterval(renewal);
        await commit(kv.atomic().delete(key));
      }
    },
  };
}
