/**
 * Commits, each of them one call of the database's own function, in one message. Nobody takes part of a commit for the
 * whole: the server does nothing before all of it has come.
 *
 * Whoever sends commits numbers them, one after another. A commit whose answer was lost is sent again under its number,
 * which the database knows if it was made. One that nobody waits for any more is in doubt (`CommitInDoubt`), until the
 * database has said what became of it or that nothing ever will; its sender sends nothing else before.
 */
import { Buffer } from "node:buffer";
import { sleep } from "../../sleep.ts";
import { CommitInDoubt } from "../once_only.ts";
import { NoAnswer, withPatience } from "../patience.ts";
import { DatabaseRefusal } from "../store.ts";
import { ConnectionTrouble } from "./connection.ts";
import { type Lines, NoPrimary } from "./lines.ts";
import { arrayOf, bytesArrayOf } from "./literals.ts";
import { hashOfKey, packKey } from "./packed_key.ts";
import { storedValue } from "./stored_value.ts";
import { mutationKinds, outcomes } from "./tables.ts";
import { versionOf, versionstampOf } from "./versionstamp.ts";

export interface CommitDeps {
  lines: Lines;
  waitMs: number;
  /** A name that nobody has had: a UUID. */
  newName: () => string;
  /** Whether anybody may watch such a key. */
  isWatched: (key: Deno.KvKey) => boolean;
  /** Aborted when the database is closed. */
  signal: AbortSignal;
}

type CommitResult = Deno.KvCommitResult | Deno.KvCommitError;

/** As a file has them: nothing works on one store alone. */
export const limits = {
  checks: 100,
  mutations: 1000,
  keyBytes: 2048,
  valueBytes: 65_536,
  totalBytes: 819_200,
  totalKeyBytes: 81_920,
};

/** The last part of a key that gets the version of its commit. */
export const versionstampPart = Symbol("version of the commit");

interface Sender {
  name: string;
  /** Of its latest commit. */
  number: number;
}

/** What takes the place of `Deno.Kv.atomic`. */
export function createCommits(deps: CommitDeps): () => Deno.AtomicOperation {
  const idle: Sender[] = [];
  return () => {
    const checks: Deno.AtomicCheck[] = [];
    const mutations: Deno.KvMutation[] = [];
    const mutate = (...more: Deno.KvMutation[]): Deno.AtomicOperation => {
      mutations.push(...more);
      return operation;
    };
    const number = (type: "sum" | "min" | "max") => (key: Deno.KvKey, by: bigint) =>
      mutate({ type, key, value: new Deno.KvU64(by) });
    const operation: Deno.AtomicOperation = {
      check(...more) {
        checks.push(...more);
        return operation;
      },
      mutate,
      set: (key, value, { expireIn } = {}) => {
        demandExpiry(expireIn);
        return mutate({ type: "set", key, value, expireIn });
      },
      delete: (key) => mutate({ type: "delete", key }),
      sum: number("sum"),
      min: number("min"),
      max: number("max"),
      enqueue() {
        throw new TypeError("PostgreSQL has no queue of Deno KV");
      },
      async commit() {
        const written = writtenOf({ checks, mutations, isWatched: deps.isWatched });
        const sender = idle.pop() ?? { name: deps.newName(), number: 0 };
        sender.number++;
        const ended = await commitAs(deps, { sender: { ...sender }, written });
        if ("result" in ended || !ended.isInDoubt) idle.push(sender);
        if ("error" in ended) throw ended.error;
        return ended.result;
      },
    };
    return operation;
  };
}

export function demandExpiry(expireIn: number | undefined): void {
  if (expireIn === undefined || (Number.isInteger(expireIn) && expireIn >= 0)) return;
  throw new TypeError(`expireIn must be a non-negative integer: received ${expireIn}`);
}

