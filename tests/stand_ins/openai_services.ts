/**
 * Stand in for services that speak OpenAI's images API, each in its own way (docs.x.ai, recraft.ai/docs,
 * docs.together.ai, deepinfra.com, docs.litellm.ai): each takes its own fields and no others, and bills as it says.
 */
import sharp from "sharp";
import { fromBase64, lookAt, lookAtFile, lookAtMask, refuse, Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export type Service = "xai" | "recraft" | "together" | "deepinfra" | "litellm";

export interface Entry {
  method: string;
  path: string;
  authorization: string | null;
  /** Pictures in it as they were seen. */
  // deno-lint-ignore no-explicit-any
  body: any;
  billedMicros: number;
}

export interface Exchange {
  entry: Entry;
  right(): Promise<Response>;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

export interface ServiceStandIn extends StandInServer {
  /** With its version. */
  api: string;
  journal: Entry[];
  /** Answers to give instead of the right one to requests for a picture, each once, in order. */
  instead: Answer[];
  billedMicros(): number;
}

export const key = "key-of-a-service-0123456789";

interface Behaviour {
  api: string;
  /** What lies at other paths, below the API or the root. */
  lists: { [path: string]: unknown };
  /** The fields that each path below the one of pictures takes. */
  takes: { [path: string]: string[] };
  /** In micro-dollars. */
  bills(path: string, body: { [field: string]: unknown }): number;
  answer(picture: string, micros: number): { body: object; headers?: HeadersInit };
}

const words = { id: "grok-4", object: "model" };
const base64 = (picture: string) => ({ created: 1_790_000_000, data: [{ b64_json: picture }] });
const plain = ["model", "prompt", "n", "size", "response_format"];

const behaviours: { [service in Service]: Behaviour } = {
  xai: {
    api: "/v1",
    lists: {
      "/v1/models": {
        data: [words, { id: "grok-imagine-image" }, { id: "grok-imagine-video" }, {
          id: "grok-imagine-image-2.0",
        }],
      },
    },
    takes: {
      generations: ["model", "prompt", "n", "aspect_ratio", "resolution", "response_format"],
      edits: ["model", "prompt", "n", "aspect_ratio", "resolution", "response_format", "image", "images"],
    },
    bills: (_, { model, image, images }) =>
      (model === "grok-imagine-image" ? 20_000 : 60_000) +
      (Array.isArray(images) ? images.length : image === undefined ? 0 : 1) * 2_000,
    answer: (picture, micros) => ({
      body: { ...base64(picture), usage: { cost_in_usd_ticks: micros * 10_000 } },
    }),
  },
  recraft: {
    api: "/v1",
    lists: { "/v1/users/me": { credits: 987, email: "ada@example.org" } },
    takes: {
      generations: plain,
      imageToImage: ["model", "prompt", "n", "response_format", "strength", "image"],
      inpaint: ["model", "prompt", "n", "response_format", "image", "mask"],
    },
    bills: (_, { model }) => model === "recraftv4_pro" ? 250_000 : 40_000,
    answer: (picture, micros) => ({ body: { ...base64(picture), credits: micros / 1000 } }),
  },
  together: {
    api: "/v1",
    lists: {
      "/v1/models": [
        { id: "black-forest-labs/FLUX.1-schnell", type: "image" },
        { id: "black-forest-labs/FLUX.1-kontext-pro", type: "image" },
        { id: "black-forest-labs/FLUX.2-pro", type: "image" },
        { id: "somebody/new-painter", type: "image" },
        { id: "meta-llama/Llama-4", type: "chat" },
      ],
    },
    takes: {
      generations: [
        "model",
        "prompt",
        "n",
        "width",
        "height",
        "response_format",
        "output_format",
        "seed",
        "negative_prompt",
        "image_url",
        "reference_images",
      ],
    },
    bills: (_, { model, width, height }) =>
      Math.round(
        (/schnell/.test(String(model)) ? 2_700 : 40_000) * Number(width) * Number(height) / 1024 ** 2,
      ),
    answer: (picture) => ({ body: { id: "o", data: [{ index: 0, b64_json: picture }] } }),
  },
  deepinfra: {
    api: "/v1/openai",
    lists: {
      "/v1/openai/models": {
        data: [{ id: "black-forest-labs/FLUX-2-max" }, { id: "Qwen/Qwen-Image-Edit" }, {
          id: "deepseek-ai/DeepSeek-V4",
        }],
      },
    },
    takes: { generations: plain, edits: [...plain, "image"] },
    bills: () => 70_000,
    answer: (picture) => ({ body: base64(picture) }),
  },
  litellm: {
    api: "/v1",
    lists: {
      "/model/info": {
        data: [
          { model_name: "painter", model_info: { mode: "image_generation", output_cost_per_image: 0.05 } },
          { model_name: "painter", model_info: { mode: "image_generation", output_cost_per_image: 0.06 } },
          { model_name: "gpt-image-2", model_info: { mode: "image_edit", output_cost_per_image: 0.06 } },
          { model_name: "unpriced", model_info: { mode: "image_generation" } },
          { model_name: "talker", model_info: { mode: "chat" } },
        ],
      },
    },
    takes: { generations: plain, edits: [...plain, "image[]"] },
    // It can't tell of what it knows no price of.
    bills: (_, { model }) => model === "unpriced" ? 0 : 45_000,
    answer: (picture, micros) => ({
      body: base64(picture),
      ...(micros > 0 && { headers: { "x-litellm-response-cost": String(micros / 1_000_000) } }),
    }),
  },
};

export function startService(service: Service): ServiceStandIn {
  const { api, lists, takes, bills, answer } = behaviours[service];
  const journal: Entry[] = [];
  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    const entry: Entry = {
      method: request.method,
      path: pathname,
      authorization,
      body: null,
      billedMicros: 0,
    };
    journal.push(entry);
    const path = pathname.startsWith(`${api}/images/`) ? pathname.slice(`${api}/images/`.length) : "";
    const isGood = authorization === `Bearer ${key}`;
    if (!isGood || request.method !== "POST" || takes[path] === undefined) {
      await request.text();
      if (!isGood) return error(401, `Incorrect API key provided: ${authorization}`);
      const list = lists[pathname];
      return list === undefined ? error(404, "no such path") : Response.json(list);
    }
    try {
      entry.body = await readBody(request, takes[path]);
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      return error(400, trouble.message);
    }
    const exchange: Exchange = {
      entry,
      async right() {
        entry.billedMicros = bills(path, entry.body);
        const { body, headers } = answer(await picture(entry.body), entry.billedMicros);
        return Response.json(body, { headers });
      },
    };
    return await (standIn.instead.shift() ?? ((each) => each.right()))(exchange);
  });
  const standIn: ServiceStandIn = Object.assign(server, {
    api: `${server.url}${api}`,
    journal,
    instead: [],
    billedMicros: () => journal.reduce((sum, { billedMicros }) => sum + billedMicros, 0),
  });
  return standIn;
}

