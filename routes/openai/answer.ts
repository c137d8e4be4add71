/** What is answered once a prompt is final: its pictures in one piece of JSON, or why there are none. */
import { type Caller, invalidToken } from "../../lib/identity/authenticate.ts";
import { findUserBehind } from "../../lib/identity/credential.ts";
import { signPicture } from "../../lib/images/picture_addresses.ts";
import { type ImageView, type PromptView, viewPrompt } from "../../lib/live/prompt_view.ts";
import { isFinal, type Prompt } from "../../lib/prompts/prompt.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { sleep } from "../../lib/sleep.ts";
import type { Store, Versioned } from "../../lib/store/store.ts";
import { type OpenAiError, openAiImagesFields } from "../../views/json/openai_json.ts";
import type { AppContext } from "../http/context.ts";
import { answerOpenAiError, tellToRepeat } from "../http/openai_problem.ts";
import { readWait, type Wait } from "../http/request_headers.ts";
import type { AnswerAs } from "./image_request.ts";
import type { OpenAiDeps } from "./openai.ts";
import {
  begun,
  type Bytes,
  formatIn,
  formOf,
  objectWithBytes,
  openPicture,
  restOfObject,
} from "./picture_bytes.ts";

/** As long as the clients for OpenAI's API wait. */
export const longestWaitMs = 10 * 60_000;

/** A process that is told to stop is there again after a few seconds, mostly. */
const stopSeconds = 3;
/** Where nobody could tell of the prompt any more, it is looked at again after that. */
const lookAgainMs = 500;

export async function answerWithPictures(
  c: AppContext,
  { deps, caller, prompt, answerAs, ignored }: {
    deps: OpenAiDeps;
    caller: Caller;
    prompt: Prompt;
    answerAs: AnswerAs;
    ignored: string[];
  },
): Promise<Response> {
  const wait = readWait(c, { longestSeconds: longestWaitMs / 1000 });
  if (wait.applied !== null) c.header("Preference-Applied", wait.applied);
  const final = await waitUntilFinal(deps, { prompt, wait, gone: c.req.raw.signal });
  if (!isFinal(final.value)) return answerUnfinished(c, { deps, prompt, wait });
  const [view, isGood] = await Promise.all([viewPrompt(deps, final), isStillGood(deps.store, caller)]);
  if (!isGood) throw invalidToken();
  c.header("X-Darkroom-Cost-Micros", String(view.entry?.costMicros ?? 0));
  const failure = failureOf(view);
  if (failure !== null) return answerOpenAiError(c, failure, 400);
  c.header("Content-Type", "application/json");
  const what = { view, answerAs, ignored };
  return c.body(answerAs.isByAddress ? addressAnswer(deps, what) : await begun(answerParts(deps, what)));
}

/** What the request came with may have been revoked while it waited. */
export async function isStillGood(
  store: Store,
  { user, source, credentialId }: Pick<Caller, "user" | "source" | "credentialId">,
): Promise<boolean> {
  const credential = { userId: user.id, source, credentialId, sessionsEnded: user.sessionsEnded ?? 0 };
  return await findUserBehind(store, credential) !== null;
}

