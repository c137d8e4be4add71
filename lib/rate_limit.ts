/** Limits by the minute, as a bucket that fills evenly. Kept in memory: a restart forgives. */
import { Refusal } from "./refusal.ts";

export interface RateLimit {
  /** 0 means no limit. */
  perMinute: number;
  /** Takes one of the name's allowance or refuses with `rate_limited`. */
  take(name: string): void;
  /** What the name may still take; null: there is no limit. */
  look(name: string): Allowance | null;
}

export interface Allowance {
  left: number;
  /** Seconds until all of it is there again or, where nothing is left, until there is one more; at least 1. */
  resetSeconds: number;
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
    perMinute,
    take(name) {
      if (perMinute === 0) return;
      const at = now();
      const left = leftOf(name, at);
      if (left < 1) {
        buckets.set(name, { left, at });
        throw new Refusal("rate_limited", "Too many requests", { retryAfterSeconds: secondsUntil(1, left) });
      }
      buckets.set(name, { left: left - 1, at });
      if (buckets.size > forgetAbove) forgetFull(at);
    },
    look(name) {
      if (perMinute === 0) return null;
      const left = leftOf(name, now());
      return { left: Math.floor(left), resetSeconds: secondsUntil(left < 1 ? 1 : perMinute, left) };
    },
  };

  function leftOf(name: string, at: number): number {
    const bucket = buckets.get(name) ?? { left: perMinute, at };
    return Math.min(perMinute, bucket.left + Math.max(0, at - bucket.at) * perMs);
  }

  function secondsUntil(wanted: number, left: number): number {
    return Math.max(1, Math.ceil((wanted - left) / perMs / 1000));
  }

  function forgetFull(at: number): void {
    for (const [name, bucket] of buckets) {
      if (bucket.left + (at - bucket.at) * perMs >= perMinute) buckets.delete(name);
    }
  }
}
