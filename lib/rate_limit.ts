/** Limits by the minute, as a bucket that fills evenly. Kept in memory, where it isn't said otherwise: a restart forgives. */
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

export interface Bucket {
  /** What is left, and when that was counted. */
  left: number;
  at: number;
}

/** How a bucket stands; `undefined`: nothing was taken from it yet. */
interface Standing {
  bucket: Bucket | undefined;
  perMinute: number;
  at: number;
}

/** Who counted before may have a clock that is ahead by less; one that is ahead by more was set wrong. */
const clockToleranceMs = 60_000;

/** The bucket with one less in it; refuses with `rate_limited`. */
export function takeOne(standing: Standing): Bucket {
  const { bucket, perMinute, at } = standing;
  const left = leftIn(standing);
  if (left < 1) {
    const retryAfterSeconds = secondsUntil(1, { left, perMinute });
    throw new Refusal("rate_limited", "Too many requests", { retryAfterSeconds });
  }
  const isAhead = bucket !== undefined && bucket.at > at && bucket.at - at < clockToleranceMs;
  return { left: left - 1, at: isAhead ? bucket.at : at };
}

export function allowanceOf(standing: Standing): Allowance {
  const { perMinute } = standing;
  const left = leftIn(standing);
  const resetSeconds = secondsUntil(left < 1 ? 1 : perMinute, { left, perMinute });
  return { left: Math.floor(left), resetSeconds };
}

function leftIn({ bucket, perMinute, at }: Standing): number {
  if (bucket === undefined) return perMinute;
  return Math.min(perMinute, bucket.left + Math.max(0, at - bucket.at) * perMinute / 60_000);
}

function secondsUntil(wanted: number, { left, perMinute }: { left: number; perMinute: number }): number {
  return Math.max(1, Math.ceil((wanted - left) / (perMinute / 60_000) / 1000));
}

const forgetAbove = 10_000;

/** `perMinute` 0 means no limit. */
export function createRateLimit({ perMinute, now }: { perMinute: number; now: () => number }): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    perMinute,
    take(name) {
      if (perMinute === 0) return;
      const at = now();
      buckets.set(name, takeOne({ bucket: buckets.get(name), perMinute, at }));
      if (buckets.size > forgetAbove) forgetFull(at);
    },
    look: (name) => perMinute === 0 ? null : allowanceOf({ bucket: buckets.get(name), perMinute, at: now() }),
  };

  function forgetFull(at: number): void {
    for (const [name, bucket] of buckets) {
      if (leftIn({ bucket, perMinute, at }) >= perMinute) buckets.delete(name);
    }
  }
}
