/**
 * ComfyUI by templates of the operator (`comfy_templates.ts`). A task is handed in under an id of our own, which is
 * written down before, so that a submission in doubt can be looked up, and one that was handed in is found after a
 * restart, as long as the server keeps its history. Handing the same id in twice would run it twice, so it is looked for
 * first. Progress and previews come over the server's WebSocket; what came of a task it is asked for. Free, since it runs
 * on a machine of one's own.
 */
import { type JsonAnswer, type Outgoing, OutgoingFailure } from "../outgoing.ts";
import type { Listen, OpenSocket } from "../outgoing_socket.ts";
import {
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type ProviderStatus,
  type TaskContext,
  type TaskRequest,
} from "../catalog/provider.ts";
import { formatOf } from "../pixels/format.ts";
import type { Sleep } from "../sleep.ts";
import { graphFor } from "./comfy_graph.ts";
import { type ComfyTemplate, type Graph, wordsFirst } from "./comfy_templates.ts";
import { type ComfyWatch, createComfyWatch, greeting } from "./comfy_watch.ts";
import {
  badResult,
  callMs,
  type Handle,
  idOf,
  lackOf,
  modelOf,
  notHandedIn,
  passesOf,
  readHandle,
  type State,
  troubleOf,
  wordsOf,
} from "./comfy_wire.ts";
import { onOwnMachine } from "./diffusion_model.ts";
import { sourceFailure } from "./given_pictures.ts";
import { withoutOrders } from "./prompt_orders.ts";
import {
  failureByStatus,
  type Fields,
  fieldsOf,
  listOf,
  outcomeUnknown,
  statusOf,
  submissionFailure,
  textOf,
  unreachable,
} from "./wire.ts";

export interface ComfyDeps {
  /** The server's own address. */
  baseUrl: string;
  templates: readonly ComfyTemplate[];
  outgoing: Outgoing;
  listen: Listen;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter and seeds. */
  random: () => number;
}

const lookMs = 5000;
const maxAnswerBytes = 50_000_000;
const maxFileBytes = 50_000_000;
const pollMs = 1500;
/** Between the word that it has ended and its being in the history. */
const settleMs = 100;
const socketMs = 3000;
/** A message that got lost on the way may still arrive within this. */
const doubtMs = 3000;

export interface Comfy extends Provider {
  resume: NonNullable<Provider["resume"]>;
  cancel: NonNullable<Provider["cancel"]>;
  checkStatus: NonNullable<Provider["checkStatus"]>;
}

