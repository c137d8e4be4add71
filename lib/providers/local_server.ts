/**
 * A server that speaks OpenAI's images API, or a part of it. Each speaks another part: those that are known by name
 * have a preset (`openai_presets.ts`); any other is asked who it is, stable-diffusion.cpp (by its own job API), LocalAI,
 * vLLM-Omni, SGLang, or another, of which only the least is expected. Without a key all of them are free; with one, what
 * it lists counts, else nothing until a price is added.
 */
import type { Outgoing } from "../outgoing.ts";
import {
  type Model,
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type ProviderStatus,
  type TaskRequest,
} from "../catalog/provider.ts";
import type { Sleep } from "../sleep.ts";
import { type Answered, makeByOneCall } from "./one_call.ts";
import { type Dialect, dialects, type Wire } from "./openai_dialects.ts";
import type { Offered, Preset } from "./openai_presets.ts";
import { readError, versioned } from "./openai_wire.ts";
import { withoutExtraArguments } from "./prompt_orders.ts";
import { createSdCpp, sdCppModel } from "./sd_cpp.ts";
import { wordModels } from "./word_models.ts";
import { type Fields, fieldsOf, listOf, statusOf, textOf, unreachable } from "./wire.ts";

export interface LocalServerDeps {
  /** With or without its version, without a slash at its end. */
  baseUrl: string;
  /** Where it wants one, somebody may bill what it makes. */
  apiKey?: string;
  /** Where there are several: its name, which stands before its models' names, and what is known of it. */
  as?: { id: string; preset: Preset | null };
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
}

const longestMs = 30 * 60_000;
const mostListed = 1000;
const mostIdChars = 200;
const askedAnewMs = 24 * 3600 * 1000;
/** Where it did not answer. */
const askedAgainMs = 5 * 60_000;

/** Who the server is and what it has, as of its last answer. */
interface Known {
  name: string;
  models: Model[];
  /** Null for stable-diffusion.cpp, which has an API of its own. */
  wire: Wire | null;
}

export interface LocalServer extends Provider {
  resume: NonNullable<Provider["resume"]>;
  cancel: NonNullable<Provider["cancel"]>;
  checkStatus: NonNullable<Provider["checkStatus"]>;
}

