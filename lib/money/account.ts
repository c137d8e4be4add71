/** What is kept of a user's money besides the ledger itself, so that reading a total costs the same whatever its size. */

import type { Bucket } from "../rate_limit.ts";

/** All amounts in micro-dollars. */
export interface Account {
  heldMicros: number;
  /** Everything ever charged: the sum of the ledger. */
  chargedMicros: number;
  /** The number of the latest prompt, and of the latest image. */
  promptSequence: number;
  imageSequence: number;
  /** That of the latest batch; absent: there was none yet. */
  batchSequence?: number;
  /** What the user's hooks are to be told of, sorted; absent: nothing. */
  listens?: string[];
  /** What is left of the minute's submissions, where several nodes count them; absent: nothing was taken yet. */
  submissions?: Bucket;
}

export interface Spend {
  costMicros: number;
  images: number;
}

/** What was charged in one calendar month (UTC). */
export interface Month {
  spentMicros: number;
  /** By how much the economy lane was cheaper; left out where it was not used. */
  savedMicros?: number;
  days: { [day: string]: Spend };
  models: { [model: string]: Spend };
}

export const emptyAccount: Account = { heldMicros: 0, chargedMicros: 0, promptSequence: 0, imageSequence: 0 };
export const emptyMonth: Month = { spentMicros: 0, days: {}, models: {} };

/** Whose the months of deleted accounts are. */
export const nobody = "deleted";

export function sumMonths(months: readonly Month[]): Month {
  const add = (all: { [name: string]: Spend }, more: { [name: string]: Spend }) => {
    for (const [name, { costMicros, images }] of Object.entries(more)) {
      const sum = all[name] ?? { costMicros: 0, images: 0 };
      all[name] = { costMicros: sum.costMicros + costMicros, images: sum.images + images };
    }
    return all;
  };
  return months.reduce((all, month) => ({
    spentMicros: all.spentMicros + month.spentMicros,
    ...sumSaved(all, month),
    days: add(all.days, month.days),
    models: add(all.models, month.models),
  }), { spentMicros: 0, days: {}, models: {} });
}

/** What was saved in both; nothing where that is nothing. */
export function sumSaved(
  a: { savedMicros?: number },
  b: { savedMicros?: number },
): { savedMicros?: number } {
  const savedMicros = (a.savedMicros ?? 0) + (b.savedMicros ?? 0);
  return savedMicros === 0 ? {} : { savedMicros };
}

/** "2026-11", in UTC. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}
