/** Stands in for fal's queue (fal.ai/docs): a task has three addresses of its own, without the model's path. */
import { fromBase64, lookAt, lookAtMask, refuse, type SeenPicture } from "./given_pictures.ts";
import { megapixels, shapedAs, startTaskService, type Task, type TaskStandIn } from "./task_service.ts";

export const key = "6f0c2a4e-1b7d-4c3a-9e21-5d8f7a6b3c10:0a1b2c3d4e5f60718293a4b5c6d7e8f9";

interface App {
  fields: string[];
  steps?: number;
  /** In micro-dollars, by the size and the pictures that it is given. */
  micros(size: { width: number; height: number }, given: SeenPicture[]): number;
}

const plain = ["prompt", "num_images", "output_format", "seed", "image_size"];
const byMegapixel = (first: number, next = first): App["micros"] => (size, given) =>
  first + (megapixels(size) - 1 + given.reduce((sum, each) => sum + megapixels(each), 0)) * next;
const flux2 = ["prompt", "image_size", "seed", "output_format"];
const seedream = ["prompt", "image_size", "num_images", "max_images", "seed"];
const banana = ["prompt", "num_images", "output_format", "aspect_ratio"];

const apps: { [path: string]: App } = {
  "fal-ai/flux/schnell": { fields: [...plain, "num_inference_steps"], steps: 12, micros: byMegapixel(3_000) },
  "fal-ai/flux-1/dev": {
    fields: [...plain, "num_inference_steps", "guidance_scale"],
    steps: 50,
    micros: byMegapixel(25_000),
  },
  "fal-ai/z-image/turbo": { fields: [...plain, "num_inference_steps"], steps: 8, micros: byMegapixel(5_000) },
  "fal-ai/flux-2-pro": { fields: flux2, micros: byMegapixel(30_000, 15_000) },
  "fal-ai/flux-2-pro/edit": { fields: [...flux2, "image_urls"], micros: byMegapixel(30_000, 15_000) },
  "fal-ai/flux-2-max": { fields: flux2, micros: byMegapixel(70_000, 30_000) },
  "fal-ai/flux-2-max/edit": { fields: [...flux2, "image_urls"], micros: byMegapixel(70_000, 30_000) },
  "fal-ai/bytedance/seedream/v4.5/text-to-image": { fields: seedream, micros: () => 40_000 },
  "fal-ai/bytedance/seedream/v4.5/edit": { fields: [...seedream, "image_urls"], micros: () => 40_000 },
  "fal-ai/nano-banana": { fields: banana, micros: () => 39_000 },
  "fal-ai/nano-banana/edit": { fields: [...banana, "image_urls"], micros: () => 39_000 },
  "fal-ai/flux-pro/v1/fill": {
    fields: ["prompt", "num_images", "output_format", "seed", "image_url", "mask_url"],
    micros: (size) => megapixels(size) * 50_000,
  },
};

