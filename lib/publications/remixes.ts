/**
 * Remixes: what somebody made from what somebody else shows. A prompt remembers what it goes back to, and that alone is
 * the truth: how often a publication was remixed, in all and by day, is counted by entries that follow from prompts and
 * are written in the commit that accepts them. Nothing names the other's picture.
 */
import { countEntries, entryKey } from "../store/counted_list.ts";
import type { ImpliedEntry } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/** What of somebody else's a prompt, or a copied picture, goes back to. */
export type RemixOf = { publicationId: string } | { shareId: string };

const dayMs = 24 * 3600 * 1000;

/** Counted from 1970 on, UTC. */
export function dayOf(at: number): number {
  return Math.floor(at / dayMs);
}

interface Remix {
  promptId: string;
  userId: string;
  createdAt: number;
  remixOf?: RemixOf;
}

/** The entries that a remix of a publication implies; none for any other prompt. */
export function remixEntries({ promptId, userId, createdAt, remixOf }: Remix): ImpliedEntry[] {
  if (remixOf === undefined || !("publicationId" in remixOf)) return [];
  const { publicationId } = remixOf;
  const list = lists.remixes(publicationId);
  const number = dayOf(createdAt);
  return [
    { key: [...entryKey(list, number), promptId], value: promptId, counted: { list, number } },
    { key: keys.remixOn(number, publicationId, promptId), value: userId },
  ];
}

/** How often a publication was remixed. */
export function countRemixes({ kv }: Store, publicationId: string): Promise<number> {
  return countEntries(kv, lists.remixes(publicationId));
}

/** As many days as a remix counts among the latest ones, today included. */
const rankedDays = 30;

/** By how many people each publication was remixed in the past thirty days, whoever they are. */
export async function recentRemixers({ kv, now }: Store): Promise<Map<string, Set<string>>> {
  const first = dayOf(now()) - rankedDays + 1;
  const selector = { prefix: [...kinds.remixDays], start: keys.remixesFrom(first) };
  const people = new Map<string, Set<string>>();
  for await (const { key, value: userId } of kv.list<string>(selector, { batchSize: 500 })) {
    const publicationId = String(key[2]);
    people.set(publicationId, (people.get(publicationId) ?? new Set()).add(userId));
  }
  return people;
}
