/**
 * Stands in for Google's Gemini API by `generateContent` (ai.google.dev/api/generate-content). Its journal has every
 * request and what was billed for it; a test may put other answers in line.
 */
import sharp from "sharp";
import { fromBase64, lookAt, refuse, type SeenPicture, Unacceptable } from "./given_pictures.ts";
import { answerBatches } from "./gemini_batches.ts";
import { serve, type StandInServer } from "./http.ts";
import { createLots, type Lots } from "./lots.ts";

export interface Entry {
  path: string;
  key: string | null;
  // deno-lint-ignore no-explicit-any
  body: any;
  /** The pictures that it was given. */
  given: SeenPicture[];
  /** In micro-dollars: tokens times the price list of October 2026, or the picture's price. */
  billedMicros: number;
}

export interface Exchange {
  entry: Entry;
  right(): Response;
  /** Bills these tokens and gives the metadata that reports them. */
  use(tokens: { textIn: number; imageIn?: number; thoughts?: number; imageOut?: number }): object;
  /** Base64. */
  picture: string;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

export interface GeminiStandIn extends StandInServer {
  journal: Entry[];
  instead: Answer[];
  /** Of its batch endpoint. */
  lots: Lots;
  billedMicros(): number;
}

/** Micro-dollars a token, and a picture where tokens say nothing. A picture that is given counts as words do. */
const prices: { [model: string]: { textIn: number; textOut: number; imageOut: number; picture?: number } } = {
  "gemini-nano-banana-2.1": { textIn: 1.5, textOut: 7.5, imageOut: 30 },
  "gemini-2.5-flash-image": { textIn: 0.3, textOut: 2.5, imageOut: 30 },
  "gemini-3-pro-image": { textIn: 0, textOut: 0, imageOut: 0, picture: 134_000 },
  "gemini-3.1-flash-lite-image": { textIn: 0, textOut: 0, imageOut: 0, picture: 34_000 },
};
/** The most that one counts with any of them. */
const tokensOfSource = 1290;
const maxRequestBytes = 20_000_000;

export async function startGemini(): Promise<GeminiStandIn> {
  const journal: Entry[] = [];
  // A JPEG, which is called PNG in the answers, as the real one does.
  const picture = (await sharp({ create: { width: 1024, height: 1024, channels: 3, background: "#7c3aed" } })
    .jpeg().toBuffer()).toString("base64");

  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const key = request.headers.get("x-goog-api-key");
    const ofBatches = await answerBatches(request, { journal, lots: standIn.lots, make: makeLine });
    if (ofBatches !== null) return ofBatches;
    const model = /^\/v1(?:beta)?\/models\/([^:/]+):generateContent$/.exec(pathname)?.[1];
    if (request.method === "GET") return Response.json({ models: [] });
    if (model === undefined || !(model in prices)) {
      return failure(404, { status: "NOT_FOUND", message: "no such model" });
    }
    const bytes = await request.bytes();
    const body = JSON.parse(new TextDecoder().decode(bytes));
    const entry: Entry = { path: pathname, key, body, given: [], billedMicros: 0 };
    journal.push(entry);
    if (bytes.length >= maxRequestBytes) {
      return failure(400, { status: "INVALID_ARGUMENT", message: "Request payload size exceeds the limit" });
    }
    try {
      entry.given = await lookAtParts(body.contents[0].parts);
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      return failure(400, { status: "INVALID_ARGUMENT", message: trouble.message });
    }
    const price = prices[model];
    const exchange: Exchange = {
      entry,
      picture,
      use({ textIn, imageIn = 0, thoughts = 0, imageOut = 0 }) {
        const tokens = (textIn + imageIn) * price.textIn + thoughts * price.textOut +
          imageOut * price.imageOut;
        entry.billedMicros += Math.round(imageOut > 0 ? price.picture ?? tokens : tokens);
        return {
          promptTokenCount: textIn + imageIn,
          ...(imageIn > 0 && { promptTokensDetails: [{ modality: "IMAGE", tokenCount: imageIn }] }),
          candidatesTokenCount: imageOut,
          thoughtsTokenCount: thoughts,
          candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: imageOut }],
          totalTokenCount: textIn + imageIn + thoughts + imageOut,
        };
      },
      right: () =>
        answer({
          parts: [image(picture)],
          usageMetadata: exchange.use({
            textIn: entry.body.contents[0].parts[0].text.length,
            imageIn: entry.given.length * tokensOfSource,
            imageOut: 1120,
          }),
        }),
    };
    return await (standIn.instead.shift() ?? ((each) => each.right()))(exchange);
  });
  const standIn: GeminiStandIn = Object.assign(server, {
    journal,
    instead: [],
    lots: createLots(),
    billedMicros: () => journal.reduce((sum, { billedMicros }) => sum + billedMicros, 0),
  });
  return standIn;

  /** What is in the answer to one request of a batch, and what that would have cost by itself. */
  function makeLine({ model, text }: { model: string; text: string }) {
    const { textIn, imageOut, picture: ofPicture } = prices[model];
    const usageMetadata = {
      promptTokenCount: text.length,
      candidatesTokenCount: 1120,
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1120 }],
      totalTokenCount: text.length + 1120,
    };
    const candidates = [{ finishReason: "STOP", content: { role: "model", parts: [image(picture)] } }];
    const micros = Math.round(ofPicture ?? text.length * textIn + 1120 * imageOut);
    return { answer: { candidates, usageMetadata }, micros };
  }
}

/** One of words, then pictures. */
async function lookAtParts(
  [words, ...pictures]: { text?: string; inlineData?: { mimeType: string; data: string } }[],
): Promise<SeenPicture[]> {
  if (typeof words?.text !== "string") refuse("Missing text");
  if (pictures.length > 14) refuse("Unable to process input image: too many images");
  return await Promise.all(
    pictures.map(({ inlineData }) => lookAt(fromBase64(inlineData?.data), { claimed: inlineData?.mimeType })),
  );
}

export function image(data: string, { isThought = false } = {}): object {
  return { ...(isThought && { thought: true }), inlineData: { mimeType: "image/png", data } };
}

export function answer(
  { parts = [], finishReason = "STOP", ...more }: {
    parts?: object[];
    finishReason?: string;
    usageMetadata?: object;
    promptFeedback?: object;
  },
): Response {
  const candidates = [{ finishReason, content: { role: "model", parts } }];
  return Response.json({ candidates, ...more });
}

export function failure(
  code: number,
  { status, message, details = [] }: { status: string; message: string; details?: object[] },
): Response {
  return Response.json({ error: { code, status, message, details } }, { status: code });
}
