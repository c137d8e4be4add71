/**
 * A database on a server that speaks KV Connect, as `Deno.Kv`, for several nodes at once. What differs there from a file
 * is made up for here, so that nobody else knows: https://github.com/denoland/denokv, `remote/lib.rs` and
 * `proto/limits.rs`.
 *
 * The runtime sends a call again for as long as the server can't be reached, also a commit that was carried out and whose
 * answer was lost: see `once_only.ts`. It waits without an end: here nobody waits longer than ten seconds. It takes 200
 * watches a handle: see `watch_pool.ts`.
 */
import { createOnceOnly } from "./once_only.ts";
import { askAgain, isComplaint, type Patience, withPatience } from "./patience.ts";
import type { LimitedKv } from "./group_commit.ts";
import { createWatchPool } from "./watch_pool.ts";

export interface ConnectedDeps {
  /** A new handle on the database. */
  open: () => Promise<Deno.Kv>;
  /** As long is an answer waited for, in milliseconds. */
  waitMs?: number;
  /** A name that no commit has had. */
  newName?: () => string;
}

const usualWaitMs = 10_000;

/** Ten checks a commit, one of which is the one that it was not made yet; it is written, too. */
const limits = { checks: 9, mutations: 999 };

/** Throws what `open` throws. */
export async function connectKv(
  { open, waitMs = usualWaitMs, newName = () => crypto.randomUUID() }: ConnectedDeps,
): Promise<LimitedKv> {
  const kv = await open();
  const watches = createWatchPool(open);
  const closing = new AbortController();
  const atomic = createOnceOnly({ kv, waitMs, newName, signal: closing.signal });
  const within = <T>(call: () => Promise<T>) => askAgain(call, { waitMs, signal: closing.signal });
  const once = <T>(work: (within: Patience["within"]) => Promise<T>) =>
    withPatience(waitMs, ({ within }) => work(within));
  const close = () => {
    closing.abort();
    watches.close();
    kv.close();
  };
  const connected: Partial<LimitedKv> = {
    limits,
    get: (key, options) => within(() => kv.get(key, options)),
    getMany: (keys, options) => within(() => kv.getMany(keys, options)),
    list: (selector, options) => listPatiently(kv, { selector, options, within }),
    watch: watches.watch,
    set: (key, value, options) => once((within) => within(kv.set(key, value, options))),
    delete: (key) => once((within) => within(kv.delete(key))),
    atomic,
    commitVersionstamp: () => kv.commitVersionstamp(),
    enqueue: () => Promise.reject(new TypeError("KV Connect has no queue")),
    // As the runtime's own: nothing ever comes.
    listenQueue: () => new Promise(() => {}),
    close,
    [Symbol.dispose]: close,
  };
  return connected as LimitedKv;
}

/** Goes on behind the last entry where a step fails. */
function listPatiently<T>(
  kv: Deno.Kv,
  { selector, options = {}, within }: {
    selector: Deno.KvListSelector;
    options?: Deno.KvListOptions;
    within: <R>(call: () => Promise<R>) => Promise<R>;
  },
): Deno.KvListIterator<T> {
  let entries: Deno.KvListIterator<T> | null = kv.list<T>(selector, options);
  let { cursor } = options;
  let left = options.limit ?? Infinity;
  const iterator: Deno.KvListIterator<T> = {
    get cursor() {
      return cursor ?? "";
    },
    async next() {
      if (left <= 0) return { done: true, value: undefined };
      const result = await within(async () => {
        entries ??= kv.list<T>(selector, { ...options, cursor, ...left < Infinity && { limit: left } });
        try {
          return await entries.next();
        } catch (error) {
          if (!isComplaint(error)) entries = null;
          throw error;
        }
      });
      if (result.done) return result;
      left--;
      cursor = entries!.cursor;
      return result;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
