/**
 * Stands in for OpenRouter's images API (openrouter.ai/docs, "Image Generation" and "Images" of its SDKs): tells what
 * models can be told and what they cost at each endpoint, makes pictures, and reports what each cost. What a request
 * may not have is refused. Its journal has every request and what was billed for it.
 */
import sharp from "sharp";
import { fromBase64, lookAt, refuse, type SeenPicture, Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export interface Entry {
  method: string;
  path: string;
  authorization: string | null;
  /** Pictures in it as they were seen. */
  // deno-lint-ignore no-explicit-any
  body: any;
  /** In micro-dollars. */
  billedMicros: number;
}

export interface Exchange {
  entry: Entry;
  /** The right answer, which bills. */
  right(): Promise<Response>;
  /** Bills without an answer. */
  bill(): number;
  picture(): Promise<string>;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

interface Descriptor {
  type: string;
  values?: string[];
  min?: number;
  max?: number;
}

interface PriceLine {
  billable: string;
  unit: string;
  cost_usd: number;
  variant?: string;
}

export interface StandInModel {
  name: string;
  parameters: { [name: string]: Descriptor };
  /** Of each endpoint; the first makes the pictures. */
  endpoints: PriceLine[][];
}

export interface OpenRouterStandIn extends StandInServer {
  /** With its version. */
  api: string;
  journal: Entry[];
  models: Map<string, StandInModel>;
  /** Answers to give instead of the right one to requests for a picture, each once, in order. */
  instead: Answer[];
  /** It answers 502 to whatever is asked of it. */
  isDown: boolean;
  /** It reports no cost. */
  isSilent: boolean;
  billedMicros(): number;
}

export const key = "sk-or-v1-stand-in";

const seedream: StandInModel = {
  name: "Seedream 4.5",
  parameters: {
    resolution: { type: "enum", values: ["1K", "2K", "4K"] },
    aspect_ratio: { type: "enum", values: ["1:1", "16:9", "9:16", "3:2", "2:3"] },
    n: { type: "range", min: 1, max: 10 },
    seed: { type: "boolean" },
    output_format: { type: "enum", values: ["png", "jpeg"] },
    input_references: { type: "range", min: 0, max: 14 },
  },
  endpoints: [
    [{ billable: "output_image", unit: "image", cost_usd: 0.03 }],
    [{ billable: "output_image", unit: "image", cost_usd: 0.04 }],
  ],
};

const flux: StandInModel = {
  name: "FLUX.2 Pro",
  parameters: { aspect_ratio: { type: "enum", values: ["1:1", "3:2"] } },
  endpoints: [[{ billable: "output_image", unit: "megapixel", cost_usd: 0.03 }]],
};

const banana: StandInModel = {
  name: "Nano Banana",
  parameters: {
    resolution: { type: "enum", values: ["1K", "2K"] },
    aspect_ratio: { type: "enum", values: ["1:1", "16:9"] },
    input_references: { type: "range", min: 0, max: 3 },
  },
  endpoints: [[
    { billable: "input_text", unit: "token", cost_usd: 0.0000015 },
    { billable: "input_image", unit: "image", cost_usd: 0.002 },
    { billable: "output_image", unit: "image", variant: "1k", cost_usd: 0.0336 },
    { billable: "output_image", unit: "image", variant: "2k", cost_usd: 0.05 },
  ]],
};

export function startOpenRouter(): OpenRouterStandIn {
  const journal: Entry[] = [];
  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname.replace("/api/v1", "");
    const entry: Entry = {
      method: request.method,
      path,
      authorization: request.headers.get("authorization"),
      body: null,
      billedMicros: 0,
    };
    journal.push(entry);
    const text = await request.text();
    if (standIn.isDown) return new Response("<html>Bad gateway</html>", { status: 502 });
    if (entry.authorization !== `Bearer ${key}`) return error(401, "No auth credentials found");
    if (path === "/key") {
      return Response.json({ data: { label: "sk-or-v1-sta...-in", limit_remaining: 12.5 } });
    }
    if (path === "/images/models") return Response.json({ data: [...standIn.models].map(listed) });
    const [, id] = /^\/images\/models\/(.+)\/endpoints$/.exec(path) ?? [];
    if (id !== undefined) return endpointsOf(id);
    if (path !== "/images" || request.method !== "POST") return error(404, "Not Found");
    try {
      entry.body = await readBody(text);
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      return error(400, trouble.message);
    }
    const exchange: Exchange = {
      entry,
      bill: () => entry.billedMicros = costOf(entry.body),
      picture: () => pictureOf(entry.body),
      async right() {
        const cost = exchange.bill() / 1_000_000;
        const usage = { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5, cost };
        const data = [{ b64_json: await exchange.picture(), media_type: "image/png" }];
        return Response.json({ created: 1_790_000_000, data, ...(!standIn.isSilent && { usage }) });
      },
    };
    return await (standIn.instead.shift() ?? ((each) => each.right()))(exchange);
  });
  const standIn: OpenRouterStandIn = Object.assign(server, {
    api: `${server.url}/api/v1`,
    journal,
    models: new Map([
      ["bytedance-seed/seedream-4.5", seedream],
      ["black-forest-labs/flux.2-pro", flux],
      ["google/nano-banana", banana],
    ]),
    instead: [],
    isDown: false,
    isSilent: false,
    billedMicros: () => journal.reduce((sum, { billedMicros }) => sum + billedMicros, 0),
  });
  return standIn;

  function endpointsOf(id: string): Response {
    const model = standIn.models.get(decodeURIComponent(id));
    if (model === undefined) return error(404, "Model not found");
    const endpoints = model.endpoints.map((pricing, index) => ({
      provider_name: `Maker ${index}`,
      provider_slug: `maker-${index}`,
      supported_parameters: model.parameters,
      supports_streaming: false,
      pricing,
    }));
    return Response.json({ id, endpoints });
  }

  async function readBody(text: string): Promise<object> {
    const body = JSON.parse(text);
    const model = standIn.models.get(body.model);
    if (model === undefined) refuse(`${body.model} is not a valid model ID`);
    if (typeof body.prompt !== "string") refuse("prompt: expected string");
    if (body.size !== undefined && (body.resolution ?? body.aspect_ratio) !== undefined) {
      refuse("size contradicts resolution and aspect_ratio");
    }
    for (const [name, value] of Object.entries(body)) {
      if (name === "model" || name === "prompt") continue;
      const descriptor = model!.parameters[name];
      if (descriptor === undefined) refuse(`${name} is not supported by ${body.model}`);
      if (descriptor.type === "enum" && !descriptor.values!.includes(String(value))) {
        refuse(`${name}: ${value}`);
      }
    }
    const references: unknown[] = body.input_references ?? [];
    const most = model!.parameters.input_references?.max ?? 0;
    if (references.length > most) refuse(`input_references: at most ${most}`);
    const seen = await Promise.all(references.map(lookAtPart));
    return { ...body, ...(seen.length > 0 && { input_references: seen }) };
  }

  // deno-lint-ignore no-explicit-any
  function costOf({ model, prompt, resolution, input_references: references = [] }: any): number {
    const lines = standIn.models.get(model)!.endpoints[0];
    const micros = lines.map(({ billable, variant, cost_usd }) => {
      if (billable === "input_text") return cost_usd * prompt.length;
      if (billable === "input_image") return cost_usd * references.length;
      return variant === undefined || variant === resolution?.toLowerCase() ? cost_usd : 0;
    });
    return Math.round(micros.reduce((sum, each) => sum + each, 0) * 1_000_000);
  }
}

