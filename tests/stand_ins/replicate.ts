/** Stands in for Replicate's API (replicate.com/docs): predictions of models, each with inputs of its own. */
import { fromBase64, lookAt, lookAtMask, refuse, type SeenPicture } from "./given_pictures.ts";
import { shapedAs, startTaskService, type Task, type TaskStandIn } from "./task_service.ts";

export const token = "r8_StandIn0123456789abcdefABCDEF01234567";

interface Spec {
  fields: string[];
  micros: number;
  /** One address instead of a list of them. */
  isSingle?: true;
  needs?: string[];
}

const models: { [name: string]: Spec } = {
  "black-forest-labs/flux-schnell": {
    fields: ["aspect_ratio", "num_outputs", "num_inference_steps", "seed", "output_format"],
    micros: 3_000,
  },
  "black-forest-labs/flux-dev": {
    fields: [
      "aspect_ratio",
      "num_outputs",
      "num_inference_steps",
      "guidance",
      "seed",
      "output_format",
      "image",
      "prompt_strength",
    ],
    micros: 25_000,
  },
  "black-forest-labs/flux-kontext-pro": {
    fields: ["aspect_ratio", "seed", "output_format", "input_image"],
    micros: 40_000,
    isSingle: true,
  },
  "black-forest-labs/flux-fill-pro": {
    fields: ["image", "mask", "steps", "guidance", "seed", "output_format"],
    micros: 50_000,
    isSingle: true,
    needs: ["image", "mask"],
  },
  "bytedance/seedream-4": {
    fields: ["size", "aspect_ratio", "max_images", "sequential_image_generation", "image_input"],
    micros: 30_000,
  },
  "google/nano-banana": {
    fields: ["aspect_ratio", "output_format", "image_input"],
    micros: 39_000,
    isSingle: true,
  },
  "qwen/qwen-image": {
    fields: ["aspect_ratio", "guidance", "num_inference_steps", "negative_prompt", "seed", "output_format"],
    micros: 25_000,
  },
};

export function startReplicate(): TaskStandIn {
  return startTaskService({
    isSigned: (headers) => headers.get("authorization") === `Bearer ${token}`,
    route(method, path) {
      if (path === "/v1/account") return { request: "status" };
      const [, taskId, verb] = /^\/v1\/predictions\/([\w-]+)(\/cancel)?$/.exec(path) ?? [];
      if (taskId === undefined) return { request: method === "POST" ? "create" : "unknown" };
      return { request: verb === undefined ? "look" : method === "POST" ? "cancel" : "unknown", taskId };
    },
    read,
    unsigned: () => problem(401, "Unauthenticated", "You did not pass a valid authentication token"),
    refused: (words) => problem(422, "Input validation failed", words),
    notFound: () => problem(404, "Not found", "Prediction not found"),
    status: () => Response.json({ type: "user", username: "ada" }),
    created: (task) => Response.json(prediction(task, "starting"), { status: 201 }),
    looked: (task, url) => {
      const output = `${url}/files/${task.id}.png`;
      if (task.state === "cancelled") return Response.json(prediction(task, "canceled"));
      return task.state === "open"
        ? Response.json(prediction(task, task.looks > 1 ? "processing" : "starting"))
        : Response.json(prediction(task, "succeeded", specOf(task.path).isSingle ? output : [output]));
    },
    cancelled(task) {
      if (task.state === "done") return { answer: Response.json(prediction(task, "succeeded")) };
      task.state = "cancelled";
      const hasBegun = task.looks > 1;
      const answer = Response.json(prediction(task, hasBegun ? "canceled" : "aborted"));
      return hasBegun ? { answer } : { answer, micros: 0 };
    },
  });
}

export function problem(status: number, title: string, detail: string, headers?: HeadersInit): Response {
  return Response.json({ title, detail, status }, { status, headers });
}

export function prediction(
  { id, input }: { id: string; input: object },
  status: string,
  output: unknown = null,
): object {
  return { id, status, input, output, error: null, logs: "", metrics: {} };
}

function specOf(path: string): Spec {
  return models[path.replace("/v1/models/", "").replace("/predictions", "")];
}

async function read(
  path: string,
  // deno-lint-ignore no-explicit-any
  { input }: any,
): Promise<Pick<Task, "input" | "width" | "height"> & { micros: number }> {
  const spec = specOf(path);
  if (spec === undefined) refuse("model: does not exist");
  const { prompt, ...fields } = input;
  if (typeof prompt !== "string" || prompt === "") refuse("input: prompt is required");
  const unknown = Object.keys(fields).find((name) => !spec.fields.includes(name));
  if (unknown !== undefined) refuse(`input: ${unknown} is unknown`);
  const lacking = spec.needs?.find((name) => fields[name] === undefined);
  if (lacking !== undefined) refuse(`input: ${lacking} is required`);
  const { image, input_image: single, image_input: several = [], mask, aspect_ratio: ratio = "1:1" } = fields;
  const given = await Promise.all(
    [image, single, ...several].filter((each) => each !== undefined).map(fetchPicture),
  );
  const { width, height } = mask === undefined ? shapedAs(ratio) : given[0];
  const base = given[0];
  const seen = mask === undefined ? undefined : await lookAtMask(bytesOfMask(mask), { base, form: "white" });
  return { input: { ...input, given, mask: seen }, width, height, micros: spec.micros };
}

/** It fetches what it is given by an address. */
async function fetchPicture(address: unknown): Promise<SeenPicture> {
  if (!/^https?:\/\//.test(String(address))) refuse("input: image must be a URI");
  const answer = await fetch(String(address));
  const bytes = await answer.bytes();
  if (answer.status !== 200) refuse("input: image can't be fetched");
  return await lookAt(bytes, { claimed: answer.headers.get("content-type") ?? "" });
}

function bytesOfMask(address: string): Uint8Array {
  const prefix = "data:image/png;base64,";
  if (!address.startsWith(prefix)) refuse("input: mask must be a URI");
  return fromBase64(address.slice(prefix.length));
}
