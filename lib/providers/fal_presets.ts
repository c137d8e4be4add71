/**
 * Models behind fal's queue, as their pages describe them (fal.ai/models/…/llms.txt, November 2026). What changes
 * pictures is another path of the same model, where it has one.
 */
import type { TaskRequest } from "../catalog/provider.ts";
import { atLeast, dataAddress, nearestRatio } from "./shape.ts";
import {
  byMask,
  byReferences,
  filledPart,
  maskAddress,
  type Preset,
  type PresetModel,
  presetModel,
} from "./task_presets.ts";
import type { Fields } from "./wire.ts";

const usual: Fields = { num_images: 1, output_format: "png" };
/** It makes no more than one. */
const one: Fields = { output_format: "png" };

/** Pictures that count as a megapixel each, however they are billed. */
const references = (max: number) => byReferences({ max, by: "bytes", longestSide: 1024 });

const steps = (max: number) => ({ steps: { min: 1, max, step: 1 } });
const guidance = { min: 1, max: 20, step: 0.5 };

export const falPresets: readonly Preset[] = [
  preset({ id: "fal-ai/flux/schnell", name: "FLUX.1 schnell (fal)", options: { seed: true, ...steps(12) } }),
  preset({
    id: "fal-ai/flux-1/dev",
    name: "FLUX.1 dev (fal)",
    options: { seed: true, guidance, ...steps(50) },
  }),
  preset({ id: "fal-ai/z-image/turbo", name: "Z-Image Turbo (fal)", options: { seed: true, ...steps(8) } }),
  preset({
    id: "fal-ai/flux-2-pro",
    name: "FLUX.2 pro (fal)",
    options: { seed: true },
    edit: references(8),
  }, { plain: one }),
  preset({
    id: "fal-ai/flux-2-max",
    name: "FLUX.2 max (fal)",
    options: { seed: true },
    edit: references(8),
  }, { plain: one }),
  preset({
    id: "fal-ai/bytedance/seedream/v4.5",
    name: "Seedream 4.5 (fal)",
    options: { seed: true },
    edit: byReferences({ max: 10, by: "bytes", longestSide: 2048 }),
  }, { ofWords: "/text-to-image", shape: seedreamShape, plain: { num_images: 1, max_images: 1 } }),
  preset({
    id: "fal-ai/nano-banana",
    name: "Nano Banana (fal)",
    edit: byReferences({ max: 8, by: "bytes", longestSide: 2048 }),
  }, { shape: bananaShape }),
  {
    model: presetModel("fal", {
      id: "fal-ai/flux-pro/v1/fill",
      name: "FLUX.1 Fill pro (fal)",
      options: { seed: true },
      edit: byMask({ by: "bytes", longestSide: 1024 }),
      needsSource: true,
    }),
    path: ({ model }) => model,
    async input(task) {
      const { picture, mask } = await filledPart(task.edit!);
      return { ...wordsOf(task), ...usual, image_url: dataAddress(picture), mask_url: maskAddress(mask) };
    },
  },
];

function preset(
  model: PresetModel,
  { ofWords = "", shape = pixels, plain = usual }: {
    ofWords?: string;
    shape?: (task: TaskRequest) => Fields;
    plain?: Fields;
  } = {},
): Preset {
  return {
    model: presetModel("fal", model),
    path: ({ model, edit }) => `${model}${edit === undefined ? ofWords : "/edit"}`,
    input: (task) => ({
      ...wordsOf(task),
      ...plain,
      ...shape(task),
      ...(task.edit !== undefined && { image_urls: task.edit.sources.map(dataAddress) }),
    }),
  };
}

/** Never `sync_mode`, which puts the picture into the answer: one of ten kilobytes is kept for six minutes only. */
function wordsOf({ prompt, seed, steps, guidance }: TaskRequest): Fields {
  return {
    prompt,
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { num_inference_steps: steps }),
    ...(guidance !== undefined && { guidance_scale: guidance }),
  };
}

function pixels({ width, height }: TaskRequest): Fields {
  return { image_size: { width, height } };
}

/** It makes no fewer than these pixels, at one price. */
function seedreamShape({ width, height }: TaskRequest): Fields {
  return { image_size: atLeast({ width, height }, { multiple: 16, pixels: 2560 * 1440 }) };
}

const bananaRatios = ["21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"];

function bananaShape(task: TaskRequest): Fields {
  return { aspect_ratio: nearestRatio(task, bananaRatios) };
}
