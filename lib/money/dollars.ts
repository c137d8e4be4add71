/** Amounts in dollars as programs and people write them, read as micro-dollars. */
import { z } from "zod";

const mostDollars = 999_999_999;

/** A number of dollars; finer amounts than micro-dollars are refused. */
export function dollarAmount(words: string) {
  return z.number(words).min(0, words).max(mostDollars, words)
    .refine((dollars) => microsOf(dollars) / 1_000_000 === dollars, words)
    .transform(microsOf);
}

/** Dollars as text such as "25", "12.50" or "$0.02", with at most so many digits before the point. */
export function dollarText(words: string, { mostDigits }: { mostDigits: number }) {
  return z.string(words).trim().regex(new RegExp(`^\\$?\\d{1,${mostDigits}}(\\.\\d{1,6})?$`), words)
    .transform((text) => microsOf(Number(text.replace("$", ""))));
}

/** Errors of computing with dollars, such as three times 0.0125, are far smaller. */
const lostMicros = 0.001;

/** The whole micro-dollars in an amount, however fine it is: for the most that somebody agrees to. */
export function microsWithin(dollars: number): number {
  return Math.floor(dollars * 1_000_000 + lostMicros);
}

function microsOf(dollars: number): number {
  return Math.round(dollars * 1_000_000);
}
