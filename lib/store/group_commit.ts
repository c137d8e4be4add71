/**
 * Commits that wait for the disk go there together. A commit costs a flush of the log, whatever it holds; while one is
 * under way, those that come meanwhile are gathered, and go in one after it. A single one goes at once, so nobody
 * waits for company.
 *
 * Each is still whole or not at all, and checked as if it had come alone after those before it in its group. One that
 * checks what another of them writes goes with it only if it was made with that in mind: if it checks the version that
 * was promised for that very write. Where a check of a group fails, each of its commits is made by itself.
 */
import { Refusal } from "../refusal.ts";
import { isOfTheDisk } from "./disk_trouble.ts";

/** What a database takes in one commit. */
export interface CommitLimits {
  checks: number;
  mutations: number;
  /** Of a commit that is asked for as one; left out, as many as one takes. */
  checksOfOne?: number;
}

/** A database that takes less than a file does says so itself. */
export type LimitedKv = Deno.Kv & { limits?: CommitLimits };

const fileLimits: CommitLimits = { checks: 100, mutations: 1000 };

export function groupCommits(kv: LimitedKv, besides: Besides = () => []): Deno.Kv {
  const gathering = createGathering(kv, kv.limits ?? fileLimits);
  const record = (): Deno.AtomicOperation => recordCommit(gathering, besides);
  const { get, getMany, list, watch, enqueue, listenQueue, commitVersionstamp, close } = kv;
  const own = { get, getMany, list, watch, enqueue, listenQueue, commitVersionstamp, close };
  const bound = Object.fromEntries(Object.entries(own).map(([name, method]) => [name, method.bind(kv)]));
  const isAlone = (mutation: Deno.KvMutation) => besides([mutation]).length === 0;
  return {
    ...bound,
    atomic: record,
    set: (key, value, options) =>
      isAlone({ type: "set", key, value })
        ? kv.set(key, value, options)
        : record().set(key, value, options).commit(),
    delete: async (key) =>
      isAlone({ type: "delete", key }) ? await kv.delete(key) : void await record().delete(key).commit(),
    [Symbol.dispose]: () => kv.close(),
  } as Deno.Kv;
}

/** What a commit writes besides, by what it writes. */
export type Besides = (mutations: readonly Deno.KvMutation[]) => readonly Deno.KvMutation[];

/**
 * Stands for the version that a commit will have, until it has ended: whatever checks it is made after that commit, or
 * with it, or not at all. Taken from an operation of `groupCommits`.
 */
export function promisedVersion(atomic: Deno.AtomicOperation): string {
  return (atomic as RecordedOperation).promisedVersion;
}

type CommitResult = Deno.KvCommitResult | Deno.KvCommitError;
type RecordedOperation = Deno.AtomicOperation & { promisedVersion: string };

/** A commit as a value: what it checks and does, in the order in which it was said. */
interface Recorded {
  promisedVersion: string;
  checks: Named<Deno.AtomicCheck>[];
  mutations: Named<Deno.KvMutation>[];
  messages: Parameters<Deno.AtomicOperation["enqueue"]>[];
}

/** With its key as a text. */
type Named<T> = T & { name: string };

interface Waiting {
  commit: Recorded;
  /** It was in a group that failed. */
  isAlone: boolean;
  resolve: (result: CommitResult) => void;
  reject: (error: unknown) => void;
}

interface Gathering {
  promiseVersion(): string;
  commit(commit: Recorded): Promise<CommitResult>;
}

function createGathering(kv: Deno.Kv, limits: CommitLimits): Gathering {
  let waiting: Waiting[] = [];
  let isUnderWay = false;
  let promised = 0;

  return {
    promiseVersion: () => `${promise}${++promised}`,
    commit: (commit) =>
      new Promise((resolve, reject) => {
        const checks = new Set(commit.checks.map(({ name }) => name)).size;
        if (checks > (limits.checksOfOne ?? limits.checks)) throw new TypeError(`Too many checks: ${checks}`);
        waiting.push({ commit, isAlone: false, resolve, reject });
        if (!isUnderWay) void goOn();
      }),
  };

  async function goOn(): Promise<void> {
    isUnderWay = true;
    while (waiting.length > 0) {
      const { group, others } = nextGroup(waiting, limits);
      waiting = others;
      await commitGroup(group);
    }
    isUnderWay = false;
  }

  async function commitGroup(group: readonly Waiting[]): Promise<void> {
    const isSingle = group.length === 1;
    try {
      const result = await made(kv, group);
      if (!result.ok && !isSingle) return splitUp(group);
      if (result.ok) keepPromises(group, result.versionstamp);
      for (const { resolve } of group) resolve(result);
    } catch (error) {
      if (isComplaint(error) && !isSingle) return splitUp(group);
      group.forEach(({ reject }) => reject(error));
      // It was waited for as long as anybody waits, and those behind it have waited meanwhile.
      if (error instanceof Refusal) waiting.splice(0).forEach(({ reject }) => reject(notSent(error)));
    }
  }

  function splitUp(group: readonly Waiting[]): void {
    waiting = [...group.map((each) => ({ ...each, isAlone: true })), ...waiting];
  }

  /** What was promised of a write that another of the group has written over is never kept, nor of one that is lost. */
  function keepPromises(group: readonly Waiting[], versionstamp: string): void {
    const writers = lastWriters(group);
    for (const check of waiting.flatMap(({ commit }) => commit.checks)) {
      if (isPromise(check.versionstamp) && writers.get(check.name) === check.versionstamp) {
        check.versionstamp = versionstamp;
      }
    }
  }
}

