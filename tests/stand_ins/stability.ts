/**
 * Stands in for Stability's API (platform.stability.ai/docs/api-reference): one form a picture, which is looked at
 * closely, answered with the picture in JSON and billed in credits. Its journal has every request and what was billed.
 */
import sharp from "sharp";
import { lookAtFile, lookAtMask, refuse, Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export interface Entry {
  method: string;
  path: string;
  authorization: string | null;
  accept: string | null;
  /** Fields as text, pictures as they were seen. */
  // deno-lint-ignore no-explicit-any
  form: any;
  credits: number;
}

export interface Exchange {
  entry: Entry;
  right(): Promise<Response>;
  bill(): void;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

export interface StabilityStandIn extends StandInServer {
  journal: Entry[];
  /** Answers to give instead of the right one to requests for a picture, each once, in order. */
  instead: Answer[];
  credits: number;
  billedMicros(): number;
}

export const key = "sk-stand-in-of-stability";

const common = ["prompt", "negative_prompt", "seed", "output_format"];
const fields: { [path: string]: string[] } = {
  "generate/core": [...common, "aspect_ratio"],
  "generate/ultra": [...common, "aspect_ratio", "image", "strength"],
  "generate/sd3": [...common, "aspect_ratio", "image", "strength", "mode", "model", "cfg_scale"],
  "edit/inpaint": [...common, "image", "mask", "grow_mask"],
  "control/structure": [...common, "image", "control_strength"],
};
const credits: { [name: string]: number } = {
  "generate/core": 3,
  "generate/ultra": 8,
  "edit/inpaint": 5,
  "control/structure": 5,
  "sd3.5-large": 6.5,
  "sd3.5-large-turbo": 4,
  "sd3.5-medium": 3.5,
  "sd3.5-flash": 2.5,
};
const ratios = ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"];

export function startStability(): StabilityStandIn {
  const journal: Entry[] = [];
  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname.replace("/v2beta/stable-image/", "");
    const { headers } = request;
    const [authorization, accept] = [headers.get("authorization"), headers.get("accept")];
    const entry: Entry = { method: request.method, path, authorization, accept, form: null, credits: 0 };
    journal.push(entry);
    if (authorization !== `Bearer ${key}`) {
      await request.text();
      return error(401, "unauthorized", ["authorization: is invalid"]);
    }
    if (path === "/v1/user/balance") return Response.json({ credits: standIn.credits });
    if (fields[path] === undefined || request.method !== "POST") {
      return error(404, "not_found", ["no such path"]);
    }
    try {
      entry.form = await readForm(request, path);
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      return error(400, "bad_request", [trouble.message]);
    }
    const exchange: Exchange = {
      entry,
      bill: () => void (entry.credits = credits[entry.form.model ?? path]),
      async right() {
        exchange.bill();
        return Response.json({
          image: await pictureOf(entry.form),
          seed: Number(entry.form.seed ?? 4242),
          finish_reason: "SUCCESS",
        });
      },
    };
    return await (standIn.instead.shift() ?? ((each) => each.right()))(exchange);
  });
  const standIn: StabilityStandIn = Object.assign(server, {
    journal,
    instead: [],
    credits: 1234.5,
    billedMicros: () => Math.round(journal.reduce((sum, entry) => sum + entry.credits, 0) * 10_000),
  });
  return standIn;
}

async function readForm(request: Request, path: string): Promise<object> {
  if (!/^multipart\/form-data; *boundary=/.test(request.headers.get("content-type") ?? "")) {
    refuse("content-type: must be multipart/form-data");
  }
  const form = await request.formData();
  const unknown = [...form.keys()].find((name) => !fields[path].includes(name));
  if (unknown !== undefined) refuse(`${unknown}: is not a field of ${path}`);
  const texts = Object.fromEntries([...form].filter(([, value]) => typeof value === "string"));
  const { prompt, seed, strength, mode, model, aspect_ratio: ratio } = texts;
  if (typeof prompt !== "string" || prompt.length < 1 || prompt.length > 10_000) {
    refuse("prompt: cannot be blank");
  }
  if (seed !== undefined && !(Number(seed) >= 0 && Number(seed) <= 4_294_967_294)) {
    refuse("seed: out of range");
  }
  if (ratio !== undefined && !ratios.includes(String(ratio))) refuse("aspect_ratio: is not one of them");
  if (path === "generate/sd3" && credits[String(model)] === undefined) refuse("model: is unknown");
  const image = form.get("image");
  if (image === null) {
    if (strength !== undefined || mode === "image-to-image" || !path.startsWith("generate/")) {
      refuse("image: is required");
    }
    return texts;
  }
  if (ratio !== undefined) refuse("aspect_ratio: not with an image");
  if (path.startsWith("generate/") && strength === undefined) refuse("strength: is required with an image");
  if (path === "generate/sd3" && mode !== "image-to-image") {
    refuse("mode: must be image-to-image with an image");
  }
  const seen = await lookAtFile(image);
  const file = form.get("mask");
  if (file === null) return { ...texts, image: seen };
  const bytes = await (file as File).bytes();
  return { ...texts, image: seen, mask: await lookAtMask(bytes, { base: seen, form: "white" }) };
}

async function pictureOf({ aspect_ratio: ratio = "1:1" }: { aspect_ratio?: string }): Promise<string> {
  const [w, h] = ratio.split(":").map(Number);
  const size = { width: Math.round(512 * Math.sqrt(w / h)), height: Math.round(512 * Math.sqrt(h / w)) };
  const made = sharp({ create: { ...size, channels: 3, background: "#2563eb" } });
  return (await made.png().toBuffer()).toString("base64");
}

export function error(status: number, name: string, errors: string[], headers?: HeadersInit): Response {
  return Response.json({ id: "e0", name, errors }, { status, headers });
}
