/** Where providers fetch the pictures that they are to change, for as long as the task that needs them is not over. */
import { Hono } from "hono";
import { encodeSource } from "../../lib/images/edit_pixels.ts";
import type { EncodedPicture } from "../../lib/pixels/sending.ts";
import { isFinal, type Prompt } from "../../lib/prompts/prompt.ts";
import { readPrompt } from "../../lib/prompts/prompt_store.ts";
import { createRecent } from "../../lib/recent.ts";
import { notFound } from "../../lib/refusal.ts";
import { clientAddress } from "../http/client_address.ts";
import type { AppDeps, AppEnv } from "../http/context.ts";

export const sourceFilePath = "/sources/:file";

/** A provider asks for the head, then for the bytes. */
const mostKept = 16;

type SourceDeps = Pick<
  AppDeps,
  "store" | "blobs" | "decoding" | "sources" | "models" | "limits" | "publicUrl"
>;

export function sourceFileRoutes(deps: SourceDeps) {
  const { store, blobs, decoding, sources, models, limits, publicUrl } = deps;
  const kept = createRecent<EncodedPicture>({ most: mostKept });
  return new Hono<AppEnv>().get(sourceFilePath, async (c) => {
    limits.sources.take(clientAddress(c, { publicUrl }));
    const file = c.req.param("file");
    const name = file.endsWith(".png") ? sources.read(file.slice(0, -".png".length)) : null;
    const prompt = name && (await readPrompt(store, name.promptId))?.value;
    if (name === null || !prompt || !isUnderWay(prompt, name.task)) throw notFound();
    const { edit } = prompt.request;
    const ability = models.find(prompt.request.model)?.model.edit;
    if (edit === undefined || !ability || edit.sources[name.source] === undefined) throw notFound();
    const picture = kept.get(file) ??
      await decoding(() => encodeSource(blobs, { edit, ability, source: name.source }));
    kept.put(file, picture);
    c.header("Content-Type", picture.contentType);
    c.header("Content-Length", String(picture.bytes.length));
    c.header("Cache-Control", "no-store");
    c.header("X-Robots-Tag", "noindex");
    if (c.req.method === "HEAD") return c.body(null);
    return c.body(picture.bytes as Uint8Array<ArrayBuffer>);
  });
}

function isUnderWay(prompt: Prompt, task: number): boolean {
  const state = prompt.tasks[task]?.state;
  return !isFinal(prompt) && (state === "submitting" || state === "running");
}
