/**
 * Open pages of shares, which learn within a second that what they show is not to be seen any more. All readers of a
 * page are served by one watch of the records that decide it; whatever happens to these, the page's own check is asked
 * again.
 */
import type { Log } from "../log.ts";
import { heartbeat, serverSentEvent } from "../server_sent_event.ts";
import { sleep } from "../sleep.ts";
import { Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { Share } from "./share.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface ShareEnds {
  /** A stream that says when the page is over, and then ends. Refuses with `unavailable` where there are too many. */
  open(page: WatchedPage): ReadableStream<Bytes>;
  /** Ends all of them. */
  close(): void;
}

export interface WatchedPage {
  share: Share;
  /** The pictures that it shows, or the first of them. */
  imageIds: readonly string[];
  /** Whether whoever reads may still see it. */
  isStillOpen: () => Promise<boolean>;
}

interface Reader {
  controller: ReadableStreamDefaultController<Bytes>;
  isStillOpen: () => Promise<boolean>;
}

interface Watched {
  name: string;
  readers: Set<Reader>;
  expiresAt: number | null;
  /** It shows more than one watch takes, so it is looked at every second. */
  isLarge: boolean;
  stop: AbortController;
}

const mostReaders = 2000;
const heartbeatMs = 15_000;
/** For what ends by itself, and what no watched record tells. */
const lookMs = 1000;
/** At all of them, where several nodes use the store. */
const lookAroundMs = 15_000;
const troubleDelayMs = 1000;
/** A watch takes ten keys. */
const mostWatchedImages = 7;

const utf8 = new TextEncoder();
const beat = utf8.encode(heartbeat);
const ended = utf8.encode(serverSentEvent({ event: "ended", data: "" }));

export function createShareEnds({ store, log }: { store: Store; log: Log }): ShareEnds {
  const pages = new Map<string, Watched>();
  let readers = 0;
  let isClosed = false;
  let beating: ReturnType<typeof setInterval> | null = null;
  let looking: ReturnType<typeof setInterval> | null = null;
  let lookingAround: ReturnType<typeof setInterval> | null = null;

  return {
    open(page) {
      if (isClosed || readers >= mostReaders) {
        throw new Refusal("unavailable", "Too many look at shared pages", { retryAfterSeconds: 60 });
      }
      const watched = follow(page);
      let reader: Reader | null = null;
      return new ReadableStream<Bytes>({
        start(controller) {
          reader = { controller, isStillOpen: page.isStillOpen };
          watched.readers.add(reader);
          readers++;
          keepTime();
          controller.enqueue(beat);
        },
        cancel: () => leave(watched, reader!),
      }, { highWaterMark: 2 });
    },
    close() {
      isClosed = true;
      for (const watched of [...pages.values()]) {
        for (const reader of [...watched.readers]) finish(watched, reader);
      }
    },
  };

  /** All that look at the same pictures of the same share are one page. */
  function follow({ share, imageIds }: WatchedPage): Watched {
    const seen = imageIds.slice(0, mostWatchedImages);
    const name = [share.hash, ...seen].join(" ");
    const known = pages.get(name);
    if (known !== undefined) return known;
    const watched: Watched = {
      name,
      readers: new Set(),
      expiresAt: share.expiresAt,
      isLarge: seen.length < imageIds.length,
      stop: new AbortController(),
    };
    pages.set(name, watched);
    const board = "boardId" in share.of ? [keys.board(share.of.boardId)] : [];
    const records = [keys.share(share.hash), keys.user(share.userId), ...board, ...seen.map(keys.image)];
    void watch(watched, records);
    return watched;
  }

  async function watch(watched: Watched, records: Deno.KvKey[]): Promise<void> {
    const { signal } = watched.stop;
    while (!signal.aborted) {
      const reader = store.kv.watch(records).getReader();
      const stop = () => void reader.cancel().catch(() => {});
      signal.addEventListener("abort", stop, { once: true });
      try {
        while (!signal.aborted) {
          const { done, value } = await reader.read();
          if (done) break;
          watched.expiresAt = (value[0].value as Share | null)?.expiresAt ?? null;
          await look(watched);
        }
      } catch (error) {
        if (signal.aborted) return;
        log("error", "watch_lost", { key: "share", error });
        await sleep(troubleDelayMs, signal).catch(() => {});
      } finally {
        signal.removeEventListener("abort", stop);
        stop();
      }
    }
  }

  async function look(watched: Watched): Promise<void> {
    await Promise.all([...watched.readers].map(async (reader) => {
      if (!await reader.isStillOpen()) end(watched, reader);
    }));
  }

  function end(watched: Watched, reader: Reader): void {
    if (!watched.readers.has(reader)) return;
    reader.controller.enqueue(ended);
    finish(watched, reader);
  }

  function finish(watched: Watched, reader: Reader): void {
    if (!watched.readers.has(reader)) return;
    reader.controller.close();
    leave(watched, reader);
  }

  function leave(watched: Watched, reader: Reader): void {
    if (!watched.readers.delete(reader)) return;
    readers--;
    if (watched.readers.size === 0) {
      watched.stop.abort();
      pages.delete(watched.name);
    }
    keepTime();
  }

  /** Clocks run only while somebody reads. */
  function keepTime(): void {
    if (readers > 0) {
      beating ??= setInterval(beatAll, heartbeatMs);
      looking ??= setInterval(lookAtMany, lookMs);
      // Another node may end it while no watch tells of that.
      if (store.isShared) lookingAround ??= setInterval(() => lookAt(pages.values()), lookAroundMs);
      return;
    }
    for (const timer of [beating, looking, lookingAround]) if (timer !== null) clearInterval(timer);
    beating = looking = lookingAround = null;
  }

  function beatAll(): void {
    for (const { readers } of pages.values()) {
      for (const { controller } of readers) if ((controller.desiredSize ?? 0) > 0) controller.enqueue(beat);
    }
  }

  function lookAtMany(): void {
    const isDue = ({ expiresAt, isLarge }: Watched) =>
      isLarge || (expiresAt !== null && expiresAt <= store.now());
    lookAt([...pages.values()].filter(isDue));
  }

  function lookAt(many: Iterable<Watched>): void {
    for (const watched of many) {
      look(watched).catch((error) => log("error", "watch_lost", { key: "share", error }));
    }
  }
}
