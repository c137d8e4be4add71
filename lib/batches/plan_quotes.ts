/** Quotes put together as the rows of one batch. */
import type { PriceRow } from "../money/charge.ts";
import type { Filing, RecipeUse } from "../prompts/prompt.ts";
import { leastSeen, type Quote } from "../prompts/quote.ts";
import type { BatchPlan, BatchRow } from "./plan.ts";

/** A quote, where its pictures go when they arrive, and what they are made with. */
export interface FiledQuote extends Quote {
  filing?: Filing;
  recipe?: RecipeUse;
}

/** A plan of these rows, in their order: a list, without axes. */
export function planQuotes(quotes: readonly FiledQuote[]): BatchPlan {
  const priceRows: PriceRow[] = [];
  const known = new Map<string, number>();
  const rows = quotes.map(({ request, mostMicros, priceRow, model, filing, recipe }): BatchRow => {
    const name = JSON.stringify(priceRow);
    const number = known.get(name) ?? priceRows.push(priceRow) - 1;
    known.set(name, number);
    return {
      request,
      holdMicros: mostMicros,
      priceRow: number,
      imagesPerTask: model.imagesPerTask,
      ...filing !== undefined && { filing },
      ...recipe !== undefined && { recipe },
    };
  });
  const byModel = new Map<string, BatchPlan["byModel"][0]>();
  for (const { request: { model, count }, holdMicros } of rows) {
    const sum = byModel.get(model) ?? { model, rows: 0, images: 0, costMicros: 0 };
    byModel.set(model, {
      model,
      rows: sum.rows + 1,
      images: sum.images + count,
      costMicros: sum.costMicros + holdMicros,
    });
  }
  const pricesSeen = leastSeen(quotes);
  return {
    rows,
    priceRows,
    images: rows.reduce((sum, { request }) => sum + request.count, 0),
    mostMicros: rows.reduce((sum, { holdMicros }) => sum + holdMicros, 0),
    byModel: [...byModel.values()],
    axes: null,
    ...pricesSeen && { pricesSeen },
  };
}

/** The same plan by the prices that there are now; null: none was added since. Refuses with `invalid_model`. */
export async function planAgainByPrices(plan: BatchPlan): Promise<BatchPlan | null> {
  const { rows, priceRows, axes, pricesSeen } = plan;
  if (pricesSeen === undefined) return null;
  const quotes = await pricesSeen.quoteAgain(
    rows.map(({ request, priceRow }) => ({ request, priceRow: priceRows[priceRow] })),
  );
  const again = planQuotes(quotes.map((quote, i) => {
    const { filing, recipe } = rows[i];
    return { ...quote, filing, recipe };
  }));
  return again.pricesSeen?.versionstamp === pricesSeen.versionstamp ? null : { ...again, axes };
}
