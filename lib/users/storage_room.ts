/**
 * Whether there is room for more pictures: on the disk, and in what a user may have. Whatever makes or takes in pictures
 * looks here before it accepts anything; what was accepted is finished all the same, so somebody may end up with a few
 * pictures more than they may have, and the disk's reserve is for these.
 */
import type { Disk } from "../disk.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import { readStoredBytes } from "./stored_bytes.ts";

export interface StorageRoom {
  /** The most that one user may have, in bytes; null: as much as there is room for. */
  readonly limitBytes: number | null;
  /**
   * Refuses with `storage_full` whoever has as much as they may have, or would with so many bytes more, and with
   * `unavailable` everybody while the disk is nearly full.
   */
  demand(userId: string, more?: { bytes: number }): Promise<void>;
}

const retryAfterSeconds = 60;

export function createStorageRoom(
  store: Store,
  { disk, limitBytes }: { disk: Disk | null; limitBytes: number | null },
): StorageRoom {
  return {
    limitBytes,
    async demand(userId, { bytes } = { bytes: 1 }) {
      if ((await disk?.read())?.level === "full") {
        const words =
          "Nothing can be accepted now: the disk is nearly full, and whoever runs this server has to make room";
        throw new Refusal("unavailable", words, { retryAfterSeconds });
      }
      if (limitBytes === null) return;
      const used = await readStoredBytes(store, userId);
      if (used + bytes <= limitBytes) return;
      throw new Refusal("storage_full", fullWords({ used, bytes, limitBytes }));
    },
  };
}

function fullWords(
  { used, bytes, limitBytes }: { used: number; bytes: number; limitBytes: number },
): string {
  const most = `${gigabytes(limitBytes)} is the most`;
  const has = used < limitBytes && bytes > 1
    ? `With this picture yours would have ${gigabytes(used + bytes)}`
    : `Your pictures have ${gigabytes(used)}`;
  return `${has}, and ${most}: delete some first`;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${Math.round(bytes / 1e7) / 100} GB`;
}
