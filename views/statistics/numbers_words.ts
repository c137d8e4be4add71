/** Values of tables as people read them. */
import type { Days } from "../../lib/statistics/days.ts";
import type { ColumnKind, Value } from "../../lib/statistics/tables.ts";
import { dollars, duration } from "../shell/format.ts";

const dayMs = 24 * 60 * 60_000;
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** "30 Nov" for a day such as "2026-11-30"; with its year "30 Nov 2026". */
export function dayWords(day: string, { hasYear = false } = {}): string {
  return (hasYear ? dayOfYear : dayFormat).format(new Date(`${day}T00:00:00Z`));
}

/** The day at that place among some. */
export function dayOf({ from }: Days, index: number): string {
  return new Date(Date.parse(`${from}T00:00:00Z`) + index * dayMs).toISOString().slice(0, 10);
}

export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** A part of a whole, from 0 to 1: "12 %", "1.2 %". */
export function percent(part: number): string {
  const digits = part === 0 || part >= 0.1 ? 0 : 1;
  return `${(part * 100).toFixed(digits)} %`;
}

/** "9 am" is 9 here: "09:00". */
export function hourWords(hour: number): string {
  return `${String(hour).padStart(2, "0")}:00`;
}

export const nothing = "–";

export function valueWords(value: Value, kind: ColumnKind): string {
  if (value === null) return nothing;
  if (typeof value === "string") return kind === "day" ? dayWords(value) : value;
  switch (kind) {
    case "micros":
      return dollars(value);
    case "share":
      return percent(value);
    case "ms":
      return duration(value);
    case "hour":
      return hourWords(value);
    default:
      return count(value);
  }
}
