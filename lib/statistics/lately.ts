/** What the last thirty days of somebody come to, in a few facts. */
import type { Store } from "../store/store.ts";
import { type Numbers, numbersOf, sumBy, totalOf } from "./analytics.ts";
import { type Days, daysOfRange, everyDay } from "./days.ts";
import { readRollups } from "./rollup_store.ts";
import { costPerKeeper } from "./tables.ts";

export interface Lately {
  days: Days;
  /** Of each of those days, in their order. */
  images: number[];
  total: Numbers;
  costPerKeeperMicros: number | null;
  /** The model that made most; null: none made anything. */
  favourite: { model: string; images: number } | null;
}

export async function readLately(store: Store, userId: string): Promise<Lately> {
  const days = daysOfRange("30", store.now());
  const rows = await readRollups(store, { userId, days });
  const byDay = sumBy(rows, ({ day }) => day);
  const byModel = [...sumBy(rows, ({ model }) => model)].map(([model, { images }]) => ({ model, images }));
  const [favourite = null] = byModel.filter(({ images }) => images > 0).sort((a, b) => b.images - a.images);
  const total = totalOf(rows);
  return {
    days,
    images: everyDay(days).map((day) => byDay.get(day)?.images ?? 0),
    total: numbersOf(total),
    costPerKeeperMicros: costPerKeeper(total),
    favourite,
  };
}
