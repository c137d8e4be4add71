/** A provider that has its picture ready, at exactly the size that is asked for. */
import sharp, { type Sharp } from "sharp";
import type { Model, Provider, TaskRequest } from "../../lib/catalog/provider.ts";
import type { PriceRow } from "../../lib/money/charge.ts";

export const instantSize = "512x512";

const model: Model = {
  id: "instant",
  provider: "instant",
  name: "Instant",
  sizes: [instantSize],
  maxCount: 1,
  imagesPerTask: 1,
  options: { seed: true, negativePrompt: false, guidance: null, steps: null },
  edit: null,
  watermark: "darkroom",
  progress: "reported",
  previews: false,
  retiresAt: null,
  deadlineMs: 60_000,
};

export const instantPrices: PriceRow[] = [{
  provider: "instant",
  model: "instant",
  size: "*",
  quality: "standard",
  costMicros: 1000,
  validFrom: "2026-01-01",
}];

export interface InstantObserver {
  onCall?(task: TaskRequest): void;
  /** The picture is ready once this has come; undefined: at once. */
  hold?(task: TaskRequest): Promise<void> | undefined;
  /** Just before its last event. */
  onDone?(task: TaskRequest): void;
}

export function createInstantProvider(picture: Uint8Array, observer: InstantObserver = {}): Provider {
  return {
    id: "instant",
    name: "Instant",
    models: [model],
    isRepeatable: true,
    async *generate(task) {
      observer.onCall?.(task);
      await observer.hold?.(task);
      yield { type: "image", bytes: picture.slice() };
      observer.onDone?.(task);
      yield { type: "done", cost: null };
    },
  };
}

/** A plain sheet: few bytes, quickly decoded. */
export function plainPicture(size = instantSize): Promise<Uint8Array<ArrayBuffer>> {
  const [width, height] = size.split("x").map(Number);
  return toPng(sharp({ create: { width, height, channels: 3, background: "#7a4b2f" } }));
}

/** As a model makes them: 1024 pixels square and about 1.7 MB, half of it noise. */
export function largePicture(): Promise<Uint8Array<ArrayBuffer>> {
  const [width, height, channels] = [1024, 1024, 3] as const;
  const pixels = new Uint8Array(width * height * channels);
  for (let at = 0; at < pixels.length * 0.53; at += 65_536) {
    crypto.getRandomValues(pixels.subarray(at, at + 65_536));
  }
  return toPng(sharp(pixels, { raw: { width, height, channels } }));
}

/** Noise, which does not shrink: about 1.5 MB. */
export function noisyPicture(): Promise<Uint8Array<ArrayBuffer>> {
  const [width, height, channels] = [1024, 512, 3] as const;
  const noise = new Uint8Array(width * height * channels);
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
  return toPng(sharp(noise, { raw: { width, height, channels } }));
}

async function toPng(picture: Sharp): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await picture.png().toBuffer());
}
