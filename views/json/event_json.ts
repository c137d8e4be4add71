/** One message of the JSON event streams. */
import { z } from "zod";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import { percentValue, reasonValue, stageValue, statusValue } from "./prompt_json.ts";
import { idValue, microsValue } from "./values.ts";

export const promptEventShape = z.strictObject({
  id: idValue,
  status: statusValue,
  stage: stageValue.nullable().describe("Null once it is final."),
  percent: percentValue.nullable(),
  isEstimate: z.boolean().describe("The percentage comes from how long earlier prompts of the model took."),
  position: z.int().nonnegative().nullable().describe(
    "Only while it waits for its turn: how many of the user's own come before it.",
  ),
  images: z.array(idValue),
  costMicros: microsValue.nullable(),
  errorCode: reasonValue.nullable(),
}).meta({ id: "PromptEvent", description: "A prompt as it is now." });

export function promptEventJson(view: PromptView): z.output<typeof promptEventShape> {
  const { prompt, progress, entry } = view;
  return {
    id: prompt.id,
    status: prompt.status,
    stage: view.stage,
    percent: progress?.percent ?? null,
    isEstimate: progress?.isEstimate ?? false,
    position: view.position,
    images: view.images.map(({ image }) => image.id),
    costMicros: entry && entry.costMicros,
    errorCode: view.failure?.reason ?? null,
  };
}
