/**
 * OpenAI's images API: one call a picture, whose answer is a stream of partial pictures and the finished one with
 * what it used. Pictures are changed by a form with files, which is answered alike. A call can't be asked for again,
 * so one that breaks off leaves its outcome unknown. Many calls together go as a lot (`openai_lots.ts`).
 */
import { type Outgoing, OutgoingFailure, type RawBody, type StreamAnswer } from "../outgoing.ts";
import { makeThumbnail } from "../pixels/picture.ts";
import { costOfUsage, type UsagePrice } from "../catalog/price_book.ts";
import {
  type EditAbility,
  type Model,
  type Provider,
  type ProviderCost,
  type ProviderEvent,
  ProviderFailure,
  type TaskEdit,
  type TaskRequest,
} from "../catalog/provider.ts";
import { type FormFile, multipart } from "../multipart.ts";
import { maskFile, sourceFiles } from "./given_pictures.ts";
import { createOpenAiLots } from "./openai_lots.ts";
import {
  failureOfAnswer,
  failureOfEvent,
  firstImage,
  readError,
  readImage,
  readUsage,
  versioned,
} from "./openai_wire.ts";
import { atLeast } from "./shape.ts";
import {
  openBody,
  outcomeUnknown,
  readJson,
  readMessages,
  statusOf,
  submissionFailure,
  unreachable,
} from "./wire.ts";

export interface OpenAiDeps {
  apiKey: string;
  /** With or without its version, without a slash at its end. */
  baseUrl: string;
  outgoing: Outgoing;
  now: () => number;
  usagePrice: (model: string) => UsagePrice | null;
}

export const openAiBaseUrl = "https://api.openai.com";

const answerTimeoutMs = 60_000;
/** Pictures go out before anything can be answered; on a slower line than this it would be given up too early. */
const slowestBytesPerMs = 100;
const maxAnswerBytes = 200_000_000;
const previewPixels = 320;

/** Files of 50 megabytes are allowed; as many as there may be have to fit into memory at once, though. */
const edit: EditAbility = {
  sources: {
    max: 16,
    maxBytes: 16_000_000,
    longestSide: 3840,
    contentTypes: ["image/png", "image/jpeg", "image/webp"],
    by: "bytes",
    roles: false,
  },
  mask: "alpha",
  strength: null,
  sizes: "list",
};

interface Offer {
  model: Model;
  wireModel: string;
  quality: "low" | "medium" | "high";
  /** 0–3; each costs tokens. */
  partialImages: number;
}

function offer(
  [id, name, wireModel, quality]: [id: string, name: string, wireModel: string, quality: Offer["quality"]],
): Offer {
  const partialImages = quality === "low" ? 0 : 2;
  return {
    wireModel,
    quality,
    partialImages,
    model: {
      id,
      provider: "openai",
      name,
      sizes: [
        "512x512",
        "768x768",
        "1024x1024",
        "1536x1536",
        "1536x1024",
        "1024x1536",
        "1536x864",
        "864x1536",
      ],
      maxCount: 8,
      imagesPerTask: 1,
      options: { seed: false, negativePrompt: false, guidance: null, steps: null },
      edit,
      watermark: "darkroom",
      progress: "estimate",
      previews: partialImages > 0,
      retiresAt: null,
      deadlineMs: 10 * 60_000,
      // Fifty thousand are taken; their pictures come in one file, though.
      lots: { maxTasks: 200, windowMs: 24 * 3600 * 1000 },
    },
  };
}

const offers: readonly Offer[] = [
  offer(["gpt-image-2", "GPT Image 2", "gpt-image-2", "medium"]),
  offer(["gpt-image-2-low", "GPT Image 2, quick draft", "gpt-image-2", "low"]),
  offer(["gpt-image-2-high", "GPT Image 2, finest", "gpt-image-2", "high"]),
  offer(["gpt-image-2.6-sunburst", "GPT Image 2.6 Sunburst", "gpt-image-2.6-sunburst", "medium"]),
  offer(["gpt-image-2.5-sunburst", "GPT Image 2.5 Sunburst", "gpt-image-2.5-sunburst", "medium"]),
];

/** How OpenAI itself calls what these models are made with. */
export function openAiNameOf(modelId: string): string | undefined {
  return offers.find(({ model }) => model.id === modelId)?.wireModel;
}

