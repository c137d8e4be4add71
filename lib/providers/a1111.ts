/**
 * Servers that speak the API of AUTOMATIC1111's web UI: itself, Forge, SD.Next, and stable-diffusion.cpp's copy of it.
 * One call makes a picture and answers when it is done. What runs there is one task at a time, whoever asked for it, so
 * ours are handed in one after another; progress, previews and the interruption are those of whatever runs, and count
 * only where the server itself says that it is ours. Free, since it runs on a machine of one's own.
 */
import type { Outgoing } from "../outgoing.ts";
import { OutgoingFailure } from "../outgoing.ts";
import {
  type Model,
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type ProviderStatus,
  type TaskRequest,
} from "../catalog/provider.ts";
import { createInTurn } from "../in_turn.ts";
import { formatOf } from "../pixels/format.ts";
import { BadPicture } from "../pixels/picture.ts";
import { isUnchanged } from "../pixels/unchanged.ts";
import { type Sleep, unlessAborted } from "../sleep.ts";
import {
  diffusionLongestMs,
  diffusionSizes,
  onOwnMachine,
  sentSources,
  strengthRange,
} from "./diffusion_model.ts";
import { partsOf } from "./given_pictures.ts";
import { failureOfAnswer, failureOfEvent, firstImage, readError } from "./openai_wire.ts";
import { withoutOrders } from "./prompt_orders.ts";
import {
  type Answers,
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  outcomeUnknown,
  pictureIn,
  readAnswers,
  statusOf,
  submissionFailure,
  textOf,
  unreachable,
} from "./wire.ts";

export interface A1111Deps {
  /** The server's own address, without `/sdapi`. */
  baseUrl: string;
  /** "user:password", as `--api-auth` was given it. */
  auth?: string;
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
}

const maxAnswerBytes = 200_000_000;
const maxPreviewBytes = 20_000_000;
const answerMs = 5000;
/** Somebody may be waiting for the end of what is broken off. */
const stopMs = 2000;
const lookEveryMs = 500;
/** The web UI's own; its API would take 50. */
const usualSteps = 20;
const usualStrength = 0.75;

const apiIsOff = "Its API is off: start it with --api";
const wantsPassword = "It wants the user and the password of its --api-auth: A1111_AUTH";
const cameUnchanged = "The server gave the picture back unchanged.";

/** How it can be told what of a server's progress is ours. */
type Sight =
  /** It is asked about the one task. */
  | "task"
  /** It tells of whatever runs, and mostly whose it is. */
  | "global"
  | "none";

/** What the server is, as of its last answer. */
interface Known {
  name: string;
  /** Checkpoints as the server calls them, by the ids of their models; none where it has but one. */
  titles: Map<string, string>;
  models: Model[];
  sight: Sight;
  /** Steps that are asked for where nobody chose any; undefined: the server has its own. */
  steps?: number;
}

/** What is seen of one task that runs. */
interface Glimpse {
  isOurs: boolean;
  fraction: number | null;
  preview: Uint8Array | null;
}

const nothingSeen: Glimpse = { isOurs: false, fraction: null, preview: null };

export interface A1111 extends Provider {
  checkStatus: NonNullable<Provider["checkStatus"]>;
}

