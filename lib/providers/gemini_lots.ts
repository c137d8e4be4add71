/**
 * Lots by Google's batch API (ai.google.dev/gemini-api/docs/batch-api): a file of requests, an operation, and a file of
 * what came of them. What was asked for within the call that submits would have to be answered within the one that
 * asks how it went, pictures and all, so it goes by files only.
 */
import type { JsonAnswer, Outgoing, ProviderCall } from "../outgoing.ts";
import { RawBody } from "../outgoing.ts";
import {
  type LotAbility,
  type LotEvent,
  type LotStatus,
  type ProviderCost,
  type ProviderFailure,
  type TaskHandle,
  type TaskRequest,
  type UploadedLot,
} from "../catalog/provider.ts";
import { isKeyRefused, pictureOf, readError, withoutPicture } from "./gemini_wire.ts";
import {
  asDoubt,
  failureOfQuestion,
  failureOfSubmission,
  failureOfUpload,
  idOf,
  jsonLines,
  notDone,
  readLotFile,
  uploadFailure,
} from "./lot_wire.ts";
import {
  failureByStatus,
  type Fields,
  fieldsOf,
  firstOf,
  listOf,
  numberOf,
  outcomeUnknown,
  submissionFailure,
  textOf,
} from "./wire.ts";

export interface GeminiLotsDeps {
  api: string;
  headers: Record<string, string>;
  outgoing: Outgoing;
  now: () => number;
  /** The body of the call that would make this task's picture alone. */
  bodyOf(task: TaskRequest): object;
  /** What the usage in an answer costs, were it no lot. */
  costOf(answer: unknown, model: string): ProviderCost | null;
}

const uploadTimeoutMs = 5 * 60_000;
const callTimeoutMs = 60_000;
const maxAnswerBytes = 20_000_000;
const pageSize = 100;
const maxPages = 500;
const contentType = "application/jsonl";
const uploadHost = "https://generativelanguage.googleapis.com";
const fileName = /^files\/[\w-]{1,200}$/;
const batchName = /^batches\/[\w-]{1,200}$/;

