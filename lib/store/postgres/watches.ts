/**
 * Watches. One connection listens for all of them; a commit that wrote anything that is watched tells of the hashes of
 * its keys, and whoever watches one of them reads what it watches. That connection may break, or be quiet because
 * nobody is there any more, so it is asked now and then; when it is open again, all that is watched is read anew.
 */
import type { Log } from "../../log.ts";
import { sleep } from "../../sleep.ts";
import type { Connection } from "./connection.ts";
import type { Lines } from "./lines.ts";
import { hashesIn, hashOfKey, packKey } from "./packed_key.ts";
import type { ReadEntries } from "./reads.ts";
import { channel } from "./tables.ts";

export interface WatchDeps {
  lines: Pick<Lines, "open">;
  read: ReadEntries;
  /** Whether commits tell of such a key. */
  isWatched: (key: Deno.KvKey) => boolean;
  /** Aborted when the database is closed, and with it all watches. */
  signal: AbortSignal;
  log: Log;
}

const mostKeys = 10;
const againAfterMs = 200;
const askEveryMs = 3000;

interface Watcher {
  hashes: ReadonlySet<string>;
  /** Something that it watches may have been written. */
  wake(): void;
}

type Entries = Deno.KvEntryMaybe<unknown>[];

export function createWatches(deps: WatchDeps): Deno.Kv["watch"] {
  const { lines, read, isWatched, signal, log } = deps;
  const watchers = new Set<Watcher>();
  let listening: Promise<void> | null = null;
  return watch as Deno.Kv["watch"];

  function watch(keys: readonly Deno.KvKey[]): ReadableStream<Entries> {
    if (keys.length > mostKeys) throw new TypeError(`Too many keys (max ${mostKeys})`);
    const unheard = keys.find((key) => !isWatched(key));
    // It would never be told of a write.
    if (unheard !== undefined) {
      throw new TypeError(`Keys of ${String(unheard[0])} are not watched by anybody`);
    }
    let isDue = true;
    let ring = () => {};
    let seen: string | null = null;
    let isCancelled = false;
    const watcher: Watcher = {
      hashes: new Set(keys.map((key) => hashOfKey(packKey(key)))),
      wake() {
        isDue = true;
        ring();
      },
    };
    const end = () => {
      watchers.delete(watcher);
      isCancelled = true;
      ring();
    };
    watchers.add(watcher);
    signal.addEventListener("abort", end, { once: true });
    listening ??= listen();
    return new ReadableStream<Entries>({
      async pull(controller) {
        while (!isCancelled) {
          const entries = isDue ? await next() : null;
          if (entries !== null) return controller.enqueue(entries);
          if (!isDue && !isCancelled) await new Promise<void>((resolve) => ring = resolve);
        }
        if (signal.aborted) controller.close();
      },
      cancel() {
        signal.removeEventListener("abort", end);
        end();
      },
    }, { highWaterMark: 0 });

    /** Null: it is as it was seen last, or can't be read now. */
    async function next(): Promise<Entries | null> {
      isDue = false;
      try {
        const entries = await read(keys);
        const found = entries.map(({ versionstamp }) => versionstamp).join();
        if (isCancelled || found === seen) return null;
        seen = found;
        return entries;
      } catch (error) {
        if (error instanceof TypeError) throw error;
        isDue = true;
        await sleep(againAfterMs, signal).catch(() => {});
        return null;
      }
    }
  }

  /** Until the database is closed. */
  async function listen(): Promise<void> {
    while (!signal.aborted) {
      try {
        await listenOnce();
      } catch (error) {
        if (signal.aborted) return;
        log("warn", "watches_lost", { error });
        await sleep(againAfterMs, signal).catch(() => {});
      }
    }
  }

  /** Until that connection is gone; what was written meanwhile is looked for by the next. */
  async function listenOnce(): Promise<void> {
    const connection = await lines.open();
    const close = () => connection.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      if (signal.aborted) return;
      connection.onNotify = told;
      await connection.tell(`LISTEN ${channel}`);
      for (const watcher of watchers) watcher.wake();
      await askNowAndThen(connection);
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
  }

  /** Until it does not answer any more. */
  async function askNowAndThen(connection: Connection): Promise<void> {
    while (connection.isOpen) {
      const { promise: due, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, askEveryMs);
      await Promise.race([due, connection.closed]);
      clearTimeout(timer);
      if (connection.isOpen) await connection.tell("SELECT 1");
    }
  }

  function told(payload: string): void {
    const hashes = hashesIn(payload);
    for (const watcher of watchers) {
      if (!hashes.isDisjointFrom(watcher.hashes)) watcher.wake();
    }
  }
}
