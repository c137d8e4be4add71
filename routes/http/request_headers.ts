/** Request headers with a grammar of their own. */
import { Refusal } from "../../lib/refusal.ts";
import type { AppContext } from "./context.ts";

export interface Wait {
  timeoutMs: number;
  /** What was heard, for `Preference-Applied`; null: the request had no preference that we know. */
  applied: string | null;
}

const longestWaitSeconds = 120;

/** `Prefer` (RFC 7240). Without a preference the wait is the longest; `respond-async` alone means none. */
export function readWait(c: AppContext, { longestSeconds = longestWaitSeconds } = {}): Wait {
  const preferences = (c.req.header("Prefer") ?? "").split(",").map((part) =>
    part.split(";")[0].trim().toLowerCase()
  );
  const isAsync = preferences.includes("respond-async");
  const asked = preferences.map((part) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(part)?.[1]).find(Boolean);
  const seconds = Math.min(Number(asked ?? (isAsync ? 0 : longestSeconds)), longestSeconds);
  const applied = [isAsync && "respond-async", asked !== undefined && `wait=${seconds}`].filter(Boolean);
  return { timeoutMs: seconds * 1000, applied: applied.join(", ") || null };
}

export const longestPollSeconds = 50;

/** `?wait=` of who asks again until something is final, in seconds: what that is in milliseconds. */
export function readPoll(c: AppContext): number {
  const text = c.req.query("wait");
  if (text === undefined) return 0;
  const seconds = /^\d{1,2}$/.test(text) ? Number(text) : Infinity;
  if (seconds <= longestPollSeconds) return seconds * 1000;
  throw new Refusal(
    "invalid_request",
    `wait must be a whole number of seconds, from 0 to ${longestPollSeconds}`,
    { field: "wait" },
  );
}

/** `Idempotency-Key`: 1–255 visible characters. */
export function readIdempotencyKey(c: AppContext): string | undefined {
  const key = c.req.header("Idempotency-Key");
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Refusal("invalid_request", "Idempotency-Key must be 1 to 255 visible characters");
  }
  return key;
}

/**
 * One part of a file, from `Range` (RFC 9110, section 14.2); several parts, or nonsense, mean the whole, as does any
 * method but GET.
 */
export function readRange(
  c: AppContext,
): { first: number; last?: number } | { suffixLength: number } | undefined {
  if (c.req.method !== "GET") return undefined;
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(c.req.header("Range") ?? "") ?? [];
  if (!first) return last ? { suffixLength: byteCount(last) } : undefined;
  if (!last) return { first: byteCount(first) };
  const range = { first: byteCount(first), last: byteCount(last) };
  return range.first <= range.last ? range : undefined;
}

/** More than any file has is cut to a number that can be counted with. */
function byteCount(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** Whether `If-None-Match` names this tag; weak tags compare as strong (RFC 9110, section 13.1.2). */
export function namesTag(condition: string, etag: string): boolean {
  return isAny(condition) || tagsIn(condition).some((tag) => tag.replace(/^W\//, "") === etag);
}

/** Whether `If-Match` names this tag; weak tags match nothing (RFC 9110, section 13.1.1). */
export function namesStrongTag(condition: string, etag: string): boolean {
  return isAny(condition) || tagsIn(condition).some((tag) => tag === etag);
}

function isAny(condition: string): boolean {
  return condition.trim() === "*";
}

/** What stands between the quotes may have a comma, or be a star. */
function tagsIn(condition: string): string[] {
  return condition.match(/(?:W\/)?"[^"]*"/g) ?? [];
}
