/** The shapes of the OpenAI images API, which many other servers speak too. */
import { hasVersion } from "../base_address.ts";
import { ProviderFailure, type TaskRequest } from "../catalog/provider.ts";
import { isGivenPictures, sourceFailure, sourceRefused } from "./given_pictures.ts";
import {
  bestPicture,
  failureByStatus,
  type Fields,
  fieldsOf,
  filled,
  listOf,
  numberOf,
  pictureIn,
  textOf,
  type WirePicture,
} from "./wire.ts";
import type { Usage } from "../money/charge.ts";

/** `OPENAI_BASE_URL` with or without its version, which may stand anywhere in it. */
export function versioned(baseUrl: string): string {
  return hasVersion(new URL(baseUrl).pathname) ? baseUrl : `${baseUrl}/v1`;
}

/** An error in an answer or in the middle of a stream; null where there is none. */
export interface WireError {
  message: string;
  type: string | null;
  code: string | null;
  /** The parameter that it is about. */
  param: string | null;
}

/** OpenAI's `error` object, the plain text of smaller servers, or FastAPI's `detail`. */
export function readError(json: unknown): WireError | null {
  const fields = fieldsOf(json);
  const error = fieldsOf(fields.error);
  const message = textOf(error.message) ?? textOf(fields.error) ?? detailOf(fields.detail);
  if (message === null && (fields.error ?? null) === null) return null;
  const [type, code, param] = [error.type, error.code, error.param].map(textOf);
  return { message: message ?? "", type, code, param };
}

function detailOf(detail: unknown): string | null {
  const texts = listOf(detail).map((each) => textOf(each) ?? textOf(fieldsOf(each).msg));
  return texts.filter((text) => text !== null).join("; ") || null;
}

const moderationTypes = ["image_generation_user_error", "moderation_blocked", "content_policy_violation"];
const billingCodes =
  /^(insufficient_quota|credit_balance_exhausted|billing_.*|.*_(spend|usage)_limit_exceeded)$/;

/** The failure that an answer other than 200 to this task stands for. */
export function failureOfAnswer(
  { status, headers, json, now, task }: {
    status: number;
    headers: Headers;
    json: unknown;
    now: number;
    task: TaskRequest;
  },
): ProviderFailure {
  const error = readError(json);
  // Whoever answers in the server's place says something, too; so with 5xx that does not tell what became of the call.
  const plain = status < 500 ? textOf(fieldsOf(json).message) : null;
  const said = error?.message ?? plain;
  return aboutSources(error, { status, said, task }) ?? knownFailure(error) ??
    failureByStatus({ status, headers, said, now });
}

/** The failure that ends a task's stream: the provider itself says that it made nothing. */
export function failureOfEvent(error: WireError, task: TaskRequest): ProviderFailure {
  const said = error.message || null;
  return aboutSources(error, { status: null, said, task }) ?? knownFailure(error) ??
    new ProviderFailure("provider_failed", "the stream ended with an error", { outcome: "failed", said });
}

const sourceParams = /^(image|images|mask|markup|input_image)(\b|\[|_)/;
const sourceCodes =
  /^(invalid|unsupported|empty|failed_to_download|failed_to_parse)_(base64_)?(image|mask)|^(image|mask)_(file_)?(too|parse|content_policy|not)/;

/** Where it is about the pictures that the task was given: by its words, where no code tells. */
function aboutSources(
  error: WireError | null,
  { status, said, task }: { status: number | null; said: string | null; task: TaskRequest },
): ProviderFailure | null {
  if (!isGivenPictures(task)) return null;
  const outcome = status === null ? "failed" : "not_created";
  const isNamed = sourceParams.test(error?.param ?? "") || sourceCodes.test(error?.code ?? "");
  // A request with pictures is only ever too large, or of a wrong type, for their sake.
  if (isNamed || status === 413 || status === 415) return sourceRefused({ said, outcome });
  if (isModeration(error)) return moderatedPicture.test(said ?? "") ? sourceRefused({ said, outcome }) : null;
  const mayBeAboutThem = (status === 400 || status === 422) && (error?.param ?? null) === null;
  return mayBeAboutThem ? sourceFailure(task, { said, outcome }) : null;
}

const moderatedPicture = /\b(input|uploaded|source|provided|attached) (image|picture|photo)/i;

function isModeration(error: WireError | null): boolean {
  return [error?.code, error?.type].some((name) => moderationTypes.includes(name ?? ""));
}

/** Where its code says more than a status can; null otherwise. */
export function knownFailure(error: WireError | null): ProviderFailure | null {
  const said = error?.message ?? null;
  if (isModeration(error)) {
    return new ProviderFailure("content_policy", "moderation", { outcome: "failed", said });
  }
  if ([error?.code, error?.type].some((name) => billingCodes.test(name ?? ""))) {
    return new ProviderFailure("provider_billing", "no quota", { outcome: "not_created", said });
  }
  return null;
}

const pictureNames = [
  "b64_json",
  "b64",
  "base64",
  "image_base64",
  "image",
  "data",
  "url",
  "image_url",
  "result",
];

/** What stands under these is an address, however little it looks like one. */
const addressNames = ["url", "image_url", "uri"];

/** A picture of an answer's `data`; null where there is none. */
export function readImage(item: unknown): WirePicture | null {
  if (typeof item === "string" || item instanceof Uint8Array) return pictureIn(item);
  const fields = fieldsOf(item);
  return bestPicture(pictureNames.flatMap((name) => [fields[name], fieldsOf(fields[name]).url])) ??
    addressIn(addressNames.flatMap((name) => [fields[name], fieldsOf(fields[name]).url]));
}

/** As seen from the server: `a.png`, or `view?filename=a.png`. */
function addressIn(values: readonly unknown[]): WirePicture | null {
  const address = values.map(textOf).find((text) =>
    text !== null && /^(?!data:)[^\s\\]{1,2000}$/i.test(text)
  );
  return address ? { address } : null;
}

const listNames = ["data", "images", "output", "artifacts", "result", "response"];

/** The first picture of an answer, wherever servers put their lists, one within another too; null where there is none. */
export function firstImage(answer: unknown): WirePicture | null {
  const listsIn = (value: unknown) => listNames.flatMap((name) => listOf(fieldsOf(value)[name]));
  const lists = Array.isArray(answer) ? answer : listsIn(answer);
  for (const item of [...lists, answer, ...lists.flatMap(listsIn)]) {
    const image = readImage(item);
    if (image !== null) return image;
  }
  return null;
}

/** The tokens that an answer reports; null where it reports none. */
export function readUsage(json: unknown): Usage | null {
  const usage = fieldsOf(fieldsOf(json).usage);
  const details = fieldsOf(usage.input_tokens_details);
  const count = (fields: Fields, name: string) => numberOf(fields[name]) ?? 0;
  const input = count(usage, "input_tokens");
  const imageIn = count(details, "image_tokens");
  const cachedTextIn = Math.min(count(details, "cached_tokens"), input - imageIn);
  const outputText = count(fieldsOf(usage.output_tokens_details), "text_tokens");
  const imageOut = count(usage, "output_tokens") - outputText;
  if (input + imageOut + outputText <= 0) return null;
  return filled({
    textIn: input - imageIn - cachedTextIn,
    cachedTextIn,
    imageIn,
    textOut: outputText,
    imageOut,
  });
}
