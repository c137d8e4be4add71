/**
 * How often shares were looked at: a number and the day of the latest look, nothing of who it was. Looks are added up
 * here and written together every second, so that a link which many open at once costs a commit and not hundreds.
 */
import type { Log } from "../log.ts";
import { keys } from "../store/schema.ts";
import { commit, read, readMany, type Store } from "../store/store.ts";
import type { Share } from "./share.ts";

export interface Looks {
  views: number;
  /** Such as "2026-11-30"; null: nobody looked. */
  lastViewedOn: string | null;
}

export interface ShareViews {
  count(share: Share): void;
  /** Those that are not written yet among them. */
  read(hashes: readonly string[]): Promise<Looks[]>;
  /** Writes what is left. */
  stop(): Promise<void>;
}

const writeAfterMs = 1000;
const triesToWrite = 3;

export function createShareViews({ store, log }: { store: Store; log: Log }): ShareViews {
  const unwritten = new Map<string, { views: number; day: string }>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writing = Promise.resolve();

  return {
    count({ hash }) {
      const day = new Date(store.now()).toISOString().slice(0, 10);
      unwritten.set(hash, { views: (unwritten.get(hash)?.views ?? 0) + 1, day });
      timer ??= setTimeout(writeAll, writeAfterMs);
    },
    async read(hashes) {
      // What is being written would be counted twice, or not at all.
      await writing;
      const [views, days] = await Promise.all([
        readMany<Deno.KvU64>(store.kv, hashes.map(keys.shareViews)),
        readMany<string | null>(store.kv, hashes.map(keys.shareViewed)),
      ]);
      return hashes.map((hash, i) => {
        const more = unwritten.get(hash);
        return {
          views: Number(views[i]?.value.value ?? 0n) + (more?.views ?? 0),
          lastViewedOn: more?.day ?? days[i]?.value ?? null,
        };
      });
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      writeAll();
      await writing;
    },
  };

  function writeAll(): void {
    timer = null;
    const all = [...unwritten];
    unwritten.clear();
    writing = writing.then(async () => {
      for (const [hash, looks] of all) await write(hash, looks);
    }).catch((error) => log("error", "views_lost", { error }));
  }

  /** Of a share that is gone nothing is counted any more. */
  async function write(hash: string, { views, day }: { views: number; day: string }): Promise<void> {
    const key = keys.share(hash);
    for (let tries = 0; tries < triesToWrite; tries++) {
      const share = await read<Share>(store.kv, key);
      if (share === null) return;
      const atomic = store.kv.atomic().check({ key, versionstamp: share.versionstamp })
        .sum(keys.shareViews(hash), BigInt(views)).set(keys.shareViewed(hash), day);
      if (await commit(atomic) !== null) return;
    }
  }
}
