/** Models, budgets and prices, as agents are told of them. */
import { z } from "zod";
import type { Model } from "../../lib/catalog/provider.ts";
import type { Models } from "../../lib/catalog/models.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { Quote } from "../../lib/prompts/quote.ts";
import { dollarsValue, maybeDollars } from "../json/values.ts";
import { dollars, money } from "../shell/format.ts";

export const modelsAnswerShape = z.strictObject({
  default: z.string(),
  models: z.array(z.strictObject({
    id: z.string(),
    name: z.string(),
    provider: z.string(),
    max_count: z.number(),
    takes_seed: z.boolean(),
    edits: z.boolean().meta({ description: "edit_image takes it" }),
    is_free: z.boolean().meta({ description: "max_cost_usd may be left out" }),
    prices: z.array(z.strictObject({
      size: z.string(),
      usd: dollarsValue.meta({ description: "For one picture" }),
      usd_per_source: dollarsValue.optional().meta({
        description: "For each picture that is changed, besides",
      }),
    })),
  })),
});

type ModelAnswer = z.output<typeof modelsAnswerShape>["models"][number];

export function modelsAnswer(
  models: readonly Model[],
  { price }: Pick<Models, "price">,
): z.output<typeof modelsAnswerShape> {
  return { default: models[0].id, models: models.map((model) => modelAnswer(model, { price })) };
}

function modelAnswer(model: Model, { price }: Pick<Models, "price">): ModelAnswer {
  const prices = model.sizes.map((size) => {
    const { costMicros, perSourceMicros = 0 } = price({ model: model.id, size });
    return {
      size,
      usd: costMicros / 1_000_000,
      ...(model.edit !== null && { usd_per_source: perSourceMicros / 1_000_000 }),
    };
  });
  return {
    id: model.id,
    name: model.name,
    provider: model.provider,
    max_count: model.maxCount,
    takes_seed: model.options.seed,
    edits: model.edit !== null,
    is_free: !model.isUnpriced &&
      prices.every(({ usd, usd_per_source: perSource = 0 }) => usd === 0 && perSource === 0),
    prices,
  };
}

export function modelsWords({ default: standard, models }: z.output<typeof modelsAnswerShape>): string {
  return models.map((model) => {
    const all = model.prices.map(({ size, usd }) => `${size} ${money(Math.round(usd * 1_000_000))}`);
    const marks = [
      ...model.id === standard ? ["default"] : [],
      ...model.edits ? ["edits pictures"] : [],
      ...model.takes_seed ? ["takes a seed"] : [],
    ];
    return `${model.id}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}: ${all.join(", ")}`;
  }).join("\n");
}

export const budgetAnswerShape = z.strictObject({
  month: z.string(),
  spent_usd: dollarsValue,
  held_usd: dollarsValue.meta({ description: "Set aside for what is not over yet" }),
  left_usd: dollarsValue.nullable().meta({ description: "Null: there is no limit" }),
  limit_usd: dollarsValue.nullable(),
});

export function budgetAnswer(budget: BudgetState): z.output<typeof budgetAnswerShape> {
  return {
    month: budget.month,
    spent_usd: budget.spentMicros / 1_000_000,
    held_usd: budget.heldMicros / 1_000_000,
    left_usd: maybeDollars(budget.remainingMicros),
    limit_usd: maybeDollars(budget.limitMicros),
  };
}

export function budgetWords(budget: BudgetState): string {
  const { month, spentMicros, heldMicros, remainingMicros, limitMicros } = budget;
  const left = remainingMicros === null || limitMicros === null
    ? "left: no limit"
    : `left ${dollars(remainingMicros)} of ${dollars(limitMicros)}`;
  return `In ${month}: spent ${dollars(spentMicros)}, held ${dollars(heldMicros)}, ${left}.`;
}

export const quoteAnswerShape = z.strictObject({
  model: z.string(),
  size: z.string(),
  count: z.number(),
  max_cost_usd: dollarsValue.meta({ description: "The most that it can cost" }),
  max_cost_micros: z.number(),
  is_price_known: z.boolean().meta({
    description: "False: the provider tells no price, and it may cost more",
  }),
  left_usd: dollarsValue.nullable().meta({ description: "Of the budget, before; null: there is no limit" }),
});

export function quoteAnswer(
  { request, model, mostMicros }: Quote,
  { remainingMicros }: BudgetState,
): z.output<typeof quoteAnswerShape> {
  return {
    model: model.id,
    size: request.imageSize,
    count: request.count,
    max_cost_usd: mostMicros / 1_000_000,
    max_cost_micros: mostMicros,
    is_price_known: !isUnknown({ model, mostMicros }),
    left_usd: maybeDollars(remainingMicros),
  };
}

export function quoteWords(quote: Quote): string {
  const { request, model, mostMicros } = quote;
  const what = `${request.count} of ${request.imageSize} by ${model.id}`;
  if (isUnknown(quote)) return `Nobody tells what ${what} costs; it may cost something.`;
  return mostMicros === 0 ? `${what}: free.` : `${what}: at most ${dollars(mostMicros)}.`;
}

function isUnknown({ model, mostMicros }: Pick<Quote, "model" | "mostMicros">): boolean {
  return mostMicros === 0 && model.isUnpriced === true;
}
