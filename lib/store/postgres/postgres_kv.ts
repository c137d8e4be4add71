/**
 * A database of PostgreSQL as `Deno.Kv`, for several nodes at once: what a file takes it takes, and what a file refuses
 * it refuses in the same words. Nobody waits longer than ten seconds, and what was lost on the way is made up for.
 */
import type { Log } from "../../log.ts";
import { sleep } from "../../sleep.ts";
import type { LimitedKv } from "../group_commit.ts";
import { isWatchable } from "../schema.ts";
import { createCommits, limits, versionstampPart } from "./commits.ts";
import type { Lines } from "./lines.ts";
import { listEntriesOf } from "./lists.ts";
import { createReads } from "./reads.ts";
import { createWatches } from "./watches.ts";

export interface PostgresKvDeps {
  lines: Lines;
  log: Log;
  /** As long is an answer waited for, in milliseconds. */
  waitMs?: number;
  /** A UUID that nobody has had. */
  newName?: () => string;
  /** Whether anybody may watch such a key; commits tell of those alone. */
  isWatched?: (key: Deno.KvKey) => boolean;
  /** How often what has expired is taken away. Nobody sees it before either. */
  sweepMs?: number;
}

const usualWaitMs = 10_000;
const usualSweepMs = 60_000;
const mostOfRead = 10;

export function createPostgresKv(
  {
    lines,
    log,
    waitMs = usualWaitMs,
    newName = () => crypto.randomUUID(),
    isWatched = isWatchable,
    sweepMs = usualSweepMs,
  }: PostgresKvDeps,
): LimitedKv {
  const closing = new AbortController();
  const { signal } = closing;
  const atomic = createCommits({ lines, waitMs, newName, isWatched, signal });
  const read = createReads({ lines, waitMs, signal });
  const close = () => {
    if (signal.aborted) throw new Deno.errors.BadResource("Bad resource ID");
    closing.abort();
    lines.close();
  };
  void sweepNowAndThen({ lines, log, sweepMs, signal });
  const own: Partial<LimitedKv> = {
    limits: { checks: limits.checks, mutations: limits.mutations },
    get: async (key) => (await read([key]))[0] as Deno.KvEntryMaybe<never>,
    getMany: (async (keys: readonly Deno.KvKey[]) => {
      if (keys.length > mostOfRead) throw new TypeError(`Too many ranges (max ${mostOfRead})`);
      return keys.length === 0 ? [] : await read(keys);
    }) as Deno.Kv["getMany"],
    list: (selector, options) => listEntriesOf({ lines, waitMs, signal }, { selector, options }),
    watch: createWatches({ lines, read, isWatched, signal, log }),
    set: async (key, value, options) =>
      await atomic().set(key, value, options).commit() as Deno.KvCommitResult,
    delete: async (key) => void await atomic().delete(key).commit(),
    atomic,
    commitVersionstamp: () => versionstampPart as unknown as symbol,
    enqueue: () => Promise.reject(new TypeError("PostgreSQL has no queue of Deno KV")),
    // As with the runtime's own: nothing ever comes.
    listenQueue: () => new Promise(() => {}),
    close,
    [Symbol.dispose]: () => void (signal.aborted || close()),
  };
  return own as LimitedKv;
}

const mostOfSweep = 1000;

/** Each node does it: they don't wait for each other, and what one has taken away the next does not find. */
async function sweepNowAndThen(
  { lines, log, sweepMs, signal }: { lines: Lines; log: Log; sweepMs: number; signal: AbortSignal },
): Promise<void> {
  let isMoreLeft = false;
  while (!signal.aborted) {
    if (!isMoreLeft) await sleep(sweepMs, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      isMoreLeft = await sweep(lines);
    } catch (error) {
      isMoreLeft = false;
      if (!signal.aborted) log("warn", "expired_not_swept", { error });
    }
  }
}

async function sweep(lines: Lines): Promise<boolean> {
  const connection = await lines.forRead();
  const [[swept]] = await connection.tell(`SELECT darkroom.sweep(${mostOfSweep})`);
  return Number(swept) === mostOfSweep;
}
