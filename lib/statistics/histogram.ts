/**
 * How often something took how long, in buckets that each reach a fifth further than the one before: so what is said of
 * a share of all lies within 10 % of the truth, and two histograms are added up by adding their counts. Only buckets with
 * something in them are kept. Were there a fixed number of 32, they would reach from a second to six minutes at most;
 * a day of one person and model has fewer than that, wherever they lie.
 */

/** By name; what is nothing is left out. */
export type Counts = { [name: string]: number };

const ratio = 1.2;
const step = Math.log(ratio);

/** The bucket of so many milliseconds; all that is below one is in the first. */
export function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.ceil(Math.log(ms) / step);
}

/** What stands for all in a bucket: from both of its ends it is equally far, in proportion. */
function valueOf(bucket: number): number {
  const most = ratio ** bucket;
  return bucket === 0 ? 1 : Math.round(2 * most / (1 + ratio));
}

/** Milliseconds within which that share (0 to 1) of all was done, to within 10 %; null: there is nothing. */
export function quantile(counts: Counts, share: number): number | null {
  const buckets = Object.entries(counts).map(([name, count]) => ({ bucket: Number(name), count }))
    .sort((a, b) => a.bucket - b.bucket);
  const all = buckets.reduce((sum, { count }) => sum + count, 0);
  let left = Math.max(1, Math.ceil(share * all));
  for (const { bucket, count } of buckets) {
    left -= count;
    if (left <= 0) return valueOf(bucket);
  }
  return null;
}
