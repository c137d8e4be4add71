/** What many rows would cost together, and what they are. */
import { z } from "zod";
import type { BatchPlan, BatchRow } from "../../lib/batches/plan.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import {
  answer,
  dollars,
  dollarsValue,
  idValue,
  maybeDollars,
  microsValue,
  roleValue,
  sizeValue,
} from "./values.ts";

export const batchQuoteShape = {
  costMicros: microsValue,
  cost: dollarsValue,
  basis: z.enum(["table", "none"]),
  rows: z.int().min(1),
  images: z.int().min(1).describe("Pictures in all."),
  byModel: z.array(z.strictObject({
    model: z.string(),
    rows: z.int().min(1),
    images: z.int().min(1),
    costMicros: microsValue,
  })),
  remaining: dollarsValue.nullable().describe(
    "What is left of the budget before the batch; null: there is no limit.",
  ),
};

const batchQuoteAnswer = answer(batchQuoteShape);

export function batchQuoteJson(plan: BatchPlan, budget: BudgetState): z.output<typeof batchQuoteAnswer> {
  const { mostMicros, rows, images, byModel } = plan;
  return {
    success: true,
    costMicros: mostMicros,
    cost: dollars(mostMicros),
    basis: mostMicros === 0 ? "none" : "table",
    rows: rows.length,
    images,
    byModel,
    remaining: maybeDollars(budget.remainingMicros),
  };
}

/** A row as the request that it will be. */
const expandedShape = z.strictObject({
  prompt: z.string(),
  model: z.string(),
  imageSize: sizeValue,
  count: z.int().min(1),
  seed: z.int().optional(),
  negativePrompt: z.string().optional(),
  guidance: z.number().optional(),
  steps: z.int().optional(),
  watermark: z.string().optional(),
  sources: z.array(z.strictObject({ id: idValue, role: roleValue })).optional(),
  mask: idValue.optional(),
  boardId: idValue.optional(),
  tags: z.array(z.string()).optional(),
  recipeId: idValue.optional(),
  recipeVersion: z.int().positive().optional(),
  costMicros: microsValue,
});

/** The first rows of many. */
export const mostExpanded = 100;

export const dryRunAnswer = answer({
  ...batchQuoteShape,
  expanded: z.array(expandedShape).max(mostExpanded),
});

export function dryRunJson(plan: BatchPlan, budget: BudgetState): z.output<typeof dryRunAnswer> {
  return { ...batchQuoteJson(plan, budget), expanded: plan.rows.slice(0, mostExpanded).map(expandedJson) };
}

function expandedJson({ request, filing, recipe, holdMicros }: BatchRow): z.output<typeof expandedShape> {
  const { text, model, imageSize, count, watermark, options, edit } = request;
  return {
    prompt: text,
    model,
    imageSize,
    count,
    ...options,
    ...watermark !== null && { watermark },
    ...edit !== undefined && { sources: edit.sources.map(({ imageId, role }) => ({ id: imageId, role })) },
    ...edit?.mask && { mask: edit.mask.maskId },
    ...filing?.boardId && { boardId: filing.boardId },
    ...filing && filing.tags.length > 0 && { tags: filing.tags },
    ...recipe && { recipeId: recipe.recipeId, recipeVersion: recipe.version },
    costMicros: holdMicros,
  };
}
