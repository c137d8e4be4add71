/** The answers to a call that asks for pictures: accepted, made, or ended without. */
import { z } from "zod";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import { errorShape } from "./error_json.ts";
import { promptImageShape, promptImagesJson, reasonValue, statusValue } from "./prompt_json.ts";
import { answer, dollars, dollarsValue, durationValue, idValue, microsValue } from "./values.ts";

export const acceptedAnswer = answer({ promptId: idValue, status: statusValue });

export function acceptedJson(prompt: Prompt): z.output<typeof acceptedAnswer> {
  return { success: true, promptId: prompt.id, status: prompt.status };
}

export const generatedAnswer = answer({
  promptId: idValue,
  status: statusValue,
  images: z.array(promptImageShape),
  cost: dollarsValue,
  costMicros: microsValue,
  duration: durationValue.nullable().describe("Milliseconds from acceptance to completion."),
  errorMessage: z.string().optional().describe(
    "What is missing, where fewer pictures came than were asked for.",
  ),
});

export function generatedJson(view: PromptView, publicUrl: string): z.output<typeof generatedAnswer> {
  const costMicros = view.entry?.costMicros ?? 0;
  return {
    success: true,
    promptId: view.prompt.id,
    status: view.prompt.status,
    images: promptImagesJson(view, publicUrl),
    cost: dollars(costMicros),
    costMicros,
    duration: view.durationMs,
    ...(view.failure !== null && { errorMessage: view.failure.message }),
  };
}

export const unsuccessfulAnswer = z.strictObject({
  success: z.literal(false),
  promptId: idValue,
  status: z.enum(["FAILED", "CANCELLED"]),
  cost: dollarsValue,
  costMicros: microsValue,
  error: errorShape.omit({ remaining: true }).extend({
    code: z.enum(["generation_failed", "conflict"]),
    message: z.string().optional(),
    reason: reasonValue.optional(),
    detail: z.string().nullable().describe(
      "What the provider said, in its own words; null where it said nothing.",
    ),
  }),
}).meta({
  id: "Unsuccessful",
  description: "A prompt that failed, or was cancelled, while its caller waited.",
});

/** A prompt that failed or was cancelled while its caller waited. */
export function unsuccessfulJson(
  view: PromptView,
  { status, requestId }: { status: "FAILED" | "CANCELLED"; requestId: string },
): z.output<typeof unsuccessfulAnswer> {
  const costMicros = view.entry?.costMicros ?? 0;
  return {
    success: false,
    promptId: view.prompt.id,
    status,
    cost: dollars(costMicros),
    costMicros,
    error: {
      message: view.failure?.message,
      code: status === "FAILED" ? "generation_failed" : "conflict",
      reason: view.failure?.reason,
      detail: view.failure?.detail ?? null,
      requestId,
    },
  };
}
