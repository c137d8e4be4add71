/**
 * Dated prices by provider, model, size and quality, in micro-dollars a picture. A charge keeps the row it used,
 * so a later row changes nothing that was booked. Sources: the providers' price pages as of `validFrom`.
 */
export interface PriceRow {
  provider: string;
  model: string;
  /** "WIDTHxHEIGHT", or "*" for every size that has no row of its own. */
  size: string;
  quality: string;
  /** For one picture. */
  costMicros: number;
  /** ISO date (UTC) from which the row counts. */
  validFrom: string;
}

const row = (provider: string, model: string, size: string, costMicros: number): PriceRow => (
  { provider, model, size, quality: "standard", costMicros, validFrom: "2026-01-01" }
);

/** The rows that ship with Darkroom. */
export const shippedPrices: readonly PriceRow[] = [
  row("sketch", "sketch", "*", 0),
  row("nanobanana", "nanobanana", "*", 20_000),
  row("nanobanana", "nanobanana-2", "*", 40_000),
  row("nanobanana", "nanobanana-2", "1536x1536", 60_000),
  row("nanobanana", "nanobanana-pro", "*", 90_000),
];

export interface PriceBook {
  /** The row for one picture at that time; null where the model has no price. */
  price(query: { model: string; size: string; at: number }): PriceRow | null;
}

export function createPriceBook(rows: readonly PriceRow[]): PriceBook {
  return {
    price({ model, size, at }) {
      const day = new Date(at).toISOString().slice(0, 10);
      const valid = rows.filter((r) =>
        r.model === model && r.validFrom <= day && (r.size === size || r.size === "*")
      );
      valid.sort((a, b) =>
        Number(b.size === size) - Number(a.size === size) || b.validFrom.localeCompare(a.validFrom)
      );
      return valid[0] ?? null;
    },
  };
}
