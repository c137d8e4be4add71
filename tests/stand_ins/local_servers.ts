/**
 * Stand in for servers on a machine of one's own that speak OpenAI's images API, each in its own way:
 * stable-diffusion.cpp (examples/server/api.md), LocalAI, vLLM-Omni and SGLang (their protocol files).
 */
import sharp from "sharp";
import { serve, type StandInServer } from "./http.ts";

export type Kind = "sd.cpp" | "LocalAI" | "vLLM-Omni" | "SGLang" | "other";

export interface LocalStandIn extends StandInServer {
  // deno-lint-ignore no-explicit-any
  journal: { method: string; path: string; body: any }[];
  /** Answers to give instead of the right one to requests that make or ask for a picture, each once. */
  instead: ((request: { path: string; jobId: string }) => Response | null)[];
  /** What lies at other paths. */
  files: Map<string, () => Response>;
  /** Polls that a job of stable-diffusion.cpp answers with "generating". */
  pollsUntilDone: number;
}

export function startLocalServer(kind: Kind): LocalStandIn {
  const journal: LocalStandIn["journal"] = [];
  const jobs = new Map<string, { polls: number; size: [number, number]; isCancelled: boolean }>();
  const server = serve(async (request) => {
    const { pathname: path } = new URL(request.url);
    const text = await request.text();
    journal.push({ method: request.method, path, body: text === "" ? null : JSON.parse(text) });
    return await answer(path, text === "" ? {} : JSON.parse(text));
  });
  const standIn: LocalStandIn = Object.assign(server, {
    journal,
    instead: [],
    files: new Map(),
    pollsUntilDone: 1,
  });
  return standIn;

  // deno-lint-ignore no-explicit-any
  async function answer(path: string, body: any): Promise<Response> {
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
    if (kind !== "sd.cpp" && path === "/v1/images/generations") {
      const instead = standIn.instead.shift()?.({ path, jobId: "" });
      if (instead) return instead;
      const [width, height] = body.size.split("x").map(Number);
      return Response.json({ created: 1_790_000_000, data: [{ b64_json: await picture(width, height) }] });
    }
    return Response.json({ error: "not found" }, { status: 404 });
  }

  function models(): object[] {
    switch (kind) {
      case "sd.cpp":
        return [{ id: "sd-cpp-local", object: "model", owned_by: "local" }];
      case "LocalAI":
        return [{ id: "words", object: "model" }, { id: "sd-3.5-medium", object: "model" }];
      case "vLLM-Omni":
        return [{ id: "Qwen/Qwen-Image", object: "model", owned_by: "vllm" }];
      case "SGLang":
        return [{ id: "black-forest-labs/FLUX.2-dev", object: "model", owned_by: "sglang" }];
      case "other":
        return [{ id: "painter", object: "model", owned_by: "somebody" }];
    }
  }

  // deno-lint-ignore no-explicit-any
  async function sdCpp(path: string, body: any): Promise<Response> {
    if (path.endsWith("/capabilities")) {
      const limits = { min_width: 64, max_width: 1024, min_height: 64, max_height: 1024, max_batch_count: 8 };
      return Response.json({ model: { name: "sd3.5_medium.gguf", stem: "sd3.5_medium" }, limits });
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

async function picture(width: number, height: number): Promise<string> {
  const made = sharp({ create: { width, height, channels: 3, background: "#059669" } });
  return (await made.png().toBuffer()).toString("base64");
}
