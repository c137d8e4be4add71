/** How figures are taken and printed: subject and baseline in turns, medians, one line a figure. */
export interface Figure {
  name: string;
  unit: "/s" | "ms" | "kB";
  subject: number;
  baseline: { name: string; value: number };
  /** Of the ratio of subject to baseline, or of the subject itself. */
  goal?: { ratio: "at least" | "at most"; value: number } | { subject: "at most"; value: number };
}

export interface Bench {
  name: string;
  run(context: BenchContext): Promise<void>;
}

export interface BenchContext {
  report(figure: Figure): void;
  /** A new folder, gone when the run ends. */
  newFolder(): Promise<string>;
  /** A data directory whose owner has `longHistoryLength` completed prompts; made when first asked for. */
  longHistory(): Promise<string>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export type Take = () => Promise<number>;

/** Takes both in turns, after one round that does not count, and returns the median of each. */
export async function alternate(
  { subject, baseline, rounds }: { subject: Take; baseline: Take; rounds: number },
): Promise<{ subject: number; baseline: number }> {
  const taken: { subject: number[]; baseline: number[] } = { subject: [], baseline: [] };
  for (let round = 0; round <= rounds; round++) {
    const figures = { subject: await subject(), baseline: await baseline() };
    if (round === 0) continue;
    taken.subject.push(figures.subject);
    taken.baseline.push(figures.baseline);
  }
  return { subject: median(taken.subject), baseline: median(taken.baseline) };
}

/** How many times a second `once` comes to its end, with `inFlight` of them at a time. */
export async function perSecond(
  { inFlight, forMs }: { inFlight: number; forMs: number },
  once: (lane: number) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async (_, lane) => {
    while (performance.now() - startedAt < forMs) {
      await once(lane);
      done++;
    }
  }));
  return done / (performance.now() - startedAt) * 1000;
}

export async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

const widths = [46, 12, 34, 8];

export function line({ name, unit, subject, baseline, goal }: Figure): string {
  const ratio = subject / baseline.value;
  const columns = [
    name,
    amount(subject, unit),
    `${baseline.name} ${amount(baseline.value, unit)}`,
    ratio.toFixed(2),
  ].map((column, i) => i === 0 ? column.padEnd(widths[i]) : column.padStart(widths[i]));
  return [...columns, judge({ ratio, subject, unit, goal })].join("  ").trimEnd();
}

export const heading = ["", "Darkroom", "baseline", "ratio"]
  .map((column, i) => i === 0 ? column.padEnd(widths[i]) : column.padStart(widths[i])).join("  ") + "  goal";

function judge(
  { ratio, subject, unit, goal }: { ratio: number; subject: number } & Pick<Figure, "unit" | "goal">,
): string {
  if (goal === undefined) return "";
  const [figure, limit, wanted] = "ratio" in goal
    ? [ratio, goal.ratio, String(goal.value)]
    : [subject, goal.subject, `${goal.value} ${unit}`];
  const isMet = limit === "at least" ? figure >= goal.value : figure <= goal.value;
  return `${limit} ${wanted}: ${isMet ? "met" : "MISSED"}`;
}

function amount(value: number, unit: Figure["unit"]): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toLocaleString("en-US", {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
  return unit === "/s" ? `${text}/s` : `${text} ${unit}`;
}
