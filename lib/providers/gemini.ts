/**
 * Google's Gemini image models by `generateContent`: one call a picture, answered when it is done. A call can't be
 * asked for again. An answer without a picture is a refusal or a miss, and may be billed for what it used.
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
import { isGivenPictures, sourceFailure, sourceRefused } from "./given_pictures.ts";
import { nearestRatio, resolutionFor } from "./shape.ts";
import {
  failureByStatus,
  type Fields,
  fieldsOf,
  filled,
  firstOf,
  listOf,
  numberOf,
  outcomeUnknown,
  pictureIn,
  readAnswers,
  statusOf,
  submissionFailure,
  textOf,
  unreachable,
} from "./wire.ts";
import type { Usage } from "../money/charge.ts";

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
      const cost = parts.map((part) => costOf(part, task)).findLast((each) => each !== null) ?? null;
      const bytes = parts.map(pictureOf).find((each) => each !== null);
      if (bytes === undefined) throw withoutPicture(parts, { cost, task });
      yield { type: "image", bytes };
      yield { type: "done", cost };
    },
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
    const { hasResolution } = offers.find(({ model }) => model.id === task.model)!;
    try {
      return await outgoing.callForStream({
        url: `${api}/models/${task.model}:generateContent`,
        method: "POST",
        headers,
        body: {
          contents: [{ role: "user", parts: [{ text: task.prompt }, ...picturesOf(task)] }],
          generationConfig: {
            responseModalities: ["IMAGE"],
            imageConfig: {
              aspectRatio: nearestRatio(task, ratios),
              ...(hasResolution && { imageSize: resolutionFor(task) }),
            },
          },
        },
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

  function costOf(json: unknown, task: TaskRequest): ProviderCost | null {
    const usage = readUsage(json);
    const price = usagePrice(task.model);
    if (usage === null || price === null) return null;
    return { costMicros: costOfUsage(usage, price), basis: "computed", usage };
  }
}

interface WireError {
  message: string | null;
  status: string | null;
  reasons: string[];
  retryDelayMs: number | null;
  /** A quota that only another day gives back. */
  isDailyQuota: boolean;
}

function readError(json: unknown): WireError {
  const error = fieldsOf(fieldsOf(json).error);
  const details = listOf(error.details).map(fieldsOf);
  const seconds = details.map(({ retryDelay }) => /^([\d.]+)s$/.exec(String(retryDelay ?? ""))?.[1]).find(
    Boolean,
  );
  const quotas = details.flatMap(({ violations }) => listOf(violations)).map((each) =>
    fieldsOf(each).quotaId
  );
  return {
    message: textOf(error.message),
    status: textOf(error.status),
    reasons: details.flatMap(({ reason }) => textOf(reason) ?? []),
    retryDelayMs: seconds === undefined ? null : Number(seconds) * 1000,
    isDailyQuota: quotas.some((quota) => /PerDay/i.test(String(quota))),
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

/** A key that is no key is answered with 400. */
function isKeyRefused({ reasons }: WireError): boolean {
  return reasons.some((reason) => /^API_KEY_/.test(reason));
}

/** The first picture that is not a thought: thinking models send their drafts along. */
function pictureOf(json: unknown): Uint8Array | null {
  for (const candidate of listOf(fieldsOf(json).candidates)) {
    for (const part of listOf(fieldsOf(fieldsOf(candidate).content).parts).map(fieldsOf)) {
      const { data } = fieldsOf(firstOf(part, ["inlineData", "inline_data"]));
      const picture = part.thought === true ? null : pictureIn(data);
      if (picture !== null && "bytes" in picture) return picture.bytes;
    }
  }
  return null;
}

const refusals = [
  "SAFETY",
  "IMAGE_SAFETY",
  "PROHIBITED_CONTENT",
  "IMAGE_PROHIBITED_CONTENT",
  "RECITATION",
  "IMAGE_RECITATION",
  "BLOCKLIST",
  "SPII",
];

/** A refusal is billed for what it reports to have used; a miss counts as the picture that it is billed like. */
function withoutPicture(
  parts: readonly unknown[],
  { cost, task }: { cost: ProviderCost | null; task: TaskRequest },
): ProviderFailure {
  const error = parts.map(readError).find(({ message }) => message !== null);
  if (error !== undefined && cost === null) {
    return new ProviderFailure("provider_failed", `an error in its answer (${error.status})`, {
      outcome: "failed",
      said: error.message,
    });
  }
  const candidates = parts.flatMap((part) => listOf(fieldsOf(part).candidates)).map(fieldsOf);
  const feedback = parts.map((part) => fieldsOf(fieldsOf(part).promptFeedback));
  const first = (fields: readonly Fields[], name: string) =>
    fields.map((each) => textOf(each[name])).find((text) => text !== null) ?? null;
  const blocked = first(feedback, "blockReason");
  const finish =
    candidates.map(({ finishReason }) => textOf(finishReason)).findLast((each) => each !== null) ?? null;
  const said = first(candidates, "finishMessage") ?? first(feedback, "blockReasonMessage") ??
    wordsOf(candidates) ?? error?.message ?? blocked ?? finish;
  if (blocked !== null || refusals.includes(finish ?? "")) {
    const isOfSource = isGivenPictures(task) && blocked === "IMAGE_SAFETY";
    const reason = isOfSource ? "source_refused" : "content_policy";
    return new ProviderFailure(reason, `refused (${blocked ?? finish})`, {
      outcome: cost === null ? "failed" : "billed",
      cost,
      said,
    });
  }
  return new ProviderFailure("bad_result", `no picture (${finish})`, { outcome: "billed", cost, said });
}

/** What the model wrote where a picture was asked for, without its thoughts. */
function wordsOf(candidates: readonly Fields[]): string | null {
  const parts = candidates.flatMap(({ content }) => listOf(fieldsOf(content).parts)).map(fieldsOf);
  return textOf(
    parts.map(({ text, thought }) => thought === true ? null : textOf(text)).filter(Boolean).join(" "),
  );
}

/** The tokens that an answer reports; null where it reports none. */
function readUsage(json: unknown): Usage | null {
  const usage = fieldsOf(fieldsOf(json).usageMetadata);
  const count = (fields: Fields, name: string) => numberOf(fields[name]) ?? 0;
  const ofImages = (name: string) =>
    listOf(usage[name]).map(fieldsOf).filter(({ modality }) => modality === "IMAGE")
      .reduce((sum, fields) => sum + count(fields, "tokenCount"), 0);
  const [input, output] = [count(usage, "promptTokenCount"), count(usage, "candidatesTokenCount")];
  const thoughts = count(usage, "thoughtsTokenCount");
  const imageIn = ofImages("promptTokensDetails");
  // Without details, all that these models put out is taken for picture, their dearest kind.
  const imageOut = usage.candidatesTokensDetails === undefined ? output : ofImages("candidatesTokensDetails");
  if (input + output + thoughts <= 0) return null;
  return filled({ textIn: input - imageIn, imageIn, textOut: output - imageOut + thoughts, imageOut });
}
