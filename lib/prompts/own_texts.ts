/** What somebody asked for in some days: the latest of it. */
import { readAccount } from "../money/ledger.ts";
import type { Days } from "../statistics/days.ts";
import { dayAfter } from "../statistics/days.ts";
import type { Store } from "../store/store.ts";
import { listPrompts } from "./prompt_store.ts";

/** The texts of at most so many prompts that were accepted in those days, the latest first. */
export async function latestTexts(
  store: Store,
  { userId, days, most }: { userId: string; days: Days; most: number },
): Promise<string[]> {
  const [start, end] = [beginningOf(days.from), beginningOf(dayAfter(days.to, 1))];
  const before = end > store.now() ? undefined : await firstNumberSince(store, { userId, at: end });
  const { items } = await listPrompts(store, { userId, limit: most, before });
  return items.flatMap(({ value: { createdAt, request } }) => createdAt < start ? [] : [request.text]);
}

function beginningOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** Numbers are given out in the order of time, so it is found by halving. */
async function firstNumberSince(
  store: Store,
  { userId, at }: { userId: string; at: number },
): Promise<number> {
  let low = 1;
  let high = (await readAccount(store, userId)).promptSequence + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { items: [found] } = await listPrompts(store, { userId, limit: 1, before: middle + 1 });
    if (found === undefined || found.value.createdAt < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
