/**
 * Commits that wait for the disk go there together. A commit costs a flush of the log, whatever it holds; while one is
 * under way, those that come meanwhile are gathered, and go in one after it. A single one goes at once, so nobody
 * waits for company.
 *
 * Each is still whole or not at all, and checked as if it had come alone: two that could see each other's writes are
 * never in one group, and where a check of a group fails, each of its commits is made by itself.
 */
import { isOfTheDisk } from "./disk_trouble.ts";

export function groupCommits(kv: Deno.Kv): Deno.Kv {
  const gather = createGathering(kv);
  const record = () => recordCommit(kv.atomic(), gather);
  const { get, getMany, list, watch, enqueue, listenQueue, set, delete: remove, commitVersionstamp, close } =
    kv;
  const own = {
    get,
    getMany,
    list,
    watch,
    enqueue,
    listenQueue,
    set,
    delete: remove,
    commitVersionstamp,
    close,
  };
  const bound = Object.fromEntries(Object.entries(own).map(([name, method]) => [name, method.bind(kv)]));
  return { ...bound, atomic: record, [Symbol.dispose]: () => kv.close() } as Deno.Kv;
}

type CommitResult = Deno.KvCommitResult | Deno.KvCommitError;
type Step = (atomic: Deno.AtomicOperation) => void;

/** A commit as a value: what it checks and does, in the order in which it was said. */
interface Recorded {
  /** The same as KV's own, for when it goes by itself. */
  alone: Deno.AtomicOperation;
  steps: Step[];
  /** The keys that it checks, those that it writes, and those that get a versionstamp. */
  checked: Deno.KvKey[];
  written: Deno.KvKey[];
  stamped: Deno.KvKey[];
  mutations: number;
}

interface Waiting {
  commit: Recorded;
  resolve: (result: CommitResult) => void;
  reject: (error: unknown) => void;
}

type Gather = (commit: Recorded) => Promise<CommitResult>;

/** What KV takes in one commit. */
const mostChecks = 100;
const mostMutations = 1000;

function createGathering(kv: Deno.Kv): Gather {
  let waiting: Waiting[] = [];
  let isUnderWay = false;

  return (commit) =>
    new Promise((resolve, reject) => {
      waiting.push({ commit, resolve, reject });
      if (!isUnderWay) void goOn();
    });

  async function goOn(): Promise<void> {
    isUnderWay = true;
    while (waiting.length > 0) {
      const { group, others } = nextGroup(waiting);
      waiting = others;
      await commitGroup(kv, group);
    }
    isUnderWay = false;
  }
}

/** As many as can go together, the first among them, and the rest in their order. */
function nextGroup(waiting: readonly Waiting[]): { group: Waiting[]; others: Waiting[] } {
  if (waiting.length === 1) return { group: [...waiting], others: [] };
  const group: Waiting[] = [];
  const others: Waiting[] = [];
  const written = new Set<string>();
  const stamped = new Set<string>();
  let checks = 0;
  let mutations = 0;
  for (const each of waiting) {
    const { commit } = each;
    const isFull = group.length > 0 &&
      (checks + commit.checked.length > mostChecks || mutations + commit.mutations > mostMutations);
    const isApart = commit.checked.every((key) => !written.has(nameOf(key))) &&
      commit.stamped.every((key) => !stamped.has(nameOf(key)));
    if (isFull || !isApart) {
      others.push(each);
      continue;
    }
    group.push(each);
    checks += commit.checked.length;
    mutations += commit.mutations;
    for (const key of commit.written) written.add(nameOf(key));
    for (const key of commit.stamped) stamped.add(nameOf(key));
  }
  return { group, others };
}

async function commitGroup(kv: Deno.Kv, group: readonly Waiting[]): Promise<void> {
  if (group.length > 1) {
    try {
      const result = await gathered(kv, group).commit();
      if (result.ok) return group.forEach(({ resolve }) => resolve(result));
    } catch (error) {
      if (!isComplaint(error)) return group.forEach(({ reject }) => reject(error));
    }
  }
  await Promise.all(group.map(commitAlone));

  async function commitAlone({ commit, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve(await commit.alone.commit());
    } catch (error) {
      reject(error);
    }
  }
}

function gathered(kv: Deno.Kv, group: readonly Waiting[]): Deno.AtomicOperation {
  const atomic = kv.atomic();
  for (const { commit } of group) {
    for (const step of commit.steps) step(atomic);
  }
  return atomic;
}

/** About a key, a value or a size: it comes before anything is written, and is about one of them or their number. */
function isComplaint(error: unknown): boolean {
  return error instanceof TypeError && !isOfTheDisk(error);
}

/** Takes down what is said to it, as `Deno.AtomicOperation`. */
function recordCommit(alone: Deno.AtomicOperation, gather: Gather): Deno.AtomicOperation {
  const commit: Recorded = { alone, steps: [], checked: [], written: [], stamped: [], mutations: 0 };
  const record = (key: Deno.KvKey | null, step: Step): Deno.AtomicOperation => {
    step(alone);
    commit.steps.push(step);
    commit.mutations++;
    if (key !== null) (isStamped(key) ? commit.stamped : commit.written).push(key);
    return recorded;
  };
  const recorded: Deno.AtomicOperation = {
    check(...checks) {
      alone.check(...checks);
      commit.steps.push((atomic) => atomic.check(...checks));
      for (const { key } of checks) commit.checked.push(key);
      return recorded;
    },
    mutate(...mutations) {
      for (const mutation of mutations) record(mutation.key, (atomic) => atomic.mutate(mutation));
      return recorded;
    },
    set: (key, value, options) => record(key, (atomic) => atomic.set(key, value, options)),
    delete: (key) => record(key, (atomic) => atomic.delete(key)),
    sum: (key, by) => record(key, (atomic) => atomic.sum(key, by)),
    min: (key, by) => record(key, (atomic) => atomic.min(key, by)),
    max: (key, by) => record(key, (atomic) => atomic.max(key, by)),
    enqueue: (value, options) => record(null, (atomic) => atomic.enqueue(value, options)),
    commit: () => gather(commit),
  };
  return recorded;
}

/** The key gets the commit's versionstamp, so two of one group would be one. */
function isStamped(key: Deno.KvKey): boolean {
  return key.some((part) => typeof part === "symbol");
}

function nameOf(key: Deno.KvKey): string {
  return key.map((part) =>
    part instanceof Uint8Array ? `bytes ${part.toHex()}` : `${typeof part} ${String(part)}`
  )
    .join("\0");
}
