/** What was booked for a prompt. */
import { z } from "zod";
import type { PriceRow } from "../../lib/money/charge.ts";
import type { LedgerEntry } from "../../lib/money/ledger.ts";
import { iso, microsValue, timeValue } from "./values.ts";

export const basisValue = z.enum(["reported", "computed", "table", "none", "unknown"]);

export const priceRowShape = z.strictObject({
  provider: z.string(),
  model: z.string(),
  size: z.string().describe('"WIDTHxHEIGHT", or "*" for every size that has no row of its own.'),
  quality: z.string(),
  costMicros: microsValue.describe("For one picture."),
  perSourceMicros: microsValue.optional().describe("For each picture that a task was given."),
  validFrom: z.iso.date(),
  lane: z.literal("economy").optional().describe("For a picture that was made in a lot; missing: by itself."),
}).meta({ id: "PriceRow", description: "A row of the price book." });

const tokens = z.int().nonnegative().optional();

export const ledgerShape = z.strictObject({
  costMicros: microsValue,
  basis: basisValue,
  priceRow: priceRowShape.nullable().describe("The row of the price book that the amount comes from."),
  usage: z.strictObject({
    textIn: tokens,
    cachedTextIn: tokens,
    imageIn: tokens,
    textOut: tokens,
    imageOut: tokens,
  }).optional(),
  savedMicros: microsValue.optional().describe("By how much it was cheaper than by itself."),
  at: timeValue,
}).meta({ id: "LedgerEntry", description: "What was booked for a prompt." });

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
