/**
 * fal's queue (fal.ai/docs): a task is handed in at its model's path and has three addresses of its own, under which it
 * is asked for, fetched and taken back. That a task has ended well or badly only its result says, which is kept for an
 * hour, or for six minutes where it is large. What fails at the service's side it would try again by itself: it is told
 * not to. What a picture cost it does not tell.
 */
import { type Provider, ProviderFailure, type TaskHandle, type TaskRequest } from "../catalog/provider.ts";
import type { JsonAnswer } from "../outgoing.ts";
import { falPresets } from "./fal_presets.ts";
import { sourceFailure } from "./given_pictures.ts";
import { type Ask, createPresetService, type PresetServiceDeps } from "./preset_service.ts";
import { presetDeadlineMs } from "./task_presets.ts";
import { keyedAddress, type Look, type Submitted } from "./task_provider.ts";
import {
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  pictureIn,
  retryAfterMs,
  statusOf,
  textOf,
} from "./wire.ts";

export const falBaseUrl = "https://queue.fal.run";

/** Nobody's: by it can be told whether the key is taken, and nothing is made. */
const nobodysTask = "fal-ai/flux/requests/00000000-0000-4000-8000-000000000000/status";

export function createFal(deps: PresetServiceDeps): Provider {
  const { apiKey, baseUrl, now } = deps;
  return createPresetService({
    id: "fal",
    name: "fal",
    presets: falPresets,
    headers: { authorization: `Key ${apiKey}`, accept: "application/json" },
    // Seconds within which it has to begin.
    submissionHeaders: { "x-fal-no-retry": "1", "x-fal-request-timeout": String(presetDeadlineMs / 1000) },
    bodyOf: (input) => input,
    saidOf,
    refusalOf({ status, json }) {
      if (isModerated(json)) return "content_policy";
      return status === 403 && /balance|locked|billing/i.test(saidOf(json) ?? "") ? "provider_billing" : null;
    },
    submittedAs: (json) => submittedAs(json, baseUrl),
    look: (handle, { task, ask }) => look(handle, { task, ask, now }),
    /** Only what it takes out of its queue is surely not billed; asked again, it does not know that any more. */
    async cancel({ cancelUrl }, ask) {
      const answer = typeof cancelUrl === "string" ? await ask(cancelUrl, "PUT") : null;
      const said = textOf(fieldsOf(answer?.json).status);
      return said === "OK" || said === "NOT_FOUND" ? "not_billed" : "billed";
    },
    statusUrl: `${baseUrl}/${nobodysTask}`,
    statusOf: ({ status, json }) =>
      statusOf(status === 404 ? { status: 200, said: null } : { status, said: saidOf(json) }),
  }, deps);
}

/** By the addresses that it names: they are not those that the task was handed in at. */
function submittedAs(json: unknown, baseUrl: string): Submitted | null {
  const { request_id, status_url, response_url, cancel_url } = fieldsOf(json);
  const taskId = textOf(request_id);
  const [statusUrl, responseUrl, cancelUrl] = [status_url, response_url, cancel_url].map((named) =>
    keyedAddress(named, { baseUrl, domain: "fal.run" })
  );
  if (taskId === null || statusUrl === null || responseUrl === null) return null;
  return { taskId, more: { statusUrl, responseUrl, cancelUrl } };
}

async function look(
  handle: TaskHandle,
  { task, ask, now }: { task: TaskRequest; ask: Ask; now: () => number },
): Promise<Look> {
  const status = await ask(String(handle.statusUrl));
  if (status === null) return { is: "silent" };
  const state = textOf(fieldsOf(status.json).status);
  if (state !== "COMPLETED") return lookOf(status, { isKnown: state !== null, now: now() });
  const result = await ask(String(handle.responseUrl));
  if (result === null) return { is: "silent" };
  if (result.status === 200) return doneWith(result.json);
  const failure = failureOfResult(result, task);
  if (failure !== null) throw failure;
  return lookOf(result, { isKnown: false, now: now() });
}

function lookOf(
  { status, headers, json }: JsonAnswer,
  { isKnown, now }: { isKnown: boolean; now: number },
): Look {
  const wait = retryAfterMs(headers, now);
  if (status === 401 || status === 403) return { is: "key_refused", said: saidOf(json), retryAfterMs: wait };
  if (status === 404) return { is: "absent", retryAfterMs: wait };
  return { is: isKnown && status < 300 ? "running" : "silent", retryAfterMs: wait };
}

function doneWith(json: unknown): Look {
  const output = fieldsOf(json);
  const flagged = listOf(output.has_nsfw_concepts);
  // What it gives then is black.
  if (flagged.length > 0 && flagged.every((each) => each === true)) {
    throw new ProviderFailure("content_policy", "the picture was filtered", {
      outcome: "billed",
      said: "The picture was held back by fal's safety checker",
    });
  }
  const found = [...listOf(output.images), ...listOf(output.image)].map((each) =>
    pictureIn(typeof each === "string" ? each : fieldsOf(each).url)
  );
  const seed = numberOf(output.seed);
  return {
    is: "done",
    pictures: found.filter((each) => each !== null),
    cost: null,
    ...(seed !== null && { seed }),
    said: saidOf(json),
  };
}

/** `detail` is a text, or a list of what is wrong where. */
function saidOf(json: unknown): string | null {
  const { detail, error, message } = fieldsOf(json);
  const listed = listOf(detail).map((each) => textOf(each) ?? wordsOf(fieldsOf(each)))
    .filter((each) => each !== null);
  return listed.join("; ") || (textOf(error) ?? textOf(message));
}

function wordsOf({ loc, msg }: Fields): string | null {
  const where = listOf(loc).filter((part) => part !== "body").join(".");
  const what = textOf(msg);
  return what === null || where === "" ? what : `${where}: ${what}`;
}

function isModerated(json: unknown): boolean {
  return listOf(fieldsOf(json).detail).some((each) => fieldsOf(each).type === "content_policy_violation");
}

/**
 * How a task failed, by its result; null where that says nothing of it. Failures of the service are never billed; what
 * a model refused may have been, where it had begun, and it does not say whether it had.
 */
function failureOfResult({ status, headers, json }: JsonAnswer, task: TaskRequest): ProviderFailure | null {
  const type = headers.get("x-fal-error-type") ?? textOf(fieldsOf(json).error_type);
  const said = saidOf(json) ?? type;
  if (status === 404 || status === 401 || status === 403 || status === 429 || said === null) return null;
  if (status >= 500) {
    return new ProviderFailure("provider_failed", `it ended ${status}`, { outcome: "failed", said });
  }
  if (status < 400) return null;
  const details = { outcome: "unknown" as const, said };
  if (isModerated(json)) return new ProviderFailure("content_policy", "moderation", details);
  const ofSource = sourceFailure(task, { said, outcome: "failed" });
  return new ProviderFailure(ofSource?.reason ?? "provider_rejected", `it ended ${status}`, details);
}