export function createGeminiLots(deps: GeminiLotsDeps): LotAbility {
  const { api, headers, outgoing, now, bodyOf, costOf } = deps;

  return {
    async uploadLot({ lotId, tasks }, { signal }) {
      const bytes = jsonLines(tasks.map((task) => ({ key: task.taskKey, request: bodyOf(task) })));
      const begun = await uploading({
        url: `${serviceOf(api, "upload")}/files`,
        headers: {
          ...headers,
          "x-goog-upload-protocol": "resumable",
          "x-goog-upload-command": "start",
          "x-goog-upload-header-content-length": String(bytes.length),
          "x-goog-upload-header-content-type": contentType,
        },
        body: { file: { display_name: nameOf(lotId) } },
        signal,
      });
      // The address stands for the key, which does not go there.
      const sent = await uploading({
        url: uploadAddress(begun.headers, api),
        headers: { "x-goog-upload-offset": "0", "x-goog-upload-command": "upload, finalize" },
        body: new RawBody(bytes, contentType),
        signal,
      });
      const name = textOf(fieldsOf(fieldsOf(sent.json).file).name);
      if (name !== null && fileName.test(name)) return { fileName: name };
      throw failureOfUpload({ ...sent, status: 502, said: null, now: now() });
    },

    async submitLot({ lotId, model, files }, { signal }) {
      const batch = {
        display_name: nameOf(lotId),
        input_config: { file_name: idOf(files, "fileName", fileName) },
      };
      const answer = await call(`models/${model}:batchGenerateContent`, { body: { batch }, signal })
        .catch((error) => {
          throw submissionFailure(error);
        });
      if (answer.status !== 200) throw failureOfSubmission({ ...answer, ...refusalIn(answer), now: now() });
      const handle = handleOf(fieldsOf(answer.json));
      if (handle === null) throw outcomeUnknown("it names no batch");
      return handle;
    },

    async findLot(lot, { signal }) {
      for (let page = 0, token = ""; page < maxPages; page++) {
        const { json } = await ask(`batches?pageSize=${pageSize}${token}`, signal);
        const { operations, nextPageToken, unreachable } = fieldsOf(json);
        const isWhole = (operations === undefined || Array.isArray(operations)) && unreachable === undefined;
        if (json === undefined || !isWhole) throw outcomeUnknown("its list can't be read");
        const found = listOf(operations).map(fieldsOf).find((operation) => isOf(operation, lot));
        if (found !== undefined) {
          const handle = handleOf(found);
          if (handle !== null) return handle;
          throw outcomeUnknown("it names no batch");
        }
        const next = textOf(nextPageToken);
        if (next === null) return null;
        token = `&pageToken=${encodeURIComponent(next)}`;
      }
      throw outcomeUnknown("its list is too long");
    },

    async pollLot(handle, { signal }) {
      const { json } = await ask(idOf(handle, "batchName", batchName), signal);
      return statusOf(fieldsOf(json));
    },

    async *collectLot({ model }, results, { signal }) {
      if (typeof results.fileName !== "string") return;
      const name = idOf(results, "fileName", fileName);
      const url = `${serviceOf(api, "download")}/${name}:download?alt=media`;
      for await (const line of readLotFile(outgoing, { url, headers, signal })) {
        yield eventOf(fieldsOf(line), costOf(fieldsOf(line).response, model));
      }
    },

    async cancelLot(handle, { signal }) {
      const path = `${idOf(handle, "batchName", batchName)}:cancel`;
      const answer = await call(path, { body: {}, signal }).catch(asDoubt);
      // One that has ended already can't be cancelled, and is polled as any.
      if (answer.status === 200 || answer.status === 400 || answer.status === 409) return;
      throw failureOfQuestion({ ...answer, said: readError(answer.json).message, now: now() });
    },
  };

  function call(
    path: string,
    { body, signal }: Pick<ProviderCall, "body" | "signal">,
  ): Promise<JsonAnswer> {
    const method = body === undefined ? "GET" : "POST";
    return outgoing.callForJson({
      url: `${api}/${path}`,
      method,
      headers,
      body,
      timeoutMs: callTimeoutMs,
      maxBytes: maxAnswerBytes,
      signal,
    });
  }

  async function uploading(
    request: Pick<ProviderCall, "url" | "headers" | "body" | "signal">,
  ): Promise<JsonAnswer> {
    const answer = await outgoing.callForJson({
      ...request,
      method: "POST",
      timeoutMs: uploadTimeoutMs,
      maxBytes: maxAnswerBytes,
    }).catch((error) => {
      throw uploadFailure(error);
    });
    if (answer.status === 200) return answer;
    throw failureOfUpload({ ...answer, ...refusalIn(answer), now: now() });
  }

  /** A question that may be asked again. */
  async function ask(path: string, signal: AbortSignal): Promise<JsonAnswer> {
    const answer = await call(path, { signal }).catch(asDoubt);
    if (answer.status === 200) return answer;
    throw failureOfQuestion({ ...answer, said: readError(answer.json).message, now: now() });
  }
}

/** What Google calls by another word in front of the version. */
function serviceOf(api: string, service: "upload" | "download"): string {
  return api.replace(/\/(v\d[^/]*)$/, `/${service}/$1`);
}

/** At the API's own host, or Google's where that is one in front of it. */
function uploadAddress(headers: Headers, api: string): string {
  const address = URL.parse(headers.get("x-goog-upload-url") ?? "");
  if (address !== null && [new URL(api).origin, uploadHost].includes(address.origin)) return address.href;
  throw failureOfUpload({ status: 502, headers, said: "there is no address to upload to", now: 0 });
}

function nameOf(lotId: string): string {
  return `darkroom-${lotId}`;
}

/** With the status that a refused key should have been answered with. */
function refusalIn({ status, json }: JsonAnswer): { status: number; said: string | null } {
  const error = readError(json);
  const isBilling = /billing/i.test(error.message ?? "") && status < 500 && status !== 429;
  return { status: isKeyRefused(error) ? 401 : isBilling ? 402 : status, said: error.message };
}

