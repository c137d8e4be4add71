/** Numbers at even distances, and lists of them such as `1, 2, .., 10`: counted before they are made. */
import { Refusal } from "../refusal.ts";

export interface NumberRange {
  readonly count: number;
  /** From 0 on, without needless digits. */
  text(index: number): string;
}

const mostDigits = 6;
const largest = 10 ** 10;

/** As long as it does not pass `last`; or, in words, why that is no range. Each is a number in decimal digits. */
export function numberRange(
  { first, last, step }: { first: string; last: string; step: string },
): NumberRange | string {
  const digits = Math.max(...[first, last, step].map(digitsBehindPoint));
  if (digits > mostDigits) return `Numbers have at most ${mostDigits} digits behind the point here`;
  const scale = 10 ** digits;
  const [from, to, by] = [first, last, step].map((text) => Math.round(Number(text) * scale));
  if ([from, to, by].some((each) => Math.abs(each) > largest * scale)) return "That number is too large here";
  if (by <= 0) return `The step of a range is more than 0, and this is ${step}`;
  if (to < from) return `A range goes up, and ${first} to ${last} goes down`;
  return {
    count: Math.floor((to - from) / by) + 1,
    text: (index) => String((from + index * by) / scale),
  };
}

function digitsBehindPoint(text: string): number {
  return text.split(".")[1]?.length ?? 0;
}

/** A list of numbers, of which none is made yet. */
export interface NumberList {
  readonly count: number;
  values(): number[];
}

const number = /^-?\d+(?:\.\d+)?$/;
const dots = /^(?:\.{2,3}|…)$/;

/** Reads `7`, `1, 2, 5` or `1, 2, .., 10`; empty text is an empty list. Refuses with `invalid_request`. */
export function readNumberList(text: string, field: string): NumberList {
  const items = text.split(",").map((item) => item.trim());
  const pieces: NumberRange[] = [];
  if (text.trim() === "") return { count: 0, values: () => [] };
  for (const [i, item] of items.entries()) {
    if (dots.test(item)) pieces.push(between(items, i, field));
    else if (!number.test(item)) throw listRefusal(field, `${field} takes numbers such as 1, 2, .., 10`);
    else if (!dots.test(items[i - 1] ?? "")) pieces.push({ count: 1, text: () => String(Number(item)) });
  }
  return {
    count: pieces.reduce((sum, { count }) => sum + count, 0),
    values: () =>
      pieces.flatMap((piece) => Array.from({ length: piece.count }, (_, i) => Number(piece.text(i)))),
  };
}

/** What dots stand for, with the number behind them: on from the one before, in the step of the two before. */
function between(items: readonly string[], at: number, field: string): NumberRange {
  const [earlier, before, last] = [items[at - 2], items[at - 1], items[at + 1]];
  if (!number.test(before ?? "") || !number.test(last ?? "")) {
    throw listRefusal(field, `${field}: dots stand between two numbers, as in 1, 2, .., 10`);
  }
  const hasStep = number.test(earlier ?? "") && !dots.test(items[at - 3] ?? "");
  const step = hasStep ? difference(before, earlier) : "1";
  const range = numberRange({ first: before, last, step });
  if (typeof range === "string") throw listRefusal(field, `${field}: ${range}`);
  return { count: range.count - 1, text: (index) => range.text(index + 1) };
}

function difference(a: string, b: string): string {
  const digits = Math.min(mostDigits + 1, Math.max(digitsBehindPoint(a), digitsBehindPoint(b)));
  return (Number(a) - Number(b)).toFixed(digits);
}

function listRefusal(field: string, words: string): Refusal {
  return new Refusal("invalid_request", words, { field });
}
