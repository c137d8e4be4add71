/**
 * ComfyUI by templates of the operator (`comfy_templates.ts`). A task is handed in under an id of our own, which is
 * written down before, so that a submission in doubt can be looked up, and one that was handed in is found after a
 * restart, as long as the server keeps its history. Handing the same id in twice would run it twice, so it is looked for
 * first. Progress and previews come over the server's WebSocket; what came of a task it is asked for. Free, since it runs
 * on a machine of one's own.
 */
import sharp from "sharp";
import { sha256 } from "../digest.ts";
import { type FormFile, multipart } from "../multipart.ts";
import { type JsonAnswer, type Outgoing, OutgoingFailure } from "../outgoing.ts";
import type { Listen, OpenSocket } from "../outgoing_socket.ts";
import {
  type EditAbility,
  type Model,
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type ProviderStatus,
  type SentPicture,
  type TaskContext,
  type TaskEdit,
  type TaskHandle,
  type TaskRequest,
} from "../catalog/provider.ts";
import { formatOf } from "../pixels/format.ts";
import type { Sleep } from "../sleep.ts";
import { type ComfyTemplate, type Graph, type MappedName, wordsFirst } from "./comfy_templates.ts";
import { type ComfyWatch, createComfyWatch, greeting } from "./comfy_watch.ts";
import {
  diffusionLongestMs,
  diffusionSizes,
  onOwnMachine,
  sentSources,
  strengthRange,
} from "./diffusion_model.ts";
import { partsOf, sourceFailure, sourceFiles } from "./given_pictures.ts";
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

const callMs = 30_000;
const lookMs = 5000;
const maxAnswerBytes = 50_000_000;
const maxFileBytes = 50_000_000;
const pollMs = 1500;
/** Between the word that it has ended and its being in the history. */
const settleMs = 100;
const socketMs = 3000;
/** A message that got lost on the way may still arrive within this. */
const doubtMs = 3000;

/** What the server knows of a task. */
type State =
  | { is: "waiting" | "running" }
  | { is: "absent" }
  /** It can't be told now. */
  | { is: "unknown" }
  | { is: "ended"; entry: Fields };

