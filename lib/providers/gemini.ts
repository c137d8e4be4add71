/**
 * Google's Gemini image models by `generateContent`: one call a picture, answered when it is done. A call can't be
 * asked for again. An answer without a picture is a refusal or a miss, and may be billed for what it used. Many calls
 * together go as a lot (`gemini_lots.ts`).
 */
import { hasVersion } from "../base_address.ts";
import type { Outgoing, StreamAnswer } from "../outgoing.ts";
import { costOfUsage, type UsagePrice } from "../catalog/price_book.ts";
import {
  type EditAbility,
  type Model,
  type Provider,
  type ProviderCost,
  ProviderFailure,
  type TaskRequest,
} from "../catalog/provider.ts";
import { createGeminiLots } from "./gemini_lots.ts";
import {
  isKeyRefused,
  pictureOf,
  readError,
  readUsage,
  type WireError,
  withoutPicture,
} from "./gemini_wire.ts";
import { isGivenPictures, sourceFailure, sourceRefused } from "./given_pictures.ts";
import { nearestRatio, resolutionFor } from "./shape.ts";
import {
  failureByStatus,
  listOf,
  outcomeUnknown,
  readAnswers,
  statusOf,
  submissionFailure,
  unreachable,
} from "./wire.ts";

export interface GeminiDeps {
  apiKey: string;
  /** With or without its version, without a slash at its end. */
  baseUrl: string;
  outgoing: Outgoing;
  now: () => number;
  usagePrice: (model: string) => UsagePrice | null;
}

export const geminiBaseUrl = "https://generativelanguage.googleapis.com";

/** The call is the generation: it is answered when the picture is done. */
const deadlineMs = 5 * 60_000;
const maxAnswerBytes = 100_000_000;

/**
 * A request has less than 20 megabytes in all, and its pictures stand in it as base64, which adds a third. Where there
 * is room for the most pictures, there is for fewer.
 */
const maxPictures = 14;
const maxRequestBytes = 20_000_000;
const edit: EditAbility = {
  sources: {
    max: maxPictures,
    maxBytes: Math.floor((maxRequestBytes * 0.95 * 3) / 4 / maxPictures),
    longestSide: 2048,
    contentTypes: ["image/png", "image/jpeg", "image/webp"],
    by: "bytes",
    roles: false,
  },
  mask: null,
  strength: null,
  sizes: "list",
};

interface Offer {
  model: Model;
  /** Whether it can be told a resolution. */
  hasResolution: boolean;
}

const squares = ["512x512", "768x768", "1024x1024"];
const upToTwoK = [...squares, "1536x1536", "1536x1024", "1024x1536", "1536x864", "864x1536"];
const native25 = ["1344x768", "768x1344", "1184x864", "864x1184", "1248x832", "832x1248"];

function offer(
  id: string,
  name: string,
  { sizes, hasResolution, retiresAt = null }: {
    sizes: string[];
    hasResolution: boolean;
    retiresAt?: string | null;
  },
): Offer {
  return {
    hasResolution,
    model: {
      id,
      provider: "gemini",
      name,
      sizes,
      maxCount: 8,
      imagesPerTask: 1,
      // A seed is accepted and promises nothing.
      options: { seed: false, negativePrompt: false, guidance: null, steps: null },
      edit,
      watermark: "darkroom",
      progress: "estimate",
      previews: false,
      retiresAt,
      deadlineMs,
      // Of 150 with pictures of two thousand pixels nobody could fetch the results, of 122 one could.
      lots: { maxTasks: 40, windowMs: 48 * 3600 * 1000 },
    },
  };
}

const offers: readonly Offer[] = [
  offer("gemini-nano-banana-2.1", "Gemini Nano Banana 2.1", { sizes: upToTwoK, hasResolution: true }),
  offer("gemini-3-pro-image", "Gemini 3 Pro Image", { sizes: upToTwoK, hasResolution: true }),
  offer("gemini-3.1-flash-lite-image", "Gemini 3.1 Flash Lite Image", {
    sizes: squares,
    hasResolution: true,
  }),
  offer("gemini-2.5-flash-image", "Gemini 2.5 Flash Image", {
    sizes: [...squares, ...native25],
    hasResolution: false,
    retiresAt: "2027-03-15",
  }),
];

const ratios = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];

