/** Pictures as they go out: in the form that was asked for, and as base64 in the middle of a text, a piece at a time. */
import type { ImageFiles } from "../../lib/images/image_file.ts";
import type { MadeImage } from "../../lib/images/image.ts";
import type { AddressedPicture } from "../../lib/images/picture_addresses.ts";
import { type PictureFormat, pictureFormats } from "../../lib/pixels/format.ts";
import type { PromptRequest } from "../../lib/prompts/prompt.ts";
import type { AnswerAs } from "./image_request.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** What is sent of a picture: as it is stored, where that is what was asked for. */
export function formOf(
  { id: imageId, contentType }: Pick<MadeImage, "id" | "contentType">,
  { format, quality }: Pick<AnswerAs, "format" | "quality">,
): AddressedPicture {
  const isAsked = format === null || contentType === `image/${format}`;
  if (isAsked && (quality === null || quality === 100)) return { imageId, format: null, quality: null };
  return { imageId, format, quality };
}

export function formatIn(
  { contentType }: Pick<MadeImage, "contentType">,
  form: AddressedPicture,
): PictureFormat {
  return form.format ?? pictureFormats.find((format) => contentType === `image/${format}`) ?? "png";
}

/** Its bytes; whoever opens them reads to the end, or cancels. */
export async function openPicture(
  files: ImageFiles,
  { image, request, form: { format, quality } }: {
    image: MadeImage;
    request: PromptRequest;
    form: AddressedPicture;
  },
): Promise<{ stream: ReadableStream<Bytes>; size: number }> {
  if (format !== null && quality !== null) {
    const bytes = await files.convert(image, { format, quality, request });
    return { stream: new Blob([bytes]).stream() as ReadableStream<Bytes>, size: bytes.length };
  }
  const form = format === null
    ? { form: "picture" as const }
    : { form: "download" as const, format, hasSettings: false };
  return await files.find(image, { form, request }).open();
}

const utf8 = new TextEncoder();

/** A JSON object with `b64_json` in front, whose bytes are read as they are asked for; `before` stands before it. */
export async function* objectWithBytes(
  stream: ReadableStream<Bytes>,
  { before = "", fields }: { before?: string; fields: object },
): AsyncGenerator<Bytes> {
  try {
    yield utf8.encode(`${before}{"b64_json":"`);
    yield* base64Of(stream);
    yield utf8.encode(`"${restOfObject(fields)}`);
  } finally {
    await stream.cancel();
  }
}

/** The text of an object without its first brace, as it goes on after a first field. */
export function restOfObject(fields: object): string {
  const text = JSON.stringify(fields).slice(1);
  return text === "}" ? text : `,${text}`;
}

/** Three bytes are four letters, so what is left over of a piece goes with the next one. */
export async function* base64Of(stream: ReadableStream<Bytes>): AsyncGenerator<Bytes> {
  let left: Bytes = new Uint8Array(0);
  for await (const piece of stream) {
    const all = left.length === 0 ? piece : joined(left, piece);
    const whole = all.length - all.length % 3;
    left = all.slice(whole);
    if (whole > 0) yield utf8.encode(all.subarray(0, whole).toBase64());
  }
  if (left.length > 0) yield utf8.encode(left.toBase64());
}

function joined(first: Bytes, second: Bytes): Bytes {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/**
 * A stream of what is made, whose first part is made before anybody is told that there is one: what goes wrong until then
 * is answered as such. Whoever stops reading ends the making; `onLeft` wakes one that waits.
 */
export async function begun(
  parts: AsyncGenerator<Bytes>,
  { onLeft = () => {} }: { onLeft?: () => void } = {},
): Promise<ReadableStream<Bytes>> {
  let next: IteratorResult<Bytes> | null = await parts.next();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = next ?? await parts.next();
      next = null;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      onLeft();
      await parts.return(undefined);
    },
  }, { highWaterMark: 0 });
}