/** What finds a task again, and with which seed it is made. */
interface Handle {
  promptId: string;
  seed: number | null;
  /** The server has taken it. */
  isTaken: boolean;
}

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
    const graph = await graphFor(task, { template, handle, signal });
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

  async function graphFor(
    task: TaskRequest,
    { template, handle, signal }: { template: ComfyTemplate; handle: Handle; signal: AbortSignal },
  ): Promise<Graph> {
    const { edit, guidance: cfg, negativePrompt: negative, prompt, steps, width, height } = task;
    const pictures = edit === undefined ? {} : await upload(edit, { template, handle, signal });
    const values: { [name in MappedName]?: unknown } = {
      prompt,
      negative,
      seed: handle.seed ?? undefined,
      steps,
      cfg,
      width,
      height,
      strength: edit?.strength,
      ...pictures,
    };
    const graph = structuredClone(template.graph);
    for (const [name, value] of Object.entries(values) as [MappedName, unknown][]) {
      if (value === undefined) continue;
      for (const { node, input } of template.targets[name] ?? []) graph[node].inputs[input] = value;
    }
    return graph;
  }

  /** The picture, and what may change of it: as its transparency where one input takes both, else as a second one. */
  async function upload(
    edit: TaskEdit,
    { template: { targets }, handle: { promptId }, signal }: {
      template: ComfyTemplate;
      handle: Handle;
      signal: AbortSignal;
    },
  ): Promise<{ image?: string; mask?: string }> {
    const { base, others: [first] } = partsOf(edit);
    const source = base ?? first;
    const [file] = sourceFiles({ sources: [source] });
    const [, extension] = file.name.split(".");
    const image = await send("/upload/image", {
      file: { ...file, name: `${promptId}.${extension}` },
      signal,
    });
    if (targets.mask === undefined) return { image };
    const mask: FormFile = {
      bytes: await encodeArea(source, edit.area),
      contentType: "image/png",
      name: `${promptId}-mask.png`,
    };
    const isOne = targets.mask.some(({ node, input }) =>
      targets.image!.some((each) => each.node === node && each.input === input)
    );
    if (!isOne) return { image, mask: await send("/upload/image", { file: mask, signal }) };
    return { mask: await send("/upload/mask", { file: mask, original: image, signal }) };
  }

  /** Returns the name by which nodes load it. */
  async function send(
    path: string,
    { file, original, signal }: { file: FormFile; original?: string; signal: AbortSignal },
  ): Promise<string> {
    const reference = original === undefined ? [] : [
      ["original_ref", JSON.stringify({ ...splitName(original), type: "input" })] as [string, string],
    ];
    const form = await multipart([
      ["image", file],
      ["type", "input"],
      ["subfolder", folder],
      ["overwrite", "true"],
      ...reference,
    ]);
    let answer: JsonAnswer;
    try {
      answer = await ask(path, { body: form, signal, timeoutMs: callMs });
    } catch (error) {
      // Nothing runs yet, so it may be done again.
      if (!(error instanceof OutgoingFailure)) throw error;
      throw notHandedIn(error.message, error);
    }
    const { name, subfolder } = fieldsOf(answer.json);
    if (answer.status === 200 && textOf(name) !== null) {
      const within = textOf(subfolder);
      return within === null ? String(name) : `${within}/${name}`;
    }
    const said = wordsOf(answer.json) ?? `It answered ${answer.status} to a picture`;
    if (answer.status >= 500) {
      const details = { outcome: "not_created" as const, isRetryable: true, said };
      throw new ProviderFailure("provider_unavailable", "it takes no picture now", details);
    }
    throw new ProviderFailure("source_refused", "it would not take a picture", {
      outcome: "not_created",
      said,
    });
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

/** Below the server's folder of inputs. */
const folder = "darkroom";

/** The same at every attempt: a UUID in the form that the server demands (RFC 9562, version 8). */
function idOf(taskKey: string): string {
  const hex = sha256(`comfy ${taskKey}`);
  const variant = ((parseInt(hex[16], 16) & 3) | 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20)];
  return [...parts, hex.slice(20, 32)].join("-");
}

function readHandle({ promptId, seed, isTaken }: TaskHandle): Handle {
  return {
    promptId: String(promptId),
    seed: typeof seed === "number" ? seed : null,
    isTaken: isTaken === true,
  };
}

function splitName(name: string): { filename: string; subfolder: string } {
  const slash = name.lastIndexOf("/");
  return { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)) };
}

/**
 * What may change, in each form that templates read: transparent, as `LoadImage` has it, and white, for nodes that load a
 * colour. All of it, where nothing is marked.
 */
async function encodeArea(
  { width, height }: Pick<SentPicture, "width" | "height">,
  area: Uint8Array | null,
): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const change = area === null ? 255 : area[i];
    pixels.fill(change, i * 4, i * 4 + 3);
    pixels[i * 4 + 3] = 255 - change;
  }
  return new Uint8Array(
    await sharp(pixels, { raw: { width, height, channels: 4 } }).png().toBuffer(),
  );
}

/** How a task in the history failed; null where it did not. */
function troubleOf(entry: Fields): ProviderFailure | null {
  const { status_str: status, messages } = fieldsOf(entry.status);
  if (status !== "error") return null;
  const said = listOf(messages).map((message) => listOf(message));
  const named = (type: string) => said.find(([name]) => name === type);
  const error = named("execution_error");
  if (error === undefined && named("execution_interrupted") !== undefined) {
    const words = "It was interrupted at the server";
    return new ProviderFailure("provider_failed", "interrupted", { outcome: "failed", said: words });
  }
  const { exception_message, exception_type, node_type } = fieldsOf(error?.[1]);
  const what = textOf(exception_message)?.trim() ?? textOf(exception_type);
  const where = textOf(node_type);
  return new ProviderFailure("provider_failed", "the graph ended with an error", {
    outcome: "failed",
    said: what === undefined || what === null ? null : where === null ? what : `${where}: ${what}`,
  });
}

