/**
 * Pictures that go, since this server keeps none for longer than `RETAIN_DAYS`. Each is announced for fourteen days
 * before it goes, in an entry of its owner's that says when, so that nothing goes unannounced, whatever the setting was
 * before. What people did something with stays: see `operation/retention.ts`.
 */
import { keys, kinds } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

export interface Leaving {
  /** Not before this time. */
  goesAt: number;
  byteLength: number;
}

export const announcedMs = 14 * 24 * 3600 * 1000;

export interface LeavingSum {
  pictures: number;
  /** There are more pictures, which were not counted. */
  isMore: boolean;
  bytes: number;
  /** When the first of them goes. */
  firstAt: number;
}

const mostCounted = 1000;

/** What of a user's goes; null: nothing. */
export async function sumLeaving({ kv }: Pick<Store, "kv">, userId: string): Promise<LeavingSum | null> {
  const found = kv.list<Leaving>({ prefix: keys.leavingOf(userId) }, { limit: mostCounted + 1 });
  return sumOf(await Array.fromAsync(found, ({ value }) => value));
}

/** What of everybody's goes, by user, the first to go first. */
export async function sumLeavingOfAll(
  { kv }: Pick<Store, "kv">,
): Promise<{ userId: string; sum: LeavingSum }[]> {
  const byUser = new Map<string, LeavingSum>();
  for await (const { key, value } of kv.list<Leaving>({ prefix: [...kinds.leaving] }, { batchSize: 500 })) {
    const userId = String(key[1]);
    byUser.set(userId, added(byUser.get(userId) ?? null, value));
  }
  return Array.from(byUser, ([userId, sum]) => ({ userId, sum }))
    .sort((a, b) => a.sum.firstAt - b.sum.firstAt);
}

/** Ids of the pictures that go first, with the time when they do. */
export async function listLeaving(
  { kv }: Pick<Store, "kv">,
  { userId, limit }: { userId: string; limit: number },
): Promise<{ imageId: string; goesAt: number }[]> {
  const found = kv.list<Leaving>({ prefix: keys.leavingOf(userId) }, { limit });
  return await Array.fromAsync(
    found,
    ({ key, value }) => ({ imageId: String(key[2]), goesAt: value.goesAt }),
  );
}

function sumOf(all: readonly Leaving[]): LeavingSum | null {
  const sum = all.slice(0, mostCounted).reduce<LeavingSum | null>(added, null);
  return sum && { ...sum, isMore: all.length > mostCounted };
}

function added(sum: LeavingSum | null, { goesAt, byteLength }: Leaving): LeavingSum {
  return {
    pictures: (sum?.pictures ?? 0) + 1,
    isMore: false,
    bytes: (sum?.bytes ?? 0) + byteLength,
    firstAt: Math.min(sum?.firstAt ?? Infinity, goesAt),
  };
}
