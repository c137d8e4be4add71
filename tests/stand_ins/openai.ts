/**
 * Stands in for OpenAI's images API (platform.openai.com/docs/api-reference/images): streams partial pictures and
 * the finished one with its usage, or answers at once where no stream was asked for. Pictures to be changed come as a
 * form with files, which is looked at closely. Its journal has every request and what was billed for it; a test may
 * put other answers in line.
 */
import sharp from "sharp";
import {
  lookAtFile,
  lookAtMask,
  refuse,
  type SeenMask,
  type SeenPicture,
  Unacceptable,
} from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";
import { createLots, type Lots } from "./lots.ts";
import { answerBatches } from "./openai_batches.ts";

export interface Entry {
  method: string;
  path: string;
  authorization: string | null;
  /** Without what separates the parts of a form. */
  contentType: string | null;
  /** Of a form: its fields as text, its pictures as they were seen. */
  // deno-lint-ignore no-explicit-any
  body: any;
  /** In micro-dollars: tokens times the price list of April 2026. */
  billedMicros: number;
}

export interface Exchange {
  entry: Entry;
  /** The right answer, which bills. */
  right(): Response;
  bill(usage: Usage): void;
  picture: string;
  /** What the messages of the stream are called after. */
  kind: "image_generation" | "image_edit";
}

interface Usage {
  textIn: number;
  imageIn?: number;
  imageOut: number;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

export interface OpenAiStandIn extends StandInServer {
  journal: Entry[];
  /** Answers to give instead of the right one, each once, in order. */
  instead: Answer[];
  /** Partial pictures that are sent, whatever was asked for. */
  partials: number;
  /** Of its batch endpoint. */
  lots: Lots;
  billedMicros(): number;
}

/**
 * What a picture that is given counts at most: a tile of 512 pixels and high fidelity. The newest models have no
 * published number.
 */
const tokensOfSource = 65 + 129 + 6144;
/** Measured at the edits of an earlier model, and documented nowhere. */
const wordsOfEdits = 32;

const tokensByQuality: { [quality: string]: number } = { low: 196, medium: 1767, high: 7033 };

export function startOpenAi(): OpenAiStandIn {
  const journal: Entry[] = [];
  const pictures = new Map<string, string>();
  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const entry: Entry = {
      method: request.method,
      path: pathname,
      authorization: request.headers.get("authorization"),
      contentType: request.headers.get("content-type")?.split(";")[0] ?? null,
      body: null,
      billedMicros: 0,
    };
    journal.push(entry);
    if (request.method === "GET" && pathname === "/v1/models") {
      return Response.json({ object: "list", data: [{ id: "gpt-image-2", object: "model" }] });
    }
    const ofBatches = await answerBatches(request, { entry, lots: standIn.lots, make: makeLine });
    if (ofBatches !== null) return ofBatches;
    if (pathname !== "/v1/images/generations" && pathname !== "/v1/images/edits") {
      return error(404, { message: "no such path", type: "invalid_request_error" });
    }
    const isEdit = pathname === "/v1/images/edits";
    try {
      entry.body = isEdit ? await readForm(request) : await request.json();
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      return error(400, { message: trouble.message, type: "invalid_request_error", code: "invalid_image" });
    }
    const exchange: Exchange = {
      entry,
      picture: await pictureOf(entry.body.size),
      kind: isEdit ? "image_edit" : "image_generation",
      bill: ({ textIn, imageIn = 0, imageOut }) =>
        void (entry.billedMicros += textIn * 5 + imageIn * 8 + imageOut * 30),
      right: () => generate(exchange),
    };
    return await (standIn.instead.shift() ?? ((each) => each.right()))(exchange);
  });
  const standIn: OpenAiStandIn = Object.assign(server, {
    journal,
    instead: [],
    partials: 2,
    lots: createLots(),
    billedMicros: () => journal.reduce((sum, { billedMicros }) => sum + billedMicros, 0),
  });
  return standIn;

  function generate({ entry: { body }, picture, kind, bill }: Exchange): Response {
    const isStream = String(body.stream) === "true";
    const partials = isStream ? Math.min(standIn.partials, Number(body.partial_images ?? 0)) : 0;
    const [width, height] = body.size.split("x").map(Number);
    const imageOut = Math.round(tokensByQuality[body.quality] * width * height / 1024 ** 2) + 100 * partials;
    const sources = body["image[]"]?.length ?? 0;
    const textIn = body.prompt.length + (sources > 0 ? wordsOfEdits : 0);
    const used = { textIn, imageIn: sources * tokensOfSource, imageOut };
    bill(used);
    const usage = usageOf(used);
    if (!isStream) return Response.json({ created: 1_790_000_000, data: [{ b64_json: picture }], usage });
    return events([
      ...Array.from({ length: partials }, (_, index) => partial(index, picture, kind)),
      { type: `${kind}.completed`, b64_json: picture, usage },
    ]);
  }

  /** What is in the answer to one request of a batch, and what that would have cost by itself. */
  async function makeLine(body: { size: string; quality: string; prompt: string }) {
    const [width, height] = body.size.split("x").map(Number);
    const imageOut = Math.round(tokensByQuality[body.quality] * width * height / 1024 ** 2);
    const used = { textIn: body.prompt.length, imageOut };
    return {
      answer: {
        created: 1_790_000_000,
        data: [{ b64_json: await pictureOf(body.size) }],
        usage: usageOf(used),
      },
      micros: used.textIn * 5 + used.imageOut * 30,
    };
  }

  /** A picture of that size as base64; all of one size are alike. */
  async function pictureOf(size: string): Promise<string> {
    const [width, height] = String(size).split("x").map(Number);
    const known = pictures.get(size) ??
      (await sharp({ create: { width, height, channels: 3, background: "#2563eb" } }).png().toBuffer())
        .toString("base64");
    pictures.set(size, known);
    return known;
  }
}