/** As many as can go together, the first among them, and the rest in their order. What the first was promised has come or is lost. */
function nextGroup(
  waiting: readonly Waiting[],
  limits: CommitLimits,
): { group: Waiting[]; others: Waiting[] } {
  const view: GroupView = { writers: new Map(), checked: new Map(), mutations: 0 };
  const [first] = waiting;
  if (waiting.length === 1 || first.isAlone || !canJoin(view, first.commit)) {
    return { group: [first], others: waiting.slice(1) };
  }
  const group: Waiting[] = [];
  const others: Waiting[] = [];
  for (const each of waiting) {
    const { commit } = each;
    const isFull = group.length > 0 &&
      (view.checked.size + commit.checks.length > limits.checks ||
        view.mutations + commit.mutations.length > limits.mutations);
    if (isFull || each.isAlone || !canJoin(view, commit)) {
      others.push(each);
      continue;
    }
    group.push(each);
    for (const { name, versionstamp } of commit.checks) view.checked.set(name, versionstamp);
    for (const { name } of commit.mutations) view.writers.set(name, commit.promisedVersion);
    view.mutations += commit.mutations.length;
  }
  return { group, others };
}

/** What those of a group do, by the names of keys. */
interface GroupView {
  /** Which of them writes it last, by the version that was promised for it. */
  writers: Map<string, string>;
  checked: Map<string, string | null>;
  mutations: number;
}

function lastWriters(group: readonly Waiting[]): GroupView["writers"] {
  return new Map(
    group.flatMap(({ commit: { mutations, promisedVersion } }) =>
      mutations.map(({ name }) => [name, promisedVersion])
    ),
  );
}

function canJoin({ writers, checked }: GroupView, { checks, mutations }: Recorded): boolean {
  return checks.every(({ name, versionstamp }) => {
    const writer = writers.get(name);
    if (writer !== undefined || isPromise(versionstamp)) return writer === versionstamp;
    return !checked.has(name) || checked.get(name) === versionstamp;
  }) && !mutations.some(({ key, name }) => isStamped(key) && writers.has(name));
}

/** What was promised by one of the group itself is kept by going with it; what nobody keeps any more is lost. */
async function made(kv: Deno.Kv, group: readonly Waiting[]): Promise<CommitResult> {
  const promised = new Set(group.map(({ commit }) => commit.promisedVersion));
  const checks = new Map<string, Deno.AtomicCheck>();
  for (const check of group.flatMap(({ commit }) => commit.checks)) {
    if (promised.has(check.versionstamp!)) continue;
    if (isPromise(check.versionstamp)) return { ok: false };
    if (!checks.has(check.name)) checks.set(check.name, check);
  }
  const atomic = kv.atomic().check(...checks.values());
  for (const mutation of merged(group.flatMap(({ commit }) => commit.mutations))) atomic.mutate(mutation);
  for (const message of group.flatMap(({ commit }) => commit.messages)) atomic.enqueue(...message);
  return await atomic.commit();
}

/** The same with less: of what is written over nothing is left, and sums are added up. */
function merged(mutations: readonly Named<Deno.KvMutation>[]): Deno.KvMutation[] {
  const byName = new Map<string, Deno.KvMutation[]>();
  for (const mutation of mutations) {
    const earlier = byName.get(mutation.name);
    const last = earlier?.at(-1);
    if (earlier === undefined || mutation.type === "set" || mutation.type === "delete") {
      byName.set(mutation.name, [mutation]);
    } else if (mutation.type === "sum" && last?.type === "sum") {
      const value = BigInt.asUintN(64, last.value.value + mutation.value.value);
      earlier[earlier.length - 1] = { ...last, value: new Deno.KvU64(value) };
    } else {
      earlier.push(mutation);
    }
  }
  return [...byName.values()].flat();
}

/** Of a commit that was never sent, so nobody need ask what became of it. */
function notSent({ code, message, retryAfterSeconds }: Refusal): Refusal {
  return new Refusal(code, message, { retryAfterSeconds: retryAfterSeconds ?? undefined });
}

/** About a key, a value or a size: it comes before anything is written, and is about one of them or their number. */
function isComplaint(error: unknown): boolean {
  return error instanceof TypeError && !isOfTheDisk(error);
}

/** Takes down what is said to it, as `Deno.AtomicOperation`. */
function recordCommit(gathering: Gathering, besides: Besides): RecordedOperation {
  const commit: Recorded = {
    promisedVersion: gathering.promiseVersion(),
    checks: [],
    mutations: [],
    messages: [],
  };
  const mutate = (...mutations: Deno.KvMutation[]): RecordedOperation => {
    for (const mutation of mutations) commit.mutations.push({ ...mutation, name: nameOf(mutation.key) });
    return recorded;
  };
  const number = (type: "sum" | "min" | "max") => (key: Deno.KvKey, by: bigint) =>
    mutate({ type, key, value: new Deno.KvU64(by) });
  const recorded: RecordedOperation = {
    promisedVersion: commit.promisedVersion,
    check(...checks) {
      for (const check of checks) commit.checks.push({ ...check, name: nameOf(check.key) });
      return recorded;
    },
    mutate,
    set: (key, value, options) => mutate({ type: "set", key, value, ...options }),
    delete: (key) => mutate({ type: "delete", key }),
    sum: number("sum"),
    min: number("min"),
    max: number("max"),
    enqueue(...message) {
      commit.messages.push(message);
      return recorded;
    },
    commit: () => {
      const more = besides(commit.mutations).map((mutation) => ({ ...mutation, name: nameOf(mutation.key) }));
      return gathering.commit({ ...commit, mutations: [...commit.mutations, ...more] });
    },
  };
  return recorded;
}

/** No version looks like it. */
const promise = "promised ";

function isPromise(versionstamp: string | null): boolean {
  return versionstamp?.startsWith(promise) ?? false;
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