export function createGemini({ apiKey, baseUrl, outgoing, now, usagePrice }: GeminiDeps): Provider {
  const api = hasVersion(new URL(baseUrl).pathname) ? baseUrl : `${baseUrl}/v1beta`;
  const headers = { "x-goog-api-key": apiKey };

  return {
    id: "gemini",
    name: "Gemini",
    models: offers.map(({ model }) => model),
    isRepeatable: false,
    async *generate(task, { signal }) {
      const answer = await call(task, signal);
      const { json } = await readAnswers(answer);
      if (answer.status !== 200) throw failureOf({ ...answer, json: json[0] }, task);
      const parts = json.flatMap(listOf);
      if (parts.length === 0) throw outcomeUnknown("its answer can't be read");
      const cost = parts.map((part) => costOf(part, task.model)).findLast((each) => each !== null) ?? null;
      const bytes = parts.map(pictureOf).find((each) => each !== null);
      if (bytes === undefined) throw withoutPicture(parts, { cost, task });
      yield { type: "image", bytes };
      yield { type: "done", cost };
    },
    lots: createGeminiLots({ api, headers, outgoing, now, bodyOf, costOf }),
    async checkStatus(signal) {
      try {
        const { status, json } = await outgoing.callForJson({
          url: `${api}/models?pageSize=1`,
          method: "GET",
          headers,
          timeoutMs: 10_000,
          maxBytes: 1_000_000,
          signal,
        });
        const error = readError(json);
        return statusOf({ status: isKeyRefused(error) ? 401 : status, said: error.message });
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  async function call(task: TaskRequest, signal: AbortSignal): Promise<StreamAnswer> {
    try {
      return await outgoing.callForStream({
        url: `${api}/models/${task.model}:generateContent`,
        method: "POST",
        headers,
        body: bodyOf(task),
        timeoutMs: deadlineMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
    } catch (error) {
      throw submissionFailure(error);
    }
  }

  function failureOf(
    { status, headers, json }: { status: number; headers: Headers; json: unknown },
    task: TaskRequest,
  ): ProviderFailure {
    const error = readError(json);
    const fail = (reason: ProviderFailure["reason"], retryAfterMs: number | null = null) =>
      new ProviderFailure(reason, `it answered ${status} ${error.status ?? ""}`, {
        outcome: "not_created",
        isRetryable: retryAfterMs !== null,
        retryAfterMs,
        said: error.message,
      });
    if (isKeyRefused(error)) return fail("provider_auth");
    if (/billing/i.test(error.message ?? "") && status < 500 && status !== 429) {
      return fail("provider_billing");
    }
    const details = { said: error.message, outcome: "not_created" as const };
    if (status === 413 && isGivenPictures(task)) return sourceRefused(details);
    if (status === 400) {
      const ofSource = isTooLarge(error, task) ? sourceRefused(details) : sourceFailure(task, details);
      if (ofSource !== null) return ofSource;
    }
    if (status === 429 && error.isDailyQuota) return fail("rate_limited");
    if (status === 429 && error.retryDelayMs !== null) return fail("rate_limited", error.retryDelayMs);
    return failureByStatus({ status, headers, said: error.message, now: now() });
  }

  function costOf(json: unknown, model: string): ProviderCost | null {
    const usage = readUsage(json);
    const price = usagePrice(model);
    if (usage === null || price === null) return null;
    return { costMicros: costOfUsage(usage, price), basis: "computed", usage };
  }
}

function bodyOf(task: TaskRequest): object {
  const { hasResolution } = offers.find(({ model }) => model.id === task.model)!;
  return {
    contents: [{ role: "user", parts: [{ text: task.prompt }, ...picturesOf(task)] }],
    generationConfig: {
      responseModalities: ["IMAGE"],
      imageConfig: {
        aspectRatio: nearestRatio(task, ratios),
        ...(hasResolution && { imageSize: resolutionFor(task) }),
      },
    },
  };
}

/** With pictures in it, it is they that make a request too large. */
function isTooLarge({ message }: WireError, task: TaskRequest): boolean {
  return isGivenPictures(task) && /payload size exceeds/i.test(message ?? "");
}

function picturesOf({ edit }: TaskRequest): object[] {
  return (edit?.sources ?? []).map(({ bytes, contentType }) => ({
    inlineData: { mimeType: contentType, data: bytes.toBase64() },
  }));
}
