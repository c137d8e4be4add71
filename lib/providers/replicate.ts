/**
 * Replicate (replicate.com/docs): a prediction of a model, whose inputs differ by the model (`replicate_presets.ts`).
 * It is asked for by its id, and its result is removed after an hour. It is told when it need not be done any more; what
 * was given up before it began is free, and what was stopped after that is billed. What it cost it does not tell.
 */
import { type Provider, ProviderFailure, type TaskHandle, type TaskRequest } from "../catalog/provider.ts";
import type { JsonAnswer } from "../outgoing.ts";
import { sourceFailure } from "./given_pictures.ts";
import { createPresetService, type PresetServiceDeps } from "./preset_service.ts";
import { replicatePresets } from "./replicate_presets.ts";
import { presetDeadlineMs } from "./task_presets.ts";
import { type Look, taskIdOf } from "./task_provider.ts";
import { fieldsOf, listOf, pictureIn, retryAfterMs, statusOf, textOf } from "./wire.ts";

export const replicateBaseUrl = "https://api.replicate.com";

export function createReplicate(deps: PresetServiceDeps): Provider {
  const { apiKey, baseUrl, now } = deps;
  const urlOf = (handle: TaskHandle) => `${baseUrl}/v1/predictions/${encodeURIComponent(taskIdOf(handle))}`;
  return createPresetService({
    id: "replicate",
    name: "Replicate",
    presets: replicatePresets,
    headers: { authorization: `Bearer ${apiKey}`, accept: "application/json" },
    submissionHeaders: { "cancel-after": `${presetDeadlineMs / 60_000}m` },
    bodyOf: (input) => ({ input }),
    isFetching: true,
    saidOf,
    submittedAs(json) {
      const taskId = textOf(fieldsOf(json).id);
      return taskId === null ? null : { taskId };
    },
    async look(handle, { task, ask }) {
      const answer = await ask(urlOf(handle));
      if (answer === null) return { is: "silent" };
      return { ...readLook(answer, task), retryAfterMs: retryAfterMs(answer.headers, now()) };
    },
    async cancel(handle, ask) {
      const answer = await ask(`${urlOf(handle)}/cancel`, "POST");
      return textOf(fieldsOf(answer?.json).status) === "aborted" ? "not_billed" : "billed";
    },
    statusUrl: `${baseUrl}/v1/account`,
    statusOf: ({ status, json }) => statusOf({ status, said: saidOf(json) }),
  }, deps);
}

function readLook({ status, json }: JsonAnswer, task: TaskRequest): Look {
  const { status: state, output, error, data_removed: isRemoved } = fieldsOf(json);
  if (status === 401 || status === 403) return { is: "key_refused", said: saidOf(json) };
  if (status === 404) return { is: "absent" };
  if (status !== 200) return { is: "silent" };
  switch (state) {
    case "starting":
    case "processing":
      return { is: "running" };
    case "succeeded": {
      const pictures = listOf(output).map((each) => pictureIn(textOf(each) ?? fieldsOf(each).url));
      if (isRemoved === true && output == null) {
        const said = "Replicate has removed the result, as it does after an hour";
        throw new ProviderFailure("bad_result", "the result was removed", { outcome: "billed", said });
      }
      return {
        is: "done",
        pictures: pictures.filter((each) => each !== null),
        cost: null,
        said: textOf(error),
      };
    }
    case "failed":
      throw failureOf(textOf(error), task);
    case "canceled":
      throw new ProviderFailure("provider_failed", "it was cancelled", {
        outcome: "billed",
        said: textOf(error) ?? "It was cancelled at Replicate, or took too long, after it had begun",
      });
    case "aborted":
      throw new ProviderFailure("timeout", "it was given up", {
        outcome: "failed",
        said: textOf(error) ?? "It did not begin in time",
      });
    default:
      return { is: "silent" };
  }
}

function failureOf(said: string | null, task: TaskRequest): ProviderFailure {
  const details = { outcome: "failed" as const, said };
  if (/nsfw|sensitive|safety|content polic|moderat|flagged|E005/i.test(said ?? "")) {
    return new ProviderFailure("content_policy", "moderation", details);
  }
  return sourceFailure(task, { ...details, isFetching: true }) ??
    new ProviderFailure("provider_failed", "the prediction failed", details);
}

/** `{ title, detail, status }`. */
function saidOf(json: unknown): string | null {
  const { detail, title, error } = fieldsOf(json);
  return textOf(detail) ?? textOf(error) ?? textOf(title);
}
