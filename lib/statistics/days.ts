/** Which days are looked at: so many up to today, or from one to another. All are days of UTC, as budgets are. */
import { Refusal } from "../refusal.ts";
import { isDay } from "../users/time_zone.ts";

/** Days such as "2026-11-30", both of them included. */
export interface Days {
  from: string;
  to: string;
}

export const mostDays = 400;

/** What somebody can choose by one word. */
export const ranges = ["7", "30", "90", "month", "year"] as const;
export type Range = (typeof ranges)[number];

const usualRange: Range = "30";
const dayMs = 24 * 60 * 60_000;

/** "2026-11-30", in UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** The day so many after, or before, another. */
export function dayAfter(day: string, count: number): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + count * dayMs);
}

export function countDays({ from, to }: Days): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / dayMs) + 1;
}

/** Just as many days right before those. */
export function daysBefore(days: Days): Days {
  return { from: dayAfter(days.from, -countDays(days)), to: dayAfter(days.from, -1) };
}

export function everyDay(days: Days): string[] {
  return Array.from({ length: countDays(days) }, (_, i) => dayAfter(days.from, i));
}

export function daysOfRange(range: Range, now: number): Days {
  const to = dayOf(now);
  if (range === "month") return { from: `${to.slice(0, 7)}-01`, to };
  if (range === "year") return { from: `${to.slice(0, 4)}-01-01`, to };
  return { from: dayAfter(to, 1 - Number(range)), to };
}

export interface Asked {
  range?: string;
  from?: string;
  to?: string;
}

/** A range by its word, or the days that are named; null: neither, which is the usual range. */
export interface ReadDays {
  days: Days;
  range: Range | null;
}

/** Refuses with `invalid_request` what are no days, the wrong way round, or too many. */
export function readDays({ range, from, to }: Asked, now: number): ReadDays {
  if (!from && !to) {
    const known = ranges.find((each) => each === (range || usualRange));
    if (known === undefined) throw refusal(`range takes ${ranges.join(", ")}`, "range");
    return { days: daysOfRange(known, now), range: known };
  }
  const named = from ? demandDay(from, "from") : null;
  const last = demandDay(to || dayOf(now), "to");
  const first = named ?? dayAfter(last, 1 - Number(usualRange));
  const days = { from: first, to: last };
  if (first > last) throw refusal("from must not be after to", "from");
  if (countDays(days) > mostDays) throw refusal(`from and to may be at most ${mostDays} days apart`, "from");
  return { days, range: null };
}

/** Beyond these, years are written otherwise before long. */
const [firstDay, lastDay] = ["0100-01-01", "9000-01-01"];

function demandDay(text: string, field: "from" | "to"): string {
  if (isDay(text) && text >= firstDay && text <= lastDay) return text;
  throw refusal(`${field} takes a day such as 2026-11-30`, field);
}

function refusal(message: string, field: string): Refusal {
  return new Refusal("invalid_request", message, { field });
}
