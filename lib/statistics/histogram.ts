/**
 * How often something took how long, in buckets that each reach a fifth further than the one before: so what is said of
 * a share of all lies within 10 % of the truth and half a millisecond, and two histograms are added up by adding their counts. Only buckets with
 * something in them are kept. Were there a fixed number of 32, they would reach from a second to six minutes at most;
 * a day of one person and model has fewer than that, wherever they lie.
 */

/** By name; what is nothing is left out. */
export type Counts = { [name: string]: number };

const ratio = 1.2;
const step = Math.log(ratio);
const lastBucket = Math.ceil(Math.log(Number.MAX_SAFE_INTEGER) / step);

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
  return quantiles(counts, [share])[0];
}

/** The same for several shares at once. */
export function quantiles(counts: Counts, shares: readonly number[]): (number | null)[] {
  let all = 0;
  for (const count of Object.values(counts)) all += count;
  return shares.map((share) =>
    all === 0 ? null : valueOf(bucketAt(counts, Math.max(1, Math.ceil(share * all))))
  );
}

/** The bucket that has the one of that place. Asked by number: names would all have to be written and read first. */
function bucketAt(counts: Counts, place: number): number {
  let left = place;
  for (let bucket = 0; bucket < lastBucket; bucket++) {
    left -= counts[bucket] ?? 0;
    if (left <= 0) return bucket;
  }
  return lastBucket;
}
