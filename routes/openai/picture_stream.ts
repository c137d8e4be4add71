/**
 * A prompt as it goes, in the events of OpenAI's images API: pictures on the way, then the finished ones. The answer begins
 * once the prompt is accepted, so what goes wrong later is an event too.
 */
import type { Caller } from "../../lib/identity/authenticate.ts";
import type { Encode } from "../../lib/live/reader.ts";
import { type PromptView, viewPrompt } from "../../lib/live/prompt_view.ts";
import { type PictureFormat, pictureFormats } from "../../lib/pixels/format.ts";
import { type Preview, previewBytes, type ProgressBoard } from "../../lib/prompts/progress.ts";
import { isFinal, type Prompt } from "../../lib/prompts/prompt.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { heartbeat, serverSentEvent } from "../../lib/server_sent_event.ts";
import {
  type Kind,
  openAiCompletedFields,
  type OpenAiError,
  openAiErrorJson,
  openAiPartialFields,
} from "../../views/json/openai_json.ts";
import type { AppContext } from "../http/context.ts";
import { failureOf, isStillGood, longestWaitMs, picturesOf, stillRunning } from "./answer.ts";
import type { AnswerAs } from "./image_request.ts";
import type { OpenAiDeps } from "./openai.ts";
import { begun, type Bytes, formatIn, formOf, objectWithBytes, openPicture } from "./picture_bytes.ts";

/** Proxies give up on what says nothing for longer. */
const commentMs = 15_000;

interface Streamed {
  deps: OpenAiDeps;
  caller: Caller;
  prompt: Prompt;
  kind: Kind;
  answerAs: AnswerAs;
  ignored: string[];
}

export async function streamPictures(c: AppContext, streamed: Streamed): Promise<Response> {
  const { deps: { progress }, prompt: { id: promptId } } = streamed;
  // Followed from the first moment, as none comes twice.
  const previews = collectPreviews(progress, promptId);
  try {
    return await begin(c, { streamed, previews });
  } catch (error) {
    previews.stop();
    throw error;
  }
}

async function begin(c: AppContext, { streamed, previews }: { streamed: Streamed; previews: Previews }) {
  const { deps: { changes, store }, caller, prompt: { id: promptId } } = streamed;
  const { user, credentialId, expiresAt } = caller;
  const isCredentialGood = () => isStillGood(store, caller);
  const request = { userId: user.id, promptId, credentialId, isCredentialGood, expiresAt, encode: untold };
  const left = new AbortController();
  const gone = AbortSignal.any([left.signal, c.req.raw.signal]);
  // It ends when the prompt is final, when whoever asks may not hear of it any more, and when the server stops.
  const following = await changes.open(request);
  const parts = streamParts(streamed, { previews, following, isCredentialGood, gone });
  c.header("Content-Type", "text/event-stream");
  c.header("X-Accel-Buffering", "no");
  return c.body(await begun(parts, { onLeft: () => left.abort() }));
}

/** That something changed is all that is asked here. */
const untold: Encode = () => null;

/** Pictures on the way as they come, until they are taken. */
interface Previews {
  waiting: Preview[];
  /** Called when one came. */
  wake: () => void;
  stop: () => void;
}

function collectPreviews(progress: ProgressBoard, promptId: string): Previews {
  const waiting = Object.values(progress.read(promptId)?.previews ?? {});
  const stop = progress.followPreviews(promptId, (preview) => {
    waiting.push(preview);
    previews.wake();
  });
  const previews: Previews = { waiting, wake: () => {}, stop };
  return previews;
}

interface Following {
  previews: Previews;
  following: ReadableStream<Bytes>;
  isCredentialGood: () => Promise<boolean>;
  /** Whoever read has gone. */
  gone: AbortSignal;
}

const utf8 = new TextEncoder();
const comment = utf8.encode(heartbeat);

