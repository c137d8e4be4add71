/** The shapes of Google's Gemini API. */
import { type ProviderCost, ProviderFailure, type TaskRequest } from "../catalog/provider.ts";
import type { Usage } from "../money/charge.ts";
import { isGivenPictures } from "./given_pictures.ts";
import { type Fields, fieldsOf, filled, firstOf, listOf, numberOf, pictureIn, textOf } from "./wire.ts";

export interface WireError {
  message: string | null;
  status: string | null;
  reasons: string[];
  retryDelayMs: number | null;
  /** A quota that only another day gives back. */
  isDailyQuota: boolean;
}

export function readError(json: unknown): WireError {
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

/** A key that is no key is answered with 400. */
export function isKeyRefused({ reasons }: WireError): boolean {
  return reasons.some((reason) => /^API_KEY_/.test(reason));
}

/** The first picture that is not a thought: thinking models send their drafts along. */
export function pictureOf(json: unknown): Uint8Array | null {
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
export function withoutPicture(
  parts: readonly unknown[],
  { cost, task }: { cost: ProviderCost | null; task: Pick<TaskRequest, "taskType" | "edit"> },
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
export function readUsage(json: unknown): Usage | null {
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
