/** What was booked in some days, put together by what somebody wants to know of it. Pure: it reads nothing. */
import { quantiles } from "./histogram.ts";
import { type Rollup, sumRollups } from "./rollup.ts";
import type { RollupRow } from "./rollup_store.ts";

/** A rollup as it is told: how long things took as two figures, in milliseconds. */
export interface Numbers extends Omit<Rollup, "took"> {
  p50Ms: number | null;
  p95Ms: number | null;
}

export function numbersOf(rollup: Rollup): Numbers {
  const [p50Ms, p95Ms] = quantiles(rollup.took, [0.5, 0.95]);
  return { ...rollup, p50Ms, p95Ms };
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
  const groups = [...Map.groupBy(rows, nameOf)].sort(([a], [b]) => a < b ? -1 : 1);
  return groups.map(([, [first, ...others]]) =>
    others.length === 0 ? first : { ...first, rollup: totalOf([first, ...others]) }
  );
}

/** The same as rollups by those names. */
export function sumBy(rows: readonly RollupRow[], nameOf: (row: RollupRow) => string): Map<string, Rollup> {
  return new Map(gather(rows, nameOf).map((row) => [nameOf(row), row.rollup]));
}

export function totalOf(rows: readonly RollupRow[]): Rollup {
  return sumRollups(rows.map(({ rollup }) => rollup));
}
