/**
 * The Nanobanana API (nanobananaapi.ai): tasks that are created, then asked for until they are done. Its envelope's
 * `code` says how it went, whatever the HTTP status. Its documentation and its clients disagree about where the
 * fields of an answer are and how they are called, so every known variant is read.
 */
import type { CallbackLine } from "../catalog/callbacks.ts";
import { type JsonAnswer, type Outgoing, OutgoingFailure } from "../outgoing.ts";
import {
  type EditAbility,
  type Model,
  type Provider,
  ProviderFailure,
  type ProviderStatus,
  type TaskContext,
  type TaskRequest,
} from "../catalog/provider.ts";
import { isGivenPictures, sourceFailure, sourceRefused, sourceUnreachable } from "./given_pictures.ts";
import type { Sleep } from "../sleep.ts";
import {
  costOf,
  type Envelope,
  readEnvelope,
  readPictures,
  readTaskId,
  type TaskRecord,
} from "./nanobanana_wire.ts";
import { nearestRatio, resolutionFor } from "./shape.ts";
import { createTaskProvider, firstLookMs, type Look, taskIdOf, unknownTaskGraceMs } from "./task_provider.ts";
import { outcomeUnknown, retryAfterMs, submissionFailure } from "./wire.ts";

export interface NanobananaDeps {
  token: string;
  /** Without a slash at its end. */
  baseUrl: string;
  /** This server's own address: the base tier wants a callback address even where it can't reach it. */
  publicUrl: string;
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
}

const answerTimeoutMs = 60_000;
const pollTimeoutMs = 30_000;
const maxTaskBytes = 1_000_000;
const maxRecordBytes = 80_000_000;

/** Those that all tiers have. */
const ratios = ["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9"];

interface Tier {
  path: string;
  body(task: TaskRequest, imageUrls: string[]): { [field: string]: unknown };
}

const base: Tier = {
  path: "generate",
  body: ({ prompt, width, height, watermark }, imageUrls) => ({
    prompt,
    // The misspelling is really on the wire.
    type: imageUrls.length === 0 ? "TEXTTOIAMGE" : "IMAGETOIAMGE",
    ...(imageUrls.length > 0 && { imageUrls }),
    numImages: 1,
    image_size: nearestRatio({ width, height }, ratios),
    ...(watermark !== null && { watermark }),
  }),
};
const second: Tier = {
  path: "generate-2",
  body: ({ prompt, width, height }, imageUrls) => ({
    prompt,
    imageUrls,
    aspectRatio: nearestRatio({ width, height }, ratios),
    resolution: resolutionFor({ width, height }),
    outputFormat: "png",
  }),
};
const pro: Tier = {
  path: "generate-pro",
  body: ({ prompt, width, height }, imageUrls) => ({
    prompt,
    imageUrls,
    aspectRatio: nearestRatio({ width, height }, ratios),
    resolution: resolutionFor({ width, height }),
  }),
};

const tiers: { [model: string]: Tier } = {
  "nanobanana": base,
  "nanobanana-2": second,
  "nanobanana-pro": pro,
};

/** Pictures are fetched by the provider from addresses of ours, and no part of one can be marked. */
const edit = (max: number): EditAbility => ({
  sources: {
    max,
    maxBytes: 10_000_000,
    longestSide: 4096,
    contentTypes: ["image/png", "image/jpeg", "image/webp"],
    by: "address",
    roles: false,
  },
  mask: null,
  strength: null,
  sizes: "list",
});

const model = (
  [id, name, watermark, maxSources]: [
    id: string,
    name: string,
    watermark: Model["watermark"],
    maxSources: number,
  ],
): Model => ({
  id,
  provider: "nanobanana",
  name,
  sizes: ["512x512", "768x768", "1024x1024", "1536x1536"],
  maxCount: 8,
  // The answer to more than one picture a task is documented nowhere.
  imagesPerTask: 1,
  options: { seed: false, negativePrompt: false, guidance: null, steps: null },
  edit: edit(maxSources),
  watermark,
  progress: "estimate",
  previews: false,
  retiresAt: null,
  deadlineMs: 10 * 60_000,
});

const nanobananaModels: readonly Model[] = [
  // How many the first one takes is written nowhere: as many as the one that takes the fewest.
  model(["nanobanana", "Nano Banana", "provider", 8]),
  model(["nanobanana-2", "Nano Banana 2", "darkroom", 14]),
  model(["nanobanana-pro", "Nano Banana Pro", "darkroom", 8]),
];