export function createA1111({ baseUrl, auth, outgoing, now, sleep }: A1111Deps): A1111 {
  const headers = auth === undefined
    ? undefined
    : { authorization: `Basic ${new TextEncoder().encode(auth).toBase64()}` };
  const inTurn = createInTurn();
  let known: Known = { name: "Stable Diffusion web UI", titles: new Map(), models: [], sight: "none" };

  return {
    id: "a1111",
    get name() {
      return known.name;
    },
    get models() {
      return known.models;
    },
    isRepeatable: false,
    async *generate(given, { signal }) {
      const endTurn = await waitForTurn(signal);
      try {
        yield* make(withoutOrders(given), signal);
      } finally {
        endTurn();
      }
    },
    async checkStatus(signal) {
      try {
        return await lookAround(signal);
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  /** Until no other task of ours is at the server; returns what ends that. */
  async function waitForTurn(signal: AbortSignal): Promise<() => void> {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    void inTurn(() => {
      begun.resolve();
      return ended.promise;
    });
    try {
      await unlessAborted(begun.promise, signal);
    } catch (error) {
      ended.resolve();
      throw error;
    }
    return ended.resolve;
  }

  async function* make(task: TaskRequest, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    const taskId = `task(darkroom-${task.taskKey})`;
    const look = await createLook(taskId, signal);
    const ended = new AbortController();
    const answered = submit(task, { taskId, signal }).finally(() => ended.abort());
    // It is awaited below, after what is told meanwhile.
    answered.catch(() => {});
    try {
      while (!ended.signal.aborted) {
        const seen = await pause(ended.signal) ? await look(ended.signal) : nothingSeen;
        if (ended.signal.aborted) break;
        yield { type: "progress", fraction: seen.fraction };
        if (seen.preview !== null) {
          yield {
            type: "preview",
            bytes: seen.preview,
            contentType: `image/${formatOf(seen.preview)}`,
          };
        }
      }
      const { bytes, seed } = await answered;
      const note = await noteOf(bytes, task);
      yield { type: "image", bytes, seed };
      yield { type: "done", cost: null, ...(note !== null && { note }) };
    } finally {
      ended.abort();
      if (signal.aborted) await interrupt(taskId);
    }
  }

  /** False where the answer came meanwhile. */
  async function pause(ended: AbortSignal): Promise<boolean> {
    try {
      await sleep(lookEveryMs, ended);
      return true;
    } catch (error) {
      if (!ended.aborted) throw error;
      return false;
    }
  }

  async function submit(
    task: TaskRequest,
    { taskId, signal }: { taskId: string; signal: AbortSignal },
  ): Promise<{ bytes: Uint8Array; seed?: number }> {
    const path = task.edit === undefined ? "txt2img" : "img2img";
    const { titles, steps } = known;
    const title = titles.get(task.model);
    let answer;
    try {
      answer = await outgoing.callForStream({
        url: `${baseUrl}/sdapi/v1/${path}`,
        method: "POST",
        headers,
        body: {
          ...wordsOf(task, steps),
          ...picturesOf(task),
          force_task_id: taskId,
          ...(title !== undefined && { override_settings: { sd_model_checkpoint: title } }),
        },
        timeoutMs: diffusionLongestMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
    } catch (error) {
      throw submissionFailure(error);
    }
    const answers = await readAnswers(answer);
    if (answer.status !== 200) throw failureOf({ ...answer, json: answers.json[0], now: now(), task });
    return pictureOf(answers, task);
  }

  /** Looks at the progress of this task. What is not surely its own is not shown. */
  async function createLook(
    taskId: string,
    signal: AbortSignal,
  ): Promise<(ended: AbortSignal) => Promise<Glimpse>> {
    if (known.sight === "none") return () => Promise.resolve(nothingSeen);
    const lookFor = known.sight === "task" ? lookAtTask(taskId) : await lookAtAll(taskId, signal);
    return async (ended) => {
      try {
        return await lookFor(ended);
      } catch (error) {
        if (error instanceof OutgoingFailure || ended.aborted) return nothingSeen;
        throw error;
      }
    };
  }

  function lookAtTask(taskId: string): (signal: AbortSignal) => Promise<Glimpse> {
    let previewId = -1;
    return async (signal) => {
      const body = { id_task: taskId, id_live_preview: previewId, live_preview: true };
      const { status, json } = await ask("/internal/progress", { body, signal });
      const fields = fieldsOf(json);
      if (status !== 200 || fields.active !== true) return nothingSeen;
      previewId = numberOf(fields.id_live_preview) ?? previewId;
      return { isOurs: true, fraction: fractionOf(fields), preview: previewOf(fields.live_preview) };
    };
  }

  /**
   * Where the server does not name the task that runs, its progress is taken for ours only if nothing ran before, and as
   * long as it is the same job; and a preview never, since it might be somebody else's picture.
   */
  async function lookAtAll(
    taskId: string,
    signal: AbortSignal,
  ): Promise<(signal: AbortSignal) => Promise<Glimpse>> {
    const isIdle = await wasIdle(signal);
    let startedAt: unknown;
    return async (signal) => {
      const fields = await askForAll(signal);
      const state = fieldsOf(fields.state);
      const isNamed = "current_task" in fields;
      const isOurs = isNamed && fields.current_task === taskId;
      const isRunning = isOurs || (!isNamed && isIdle && isBusy(fields) && !isOfPage(state));
      if (!isRunning) return nothingSeen;
      startedAt ??= state.job_timestamp ?? null;
      if (!isOurs && (state.job_timestamp ?? null) !== startedAt) return nothingSeen;
      const preview = isOurs ? previewOf(fields.current_image) : null;
      return { isOurs, fraction: fractionOf(fields), preview };
    };
  }

  async function wasIdle(signal: AbortSignal): Promise<boolean> {
    try {
      return !isBusy(await askForAll(signal));
    } catch (error) {
      if (error instanceof OutgoingFailure) return false;
      throw error;
    }
  }

  async function askForAll(signal: AbortSignal): Promise<Fields> {
    const { json } = await ask("/sdapi/v1/progress?skip_current_image=false", { signal });
    return fieldsOf(json);
  }

  /** It would stop whatever runs, so it is asked for only while that is surely ours. */
  async function interrupt(taskId: string): Promise<void> {
    if (known.sight === "none") return;
    const { signal } = new AbortController();
    try {
      const { isOurs } =
        await (known.sight === "task" ? lookAtTask(taskId) : await lookAtAll(taskId, signal))(
          signal,
        );
      if (isOurs) await ask("/sdapi/v1/interrupt", { body: {}, signal, timeoutMs: stopMs });
    } catch (error) {
      // It goes on there then, and costs nothing.
      if (!(error instanceof OutgoingFailure)) throw error;
    }
  }

  async function lookAround(signal: AbortSignal): Promise<ProviderStatus> {
    const options = await ask("/sdapi/v1/options", { signal });
    if (options.status === 401) return { state: "key_refused", balance: null, detail: wantsPassword };
    if (options.status === 404 || options.status === 405) return trouble(apiIsOff);
    if (options.status !== 200) {
      return statusOf({ status: options.status, said: readError(options.json)?.message ?? null });
    }
    const [checkpoints, samplers] = await Promise.all(
      ["/sdapi/v1/sd-models", "/sdapi/v1/samplers"].map((path) => listAt(path, signal)),
    );
    const fields = fieldsOf(options.json);
    const loaded = textOf(fields.sd_model_checkpoint);
    // A server of another kind may answer every path with something.
    if (loaded === null && checkpoints.length + samplers.length === 0) return trouble(apiIsOff);
    const name = nameOf(fields);
    const titles = titlesOf(checkpoints);
    const ids = titles.size > 0 ? [...titles.keys()] : [fileStem(loaded ?? "stable-diffusion")];
    const sight = await sightOf(signal);
    known = {
      name,
      titles: titles.size > 1 ? titles : new Map(),
      models: ids.map((id) => onOwnMachine(modelOf(id, sight), baseUrl)),
      sight,
      ...(name !== sdCppName && { steps: usualSteps }),
    };
    return statusOf({ status: 200, said: null });
  }

  /** Some versions lack the one list or the other. */
  async function listAt(path: string, signal: AbortSignal): Promise<Fields[]> {
    const { status, json } = await ask(path, { signal });
    return status === 200 && Array.isArray(json) ? json.map(fieldsOf) : [];
  }

  async function sightOf(signal: AbortSignal): Promise<Sight> {
    const body = { id_task: "task(darkroom)", id_live_preview: -1, live_preview: false };
    const ofTask = await ask("/internal/progress", { body, signal });
    if (ofTask.status === 200 && typeof fieldsOf(ofTask.json).active === "boolean") return "task";
    const ofAll = await ask("/sdapi/v1/progress?skip_current_image=true", { signal });
    return ofAll.status === 200 && numberOf(fieldsOf(ofAll.json).progress) !== null ? "global" : "none";
  }

  function ask(
    path: string,
    { body, signal, timeoutMs = answerMs }: { body?: unknown; signal: AbortSignal; timeoutMs?: number },
  ) {
    return outgoing.callForJson({
      url: `${baseUrl}${path}`,
      method: body === undefined ? "GET" : "POST",
      headers,
      body,
      timeoutMs,
      maxBytes: maxPreviewBytes,
      signal,
    });
  }
}

function wordsOf(
  { prompt, negativePrompt = "", width, height, seed = -1, steps, guidance }: TaskRequest,
  usual: number | undefined,
): Fields {
  const count = steps ?? usual;
  return {
    prompt,
    negative_prompt: negativePrompt,
    width,
    height,
    seed,
    batch_size: 1,
    n_iter: 1,
    send_images: true,
    save_images: false,
    ...(count !== undefined && { steps: count }),
    ...(guidance !== undefined && { cfg_scale: guidance }),
  };
}

/** The whole of what is sent, at the size that is asked for: which part that is has been chosen already. */
function picturesOf({ edit }: TaskRequest): Fields {
  if (edit === undefined) return {};
  const { base, others: [first] } = partsOf(edit);
  return {
    init_images: [(base ?? first).bytes.toBase64()],
    resize_mode: 0,
    denoising_strength: edit.strength ?? usualStrength,
    ...(edit.mask !== null && {
      mask: edit.mask.toBase64(),
      // From what is there, and not from noise or a blur.
      inpainting_fill: 1,
      inpaint_full_res: false,
      inpainting_mask_invert: 0,
    }),
  };
}

/** Of an answer that says success. */
function pictureOf({ picture, json }: Answers, task: TaskRequest): { bytes: Uint8Array; seed?: number } {
  if (picture !== null) return { bytes: picture, seed: task.seed };
  const [answer] = json;
  if (answer === undefined) throw outcomeUnknown("its answer can't be read");
  const image = firstImage({ images: fieldsOf(answer).images });
  if (image !== null && "bytes" in image) return { bytes: image.bytes, seed: seedOf(answer) ?? task.seed };
  const error = readError(withAllWords(answer));
  if (error !== null) throw failureOfEvent(error, task);
  const message = "there is no picture in its answer";
  throw new ProviderFailure("bad_result", message, { outcome: "failed", said: message });
}

/** `info` is JSON within JSON, or empty. */
function seedOf(answer: unknown): number | null {
  const text = textOf(fieldsOf(answer).info);
  try {
    const info = fieldsOf(text === null ? null : JSON.parse(text));
    const seed = numberOf(listOf(info.all_seeds)[0] ?? info.seed);
    return seed !== null && Number.isInteger(seed) && seed >= 0 ? seed : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A picture that can't be decoded is found out by whoever stores it. */
async function noteOf(bytes: Uint8Array, { edit }: TaskRequest): Promise<string | null> {
  if (edit === undefined || edit.strength === 0) return null;
  const { base } = partsOf(edit);
  if (base === null) return null;
  try {
    return await isUnchanged(bytes, { ...base, area: edit.area }) ? cameUnchanged : null;
  } catch (error) {
    if (error instanceof BadPicture) return null;
    throw error;
  }
}

function failureOf(
  { status, headers, json, now, task }: {
    status: number;
    headers: Headers;
    json: unknown;
    now: number;
    task: TaskRequest;
  },
): ProviderFailure {
  const words = withAllWords(json);
  // FastAPI's own words for a path that is not there; a sampler or a model that is unknown has others.
  if (status === 404 && (readError(words)?.message ?? "Not Found") === "Not Found") {
    const details = { outcome: "not_created" as const, said: apiIsOff };
    return new ProviderFailure("provider_unavailable", "there is no such API", details);
  }
  return failureOfAnswer({ status, headers, json: words, now, task });
}

/** What went wrong stands in `errors`, and in `error` only of which kind it is. */
function withAllWords(json: unknown): unknown {
  const fields = fieldsOf(json);
  const [kind, words] = [textOf(fields.error), textOf(fields.errors)];
  return words === null ? json : { ...fields, error: kind === null ? words : `${kind}: ${words}` };
}

function isBusy(fields: Fields): boolean {
  const jobs = numberOf(fieldsOf(fields.state).job_count);
  return (jobs ?? 0) !== 0 || (numberOf(fields.progress) ?? 0) > 0;
}

/** Somebody asked for it on the server's own page. */
function isOfPage({ job }: Fields): boolean {
  return /^task\(/.test(textOf(job) ?? "");
}

function fractionOf({ progress }: Fields): number | null {
  const fraction = numberOf(progress);
  return fraction === null ? null : Math.min(1, Math.max(0, fraction));
}

function previewOf(value: unknown): Uint8Array | null {
  const picture = pictureIn(value);
  return picture !== null && "bytes" in picture && formatOf(picture.bytes) !== null ? picture.bytes : null;
}

const sdCppName = "stable-diffusion.cpp";

/** By the settings that only it has. */
function nameOf(options: Fields): string {
  const names = Object.keys(options);
  if (names.some((name) => name.startsWith("forge_"))) return "Forge";
  if (names.some((name) => name.startsWith("diffusers_"))) return "SD.Next";
  return names.length <= 4 ? sdCppName : "AUTOMATIC1111";
}

function titlesOf(checkpoints: readonly Fields[]): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { title, model_name } of checkpoints) {
    const name = textOf(model_name) ?? textOf(title);
    if (name !== null && !titles.has(name)) titles.set(name, textOf(title) ?? name);
  }
  return titles;
}

/** `folder/name.safetensors [1a2b3c]` is called `name`. */
function fileStem(checkpoint: string): string {
  return checkpoint.replace(/\s*\[[0-9a-f]+\]$/, "").replace(/^.*[\\/]/, "").replace(/\.\w+$/, "");
}

function modelOf(id: string, sight: Sight): Model {
  return {
    id,
    provider: "a1111",
    name: id,
    sizes: [...diffusionSizes],
    maxCount: 8,
    imagesPerTask: 1,
    options: {
      seed: true,
      negativePrompt: true,
      guidance: { min: 1, max: 30, step: 0.5 },
      steps: { min: 1, max: 150, step: 1 },
    },
    edit: { sources: sentSources(1), mask: "white", strength: strengthRange, sizes: "list" },
    watermark: "darkroom",
    progress: sight === "none" ? "estimate" : "reported",
    previews: sight === "task",
    retiresAt: null,
    deadlineMs: diffusionLongestMs,
  };
}

function trouble(detail: string): ProviderStatus {
  return { state: "trouble", balance: null, detail };
}
