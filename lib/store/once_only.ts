/**
 * Commits over KV Connect that are made once, or not at all, and of which that is known. The runtime sends a commit again
 * until it has an answer, also one that was carried out; then its own writes make its checks fail, or its sums are
 * counted twice. So each commit checks that a marker of its own is not there, and sets it: whatever comes for a second
 * time finds it. Where a check failed, the marker tells whether it was this commit's own doing.
 *
 * A commit that nobody waits for any more may still be made, whenever the server can be reached again. Who needs to know
 * asks the error (`CommitInDoubt`): it sets the marker itself, so that the commit either was made by then or never is.
 */
import { isComplaint, NoAnswer, type Patience, troubleOf, withPatience } from "./patience.ts";
import { keys } from "./schema.ts";
import { sleep } from "../sleep.ts";
import { DatabaseRefusal } from "./store.ts";

interface OnceOnlyDeps {
  /** Of a server; nobody else's `atomic` knows the markers. */
  kv: Deno.Kv;
  waitMs: number;
  newName: () => string;
  /** Aborted when the database is closed. */
  signal: AbortSignal;
}

type CommitResult = Deno.KvCommitResult | Deno.KvCommitError;

/** Longer than a commit is sent again; then it goes by itself. */
const markerLifeMs = 10 * 60_000;

const made = "made";
const never = "never";

/** It was sent, and nobody knows whether it was made: the cause of a `DatabaseRefusal`. */
export class CommitInDoubt extends Error {
  override readonly name = "CommitInDoubt";
  #settled: Promise<boolean> | null = null;
  readonly #settle: () => Promise<boolean>;

  constructor(settle: () => Promise<boolean>, cause: unknown) {
    super("The database did not say what became of a commit", { cause });
    this.#settle = settle;
  }

  /**
   * Whether it was made; if not, it never will be. Waits for the database as long as that takes; rejects where it is
   * closed before.
   */
  settle(): Promise<boolean> {
    return this.#settled ??= this.#settle();
  }
}

/** What takes the place of `Deno.Kv.atomic`. */
export function createOnceOnly(deps: OnceOnlyDeps): () => Deno.AtomicOperation {
  return () => {
    const steps: ((atomic: Deno.AtomicOperation) => void)[] = [];
    const add = (step: (atomic: Deno.AtomicOperation) => void): Deno.AtomicOperation => {
      steps.push(step);
      return recorded;
    };
    const recorded: Deno.AtomicOperation = {
      check: (...checks) => add((atomic) => atomic.check(...checks)),
      mutate: (...mutations) => add((atomic) => atomic.mutate(...mutations)),
      set: (key, value, options) => add((atomic) => atomic.set(key, value, options)),
      delete: (key) => add((atomic) => atomic.delete(key)),
      sum: (key, by) => add((atomic) => atomic.sum(key, by)),
      min: (key, by) => add((atomic) => atomic.min(key, by)),
      max: (key, by) => add((atomic) => atomic.max(key, by)),
      enqueue() {
        throw new TypeError("KV Connect has no queue");
      },
      commit: () => {
        const marker = keys.commitMarker(deps.newName());
        const atomic = marked(deps.kv, { marker, as: made });
        for (const step of steps) step(atomic);
        return withPatience(deps.waitMs, ({ within }) => commitOnce(deps, { atomic, marker, within }));
      },
    };
    return recorded;
  };
}

function marked(kv: Deno.Kv, { marker, as }: { marker: Deno.KvKey; as: string }): Deno.AtomicOperation {
  return kv.atomic().check({ key: marker, versionstamp: null }).set(marker, as, { expireIn: markerLifeMs });
}

async function commitOnce(
  deps: OnceOnlyDeps,
  { atomic, marker, within }: {
    atomic: Deno.AtomicOperation;
    marker: Deno.KvKey;
    within: Patience["within"];
  },
): Promise<CommitResult> {
  let result: CommitResult;
  try {
    result = await within(atomic.commit());
    if (result.ok) return result;
  } catch (error) {
    if (isComplaint(error)) throw error;
    const doubt = inDoubt(deps, { marker, error });
    // What was broken off is asked about at once; what was waited for has had its time.
    const wasMade = !isLate(error) && await within(doubt.settle()).catch(() => false);
    if (!wasMade) throw new DatabaseRefusal(doubt);
  }
  try {
    const { value, versionstamp } = await within(deps.kv.get(marker));
    return value === made ? { ok: true, versionstamp: versionstamp! } : { ok: false };
  } catch (error) {
    throw new DatabaseRefusal(inDoubt(deps, { marker, error }));
  }
}

function isLate(error: unknown): boolean {
  return error instanceof DatabaseRefusal && error.cause instanceof NoAnswer;
}

function inDoubt(
  deps: OnceOnlyDeps,
  { marker, error }: { marker: Deno.KvKey; error: unknown },
): CommitInDoubt {
  return new CommitInDoubt(() => settle(deps, marker), error);
}

const againAfterMs = 500;

async function settle({ kv, signal }: OnceOnlyDeps, marker: Deno.KvKey): Promise<boolean> {
  while (!signal.aborted) {
    try {
      if ((await marked(kv, { marker, as: never }).commit()).ok) return false;
      return (await kv.get(marker)).value === made;
    } catch (error) {
      if (isComplaint(error)) throw troubleOf(error);
      await sleep(againAfterMs, signal).catch(() => {});
    }
  }
  throw new Error("The database was closed before it said what became of a commit");
}
