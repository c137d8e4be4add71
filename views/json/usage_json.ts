/** What a month's pictures cost, by day and by model. */
import { z } from "zod";
import type { Month, Spend } from "../../lib/money/account.ts";
import { answer, microsValue, monthValue } from "./values.ts";

const spendShape = z.strictObject({ costMicros: microsValue, images: z.int().nonnegative() });

export const usageAnswer = answer({
  month: monthValue,
  totalMicros: microsValue,
  days: z.array(spendShape.extend({ day: z.iso.date() })),
  models: z.array(spendShape.extend({ model: z.string() })),
});

/** Days and models on which nothing was charged and nothing made are left out. */
export function usageJson(name: string, month: Month): z.output<typeof usageAnswer> {
  return {
    success: true,
    month: name,
    totalMicros: month.spentMicros,
    days: inOrder(month.days).map(([day, spend]) => ({ day, ...spendJson(spend) })),
    models: inOrder(month.models).map(([model, spend]) => ({ model, ...spendJson(spend) })),
  };
}

function inOrder(spends: { [name: string]: Spend }): [string, Spend][] {
  return Object.entries(spends).sort(([a], [b]) => a < b ? -1 : 1);
}

function spendJson({ costMicros, images }: Spend): z.output<typeof spendShape> {
  return { costMicros, images };
}
