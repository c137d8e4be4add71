/** What a request would cost. */
import { z } from "zod";
import type { Model } from "../../lib/catalog/provider.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import { answer, dollars, dollarsValue, maybeDollars, microsValue } from "./values.ts";

export const quoteAnswer = answer({
  model: z.string(),
  count: z.int().min(1),
  costMicros: microsValue,
  cost: dollarsValue,
  /** Of the price book, or free. */
  basis: z.enum(["table", "none"]),
  /** What is left of the budget before the request; null: there is no limit. */
  remaining: dollarsValue.nullable(),
});

export function quoteJson(
  { model, count, costMicros, budget }: {
    model: Model;
    count: number;
    costMicros: number;
    budget: BudgetState;
  },
): z.output<typeof quoteAnswer> {
  return {
    success: true,
    model: model.id,
    count,
    costMicros,
    cost: dollars(costMicros),
    basis: costMicros === 0 ? "none" : "table",
    remaining: maybeDollars(budget.remainingMicros),
  };
}
