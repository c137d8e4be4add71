/**
 * What is asked for in the words of OpenAI's images API, as JSON or as a form, made into what Darkroom is asked for. Fields
 * that have no effect here are named in the answer, not refused: clients send what other servers take.
 */
import { z } from "zod";
import { sha256OfMany } from "../../lib/digest.ts";
import { readFields } from "../../lib/fields.ts";
import { cutText } from "../../lib/graphemes.ts";
import { type PictureFormat, pictureFormats } from "../../lib/pixels/format.ts";
import { uploadLimits } from "../../lib/pixels/upright.ts";
import { mostSources, promptInput } from "../../lib/prompts/prompt_request.ts";
import { Refusal } from "../../lib/refusal.ts";
import { defaultAlias } from "../../views/json/openai_json.ts";
import type { AppContext } from "../http/context.ts";
import { isMultipart, readFilledForm, readJson, type SentFile } from "../http/request_body.ts";

export interface AskedPictures {
  /** Of the JSON API, without the pictures that are to be changed. */
  body: { prompt: string; model?: string; imageSize?: string; count?: number };
  answerAs: AnswerAs;
  /** What has no effect, as it was called. */
  ignored: string[];
}

export interface AnswerAs {
  /** Addresses instead of the bytes themselves. */
  isByAddress: boolean;
  /** Null: as they are stored. */
  format: PictureFormat | null;
  /** 1 to 100, for a format that loses something; null: the usual one. */
  quality: number | null;
  /** The most pictures on the way that are sent in a stream; null: no stream is wanted. */
  partialImages: number | null;
}

export interface AskedChange extends AskedPictures {
  pictures: SentFile[];
  mask: SentFile | null;
  /** What is outside of the mask stays as it is. */
  isRestKept: boolean;
}

const words = {
  n: "n must be a whole number from 1 to 10",
  size: "size must be text such as 1024x1024, or auto",
  responseFormat: "response_format is b64_json or url",
  outputFormat: "output_format is png, jpeg or webp",
  compression: "output_compression must be a whole number from 0 to 100",
  partialImages: "partial_images must be a whole number from 0 to 3",
  images: `images must be a list such as [{"image_url": "data:image/png;base64,…"}]`,
  mask: 'mask must be such as {"image_url": "data:image/png;base64,…"}',
};

const { prompt, model, seed, negativePrompt, guidance, steps } = promptInput.shape;
const generationFields = {
  prompt,
  model,
  n: z.int({ error: words.n }).min(1, words.n).max(10, words.n).optional().describe(
    "Pictures wanted, at most as many as the model makes at once; left out: 1.",
  ),
  size: z.string({ error: words.size }).optional().meta({
    description:
      "WIDTHxHEIGHT, one of the sizes that the model has; `auto` or left out: 1024x1024, or of the " +
      "first picture that is sent.",
    examples: ["1024x1024"],
  }),
  response_format: z.enum(["b64_json", "url"], { error: words.responseFormat }).optional().describe(
    "The bytes themselves, or addresses that hold for an hour; left out: the bytes.",
  ),
  stream: z.boolean({ error: "stream must be true or false" }).optional().describe(
    "Answer with server-sent events while it is made.",
  ),
  partial_images: z.int({ error: words.partialImages }).min(0, words.partialImages)
    .max(3, words.partialImages).optional().describe("The most pictures on the way that a stream tells."),
  output_format: z.enum(pictureFormats, { error: words.outputFormat }).optional().describe(
    "Left out: as it is kept.",
  ),
  output_compression: z.int({ error: words.compression }).min(0, words.compression)
    .max(100, words.compression).optional().describe("How good a JPEG or WebP is."),
  seed,
  negative_prompt: negativePrompt,
  guidance,
  steps,
};
export const generationInput = z.object(generationFields);

const imageAddress = (error: string) =>
  z.object({ image_url: z.string({ error }).optional(), file_id: z.unknown().optional() }, { error });

const changeFields = {
  ...generationFields,
  keep: z.boolean({ error: "keep must be true or false" }).optional().describe(
    "What is outside of the mask stays pixel by pixel; left out: it does.",
  ),
};
export const formInput = z.object(changeFields);
export const changeInput = z.object({
  ...changeFields,
  images: z.array(imageAddress(words.images), { error: words.images }).optional(),
  mask: imageAddress(words.mask).optional(),
});

type Asked = z.output<typeof generationInput>;

export async function readGeneration(c: AppContext): Promise<AskedPictures> {
  const sent = withoutNulls(await readJson(c));
  return askedFor(readAsked(generationInput, sent), namesBeside(sent, generationInput));
}

/** The pictures are in the fields `image` or `image[]` of a form, or as data in JSON. */
export async function readChange(c: AppContext): Promise<AskedChange> {
  return isMultipart(c) ? await readChangeForm(c) : await readChangeJson(c);
}

