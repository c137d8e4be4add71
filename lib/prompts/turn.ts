/**
 * Turns: how many prompts of a user run at once, over all nodes that use the store. The record `turn` userId names those
 * that were taken last; whoever takes another one counts which of them still have a lease, and checks in the same commit
 * that nobody has taken one meanwhile. What ends needs not say so here: its lease is gone. Where one process alone uses
 * the store, it knows what it runs, and there are no such records.
 */
import { keys } from "../store/schema.ts";
import { present, read, readMany, type Store } from "../store/store.ts";

export interface Turn {
  userId: string;
  /** Of the prompts that run, on whichever node. */
  runningIds: readonly string[];
  versionstamp: string | null;
}

/** The record: ids of prompts that were taken, and of which some have ended since. */
export type TakenIds = readonly string[];

/**
 * Runs `attempt` with the user's turn, and again for as long as it is null because the turn was another one's meanwhile.
 * Within this process they wait for each other. Without a user, or where only one process uses the store: with none.
 */
export async function takingTurns<T>(
  store: Store,
  { userId }: { userId: string | null },
  attempt: (turn: Turn | null) => Promise<T | null>,
): Promise<T | null> {
  if (!store.isShared || userId === null) return await attempt(null);
  return await store.locks.hold(`turn ${userId}`, async () => {
    let turn = await readTurn(store, userId);
    while (true) {
      const result = await attempt(turn);
      if (result !== null) return result;
      const latest = await readTurn(store, userId);
      if (latest.versionstamp === turn.versionstamp) return null;
      turn = latest;
    }
  });
}

async function readTurn(store: Store, userId: string): Promise<Turn> {
  const found = await read<TakenIds>(store.kv, keys.turn(userId));
  const takenIds = found?.value ?? [];
  const leases = await readMany<unknown>(store.kv, takenIds.map(keys.lease));
  const runningIds = present(takenIds.map((id, i) => leases[i] === null ? null : id));
  return { userId, runningIds, versionstamp: found?.versionstamp ?? null };
}

/** Adds to a commit that takes a lease that it is one of the user's that run. */
export function takeTurn(
  atomic: Deno.AtomicOperation,
  { turn: { userId, runningIds, versionstamp }, promptId }: { turn: Turn; promptId: string },
): Deno.AtomicOperation {
  const key = keys.turn(userId);
  const taken: TakenIds = [...runningIds.filter((id) => id !== promptId), promptId];
  return atomic.check({ key, versionstamp }).set(key, taken);
}