function listed([id, { name, parameters }]: [string, StandInModel]): object {
  return {
    id,
    name,
    description: "Makes pictures.",
    created: 1_790_000_000,
    architecture: { input_modalities: ["text", "image"], output_modalities: ["image"] },
    supported_parameters: parameters,
    supports_streaming: false,
    endpoints: `/api/v1/images/models/${id}/endpoints`,
  };
}

/** A bare string is none. */
async function lookAtPart(part: unknown): Promise<SeenPicture> {
  const { type, image_url: image } = part as { type?: string; image_url?: { url?: string } };
  const [, claimed, data] = /^data:([^;]+);base64,(.+)$/s.exec(image?.url ?? "") ?? [];
  if (type !== "image_url" || data === undefined) refuse("input_references: expected content parts");
  return await lookAt(fromBase64(data), { claimed });
}

async function pictureOf({ resolution, aspect_ratio: ratio = "1:1" }: {
  resolution?: string;
  aspect_ratio?: string;
}): Promise<string> {
  const side = 512 * Number(/^(\d)K$/.exec(resolution ?? "1K")![1]);
  const [w, h] = ratio.split(":").map(Number);
  const [width, height] = [Math.round(side * Math.sqrt(w / h)), Math.round(side * Math.sqrt(h / w))];
  const made = sharp({ create: { width, height, channels: 3, background: "#2563eb" } });
  return (await made.png().toBuffer()).toString("base64");
}

export function error(code: number, message: string, { status = code, metadata, headers }: {
  status?: number;
  metadata?: object;
  headers?: HeadersInit;
} = {}): Response {
  return Response.json({ error: { code, message, metadata } }, { status, headers });
}
