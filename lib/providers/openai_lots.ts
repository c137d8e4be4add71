/**
 * Lots by OpenAI's batch endpoint (developers.openai.com/api/docs/guides/batch): a file of requests, a batch of it, and
 * two files of what came of them, in any order. What is written of it here follows the types of the `openai` package.
 */
import { type JsonAnswer, type Outgoing, OutgoingFailure, type ProviderCall } from "../outgoing.ts";
import { multipart } from "../multipart.ts";
import {
  type LotAbility,
  type LotEvent,
  type LotStatus,
  type ProviderCost,
  ProviderFailure,
  type TaskHandle,
  type TaskRequest,
  type UploadedLot,
} from "../catalog/provider.ts";
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
import { firstImage, knownFailure, readError, type WireError } from "./openai_wire.ts";
import {
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  outcomeUnknown,
  submissionFailure,
  textOf,
} from "./wire.ts";

export interface OpenAiLotsDeps {
  api: string;
  headers: Record<string, string>;
  outgoing: Outgoing;
  now: () => number;
  /** The body of the call that would make this task's picture alone. */
  bodyOf(task: TaskRequest): object;
  /** What the usage in an answer costs, were it no lot. */
  costOf(answer: unknown, model: string): ProviderCost | null;
}

const endpoint = "/v1/images/generations";
/** The only one that is taken. */
const completionWindow = "24h";
/** In seconds: what people wrote does not lie there longer, and this server may be down for a while. */
const expiresAfter = 7 * 24 * 3600;
const uploadTimeoutMs = 5 * 60_000;
const callTimeoutMs = 60_000;
const maxAnswerBytes = 20_000_000;
const pageSize = 100;
/** Of a list that is so long nobody can say that it was read whole. */
const maxPages = 500;
/** Clocks differ. */
const marginMs = 24 * 3600 * 1000;
const id = /^[\w-]{1,200}$/;

export function createOpenAiLots(deps: OpenAiLotsDeps): LotAbility {
  const { api, headers, outgoing, now, bodyOf, costOf } = deps;

  return {
    async uploadLot({ lotId, tasks }, { signal }) {
      const lines = tasks.map((task) => ({
        custom_id: task.taskKey,
        method: "POST",
        url: endpoint,
        body: bodyOf(task),
      }));
      const file = { bytes: jsonLines(lines), contentType: "application/jsonl", name: `${lotId}.jsonl` };
      const form = await multipart([
        ["purpose", "batch"],
        ["expires_after[anchor]", "created_at"],
        ["expires_after[seconds]", String(expiresAfter)],
        ["file", file],
      ]);
      const answer = await call("files", { body: form, timeoutMs: uploadTimeoutMs, signal })
        .catch((error) => {
          throw uploadFailure(error);
        });
      const { said, error } = wordsOf(answer.json);
      if (answer.status !== 200) {
        throw refusal(error) ?? failureOfUpload({ ...answer, said, now: now() });
      }
      const fileId = textOf(fieldsOf(answer.json).id);
      if (fileId !== null && id.test(fileId)) return { fileId };
      throw failureOfUpload({ ...answer, status: 502, said, now: now() });
    },

    async submitLot({ lotId, files }, { signal }) {
      const answer = await call("batches", {
        body: {
          input_file_id: idOf(files, "fileId", id),
          endpoint,
          completion_window: completionWindow,
          output_expires_after: { anchor: "created_at", seconds: expiresAfter },
          metadata: { lot: lotId },
        },
        signal,
      }).catch((error) => {
        throw submissionFailure(error);
      });
      const { said, error } = wordsOf(answer.json);
      if (answer.status !== 200) {
        throw (answer.status < 500 ? refusal(error) : null) ??
          failureOfSubmission({ ...answer, said, now: now() });
      }
      return handleOf(fieldsOf(answer.json)) ?? fail("it names no batch");
    },

    async findLot(lot, { signal }) {
      for (let page = 0, after = ""; page < maxPages; page++) {
        const { json } = await ask(`batches?limit=${pageSize}${after}`, signal);
        const { data, has_more: hasMore } = fieldsOf(json);
        if (!Array.isArray(data)) throw outcomeUnknown("its list can't be read");
        const batches = data.map(fieldsOf);
        const found = batches.find((batch) => isOf(batch, lot));
        if (found !== undefined) return handleOf(found) ?? fail("it names no batch");
        if (hasMore !== true || isBefore(batches, lot.since - marginMs)) return null;
        after = `&after=${idOf({ id: textOf(batches.at(-1)?.id) }, "id", id)}`;
      }
      throw outcomeUnknown("its list is too long");
    },

    async pollLot(handle, { signal }) {
      const { json } = await ask(`batches/${idOf(handle, "batchId", id)}`, signal);
      return statusOf(fieldsOf(json));
    },

    async *collectLot({ model }, results, { signal }) {
      for (const name of ["outputFileId", "errorFileId"]) {
        if (typeof results[name] !== "string") continue;
        const url = `${api}/files/${idOf(results, name, id)}/content`;
        for await (const line of readLotFile(outgoing, { url, headers, signal })) {
          yield await eventOf(fieldsOf(line), { model, signal });
        }
      }
    },

    async cancelLot(handle, { signal }) {
      const path = `batches/${idOf(handle, "batchId", id)}/cancel`;
      const { status, headers, json } = await call(path, { body: {}, signal }).catch(asDoubt);
      // One that has ended already can't be cancelled, and is polled as any.
      if (status === 200 || status === 400 || status === 409) return;
      throw failureOfQuestion({ status, headers, said: wordsOf(json).said, now: now() });
    },
  };

  function call(
    path: string,
    { body, timeoutMs = callTimeoutMs, signal }: Pick<ProviderCall, "body" | "signal"> & {
      timeoutMs?: number;
    },
  ): Promise<JsonAnswer> {
    const method = body === undefined ? "GET" : "POST";
    return outgoing.callForJson({
      url: `${api}/${path}`,
      method,
      headers,
      body,
      timeoutMs,
      maxBytes: maxAnswerBytes,
      signal,
    });
  }

  /** A question that may be asked again. */
  async function ask(path: string, signal: AbortSignal): Promise<JsonAnswer> {
    const answer = await call(path, { signal }).catch(asDoubt);
    if (answer.status === 200) return answer;
    throw failureOfQuestion({ ...answer, said: wordsOf(answer.json).said, now: now() });
  }

  async function eventOf(
    line: Fields,
    { model, signal }: { model: string; signal: AbortSignal },
  ): Promise<LotEvent> {
    const taskKey = textOf(line.custom_id);
    if (taskKey === null) return { type: "unreadable" };
    const response = fieldsOf(line.response);
    const { body } = response;
    const cost = costOf(body, model);
    const failed = (failure: ProviderFailure): LotEvent => ({ type: "failed", taskKey, failure });
    const image = firstImage(body);
    if (image !== null) {
      const bytes = "bytes" in image ? image.bytes : await fetchImage(image.address, signal);
      if (bytes !== null) return { type: "image", taskKey, bytes, cost };
    }
    const error = readError(line) ?? readError(body);
    if (cost !== null || image !== null) {
      const said = error?.message ?? null;
      return failed(new ProviderFailure("bad_result", "no picture", { outcome: "billed", cost, said }));
    }
    const status = numberOf(response.status_code);
    if (error === null && status === 200) return failed(outcomeUnknown("there is no picture in its line"));
    return failed(failureOfLine(error, status));
  }

  /** Null where it can't be fetched. */
  async function fetchImage(address: string, signal: AbortSignal): Promise<Uint8Array | null> {
    try {
      const limits = { maxBytes: 50_000_000, timeoutMs: 60_000 };
      return await outgoing.fetchNamed(address, { ownOrigin: api, signal, ...limits });
    } catch (error) {
      if (error instanceof OutgoingFailure) return null;
      throw error;
    }
  }
}