/** The arguments of the database's function, without who sends them. */
interface Written {
  text: string;
  /** Of the first of what is added, lowered or raised; what is there may be no number. */
  firstOfNumbers: string | undefined;
}

function writtenOf(
  { checks, mutations, isWatched }: {
    checks: readonly Deno.AtomicCheck[];
    mutations: readonly Deno.KvMutation[];
    isWatched: CommitDeps["isWatched"];
  },
): Written {
  if (checks.length > limits.checks) throw new TypeError(`Too many checks (max ${limits.checks})`);
  if (mutations.length > limits.mutations) {
    throw new TypeError(`Too many mutations (max ${limits.mutations})`);
  }
  const checked = checks.map(({ key, versionstamp }) => ({
    key: packWritten(key),
    version: versionOf(versionstamp),
  }));
  const packed = mutations.map(packMutation);
  demandSizes([...checked, ...packed]);
  const rounds = inRounds(packed);
  const stamped = packed.flatMap(({ isStamped }, i) => isStamped ? [i + 1] : []);
  const isTold = (i: number) => !packed[i].isStamped && isWatched(mutations[i].key);
  const watched = new Set(packed.filter((_, i) => isTold(i)).map(({ key }) => hashOfKey(key)));
  const columns = [
    bytesArrayOf(checked.map(({ key }) => key)),
    arrayOf(checked.map(({ version }) => version)),
    String(packed.length === 0 ? 0 : Math.max(...rounds) + 1),
    arrayOf(rounds),
    arrayOf(packed.map(({ kind }) => kind)),
    bytesArrayOf(packed.map(({ key }) => key)),
    bytesArrayOf(packed.map(({ bytes }) => bytes)),
    arrayOf(packed.map(({ number }) => number)),
    arrayOf(packed.map(({ life }) => life)),
    arrayOf(stamped),
    [...watched].join(""),
  ];
  return {
    text: columns.map((column) => `'${column}'`).join(","),
    firstOfNumbers: mutations.find(({ type }) => type !== "set" && type !== "delete")?.type,
  };
}

interface PackedMutation {
  kind: number;
  key: Uint8Array;
  isStamped: boolean;
  bytes: Uint8Array | null;
  number: bigint | null;
  life: number | null;
}

function packMutation(mutation: Deno.KvMutation): PackedMutation {
  const last: unknown = mutation.key.at(-1);
  const isStamped = mutation.type === "set" && last === versionstampPart;
  const key = packWritten(isStamped ? mutation.key.slice(0, -1) : mutation.key, { isStamped });
  const rest = { key, isStamped, bytes: null, number: null, life: null };
  if (mutation.type === "delete") return { ...rest, kind: mutationKinds.delete };
  if (mutation.type === "set") {
    const stored = storedValue(mutation.value);
    demandExpiry(mutation.expireIn);
    return { ...rest, ...stored, life: mutation.expireIn ?? null };
  }
  const value: unknown = mutation.value instanceof Deno.KvU64 ? mutation.value.value : mutation.value;
  if (typeof value !== "bigint") throw new TypeError(`'${mutation.type}' takes a Deno.KvU64`);
  return { ...rest, kind: mutationKinds[mutation.type], number: value };
}

/** The tag, twenty digits and an end. */
const stampBytes = 22;

function packWritten(key: Deno.KvKey, { isStamped = false } = {}): Uint8Array {
  if (key.length === 0 && !isStamped) throw new TypeError("key cannot be empty");
  const bytes = packKey(key);
  if (bytes.length + (isStamped ? stampBytes : 0) > limits.keyBytes) {
    throw new TypeError(`Key too large for write (max ${limits.keyBytes} bytes)`);
  }
  return bytes;
}