export function startFal(): TaskStandIn {
  return startTaskService({
    isSigned: (headers) => headers.get("authorization") === `Key ${key}`,
    route(method, path) {
      const [, taskId, verb] = /^\/[\w.-]+\/[\w.-]+\/requests\/([\w-]+)(\/status|\/cancel)?$/.exec(path) ??
        [];
      if (taskId === undefined) return { request: method === "POST" ? "create" : "unknown" };
      if (verb === "/status") return { request: "look", taskId };
      if (verb === "/cancel") return { request: method === "PUT" ? "cancel" : "unknown", taskId };
      return { request: "result", taskId };
    },
    read,
    unsigned: () => detail(401, "No user found for Key ID and Secret"),
    refused: (words) =>
      Response.json({ detail: [{ loc: ["body"], msg: words, type: "value_error" }] }, { status: 422 }),
    notFound: () => detail(404, "Request not found"),
    status: () => detail(404, "Request not found"),
    created: (task, url) =>
      Response.json({
        status: "IN_QUEUE",
        queue_position: 0,
        request_id: task.id,
        ...addressesOf(task, url),
      }),
    looked: (task, url) =>
      task.state === "cancelled"
        ? detail(404, "Request not found")
        : task.state === "open"
        ? Response.json({ status: task.looks > 1 ? "IN_PROGRESS" : "IN_QUEUE", ...addressesOf(task, url) }, {
          status: 202,
        })
        : Response.json({ status: "COMPLETED", metrics: { inference_time: 1.2 }, ...addressesOf(task, url) }),
    result: ({ id, width, height, input, state }, url) =>
      state === "open" ? detail(400, "Request is still in progress") : Response.json({
        images: [{ url: `${url}/files/${id}.png`, width, height, content_type: "image/png" }],
        seed: input.seed ?? 4242,
        has_nsfw_concepts: [false],
        prompt: input.prompt,
      }),
    cancelled(task) {
      if (task.state === "cancelled") {
        return { answer: Response.json({ status: "NOT_FOUND" }, { status: 404 }) };
      }
      if (task.state !== "open") {
        return { answer: Response.json({ status: "ALREADY_COMPLETED" }, { status: 400 }) };
      }
      if (task.looks > 1) {
        return { answer: Response.json({ status: "CANCELLATION_REQUESTED" }, { status: 202 }) };
      }
      task.state = "cancelled";
      return { answer: Response.json({ status: "OK" }), micros: 0 };
    },
  });
}

export function detail(status: number, words: unknown, headers?: HeadersInit): Response {
  return Response.json({ detail: words }, { status, headers });
}

function addressesOf({ id, path }: Task, url: string) {
  const [owner, app] = path.split("/").filter(Boolean);
  const address = `${url}/${owner}/${app}/requests/${id}`;
  return { response_url: address, status_url: `${address}/status`, cancel_url: `${address}/cancel` };
}

// deno-lint-ignore no-explicit-any
async function read(path: string, body: any) {
  const app = apps[path.slice(1)];
  if (app === undefined) refuse(`there is no app ${path}`);
  const unknown = Object.keys(body).find((name) => !app.fields.includes(name));
  if (unknown !== undefined) refuse(`${unknown} is not a field of it`);
  const { prompt, num_inference_steps: steps, image_size: asked, aspect_ratio: ratio, image_urls: urls } =
    body;
  if (typeof prompt !== "string" || prompt === "") refuse("prompt is required");
  if (steps !== undefined && !(steps >= 1 && steps <= app.steps!)) {
    refuse("num_inference_steps is out of range");
  }
  if (app.fields.includes("image_urls") && !(urls?.length > 0)) refuse("image_urls is required");
  if (path.includes("seedream") && asked.width * asked.height < 2560 * 1440) {
    refuse("image_size is too small");
  }
  const given = await Promise.all(
    [...urls ?? [], ...body.image_url === undefined ? [] : [body.image_url]].map(see),
  );
  const size = asked ?? (ratio === undefined ? given[0] : shapedAs(ratio));
  if (size === undefined) refuse("image_url is required");
  const mask = body.mask_url === undefined
    ? undefined
    : await lookAtMask(bytesAt(body.mask_url).bytes, { base: given[0], form: "white" });
  const { width, height } = size;
  return {
    input: { ...body, given, mask },
    width,
    height,
    micros: app.micros(size, app.fields.includes("image_urls") ? given : []),
  };
}

async function see(address: unknown): Promise<SeenPicture> {
  const { bytes, claimed } = bytesAt(address);
  return await lookAt(bytes, { claimed });
}

function bytesAt(address: unknown): { bytes: Uint8Array; claimed: string } {
  const [, claimed, base64] = /^data:([\w/]+);base64,(.*)$/s.exec(String(address)) ?? [];
  if (claimed === undefined) refuse("Invalid image: it is no data address");
  return { bytes: fromBase64(base64), claimed };
}
