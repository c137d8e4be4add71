/**
 * A server on a machine of one's own that speaks OpenAI's images API, or a part of it. Each speaks another part, so
 * it is asked who it is: stable-diffusion.cpp (by its own job API), LocalAI, vLLM-Omni, SGLang, or another, of which
 * only the least is expected. Without a key all of them are free; with one, until a price is added for them.
 */
import { type FormFile, multipart } from "../multipart.ts";
import { type Outgoing, OutgoingFailure, type ProviderCall } from "../outgoing.ts";
import {
  type EditAbility,
  type Model,
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type ProviderStatus,
  type TaskEdit,
  type TaskRequest,
} from "../catalog/provider.ts";
import type { Sleep } from "../sleep.ts";
import { maskFile, partsOf, sourceFiles } from "./given_pictures.ts";
import { failureOfAnswer, failureOfEvent, firstImage, readError, versioned } from "./openai_wire.ts";
import { withoutExtraArguments } from "./prompt_orders.ts";
import { createSdCpp, sdCppModel } from "./sd_cpp.ts";
import {
  type Answers,
  type Fields,
  fieldsOf,
  listOf,
  outcomeUnknown,
  readAnswers,
  statusOf,
  submissionFailure,
  textOf,
  unreachable,
  type WirePicture,
} from "./wire.ts";

export interface LocalServerDeps {
  /** With or without its version, without a slash at its end. */
  baseUrl: string;
  /** Where it wants one, somebody may bill what it makes. */
  apiKey?: string;
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
}

const maxAnswerBytes = 200_000_000;
const maxFileBytes = 50_000_000;
const longestMs = 30 * 60_000;

/** What a server takes beyond model, prompt, number and size, and under which names. */
interface Dialect {
  name: string;
  options: Model["options"];
  fields(task: TaskRequest): Fields;
  /** What this model of it can do with pictures; null where that is not known. */
  edit(model: string): EditAbility | null;
  /** The request that makes a picture from others, below the API's own address. */
  editCall(edit: TaskEdit, fields: Fields): Promise<Pick<ProviderCall, "body"> & { path: string }>;
}

const diffusionOptions: Model["options"] = {
  seed: true,
  negativePrompt: true,
  guidance: { min: 0, max: 20, step: 0.5 },
  steps: { min: 1, max: 200, step: 1 },
};
const diffusionFields = ({ seed, negativePrompt, guidance, steps }: TaskRequest): Fields => ({
  ...(seed !== undefined && { seed }),
  ...(negativePrompt !== undefined && { negative_prompt: negativePrompt }),
  ...(guidance !== undefined && { guidance_scale: guidance }),
  ...(steps !== undefined && { num_inference_steps: steps }),
});

const given = (max: number, mask: EditAbility["mask"] = null): EditAbility => ({
  sources: {
    max,
    maxBytes: 8_000_000,
    longestSide: 2048,
    contentTypes: ["image/png", "image/jpeg"],
    by: "bytes",
    roles: false,
  },
  mask,
  strength: null,
  sizes: "list",
});

/**
 * vLLM-Omni and SGLang have one path for all of their models, so only a model's name tells whether it takes pictures.
 * SGLang accepts a mask and does nothing with it.
 */
const editModels: [name: RegExp, max: number][] = [
  [/edit-?(plus|25\d\d)|flux[._-]?2|klein/i, 3],
  [/edit|kontext|omnigen|bagel/i, 1],
];
const byName = (model: string) => {
  const known = editModels.find(([name]) => name.test(model));
  return known === undefined ? null : given(known[1]);
};

/** OpenAI's form. */
async function formOfEdit(edit: TaskEdit, fields: Fields, name: string) {
  const files = sourceFiles(edit).map((file): [string, FormFile] => [name, file]);
  return { path: "edits", body: await multipart([...textFields(fields), ...files]) };
}

function textFields(fields: Fields): [name: string, value: string][] {
  return Object.entries(fields).map(([name, value]) => [name, String(value)]);
}

