/** The models on offer: what they can do as data, and what they cost. */
import { z } from "zod";
import type { Model } from "../../lib/catalog/provider.ts";
import type { PriceRow } from "../../lib/money/charge.ts";
import { answer, microsValue, sizeValue } from "./values.ts";

const rangeShape = z.strictObject({ min: z.number(), max: z.number(), step: z.number() });

export const modelShape = z.strictObject({
  id: z.string(),
  provider: z.string(),
  name: z.string(),
  sizes: z.array(sizeValue),
  maxCount: z.int().min(1),
  options: z.strictObject({
    seed: z.boolean(),
    negativePrompt: z.boolean(),
    guidance: rangeShape.nullable(),
    steps: rangeShape.nullable(),
    watermark: z.literal(true),
  }),
  /** Whether the provider reports a percentage. */
  progress: z.enum(["reported", "estimate"]),
  previews: z.boolean(),
  /** For one picture. */
  prices: z.array(z.strictObject({ size: sizeValue, costMicros: microsValue })),
  /** From that day on the model is gone. */
  retiresAt: z.iso.date().nullable(),
});

/** As OpenAI lists a model, for programs that are made for its API. */
const openAiModelShape = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  /** Seconds since 1970; when a model came is not known. */
  created: z.literal(0),
  owned_by: z.string(),
});

export const modelsAnswer = answer({
  default: z.string(),
  models: z.array(modelShape),
  object: z.literal("list"),
  /** The same models. */
  data: z.array(openAiModelShape),
});

export function modelsJson(
  models: readonly Model[],
  { price }: { price: (query: { model: string; size: string }) => PriceRow },
): z.output<typeof modelsAnswer> {
  return {
    success: true,
    default: models[0].id,
    models: models.map((model) => ({
      id: model.id,
      provider: model.provider,
      name: model.name,
      sizes: model.sizes,
      maxCount: model.maxCount,
      options: { ...model.options, watermark: true },
      progress: model.progress,
      previews: model.previews,
      prices: model.sizes.map((size) => ({ size, costMicros: price({ model: model.id, size }).costMicros })),
      retiresAt: model.retiresAt,
    })),
    object: "list",
    data: models.map(({ id, provider }) => ({ id, object: "model", created: 0, owned_by: provider })),
  };
}