const textFields = ["model", "prompt", "n", "size", "quality", "output_format", "stream", "partial_images"];

/** Every field, and nothing that is not one. */
async function readForm(request: Request): Promise<object> {
  if (!/^multipart\/form-data; *boundary=/.test(request.headers.get("content-type") ?? "")) {
    refuse("Invalid image: edits take multipart/form-data");
  }
  const form = await request.formData();
  const unknown = [...form.keys()].filter((name) => ![...textFields, "image[]", "mask"].includes(name));
  if (unknown.length > 0) refuse(`Unknown parameter: '${unknown[0]}'`);
  const fields = textFields.flatMap((name) => {
    const values = form.getAll(name);
    if (values.length > 1 || values.some((value) => typeof value !== "string")) refuse(`Invalid '${name}'`);
    return values.map((value) => [name, value]);
  });
  const images = await Promise.all(form.getAll("image[]").map((value) => lookAtFile(value)));
  if (images.length === 0) refuse("Missing required parameter: 'image'");
  if (images.length > 16) refuse("Invalid 'image': too many images, at most 16");
  if (form.getAll("image[]").some((value) => (value as File).size >= 50_000_000)) {
    refuse("Invalid image: too large");
  }
  return { ...Object.fromEntries(fields), "image[]": images, mask: await readMask(form, images[0]) };
}

async function readMask(form: FormData, base: SeenPicture): Promise<SeenMask | null> {
  const [file, ...more] = form.getAll("mask");
  if (file === undefined) return null;
  if (typeof file === "string" || more.length > 0) refuse("Invalid mask: one file");
  if ((file as File).size >= 4_000_000) refuse("Invalid mask: it must be less than 4 MB");
  return await lookAtMask(await (file as File).bytes(), {
    base,
    form: "alpha",
    claimed: (file as File).type,
  });
}

export function usageOf({ textIn, imageIn = 0, imageOut }: Usage): object {
  return {
    input_tokens: textIn + imageIn,
    input_tokens_details: { text_tokens: textIn, image_tokens: imageIn },
    output_tokens: imageOut,
    total_tokens: textIn + imageIn + imageOut,
  };
}

export function partial(index: number, picture: string, kind: Exchange["kind"]): object {
  return { type: `${kind}.partial_image`, b64_json: picture, partial_image_index: index };
}

/** As `event:` and `data:` lines; `beginning` ends the stream there, without its end. */
export function events(messages: object[]): Response {
  return new Response(eventText(messages), { headers: { "Content-Type": "text/event-stream" } });
}

export function eventText(messages: object[]): string {
  return messages.map((message) =>
    `event: ${(message as { type: string }).type}\ndata: ${JSON.stringify(message)}\n\n`
  ).join("");
}

export function error(
  status: number,
  body: { message: string; type?: string; code?: string; param?: string },
  headers?: HeadersInit,
): Response {
  return Response.json({ error: { param: null, ...body } }, { status, headers });
}
