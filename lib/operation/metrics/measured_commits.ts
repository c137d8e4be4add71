/**
 * A database whose commits are counted, with what they settle: each settled prompt has its one ledger entry, written in
 * the commit that settles it, so what is counted here is counted once, whoever settles it and in whatever way.
 */
import type { LedgerEntry } from "../../money/ledger.ts";
import type { Prompt } from "../../prompts/prompt.ts";
import type { LimitedKv } from "../../store/group_commit.ts";
import { kinds } from "../../store/schema.ts";
import type { CommitResult, Meters } from "./meters.ts";

type Noted = Pick<Meters, "noteCommit" | "noteSettled">;

/** The same database. */
export function measureCommits(kv: LimitedKv, deps: { meters: Noted; monotonic: () => number }): LimitedKv {
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
  return {
    ...bound,
    limits: kv.limits,
    atomic: () => measured(kv.atomic(), deps),
    [Symbol.dispose]: () => kv.close(),
  } as LimitedKv;
}

/** The same operation. */
function measured(
  operation: Deno.AtomicOperation,
  { meters, monotonic }: { meters: Noted; monotonic: () => number },
): Deno.AtomicOperation {
  const written = createWritten();
  const mutate = operation.mutate.bind(operation);
  const set = operation.set.bind(operation);
  const commit = operation.commit.bind(operation);
  operation.mutate = (...mutations) => {
    for (const mutation of mutations) if (mutation.type === "set") written.note(mutation.key, mutation.value);
    return mutate(...mutations);
  };
  operation.set = (key, value, options) => {
    written.note(key, value);
    return set(key, value, options);
  };
  operation.commit = async () => {
    const since = monotonic();
    let result: CommitResult = "failed";
    try {
      const committed = await commit();
      result = committed.ok ? "written" : "lost";
      return committed;
    } finally {
      meters.noteCommit({ result, tookMs: monotonic() - since });
      if (result === "written") { for (const settled of written.settled()) meters.noteSettled(settled); }
    }
  };
  return operation;
}

const [promptKind] = kinds.prompts;
const [ledgerKind] = kinds.ledger;

/** What a commit writes of prompts and of the ledger. */
function createWritten() {
  const prompts = new Map<string, Prompt>();
  const entries = new Map<string, LedgerEntry>();
  return {
    note([kind, id]: Deno.KvKey, value: unknown): void {
      if (kind === promptKind) prompts.set(String(id), value as Prompt);
      if (kind === ledgerKind) entries.set(String(id), value as LedgerEntry);
    },
    settled: () =>
      [...entries].flatMap(([id, entry]) => {
        const prompt = prompts.get(id);
        return prompt === undefined ? [] : [{ prompt, entry }];
      }),
  };
}
