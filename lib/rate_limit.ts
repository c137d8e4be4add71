/** Limits by the minute, as a bucket that fills evenly. Kept in memory: a restart forgives. */
import { Refusal } from "./refusal.ts";

export interface RateLimit {
  /** Takes one of the name's allowance or refuses with `rate_limited`. */
  take(name: string): void;
}

interface Bucket {
  /** What is left, and when that was counted. */
  left: number;
  at: number;
}

const forgetAbove = 10_000;

/** `perMinute` 0 means no limit. */
export function createRateLimit({ perMinute, now }: { perMinute: number; now: () => number }): RateLimit {
  const buckets = new Map<string, Bucket>();
  const perMs = perMinute / 60_000;
  return {
    take(name) {
      if (perMinute === 0) return;
      const at = now();
      const bucket = buckets.get(name) ?? { left: perMinute, at };
      const left = Math.min(perMinute, bucket.left + Math.max(0, at - bucket.at) * perMs);
      if (left < 1) {
        buckets.set(name, { left, at });
        const retryAfterSeconds = Math.max(1, Math.ceil((1 - left) / perMs / 1000));
        throw new Refusal("rate_limited", "Too many requests", { retryAfterSeconds });
      }
      buckets.set(name, { left: left - 1, at });
      if (buckets.size > forgetAbove) forgetFull(at);
    },
  };
  function forgetFull(at: number): void {
    for (const [name, bucket] of buckets) {
      if (bucket.left + (at - bucket.at) * perMs >= perMinute) buckets.delete(name);
    }
  }
}
