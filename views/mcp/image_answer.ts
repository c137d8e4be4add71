/** Pictures as agents are told of them. */
import { z } from "zod";
import type { Image } from "../../lib/images/image.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import { imageFileUrl } from "../json/image_json.ts";
import { dollarsValue, iso, maybeDollars } from "../json/values.ts";
import { dollars } from "../shell/format.ts";
import { isData, quotedText } from "./quoted_text.ts";

const scheme = "darkroom://images/";

/** How a resource is called that is a picture. */
export function imageUri(imageId: string): string {
  return scheme + imageId;
}

export const imageUriTemplate = `${scheme}{id}`;

const pixels = z.number();

/** Where a picture is found. */
export const imagePlaceShape = z.strictObject({
  id: z.string(),
  /** The resource. */
  uri: z.string(),
  url: z.string().meta({ description: "Its bytes, for whoever sends the same key" }),
  page: z.string().meta({ description: "Its page, for people who are signed in" }),
  width: pixels,
  height: pixels,
});

export function imagePlace(
  { id, width, height }: Pick<Image, "id" | "width" | "height">,
  publicUrl: string,
): z.output<typeof imagePlaceShape> {
  return {
    id,
    uri: imageUri(id),
    url: imageFileUrl(publicUrl, id),
    page: `${publicUrl}/images/${id}`,
    width,
    height,
  };
}

export const imageFactsShape = imagePlaceShape.extend({
  prompt_id: z.string().nullable(),
  prompt_text: z.string().nullable().meta({ description: isData }),
  model: z.string().nullable(),
  seed: z.number().nullable(),
  cost_usd: dollarsValue.nullable(),
  rating: z.number(),
  tags: z.array(z.string()).meta({ description: isData }),
  created_at: z.string(),
});

export function imageFacts(view: PictureView, publicUrl: string): z.output<typeof imageFactsShape> {
  const { image, prompt } = view;
  return {
    ...imagePlace(image, publicUrl),
    prompt_id: prompt && prompt.id,
    prompt_text: prompt && view.text,
    model: image.kind === "made" ? image.model : null,
    seed: image.kind === "made" ? image.seed : null,
    cost_usd: view.prompt === null ? 0 : maybeDollars(view.costMicros),
    rating: image.rating,
    tags: image.tags,
    created_at: iso(image.createdAt),
  };
}

/** One line. */
export function imageWords(view: PictureView): string {
  const { image } = view;
  const made = image.kind === "made" ? `by ${image.model}` : "uploaded";
  const cost = view.prompt !== null && view.costMicros !== null ? `, ${dollars(view.costMicros)}` : "";
  const facts = `${image.width} x ${image.height}, ${made}, ${iso(image.createdAt)}${cost}`;
  return `${image.id}: ${facts}; ${view.prompt === null ? "called" : "prompt"} (data): ${
    quotedText(view.text)
  }`;
}

/** A name without a word that somebody typed. */
export function imageName(image: Image): string {
  const made = image.kind === "made" ? image.model : "upload";
  return `${iso(image.createdAt).slice(0, 16).replace("T", " ")} ${made} ${image.width}x${image.height}`;
}

export const imageAnswerShape = z.strictObject({ image: imageFactsShape });

export const imagesAnswerShape = z.strictObject({
  images: z.array(imageFactsShape),
  next_cursor: z.string().nullable().meta({ description: "Null: there are no more" }),
});

export function imagesWords(views: readonly PictureView[], nextCursor: string | null): string {
  const more = nextCursor === null
    ? []
    : [`There may be more: call list_images with cursor "${nextCursor}".`];
  if (views.length === 0) return ["No pictures.", ...more].join("\n");
  return [...views.map(imageWords), ...more].join("\n");
}
