/**
 * What commits write that others watch, told to the other nodes at once. Watches over KV Connect tell of a write some
 * time after it, and go on telling when the bus does not; whoever hears of one by the bus reads what it watches, and
 * hands that on if it is newer. So nobody who commits or watches need know of the bus.
 */
import type { Bus } from "../bus/bus.ts";
import type { LimitedKv } from "./group_commit.ts";
import { isWatched } from "./schema.ts";

/** The same database; where there are no other nodes, itself. */
export function tellWrites(kv: LimitedKv, { bus }: { bus: Bus }): LimitedKv {
  if (bus.state() === "none") return kv;
  const { get, getMany, list, enqueue, listenQueue, set, delete: remove, commitVersionstamp, close } = kv;
  const own = { get, getMany, list, enqueue, listenQueue, set, delete: remove, commitVersionstamp, close };
  const bound = Object.fromEntries(Object.entries(own).map(([name, method]) => [name, method.bind(kv)]));
  return {
    ...bound,
    limits: kv.limits,
    atomic: () => recordWrites(kv.atomic(), (written) => publish(bus, written)),
    watch: (keys: readonly Deno.KvKey[]) => watchBoth(kv, { keys, bus }),
    [Symbol.dispose]: () => kv.close(),
  } as LimitedKv;
}

interface Written {
  keys: Deno.KvKey[];
  versionstamp: string;
}

/** One subject for all that concerns a user, or something else that is watched by itself. */
function subjectOf(key: Deno.KvKey): string {
  return `written ${String(key.at(-1))}`;
}

function publish(bus: Bus, { keys, versionstamp }: Written): void {
  for (const subject of new Set(keys.map(subjectOf))) {
    bus.publish(subject, new TextEncoder().encode(versionstamp));
  }
}

/** Does as it is told, and takes down what of it is watched. */
function recordWrites(
  atomic: Deno.AtomicOperation,
  onCommit: (written: Written) => void,
): Deno.AtomicOperation {
  const keys: Deno.KvKey[] = [];
  const note = (key: Deno.KvKey) => {
    if (isWatched(key)) keys.push(key);
  };
  const recorded: Deno.AtomicOperation = {
    check(...checks) {
      atomic.check(...checks);
      return recorded;
    },
    mutate(...mutations) {
      for (const { key } of mutations) note(key);
      atomic.mutate(...mutations);
      return recorded;
    },
    set(key, value, options) {
      note(key);
      atomic.set(key, value, options);
      return recorded;
    },
    delete(key) {
      note(key);
      atomic.delete(key);
      return recorded;
    },
    sum(key, by) {
      atomic.sum(key, by);
      return recorded;
    },
    min(key, by) {
      atomic.min(key, by);
      return recorded;
    },
    max(key, by) {
      atomic.max(key, by);
      return recorded;
    },
    enqueue(...message) {
      atomic.enqueue(...message);
      return recorded;
    },
    async commit() {
      const result = await atomic.commit();
      if (result.ok && keys.length > 0) onCommit({ keys, versionstamp: result.versionstamp });
      return result;
    },
  };
  return recorded;
}

type Entries = Deno.KvEntryMaybe<unknown>[];

/** A watch that is also told by the bus; what it hands on never goes back. */
function watchBoth(
  kv: Deno.Kv,
  { keys, bus }: { keys: readonly Deno.KvKey[]; bus: Bus },
): ReadableStream<Entries> {
  const told = kv.watch<unknown[]>([...keys]).getReader();
  const followed = new Set(keys.map(subjectOf));
  const leaves = [...followed].map((subject) => bus.subscribe(subject, onHint));
  let seen: Entries | null = null;
  let next: Entries | null = null;
  let wake = () => {};
  let isOver = false;
  let trouble: { error: unknown } | null = null;
  let isReading = false;
  let isHintLate = false;
  void listen();

  return new ReadableStream<Entries>({
    async pull(controller) {
      while (next === null && trouble === null && !isOver) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      if (next !== null) {
        controller.enqueue(next);
        next = null;
      } else if (trouble !== null) controller.error(trouble.error);
      else controller.close();
    },
    async cancel() {
      end();
      await told.cancel();
    },
  }, { highWaterMark: 0 });

  async function listen(): Promise<void> {
    try {
      while (!isOver) {
        const { done, value } = await told.read();
        if (done) break;
        if (!mayBeOlder(value, seen)) offer(value);
        else await readAgain();
      }
      end();
    } catch (error) {
      fail(error);
    }
  }

  function onHint(message: Uint8Array): void {
    const version = new TextDecoder().decode(message);
    // The watch itself was faster.
    if (seen?.some(({ versionstamp }) => versionstamp !== null && versionstamp >= version)) return;
    readAgain().catch(fail);
  }

  /** One after another, so that none hands on what is older than what another one found. */
  async function readAgain(): Promise<void> {
    if (isReading) {
      isHintLate = true;
      return;
    }
    isReading = true;
    try {
      do {
        isHintLate = false;
        const entries = await kv.getMany<unknown[]>([...keys]);
        if (!isOver && !isOlder(entries, seen)) offer(entries);
      } while (isHintLate && !isOver);
    } finally {
      isReading = false;
    }
  }

  function offer(entries: Entries): void {
    if (seen !== null && isSame(entries, seen)) return;
    seen = next = entries;
    wake();
  }

  /** Whoever watches begins anew. */
  function fail(error: unknown): void {
    trouble ??= { error };
    end();
  }

  function end(): void {
    isOver = true;
    leaves.forEach((leave) => leave());
    wake();
  }
}

function isSame(entries: Entries, seen: Entries): boolean {
  return entries.every(({ versionstamp }, i) => versionstamp === seen[i].versionstamp);
}

/** Of what is not there nobody can tell whether it was written or deleted since. */
function mayBeOlder(entries: Entries, seen: Entries | null): boolean {
  return isOlder(entries, seen) ||
    (seen !== null &&
      entries.some(({ versionstamp }, i) => versionstamp === null && seen[i].versionstamp !== null));
}

/** Some of it was written since. */
function isOlder(entries: Entries, seen: Entries | null): boolean {
  return seen !== null && entries.some(({ versionstamp }, i) => {
    const before = seen[i].versionstamp;
    return versionstamp !== null && before !== null && versionstamp < before;
  });
}
