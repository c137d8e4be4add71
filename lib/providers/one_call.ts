/**
 * A call that is the generation: it is answered by the picture, or by the address where it lies, when that is done. It
 * can't be asked for again, so what breaks off leaves its outcome unknown.
 */
import {
  type ProviderCost,
  type ProviderEvent,
  ProviderFailure,
  type TaskRequest,
} from "../catalog/provider.ts";
import { type Outgoing, OutgoingFailure, type ProviderCall } from "../outgoing.ts";
import { failureOfAnswer, failureOfEvent, firstImage, readError } from "./openai_wire.ts";
import { outcomeUnknown, readAnswers, submissionFailure, type WirePicture } from "./wire.ts";

/** An answer that was read: of a stream each of its messages. */
export interface Answered {
  status: number;
  headers: Headers;
  json: readonly unknown[];
}

export interface OneCall {
  task: TaskRequest;
  request: Pick<ProviderCall, "url" | "headers" | "body" | "timeoutMs" | "signal">;
  /** Whoever answers may bill also what is no picture. */
  isBilled: boolean;
  now: () => number;
  /** What the provider says that it costs, in whichever answer. */
  costOf?(answer: Answered): ProviderCost | null;
  /** Where the provider's own codes say more than OpenAI's; null where they don't. */
  failureOf?(answer: Answered): ProviderFailure | null;
  /** The seed that the picture was made with, where the answer tells. */
  seedOf?(answer: Answered): number | undefined;
}

const maxAnswerBytes = 200_000_000;
const maxFileBytes = 50_000_000;
const fetchTimeoutMs = 60_000;
/** What lies there was paid for. */
const fetchAttempts = 3;

export async function* makeByOneCall(outgoing: Outgoing, call: OneCall): AsyncGenerator<ProviderEvent> {
  const { task, request } = call;
  let answer;
  try {
    answer = await outgoing.callForStream({ ...request, method: "POST", maxBytes: maxAnswerBytes });
  } catch (error) {
    throw submissionFailure(error);
  }
  const { status, headers } = answer;
  const { picture, json } = await readAnswers(answer);
  const answered = { status, headers, json };
  const cost = call.costOf?.(answered) ?? null;
  const failure = call.failureOf?.(answered) ?? null;
  if (failure !== null) throw failure;
  if (status !== 200) throw failureOfAnswer({ status, headers, json: json[0], now: call.now(), task });
  const found = picture === null ? imageIn(json, { call, cost }) : { bytes: picture };
  const bytes = "bytes" in found ? found.bytes : await fetchImage(found.address, { outgoing, call, cost });
  yield { type: "image", bytes, seed: call.seedOf?.(answered) ?? task.seed };
  yield { type: "done", cost };
}

interface Paid {
  call: OneCall;
  cost: ProviderCost | null;
}

/** Of an answer that says success. */
function imageIn(json: readonly unknown[], { call, cost }: Paid): WirePicture {
  if (json.length === 0) throw outcomeUnknown("its answer can't be read");
  // The last message of a stream has the finished picture.
  const answers = json.toReversed();
  const image = answers.map(firstImage).find((each) => each !== null);
  if (image !== undefined) return image;
  const error = answers.map(readError).find((each) => each !== null);
  if (error !== undefined && cost === null) throw failureOfEvent(error, call.task);
  throw badResult(error?.message || "there is no picture in its answer", { call, cost });
}

async function fetchImage(
  address: string,
  { outgoing, call, cost }: Paid & { outgoing: Outgoing },
): Promise<Uint8Array> {
  const { url, signal } = call.request;
  const limits = { maxBytes: maxFileBytes, timeoutMs: fetchTimeoutMs, signal };
  for (let attempt = 1;; attempt++) {
    try {
      return await outgoing.fetchNamed(address, { ownOrigin: url, ...limits });
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      if (attempt < fetchAttempts) continue;
      throw badResult(`the picture can't be fetched: ${error.message}`, { call, cost });
    }
  }
}

function badResult(message: string, { call, cost }: Paid): ProviderFailure {
  const outcome = call.isBilled || cost !== null ? "billed" : "failed";
  return new ProviderFailure("bad_result", message, { outcome, cost, said: message });
}
