/**
 * What was booked on one day for one person and model, added up: so whoever looks at a year reads a few small records,
 * however many prompts there were. A rollup follows from ledger entries, what corrects them, how their prompts ended and
 * which of their pictures have stars, and is written in the same commits as those. All of it can be added, and taken
 * away again.
 */
import type { Correction, LedgerEntry, Outcome } from "../money/ledger.ts";
import { bucketOf, type Counts } from "./histogram.ts";

/** Amounts in micro-dollars. Prompts whose end nobody knows any more are in `prompts` only. */
export interface Rollup {
  prompts: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** Those that the ledger counts. */
  images: number;
  costMicros: number;
  /** Of that, what was paid for prompts that failed or were cancelled. */
  lostMicros: number;
  /** By how much the economy lane was cheaper. */
  savedMicros: number;
  /** Pictures with at least `keptStars` stars that are not deleted. */
  keepers: number;
  /** How many failed, by reason. */
  failures: Counts;
  /** How many were booked in each hour of the day (UTC). */
  hours: Counts;
  /** How long it took from acceptance to pictures, by bucket of `histogram.ts`. */
  took: Counts;
}

export const keptStars = 4;

export function isKeeper({ kind, rating }: { kind: "made" | "upload"; rating: number }): boolean {
  return kind === "made" && rating >= keptStars;
}

export const emptyRollup: Rollup = {
  prompts: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  images: 0,
  costMicros: 0,
  lostMicros: 0,
  savedMicros: 0,
  keepers: 0,
  failures: {},
  hours: {},
  took: {},
};

/** What one prompt counts for: its entry, with what corrects it, and how it ended. */
export function rollupOf(
  { entry, correction, outcome = entry.outcome }: {
    entry: LedgerEntry;
    correction?: Pick<Correction, "costMicros"> | null;
    outcome?: Outcome;
  },
): Rollup {
  const costMicros = entry.costMicros + (correction?.costMicros ?? 0);
  const status = outcome?.status ?? (entry.images > 0 ? "COMPLETED" : null);
  return {
    prompts: 1,
    completed: Number(status === "COMPLETED"),
    failed: Number(status === "FAILED"),
    cancelled: Number(status === "CANCELLED"),
    images: entry.images,
    costMicros,
    lostMicros: status === "COMPLETED" ? 0 : costMicros,
    savedMicros: entry.savedMicros ?? 0,
    keepers: outcome?.keepers ?? 0,
    failures: status === "FAILED" && outcome?.reason ? { [outcome.reason]: 1 } : {},
    hours: { [new Date(entry.at).getUTCHours()]: 1 },
    took: outcome?.tookMs == null ? {} : { [bucketOf(outcome.tookMs)]: 1 },
  };
}

/** What a correction changes by itself. */
export function correctionRollup(
  { costMicros }: Pick<Correction, "costMicros">,
  { isLost }: { isLost: boolean },
): Rollup {
  return { ...emptyRollup, costMicros, lostMicros: isLost ? costMicros : 0 };
}

export function addRollups(a: Rollup, b: Rollup): Rollup {
  return combined(a, b, 1);
}

export function subtractRollup(from: Rollup, less: Rollup): Rollup {
  return combined(from, less, -1);
}

/** The same of many, with less effort than one after another. */
export function sumRollups(all: Iterable<Rollup>): Rollup {
  const sum: Rollup = { ...emptyRollup, failures: {}, hours: {}, took: {} };
  for (const rollup of all) {
    sum.prompts += rollup.prompts;
    sum.completed += rollup.completed;
    sum.failed += rollup.failed;
    sum.cancelled += rollup.cancelled;
    sum.images += rollup.images;
    sum.costMicros += rollup.costMicros;
    sum.lostMicros += rollup.lostMicros;
    sum.savedMicros += rollup.savedMicros;
    sum.keepers += rollup.keepers;
    addCounts(sum.failures, rollup.failures);
    addCounts(sum.hours, rollup.hours);
    addCounts(sum.took, rollup.took);
  }
  return sum;
}

/** Names and counts by themselves: pairs take three times as long. */
function addCounts(to: Counts, more: Counts): void {
  const names = Object.keys(more);
  const counts = Object.values(more);
  for (let i = 0; i < names.length; i++) to[names[i]] = (to[names[i]] ?? 0) + counts[i];
}

export function isEmptyRollup(rollup: Rollup): boolean {
  return Object.values(rollup).every((part) =>
    typeof part === "number" ? part === 0 : Object.keys(part).length === 0
  );
}

function combined(a: Rollup, b: Rollup, sign: 1 | -1): Rollup {
  return {
    prompts: a.prompts + sign * b.prompts,
    completed: a.completed + sign * b.completed,
    failed: a.failed + sign * b.failed,
    cancelled: a.cancelled + sign * b.cancelled,
    images: a.images + sign * b.images,
    costMicros: a.costMicros + sign * b.costMicros,
    lostMicros: a.lostMicros + sign * b.lostMicros,
    savedMicros: a.savedMicros + sign * b.savedMicros,
    keepers: a.keepers + sign * b.keepers,
    failures: combinedCounts(a.failures, b.failures, sign),
    hours: combinedCounts(a.hours, b.hours, sign),
    took: combinedCounts(a.took, b.took, sign),
  };
}

/** What comes to nothing is left out, so that the same counts are always the same record. */
function combinedCounts(a: Counts, b: Counts, sign: 1 | -1): Counts {
  const counts = { ...a };
  for (const name in b) {
    const count = (counts[name] ?? 0) + sign * b[name];
    if (count === 0) delete counts[name];
    else counts[name] = count;
  }
  return counts;
}
