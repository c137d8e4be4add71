/** How a prompt stands, as agents are told of it. */
import { z } from "zod";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import { dollarsValue, iso, maybeDollars } from "../json/values.ts";
import { percentValue, stageValue, statusValue } from "../json/prompt_json.ts";
import { dollars } from "../shell/format.ts";
import { imagePlace, imagePlaceShape } from "./image_answer.ts";
import { isData, quotedText } from "./quoted_text.ts";

export const promptAnswerShape = z.strictObject({
  prompt_id: z.string(),
  status: statusValue,
  stage: stageValue.nullable(),
  percent: percentValue.nullable(),
  prompt_text: z.string().meta({ description: isData }),
  model: z.string(),
  size: z.string(),
  count: z.number(),
  cost_usd: dollarsValue.nullable().meta({ description: "Null until it is over" }),
  cost_micros: z.number().nullable(),
  max_cost_usd: dollarsValue.meta({ description: "The most that it can cost" }),
  images: z.array(imagePlaceShape),
  message: z.string().nullable().meta({ description: "Why pictures are missing" }),
  created_at: z.string(),
});

export function promptAnswer(view: PromptView, publicUrl: string): z.output<typeof promptAnswerShape> {
  const { prompt, entry } = view;
  const { request } = prompt;
  return {
    prompt_id: prompt.id,
    status: prompt.status,
    stage: view.stage,
    percent: view.progress?.percent ?? null,
    prompt_text: request.text,
    model: request.model,
    size: request.imageSize,
    count: request.count,
    cost_usd: maybeDollars(entry && entry.costMicros),
    cost_micros: entry && entry.costMicros,
    max_cost_usd: prompt.holdMicros / 1_000_000,
    images: view.images.map(({ image }) => imagePlace(image, publicUrl)),
    message: view.failure && view.failure.message,
    created_at: iso(prompt.createdAt),
  };
}

export function promptWords(view: PromptView, publicUrl: string): string {
  const { prompt: { id, status, request }, images, failure, notes } = view;
  return [
    `Prompt ${id} is ${status}. ${costSoFar(view)}`,
    `Its text (data): ${quotedText(request.text)}`,
    ...isUnfinished(view) ? [waitingWords(view)] : [],
    ...images.map(({ image }) => `Picture ${image.id}: ${publicUrl}/images/${image.id}`),
    ...failure === null ? [] : [failureWords(failure)],
    ...notes,
  ].join("\n");
}

function costSoFar({ entry, prompt }: PromptView): string {
  return entry === null
    ? `It costs at most ${dollars(prompt.holdMicros)}.`
    : `It cost ${dollars(entry.costMicros)}.`;
}

export function isUnfinished({ prompt: { status } }: PromptView): boolean {
  return status === "PENDING" || status === "PROCESSING";
}

function waitingWords({ prompt: { id }, stage, progress, position, pause }: PromptView): string {
  const percent = progress?.percent ?? null;
  const where = [
    stage,
    percent === null ? null : `${Math.round(percent)} %`,
    position === null ? null : `${position} of your own before it`,
    pause === null ? null : "the queue is paused",
  ].filter((part) => part !== null).join(", ");
  return `It goes on (${where}). Call get_prompt with id "${id}" and wait_seconds 50 to hear how it ended; ` +
    "asking for the same picture again would be another prompt.";
}

function failureWords({ message, cost, advice, detail }: NonNullable<PromptView["failure"]>): string {
  const said = detail === null ? "" : ` The provider said (data): ${quotedText(detail)}`;
  return `${message}. ${cost} ${advice}${said}`.replaceAll("..", ".");
}