async function readChangeForm(c: AppContext): Promise<AskedChange> {
  const names = ["image", "image[]", ...Array.from({ length: mostSources + 1 }, (_, i) => `image[${i}]`)];
  const { fields, files } = await readFilledForm(c, [...names, "mask"]);
  const sent = Object.fromEntries(
    Object.entries(fields).filter(([name, text]) => text !== "" || name === "prompt").map(([name, text]) =>
      [name, fromText(name, text)] as const
    ),
  );
  const asText = [...names, "mask"].find((name) => name in sent);
  if (asText !== undefined) {
    const field = asText.replace(/\[.*/, "");
    throw new Refusal("invalid_request", `${field} must be a file`, { field });
  }
  const { keep = true, ...asked } = readAsked(formInput, sent);
  return {
    ...askedFor(asked, namesBeside(sent, formInput)),
    pictures: demandPictures(names.flatMap((name) => files[name] ?? []), "image"),
    mask: files.mask?.[0] ?? null,
    isRestKept: keep,
  };
}

async function readChangeJson(c: AppContext): Promise<AskedChange> {
  const sent = withoutNulls(await readJson(c));
  const { keep = true, images = [], mask, ...asked } = readAsked(changeInput, sent);
  const pictures = demandPictures(images, "images");
  return {
    ...askedFor(asked, namesBeside(sent, changeInput)),
    pictures: pictures.map((each, i) => fromAddress(withoutNulls(each), { field: "images", index: i })),
    mask: mask === undefined ? null : fromAddress(withoutNulls(mask), { field: "mask" }),
    isRestKept: keep,
  };
}

function demandPictures<T>(pictures: T[], field: string): T[] {
  if (pictures.length === 0) throw new Refusal("invalid_request", "Send the picture to change", { field });
  if (pictures.length <= mostSources) return pictures;
  throw new Refusal("invalid_request", `At most ${mostSources} pictures`, { field });
}

/** What names a request, whatever else differs when it is sent again: the bytes of its files, not how a form parts them. */
export async function identityOf(asked: AskedPictures | AskedChange): Promise<unknown> {
  const { body, answerAs } = asked;
  if (!("pictures" in asked)) return { body, answerAs };
  const { pictures, mask, isRestKept } = asked;
  const digests: string[] = [];
  for (const { bytes } of mask === null ? pictures : [mask, ...pictures]) {
    digests.push(await sha256OfMany(bytes));
  }
  return { body, answerAs, isRestKept, hasMask: mask !== null, digests };
}

function readAsked<T extends z.ZodObject>(schema: T, sent: unknown): z.output<T> {
  return readFields(schema, sent, {
    refuse: (field, message) => {
      const code = field === "prompt"
        ? "invalid_prompt"
        : field === "size"
        ? "invalid_image_size"
        : undefined;
      return new Refusal(code ?? "invalid_request", message.replace("negativePrompt", "negative_prompt"), {
        field,
      });
    },
  });
}

function askedFor(asked: Asked, unknown: string[]): AskedPictures {
  const { model, size, n, response_format, stream = false, partial_images = 0, ...rest } = asked;
  const { output_format: format = null, output_compression: compression, prompt, ...options } = rest;
  const canLose = format === "jpeg" || format === "webp";
  const { negative_prompt: negativePrompt, ...others } = options;
  return {
    body: defined({
      prompt,
      model: model === defaultAlias ? undefined : model,
      imageSize: size === "auto" ? undefined : size,
      count: n,
      negativePrompt,
      ...others,
    }),
    answerAs: {
      isByAddress: response_format === "url" && !stream,
      format,
      quality: canLose && compression !== undefined ? Math.max(1, compression) : null,
      partialImages: stream ? partial_images : null,
    },
    ignored: [
      ...unknown,
      ...compression !== undefined && !canLose ? ["output_compression"] : [],
      ...response_format === "url" && stream ? ["response_format"] : [],
      ...asked.partial_images !== undefined && !stream ? ["partial_images"] : [],
    ],
  };
}

const mostNamed = 50;
const longestNamed = 60;

/** Fields that were sent and that nobody here reads, among them those that other servers know. */
function namesBeside(sent: unknown, schema: z.ZodObject): string[] {
  const known = Object.keys(schema.shape);
  return Object.keys(sent as object).filter((name) => !known.includes(name)).slice(0, mostNamed)
    .map((name) => cutText(name, { chars: longestNamed }));
}

/** Clients write null where they mean to say nothing. */
function withoutNulls(sent: unknown): unknown {
  if (sent === null || typeof sent !== "object" || Array.isArray(sent)) return sent;
  return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null));
}

const numbers = ["n", "partial_images", "output_compression", "seed", "guidance", "steps"];
const choices = ["stream", "keep"];

/** A form knows text only: what is none of its kind stays text, and is refused as such. */
function fromText(name: string, text: string): unknown {
  if (numbers.includes(name) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (choices.includes(name) && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return text;
}

const dataStart = /^data:[\w.+-]*\/?[\w.+-]*(;[\w.+-]+(=[^;,]*)?)*;base64$/i;

/** A picture that is in its own address; nothing is fetched for anybody, so no other address is taken. */
function fromAddress(
  sent: unknown,
  { field, index }: { field: string; index?: number },
): SentFile {
  const { image_url: address, file_id } = sent as { image_url?: string; file_id?: unknown };
  const name = `${field}${index === undefined ? "" : `[${index}]`}.image_url`;
  if (address === undefined) {
    const why = file_id === undefined ? `${name} is missing` : "Files are not kept here: send image_url";
    throw new Refusal("invalid_request", why, { field });
  }
  const comma = address.indexOf(",");
  if (!/^data:/i.test(address)) {
    const why = `${name} must be a data URL: Darkroom fetches nothing from addresses that it is sent`;
    throw new Refusal("invalid_request", why, { field });
  }
  if (comma < 0 || comma > 200 || !dataStart.test(address.slice(0, comma))) {
    throw new Refusal("invalid_request", `${name} must be a data URL in base64`, { field });
  }
  if ((address.length - comma) * 3 / 4 > uploadLimits.bytes + 1024) {
    throw new Refusal("too_large", `${name}: ${uploadLimits.bytes / 1024 / 1024} MiB is the most`, { field });
  }
  return { bytes: decoded(address.slice(comma + 1), { name, field }), name: "" };
}

function decoded(
  text: string,
  { name, field }: { name: string; field: string },
): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal("invalid_request", `${name} is not valid base64`, { field });
  }
}

function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