const dialects = {
  localAi: {
    name: "LocalAI",
    options: { seed: false, negativePrompt: true, guidance: null, steps: { min: 1, max: 150, step: 1 } },
    // What stands behind a bar is left out of the picture, so a bar in the words would cut them off.
    fields: ({ prompt, negativePrompt, steps }) => ({
      prompt: [prompt, ...(negativePrompt === undefined ? [] : [negativePrompt])]
        .map((text) => text.replaceAll("|", ",")).join("|"),
      ...(steps !== undefined && { step: steps }),
    }),
    edit: () => given(4, "white"),
    editCall: localAiCall,
  },
  vllmOmni: {
    name: "vLLM-Omni",
    options: diffusionOptions,
    fields: diffusionFields,
    edit: byName,
    editCall: (edit, fields) => formOfEdit(edit, fields, "image[]"),
  },
  sglang: {
    name: "SGLang",
    options: diffusionOptions,
    fields: diffusionFields,
    edit: byName,
    editCall: (edit, fields) => formOfEdit(edit, fields, "image[]"),
  },
  other: {
    name: "OpenAI-compatible server",
    options: { seed: false, negativePrompt: false, guidance: null, steps: null },
    fields: () => ({}),
    edit: () => null,
    editCall: (edit, fields) => formOfEdit(edit, fields, "image"),
  },
  otherWithEdits: {
    name: "OpenAI-compatible server",
    options: { seed: false, negativePrompt: false, guidance: null, steps: null },
    fields: () => ({}),
    edit: () => given(1),
    editCall: (edit, fields) => formOfEdit(edit, fields, "image"),
  },
} satisfies Record<string, Dialect>;

/**
 * LocalAI changes a marked part by a form of its own, of one picture; everything else it makes as it makes pictures
 * from words. Some of its engines begin from `file`, and others look at the first of `ref_images`.
 */
async function localAiCall(edit: TaskEdit, fields: Fields) {
  const { base, others } = partsOf(edit);
  if (edit.mask !== null && base !== null && others.length === 0) {
    const { model, prompt, step: steps } = fields;
    const texts = textFields({ model, prompt, ...(steps !== undefined && { steps }) });
    const [image] = sourceFiles({ sources: [base] });
    return {
      path: "inpainting",
      body: await multipart([...texts, ["image", image], ["mask", maskFile(edit.mask)]]),
    };
  }
  const references = base === null ? others : [base, ...others];
  return {
    path: "generations",
    body: {
      ...fields,
      ...(base !== null && { file: base.bytes.toBase64() }),
      ref_images: references.map(({ bytes }) => bytes.toBase64()),
    },
  };
}

/** Who the server is and what it has, as of its last answer. */
interface Known {
  name: string;
  models: Model[];
  /** Null for stable-diffusion.cpp, which has an API of its own. */
  dialect: Dialect | null;
}

export interface LocalServer extends Provider {
  resume: NonNullable<Provider["resume"]>;
  cancel: NonNullable<Provider["cancel"]>;
  checkStatus: NonNullable<Provider["checkStatus"]>;
}

