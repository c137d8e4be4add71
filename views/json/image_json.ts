/** A picture, and the list of pictures. */
import { z } from "zod";
import type { ImageView } from "../../lib/live/prompt_view.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import {
  answer,
  dollars,
  dollarsValue,
  durationValue,
  idValue,
  iso,
  maybeDollars,
  timeValue,
} from "./values.ts";

const pixels = z.int().positive();

export const imageShape = z.strictObject({
  id: idValue,
  promptId: idValue,
  prompt: z.string(),
  title: z.string(),
  url: z.url(),
  width: pixels,
  height: pixels,
  /** As the provider made it. */
  originalWidth: pixels,
  originalHeight: pixels,
  contentType: z.string(),
  bytes: z.int().positive(),
  /** Hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  model: z.string(),
  seed: z.int().nullable(),
  /** Its part of what its prompt cost; null until that is known. */
  cost: dollarsValue.nullable(),
  createdAt: timeValue,
});

export const imageAnswer = answer({ image: imageShape });

export function imageJson(
  { image, prompt, costMicros }: ImageView,
  publicUrl: string,
): z.output<typeof imageAnswer> {
  return {
    success: true,
    image: {
      id: image.id,
      promptId: image.promptId,
      prompt: prompt.request.text,
      title: image.title,
      url: imageFileUrl(publicUrl, image.id),
      width: image.width,
      height: image.height,
      originalWidth: image.originalWidth,
      originalHeight: image.originalHeight,
      contentType: image.contentType,
      bytes: image.byteLength,
      sha256: image.sha256,
      model: image.model,
      seed: image.seed,
      cost: maybeDollars(costMicros),
      createdAt: iso(image.createdAt),
    },
  };
}

export const imageListAnswer = answer({
  images: z.array(z.strictObject({
    promptId: idValue,
    prompt: z.string(),
    imageId: idValue,
    url: z.url(),
    cost: dollarsValue.nullable(),
    durationMs: durationValue.nullable(),
    createdAt: timeValue,
  })),
  summary: z.strictObject({
    /** Everything ever charged, failed prompts included. */
    totalCost: dollarsValue,
    totalGenerated: z.int().nonnegative(),
  }),
  pagination: paginationShape,
});

export function imageListJson(
  items: ImageView[],
  { publicUrl, chargedMicros, pagination }: {
    publicUrl: string;
    chargedMicros: number;
    pagination: Pagination;
  },
): z.output<typeof imageListAnswer> {
  return {
    success: true,
    images: items.map(({ image, prompt, costMicros, durationMs }) => ({
      promptId: prompt.id,
      prompt: prompt.request.text,
      imageId: image.id,
      url: imageFileUrl(publicUrl, image.id),
      cost: maybeDollars(costMicros),
      durationMs,
      createdAt: iso(image.createdAt),
    })),
    summary: { totalCost: dollars(chargedMicros), totalGenerated: pagination.total },
    pagination,
  };
}

export function imageFileUrl(publicUrl: string, imageId: string): string {
  return `${publicUrl}/api/v1/images/${imageId}/file`;
}
