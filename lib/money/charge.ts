/** What something cost, and how that is known. All amounts in micro-dollars. */

/** A row of the price book (`catalog/price_book.ts`): what one picture of a model costs from a day on. */
export interface PriceRow {
  provider: string;
  model: string;
  /** "WIDTHxHEIGHT", or "*" for every size that has no row of its own. */
  size: string;
  quality: string;
  /** For one picture. */
  costMicros: number;
  /** For each picture that a task is given; undefined: nothing. */
  perSourceMicros?: number;
  /** ISO date (UTC) from which the row counts. */
  validFrom: string;
}

/** Tokens by kind, as a provider reports them. */
export type UsageKind = "textIn" | "cachedTextIn" | "imageIn" | "textOut" | "imageOut";
export type Usage = { [kind in UsageKind]?: number };

export type ChargeBasis = "reported" | "computed" | "table" | "none" | "unknown";

/** What one task, or a whole prompt, cost. */
export interface Charge {
  costMicros: number;
  basis: ChargeBasis;
  /** The row of the price book that the amount comes from (basis `table` or `unknown`). */
  priceRow: PriceRow | null;
  /** The reported usage that a computed amount comes from. */
  usage?: Usage;
}

export const noCharge: Charge = { costMicros: 0, basis: "none", priceRow: null };

/** One charge for several tasks: amounts add up, and the basis is that of the least certain part. */
export function sumCharges(charges: readonly Charge[]): Charge {
  const leastCertainFirst: ChargeBasis[] = ["unknown", "table", "computed", "reported", "none"];
  const basis = leastCertainFirst.find((b) => charges.some((charge) => charge.basis === b)) ?? "none";
  return {
    costMicros: charges.reduce((sum, charge) => sum + charge.costMicros, 0),
    basis,
    priceRow: charges.find((charge) => charge.priceRow !== null)?.priceRow ?? null,
    ...sumUsage(charges),
  };
}

function sumUsage(charges: readonly Charge[]): Pick<Charge, "usage"> {
  const parts = charges.flatMap(({ usage }) => usage === undefined ? [] : [usage]);
  if (parts.length === 0) return {};
  const usage: Usage = {};
  for (const part of parts) {
    for (const kind of Object.keys(part) as UsageKind[]) usage[kind] = (usage[kind] ?? 0) + part[kind]!;
  }
  return { usage };
}
