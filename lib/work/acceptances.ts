/** What becomes of what was accepted: that it begins, or that it is cancelled, where whoever asked was told otherwise. */
import { readBatch } from "../batches/batch_store.ts";
import type { Log } from "../log.ts";
import type { Doorbell } from "../prompts/doorbell.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { type Acceptances, type Note, plainAcceptances, refusalKeptMs } from "../prompts/unanswered.ts";
import { Refusal } from "../refusal.ts";
import { sleep } from "../sleep.ts";
import { createLapses, type LeaseTimes, usualLeaseTimes } from "../store/lapse.ts";
import { CommitInDoubt } from "../store/once_only.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, DatabaseRefusal, isDatabaseTrouble, type Store } from "../store/store.ts";
import { type CancelDeps, cancelPrompt } from "./cancel.ts";
import { cancelBatch } from "./end_batch.ts";

export interface AcceptanceDeps extends CancelDeps {
  doorbell: Doorbell;
  log: Log;
  times?: LeaseTimes;
}

export interface FollowedAcceptances extends Acceptances {
  /** Looks after what nodes that died have left. */
  start(): void;
  /** What is in doubt by then is left to the others. */
  stop(): Promise<void>;
}

export function createAcceptances(deps: AcceptanceDeps): FollowedAcceptances {
  const { store, doorbell, log, times = usualLeaseTimes } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  const pending = new Set<Promise<void>>();
  const lapses = createLapses({ monotonic: store.monotonic, times });
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (!store.isShared) {
    return { ...plainAcceptances(doorbell), start() {}, stop: () => Promise.resolve() };
  }

  return {
    announce: (atomic, id) => atomic.set(keys.unanswered(id), null satisfies Note),
    async follow({ id, isFoundAgain }, accept) {
      try {
        const accepted = await accept();
        if (accepted !== null) keep(id, () => letBegin(id));
        return accepted;
      } catch (error) {
        const doubt = error instanceof DatabaseRefusal ? error.cause : null;
        if (doubt instanceof CommitInDoubt) keep(id, () => settleDoubt(doubt, { id, isFoundAgain }));
        throw error;
      }
    },
    start: lookLater,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await Promise.all(pending);
    },
  };

  /** Does it at last, however long the database is away. */
  function keep(id: string, work: () => Promise<void>): void {
    const done = untilDone(id, work).finally(() => pending.delete(done));
    pending.add(done);
  }

  async function untilDone(id: string, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        return await unlessStopped(work());
      } catch (error) {
        if (signal.aborted) return;
        if (!isDatabaseTrouble(error)) return log("error", "acceptance_trouble", { id, error });
        await sleep(times.renewEveryMs, signal).catch(() => {});
      }
    }
  }

  /** It may wait for a database that is away. */
  function unlessStopped(work: Promise<void>): Promise<void> {
    const stopped = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true })
    );
    return Promise.race([work, stopped]);
  }

  async function letBegin(id: string): Promise<void> {
    await commit(doorbell.ring(store.kv.atomic().delete(keys.unanswered(id)), id));
  }

  async function settleDoubt(
    doubt: CommitInDoubt,
    { id, isFoundAgain }: { id: string; isFoundAgain: boolean },
  ): Promise<void> {
    await doubt.settle();
    // From here on it is there or never will be.
    if (isFoundAgain) await letBegin(id);
    else if (await cancelAccepted(deps, id)) await noteRefused(id);
  }

  async function noteRefused(id: string): Promise<void> {
    const note: Note = "refused";
    await commit(store.kv.atomic().set(keys.unanswered(id), note, { expireIn: refusalKeptMs }));
  }

  function lookLater(): void {
    if (signal.aborted) return;
    timer = setTimeout(() => void lookOnce().finally(lookLater), times.lookEveryMs);
  }

  async function lookOnce(): Promise<void> {
    try {
      const { lapsed } = await lapses.look(() => listUnanswered(store));
      for (const id of lapsed) await letBegin(id);
    } catch (error) {
      if (!signal.aborted) log("error", "acceptance_trouble", { error });
    }
  }
}

async function listUnanswered({ kv }: Store): Promise<{ name: string; mark: string }[]> {
  const notes = await Array.fromAsync(kv.list<Note>({ prefix: [...kinds.unanswered] }, { batchSize: 500 }));
  return notes.filter(({ value }) => value === null)
    .map(({ key, versionstamp }) => ({ name: String(key[1]), mark: versionstamp }));
}

/** False: it was never accepted. */
async function cancelAccepted(deps: AcceptanceDeps, id: string): Promise<boolean> {
  const { store, log } = deps;
  const [prompt, batch] = await Promise.all([readPrompt(store, id), readBatch(store, id)]);
  if (prompt === null && batch === null) return false;
  try {
    if (prompt !== null) await cancelPrompt(deps, prompt);
    if (batch !== null) await cancelBatch(deps, batch.value);
    log("info", "unanswered_cancelled", { id });
  } catch (error) {
    if (!(error instanceof Refusal && error.code === "conflict")) throw error;
    log("warn", "unanswered_is_over", { id });
  }
  return true;
}
