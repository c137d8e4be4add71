/** The public gallery: what anybody may see, the newest first, or what most people remixed in the past thirty days. */
import { countEntries, type Page, type PageStart, readPage } from "../store/counted_list.ts";
import { lists } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { listUsers } from "../users/user.ts";
import type { Publication } from "./publication.ts";
import { recentRemixers } from "./remixes.ts";
import { readShown } from "./visible.ts";

export const orders = ["newest", "remixed"] as const;
export type GalleryOrder = (typeof orders)[number];

/**
 * The newest first. An author who may not sign in has a place in the list, and nobody sees it: the page goes on behind
 * it.
 */
export async function listNewest(
  store: Store,
  { limit, ...start }: PageStart,
): Promise<Page<Publication>> {
  const list = lists.shownPublications();
  const items: Publication[] = [];
  let from: Omit<PageStart, "limit"> = start;
  while (true) {
    const { entries, next } = await readPage(store.kv, list, { ...from, limit: limit - items.length });
    items.push(...await readShown(store, entries.map(({ id }) => id)));
    if (next === null || items.length >= limit) return { items, total: await countShown(store), next };
    from = { before: next };
  }
}

/** Without those whose authors may not sign in. */
async function countShown(store: Store): Promise<number> {
  const [all, users] = await Promise.all([
    countEntries(store.kv, lists.shownPublications()),
    listUsers(store),
  ]);
  const disabled = users.filter(({ isDisabled }) => isDisabled);
  const hidden = await Promise.all(
    disabled.map(({ id }) => countEntries(store.kv, lists.shownPublicationsOf(id))),
  );
  return all - hidden.reduce((sum, count) => sum + count, 0);
}

export interface RemixRanking {
  /** A page of it; a page's start counts from the first place. */
  list(start: PageStart): Promise<Page<Publication>>;
}

/** Whoever asks within a second is told the same. */
const keptMs = 1000;

/** Which publications were remixed by most people; one's own remixes move nothing. */
export function createRemixRanking(store: Store): RemixRanking {
  let latest: { at: number; ranked: Promise<Publication[]> } | null = null;
  return {
    async list({ limit, offset = 0, before: place = offset }) {
      const ranked = await ranking();
      // What was taken away within that second is not shown.
      const shown = new Set((await readShown(store, ranked.map(({ id }) => id))).map(({ id }) => id));
      const there = ranked.filter(({ id }) => shown.has(id));
      const items = there.slice(place, place + limit);
      const end = place + limit;
      return { items, total: there.length, next: end < there.length ? end : null };
    },
  };

  function ranking(): Promise<Publication[]> {
    const at = store.now();
    if (latest !== null && at - latest.at >= 0 && at - latest.at < keptMs) return latest.ranked;
    const ranked = rank(store).catch((error) => {
      latest = null;
      throw error;
    });
    latest = { at, ranked };
    return ranked;
  }
}

async function rank(store: Store): Promise<Publication[]> {
  const remixers = await recentRemixers(store);
  const publications = await readShown(store, [...remixers.keys()]);
  const counted = publications.map((publication) => {
    const people = remixers.get(publication.id)!;
    return { publication, count: people.size - (people.has(publication.authorId) ? 1 : 0) };
  }).filter(({ count }) => count > 0);
  counted.sort((a, b) => b.count - a.count || b.publication.sequence - a.publication.sequence);
  return counted.map(({ publication }) => publication);
}
