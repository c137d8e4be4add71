/** What was booked in some days, put together by what somebody wants to know of it. Pure: it reads nothing. */
import { quantile } from "./histogram.ts";
import { addRollups, emptyRollup, type Rollup } from "./rollup.ts";
import type { RollupRow } from "./rollup_store.ts";

/** A rollup as it is told: how long things took as two figures, in milliseconds. */
export interface Numbers extends Omit<Rollup, "took"> {
  p50Ms: number | null;
  p95Ms: number | null;
}

export function numbersOf({ took, ...rollup }: Rollup): Numbers {
  return { ...rollup, p50Ms: quantile(took, 0.5), p95Ms: quantile(took, 0.95) };
}

/** Whoever is not among those who are there counts for nobody, with all of their kind. */
export function withoutLeft(rows: readonly RollupRow[], isThere: (userId: string) => boolean): RollupRow[] {
  const anonymous = rows.map((row) =>
    row.userId === null || isThere(row.userId) ? row : { ...row, userId: null }
  );
  return gather(anonymous, ({ day, userId, model }) => JSON.stringify([day, userId ?? "", model]));
}

/** Sums by what `nameOf` says of each, in the order of those names; each has the facts of the first of its kind. */
export function gather(rows: readonly RollupRow[], nameOf: (row: RollupRow) => string): RollupRow[] {
  const sums = new Map<string, RollupRow>();
  for (const row of rows) {
    const name = nameOf(row);
    const sum = sums.get(name);
    sums.set(name, sum === undefined ? row : { ...sum, rollup: addRollups(sum.rollup, row.rollup) });
  }
  return [...sums].sort(([a], [b]) => a < b ? -1 : 1).map(([, row]) => row);
}

/** The same as rollups by those names. */
export function sumBy(rows: readonly RollupRow[], nameOf: (row: RollupRow) => string): Map<string, Rollup> {
  return new Map(gather(rows, nameOf).map((row) => [nameOf(row), row.rollup]));
}

export function totalOf(rows: readonly RollupRow[]): Rollup {
  return rows.reduce((sum, { rollup }) => addRollups(sum, rollup), emptyRollup);
}
