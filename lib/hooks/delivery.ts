/**
 * One thing that one hook is told, and how often that was tried. Its id goes along as `webhook-id`, the same with each
 * attempt, so that a receiver knows what it has had. The times between attempts are those of Standard Webhooks.
 */
import type { DeliveredEvent } from "./hook.ts";

/** What is told beside type and time; ids, from which addresses are made when it is sent. */
export type DeliveryData =
  | { promptId: string; status: string; costMicros: number; imageIds: string[] }
  | { batchId: string; state: string; reason: string | null; costMicros: number }
  | { percent: number }
  | { shareId: string; reportId: string; reason: string }
  | Record<string, never>;

export interface Attempt {
  at: number;
  /** Of the answer; null: there was none. */
  status: number | null;
}

export interface Delivery {
  id: string;
  userId: string;
  hookId: string;
  type: DeliveredEvent;
  /** When it happened. */
  at: number;
  data: DeliveryData;
  state: "WAITING" | "DELIVERED" | "FAILED";
  /** When it is tried next; null unless it waits. */
  dueAt: number | null;
  attempts: Attempt[];
  /** So many of the attempts were made before it was sent again by hand. */
  earlierAttempts: number;
  /** When the record goes. */
  endsAt: number;
}

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** Between an attempt that failed and the next one. */
const pausesMs = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
];
export const keptMs = 30 * 24 * hourMs;
const mostAttempts = 50;

/** What an attempt came to: a status, and for how long the receiver asks to be left alone. */
export interface Outcome {
  status: number | null;
  /** Milliseconds. */
  retryAfterMs: number | null;
}

export function isReceived({ status }: Pick<Outcome, "status">): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** The delivery after an attempt. */
export function afterAttempt(delivery: Delivery, outcome: Outcome, at: number): Delivery {
  const attempts = [...delivery.attempts, { at, status: outcome.status }].slice(-mostAttempts);
  const earlierAttempts = Math.min(delivery.earlierAttempts, attempts.length - 1);
  const tried = { ...delivery, attempts, earlierAttempts };
  if (isReceived(outcome)) return { ...tried, state: "DELIVERED", dueAt: null };
  const pauseMs = pausesMs[attempts.length - earlierAttempts - 1];
  if (pauseMs === undefined) return { ...tried, state: "FAILED", dueAt: null };
  return { ...tried, dueAt: at + Math.max(pauseMs, outcome.retryAfterMs ?? 0) };
}

const slowStatuses = [429, 502, 503, 504];
const slowMs = 30 * secondMs;
const shortestRestMs = secondMs;
const longestRestMs = 5 * minuteMs;
const mostRetryAfterMs = 24 * hourMs;

/**
 * For how long nothing at all is sent there after an attempt that failed, in milliseconds: the longer, the longer
 * nothing was received.
 */
export function restMs({ status, retryAfterMs }: Outcome, failingMs: number): number {
  const rest = Math.min(longestRestMs, Math.max(shortestRestMs, failingMs / 4));
  if (status === null || !slowStatuses.includes(status)) return rest;
  return retryAfterMs ?? Math.max(rest, slowMs);
}

/** `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. */
export function readRetryAfter(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const isDate = /^[A-Z][a-z]{2}, /.test(text);
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * secondMs : isDate ? Date.parse(text) - now : 0;
  return ms > 0 ? Math.min(ms, mostRetryAfterMs) : null;
}
