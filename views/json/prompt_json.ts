/** A prompt with its pictures and what was booked, and the list of prompts. */
import { z } from "zod";
import type { Edit, PromptRequest } from "../../lib/prompts/prompt.ts";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import { imageFileUrl } from "./image_json.ts";
import { ledgerJson, ledgerShape } from "./ledger_json.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import {
  answer,
  dollars,
  dollarsValue,
  durationValue,
  idValue,
  iso,
  microsValue,
  roleValue,
  sizeValue,
  timeValue,
} from "./values.ts";

export const statusValue = z.enum(["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"]).meta({
  id: "PromptStatus",
  description: "`COMPLETED`, `FAILED` and `CANCELLED` are final and never change.",
});
export const stageValue = z.enum(["queued", "submitting", "generating", "storing"]);
export const percentValue = z.number().min(0).max(100);

/** Why a prompt did not bring (all of) its pictures. */
export const reasonValue = z.enum([
  "content_policy",
  "source_refused",
  "source_unreachable",
  "source_missing",
  "provider_auth",
  "provider_billing",
  "provider_rejected",
  "provider_failed",
  "provider_unavailable",
  "rate_limited",
  "timeout",
  "bad_result",
  "storage_failed",
  "outcome_unknown",
  "cancelled",
]).meta({ id: "FailureReason", description: "Why a prompt did not bring all of its pictures." });

const taskTypeValue = z.enum(["TEXT_TO_IMAGE", "IMAGE_TO_IMAGE", "INPAINT", "OUTPAINT"]);

/** One of a prompt's pictures. */
export const promptImageShape = z.strictObject({
  id: idValue,
  url: z.url(),
  title: z.string(),
  prompt: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
}).meta({ id: "PromptImage", description: "A picture of a prompt." });

export function promptImagesJson(
  { prompt, images }: PromptView,
  publicUrl: string,
): z.output<typeof promptImageShape>[] {
  return images.map(({ image }) => ({
    id: image.id,
    url: imageFileUrl(publicUrl, image.id),
    title: image.title,
    prompt: prompt.request.text,
    width: image.width,
    height: image.height,
  }));
}

const side = z.int().nonnegative();

export const promptShape = z.strictObject({
  id: idValue,
  prompt: z.string(),
  taskType: taskTypeValue,
  model: z.string(),
  imageSize: sizeValue,
  count: z.int().min(1),
  options: z.strictObject({
    seed: z.int().optional(),
    negativePrompt: z.string().optional(),
    guidance: z.number().optional(),
    steps: z.int().optional(),
  }),
  watermark: z.string().nullable(),
  sources: z.array(z.strictObject({ imageId: idValue, role: roleValue, sha256: z.string() })).describe(
    "The pictures that it was given, the base first.",
  ),
  mask: z.strictObject({ maskId: idValue, feather: z.int(), keep: z.boolean() }).nullable(),
  frame: z.strictObject({ left: side, top: side, right: side, bottom: side }).nullable().describe(
    "How far the base is extended, in its pixels.",
  ),
  strength: z.number().min(0).max(1).nullable(),
  remixOf: idValue.nullable().describe(
    "The publication that it goes back to; null where it is none's remix.",
  ),
  status: statusValue,
  stage: stageValue.nullable().describe("Null once it is final."),
  percent: percentValue.nullable(),
  cost: dollarsValue.nullable().describe("Null until it is settled."),
  costMicros: microsValue.nullable(),
  durationMs: durationValue.nullable(),
  errorMessage: z.string().nullable(),
  errorCode: reasonValue.nullable(),
  errorDetail: z.string().nullable().describe(
    "What the provider said, in its own words, or why what it sent was no picture.",
  ),
  createdAt: timeValue,
  updatedAt: timeValue,
  recipeId: idValue.nullable().describe(
    "The recipe that it was made with, which may be gone by now, and its version; null: none.",
  ),
  recipeVersion: z.int().positive().nullable(),
  images: z.array(promptImageShape),
  ledger: ledgerShape.nullable(),
}).meta({ id: "Prompt", description: "A request for pictures with how it went." });

export const promptAnswer = answer({ prompt: promptShape });

export function promptJson(view: PromptView, publicUrl: string): z.output<typeof promptAnswer> {
  const { prompt, entry } = view;
  const { request } = prompt;
  return {
    success: true,
    prompt: {
      id: prompt.id,
      prompt: request.text,
      taskType: request.taskType,
      model: request.model,
      imageSize: request.imageSize,
      count: request.count,
      options: request.options,
      watermark: request.watermark,
      ...editJson(request.edit),
      remixOf: publicationIdOf(request),
      status: prompt.status,
      stage: view.stage,
      percent: view.progress?.percent ?? null,
      cost: entry && dollars(entry.costMicros),
      costMicros: entry && entry.costMicros,
      durationMs: view.durationMs,
      errorMessage: view.failure?.message ?? null,
      errorCode: view.failure?.reason ?? null,
      errorDetail: view.failure?.detail ?? null,
      createdAt: iso(prompt.createdAt),
      updatedAt: iso(prompt.updatedAt),
      recipeId: prompt.recipe?.recipeId ?? null,
      recipeVersion: prompt.recipe?.version ?? null,
      images: promptImagesJson(view, publicUrl),
      ledger: entry && ledgerJson(entry),
    },
  };
}

function publicationIdOf({ remixOf }: PromptRequest): string | null {
  return remixOf !== undefined && "publicationId" in remixOf ? remixOf.publicationId : null;
}

function editJson(
  edit: Edit | undefined,
): Pick<z.output<typeof promptShape>, "sources" | "mask" | "frame" | "strength"> {
  if (edit === undefined) return { sources: [], mask: null, frame: null, strength: null };
  const { sources, mask, frame, strength, isRestKept } = edit;
  return {
    sources: sources.map(({ imageId, role, sha256 }) => ({ imageId, role, sha256 })),
    mask: mask && { maskId: mask.maskId, feather: mask.feather, keep: isRestKept },
    frame,
    strength,
  };
}

/** After it was moved: where it is now. */
export const movedPromptAnswer = promptAnswer.extend({
  place: z.int().positive().nullable().describe(
    "1 starts next; null where it runs by now, is over, or waits to be tried again.",
  ),
});

export function movedPromptJson(view: PromptView, publicUrl: string): z.output<typeof movedPromptAnswer> {
  return { ...promptJson(view, publicUrl), place: view.position === null ? null : view.position + 1 };
}

export const promptListAnswer = answer({
  prompts: z.array(z.strictObject({
    id: idValue,
    prompt: z.string(),
    taskType: taskTypeValue,
    imageSize: sizeValue,
    status: statusValue,
    cost: dollarsValue.nullable(),
    durationMs: durationValue.nullable(),
    errorMessage: z.string().nullable(),
    errorDetail: z.string().nullable(),
    createdAt: timeValue,
  })),
  pagination: paginationShape,
});

export function promptListJson(
  views: PromptView[],
  pagination: Pagination,
): z.output<typeof promptListAnswer> {
  return {
    success: true,
    prompts: views.map((view) => ({
      id: view.prompt.id,
      prompt: view.prompt.request.text,
      taskType: view.prompt.request.taskType,
      imageSize: view.prompt.request.imageSize,
      status: view.prompt.status,
      cost: view.entry && dollars(view.entry.costMicros),
      durationMs: view.durationMs,
      errorMessage: view.failure?.message ?? null,
      errorDetail: view.failure?.detail ?? null,
      createdAt: iso(view.prompt.createdAt),
    })),
    pagination,
  };
}
