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
  type ProviderCost,
  type ProviderEvent,
  ProviderFailure,
  type ProviderStatus,
  type TaskContext,
  type TaskHandle,
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
import { outcomeUnknown, retryAfterMs, submissionFailure, type WirePicture } from "./wire.ts";

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
const fileTimeoutMs = 60_000;
const maxTaskBytes = 1_000_000;
const maxRecordBytes = 80_000_000;
const maxFileBytes = 50_000_000;
const firstPollMs = 1000;
const longestPollMs = 5000;
/** Asked to wait for longer, a task that is done would be missed until its deadline. */
const longestLeastPollMs = 60_000;
/** A task may be unknown to its own provider just after it was created. */
const unknownTaskGraceMs = 10_000;
/** Polls that are refused the key, in a row, before the task is given up. */
const maxRefusedPolls = 3;
const maxEmptyResults = 3;
const maxFetches = 3;

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
  const { baseUrl, outgoing, now, sleep, random } = deps;
  const headers = { authorization: `Bearer ${deps.token}`, accept: "application/json" };

  return {
    id: "nanobanana",
    name: "Nanobanana",
    models: nanobananaModels,
    isRepeatable: false,
    async *generate(task, context) {
      const taskId = await submit(task, context);
      if (!await context.claim(taskId)) throw outcomeUnknown("it named a task that is another one's");
      yield { type: "submitted", handle: { taskId } };
      yield* follow(taskId, { task, context });
    },
    async *resume(handle, task, context) {
      const taskId = taskIdOf(handle);
      await context.claim(taskId);
      yield* follow(taskId, { task, context, isResumed: true });
    },
    async *await(task, context) {
      const taskId = await calledBack(task, context);
      yield { type: "submitted", handle: { taskId } };
      yield* follow(taskId, { task, context, isResumed: true });
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

  /** Asks for the task until it is final, then fetches its picture. */
  async function* follow(
    taskId: string,
    { task, context, isResumed = false }: {
      task: TaskRequest;
      context: TaskContext;
      isResumed?: boolean;
    },
  ): AsyncGenerator<ProviderEvent> {
    const { signal } = context;
    const startedAt = now();
    const watch = { refused: 0, empty: 0, delayMs: firstPollMs };
    if (!isResumed) await pause(watch, context);
    while (true) {
      const poll = await ask(taskId, signal);
      const record = poll.record;
      if (record?.flag === 1) {
        const pictures = readPictures(record).slice(0, task.count);
        const cost = costOf(record);
        if (pictures.length > 0) {
          for (const picture of pictures) {
            yield { type: "image", bytes: await bytesOf(picture, { signal, cost }) };
          }
          return yield { type: "done", cost };
        }
        if (++watch.empty >= maxEmptyResults) {
          throw billed(record.errorMessage ?? "it said success without a picture", cost);
        }
      } else if (record?.flag === 2 || record?.flag === 3) {
        throw failedTask(record, task);
      } else if (poll.code === 501) {
        throw new ProviderFailure("provider_failed", "the task failed", {
          outcome: "failed",
          said: poll.said,
        });
      } else if (poll.code === 451 && isGivenPictures(task)) {
        throw sourceUnreachable({ said: poll.said, outcome: "failed" });
      } else if (poll.code === 404 && now() - startedAt >= unknownTaskGraceMs) {
        throw outcomeUnknown("it does not know the task any more");
      } else if (poll.code === 401 && ++watch.refused >= maxRefusedPolls) {
        throw new ProviderFailure("provider_auth", "asking for the task answered 401", {
          outcome: "unknown",
          said: poll.said,
        });
      } else if (record !== null) {
        yield { type: "progress", fraction: null };
      }
      if (poll.code !== 401) watch.refused = 0;
      await pause(watch, context, poll.retryAfterMs);
    }
  }

  /** Until the next poll, or until the provider calls back: what its calls said, if anything. */
  async function pause(
    watch: { delayMs: number },
    { signal, callback }: TaskContext,
    leastMs: number | null = null,
  ): Promise<unknown[]> {
    const delayMs = Math.max(
      watch.delayMs * (0.8 + 0.4 * random()),
      Math.min(leastMs ?? 0, longestLeastPollMs),
    );
    watch.delayMs = Math.min(longestPollMs, watch.delayMs * 1.5);
    const over = new AbortController();
    const stop = () => over.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    const time = sleep(delayMs, over.signal).then((): unknown[] => []);
    const ways = callback === null ? [time] : [callback.next(over.signal), time];
    try {
      await Promise.race(ways);
    } finally {
      signal.removeEventListener("abort", stop);
      over.abort();
    }
    const said = await Promise.allSettled(ways);
    return said.flatMap((way) => way.status === "fulfilled" ? way.value : []);
  }

  interface Poll {
    record: TaskRecord | null;
    code: number | null;
    said: string | null;
    retryAfterMs: number | null;
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

  async function bytesOf(
    picture: WirePicture,
    { signal, cost }: { signal: AbortSignal; cost: ProviderCost | null },
  ): Promise<Uint8Array> {
    if ("bytes" in picture) return picture.bytes;
    for (let attempt = 1;; attempt++) {
      try {
        return await outgoing.fetchNamed(picture.address, {
          ownOrigin: baseUrl,
          maxBytes: maxFileBytes,
          timeoutMs: fileTimeoutMs,
          signal,
        });
      } catch (error) {
        if (!(error instanceof OutgoingFailure)) throw error;
        if (attempt === maxFetches) throw billed(`the picture can't be fetched: ${error.message}`, cost);
      }
      await sleep(1000 * attempt, signal);
    }
  }

  /** The id of the task that the provider called back about, once the provider itself confirms it. */
  async function calledBack(
    task: TaskRequest,
    context: TaskContext & { callback: CallbackLine },
  ): Promise<string> {
    const { signal, callback } = context;
    const named = new Map<string, { since: number }>();
    const watch = { delayMs: firstPollMs };
    while (true) {
      const calls = named.size === 0 ? await callback.next(signal) : await pause(watch, context);
      for (const body of calls) {
        const taskId = readTaskId(readEnvelope(body)?.data) ?? readTaskId(body);
        if (taskId === null || named.has(taskId)) continue;
        named.set(taskId, { since: now() });
        watch.delayMs = firstPollMs;
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

function taskIdOf(handle: TaskHandle): string {
  return String(handle.taskId);
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

function billed(message: string, cost: ProviderCost | null): ProviderFailure {
  return new ProviderFailure("bad_result", message, { outcome: "billed", cost, said: message });
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
