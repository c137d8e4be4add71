/**
 * Black Forest Labs' FLUX models (docs.bfl.ai): a task is answered with its id, the address under which it is asked for
 * (of the cluster that has it, so always that one) and what it costs in credits of a cent. The picture lies at an
 * address that ends after ten minutes. Nothing can be taken back.
 */
import {
  type Provider,
  type ProviderCost,
  ProviderFailure,
  type TaskHandle,
  type TaskRequest,
} from "../catalog/provider.ts";
import type { JsonAnswer } from "../outgoing.ts";
import { createPresetService, type PresetServiceDeps } from "./preset_service.ts";
import {
  byMask,
  byReferences,
  filledPart,
  type Preset,
  type PresetModel,
  presetModel,
} from "./task_presets.ts";
import { keyedAddress, type Look, type Submitted } from "./task_provider.ts";
import {
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  pictureIn,
  reportedCost,
  retryAfterMs,
  statusOf,
  textOf,
} from "./wire.ts";

/** Of all regions. */
export const bflBaseUrl = "https://api.bfl.ai";

export function createBfl(deps: PresetServiceDeps): Provider {
  const { apiKey, baseUrl, now } = deps;
  return createPresetService({
    id: "bfl",
    name: "Black Forest Labs",
    presets,
    headers: { "x-key": apiKey, accept: "application/json" },
    bodyOf: (input) => input,
    saidOf,
    submittedAs: (json) => submittedAs(json, baseUrl),
    async look(handle, { ask }) {
      const answer = await ask(String(handle.pollingUrl));
      if (answer === null) return { is: "silent" };
      return { ...readLook(answer, handle), retryAfterMs: retryAfterMs(answer.headers, now()) };
    },
    statusUrl: `${baseUrl}/v1/credits`,
    statusOf({ status, json }) {
      const credits = numberOf(fieldsOf(json).credits);
      const balance = credits === null ? null : `${Math.round(credits * 100) / 100} credits`;
      return { ...statusOf({ status, said: saidOf(json) }), balance };
    },
  }, deps);
}

/** Each counts as a megapixel, of which all together may be nine. */
const references = (max: number) => byReferences({ max, by: "bytes", longestSide: 1024 });

const presets: readonly Preset[] = [
  preset({ id: "flux-2-pro", name: "FLUX.2 pro", edit: references(8) }),
  preset({ id: "flux-2-max", name: "FLUX.2 max", edit: references(8) }),
  preset({
    id: "flux-2-flex",
    name: "FLUX.2 flex",
    options: { guidance: { min: 1.5, max: 10, step: 0.5 }, steps: { min: 6, max: 50, step: 1 } },
    edit: references(8),
  }),
  preset({ id: "flux-2-klein-9b", name: "FLUX.2 klein 9B", edit: references(4) }),
  preset({ id: "flux-2-klein-4b", name: "FLUX.2 klein 4B", edit: references(4) }),
  {
    model: presetModel("bfl", {
      id: "flux-pro-1.0-fill",
      name: "FLUX.1 Fill pro",
      options: {
        seed: true,
        guidance: { min: 1.5, max: 100, step: 0.5 },
        steps: { min: 15, max: 50, step: 1 },
      },
      edit: byMask({ by: "bytes", longestSide: 2048 }),
      needsSource: true,
    }),
    path: ({ model }) => `v1/${model}`,
    async input(task) {
      const { picture, mask } = await filledPart(task.edit!);
      return { ...wordsOf(task), image: picture.bytes.toBase64(), mask: mask.toBase64() };
    },
  },
];

function preset(model: PresetModel): Preset {
  return {
    model: presetModel("bfl", { ...model, options: { seed: true, ...model.options } }),
    path: ({ model }) => `v1/${model}`,
    input: (task) => ({
      ...wordsOf(task),
      width: task.width,
      height: task.height,
      ...Object.fromEntries(
        (task.edit?.sources ?? []).map(({ bytes }, index) => [
          index === 0 ? "input_image" : `input_image_${index + 1}`,
          bytes.toBase64(),
        ]),
      ),
    }),
  };
}

function wordsOf({ prompt, seed, steps, guidance }: TaskRequest): Fields {
  return {
    prompt,
    output_format: "png",
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { steps }),
    ...(guidance !== undefined && { guidance }),
  };
}

function submittedAs(json: unknown, baseUrl: string): Submitted | null {
  const { id, polling_url, cost } = fieldsOf(json);
  const taskId = textOf(id);
  const pollingUrl = keyedAddress(polling_url, { baseUrl, domain: "bfl.ai" });
  if (taskId === null || pollingUrl === null) return null;
  return { taskId, more: { pollingUrl, credits: numberOf(cost) } };
}

function readLook({ status, json }: JsonAnswer, handle: TaskHandle): Look {
  const fields = fieldsOf(json);
  const state = textOf(fields.status);
  if (state === null) {
    if (status === 401 || status === 403) return { is: "key_refused", said: saidOf(json) };
    return { is: status === 404 ? "absent" : "silent" };
  }
  switch (state.toLowerCase()) {
    case "ready": {
      const { sample, seed } = fieldsOf(fields.result);
      const picture = pictureIn(sample);
      const drawn = numberOf(seed);
      return {
        is: "done",
        pictures: picture === null ? [] : [picture],
        cost: costOf(fields.cost) ?? costOf(handle.credits),
        ...(drawn !== null && { seed: drawn }),
        said: saidOf(json),
      };
    }
    // Of the words or pictures that it was given, and of what it made: neither is billed.
    case "request moderated":
    case "content moderated":
      throw failed("content_policy", [state, ...reasonsOf(fields.details)].join(": "));
    case "error":
    case "failed":
      throw failed("provider_failed", saidOf(json) ?? state);
    case "task not found":
      return { is: "absent" };
    default:
      return { is: "running" };
  }
}

function failed(reason: ProviderFailure["reason"], said: string): ProviderFailure {
  return new ProviderFailure(reason, "the task has failed", { outcome: "failed", said });
}

/** A credit is a cent. */
function costOf(credits: unknown): ProviderCost | null {
  const number = numberOf(credits);
  return number === null ? null : reportedCost(number / 100);
}

/** `{"Moderation Reasons": ["Derivative Works Filter"]}`. */
function reasonsOf(details: unknown): string[] {
  const reasons = Object.values(fieldsOf(details)).flatMap(listOf).flatMap((each) => textOf(each) ?? []);
  return reasons.length === 0 ? [] : [reasons.join(", ")];
}

/** `detail` is a text, or a list of what is wrong where. */
function saidOf(json: unknown): string | null {
  const { detail, details, message } = fieldsOf(json);
  const listed = listOf(detail).flatMap((each) => textOf(each) ?? textOf(fieldsOf(each).msg) ?? []);
  const more = textOf(details) ?? textOf(fieldsOf(details).error) ?? textOf(fieldsOf(details).message);
  return listed.join("; ") || (more ?? textOf(message));
}
