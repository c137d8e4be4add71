/** A picture, and the list of pictures. */
import { z } from "zod";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { SeenPicture } from "../../lib/live/seen_picture.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import {
  answer,
  dollars,
  dollarsValue,
  durationValue,
  idValue,
  iso,
  maybeDollars,
  roleValue,
  timeValue,
} from "./values.ts";

const pixels = z.int().positive();

/** What people have said of a picture. */
export const marksShape = {
  rating: z.int().min(-1).max(5).describe("1 to 5 stars; 0: not rated; -1: rejected."),
  tags: z.array(z.string()),
  boards: z.array(idValue).describe("The ids of the boards that it is on."),
};

export function marksJson({ rating, tags, boards }: Image) {
  return { rating, tags, boards: boards.map(({ boardId }) => boardId) };
}

export const imageShape = z.strictObject({
  id: idValue,
  kind: z.enum(["made", "upload"]),
  promptId: idValue.nullable().describe("Null for an upload, as is its prompt and its model."),
  prompt: z.string().nullable(),
  title: z.string(),
  url: z.url(),
  width: pixels,
  height: pixels,
  originalWidth: pixels.describe("As the provider made it, or as it was sent."),
  originalHeight: pixels,
  contentType: z.string(),
  bytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/).describe("Hexadecimal."),
  model: z.string().nullable(),
  seed: z.int().nullable(),
  parents: z.array(z.strictObject({ imageId: idValue, role: roleValue })).describe(
    "What it was made from, the base first.",
  ),
  edge: z.number().min(0).max(255).nullable().describe(
    "How far the provider moved what was kept, next to the change, from 0 to 255; null: that can't be told.",
  ),
  cost: dollarsValue.nullable().describe("Its part of what its prompt cost; null until that is known."),
  ...marksShape,
  createdAt: timeValue,
}).meta({ id: "Image", description: "A picture with all that is known of it." });

export const imageAnswer = answer({ image: imageShape });

export function imageJson(view: PictureView, publicUrl: string): z.output<typeof imageAnswer> {
  const { image } = view;
  return { success: true, image: { ...factsJson(image, publicUrl), ...originJson(view) } };
}

/** The same for somebody who may not be its owner, who alone knows where it comes from and what that cost. */
export function seenImageJson(seen: SeenPicture, publicUrl: string): z.output<typeof imageAnswer> {
  if (seen.isOwn) return imageJson(seen.view, publicUrl);
  const { image, request, isPromptHidden } = seen;
  const made = image.kind === "made" ? image : null;
  return {
    success: true,
    image: {
      ...factsJson(image, publicUrl),
      promptId: null,
      prompt: request && request.text,
      model: made && made.model,
      seed: made === null || isPromptHidden ? null : made.seed,
      parents: [],
      edge: null,
      cost: null,
    },
  };
}

function factsJson(image: Image, publicUrl: string) {
  return {
    id: image.id,
    kind: image.kind,
    title: image.title,
    url: imageFileUrl(publicUrl, image.id),
    width: image.width,
    height: image.height,
    originalWidth: image.originalWidth,
    originalHeight: image.originalHeight,
    contentType: image.contentType,
    bytes: image.byteLength,
    sha256: image.sha256,
    ...marksJson(image),
    createdAt: iso(image.createdAt),
  };
}

/** Where it comes from, and what that cost. */
function originJson(
  view: PictureView,
): Pick<z.output<typeof imageShape>, "promptId" | "prompt" | "model" | "seed" | "parents" | "edge" | "cost"> {
  if (view.prompt === null) {
    return { promptId: null, prompt: null, model: null, seed: null, parents: [], edge: null, cost: 0 };
  }
  const { image, prompt, costMicros } = view;
  return {
    promptId: image.promptId,
    prompt: prompt.request.text,
    model: image.model,
    seed: image.seed,
    parents: (prompt.request.edit?.sources ?? []).map(({ imageId, role }) => ({ imageId, role })),
    edge: image.edge && image.edge.difference,
    cost: maybeDollars(costMicros),
  };
}

/** A picture in a list. */
export const imageItemShape = z.strictObject({
  promptId: idValue.nullable().describe("Null for an upload, as is its prompt."),
  prompt: z.string().nullable(),
  imageId: idValue,
  url: z.url(),
  cost: dollarsValue.nullable(),
  durationMs: durationValue.nullable(),
  createdAt: timeValue,
}).meta({ id: "ImageItem", description: "A picture in a list." });

export function imageItemsJson(
  views: readonly PictureView[],
  publicUrl: string,
): z.output<typeof imageItemShape>[] {
  return views.map((view) => ({
    promptId: view.prompt && view.prompt.id,
    prompt: view.prompt && view.prompt.request.text,
    imageId: view.image.id,
    url: imageFileUrl(publicUrl, view.image.id),
    ...(view.prompt === null
      ? { cost: 0, durationMs: null }
      : { cost: maybeDollars(view.costMicros), durationMs: view.durationMs }),
    createdAt: iso(view.image.createdAt),
  }));
}

/** The same of pictures whose owner may be somebody else. */
export function seenImageItemsJson(
  pictures: readonly SeenPicture[],
  publicUrl: string,
): z.output<typeof imageItemShape>[] {
  return pictures.map((seen) => {
    const [item] = imageItemsJson([seen.view], publicUrl);
    if (seen.isOwn) return item;
    return {
      ...item,
      promptId: null,
      prompt: seen.request && seen.request.text,
      cost: null,
      durationMs: null,
    };
  });
}

export const imageListAnswer = answer({
  images: z.array(imageItemShape),
  summary: z.strictObject({
    totalCost: dollarsValue.describe("Everything ever charged, failed prompts included."),
    totalGenerated: z.int().nonnegative(),
  }),
  pagination: paginationShape,
});

export function imageListJson(
  items: PictureView[],
  { publicUrl, chargedMicros, generated, pagination }: {
    publicUrl: string;
    chargedMicros: number;
    /** All pictures that were made and not deleted. */
    generated: number;
    pagination: Pagination;
  },
): z.output<typeof imageListAnswer> {
  return {
    success: true,
    images: imageItemsJson(items, publicUrl),
    summary: { totalCost: dollars(chargedMicros), totalGenerated: generated },
    pagination,
  };
}

export function imageFileUrl(publicUrl: string, imageId: string): string {
  return `${publicUrl}/api/v1/images/${imageId}/file`;
}
