/** What a request would cost, or the rows of a batch. */
import { z } from "zod";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { Quote } from "../../lib/prompts/quote.ts";
import { batchQuoteShape } from "./batch_quote_json.ts";
import { answer, dollars, dollarsValue, maybeDollars, microsValue, sizeValue } from "./values.ts";

export const quoteAnswer = answer({
  model: z.string().optional().describe("Of a single request."),
  count: z.int().min(1).optional(),
  costMicros: microsValue,
  cost: dollarsValue,
  basis: z.enum(["table", "none", "table+perSource", "none+perSource"]).describe(
    "Of the price book, or free; with pictures that are given to the model, each at the row's `perSource`.",
  ),
  perSource: dollarsValue.optional().describe(
    "Only with pictures that are given to the model: what each costs, and the size of what is made.",
  ),
  sources: z.int().min(1).optional(),
  imageSize: sizeValue.optional(),
  remaining: dollarsValue.nullable().describe(
    "What is left of the budget before the request; null: there is no limit.",
  ),
  rows: batchQuoteShape.rows.optional().describe("Of a batch."),
  images: batchQuoteShape.images.optional(),
  byModel: batchQuoteShape.byModel.optional(),
});

export function quoteJson(
  { request, model, mostMicros, priceRow }: Quote,
  budget: BudgetState,
): z.output<typeof quoteAnswer> {
  const basis = mostMicros === 0 ? "none" : "table";
  return {
    success: true,
    model: model.id,
    count: request.count,
    costMicros: mostMicros,
    cost: dollars(mostMicros),
    basis: request.edit === undefined ? basis : `${basis}+perSource`,
    ...(request.edit !== undefined && {
      perSource: dollars(priceRow.perSourceMicros ?? 0),
      sources: request.edit.sources.length,
      imageSize: request.imageSize,
    }),
    remaining: maybeDollars(budget.remainingMicros),
  };
}
