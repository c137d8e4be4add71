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
  /** For a picture that is made in a lot; undefined: one that is made by itself, as soon as it can be. */
  lane?: "economy";
  /** Of a row of the economy lane that something was held by: what the picture would have cost by itself then. */
  insteadOfMicros?: number;
}

/**
 * What something costs in the lane of the row that it was held by, in whole micro-dollars and rather more than less:
 * what it would cost by itself, by the ratio of the two rows.
 */
export function scaledByLane(micros: number, row: PriceRow | null): number {
  if (row?.lane === undefined || !row.insteadOfMicros) return micros;
  return Math.ceil((micros * row.costMicros) / row.insteadOfMicros);
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
  /** By how much it was cheaper than it would have been by itself. */
  savedMicros?: number;
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
    ...sumSaved(charges),
  };
}

function sumSaved(charges: readonly Charge[]): Pick<Charge, "savedMicros"> {
  const savedMicros = charges.reduce((sum, charge) => sum + (charge.savedMicros ?? 0), 0);
  return savedMicros === 0 ? {} : { savedMicros };
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
