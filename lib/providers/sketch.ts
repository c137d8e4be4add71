/**
 * The built-in provider: paints a deterministic picture from the words of the prompt and the seed. Not an AI model.
 * It costs nothing and leaves nothing behind, so a submission in doubt is simply done again.
 */
import sharp from "sharp";
import { sha256 } from "../digest.ts";
import type { Model, Provider, ProviderEvent, TaskRequest } from "../catalog/provider.ts";
import type { Sleep } from "../sleep.ts";
import { paint } from "./sketch/paint.ts";

const model: Model = {
  id: "sketch",
  provider: "sketch",
  name: "Sketch (built in, not AI)",
  sizes: ["512x512", "768x768", "1024x1024", "1536x1536", "1536x1024", "1024x1536", "1536x864", "864x1536"],
  maxCount: 8,
  imagesPerTask: 1,
  options: { seed: true, negativePrompt: true, guidance: null, steps: null },
  edit: null,
  watermark: "darkroom",
  progress: "reported",
  previews: true,
  retiresAt: null,
  deadlineMs: 10 * 60_000,
};

/** The width of a preview. */
const previewPixels = 320;

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
      const { prompt, negativePrompt, width, height } = task;
      const painting = paint({ prompt, negativePrompt, seed, width, height });
      for (let step = 1; step < painting.steps; step++) {
        if (stepMs > 0) await sleep(stepMs, signal);
        signal.throwIfAborted();
        const preview = sharp(svgBytes(painting.svg(step, previewPixels))).webp({ quality: 70 });
        yield { type: "preview", bytes: await preview.toBuffer(), contentType: "image/webp" };
        yield { type: "progress", fraction: step / painting.steps };
      }
      if (stepMs > 0) await sleep(stepMs, signal);
      signal.throwIfAborted();
      const bytes = await sharp(svgBytes(painting.svg(painting.steps))).png({ compressionLevel: 6 })
        .toBuffer();
      yield { type: "image", bytes, seed };
      yield { type: "done", cost: null };
    },
  };
}

/** Another picture for each task, the same at each attempt. */
function seedOf(task: TaskRequest): number {
  return parseInt(sha256(task.taskKey).slice(0, 8), 16);
}

function svgBytes(svg: string): Uint8Array {
  return new TextEncoder().encode(svg);
}