async function* streamParts(
  streamed: Streamed,
  { previews, following, isCredentialGood, gone }: Following,
): AsyncGenerator<Bytes> {
  const { deps: { store, log }, prompt } = streamed;
  try {
    yield comment;
    yield* partialParts(streamed, { previews, following, gone });
    if (gone.aborted) return;
    if (!await isCredentialGood()) return yield errorPart(keyEnded);
    const found = await findPrompt(store, { userId: prompt.userId, promptId: prompt.id });
    if (!isFinal(found.value)) return yield errorPart(stillRunning(streamed.deps, prompt));
    const view = await viewPrompt(streamed.deps, found);
    const failure = failureOf(view);
    if (failure !== null) yield errorPart(failure);
    else yield* completedParts(streamed, view);
  } catch (error) {
    // The answer has begun, so this is the only way to tell that it ends here.
    log("error", "bug", { promptId: prompt.id, error });
    yield errorPart(ownFault);
  }
}

/** Pictures on the way, until there is nothing more to wait for. */
async function* partialParts(
  { deps: { store }, prompt, kind, answerAs }: Streamed,
  { previews, following, gone }: Pick<Following, "previews" | "following" | "gone">,
): AsyncGenerator<Bytes> {
  let isOver = false;
  const followed = drain(following, { gone, timeoutMs: longestWaitMs });
  void followed.over.finally(() => {
    isOver = true;
    previews.wake();
  });
  try {
    for (let index = 0; !gone.aborted;) {
      const preview = previews.waiting.shift();
      if (preview !== undefined) {
        if (index >= (answerAs.partialImages ?? 0)) continue;
        const bytes = await previewBytes(preview);
        if (bytes === null) continue;
        const { contentType } = preview;
        const facts = {
          kind,
          size: prompt.request.imageSize,
          format: formatOf(contentType),
          at: store.now(),
        };
        const fields = openAiPartialFields({ ...facts, index: index++ });
        const data = JSON.stringify({ b64_json: bytes.toBase64(), ...fields });
        yield utf8.encode(serverSentEvent({ event: fields.type, data }));
      } else if (isOver) return;
      else if (await isQuiet()) yield comment;
    }
  } finally {
    previews.stop();
    followed.stop();
  }

  /** True after a while without anything; false as soon as something comes. */
  function isQuiet(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), commentMs);
      previews.wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }
}

function drain(
  stream: ReadableStream<Bytes>,
  { gone, timeoutMs }: { gone: AbortSignal; timeoutMs: number },
): { over: Promise<void>; stop: () => void } {
  const reader = stream.getReader();
  const stop = () => void reader.cancel();
  const timer = setTimeout(stop, timeoutMs);
  if (gone.aborted) stop();
  gone.addEventListener("abort", stop, { once: true });
  return { over: readToEnd(), stop };

  async function readToEnd(): Promise<void> {
    try {
      while (!(await reader.read()).done);
    } finally {
      clearTimeout(timer);
      gone.removeEventListener("abort", stop);
    }
  }
}

/** Finished pictures, one after the other, each read as it is sent. */
async function* completedParts(
  { deps: { files }, kind, answerAs, ignored }: Streamed,
  view: PromptView,
): AsyncGenerator<Bytes> {
  const pictures = picturesOf(view);
  for (const [index, { image }] of pictures.entries()) {
    const form = formOf(image, answerAs);
    const format = formatIn(image, form);
    const fields = openAiCompletedFields(view, { kind, index, of: pictures.length, format, ignored });
    const { stream } = await openPicture(files, { image, request: view.prompt.request, form });
    yield* objectWithBytes(stream, { before: `event: ${fields.type}\ndata: `, fields });
    yield utf8.encode("\n\n");
  }
}

function errorPart(error: OpenAiError): Bytes {
  return utf8.encode(serverSentEvent({ event: "error", data: JSON.stringify(openAiErrorJson(error)) }));
}

const keyEnded: OpenAiError = {
  message: "Invalid or expired token",
  type: "invalid_request_error",
  param: null,
  code: "invalid_api_key",
};

const ownFault: OpenAiError = {
  message: "Something went wrong on our side",
  type: "server_error",
  param: null,
  code: "internal",
};

function formatOf(contentType: string): PictureFormat {
  return pictureFormats.find((format) => contentType === `image/${format}`) ?? "png";
}