export function createLocalServer({ baseUrl, apiKey, as, ...deps }: LocalServerDeps): LocalServer {
  const preset = as?.preset ?? null;
  const api = versioned(baseUrl);
  const rootUrl = api.replace(/\/v\d+$/, "");
  const { outgoing, now } = deps;
  const headers = apiKey === undefined ? undefined : { authorization: `Bearer ${apiKey}` };
  const sdCpp = createSdCpp({ rootUrl, headers, ...deps });
  let known: Known = { name: as?.id ?? "Local server", models: [], wire: preset };
  let staleAt = -Infinity;
  let hasNoEdits = false;

  return {
    id: as?.id ?? "openai",
    get name() {
      return as === undefined ? known.name : preset?.name ?? as.id;
    },
    get models() {
      return known.models;
    },
    get staleAt() {
      return as === undefined ? undefined : staleAt;
    },
    isRepeatable: false,
    async *generate(given, { signal }) {
      const task = withoutExtraArguments(given);
      const loaded = known.models[0]?.name ?? "";
      if (known.wire === null) yield* sdCpp.generate(task, { loaded, signal });
      else yield* call(task, { wire: known.wire, signal });
    },
    // Only stable-diffusion.cpp's jobs have a handle.
    resume: (handle, task, { signal }) => sdCpp.resume(handle, task, signal),
    async cancel(handle) {
      await sdCpp.cancel(handle);
      return "not_billed";
    },
    async checkStatus(signal) {
      staleAt = now() + askedAgainMs;
      try {
        const status = await (preset === null ? lookAround(signal) : askPreset(preset, signal));
        if (status.state === "ok") staleAt = now() + askedAnewMs;
        return status;
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  async function lookAround(signal: AbortSignal): Promise<ProviderStatus> {
    const capabilities = await ask(`${rootUrl}/sdcpp/v1/capabilities`, signal);
    if (capabilities.status === 200 && Object.keys(fieldsOf(capabilities.json)).length > 0) {
      const name = "stable-diffusion.cpp";
      known = { name, models: [ofThis(sdCppModel(capabilities.json))], wire: null };
      return statusOf({ status: 200, said: null });
    }
    const { status, json } = await ask(`${api}/models`, signal);
    if (status !== 200) return statusOf({ status, said: readError(json)?.message ?? null });
    const detailed = await ask(`${api}/models/capabilities`, signal);
    const dialect = dialectOf({
      json,
      isLocalAi: detailed.status === 200,
      hasEdits: await hasEdits(signal),
    });
    const ids = modelIds(detailed.status === 200 ? detailed.json : json)
      .filter((id) => as === undefined || !wordModels.test(id));
    const models = ids.map((id) => ofThis(localModel(id, dialect)));
    known = { name: dialect.name, models, wire: dialect };
    return statusOfModels();
  }

  async function askPreset(preset: Preset, signal: AbortSignal): Promise<ProviderStatus> {
    let answer = { status: 404, json: undefined as unknown };
    for (const url of preset.lists({ api, root: rootUrl })) {
      answer = await ask(url, signal);
      if (answer.status === 200 && answer.json !== undefined) break;
    }
    const { status, json } = answer;
    if (status !== 200) return statusOf({ status, said: readError(json)?.message ?? null });
    known = { ...known, models: preset.offers(json).map((offered) => ofThis(presetModel(offered))) };
    return { ...statusOfModels(), balance: preset.balanceOf?.(json) ?? null };
  }

  function statusOfModels(): ProviderStatus {
    if (known.models.length > 0) return statusOf({ status: 200, said: null });
    return { state: "trouble", balance: null, detail: "It has no model that makes pictures" };
  }

  /** The path for changing pictures is there, where it says that it is not to be read. */
  async function hasEdits(signal: AbortSignal): Promise<boolean> {
    return (await ask(`${api}/images/edits`, signal)).status === 405;
  }

  /** Another server may call its models like this one, and what they cost is another matter there. */
  function ofThis(model: Model): Model {
    const seller = new URL(baseUrl).host;
    const { listed } = model;
    return {
      ...model,
      ...(as !== undefined && { id: `${as.id}/${model.id}`, wireId: model.id, provider: as.id }),
      ...(hasNoEdits && { edit: null }),
      seller,
      ...(listed !== undefined && { listed: listed.map((row) => ({ ...row, provider: seller })) }),
      ...(listed === undefined && (apiKey === undefined ? { isFree: true } : { isUnpriced: true })),
    };
  }

  function ask(url: string, signal: AbortSignal) {
    return outgoing.callForJson({
      url,
      headers,
      method: "GET",
      timeoutMs: 5000,
      maxBytes: 10_000_000,
      signal,
    });
  }

  async function* call(
    task: TaskRequest,
    { wire, signal }: { wire: Wire; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    const fields = wire.fields(task);
    const { path, body } = task.edit === undefined
      ? { path: "generations", body: fields }
      : await wire.editCall(task.edit, fields, task);
    yield* makeByOneCall(outgoing, {
      task,
      request: {
        url: `${api}/images/${path}`,
        headers: { ...headers, ...wire.headers?.(task) },
        body,
        timeoutMs: longestMs,
        signal,
      },
      isBilled: apiKey !== undefined,
      now,
      costOf: wire.costOf,
      failureOf: (answer) => withoutEdits(answer, path) ?? wire.failureOf?.(answer, task) ?? null,
    });
  }

  /** The path for changing pictures is not there after all, so nobody is offered it again. */
  function withoutEdits({ status, json }: Answered, path: string): ProviderFailure | null {
    if (path === "generations" || (status !== 404 && status !== 405)) return null;
    const error = readError(json[0]);
    if (/model/.test(`${error?.code} ${error?.param}`)) return null;
    hasNoEdits = true;
    known = { ...known, models: known.models.map((model) => ({ ...model, edit: null })) };
    return new ProviderFailure("provider_rejected", "it has no way to change pictures", {
      outcome: "not_created",
      said: error?.message ?? null,
    });
  }
}

function dialectOf(
  { json, isLocalAi, hasEdits }: { json: unknown; isLocalAi: boolean; hasEdits: boolean },
): Dialect {
  if (isLocalAi) return dialects.localAi;
  const owners = listOf(fieldsOf(json).data).map((each) => String(fieldsOf(each).owned_by ?? ""));
  if (owners.some((owner) => /vllm/i.test(owner))) return dialects.vllmOmni;
  if (owners.some((owner) => /sglang/i.test(owner))) return dialects.sglang;
  return hasEdits ? dialects.otherWithEdits : dialects.other;
}

/** Those that make pictures, where the server tells them apart. */
function modelIds(json: unknown): string[] {
  const entries = listOf(fieldsOf(json).data).map(fieldsOf);
  const makesPictures = ({ capabilities, output_modalities: outputs }: Fields) =>
    (capabilities === undefined && outputs === undefined) ||
    [...listOf(capabilities), ...listOf(outputs)].includes("image");
  return entries.slice(0, mostListed).filter(makesPictures).flatMap(({ id }) => textOf(id) ?? [])
    .filter((id, index, ids) => id.length <= mostIdChars && ids.indexOf(id) === index);
}

function localModel(id: string, { options, edit }: Dialect): Model {
  return {
    id,
    provider: "openai",
    name: id,
    sizes: ["512x512", "768x768", "1024x1024", "1536x1536", "1536x1024", "1024x1536"],
    maxCount: 8,
    imagesPerTask: 1,
    options,
    edit: edit(id),
    watermark: "darkroom",
    progress: "estimate",
    previews: false,
    retiresAt: null,
    deadlineMs: longestMs,
  };
}

function presetModel({ id, prices, ...offered }: Offered): Model {
  return {
    id,
    provider: "openai",
    name: id,
    maxCount: 8,
    imagesPerTask: 1,
    options: { seed: false, negativePrompt: false, guidance: null, steps: null },
    edit: null,
    watermark: "darkroom",
    progress: "estimate",
    previews: false,
    retiresAt: null,
    deadlineMs: longestMs,
    ...offered,
    ...(prices !== null && {
      listed: prices.map((price) => ({ provider: "", model: id, quality: "standard", ...price })),
    }),
  };
}
