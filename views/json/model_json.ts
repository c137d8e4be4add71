/** The models on offer: what they can do as data, and what they cost. */
import { z } from "zod";
import type { EditAbility, Model } from "../../lib/catalog/provider.ts";
import type { Models } from "../../lib/catalog/models.ts";
import { openAiModelJson, openAiModelShape } from "./openai_json.ts";
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
  edit: z.strictObject({
    sources: z.strictObject({
      max: z.int().min(1),
      maxBytes: z.int().min(1),
      longestSide: z.int().min(1),
      formats: z.array(z.enum(["png", "jpeg", "webp"])),
      by: z.enum(["bytes", "address"]),
      roles: z.boolean(),
    }),
    mask: z.enum(["alpha", "white", "black", "binary-white"]).nullable(),
    strength: rangeShape.nullable(),
    sizes: z.enum(["same", "list"]),
    keepsRest: z.enum(["darkroom", "provider"]).describe(
      "Who sees to it that what is outside of a mask stays as it is.",
    ),
  }).nullable().describe("What it can do with pictures that it is given; null: nothing."),
  progress: z.enum(["reported", "estimate"]).describe("Whether the provider reports a percentage."),
  previews: z.boolean(),
  prices: z.array(z.strictObject({
    size: sizeValue,
    costMicros: microsValue,
    perSourceMicros: microsValue.optional().describe("For each picture that it is given."),
    lane: z.literal("economy").optional().describe(
      "For a picture of a batch that is made for less within a day or two; those without it come first.",
    ),
  })).describe("For one picture."),
  retiresAt: z.iso.date().nullable().describe("From that day on the model is gone."),
}).meta({ id: "Model", description: "A model: what it can do, and what it costs." });

type ModelJson = z.output<typeof modelShape>;

export const modelsAnswer = answer({
  default: z.string(),
  models: z.array(modelShape),
  object: z.literal("list"),
  data: z.array(openAiModelShape).describe(
    "The same models as OpenAI lists them, for programs that are made for its API.",
  ),
});

export function modelsJson(
  models: readonly Model[],
  { price, economyPrice }: Pick<Models, "price" | "economyPrice">,
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
      edit: model.edit && editJson(model.edit),
      progress: model.progress,
      previews: model.previews,
      prices: [
        ...model.sizes.map((size) => {
          const { costMicros, perSourceMicros = 0 } = price({ model: model.id, size });
          return { size, costMicros, ...(model.edit !== null && { perSourceMicros }) };
        }),
        ...model.sizes.flatMap((size) => {
          const row = economyPrice({ model: model.id, size });
          return row === null ? [] : [{ size, costMicros: row.costMicros, lane: row.lane }];
        }),
      ],
      retiresAt: model.retiresAt,
    })),
    object: "list",
    data: models.map(openAiModelJson),
  };
}

function editJson({ sources: { contentTypes, ...sources }, ...ability }: EditAbility): ModelJson["edit"] {
  const formats = contentTypes.map((type) => type.replace("image/", "") as "png" | "jpeg" | "webp");
  return { sources: { ...sources, formats }, ...ability, keepsRest: "darkroom" };
}
