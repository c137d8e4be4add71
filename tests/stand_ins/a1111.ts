/**
 * Stand in for servers that speak the API of AUTOMATIC1111's web UI (its modules/api/api.py and modules/progress.py, those
 * of Forge and SD.Next, and stable-diffusion.cpp's examples/server/api.md). One task runs at a time, whoever asked for
 * it; one that was begun goes on when whoever asked has gone.
 */
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { fromBase64, lookAt, lookAtMask, type SeenPicture, Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export type A1111Kind = "AUTOMATIC1111" | "older AUTOMATIC1111" | "Forge" | "SD.Next" | "sd.cpp";

interface Job {
  id: string;
  /** Of what it makes, and of its previews. */
  colour: string;
  /** 0 to 1. */
  progress: number;
  isInterrupted: boolean;
  startedAt: number;
  end: PromiseWithResolvers<void>;
}

export interface A1111StandIn extends StandInServer {
  /** Bodies as JSON; pictures in them as they were seen. */
  // deno-lint-ignore no-explicit-any
  journal: { method: string; path: string; body: any; authorization: string | null }[];
  /** Answers to give instead of the right one to requests that make a picture, each once. */
  instead: (() => Response | null)[];
  /** Orders that were found within the words of prompts, and followed. */
  orders: string[];
  /** Ids of tasks that were broken off while they ran. */
  interrupted: string[];
  /** Ids of the task that runs and of those that wait. */
  queue(): string[];
  /** Tasks that begin from now on stay until they are let go. */
  isHeld: boolean;
  /** How far the one that runs is; 1 lets it end. */
  advance(progress: number): void;
  /** Somebody else's task, asked for on the server's own page; it stays until it is let go. */
  runAnothers(): { end(): void };
  /** `user:password` that it wants. */
  auth: string | null;
  /** It was started without `--api`. */
  isApiOff: boolean;
  /** Lists that this version lacks. */
  missing: string[];
  /** It answers with what it was given. */
  givesBack: boolean;
}

const colour = "#059669";
const anothersColour = "#dc2626";

export function startA1111(kind: A1111Kind = "AUTOMATIC1111"): A1111StandIn {
  const journal: A1111StandIn["journal"] = [];
  let running: Job | null = null;
  const waiting: { job: Job; begin: () => void }[] = [];
  let count = 0;
  const standIn: A1111StandIn = Object.assign(serve(answer), {
    journal,
    instead: [],
    orders: [],
    interrupted: [],
    queue: () => [...(running === null ? [] : [running.id]), ...waiting.map(({ job }) => job.id)],
    isHeld: false,
    advance(progress: number) {
      if (running === null) throw new Error("Nothing runs");
      running.progress = progress;
      if (progress >= 1) running.end.resolve();
    },
    runAnothers() {
      const job = newJob("task(somebody-elses)", anothersColour);
      const ended = run(job, () => job.end.promise);
      void ended;
      return { end: () => job.end.resolve() };
    },
    auth: null,
    isApiOff: false,
    missing: [],
    givesBack: false,
  });
  const dispose = standIn[Symbol.asyncDispose];
  // What is held would keep it from ending.
  standIn[Symbol.asyncDispose] = async () => {
    for (const job of [...(running === null ? [] : [running]), ...waiting.map(({ job }) => job)]) {
      job.end.resolve();
    }
    await dispose();
  };
  return standIn;

  async function answer(request: Request): Promise<Response> {
    const { pathname: path, search } = new URL(request.url);
    const text = await request.text();
    const body = text === "" ? null : JSON.parse(text);
    const authorization = request.headers.get("authorization");
    journal.push({ method: request.method, path, body, authorization });
    if (standIn.isApiOff || standIn.missing.includes(path)) return notFound();
    const isApi = path.startsWith("/sdapi/");
    if (isApi && standIn.auth !== null && authorization !== `Basic ${btoa(standIn.auth)}`) {
      return Response.json({ detail: "Incorrect username or password" }, { status: 401 });
    }
    switch (`${request.method} ${path}`) {
      case "GET /sdapi/v1/options":
        return Response.json(options());
      case "GET /sdapi/v1/sd-models":
        return Response.json(checkpoints());
      case "GET /sdapi/v1/samplers":
        return Response.json([{ name: "Euler a", aliases: ["k_euler_a"], options: {} }]);
      case "GET /sdapi/v1/progress":
        return kind === "sd.cpp" ? notFound() : await ofAll(search);
      case "POST /internal/progress":
        return ["sd.cpp", "older AUTOMATIC1111"].includes(kind) ? notFound() : await ofTask(body);
      case "POST /sdapi/v1/interrupt":
        if (kind === "sd.cpp") return notFound();
        interrupt();
        return Response.json({});
      case "POST /sdapi/v1/txt2img":
      case "POST /sdapi/v1/img2img":
        return await generate(journal.at(-1)!);
    }
    return notFound();
  }

  function options(): object {
    const checkpoint = { sd_model_checkpoint: "xl/painter_xl.safetensors [31e35c80fc]" };
    switch (kind) {
      case "sd.cpp":
        return { samples_format: "png", sd_model_checkpoint: "sd3.5_medium" };
      case "Forge":
        return { ...checkpoint, ...usual, forge_preset: "xl" };
      case "SD.Next":
        return { ...checkpoint, ...usual, diffusers_pipeline: "Autodetect" };
      default:
        return { ...checkpoint, ...usual };
    }
  }

  function checkpoints(): object[] {
    if (kind === "sd.cpp") return [{ title: "sd3.5_medium", model_name: "sd3.5_medium", hash: "8888888888" }];
    return [
      { title: "xl/painter_xl.safetensors [31e35c80fc]", model_name: "painter_xl", hash: "31e35c80fc" },
      { title: "flux1-dev.safetensors", model_name: "flux1-dev", hash: null },
    ];
  }

  async function generate(entry: A1111StandIn["journal"][0]): Promise<Response> {
    const instead = standIn.instead.shift()?.();
    if (instead) return instead;
    const { body, path } = entry;
    const known = checkpoints().map((each) => (each as { title: string }).title);
    const asked = body.override_settings?.sd_model_checkpoint;
    if (asked !== undefined && !known.includes(asked)) {
      return Response.json({ detail: "Model not found" }, { status: 404 });
    }
    follow(body.prompt);
    let init: Uint8Array | null = null;
    if (path.endsWith("/img2img")) {
      try {
        init = fromBase64(body.init_images[0]);
        await lookAtPictures(body);
      } catch (trouble) {
        if (!(trouble instanceof Unacceptable)) throw trouble;
        return Response.json({ detail: "Invalid encoded image" }, { status: 500 });
      }
    }
    const { width, height } = body;
    const isNamed = kind !== "older AUTOMATIC1111" && kind !== "sd.cpp";
    const job = newJob(isNamed ? body.force_task_id : "scripts_txt2img", colour);
    await run(job, () => standIn.isHeld ? job.end.promise : Promise.resolve());
    const picture = init !== null && standIn.givesBack
      ? await sharp(init).resize(width, height, { fit: "fill" }).png().toBuffer()
      : await paint(width, height, colour);
    const seed = body.seed === -1 ? 4242 : body.seed;
    return Response.json({
      images: [picture.toString("base64")],
      parameters: {},
      info: kind === "sd.cpp" ? "" : JSON.stringify({ seed, all_seeds: [seed] }),
    });
  }

  /** What a prompt can make these programs do. */
  function follow(prompt: string): void {
    const tags = kind === "sd.cpp" ? /<sd_cpp_extra_args>/g : /<(\w+):([^>]+)>|__[^\s]+?__/g;
    standIn.orders.push(...[...prompt.matchAll(tags)].map(([order]) => order));
  }

  async function run(job: Job, work: () => Promise<void>): Promise<void> {
    if (running !== null) await new Promise<void>((begin) => waiting.push({ job, begin }));
    running = job;
    job.startedAt = ++count;
    await work();
    running = null;
    waiting.shift()?.begin();
  }

  function interrupt(): void {
    if (running === null) return;
    running.isInterrupted = true;
    standIn.interrupted.push(running.id);
    running.end.resolve();
  }

  async function ofTask(body: { id_task: string; id_live_preview: number }): Promise<Response> {
    const active = running?.id === body.id_task;
    const queued = waiting.some(({ job }) => job.id === body.id_task);
    const rest = { active, queued, paused: false, completed: false };
    if (!active) return Response.json({ ...rest, id_live_preview: -1, textinfo: "Waiting..." });
    const id = Math.round(running!.progress * 100);
    const isNew = id !== body.id_live_preview && running!.progress > 0;
    const preview = isNew ? (await paint(64, 64, running!.colour)).toString("base64") : null;
    return Response.json({
      ...rest,
      progress: running!.progress,
      eta: 1,
      live_preview: preview && `data:image/jpeg;base64,${preview}`,
      id_live_preview: id,
    });
  }

  async function ofAll(search: string): Promise<Response> {
    const isNamed = kind === "Forge" ? { current_task: running?.id ?? null } : {};
    if (running === null) {
      return Response.json({ progress: 0, eta_relative: 0, state: { job_count: 0, job: "" }, ...isNamed });
    }
    const isShown = !search.includes("skip_current_image=true") && running.progress > 0;
    return Response.json({
      progress: running.progress,
      eta_relative: 1,
      state: { job: running.id, job_count: 1, job_no: 0, job_timestamp: `${running.startedAt}` },
      current_image: isShown ? (await paint(64, 64, running.colour)).toString("base64") : null,
      ...isNamed,
    });
  }
}

const usual = { samples_format: "png", outdir_samples: "", sd_vae: "Automatic", CLIP_stop_at_last_layers: 1 };

function newJob(id: string, colour: string): Job {
  return { id, colour, progress: 0, isInterrupted: false, startedAt: 0, end: Promise.withResolvers() };
}

/** Puts what was seen in the place of the pictures. */
// deno-lint-ignore no-explicit-any
async function lookAtPictures(body: any): Promise<void> {
  const base: SeenPicture = await lookAt(fromBase64(body.init_images[0]), {
    takes: ["image/png", "image/jpeg"],
  });
  body.init_images = [base];
  if (body.mask !== undefined) body.mask = await lookAtMask(fromBase64(body.mask), { base, form: "white" });
}

function notFound(): Response {
  return Response.json({ detail: "Not Found" }, { status: 404 });
}

function paint(width: number, height: number, background: string): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } }).png().toBuffer();
}