export function createNanobanana(deps: NanobananaDeps): Provider {
  const { baseUrl, outgoing, now } = deps;
  const headers = { authorization: `Bearer ${deps.token}`, accept: "application/json" };

  const tasks = createTaskProvider({
    submit: async (task, context) => ({ taskId: await submit(task, context) }),
    look: async (handle, { task, signal }) => readPoll(await ask(taskIdOf(handle), signal), task),
  }, deps);

  return {
    id: "nanobanana",
    name: "Nanobanana",
    models: nanobananaModels,
    isRepeatable: false,
    generate: tasks.generate,
    resume: tasks.resume,
    async *await(task, context) {
      const handle = { taskId: await calledBack(task, context) };
      yield { type: "submitted", handle };
      yield* tasks.resume(handle, task, context);
    },
    checkStatus,
  };

  /** Creates the task, at most once: whatever is in doubt afterwards is thrown as `outcome_unknown`. */
  async function submit(task: TaskRequest, { signal, callback }: TaskContext): Promise<string> {
    const tier = tiers[task.model];
    const callBackUrl = callback?.url ?? (tier === base ? `${deps.publicUrl}/callbacks/none` : undefined);
    const body = { ...tier.body(task, addressesOf(task)), ...(callBackUrl !== undefined && { callBackUrl }) };
    let answer: JsonAnswer;
    try {
      answer = await outgoing.callForJson({
        url: `${baseUrl}/api/v1/nanobanana/${tier.path}`,
        method: "POST",
        headers,
        body,
        timeoutMs: answerTimeoutMs,
        maxBytes: maxTaskBytes,
        signal,
      });
    } catch (error) {
      throw submissionFailure(error);
    }
    const envelope = readEnvelope(answer.json);
    const failed = creationFailure(answer, { envelope, task });
    if (failed !== null) throw failed;
    const taskId = readTaskId(envelope!.data) ?? readTaskId(answer.json);
    if (taskId === null) throw outcomeUnknown("it said success without a task id");
    return taskId;
  }

  function creationFailure(
    { status, headers }: JsonAnswer,
    { envelope, task }: { envelope: Envelope | null; task: TaskRequest },
  ): ProviderFailure | null {
    if (envelope?.code === 200) return null;
    const said = envelope?.message ?? null;
    const fail = (reason: ProviderFailure["reason"], isRetryable = false) =>
      new ProviderFailure(reason, `creation answered ${envelope?.code ?? status}`, {
        outcome: "not_created",
        isRetryable,
        retryAfterMs: isRetryable ? retryAfterMs(headers, now()) : null,
        said,
      });
    const code = envelope?.code ?? status;
    const details = { said, outcome: "not_created" as const };
    switch (code) {
      case 401:
        return fail("provider_auth");
      case 402:
        return fail("provider_billing");
      case 451:
        return isGivenPictures(task) ? sourceUnreachable(details) : fail("provider_rejected");
      case 413:
      case 415:
        return isGivenPictures(task) ? sourceRefused(details) : fail("provider_rejected");
      case 400:
      case 404:
      case 422:
        return sourceFailure(task, { ...details, isFetching: true }) ?? fail("provider_rejected");
      case 429:
        return fail("rate_limited", true);
      case 455:
      case 503:
        return fail("provider_unavailable", true);
    }
    if (envelope !== null) return fail("provider_failed");
    if (status >= 300 && status < 400) return fail("provider_unavailable");
    if (status >= 400 && status < 500) return fail("provider_rejected");
    return outcomeUnknown(`creation answered ${status} and nothing else that can be read`);
  }

  /** What the provider says of the task now; all empty where it said nothing that can be read. */
  async function ask(taskId: string, signal: AbortSignal): Promise<Poll> {
    try {
      const answer = await outgoing.callForJson({
        url: `${baseUrl}/api/v1/nanobanana/record-info?taskId=${encodeURIComponent(taskId)}`,
        method: "GET",
        headers,
        timeoutMs: pollTimeoutMs,
        maxBytes: maxRecordBytes,
        signal,
      });
      const envelope = readEnvelope(answer.json);
      return {
        record: envelope?.record ?? null,
        code: envelope?.code ?? answer.status,
        said: envelope?.message ?? null,
        retryAfterMs: retryAfterMs(answer.headers, now()),
      };
    } catch (error) {
      if (error instanceof OutgoingFailure) {
        return { record: null, code: null, said: null, retryAfterMs: null };
      }
      throw error;
    }
  }

  /** The id of the task that the provider called back about, once the provider itself confirms it. */
  async function calledBack(
    task: TaskRequest,
    context: TaskContext & { callback: CallbackLine },
  ): Promise<string> {
    const { signal, callback } = context;
    const named = new Map<string, { since: number }>();
    const pace = { delayMs: firstLookMs };
    while (true) {
      const calls = named.size === 0 ? await callback.next(signal) : await tasks.pause(pace, context);
      for (const body of calls) {
        const taskId = readTaskId(readEnvelope(body)?.data) ?? readTaskId(body);
        if (taskId === null || named.has(taskId)) continue;
        named.set(taskId, { since: now() });
        pace.delayMs = firstLookMs;
      }
      for (const [taskId, { since }] of named) {
        const { record, code } = await ask(taskId, signal);
        const isFound = record !== null && isOurs(record, { task, callback });
        if (isFound && await context.claim(taskId)) return taskId;
        const mayBeLate = record === null && (code !== 404 || now() - since < unknownTaskGraceMs);
        if (!mayBeLate) named.delete(taskId);
      }
    }
  }

  async function checkStatus(signal: AbortSignal): Promise<ProviderStatus> {
    try {
      const answer = await outgoing.callForJson({
        url: `${baseUrl}/api/v1/common/credit`,
        method: "GET",
        headers,
        timeoutMs: 10_000,
        maxBytes: maxTaskBytes,
        signal,
      });
      const envelope = readEnvelope(answer.json);
      const code = envelope?.code ?? answer.status;
      const detail = envelope?.message ?? null;
      if (code === 401 || code === 403) return { state: "key_refused", balance: null, detail };
      if (code !== 200 || envelope === null) {
        return { state: "trouble", balance: null, detail: detail ?? `It answered ${code}` };
      }
      const { credits } = envelope;
      return { state: "ok", balance: credits === null ? null : `${credits} credits`, detail: null };
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      return { state: "unreachable", balance: null, detail: error.message };
    }
  }
}