/** An error of the whole, and of the nodes that it is about. */
function wordsOf(json: unknown): string | null {
  const { error, node_errors } = fieldsOf(json);
  const { message, details } = fieldsOf(error);
  const ofNodes = Object.values(fieldsOf(node_errors)).flatMap((node) => {
    const { class_type, errors } = fieldsOf(node);
    return listOf(errors).map(fieldsOf).map((each) =>
      [textOf(class_type), textOf(each.message), textOf(each.details)].filter((text) => text !== null).join(
        ": ",
      )
    );
  });
  const whole = textOf(error) ?? [message, details].map(textOf).filter((text) => text !== null).join(": ");
  return [whole, ...ofNodes].filter((text) => text !== "").join("; ") || null;
}

/** What a server lacks for a template, in words: a kind of node, or a file such as a checkpoint. */
function lackOf({ graph, targets }: ComfyTemplate, known: Map<string, Fields | null>): string | null {
  const mapped = Object.values(targets).flat();
  for (const [node, { class_type, inputs }] of Object.entries(graph)) {
    const described = known.get(class_type) ?? null;
    if (described === null) return `the server has no node ${class_type}`;
    const takes = { ...fieldsOf(fieldsOf(described.input).required) };
    for (const [input, value] of Object.entries(inputs)) {
      if (mapped.some((target) => target.node === node && target.input === input)) continue;
      const choices = choicesOf(takes[input]);
      if (choices !== null && typeof value === "string" && !choices.includes(value)) {
        return `the server has no ${input} ${value}`;
      }
    }
  }
  return null;
}

/** Older servers list what can be chosen in the place of the type, newer ones beside it. */
function choicesOf(described: unknown): string[] | null {
  const [type, options] = listOf(described);
  const list = Array.isArray(type) ? type : type === "COMBO" ? fieldsOf(options).options : null;
  return Array.isArray(list) && list.length > 0 ? list.map(String) : null;
}

/** Nodes that sample count from nothing to all, one after another. */
function passesOf(graph: Graph): number {
  return Math.max(
    1,
    Object.values(graph).filter(({ class_type }) => /sampler(?!Select)/i.test(class_type)).length,
  );
}

function modelOf({ id, name, targets, sizes }: ComfyTemplate): Model {
  const has = (what: MappedName) => targets[what] !== undefined;
  return {
    id,
    provider: "comfy",
    name,
    sizes: sizes ?? [...diffusionSizes],
    maxCount: 8,
    imagesPerTask: 1,
    options: {
      seed: has("seed"),
      negativePrompt: has("negative"),
      guidance: has("cfg") ? { min: 0, max: 30, step: 0.5 } : null,
      steps: has("steps") ? { min: 1, max: 150, step: 1 } : null,
    },
    edit: has("image") ? abilityOf(targets) : null,
    ...(has("image") && { needsSource: true as const }),
    watermark: "darkroom",
    progress: "reported",
    previews: true,
    retiresAt: null,
    deadlineMs: diffusionLongestMs,
  };
}

/** A template without a size makes pictures of the size of the one that it is given. */
function abilityOf(targets: ComfyTemplate["targets"]): EditAbility {
  return {
    sources: sentSources(1),
    mask: targets.mask === undefined ? null : "alpha",
    strength: targets.strength === undefined ? null : strengthRange,
    sizes: targets.width === undefined ? "same" : "list",
  };
}

/** It may be tried again. */
function notHandedIn(message: string, cause?: unknown): ProviderFailure {
  return new ProviderFailure("provider_unavailable", message, {
    outcome: "not_created",
    isRetryable: true,
    cause,
  });
}

function badResult(message: string): ProviderFailure {
  return new ProviderFailure("bad_result", message, { outcome: "failed", said: message });
}
