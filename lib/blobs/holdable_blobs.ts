/** Blobs from which nothing goes while something, such as a backup, needs all that is there. */
import type { Blobs } from "./blobs.ts";

/** Blobs whose deletions can be put off. */
export interface HoldableBlobs extends Blobs {
  /** No blob goes while `work` runs; what was to be deleted meanwhile is deleted afterwards. */
  holdDeletes<T>(work: () => Promise<T>): Promise<T>;
  isHolding(): boolean;
}

export function createHoldableBlobs(blobs: Blobs): HoldableBlobs {
  const putOff = new Set<string>();
  let holders = 0;
  return {
    ...blobs,
    async put(key, bytes, contentType) {
      putOff.delete(key);
      await blobs.put(key, bytes, contentType);
    },
    async delete(key) {
      if (holders > 0) putOff.add(key);
      else await blobs.delete(key);
    },
    isHolding: () => holders > 0,
    async holdDeletes(work) {
      holders++;
      try {
        return await work();
      } finally {
        if (--holders === 0) {
          const keys = [...putOff];
          putOff.clear();
          for (const key of keys) await blobs.delete(key);
        }
      }
    },
  };
}
