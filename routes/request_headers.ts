/** Request headers with a grammar of their own. */
import { Refusal } from "../lib/errors.ts";
import type { AppContext } from "./context.ts";

export interface Wait {
  timeoutMs: number;
  /** What was heard, for `Preference-Applied`; null: the request had no preference that we know. */
  applied: string | null;
}

const longestWaitSeconds = 120;

/** `Prefer` (RFC 7240). Without a preference the wait is the longest; `respond-async` alone means none. */
export function readWait(c: AppContext): Wait {
  const preferences = (c.req.header("Prefer") ?? "").split(",").map((part) =>
    part.split(";")[0].trim().toLowerCase()
  );
  const isAsync = preferences.includes("respond-async");
  const asked = preferences.map((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1]).find(Boolean);
  const seconds = Math.min(Number(asked ?? (isAsync ? 0 : longestWaitSeconds)), longestWaitSeconds);
  const applied = [isAsync && "respond-async", asked !== undefined && `wait=${seconds}`].filter(Boolean);
  return { timeoutMs: seconds * 1000, applied: applied.join(", ") || null };
}

/** `Idempotency-Key`: 1–255 visible characters. */
export function readIdempotencyKey(c: AppContext): string | undefined {
  const key = c.req.header("Idempotency-Key");
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Refusal("invalid_request", "Idempotency-Key must be 1 to 255 visible characters");
  }
  return key;
}

/** One part of a file, from `Range` (RFC 9110, section 14.2); several parts, or nonsense, mean the whole. */
export function readRange(
  c: AppContext,
): { first: number; last?: number } | { suffixLength: number } | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(c.req.header("Range") ?? "") ?? [];
  if (first) {
    if (last && Number(last) < Number(first)) return undefined;
    return { first: Number(first), ...(last && { last: Number(last) }) };
  }
  return last ? { suffixLength: Number(last) } : undefined;
}

/** Whether one of the tags in `If-None-Match` or `If-Match` is this one; weak ones compare as strong. */
export function hasTag(header: string | undefined, etag: string): boolean {
  return header !== undefined &&
    header.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}
