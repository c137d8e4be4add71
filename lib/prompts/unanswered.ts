/**
 * Where several nodes share a database, what one accepts may be there before that node knows it, or may never be known to
 * it: then it answers 503, and whoever asked will ask again. So what is accepted has a note that nobody has been answered
 * yet, which keeps every node from beginning it, and which its own node takes away as soon as the database has answered.
 * What a node that died has left of these counts as accepted after a while: it may have answered.
 */
import { keys } from "../store/schema.ts";
import { readMany, type Store } from "../store/store.ts";
import type { Doorbell } from "./doorbell.ts";

export interface Acceptances {
  /**
   * Runs a commit that accepts a prompt or a batch and was prepared by `announce`. Where the database does not say what
   * became of it, it is learnt afterwards: then it is cancelled, unless whoever asks again finds it.
   */
  follow<T>(
    accepted: { id: string; isFoundAgain: boolean },
    accept: () => Promise<T | null>,
  ): Promise<T | null>;
  /** Adds to the commit that there is something to be done, now or once whoever asked is answered. */
  announce(atomic: Deno.AtomicOperation, id: string): Deno.AtomicOperation;
}

/** Where only one process uses the database, it is done or not done. */
export function plainAcceptances(doorbell: Doorbell): Acceptances {
  return { follow: (_, accept) => accept(), announce: (atomic, id) => doorbell.ring(atomic, id) };
}

/** Those of these prompts or batches that wait for whoever asked to be answered. */
export async function readUnanswered(
  { kv, isShared }: Pick<Store, "kv" | "isShared">,
  ids: readonly string[],
): Promise<Set<string>> {
  if (!isShared || ids.length === 0) return new Set();
  const found = await readMany(kv, ids.map(keys.unanswered));
  return new Set(ids.filter((_, i) => found[i] !== null));
}