function demandSizes(all: readonly { key: Uint8Array; bytes?: Uint8Array | null }[]): void {
  const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);
  const values = all.map(({ bytes }) => bytes?.length ?? 0);
  if (values.some((size) => size > limits.valueBytes)) {
    throw new TypeError(`Value too large (max ${limits.valueBytes} bytes)`);
  }
  const ofKeys = sum(all.map(({ key }) => key.length));
  if (ofKeys + sum(values) > limits.totalBytes) {
    throw new TypeError(`Total mutation size too large (max ${limits.totalBytes} bytes)`);
  }
  if (ofKeys > limits.totalKeyBytes) {
    throw new TypeError(`Total key size too large (max ${limits.totalKeyBytes} bytes)`);
  }
}

/** Of each key the database does one thing at a time, in the order in which they were said. */
function inRounds(mutations: readonly PackedMutation[]): number[] {
  const next = new Map<string, number>();
  return mutations.map(({ key, isStamped }) => {
    const name = `${isStamped} ${Buffer.from(key).toString("latin1")}`;
    const round = next.get(name) ?? 0;
    next.set(name, round + 1);
    return round;
  });
}

/** How a commit ended for whoever sends it, who may send another one unless it is in doubt. */
type Ended = { result: CommitResult } | { error: Error; isInDoubt: boolean };

const againAfterMs = 50;

async function commitAs(
  deps: CommitDeps,
  { sender: { name, number }, written: { text, firstOfNumbers } }: { sender: Sender; written: Written },
): Promise<Ended> {
  const statement = `SELECT darkroom.commit('${name}',${number},${text})`;
  let isInDoubt = false;
  return await withPatience(deps.waitMs, async ({ within, isOver }) => {
    while (true) {
      let isSent = false;
      try {
        const sent = send(deps.lines, { statement, isOver, onSend: () => isSent = true });
        return { result: resultOf(await within(sent)) };
      } catch (error) {
        const trouble = innermost(error);
        const isRefusal = trouble instanceof ConnectionTrouble && trouble.isRefusal;
        if (isRefusal && trouble.code === checkViolation) {
          const problem = `Failed to perform '${firstOfNumbers}' mutation on a non-U64 value in the database`;
          return { error: new TypeError(problem), isInDoubt: false };
        }
        if (isSent && !isRefusal) isInDoubt = true;
        if (isOver() || deps.signal.aborted) {
          const doubt = new CommitInDoubt(() => settle(deps, { name, number }), trouble);
          return { error: new DatabaseRefusal(isInDoubt ? doubt : trouble), isInDoubt };
        }
        await sleep(againAfterMs);
      }
    }
  });
}

/** Of the SQL standard: what would be there does not hold together. */
const checkViolation = "23514";

/** What is not sent when the time is over never is. */
async function send(
  lines: Lines,
  { statement, isOver, onSend }: { statement: string; isOver: () => boolean; onSend: () => void },
): Promise<bigint> {
  const connection = await lines.forWrite();
  if (isOver()) throw new NoAnswer("It was not sent in time");
  onSend();
  const [[version]] = await connection.tell(statement);
  return BigInt(String(version));
}

function resultOf(version: bigint): CommitResult {
  if (version === outcomes.checkFailed) return { ok: false };
  if (version > 0n) return { ok: true, versionstamp: versionstampOf(version) };
  throw new Error("A commit was sent under a number that another one had");
}

function innermost(error: unknown): unknown {
  return error instanceof DatabaseRefusal && error.cause !== undefined ? error.cause : error;
}

const settleAgainAfterMs = 500;

/** Whether it was made; if not, it never will be. Waits for the database as long as that takes. */
async function settle({ lines, signal }: CommitDeps, { name, number }: Sender): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const connection = await lines.forWrite();
      const [[version]] = await connection.tell(`SELECT darkroom.settle('${name}',${number})`);
      return BigInt(String(version)) > 0n;
    } catch (error) {
      if (!(error instanceof ConnectionTrouble || error instanceof NoPrimary)) throw error;
      await sleep(settleAgainAfterMs, signal).catch(() => {});
    }
  }
  throw new Error("The database was closed before it said what became of a commit");
}
