/**
 * Stand in for servers on a machine of one's own that speak OpenAI's images API, each in its own way:
 * stable-diffusion.cpp (examples/server/api.md), LocalAI, vLLM-Omni and SGLang (their protocol files).
 */
import sharp from "sharp";
import {
  bytesOf,
  fromBase64,
  lookAt,
  lookAtFile,
  lookAtMask,
  refuse,
  Unacceptable,
} from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export type Kind = "sd.cpp" | "LocalAI" | "vLLM-Omni" | "SGLang" | "other" | "other with edits";

export interface LocalStandIn extends StandInServer {
  /** Bodies as JSON; pictures in them, and those of forms, as they were seen. */
  // deno-lint-ignore no-explicit-any
  journal: { method: string; path: string; body: any }[];
  /** Answers to give instead of the right one to requests that make or ask for a picture, each once. */
  instead: ((request: { path: string; jobId: string }) => Response | null)[];
  /** What lies at other paths. */
  files: Map<string, () => Response>;
  /** Polls that a job of stable-diffusion.cpp answers with "generating". */
  pollsUntilDone: number;
}

/** `model` is the name of what it has loaded. */
export function startLocalServer(kind: Kind, { model }: { model?: string } = {}): LocalStandIn {
  const journal: LocalStandIn["journal"] = [];
  const jobs = new Map<string, { polls: number; size: [number, number]; isCancelled: boolean }>();
  const server = serve(async (request) => {
    const { pathname: path } = new URL(request.url);
    const entry: LocalStandIn["journal"][0] = { method: request.method, path, body: null };
    journal.push(entry);
    try {
      entry.body = await readBody(request);
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      return refusal(trouble.message);
    }
    return await answer(entry);
  });
  const standIn: LocalStandIn = Object.assign(server, {
    journal,
    instead: [],
    files: new Map(),
    pollsUntilDone: 1,
  });
  return standIn;

  async function answer({ method, path, body }: LocalStandIn["journal"][0]): Promise<Response> {
    const file = standIn.files.get(path);
    if (file !== undefined) return file();
    if (path === "/v1/models") return Response.json({ object: "list", data: models() });
    if (kind === "LocalAI" && path === "/v1/models/capabilities") {
      return Response.json({
        object: "list",
        data: [
          { id: "words", object: "model", capabilities: ["chat"], output_modalities: ["text"] },
          { id: "sd-3.5-medium", object: "model", capabilities: ["image"], output_modalities: ["image"] },
        ],
      });
    }
    if (kind === "sd.cpp" && path.startsWith("/sdcpp/v1/")) return await sdCpp(path, body);
    const makes = paths[kind].includes(path);
    // These frameworks know of a path that it is there, and for what.
    if (makes && method === "GET") return Response.json({ detail: "Method Not Allowed" }, { status: 405 });
    if (makes) {
      const instead = standIn.instead.shift()?.({ path, jobId: "" });
      if (instead) return instead;
      // Its own size, whatever the picture's.
      const size = path.endsWith("/inpainting") ? "512x512" : body.size;
      const [width, height] = size.split("x").map(Number);
      return Response.json({ created: 1_790_000_000, data: [{ b64_json: await picture(width, height) }] });
    }
    return Response.json({ error: "not found" }, { status: 404 });
  }

  /** Whatever the kind of server says where it does not like what it was given. */
  function refusal(message: string): Response {
    switch (kind) {
      case "sd.cpp":
        return Response.json({ error: "invalid generation parameters" }, { status: 400 });
      case "vLLM-Omni":
      case "SGLang":
        return Response.json({ detail: message }, { status: 400 });
      default:
        return Response.json({ error: { message, type: "invalid_request_error" } }, { status: 400 });
    }
  }

  function models(): object[] {
    switch (kind) {
      case "sd.cpp":
        return [{ id: "sd-cpp-local", object: "model", owned_by: "local" }];
      case "LocalAI":
        return [{ id: "words", object: "model" }, { id: "sd-3.5-medium", object: "model" }];
      case "vLLM-Omni":
        return [{ id: model ?? "Qwen/Qwen-Image", object: "model", owned_by: "vllm" }];
      case "SGLang":
        return [{ id: model ?? "black-forest-labs/FLUX.2-dev", object: "model", owned_by: "sglang" }];
      case "other":
      case "other with edits":
        return [{ id: "painter", object: "model", owned_by: "somebody" }];
    }
  }

  // deno-lint-ignore no-explicit-any
  async function sdCpp(path: string, body: any): Promise<Response> {
    if (path.endsWith("/capabilities")) {
      const limits = { min_width: 64, max_width: 1024, min_height: 64, max_height: 1024, max_batch_count: 8 };
      const stem = model ?? "sd3.5_medium";
      const features = { init_image: true, mask_image: true, ref_images: true, cancel_queued: true };
      return Response.json({
        model: { name: `${stem}.gguf`, stem },
        supported_modes: ["img_gen"],
        features,
        features_by_mode: { img_gen: features },
        limits,
      });
    }
    const [, , , what, jobId = `job_${jobs.size + 1}`, action] = path.split("/");
    const instead = standIn.instead.shift()?.({ path, jobId });
    if (instead) return instead;
    if (what === "img_gen") {
      jobs.set(jobId, { polls: 0, size: [body.width, body.height], isCancelled: false });
      const poll_url = `/sdcpp/v1/jobs/${jobId}`;
      return Response.json({ id: jobId, kind: "img_gen", status: "queued", created: 1, poll_url }, {
        status: 202,
      });
    }
    const job = jobs.get(jobId);
    if (job === undefined) return Response.json({ error: "job not found" }, { status: 404 });
    if (action === "cancel") {
      if (job.polls > 1) return Response.json({ error: "job is generating" }, { status: 409 });
      job.isCancelled = true;
    }
    if (job.isCancelled) {
      const error = { code: "cancelled", message: "job cancelled by client" };
      return Response.json({ id: jobId, status: "cancelled", result: null, error });
    }
    if (job.polls++ < standIn.pollsUntilDone) {
      return Response.json({ id: jobId, status: "generating", queue_position: 0, result: null, error: null });
    }
    const images = [{ index: 0, b64_json: await picture(...job.size) }];
    return Response.json({
      id: jobId,
      status: "completed",
      result: { output_format: "png", images },
      error: null,
    });
  }
}

