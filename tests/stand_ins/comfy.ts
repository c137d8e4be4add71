/**
 * Stand in for ComfyUI (its server.py, execution.py and comfy_execution/jobs.py): a queue of graphs that run one after
 * another, a history that lasts until it is started anew, pictures and masks that are uploaded, and a WebSocket for each
 * client. It runs a graph as far as its nodes are known here, and checks it as strictly.
 */
import sharp from "sharp";
import { lookAt, type SeenPicture, Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

type Graph = { [node: string]: { class_type: string; inputs: { [name: string]: unknown } } };

interface Job {
  id: string;
  client: string;
  graph: Graph;
  state: "pending" | "running";
  end: PromiseWithResolvers<"done" | "interrupted">;
}

export interface ComfyStandIn extends StandInServer {
  // deno-lint-ignore no-explicit-any
  journal: { method: string; path: string; body: any; origin: string | null }[];
  /** Answers to give instead of the right one, each once, to the requests below this path. */
  instead: [path: string, answer: () => Response | null][];
  /** Graphs that ran, by the ids under which they did, one for each time. */
  ran: { id: string; graph: Graph }[];
  interrupted: string[];
  /** Files of its folder of inputs. */
  inputs: Map<string, Uint8Array>;
  /** Tasks that begin from now on stay until they are let go. */
  isHeld: boolean;
  /** How far the one that runs is, of 20 steps; with a preview of either kind. */
  advance(step: number, preview?: "unnamed" | "named"): Promise<void>;
  letGo(): void;
  queue(): string[];
  /** A task of somebody else's, who has the server's own page open. It stays until it is let go. */
  runAnothers(): string;
  /** Everything is forgotten. */
  startAnew(): void;
  /** Lines that are open are cut. */
  cutLines(): void;
  lines(): number;
  /** It has no `/api/jobs`. */
  isOlder: boolean;
  /** What is in its history that did not run well. */
  fails: null | { exception_message: string; exception_type: string; node_type: string };
  checkpoints: string[];
  lacks: string[];
}

export const red = [220, 38, 38];
const steps = 20;

const links = (...names: string[]) => Object.fromEntries(names.map((name) => [name, ["LINK"]]));

export function startComfy(): ComfyStandIn {
  const journal: ComfyStandIn["journal"] = [];
  const sockets = new Map<string, WebSocket>();
  const previewsNamed = new Set<string>();
  const files = new Map<string, Uint8Array>();
  const history = new Map<string, object>();
  let jobs: Job[] = [];
  let generation = 0;

  const standIn: ComfyStandIn = Object.assign(serve(answer), {
    journal,
    instead: [] as ComfyStandIn["instead"],
    ran: [],
    interrupted: [],
    inputs: new Map<string, Uint8Array>(),
    isHeld: false,
    async advance(step: number, preview?: "unnamed" | "named") {
      const job = running();
      if (job === undefined) throw new Error("Nothing runs");
      tell(job.client, "progress", { node: "3", prompt_id: job.id, value: step, max: steps });
      if (preview !== undefined) await sendPreview(job, preview);
    },
    letGo: () => running()?.end.resolve("done"),
    queue: () => jobs.map(({ id }) => id),
    runAnothers() {
      const id = "11111111-2222-4333-8444-555555555555";
      enqueue({ id, client: "somebody", graph: {} });
      return id;
    },
    startAnew() {
      generation++;
      jobs = [];
      history.clear();
      standIn.cutLines();
    },
    cutLines() {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
    lines: () => sockets.size,
    isOlder: false,
    fails: null,
    checkpoints: ["sd_xl_base_1.0.safetensors"],
    lacks: [],
  });
  const dispose = standIn[Symbol.asyncDispose];
  standIn[Symbol.asyncDispose] = async () => {
    standIn.cutLines();
    await dispose();
  };
  return standIn;

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname;
    const origin = request.headers.get("origin");
    if (path === "/ws") {
      journal.push({ method: "GET", path, body: null, origin });
      return connect(request, url.searchParams.get("clientId") ?? "");
    }
    const body = await readBody(request);
    journal.push({ method: request.method, path, body, origin });
    // It takes a page of another origin for an attack.
    if (origin !== null) return new Response("", { status: 403 });
    const index = standIn.instead.findIndex(([below]) => path.startsWith(below));
    if (index >= 0) {
      const [[, instead]] = standIn.instead.splice(index, 1);
      const other = instead();
      if (other !== null) return other;
    }
    return await route(`${request.method} ${path}`, { body, query: url.searchParams });
  }

  async function route(
    call: string,
    // deno-lint-ignore no-explicit-any
    { body, query }: { body: any; query: URLSearchParams },
  ): Promise<Response> {
    const [, what, id] = /^\w+ \/(?:api\/)?(\w+)(?:\/([^/]+))?/.exec(call) ?? [];
    if (call === "GET /system_stats") {
      return Response.json({ system: { comfyui_version: "0.9.0" }, devices: [] });
    }
    if (call.startsWith("GET /object_info/")) return Response.json(describe(decodeURIComponent(id)));
    if (call === "GET /queue") return Response.json(queueJson());
    if (call.startsWith("GET /history/")) {
      return Response.json(history.has(id) ? { [id]: history.get(id) } : {});
    }
    if (call === "GET /view") {
      const bytes = files.get(`${query.get("type")}/${query.get("subfolder")}/${query.get("filename")}`);
      if (bytes === undefined) return new Response("", { status: 404 });
      return new Response(bytes as BodyInit, { headers: { "Content-Type": "image/png" } });
    }
    if (call === "POST /prompt") return await post(body);
    if (call === "POST /upload/image") return store(body);
    if (call === "POST /upload/mask") return await storeMasked(body);
    if (call === "POST /queue") {
      for (const each of body.delete ?? []) dequeue(each);
      return new Response("");
    }
    if (call === "POST /interrupt") {
      // Older ones don't look at the id.
      const job = running();
      if (standIn.isOlder || body.prompt_id === undefined || job?.id === body.prompt_id) interrupt(job);
      return new Response("");
    }
    if (what === "jobs" && call.endsWith("/cancel") && !standIn.isOlder) {
      const job = jobs.find((each) => each.id === id);
      if (job?.state === "running") interrupt(job);
      if (job?.state === "pending") dequeue(id);
      return Response.json({ cancelled: job !== undefined });
    }
    return new Response("404: Not Found", { status: 404 });
  }

  function connect(request: Request, client: string): Response {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    sockets.set(client, socket);
    socket.onopen = () =>
      tell(client, "status", { status: { exec_info: { queue_remaining: 0 } }, sid: client });
    socket.onmessage = ({ data }) => {
      if (JSON.parse(data).data?.supports_preview_metadata === true) previewsNamed.add(client);
    };
    socket.onclose = () => {
      if (sockets.get(client) === socket) sockets.delete(client);
    };
    return response;
  }

  /** Where nobody is meant, everybody hears it. */
  function tell(client: string | null, type: string, data: object): void {
    const told = client === null ? [...sockets.values()] : [sockets.get(client)];
    for (const socket of told) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type, data }));
    }
  }

  async function sendPreview({ id }: Job, kind: "unnamed" | "named"): Promise<void> {
    const colour = id === "11111111-2222-4333-8444-555555555555" ? "#dc2626" : "#059669";
    const picture = await paint(64, 64, colour, "jpeg");
    const said = new TextEncoder().encode(
      JSON.stringify({ prompt_id: id, node_id: "3", image_type: "image/jpeg" }),
    );
    const head = kind === "named"
      ? [bigEndian(4), bigEndian(said.length), said]
      : [bigEndian(1), bigEndian(1)];
    const message = new Blob([...head, picture] as BlobPart[]);
    const bytes = await message.bytes();
    // To whoever listens, as it happens where nobody is meant.
    for (const socket of sockets.values()) if (socket?.readyState === WebSocket.OPEN) socket.send(bytes);
  }

  // deno-lint-ignore no-explicit-any
  async function post(body: any): Promise<Response> {
    const id = body.prompt_id;
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
      return Response.json({ error: { type: "invalid_prompt_id", message: "not a UUID", details: "" } }, {
        status: 400,
      });
    }
    const errors = await validate(body.prompt);
    if (Object.keys(errors).length > 0) {
      const error = {
        type: "prompt_outputs_failed_validation",
        message: "Prompt outputs failed validation",
        details: "",
        extra_info: {},
      };
      return Response.json({ error, node_errors: errors }, { status: 400 });
    }
    enqueue({ id, client: body.client_id, graph: body.prompt });
    return Response.json({ prompt_id: id, number: standIn.ran.length, node_errors: {} });
  }

  async function validate(graph: Graph): Promise<{ [node: string]: object }> {
    const errors: { [node: string]: object } = {};
    for (const [node, { class_type, inputs }] of Object.entries(graph)) {
      const [described] = Object.values(describe(class_type)) as { input: { required: object } }[];
      const wrong = (message: string, details: string) =>
        errors[node] = { class_type, dependent_outputs: ["9"], errors: [{ type: "x", message, details }] };
      if (described === undefined) {
        wrong("Cannot execute because the node does not exist", class_type);
        continue;
      }
      for (const name of Object.keys(described.input.required)) {
        if (!(name in inputs)) wrong("Required input is missing", name);
      }
      if (class_type === "LoadImage" && !(await isPicture(standIn.inputs.get(String(inputs.image))))) {
        wrong("Custom validation failed for node", `image - Invalid image file: ${inputs.image}`);
      }
    }
    return errors;
  }

  function describe(name: string): { [name: string]: object } {
    const required: { [name: string]: object } = {
      KSampler: {
        seed: ["INT", { min: 0, max: 2 ** 53 }],
        steps: ["INT", {}],
        cfg: ["FLOAT", {}],
        sampler_name: [["euler", "dpmpp_2m"], {}],
        scheduler: ["COMBO", { options: ["normal", "karras"] }],
        denoise: ["FLOAT", {}],
        ...links("model", "positive", "negative", "latent_image"),
      },
      CheckpointLoaderSimple: { ckpt_name: [standIn.checkpoints, {}] },
      EmptyLatentImage: { width: ["INT", {}], height: ["INT", {}], batch_size: ["INT", {}] },
      CLIPTextEncode: { text: ["STRING", {}], ...links("clip") },
      VAEDecode: links("samples", "vae"),
      VAEEncode: links("pixels", "vae"),
      SetLatentNoiseMask: links("samples", "mask"),
      LoadImage: { image: [["example.png"], { image_upload: true }] },
      LoadImageMask: { image: [["example.png"], {}], channel: [["alpha", "red"], {}] },
      PreviewImage: links("images"),
      SaveImage: { filename_prefix: ["STRING", {}], ...links("images") },
    };
    return name in required && !standIn.lacks.includes(name)
      ? { [name]: { input: { required: required[name] }, output_node: /Image$/.test(name) } }
      : {};
  }

  function queueJson(): object {
    const items = (state: Job["state"]) =>
      jobs.filter((job) => job.state === state).map(({ id, graph }) => [0, id, graph, {}, ["9"]]);
    return { queue_running: items("running"), queue_pending: items("pending") };
  }

  function running(): Job | undefined {
    return jobs.find(({ state }) => state === "running");
  }

  function enqueue(job: Pick<Job, "id" | "client" | "graph">): void {
    jobs.push({ ...job, state: "pending", end: Promise.withResolvers() });
    void runNext();
  }

  function dequeue(id: string): void {
    jobs = jobs.filter((job) => job.id !== id || job.state === "running");
  }

  function interrupt(job: Job | undefined): void {
    if (job === undefined) return;
    standIn.interrupted.push(job.id);
    job.end.resolve("interrupted");
  }

  async function runNext(): Promise<void> {
    const job = jobs[0];
    if (job === undefined || job.state === "running") return;
    job.state = "running";
    const mine = generation;
    const { id, client, graph } = job;
    const isAnothers = Object.keys(graph).length === 0;
    tell(client, "execution_start", { prompt_id: id });
    tell(client, "execution_cached", { nodes: [], prompt_id: id });
    tell(client, "executing", { node: "3", prompt_id: id });
    const outcome = standIn.isHeld || isAnothers ? await job.end.promise : "done";
    if (mine !== generation) return;
    const entry = isAnothers || outcome === "interrupted" ? null : await execute(job);
    if (mine !== generation) return;
    jobs = jobs.filter((each) => each !== job);
    history.set(id, entry ?? failed(id, ["execution_interrupted", { prompt_id: id }]));
    const ending = outcome === "interrupted"
      ? "execution_interrupted"
      : standIn.fails !== null
      ? "execution_error"
      : "execution_success";
    tell(client, ending, { prompt_id: id });
    tell(client, "executing", { node: null, prompt_id: id });
    await runNext();
  }

  async function execute({ id, graph }: Job): Promise<object> {
    standIn.ran.push({ id, graph });
    if (standIn.fails !== null) return failed(id, ["execution_error", { prompt_id: id, ...standIn.fails }]);
    const [output] = Object.entries(graph).find(([, { class_type }]) =>
      /^(Preview|Save)Image$/.test(class_type)
    )!;
    const type = graph[output].class_type === "SaveImage" ? "output" : "temp";
    const filename = `ComfyUI_${standIn.ran.length}.png`;
    files.set(`${type}//${filename}`, await paintGraph(graph));
    return {
      prompt: [0, id, graph, {}, [output]],
      outputs: { [output]: { images: [{ filename, subfolder: "", type }] } },
      status: {
        status_str: "success",
        completed: true,
        messages: [["execution_success", { prompt_id: id }]],
      },
    };
  }

  function failed(id: string, message: [string, object]): object {
    const messages = [["execution_start", { prompt_id: id }], message];
    return {
      prompt: [0, id, {}, {}, []],
      outputs: {},
      status: { status_str: "error", completed: false, messages },
    };
  }

  /** What a model would make, with the rest of a picture off by a little, as models do. */
  async function paintGraph(graph: Graph): Promise<Uint8Array> {
    const nodes = Object.values(graph);
    const latent = nodes.find(({ class_type }) => class_type === "EmptyLatentImage");
    if (latent !== undefined) {
      return await paint(Number(latent.inputs.width), Number(latent.inputs.height), "#dc2626");
    }
    const loaded = nodes.find(({ class_type }) => class_type === "LoadImage")!;
    const { data, info } = await sharp(standIn.inputs.get(String(loaded.inputs.image))!).ensureAlpha().raw()
      .toBuffer({ resolveWithObject: true });
    const maskNode = nodes.find(({ class_type }) => class_type === "LoadImageMask");
    const alpha = maskNode === undefined
      ? data
      : await sharp(standIn.inputs.get(String(maskNode.inputs.image))!).ensureAlpha().raw().toBuffer();
    for (let i = 0; i < data.length; i += 4) {
      // LoadImage's mask is what is missing to opaque.
      const isMasked = alpha[i + 3] < 128;
      for (let c = 0; c < 3; c++) data[i + c] = isMasked ? red[c] : Math.min(255, data[i + c] + 1);
      data[i + 3] = 255;
    }
    const { width, height } = info;
    return await sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha().png().toBuffer();
  }

  // deno-lint-ignore no-explicit-any
  function store(form: any): Response {
    const name = form.subfolder === "" ? form.image.name : `${form.subfolder}/${form.image.name}`;
    standIn.inputs.set(name, form.bytes);
    return Response.json({ name: form.image.name, subfolder: form.subfolder, type: "input" });
  }

  /** The mask's transparency is put into the picture that it names. */
  // deno-lint-ignore no-explicit-any
  async function storeMasked(form: any): Promise<Response> {
    const { filename, subfolder } = JSON.parse(form.original_ref);
    const original = standIn.inputs.get(subfolder === "" ? filename : `${subfolder}/${filename}`);
    if (original === undefined) return new Response("", { status: 400 });
    const { width, height } = await sharp(original).metadata();
    if (form.image.seen.width !== width || form.image.seen.height !== height) {
      return new Response("images do not match", { status: 500 });
    }
    const raw = { width, height, channels: 4 as const };
    const pixels = await sharp(original).ensureAlpha().raw().toBuffer();
    const mask = await sharp(form.bytes).ensureAlpha().raw().toBuffer();
    for (let i = 3; i < pixels.length; i += 4) pixels[i] = mask[i];
    const bytes = new Uint8Array(await sharp(pixels, { raw }).png().toBuffer());
    return store({ ...form, bytes });
  }
}

async function readBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/form-data")) {
    const text = await request.text();
    return text === "" ? null : JSON.parse(text);
  }
  const form = await request.formData();
  const file = form.get("image") as File;
  const bytes = await file.bytes();
  const seen = await seenIn(bytes);
  const texts = [...form].filter(([, value]) => typeof value === "string");
  return { subfolder: "", ...Object.fromEntries(texts), image: { name: file.name, seen }, bytes };
}

async function seenIn(bytes: Uint8Array): Promise<SeenPicture | null> {
  try {
    return await lookAt(bytes);
  } catch (error) {
    if (error instanceof Unacceptable) return null;
    throw error;
  }
}

async function isPicture(bytes: Uint8Array | undefined): Promise<boolean> {
  return bytes !== undefined && await seenIn(bytes) !== null;
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

async function paint(
  width: number,
  height: number,
  background: string,
  format: "png" | "jpeg" = "png",
): Promise<Uint8Array> {
  const made = sharp({ create: { width, height, channels: 3, background } });
  return new Uint8Array(await made.toFormat(format).toBuffer());
}
