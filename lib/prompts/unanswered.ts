/**
 * Where several nodes share a database, what one accepts may be there before that node knows it, or may never be known to
 * it: then it answers 503, and whoever asked will ask again. So what is accepted has a note that nobody has been answered
 * yet, which keeps every node from beginning it, and which its own node takes away as soon as the database has answered.
 * What a node that died has left of these counts as accepted after a while: it may have answered.
 */
import { Refusal } from "../refusal.ts";
import { sleep } from "../sleep.ts";
import { keys } from "../store/schema.ts";
import { read, readMany, type Store } from "../store/store.ts";
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

/**
 * What is kept of a prompt or a batch until whoever asked for it is answered; `refused`: the answer was 503, and it was
 * cancelled, so nobody who asks again is given it.
 */
export type Note = null | "refused";

/** Longer than a request that is sent again is looked for. */
export const refusalKeptMs = 20 * 60_000;

/** Those of these prompts or batches that wait for whoever asked to be answered. */
export async function readUnanswered(
  { kv, isShared }: Pick<Store, "kv" | "isShared">,
  ids: readonly string[],
): Promise<Set<string>> {
  if (!isShared || ids.length === 0) return new Set();
  const found = await readMany<Note>(kv, ids.map(keys.unanswered));
  return new Set(ids.filter((_, i) => found[i]?.value === null));
}

const lookAgainMs = 200;
const looks = 25;

/**
 * Whether whoever asked for it was told that it is not accepted. Waits for what is not known yet; refuses with
 * `unavailable` when that takes too long.
 */
export async function wasRefused(
  { kv, isShared }: Pick<Store, "kv" | "isShared">,
  id: string,
): Promise<boolean> {
  if (!isShared) return false;
  for (let look = 0; look < looks; look++) {
    const note = await read<Note>(kv, keys.unanswered(id));
    if (note?.value !== null) return note?.value === "refused";
    await sleep(lookAgainMs);
  }
  throw new Refusal("unavailable", "The same request is still being looked at", { retryAfterSeconds: 5 });
}
