/** How refusals and bugs are answered to programs that are made for OpenAI's API: its statuses, types and codes. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal, RefusalCode } from "../../lib/refusal.ts";
import { type OpenAiError, openAiErrorJson } from "../../views/json/openai_json.ts";
import type { AppContext } from "./context.ts";

interface Face {
  status: ContentfulStatusCode;
  type: string;
  code: string;
}

const invalid = (status: ContentfulStatusCode, code: string): Face => (
  { status, type: "invalid_request_error", code }
);

/** What OpenAI would say of each refusal. */
export const faces: { [code in RefusalCode]: Face } = {
  invalid_request: invalid(400, "invalid_request"),
  invalid_prompt: invalid(400, "invalid_prompt"),
  invalid_image_size: invalid(400, "invalid_image_size"),
  invalid_model: invalid(404, "model_not_found"),
  unsupported_option: invalid(400, "unsupported_parameter"),
  unauthorized: invalid(401, "invalid_api_key"),
  invalid_token: invalid(401, "invalid_api_key"),
  // Clients know that this is no matter of waiting a moment.
  budget_exceeded: { status: 429, type: "insufficient_quota", code: "budget_exceeded" },
  storage_full: { status: 429, type: "insufficient_quota", code: "storage_full" },
  forbidden: invalid(403, "forbidden"),
  not_found: invalid(404, "not_found"),
  conflict: invalid(409, "conflict"),
  too_large: invalid(413, "too_large"),
  unsupported_media_type: invalid(415, "unsupported_media_type"),
  idempotency_mismatch: invalid(422, "idempotency_mismatch"),
  rate_limited: { status: 429, type: "rate_limit_exceeded", code: "rate_limit_exceeded" },
  unavailable: { status: 503, type: "server_error", code: "server_error" },
};

/** What fields of ours are called there. */
const params: { [field: string]: string } = {
  count: "n",
  imageSize: "size",
  negativePrompt: "negative_prompt",
  sources: "image",
  file: "image",
};

/** The clients for OpenAI's API send a request again by themselves, unless they are told not to. */
const retryHeader = "x-should-retry";

export function isForOpenAi(c: AppContext): boolean {
  return /^\/v1(\/|$)/.test(c.req.path);
}

/** From here on a repeat would be asked for in vain, or would ask for the same once more. */
export function tellNotToRepeat(c: AppContext): void {
  c.header(retryHeader, "false");
}

/** A repeat is the way to get the answer after all. */
export function tellToRepeat(c: AppContext, { afterSeconds }: { afterSeconds: number }): void {
  c.header(retryHeader, "true");
  c.header("Retry-After", String(afterSeconds));
}

export function answerOpenAiRefusal(c: AppContext, refusal: Refusal): Response {
  const { status, ...face } = faces[refusal.code];
  if (isOfAQuota(refusal)) tellNotToRepeat(c);
  const param = refusal.field === null ? null : params[refusal.field] ?? refusal.field;
  return answerOpenAiError(c, { ...face, message: inTheirWords(refusal), param }, status);
}

function isOfAQuota({ code }: Refusal): boolean {
  return faces[code].type === "insufficient_quota";
}

export function answerOpenAiBug(c: AppContext, message: string): Response {
  return answerOpenAiError(c, { type: "server_error", code: "internal", param: null, message }, 500);
}

export function answerOpenAiError(c: AppContext, error: OpenAiError, status: ContentfulStatusCode): Response {
  return c.json(openAiErrorJson(error), status);
}

/** Our words name fields as we call them. */
function inTheirWords({ message, field }: Refusal): string {
  const param = field === null ? undefined : params[field];
  return param === undefined ? message : message.replaceAll(new RegExp(`\\b${field}\\b`, "g"), param);
}