export function createOpenAi({ apiKey, baseUrl, outgoing, now, usagePrice }: OpenAiDeps): Provider {
  const api = versioned(baseUrl);
  const headers = { authorization: `Bearer ${apiKey}` };

  return {
    id: "openai",
    name: "OpenAI",
    models: offers.map(({ model }) => model),
    isRepeatable: false,
    async *generate(task, { signal }) {
      const answer = await call(task, signal);
      const body = await orUnknown(() => openBody(answer.chunks));
      if (answer.status === 200 && body.type === "picture") {
        yield { type: "image", bytes: body.bytes };
        return yield { type: "done", cost: null };
      }
      if (answer.status === 200 && body.type === "messages") {
        return yield* followStream(body.chunks, { task, signal });
      }
      const json = body.type === "picture" ? undefined : await readJson({ ...answer, chunks: body.chunks });
      if (answer.status !== 200) throw failureOfAnswer({ ...answer, json, now: now(), task });
      if (json === undefined) throw outcomeUnknown("its answer can't be read");
      yield* finish(json, { task, signal });
    },
    lots: createOpenAiLots({ api, headers, outgoing, now, bodyOf, costOf }),
    async checkStatus(signal) {
      try {
        const { status, json } = await outgoing.callForJson({
          url: `${api}/models`,
          method: "GET",
          headers,
          timeoutMs: 10_000,
          maxBytes: 10_000_000,
          signal,
        });
        return statusOf({ status, said: readError(json)?.message ?? null });
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  async function call(task: TaskRequest, signal: AbortSignal): Promise<StreamAnswer> {
    const { partialImages } = offerOf(task);
    const fields = { ...bodyOf(task), stream: true, partial_images: partialImages };
    const form = task.edit === undefined ? null : await formOf(fields, task.edit);
    try {
      return await outgoing.callForStream({
        url: `${api}/images/${form === null ? "generations" : "edits"}`,
        method: "POST",
        headers,
        body: form ?? fields,
        timeoutMs: answerTimeoutMs + (form?.bytes.length ?? 0) / slowestBytesPerMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
    } catch (error) {
      throw submissionFailure(error);
    }
  }

  async function* followStream(
    chunks: AsyncIterable<Uint8Array>,
    asked: { task: TaskRequest; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    const { task } = asked;
    try {
      for await (const message of readMessages(chunks)) {
        const error = readError(message);
        if (error !== null || message.type === "error") {
          throw failureOfEvent(error ?? { message: "", type: null, code: null, param: null }, task);
        }
        const { type } = message;
        if (type === "image_generation.partial_image" || type === "image_edit.partial_image") {
          const bytes = await previewOf(message);
          if (bytes !== null) yield { type: "preview", bytes, contentType: "image/webp" };
        } else if (type === "image_generation.completed" || type === "image_edit.completed") {
          return yield* finish(message, asked);
        }
      }
    } catch (error) {
      if (error instanceof OutgoingFailure) throw outcomeUnknown(error.message, error);
      throw error;
    }
    throw outcomeUnknown("the stream ended before the picture");
  }

  async function* finish(
    answer: unknown,
    { task, signal }: { task: TaskRequest; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    const cost = costOf(answer, task.model);
    const image = firstImage(answer);
    const error = readError(answer);
    if (image === null && error !== null && cost === null) throw failureOfEvent(error, task);
    if (image === null) throw billed(error?.message || "there is no picture in its answer", cost);
    const bytes = "bytes" in image ? image.bytes : await fetchImage(image.address, { cost, signal });
    yield { type: "image", bytes };
    yield { type: "done", cost };
  }

  async function fetchImage(
    address: string,
    { cost, signal }: { cost: ProviderCost | null; signal: AbortSignal },
  ): Promise<Uint8Array> {
    try {
      return await outgoing.fetchNamed(address, {
        ownOrigin: api,
        maxBytes: 50_000_000,
        timeoutMs: 60_000,
        signal,
      });
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      throw billed(`the picture can't be fetched: ${error.message}`, cost);
    }
  }

  function costOf(answer: unknown, model: string): ProviderCost | null {
    const usage = readUsage(answer);
    const price = usagePrice(model);
    if (usage === null || price === null) return null;
    return { costMicros: costOfUsage(usage, price), basis: "computed", usage };
  }
}

function offerOf({ model: id }: TaskRequest): Offer {
  return offers.find(({ model }) => model.id === id)!;
}

function bodyOf(task: TaskRequest) {
  const { wireModel, quality } = offerOf(task);
  // The models take any size of whole tiles, but none of fewer pixels than a square of 1024.
  const { width, height } = atLeast(task, { multiple: 16, pixels: 1024 * 1024 });
  return {
    model: wireModel,
    prompt: task.prompt,
    n: 1,
    size: `${width}x${height}`,
    quality,
    output_format: "png",
  };
}

/** The first picture is the one that is changed, and that the mask belongs to. */
function formOf(
  fields: { [name: string]: string | number | boolean },
  { mask, ...edit }: TaskEdit,
): Promise<RawBody> {
  const files = sourceFiles(edit).map((file): [string, FormFile] => ["image[]", file]);
  return multipart([
    ...Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]),
    ...files,
    ...(mask === null ? [] : [["mask", maskFile(mask)] satisfies [string, FormFile]]),
  ]);
}

/** What breaks off before it says what it is leaves open what was made. */
async function orUnknown<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OutgoingFailure) throw outcomeUnknown(error.message, error);
    throw error;
  }
}

/** Small and decoded by us; null where it is no picture, which only spoils the preview. */
async function previewOf(message: unknown): Promise<Uint8Array | null> {
  const image = readImage(message);
  if (image === null || !("bytes" in image)) return null;
  return await makeThumbnail(image.bytes, previewPixels).catch(() => null);
}

function billed(message: string, cost: ProviderCost | null): ProviderFailure {
  return new ProviderFailure("bad_result", message, { outcome: "billed", cost, said: message });
}
