import assert from "node:assert/strict";
import fc from "fast-check";
import { bucketOf, type Counts, quantile } from "../../../lib/statistics/histogram.ts";

function histogram(durations: readonly number[]): Counts {
  const counts: Counts = {};
  for (const ms of durations) counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
  return counts;
}

/** The smallest duration within which that share of all was done. */
function exactly(durations: readonly number[], share: number): number {
  const sorted = durations.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
}

Deno.test("what is said of any share of all lies within 10 % of the truth, from a millisecond to a week", () => {
  // As many short ones as long ones: what takes minutes is as likely as what takes milliseconds.
  const duration = fc.double({ min: 0, max: Math.log(7 * 24 * 3_600_000), noNaN: true })
    .map((power) => Math.round(Math.exp(power)));
  fc.assert(
    fc.property(
      fc.array(duration, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1),
      (durations, share) => {
        const truth = exactly(durations, share);
        const told = quantile(histogram(durations), share)!;
        // Whole milliseconds are told, so half of one comes on top.
        assert.ok(Math.abs(told - truth) <= truth * 0.1 + 0.5, `${told} instead of ${truth}`);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("the counts of two histograms add up to that of all, and nothing is told of none", () => {
  const [some, others] = [[3, 40, 4000, 90_000], [2, 41, 5000]];
  const sum = histogram(some);
  for (const [bucket, count] of Object.entries(histogram(others))) sum[bucket] = (sum[bucket] ?? 0) + count;
  assert.deepEqual(sum, histogram([...some, ...others]));
  assert.equal(quantile({}, 0.5), null);
  assert.equal(quantile(histogram([0]), 0.5), 1);
});
