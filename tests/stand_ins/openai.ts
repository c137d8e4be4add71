/**
 * Stands in for OpenAI's images API (platform.openai.com/docs/api-reference/images): streams partial pictures and
 * the finished one with its usage, or answers at once where no stream was asked for. Its journal has every request
 * and what was billed for it; a test may put other answers in line.
 */
import sharp from "sharp";
import { serve, type StandInServer } from "./http.ts";

export interface Entry {
  method: string;
  path: string;
  authorization: string | null;
  contentType: string | null;
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
}

interface Usage {
  textIn: number;
  imageOut: number;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

export interface OpenAiStandIn extends StandInServer {
  journal: Entry[];
  /** Answers to give instead of the right one, each once, in order. */
  instead: Answer[];
  /** Partial pictures that are sent, whatever was asked for. */
  partials: number;
  billedMicros(): number;
}

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
      contentType: request.headers.get("content-type"),
      body: request.method === "POST" ? await request.json() : null,
      billedMicros: 0,
    };
    journal.push(entry);
    if (request.method === "GET" && pathname === "/v1/models") {
      return Response.json({ object: "list", data: [{ id: "gpt-image-2", object: "model" }] });
    }
    if (pathname !== "/v1/images/generations") {
      return error(404, { message: "no such path", type: "invalid_request_error" });
    }
    const exchange: Exchange = {
      entry,
      picture: await pictureOf(entry.body.size),
      bill: ({ textIn, imageOut }) => void (entry.billedMicros += textIn * 5 + imageOut * 30),
      right: () => generate(exchange),
    };
    return await (standIn.instead.shift() ?? ((each) => each.right()))(exchange);
  });
  const standIn: OpenAiStandIn = Object.assign(server, {
    journal,
    instead: [],
    partials: 2,
    billedMicros: () => journal.reduce((sum, { billedMicros }) => sum + billedMicros, 0),
  });
  return standIn;

  function generate({ entry: { body }, picture, bill }: Exchange): Response {
    const partials = body.stream ? Math.min(standIn.partials, body.partial_images ?? 0) : 0;
    const [width, height] = body.size.split("x").map(Number);
    const imageOut = Math.round(tokensByQuality[body.quality] * width * height / 1024 ** 2) + 100 * partials;
    const textIn = body.prompt.length;
    bill({ textIn, imageOut });
    const usage = usageOf({ textIn, imageOut });
    if (!body.stream) return Response.json({ created: 1_790_000_000, data: [{ b64_json: picture }], usage });
    return events([
      ...Array.from({ length: partials }, (_, index) => partial(index, picture)),
      { type: "image_generation.completed", b64_json: picture, usage },
    ]);
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

export function usageOf({ textIn, imageOut }: Usage): object {
  return {
    input_tokens: textIn,
    input_tokens_details: { text_tokens: textIn, image_tokens: 0 },
    output_tokens: imageOut,
    total_tokens: textIn + imageOut,
  };
}

export function partial(index: number, picture: string): object {
  return { type: "image_generation.partial_image", b64_json: picture, partial_image_index: index };
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
  body: { message: string; type?: string; code?: string },
  headers?: HeadersInit,
): Response {
  return Response.json({ error: { param: null, ...body } }, { status, headers });
}
