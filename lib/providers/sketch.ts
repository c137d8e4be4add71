/**
 * The built-in provider: paints a deterministic picture from the words of the prompt and the seed, or changes one that it
 * is given as far as it knows the words. Not an AI model.
 * It costs nothing and leaves nothing behind, so a submission in doubt is simply done again.
 */
import sharp from "sharp";
import { sha256 } from "../digest.ts";
import type { Model, Provider, ProviderEvent, TaskRequest } from "../catalog/provider.ts";
import type { Size } from "../size.ts";
import type { Sleep } from "../sleep.ts";
import { changeOf, toned, tonesOf } from "./sketch/change.ts";
import { referenceNote } from "./sketch/note.ts";
import { paint } from "./sketch/paint.ts";
import { blend, copyOf, drawn, encode, type Pixels, resized, toSharp } from "./sketch/pixels.ts";

const model: Model = {
  id: "sketch",
  provider: "sketch",
  name: "Sketch (built in, not AI)",
  sizes: ["512x512", "768x768", "1024x1024", "1536x1536", "1536x1024", "1024x1536", "1536x864", "864x1536"],
  maxCount: 8,
  imagesPerTask: 1,
  options: { seed: true, negativePrompt: true, guidance: null, steps: null },
  edit: {
    sources: {
      max: 4,
      maxBytes: 64 * 1024 * 1024,
      longestSide: 4096,
      contentTypes: ["image/png", "image/webp", "image/jpeg"],
      by: "bytes",
      roles: true,
    },
    mask: "white",
    strength: { min: 0, max: 1, step: 0.05 },
    sizes: "same",
  },
  watermark: "darkroom",
  progress: "reported",
  previews: true,
  retiresAt: null,
  deadlineMs: 10 * 60_000,
};

/** The width of a preview. */
const previewPixels = 320;

/** How often something is seen of a picture before it is there. */
interface Work {
  steps: number;
  preview(step: number): Promise<Uint8Array>;
  picture(): Promise<Uint8Array>;
  /** What people should know about it. */
  note?: string;
}

export function createSketch(
  { stepMs, sleep }: { stepMs: number; sleep: Sleep },
): Provider {
  return {
    id: "sketch",
    name: "Sketch",
    models: [model],
    isRepeatable: true,
    async *generate(task, { signal }): AsyncGenerator<ProviderEvent> {
      const seed = task.seed ?? seedOf(task);
      const work = await workOn(task, seed);
      signal.throwIfAborted();
      for (let step = 1; step < work.steps; step++) {
        if (stepMs > 0) await sleep(stepMs, signal);
        signal.throwIfAborted();
        yield { type: "preview", bytes: await work.preview(step), contentType: "image/webp" };
        yield { type: "progress", fraction: step / work.steps };
      }
      if (stepMs > 0) await sleep(stepMs, signal);
      signal.throwIfAborted();
      yield { type: "image", bytes: await work.picture(), seed };
      yield { type: "done", cost: null, ...(work.note !== undefined && { note: work.note }) };
    },
  };
}

async function workOn(task: TaskRequest, seed: number): Promise<Work> {
  const sources = task.edit?.sources ?? [];
  if (sources.some(({ role }) => role === "base")) return await changing(task, seed);
  return sources.length > 0 ? await paintingAfter(task, seed) : painting(task, seed);
}

function painting({ prompt, negativePrompt, width, height }: TaskRequest, seed: number): Work {
  const { steps, svg } = paint({ prompt, negativePrompt, seed, width, height });
  return {
    steps,
    preview: async (step) => await sharp(svgBytes(svg(step, previewPixels))).webp({ quality: 70 }).toBuffer(),
    picture: async () => await sharp(svgBytes(svg(steps))).png({ compressionLevel: 6 }).toBuffer(),
  };
}

/** From words, with colours of the pictures that came with them. */
async function paintingAfter(task: TaskRequest, seed: number): Promise<Work> {
  const { prompt, negativePrompt, width, height, edit } = task;
  const { steps, svg } = paint({ prompt, negativePrompt, seed, width, height });
  const tones = await tonesOf(edit!.sources);
  const at = async (step: number, size: Size) =>
    await toned(await drawn(svg(step, size.width), size), { tones });
  return {
    steps,
    preview: async (step) => await webpOf(await at(step, previewSize(task))),
    picture: async () => await encode(await at(steps, task)),
    note: referenceNote(edit!.sources),
  };
}

/** It goes from the one picture to the other while it is watched. */
async function changing(task: TaskRequest, seed: number): Promise<Work> {
  const { before, after, note } = await changeOf(task, { seed });
  const steps = 6;
  const size = previewSize(task);
  let ends: Promise<[from: Pixels, to: Pixels]> | undefined;
  return {
    steps,
    async preview(step) {
      ends ??= Promise.all([resized(before, size), after(size)]);
      const [from, to] = await ends;
      const seen = copyOf(from);
      await blend(seen, to, () => step / steps);
      return await webpOf(seen);
    },
    picture: async () => await encode(await after(task)),
    note,
  };
}

async function webpOf(pixels: Pixels): Promise<Uint8Array> {
  return await toSharp(pixels).webp({ quality: 70 }).toBuffer();
}

/** A strip that stands upright is narrower than others. */
function previewSize({ width, height }: Size): Size {
  const scale = Math.min(previewPixels / width, 4 * previewPixels / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Another picture for each task, the same at each attempt. */
function seedOf(task: TaskRequest): number {
  return parseInt(sha256(task.taskKey).slice(0, 8), 16);
}

function svgBytes(svg: string): Uint8Array {
  return new TextEncoder().encode(svg);
}
