/** The words that everybody may read: those of published pictures, as far as their authors show them. */
import { listNewest } from "../publications/gallery.ts";
import { dayOf, type Days } from "../statistics/days.ts";
import type { Store } from "../store/store.ts";
import { viewPublications } from "./publication_view.ts";

/** Of those that were published in these days, among so many of the latest. */
export async function publishedTexts(
  store: Store,
  { days, most }: { days: Days; most: number },
): Promise<string[]> {
  const { items } = await listNewest(store, { limit: most });
  const published = items.filter(({ createdAt }) => {
    const day = dayOf(createdAt);
    return days.from <= day && day <= days.to;
  });
  const views = await viewPublications(store, published.filter(({ showPrompt }) => showPrompt));
  return views.flatMap(({ request }) => request === null ? [] : [request.text]);
}