async function waitUntilFinal(
  { store, changes, isStopping }: Pick<OpenAiDeps, "store" | "changes" | "isStopping">,
  { prompt, wait: { timeoutMs }, gone }: { prompt: Prompt; wait: Wait; gone: AbortSignal },
): Promise<Versioned<Prompt>> {
  const { id: promptId, userId } = prompt;
  const late = new AbortController();
  const signal = AbortSignal.any([gone, late.signal]);
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    while (true) {
      if (timeoutMs > 0) await changes.waitForFinal(prompt, { timeoutMs, signal });
      const found = await findPrompt(store, { userId, promptId });
      if (isFinal(found.value) || timeoutMs === 0 || signal.aborted || isStopping()) return found;
      await sleep(lookAgainMs);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The pictures that were asked for and are there, each in its place. */
export function picturesOf({ frames }: PromptView): ImageView[] {
  return frames.flatMap((frame) => frame.state === "picture" ? [frame.view] : []);
}

/** Why a final prompt has no picture to show; null: it has. */
export function failureOf(view: PromptView): OpenAiError | null {
  const { prompt, failure } = view;
  if (prompt.status !== "COMPLETED" && failure !== null) {
    const isRefused = failure.reason === "content_policy";
    return {
      message: failure.message,
      type: isRefused ? "image_generation_user_error" : "image_generation_error",
      param: null,
      code: isRefused ? "moderation_blocked" : failure.reason,
    };
  }
  if (picturesOf(view).length > 0) return null;
  const message = "The pictures were made, and have been deleted since";
  return { message, type: "invalid_request_error", param: null, code: "deleted" };
}

/**
 * The prompt goes on. Whoever counts how often it sends a request gets the answer by sending it again, as that joins the
 * prompt; for others a repeat would be another prompt, so they hear where to look.
 */
function answerUnfinished(
  c: AppContext,
  { deps, prompt, wait }: { deps: OpenAiDeps; prompt: Prompt; wait: Wait },
): Response {
  const error = stillRunning(deps, prompt);
  const isCounting = c.req.header("X-Stainless-Retry-Count") !== undefined;
  if (deps.isStopping() && isCounting) {
    tellToRepeat(c, { afterSeconds: stopSeconds });
    return answerOpenAiError(c, { ...error, type: "server_error" }, 503);
  }
  c.header("Location", promptAddress(deps, prompt));
  return answerOpenAiError(c, error, wait.applied === null ? 400 : 202);
}

/** Where whoever waited no longer may look for the pictures. */
export function stillRunning(
  deps: Pick<OpenAiDeps, "isStopping" | "publicUrl">,
  prompt: Pick<Prompt, "id">,
): OpenAiError {
  const what = deps.isStopping()
    ? "The server stops, and goes on with the prompt when it starts"
    : "The pictures are not there yet, and the prompt goes on";
  const message = `${what}: ${promptAddress(deps, prompt)}`;
  return { message, type: "image_generation_error", param: null, code: "still_running" };
}

function promptAddress({ publicUrl }: Pick<OpenAiDeps, "publicUrl">, { id }: Pick<Prompt, "id">): string {
  return `${publicUrl}/api/v1/prompts/${id}`;
}

const utf8 = new TextEncoder();

interface Answered {
  view: PromptView;
  answerAs: AnswerAs;
  ignored: string[];
}

function addressAnswer(
  { store, publicUrl, secret }: OpenAiDeps,
  { view, answerAs, ignored }: Answered,
): string {
  const pictures = formsOf(view, answerAs);
  const data = pictures.map(({ form, format }) => {
    const token = signPicture(form, { secret, now: store.now });
    return { url: `${publicUrl}/v1/images/files/${token}.${format}` };
  });
  return JSON.stringify({ data, ...openAiImagesFields(view, { format: pictures[0].format, ignored }) });
}

/** A piece at a time, of one picture after the other. */
async function* answerParts(
  { files }: OpenAiDeps,
  { view, answerAs, ignored }: Answered,
): AsyncGenerator<Bytes> {
  const pictures = formsOf(view, answerAs);
  const { request } = view.prompt;
  for (const [i, { image, form }] of pictures.entries()) {
    const { stream } = await openPicture(files, { image, form, request });
    yield* objectWithBytes(stream, { before: i === 0 ? '{"data":[' : ",", fields: {} });
  }
  const fields = openAiImagesFields(view, { format: pictures[0].format, ignored });
  yield utf8.encode(`]${restOfObject(fields)}`);
}

function formsOf(view: PromptView, answerAs: AnswerAs) {
  return picturesOf(view).map(({ image }) => {
    const form = formOf(image, answerAs);
    return { image, form, format: formatIn(image, form) };
  });
}