async function readBody(request: Request, takes: string[]): Promise<object> {
  const isForm = request.headers.get("content-type")?.startsWith("multipart/form-data");
  const body: { [name: string]: unknown } = isForm ? await readForm(request) : await readJson(request);
  const unknown = Object.keys(body).find((name) => !takes.includes(name));
  if (unknown !== undefined) refuse(`Argument not supported: ${unknown}`);
  if (typeof body.model !== "string" || typeof body.prompt !== "string") {
    refuse("model and prompt are required");
  }
  return body;
}

async function readForm(request: Request): Promise<{ [name: string]: unknown }> {
  const form = await request.formData();
  const body: { [name: string]: unknown } = {};
  for (const [name, value] of form) {
    if (typeof value === "string") body[name] = value;
    else if (name !== "mask") body[name] = [...(body[name] as object[] ?? []), await lookAtFile(value)];
  }
  const mask = form.get("mask");
  if (mask instanceof File) {
    const [base] = body.image as [Awaited<ReturnType<typeof lookAtFile>>];
    body.mask = await lookAtMask(await mask.bytes(), { base, form: "white" });
  }
  return body;
}

async function readJson(request: Request): Promise<{ [name: string]: unknown }> {
  const body = await request.json();
  if (body.image !== undefined) body.image = await lookAtLink(body.image);
  if (body.images !== undefined) body.images = await Promise.all(body.images.map(lookAtLink));
  return body;
}

async function lookAtLink({ url, type }: { url: string; type: string }): Promise<object> {
  const [, claimed, data] = /^data:([^;]+);base64,(.+)$/s.exec(url) ?? [];
  if (type !== "image_url" || data === undefined) refuse("image: a link is expected");
  return await lookAt(fromBase64(data), { claimed });
}

async function picture({ size = "512x512" }: { size?: string }): Promise<string> {
  const [width, height] = size.split("x").map(Number);
  const made = sharp({ create: { width, height, channels: 3, background: "#2563eb" } });
  return (await made.png().toBuffer()).toString("base64");
}

export function error(status: number, message: string, code?: string): Response {
  return Response.json({ error: { message, type: "invalid_request_error", code } }, { status });
}
