/**
 * What OpenAI's images API answers with (its reference, as of `openai` 7.57), for programs that are made for it: errors,
 * models, pictures and the events of a stream. `darkroom` in an answer is ours.
 *
 * Pictures are large, so the text of an answer is made around them: the fields here are those beside `b64_json`.
 */
import { z } from "zod";
import type { Model } from "../../lib/catalog/provider.ts";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import type { Usage } from "../../lib/money/charge.ts";
import { idValue, microsValue, sizeValue } from "./values.ts";

export const openAiErrorAnswer = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable().describe("The field that is to blame."),
    code: z.string().nullable(),
  }),
}).meta({ id: "OpenAIError", description: "A refusal or a fault, as OpenAI tells them." });

export type OpenAiError = z.output<typeof openAiErrorAnswer>["error"];

export function openAiErrorJson(error: OpenAiError): z.output<typeof openAiErrorAnswer> {
  return { error };
}

/** The name that is always there: the default model. */
export const defaultAlias = "darkroom";

export const openAiModelShape = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.literal(0).describe("Seconds since 1970; when a model came is not known."),
  owned_by: z.string(),
}).meta({ id: "OpenAIModel" });

export const openAiModelsAnswer = z.strictObject({
  object: z.literal("list"),
  data: z.array(openAiModelShape),
});

export function openAiModelJson({ id, provider }: Pick<Model, "id" | "provider">) {
  return { id, object: "model", created: 0, owned_by: provider } satisfies z.output<typeof openAiModelShape>;
}

/** Under the alias the default stands once more, at the end. */
export function openAiModelsJson(models: readonly Model[]): z.output<typeof openAiModelsAnswer> {
  const alias = models.slice(0, 1).map((model) => openAiModelJson({ ...model, id: defaultAlias }));
  return { object: "list", data: [...models.map(openAiModelJson), ...alias] };
}

const usageShape = z.strictObject({
  input_tokens: z.int().nonnegative(),
  input_tokens_details: z.strictObject({
    text_tokens: z.int().nonnegative(),
    image_tokens: z.int().nonnegative(),
  }),
  output_tokens: z.int().nonnegative(),
  total_tokens: z.int().nonnegative(),
}).meta({
  id: "OpenAIUsage",
  description: "Tokens as the provider reported them; zeros where it reported nothing.",
});

/** As the provider reported it; zeros where it reported nothing. */
export function openAiUsageJson(usage: Usage): z.output<typeof usageShape> {
  const { textIn = 0, cachedTextIn = 0, imageIn = 0, textOut = 0, imageOut = 0 } = usage;
  const [text_tokens, image_tokens] = [textIn + cachedTextIn, imageIn];
  const [input_tokens, output_tokens] = [text_tokens + image_tokens, textOut + imageOut];
  return {
    input_tokens,
    input_tokens_details: { text_tokens, image_tokens },
    output_tokens,
    total_tokens: input_tokens + output_tokens,
  };
}

/** Of one of several pictures, by its number from 0 on: the shares add up to the whole. */
export function usageShare(usage: Usage, { index, of }: { index: number; of: number }): Usage {
  const share = (tokens: number) => Math.floor(tokens * (index + 1) / of) - Math.floor(tokens * index / of);
  return Object.fromEntries(Object.entries(usage).map(([kind, tokens]) => [kind, share(tokens)]));
}

const formatValue = z.enum(["png", "jpeg", "webp"]);

const pictureFacts = {
  size: sizeValue,
  quality: z.enum(["low", "medium", "high", "auto"]).describe(
    "What the provider was asked for, where that has names that are known here.",
  ),
  background: z.literal("auto"),
  output_format: formatValue,
};

const darkroomShape = z.strictObject({
  promptId: idValue,
  costMicros: microsValue,
  ignored: z.array(z.string()).describe("Fields that were sent and have no effect."),
  errorMessage: z.string().optional().describe(
    "What is missing, where fewer pictures came than were asked for.",
  ),
}).meta({ id: "DarkroomFacts", description: "What is Darkroom’s own in an answer." });

export const openAiImagesAnswer = z.strictObject({
  created: z.int(),
  data: z.array(z.union([z.strictObject({ b64_json: z.string() }), z.strictObject({ url: z.url() })])),
  ...pictureFacts,
  usage: usageShape,
  darkroom: darkroomShape,
}).meta({ id: "OpenAIImages", description: "Pictures, as OpenAI answers with them." });

type Format = z.output<typeof formatValue>;

/** All of an answer but its `data`; `format` is that of the first picture. */
export function openAiImagesFields(
  view: PromptView,
  { format, ignored }: { format: Format; ignored: string[] },
): Omit<z.output<typeof openAiImagesAnswer>, "data"> {
  return {
    created: seconds(view.prompt.updatedAt),
    ...factsOf(view, format),
    usage: openAiUsageJson(usageOf(view)),
    darkroom: darkroomOf(view, ignored),
  };
}

export type Kind = "image_generation" | "image_edit";

const eventFacts = { ...pictureFacts, b64_json: z.string(), created_at: z.int() };

export const openAiPartialEvent = z.strictObject({
  type: z.enum(["image_generation.partial_image", "image_edit.partial_image"]),
  partial_image_index: z.int().nonnegative(),
  ...eventFacts,
}).meta({ id: "PartialImageEvent", description: "A picture on the way." });

/** All of a partial picture's event but the picture. */
export function openAiPartialFields(
  { kind, index, size, format, at }: { kind: Kind; index: number; size: string; format: Format; at: number },
): Omit<z.output<typeof openAiPartialEvent>, "b64_json"> {
  return {
    type: `${kind}.partial_image`,
    partial_image_index: index,
    size,
    quality: "auto",
    background: "auto",
    output_format: format,
    created_at: seconds(at),
  };
}

export const openAiCompletedEvent = z.strictObject({
  type: z.enum(["image_generation.completed", "image_edit.completed"]),
  usage: usageShape,
  darkroom: darkroomShape,
  ...eventFacts,
}).meta({ id: "CompletedEvent", description: "A finished picture." });

/** All of a finished picture's event but the picture; `index` is its number among those of the prompt. */
export function openAiCompletedFields(
  view: PromptView,
  { kind, index, of, format, ignored }: {
    kind: Kind;
    index: number;
    of: number;
    format: Format;
    ignored: string[];
  },
): Omit<z.output<typeof openAiCompletedEvent>, "b64_json"> {
  return {
    type: `${kind}.completed`,
    ...factsOf(view, format),
    created_at: seconds(view.prompt.updatedAt),
    usage: openAiUsageJson(usageShare(usageOf(view), { index, of })),
    darkroom: darkroomOf(view, ignored),
  };
}

function factsOf({ prompt }: PromptView, output_format: Format) {
  return {
    size: prompt.request.imageSize,
    quality: qualities.find((known) => known === prompt.priceRow?.quality) ?? "auto",
    background: "auto",
    output_format,
  } as const;
}

const qualities = ["low", "medium", "high"] as const;

function usageOf({ entry }: PromptView): Usage {
  return entry?.usage ?? {};
}

function darkroomOf({ prompt, entry, failure }: PromptView, ignored: string[]) {
  return {
    promptId: prompt.id,
    costMicros: entry?.costMicros ?? 0,
    ignored,
    ...(failure !== null && { errorMessage: failure.message }),
  };
}

function seconds(at: number): number {
  return Math.floor(at / 1000);
}