/** An operation that came of this lot. */
function isOf({ metadata, ...operation }: Fields, { lotId, files }: UploadedLot): boolean {
  return [fieldsOf(metadata), operation].some((batch) => {
    const input = fieldsOf(firstOf(batch, ["inputConfig", "input_config"]));
    return firstOf(batch, ["displayName", "display_name"]) === nameOf(lotId) ||
      firstOf(input, ["fileName", "file_name"]) === files.fileName;
  });
}

function handleOf(operation: Fields): TaskHandle | null {
  const name = textOf(operation.name);
  return name !== null && batchName.test(name) ? { batchName: name } : null;
}

/** The states are called `BATCH_STATE_…` or `JOB_STATE_…`. */
const ends: { [state: string]: LotStatus["end"] } = {
  SUCCEEDED: "completed",
  PARTIALLY_SUCCEEDED: "completed",
  FAILED: "failed",
  CANCELLED: "cancelled",
  EXPIRED: "expired",
};
/** google.rpc.Code */
const cancelledCode = 1;

function statusOf(operation: Fields): LotStatus {
  const metadata = fieldsOf(operation.metadata);
  const stats = fieldsOf(metadata.batchStats ?? operation.batchStats);
  const state = textOf(metadata.state) ?? textOf(operation.state) ?? "";
  const error = fieldsOf(operation.error);
  const [done, wrong] = [numberOf(stats.successfulRequestCount), numberOf(stats.failedRequestCount)];
  const results = { fileName: fileIn(operation) };
  const end = ends[state.replace(/^.*STATE_/, "")] ??
    (operation.done !== true
      ? null
      : operation.error === undefined
      ? "completed"
      : error.code === cancelledCode
      ? "cancelled"
      : "failed");
  // Whatever came of its tasks, a batch that was done has a file that says so.
  const isIncomplete = (end === "completed" || (done ?? 0) > 0) && results.fileName === null;
  return {
    end: isIncomplete ? null : end,
    doneCount: done === null && wrong === null ? null : (done ?? 0) + (wrong ?? 0),
    expiresAt: null,
    results,
    failure: end === "failed" ? failureOfLot(operation) : null,
  };
}

/** Where the results lie: the documentation names three places. */
function fileIn(operation: Fields): string | null {
  const places = [operation.response, fieldsOf(operation.metadata).output, operation.dest, operation.output];
  for (const place of places.map(fieldsOf)) {
    const file = firstOf(place, ["responsesFile", "responses_file", "fileName", "file_name"]);
    const name = textOf(file) ?? textOf(fieldsOf(file).name);
    if (name !== null) return name;
  }
  return null;
}

function failureOfLot({ error }: Fields): ProviderFailure {
  const { code, message } = fieldsOf(error);
  return failureOfStatus(numberOf(code), textOf(message), "the batch failed");
}

function eventOf(line: Fields, cost: ProviderCost | null): LotEvent {
  const taskKey = textOf(line.key) ?? textOf(fieldsOf(line.metadata).key);
  if (taskKey === null) return { type: "unreadable" };
  const { response } = line;
  const bytes = pictureOf(response);
  if (bytes !== null) return { type: "image", taskKey, bytes, cost };
  if (response !== undefined && response !== null) {
    const failure = withoutPicture([response], { cost, task: { taskType: "TEXT_TO_IMAGE" } });
    return { type: "failed", taskKey, failure };
  }
  const { code, message } = fieldsOf(line.error);
  const failure = line.error === undefined
    ? outcomeUnknown("there is nothing in its line")
    : failureOfStatus(numberOf(code), textOf(message), "it was not done");
  return { type: "failed", taskKey, failure };
}

/** What of google.rpc.Code, and of HTTP, is not for want of time. */
const statusByCode: { [code: number]: number } = {
  3: 400,
  5: 404,
  7: 403,
  9: 400,
  11: 400,
  12: 400,
  16: 401,
};
const own = [400, 401, 403, 404];

/** It is the provider that did not come to it, but for what is said to be the request's or the account's fault. */
function failureOfStatus(code: number | null, said: string | null, message: string): ProviderFailure {
  const status = statusByCode[code ?? 0] ?? code ?? 0;
  if (!own.includes(status)) return notDone("timeout", `${message} (${code})`, said);
  const { reason } = failureByStatus({ status, headers: new Headers(), said, now: 0 });
  return notDone(reason, `${message} (${code})`, said);
}
