/** What adapters share about lots: files of JSON lines, sent and read, and what calls about them mean when they fail. */
import { type Outgoing, OutgoingFailure } from "../outgoing.ts";
import { type FailureReason, ProviderFailure, type TaskHandle } from "../catalog/provider.ts";
import { failureByStatus, outcomeUnknown, readJsonLines } from "./wire.ts";

/** Of the many tasks that one lot has, each with a picture of a few megabytes. */
const maxFileBytes = 8_000_000_000;
/** A picture of 50 megabytes as base64, sent twice. */
const maxLineBytes = 150_000_000;
/** Large files are a while in coming. */
const fileTimeoutMs = 5 * 60_000;
const longestPauseMs = 60_000;

/** As a file of lines, each of which is JSON. */
export function jsonLines(values: readonly unknown[]): Uint8Array {
  return new TextEncoder().encode(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}

/**
 * What stands in each line of a file of results, read while it comes; `undefined` for a line that is no JSON. Throws
 * `ProviderFailure`, always of an unknown outcome: what is in the file was billed.
 */
export async function* readLotFile(
  outgoing: Outgoing,
  { url, headers, signal }: { url: string; headers: Record<string, string>; signal: AbortSignal },
): AsyncGenerator<unknown> {
  const broken = new AbortController();
  const both = AbortSignal.any([signal, broken.signal]);
  try {
    const answer = await outgoing.callForStream({
      url,
      method: "GET",
      headers,
      timeoutMs: fileTimeoutMs,
      maxBytes: maxFileBytes,
      signal: both,
    });
    if (answer.status !== 200) {
      broken.abort();
      throw outcomeUnknown(`the results can't be fetched: it answered ${answer.status}`);
    }
    yield* readJsonLines(withoutPauses(answer.chunks, broken), { maxLineBytes });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OutgoingFailure)) throw error;
    throw outcomeUnknown(`the results can't be fetched: ${error.message}`, error);
  } finally {
    broken.abort();
  }
}

/** A file of which nothing more comes is given up; how long its reader takes over what did come does not matter. */
async function* withoutPauses(
  chunks: AsyncIterable<Uint8Array>,
  broken: AbortController,
): AsyncGenerator<Uint8Array> {
  const reader = chunks[Symbol.asyncIterator]();
  const giveUp = () => broken.abort(new OutgoingFailure("nothing more came"));
  while (true) {
    const timer = setTimeout(giveUp, longestPauseMs);
    try {
      const { done, value } = await reader.next();
      if (done) return;
      yield value;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A call that begins nothing: whatever went wrong, nothing is there that would be billed. */
export function uploadFailure(error: unknown): unknown {
  if (!(error instanceof OutgoingFailure)) return error;
  return new ProviderFailure("provider_unavailable", error.message, {
    outcome: "not_created",
    isRetryable: true,
    cause: error,
  });
}

/** An answer other than 200 to such a call. */
export function failureOfUpload(
  answer: { status: number; headers: Headers; said: string | null; now: number },
): ProviderFailure {
  const { status, said } = answer;
  if (status < 500 || status === 503) return failureByStatus(answer);
  const details = { outcome: "not_created" as const, isRetryable: true, said };
  return new ProviderFailure("provider_unavailable", `it answered ${status}`, details);
}

/** An answer other than 200 to the call that submits a lot: what is no clear refusal leaves open whether it is there. */
export function failureOfSubmission(
  answer: { status: number; headers: Headers; said: string | null; now: number },
): ProviderFailure {
  return answer.status < 500 ? failureByStatus(answer) : outcomeUnknown(`it answered ${answer.status}`);
}

/** An answer other than 200 to what may be asked again: whatever it says, nothing is known of the lot. */
export function failureOfQuestion(
  answer: { status: number; headers: Headers; said: string | null; now: number },
): ProviderFailure {
  const { reason, message, said } = failureByStatus(answer);
  return new ProviderFailure(reason, message, { outcome: "unknown", said });
}

/** No answer to such a question. */
export function asDoubt(error: unknown): never {
  throw error instanceof OutgoingFailure ? outcomeUnknown(error.message, error) : error;
}

/** A task of a lot that was not done, whatever kept the provider from it: it is not billed. */
export function notDone(reason: FailureReason, message: string, said: string | null): ProviderFailure {
  return new ProviderFailure(reason, message, { outcome: "failed", said });
}

/** An id out of a handle or an answer, on its way into an address. Throws `ProviderFailure` where it is none. */
export function idOf(ids: TaskHandle, name: string, pattern: RegExp): string {
  const id = ids[name];
  if (typeof id === "string" && pattern.test(id)) return id;
  throw outcomeUnknown(`${name} is no id`);
}