function wordsOf(json: unknown): { error: WireError | null; said: string | null } {
  const error = readError(json);
  return { error, said: error?.message || null };
}

/** Nothing was created, whatever the reason. */
function refusal(error: WireError | null): ProviderFailure | null {
  const known = knownFailure(error);
  if (known === null) return null;
  return new ProviderFailure(known.reason, known.message, { outcome: "not_created", said: known.said });
}

/** A batch that came of this lot. */
function isOf(batch: Fields, { lotId, files }: UploadedLot): boolean {
  return textOf(fieldsOf(batch.metadata).lot) === lotId || textOf(batch.input_file_id) === files.fileId;
}

/** They are in the order in which they were created, the latest first, and these are from before that time. */
function isBefore(batches: readonly Fields[], time: number): boolean {
  const times = batches.map((batch) => (numberOf(batch.created_at) ?? Infinity) * 1000);
  return times.every((at, i) => at <= (times[i - 1] ?? Infinity)) && (times.at(-1) ?? Infinity) < time;
}

function handleOf(batch: Fields): TaskHandle | null {
  const batchId = textOf(batch.id);
  return batchId !== null && id.test(batchId) ? { batchId } : null;
}

function fail(message: string): never {
  throw outcomeUnknown(message);
}

const ends: { [status: string]: LotStatus["end"] } = {
  completed: "completed",
  expired: "expired",
  cancelled: "cancelled",
  failed: "failed",
};

function statusOf(batch: Fields): LotStatus {
  const counts = fieldsOf(batch.request_counts);
  const [done, wrong] = [numberOf(counts.completed), numberOf(counts.failed)];
  const results = {
    outputFileId: textOf(batch.output_file_id),
    errorFileId: textOf(batch.error_file_id),
  };
  const end = ends[textOf(batch.status) ?? ""] ?? null;
  const isIncomplete = (done ?? 0) > 0 && results.outputFileId === null;
  const expires = numberOf(batch.expires_at);
  return {
    end: isIncomplete ? null : end,
    doneCount: done === null && wrong === null ? null : (done ?? 0) + (wrong ?? 0),
    expiresAt: expires === null ? null : expires * 1000,
    results,
    failure: end === "failed" ? failureOfLot(batch) : null,
  };
}

/** It was looked through and not begun. */
function failureOfLot(batch: Fields): ProviderFailure {
  const [error] = listOf(fieldsOf(batch.errors).data).map(fieldsOf);
  const [code, said] = [textOf(error?.code), textOf(error?.message)];
  const known = refusal({ message: said ?? "", type: null, code, param: null });
  if (known !== null) return known;
  const isLimit = /limit_exceeded/.test(code ?? "");
  return notDone(isLimit ? "rate_limited" : "provider_rejected", `the batch failed (${code})`, said);
}

/** It is the provider that did not come to it, but for what is said to be the request's or the account's fault. */
function failureOfLine(error: WireError | null, status: number | null): ProviderFailure {
  const said = error?.message || null;
  const known = knownFailure(error);
  if (known !== null) return notDone(known.reason, known.message, said);
  const isOwnFault = status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (!isOwnFault) return notDone("timeout", `it was not done (${error?.code ?? status})`, said);
  const isKey = status === 401 || status === 403;
  return notDone(isKey ? "provider_auth" : "provider_rejected", `it answered ${status}`, said);
}
