/**
 * Servers that speak the API of AUTOMATIC1111's web UI: itself, Forge, SD.Next, and stable-diffusion.cpp's copy of it.
 * One call makes a picture and answers when it is done. What runs there is one task at a time, whoever asked for it, so
 * ours are handed in one after another; progress, previews and the interruption are those of whatever runs, and count
 * only where the server itself says that it is ours. Free, since it runs on a machine of one's own.
 */
import { type Outgoing, OutgoingFailure } from "../outgoing.ts";
import type { Model, Provider, ProviderEvent, ProviderStatus, TaskRequest } from "../catalog/provider.ts";
import { createInTurn } from "../in_turn.ts";
import { formatOf } from "../pixels/format.ts";
import { type Sleep, unlessAborted } from "../sleep.ts";
import { createLook, type Glimpse, type Look, nothingSeen } from "./a1111_progress.ts";
import {
  apiIsOff,
  failureOf,
  fileStem,
  modelOf,
  nameOf,
  noteOf,
  pictureOf,
  picturesOf,
  sdCppName,
  type Sight,
  titlesOf,
  wordsOf,
} from "./a1111_wire.ts";
import { diffusionLongestMs, onOwnMachine } from "./diffusion_model.ts";
import { readError } from "./openai_wire.ts";
import { withoutOrders } from "./prompt_orders.ts";
import {
  type Fields,
  fieldsOf,
  numberOf,
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

const wantsPassword = "It wants the user and the password of its --api-auth: A1111_AUTH";

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
      const taskId = `task(darkroom-${given.taskKey})`;
      let isWaiting = false;
      try {
        yield* make(withoutOrders(given), { taskId, signal });
      } finally {
        isWaiting = signal.aborted && await interrupt(taskId);
        if (isWaiting) void interruptLater(taskId).finally(endTurn);
        else endTurn();
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

  async function* make(
    task: TaskRequest,
    { taskId, signal }: { taskId: string; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    const look = await createLook(ask, { taskId, sight: known.sight, signal });
    const ended = new AbortController();
    const answered = submit(task, { taskId, signal }).finally(() => ended.abort());
    // It is awaited below, after what is told meanwhile.
    answered.catch(() => {});
    try {
      while (!ended.signal.aborted) {
        const seen = await pause(ended.signal) ? await glimpse(look, ended.signal) : nothingSeen;
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
    }
  }

  async function glimpse(look: Look, ended: AbortSignal): Promise<Glimpse> {
    try {
      return await look(ended);
    } catch (error) {
      if (error instanceof OutgoingFailure || ended.aborted) return nothingSeen;
      throw error;
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

  /**
   * It would stop whatever runs, so it is asked for only while that is surely ours. True where ours is there and waits for
   * somebody else's, so that nothing can be stopped yet.
   */
  async function interrupt(taskId: string): Promise<boolean> {
    const { signal } = new AbortController();
    try {
      const look = await createLook(ask, { taskId, sight: known.sight, signal });
      const { isOurs, isWaiting } = await look(signal);
      if (isOurs) await ask("/sdapi/v1/interrupt", { body: {}, signal, timeoutMs: stopMs });
      return isWaiting;
    } catch (error) {
      // It goes on there then, and costs nothing.
      if (error instanceof OutgoingFailure) return false;
      throw error;
    }
  }

  /** As soon as it begins; until then nothing else of ours is handed in, which would only wait behind it. */
  async function interruptLater(taskId: string): Promise<void> {
    const { signal } = new AbortController();
    const until = now() + diffusionLongestMs;
    do await sleep(lookEveryMs, signal); while (now() < until && await interrupt(taskId));
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

function trouble(detail: string): ProviderStatus {
  return { state: "trouble", balance: null, detail };
}