export function createComfy(
  { baseUrl, templates, outgoing, listen, now, sleep, random }: ComfyDeps,
): Comfy {
  const ofId = new Map(templates.map((template) => [template.id, template]));
  const all = wordsFirst(templates).map((template) => onOwnMachine(modelOf(template), baseUrl));
  /** Templates that the server lacks something for, as of its last answer. */
  let unfit = new Set<string>();

  return {
    id: "comfy",
    name: "ComfyUI",
    get models() {
      return all.filter(({ id }) => !unfit.has(id));
    },
    isRepeatable: false,
    async *generate(given, { signal, claim }) {
      const task = withoutOrders(given);
      const template = templateOf(task);
      if (template.targets.image !== undefined && task.edit === undefined) {
        throw new ProviderFailure("source_refused", "the template changes pictures", {
          outcome: "not_created",
          said: `${template.name} changes pictures, and was given none`,
        });
      }
      const handle = newHandle(task, template);
      yield { type: "submitted", handle: { ...handle } };
      // An attempt before this one may have come through after all.
      const { is } = await stateOf(handle.promptId, signal);
      if (is === "unknown") throw notHandedIn("it does not answer");
      if (is === "absent") yield* handIn(task, { template, handle, signal, claim });
      else yield* follow({ ...handle, isTaken: true }, { task, signal });
    },
    async *resume(given, task, { signal }) {
      const handle = readHandle(given);
      if (!handle.isTaken) await demandThere(handle.promptId, signal);
      yield* follow({ ...handle, isTaken: true }, { task, signal });
    },
    async cancel(given) {
      try {
        await cancel(readHandle(given).promptId);
      } catch (error) {
        // It goes on there then, and costs nothing.
        if (!(error instanceof OutgoingFailure)) throw error;
      }
      return "not_billed";
    },
    async checkStatus(signal) {
      try {
        return await lookAround(signal);
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  function templateOf({ model }: TaskRequest): ComfyTemplate {
    const template = ofId.get(model);
    if (template !== undefined) return template;
    throw new ProviderFailure("provider_rejected", "there is no such template", { outcome: "not_created" });
  }

  function newHandle({ taskKey, seed }: TaskRequest, { targets }: ComfyTemplate): Handle {
    const drawn = seed ?? Math.floor(random() * 2 ** 32);
    return { promptId: idOf(taskKey), seed: targets.seed === undefined ? null : drawn, isTaken: false };
  }

  async function* handIn(
    task: TaskRequest,
    { template, handle, signal, claim }: Pick<TaskContext, "signal" | "claim"> & {
      template: ComfyTemplate;
      handle: Handle;
    },
  ): AsyncGenerator<ProviderEvent> {
    const graph = await graphFor(task, { template, handle, ask, signal });
    const { line, watch } = await openLine(handle.promptId, graph);
    try {
      const promptId = await post(graph, { handle, task, signal });
      // A server that gives ids of its own may give one twice.
      if (promptId !== handle.promptId && !await claim(promptId)) {
        throw outcomeUnknown("it named a task that is another one's");
      }
      const taken = { ...handle, promptId, isTaken: true };
      yield { type: "submitted", handle: { ...taken } };
      // What is told over the line is told of that one then.
      if (promptId === handle.promptId) yield* followAlong(taken, { task, signal, watch });
      else yield* follow(taken, { task, signal });
    } finally {
      await line.close();
    }
  }

  /** Looks once more where nobody knows whether it was handed in. */
  async function demandThere(promptId: string, signal: AbortSignal): Promise<void> {
    while (true) {
      const { is } = await stateOf(promptId, signal);
      if (is === "absent") break;
      if (is !== "unknown") return;
      await sleep(pollMs, signal);
    }
    throw notHandedIn("it was never handed in");
  }

  /** Returns the id under which the server has it. */
  async function post(
    graph: Graph,
    { handle: { promptId }, task, signal }: { handle: Handle; task: TaskRequest; signal: AbortSignal },
  ): Promise<string> {
    const body = { prompt: graph, client_id: promptId, prompt_id: promptId, extra_data: {} };
    let answer: JsonAnswer;
    try {
      answer = await ask("/prompt", { body, signal, timeoutMs: callMs });
    } catch (error) {
      const failure = submissionFailure(error);
      if (!(failure instanceof ProviderFailure) || failure.outcome !== "unknown") throw failure;
      return await inDoubt(failure, { promptId, signal });
    }
    const fields = fieldsOf(answer.json);
    // With `node_errors` beside it only some of the outputs were no good.
    if (answer.status === 200 && answer.json !== undefined && fields.error === undefined) {
      return textOf(fields.prompt_id) ?? promptId;
    }
    const isReadable = answer.status >= 300 && answer.status < 500;
    if (isReadable || fields.error !== undefined) throw refusalOf(answer, task);
    return await inDoubt(outcomeUnknown(`it answered ${answer.status}`), { promptId, signal });
  }

  /** Whether a submission came through, the server itself can tell. */
  async function inDoubt(
    failure: ProviderFailure,
    { promptId, signal }: { promptId: string; signal: AbortSignal },
  ): Promise<string> {
    for (let look = 0; look < 3; look++) {
      const { is } = await stateOf(promptId, signal);
      if (is === "waiting" || is === "running" || is === "ended") return promptId;
      if (is === "absent" && look === 2) {
        throw notHandedIn(`${failure.message}, and it did not arrive`, failure);
      }
      await sleep(doubtMs, signal);
    }
    throw failure;
  }

  function refusalOf(answer: JsonAnswer, task: TaskRequest): ProviderFailure {
    const said = wordsOf(answer.json);
    const status = answer.status === 200 ? 400 : answer.status;
    const aboutPictures = status === 400 ? sourceFailure(task, { said, outcome: "not_created" }) : null;
    return aboutPictures ?? failureByStatus({ status, headers: answer.headers, said, now: now() });
  }

  async function* follow(
    handle: Handle,
    { task, signal }: { task: TaskRequest; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    const graph = templateOf(task).graph;
    const { line, watch } = await openLine(handle.promptId, graph);
    try {
      yield* followAlong(handle, { task, signal, watch });
    } finally {
      await line.close();
    }
  }

  async function* followAlong(
    { promptId, seed }: Handle,
    { task, signal, watch }: { task: TaskRequest; signal: AbortSignal; watch: ComfyWatch },
  ): AsyncGenerator<ProviderEvent> {
    let absences = 0;
    while (true) {
      const state = await stateOf(promptId, signal);
      if (state.is === "ended") {
        const bytes = await pictureOf(state.entry, { template: templateOf(task), signal });
        yield { type: "image", bytes, seed: seed ?? undefined };
        return yield { type: "done", cost: null };
      }
      absences = state.is === "absent" ? absences + 1 : 0;
      if (absences === 2) {
        const said = "The server does not know the task any more: it was started anew";
        throw new ProviderFailure("provider_failed", "the task is forgotten", { outcome: "failed", said });
      }
      yield { type: "progress", fraction: watch.fraction() };
      yield* news(watch, signal);
    }
  }

  /** What is told until it is time to ask again. */
  async function* news(watch: ComfyWatch, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    if (watch.hasEnded()) return await sleep(settleMs, signal);
    const isTime = new AbortController();
    const waited = sleep(pollMs, AbortSignal.any([signal, isTime.signal])).catch(() => {});
    try {
      let isWaiting = true;
      void waited.then(() => isWaiting = false);
      while (isWaiting && !watch.hasEnded()) {
        await Promise.race([waited, watch.news()]);
        const preview = watch.takePreview();
        yield { type: "progress", fraction: watch.fraction() };
        if (preview !== null) {
          yield { type: "preview", bytes: preview, contentType: `image/${formatOf(preview)}` };
        }
      }
      signal.throwIfAborted();
    } finally {
      isTime.abort();
    }
  }

  async function openLine(
    promptId: string,
    graph: Graph,
  ): Promise<{ line: OpenSocket; watch: ComfyWatch }> {
    const watch = createComfyWatch({ promptId, passes: passesOf(graph) });
    const url = `${baseUrl.replace(/^http/, "ws")}/ws?clientId=${encodeURIComponent(promptId)}`;
    const line = await listen({ url, greeting, onMessage: watch.take, timeoutMs: socketMs });
    return { line, watch };
  }

  /** In this order: what has ended goes from the queue to the history, and never back. */
  async function stateOf(promptId: string, signal: AbortSignal): Promise<State> {
    try {
      return await inHistory(promptId, signal) ?? await inQueue(promptId, signal) ??
        await inHistory(promptId, signal) ?? { is: "absent" };
    } catch (error) {
      if (error instanceof OutgoingFailure) return { is: "unknown" };
      throw error;
    }
  }

  async function inHistory(promptId: string, signal: AbortSignal): Promise<State | null> {
    const { status, json } = await ask(`/history/${encodeURIComponent(promptId)}`, { signal });
    if (status !== 200 || json === undefined) throw new OutgoingFailure(`it answered ${status}`);
    const entry = fieldsOf(json)[promptId];
    return entry === undefined || entry === null ? null : { is: "ended", entry: fieldsOf(entry) };
  }

  async function inQueue(promptId: string, signal: AbortSignal): Promise<State | null> {
    const { status, json } = await ask("/queue", { signal });
    if (status !== 200 || json === undefined) throw new OutgoingFailure(`it answered ${status}`);
    const isIn = (list: unknown) => listOf(list).some((item) => listOf(item)[1] === promptId);
    const { queue_running, queue_pending } = fieldsOf(json);
    if (isIn(queue_running)) return { is: "running" };
    return isIn(queue_pending) ? { is: "waiting" } : null;
  }

  /** By its own call where the server has it, which never stops another one. */
  async function cancel(promptId: string): Promise<void> {
    const { signal } = new AbortController();
    const { status } = await ask(`/api/jobs/${encodeURIComponent(promptId)}/cancel`, { body: {}, signal });
    if (status === 200) return;
    const state = await stateOf(promptId, signal);
    if (state.is === "waiting") await ask("/queue", { body: { delete: [promptId] }, signal });
    // Older servers stop whatever runs, so it is asked for only while that is ours.
    const isOurs = state.is === "running" || (await stateOf(promptId, signal)).is === "running";
    if (isOurs) await ask("/interrupt", { body: { prompt_id: promptId }, signal });
  }

  async function pictureOf(
    entry: Fields,
    { template, signal }: { template: ComfyTemplate; signal: AbortSignal },
  ): Promise<Uint8Array> {
    const trouble = troubleOf(entry);
    if (trouble !== null) throw trouble;
    const images = listOf(fieldsOf(fieldsOf(entry.outputs)[template.output]).images).map(fieldsOf);
    const file = images.find(({ filename }) => textOf(filename) !== null);
    if (file === undefined) throw badResult("the output has no picture");
    const query = new URLSearchParams({
      filename: String(file.filename),
      subfolder: textOf(file.subfolder) ?? "",
      type: textOf(file.type) ?? "output",
    });
    return await fetchFile(`${baseUrl}/view?${query}`, signal);
  }

  /** It stays there, so it is asked for a few times. */
  async function fetchFile(address: string, signal: AbortSignal): Promise<Uint8Array> {
    for (let attempt = 1;; attempt++) {
      try {
        const limits = { maxBytes: maxFileBytes, timeoutMs: callMs, signal };
        return await outgoing.fetchNamed(address, { ownOrigin: baseUrl, ...limits });
      } catch (error) {
        if (!(error instanceof OutgoingFailure)) throw error;
        if (attempt === 3) throw badResult(`the picture can't be fetched: ${error.message}`);
        await sleep(pollMs, signal);
      }
    }
  }

  async function lookAround(signal: AbortSignal): Promise<ProviderStatus> {
    const { status, json } = await ask("/system_stats", { signal });
    if (status !== 200) return statusOf({ status, said: wordsOf(json) });
    const isComfy = textOf(fieldsOf(fieldsOf(json).system).comfyui_version) !== null ||
      Array.isArray(fieldsOf(json).devices);
    if (!isComfy) return { state: "trouble", balance: null, detail: "It is no ComfyUI" };
    const classes = new Set(
      templates.flatMap(({ graph }) => Object.values(graph).map(({ class_type }) => class_type)),
    );
    const known = new Map<string, Fields | null>();
    for (const each of classes) known.set(each, await describe(each, signal));
    const lacks = templates.flatMap((template) => {
      const what = lackOf(template, known);
      return what === null ? [] : [{ id: template.id, words: `${template.id}: ${what}` }];
    });
    unfit = new Set(lacks.map(({ id }) => id));
    if (lacks.length === 0) return statusOf({ status: 200, said: null });
    return { state: "trouble", balance: null, detail: lacks.map(({ words }) => words).join("; ") };
  }

  /** What a kind of node takes; null where the server has none of that kind. */
  async function describe(name: string, signal: AbortSignal): Promise<Fields | null> {
    const { status, json } = await ask(`/object_info/${encodeURIComponent(name)}`, { signal });
    if (status !== 200) throw new OutgoingFailure(`it answered ${status}`);
    const described = fieldsOf(json)[name];
    return described === undefined ? null : fieldsOf(described);
  }

  function ask(
    path: string,
    { body, signal, timeoutMs = lookMs }: { body?: unknown; signal: AbortSignal; timeoutMs?: number },
  ): Promise<JsonAnswer> {
    return outgoing.callForJson({
      url: `${baseUrl}${path}`,
      method: body === undefined ? "GET" : "POST",
      body,
      timeoutMs,
      maxBytes: maxAnswerBytes,
      signal,
    });
  }
}