/** Where each makes pictures, apart from jobs. */
const paths: { [kind in Kind]: string[] } = {
  "sd.cpp": [],
  "LocalAI": ["/v1/images/generations", "/v1/images/inpainting"],
  "vLLM-Omni": ["/v1/images/generations", "/v1/images/edits"],
  "SGLang": ["/v1/images/generations", "/v1/images/edits"],
  "other": ["/v1/images/generations"],
  "other with edits": ["/v1/images/generations", "/v1/images/edits"],
};

async function readBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("multipart/form-data")) return await readForm(await request.formData());
  const text = await request.text();
  return text === "" ? null : await withSeen(JSON.parse(text));
}

const takes = ["image/png", "image/jpeg"];

async function readForm(form: FormData): Promise<object> {
  const images = [...form].filter(([name]) => /^image(\[\])?$/.test(name));
  if (images.length === 0) refuse("Field 'image' is required");
  const seen = await Promise.all(images.map(([, value]) => lookAtFile(value, takes)));
  const mask = form.get("mask");
  return {
    ...Object.fromEntries([...form].filter(([, value]) => typeof value === "string")),
    [images[0][0]]: seen,
    ...(mask !== null && {
      mask: await lookAtMask(await bytesOf(mask), {
        base: seen[0],
        form: "white",
        claimed: (mask as File).type,
      }),
    }),
  };
}

/** The pictures in it as they were seen. */
// deno-lint-ignore no-explicit-any
async function withSeen(body: any): Promise<object> {
  const see = async (value: unknown) => await lookAt(fromBase64(value), { takes });
  const { init_image, mask_image, ref_images, file, strength } = body;
  if (strength !== undefined && !(strength >= 0 && strength <= 1)) refuse("invalid strength");
  const base = init_image === undefined ? null : await see(init_image);
  if (mask_image !== undefined && base === null) refuse("a mask without an image");
  return {
    ...body,
    ...(base !== null && { init_image: base }),
    ...(mask_image !== undefined && {
      mask_image: await lookAtMask(fromBase64(mask_image), { base: base!, form: "white" }),
    }),
    ...(ref_images !== undefined && { ref_images: await Promise.all(ref_images.map(see)) }),
    ...(file !== undefined && { file: await see(file) }),
  };
}

async function picture(width: number, height: number): Promise<string> {
  const made = sharp({ create: { width, height, channels: 3, background: "#059669" } });
  return (await made.png().toBuffer()).toString("base64");
}
