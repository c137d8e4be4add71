/** Stands in for Black Forest Labs' API (docs.bfl.ai): credits of a cent, by the megapixel, told with each task. */
import { fromBase64, lookAt, lookAtMask, refuse, type SeenPicture } from "./given_pictures.ts";
import { megapixels, startTaskService, type TaskStandIn } from "./task_service.ts";

export const key = "2b9d1f64-7c3e-4a85-b0d6-91e27c4f8a35";

interface Endpoint {
  /** Credits for the first megapixel, and for each that is begun beyond it. */
  credits: [first: number, next: number];
  references: number;
  hasSteps?: true;
}

const endpoints: { [path: string]: Endpoint } = {
  "/v1/flux-2-pro": { credits: [3, 1.5], references: 8 },
  "/v1/flux-2-max": { credits: [7, 3], references: 8 },
  "/v1/flux-2-flex": { credits: [5, 5], references: 8, hasSteps: true },
  "/v1/flux-2-klein-9b": { credits: [1.5, 0.2], references: 4 },
  "/v1/flux-2-klein-4b": { credits: [1.4, 0.1], references: 4 },
};

export function startBfl({ credits = 1234.5 } = {}): TaskStandIn {
  const costs = new Map<string, number>();
  return startTaskService({
    isSigned: (headers) => headers.get("x-key") === key,
    route(method, path) {
      if (path === "/v1/credits") return { request: "status" };
      const [, taskId] = /^\/v1\/get_result\/([\w-]+)$/.exec(path) ?? [];
      if (taskId !== undefined) return { request: "look", taskId };
      return { request: method === "POST" ? "create" : "unknown" };
    },
    read,
    unsigned: () => detail(403, "Not authenticated - Invalid API key"),
    refused: (words) =>
      Response.json({ detail: [{ loc: ["body"], msg: words, type: "value_error" }] }, { status: 422 }),
    notFound: () => state("Task not found", { result: null }, 404),
    status: () => Response.json({ credits }),
    created(task, url) {
      const cost = task.input.credits;
      costs.set(task.id, cost);
      return Response.json({ id: task.id, polling_url: `${url}/v1/get_result/${task.id}`, cost });
    },
    looked: ({ id, state: is, input }, url) =>
      is === "open" ? state("Pending", { id, result: null, progress: 0.5 }) : state("Ready", {
        id,
        result: { sample: `${url}/files/${id}.png`, prompt: input.prompt, seed: input.seed ?? 4242 },
        cost: costs.get(id),
      }),
  });
}

export function state(status: string, more: object = {}, http = 200): Response {
  return Response.json({ status, ...more }, { status: http });
}

export function detail(status: number, words: unknown, headers?: HeadersInit): Response {
  return Response.json({ detail: words }, { status, headers });
}

// deno-lint-ignore no-explicit-any
async function read(path: string, body: any) {
  if (typeof body.prompt !== "string") refuse("prompt: Field required");
  if (path === "/v1/flux-pro-1.0-fill") return await readFill(body);
  const endpoint = endpoints[path];
  if (endpoint === undefined) refuse("no such endpoint");
  const { prompt: _, seed, width, height, output_format: format, steps, guidance, ...pictures } = body;
  if (format !== "png" && format !== "jpeg") refuse("output_format: is none of these");
  if (!(width >= 64 && height >= 64 && width % 16 === 0 && height % 16 === 0)) {
    refuse("width: multiple of 16");
  }
  if (width * height > 4 * 1024 * 1024) refuse("width: 4 MP at most");
  if (seed !== undefined && !Number.isInteger(seed)) refuse("seed: an integer");
  if (!endpoint.hasSteps && (steps !== undefined || guidance !== undefined)) refuse("steps: not here");
  const names = Object.keys(pictures);
  if (names.some((name, index) => name !== (index === 0 ? "input_image" : `input_image_${index + 1}`))) {
    refuse(`${names}: unknown fields`);
  }
  if (names.length > endpoint.references) refuse("too many input images");
  const given: SeenPicture[] = await Promise.all(names.map((name) => lookAt(fromBase64(pictures[name]))));
  const [first, next] = endpoint.credits;
  const beyond = megapixels({ width, height }) - 1 + given.reduce((sum, each) => sum + megapixels(each), 0);
  return billed({ ...body, given }, { width, height, credits: first + beyond * next });
}

// deno-lint-ignore no-explicit-any
async function readFill(body: any) {
  const base = await lookAt(fromBase64(body.image));
  const mask = await lookAtMask(fromBase64(body.mask), { base, form: "white" });
  return billed({ ...body, given: [base], mask }, { ...base, credits: 5 });
}

function billed(
  input: object,
  { width, height, credits }: { width: number; height: number; credits: number },
) {
  const rounded = Math.round(credits * 100) / 100;
  return { input: { ...input, credits: rounded }, width, height, micros: Math.round(rounded * 10_000) };
}