interface Poll {
  record: TaskRecord | null;
  code: number | null;
  said: string | null;
  retryAfterMs: number | null;
}

function readPoll({ record, code, said, retryAfterMs }: Poll, task: TaskRequest): Look {
  if (record?.flag === 1) {
    const said = record.errorMessage;
    return { is: "done", pictures: readPictures(record), cost: costOf(record), said, retryAfterMs };
  }
  if (record?.flag === 2 || record?.flag === 3) throw failedTask(record, task);
  if (code === 501) {
    throw new ProviderFailure("provider_failed", "the task failed", { outcome: "failed", said });
  }
  if (code === 451 && isGivenPictures(task)) throw sourceUnreachable({ said, outcome: "failed" });
  if (code === 404) return { is: "absent", retryAfterMs };
  if (code === 401) return { is: "key_refused", said, retryAfterMs };
  return { is: record === null ? "silent" : "running", retryAfterMs };
}

function failedTask({ flag, errorCode, errorMessage }: TaskRecord, task: TaskRequest): ProviderFailure {
  const details = { said: errorMessage, outcome: "failed" as const };
  if (errorCode === 451) return sourceUnreachable(details);
  const reason = errorCode === 400 ? "content_policy" : flag === 2 ? "provider_rejected" : "provider_failed";
  return sourceFailure(task, { ...details, isFetching: true }) ??
    new ProviderFailure(reason, `the task ended with ${flag}, error ${errorCode}`, details);
}

/** Never the bytes themselves: some of its clients say that it takes them, and others that it does not. */
function addressesOf({ edit }: TaskRequest): string[] {
  return (edit?.sources ?? []).map(({ address }) => {
    if (address === null) throw new Error("A picture that is fetched needs an address");
    return address;
  });
}

/** The record repeats what the task was made from, where it does at all. */
function isOurs(
  { parameters }: TaskRecord,
  { task, callback }: { task: TaskRequest; callback: CallbackLine },
): boolean {
  const { prompt, callBackUrl } = parameters;
  const isSamePrompt = prompt === undefined || String(prompt).trim() === task.prompt.trim();
  return isSamePrompt && (callBackUrl === undefined || callBackUrl === callback.url);
}
