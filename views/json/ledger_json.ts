/** What was booked for a prompt. */
import { z } from "zod";
import type { PriceRow } from "../../lib/money/charge.ts";
import type { LedgerEntry } from "../../lib/money/ledger.ts";
import { iso, microsValue, timeValue } from "./values.ts";

export const basisValue = z.enum(["reported", "computed", "table", "none", "unknown"]);

export const priceRowShape = z.strictObject({
  provider: z.string(),
  model: z.string(),
  /** "WIDTHxHEIGHT", or "*" for every size that has no row of its own. */
  size: z.string(),
  quality: z.string(),
  /** For one picture. */
  costMicros: microsValue,
  /** For each picture that a task was given. */
  perSourceMicros: microsValue.optional(),
  validFrom: z.iso.date(),
  /** For a picture that was made in a lot; missing: by itself. */
  lane: z.literal("economy").optional(),
});

const tokens = z.int().nonnegative().optional();

export const ledgerShape = z.strictObject({
  costMicros: microsValue,
  basis: basisValue,
  /** The row of the price book that the amount comes from. */
  priceRow: priceRowShape.nullable(),
  usage: z.strictObject({
    textIn: tokens,
    cachedTextIn: tokens,
    imageIn: tokens,
    textOut: tokens,
    imageOut: tokens,
  }).optional(),
  /** By how much it was cheaper than by itself. */
  savedMicros: microsValue.optional(),
  at: timeValue,
});

export function ledgerJson(entry: LedgerEntry): z.output<typeof ledgerShape> {
  const { costMicros, basis, priceRow, usage, savedMicros, at } = entry;
  return {
    costMicros,
    basis,
    priceRow: priceRow && priceRowJson(priceRow),
    ...(usage !== undefined && { usage }),
    ...(savedMicros !== undefined && { savedMicros }),
    at: iso(at),
  };
}

/** Who added it is for admins. */
export function priceRowJson(row: PriceRow): z.output<typeof priceRowShape> {
  const { provider, model, size, quality, costMicros, perSourceMicros, validFrom, lane } = row;
  return {
    provider,
    model,
    size,
    quality,
    costMicros,
    ...(perSourceMicros !== undefined && { perSourceMicros }),
    validFrom,
    ...(lane !== undefined && { lane }),
  };
}