export function createLocalServer({ baseUrl, apiKey, ...deps }: LocalServerDeps): LocalServer {
  const api = versioned(baseUrl);
  const rootUrl = api.replace(/\/v\d+$/, "");
  const { outgoing, now } = deps;
  const headers = apiKey === undefined ? undefined : { authorization: `Bearer ${apiKey}` };
  const sdCpp = createSdCpp({ rootUrl, headers, ...deps });
  let known: Known = { name: "Local server", models: [], dialect: null };

  return {
    id: "openai",
    get name() {
      return known.name;
    },
    get models() {
      return known.models;
    },
    isRepeatable: false,
    async *generate(given, { signal }) {
      const task = withoutExtraArguments(given);
      const loaded = known.models[0]?.name ?? "";
      if (known.dialect === null) yield* sdCpp.generate(task, { loaded, signal });
      else yield* call(task, { dialect: known.dialect, signal });
    },
    // Only stable-diffusion.cpp's jobs have a handle.
    resume: (handle, task, { signal }) => sdCpp.resume(handle, task, signal),
    async cancel(handle) {
      await sdCpp.cancel(handle);
      return "not_billed";
    },
    async checkStatus(signal) {
      try {
        return await lookAround(signal);
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  async function lookAround(signal: AbortSignal): Promise<ProviderStatus> {
    const capabilities = await ask(`${rootUrl}/sdcpp/v1/capabilities`, signal);
    if (capabilities.status === 200 && Object.keys(fieldsOf(capabilities.json)).length > 0) {
      known = {
        name: "stable-diffusion.cpp",
        models: [ofThis(sdCppModel(capabilities.json))],
        dialect: null,
      };
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
    const ids = modelIds(detailed.status === 200 ? detailed.json : json);
    known = { name: dialect.name, models: ids.map((id) => ofThis(localModel(id, dialect))), dialect };
    if (ids.length > 0) return statusOf({ status, said: null });
    return { state: "trouble", balance: null, detail: "It has no model that makes pictures" };
  }

  /** The path for changing pictures is there, where it says that it is not to be read. */
  async function hasEdits(signal: AbortSignal): Promise<boolean> {
    return (await ask(`${api}/images/edits`, signal)).status === 405;
  }

  /** Another server may call its models like this one, and what they cost is another matter there. */
  function ofThis(model: Model): Model {
    const seller = new URL(baseUrl).host;
    return { ...model, seller, ...(apiKey === undefined ? { isFree: true } : { isUnpriced: true }) };
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
    { dialect, signal }: { dialect: Dialect; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    const { model, prompt, width, height, seed } = task;
    const fields = {
      model,
      prompt,
      n: 1,
      size: `${width}x${height}`,
      response_format: "b64_json",
      ...dialect.fields(task),
    };
    const { path, body } = task.edit === undefined
      ? { path: "generations", body: fields }
      : await dialect.editCall(task.edit, fields);
    let answer;
    try {
      answer = await outgoing.callForStream({
        url: `${api}/images/${path}`,
        method: "POST",
        headers,
        body,
        timeoutMs: longestMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
    } catch (error) {
      throw submissionFailure(error);
    }
    const answers = await readAnswers(answer);
    if (answer.status !== 200) {
      throw failureOfAnswer({ ...answer, json: answers.json[0], now: now(), task });
    }
    const image = await paidOrNot(() => imageIn(answers, task));
    const bytes = "bytes" in image ? image.bytes : await paidOrNot(() => fetchImage(image.address, signal));
    yield { type: "image", bytes, seed };
    yield { type: "done", cost: null };
  }

  /** Whoever may be billed is, for what is no picture too. */
  async function paidOrNot<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isBilled = apiKey !== undefined && error instanceof ProviderFailure &&
        error.reason === "bad_result";
      if (!isBilled) throw error;
      throw new ProviderFailure("bad_result", error.message, {
        outcome: "billed",
        said: error.said,
        cause: error,
      });
    }
  }

  async function fetchImage(address: string, signal: AbortSignal): Promise<Uint8Array> {
    try {
      const limits = { maxBytes: maxFileBytes, timeoutMs: 60_000, signal };
      return await outgoing.fetchNamed(address, { ownOrigin: api, ...limits });
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      throw badResult(`the picture can't be fetched: ${error.message}`);
    }
  }
}

/** Of an answer that says success. */
function imageIn({ picture, json }: Answers, task: TaskRequest): WirePicture {
  if (picture !== null) return { bytes: picture };
  if (json.length === 0) throw outcomeUnknown("its answer can't be read");
  // The last message of a stream has the finished picture.
  const answers = json.toReversed();
  const image = answers.map(firstImage).find((each) => each !== null);
  if (image !== undefined) return image;
  const error = answers.map(readError).find((each) => each !== null);
  if (error !== undefined) throw failureOfEvent(error, task);
  throw badResult("there is no picture in its answer");
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
  return entries.filter(makesPictures).flatMap(({ id }) => textOf(id) ?? [])
    .filter((id, index, ids) => ids.indexOf(id) === index);
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

function badResult(message: string): ProviderFailure {
  return new ProviderFailure("bad_result", message, { outcome: "failed", said: message });
}
