/**
 * Models of their makers on Replicate, which cost by the picture, as their pages describe them (replicate.com/…/api,
 * November 2026). Pictures are fetched by Replicate from addresses of ours; a mask is small and sent along.
 */
import type { TaskEdit, TaskRequest } from "../catalog/provider.ts";
import { nearestRatio } from "./shape.ts";
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

const fluxRatios = ["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"];
const plainRatios = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];

const references = (max: number) => byReferences({ max, by: "address", longestSide: 2048 });
const steps = (max: number) => ({ steps: { min: 1, max, step: 1 } });

export const replicatePresets: readonly Preset[] = [
  preset(
    {
      id: "black-forest-labs/flux-schnell",
      name: "FLUX.1 schnell (Replicate)",
      options: { seed: true, ...steps(4) },
    },
    (task) => ({ ...numbersOf(task), num_outputs: 1, ...ratioOf(task, fluxRatios) }),
  ),
  preset(
    {
      id: "black-forest-labs/flux-dev",
      name: "FLUX.1 dev (Replicate)",
      options: { seed: true, guidance: { min: 0, max: 10, step: 0.5 }, ...steps(50) },
      edit: { ...references(1), strength: { min: 0, max: 1, step: 0.05 } },
    },
    (task) => ({
      ...numbersOf(task),
      ...(task.guidance !== undefined && { guidance: task.guidance }),
      num_outputs: 1,
      ...ratioOf(task, fluxRatios),
      ...(task.edit !== undefined && {
        image: addressesOf(task.edit)[0],
        ...(task.edit.strength !== undefined && { prompt_strength: task.edit.strength }),
      }),
    }),
  ),
  preset(
    {
      id: "black-forest-labs/flux-kontext-pro",
      name: "FLUX.1 Kontext pro (Replicate)",
      options: { seed: true },
      edit: references(1),
    },
    (task) => ({
      ...numbersOf(task),
      ...ratioOf(task, fluxRatios),
      ...(task.edit !== undefined && { input_image: addressesOf(task.edit)[0] }),
    }),
  ),
  preset(
    {
      id: "black-forest-labs/flux-fill-pro",
      name: "FLUX.1 Fill pro (Replicate)",
      options: {
        seed: true,
        guidance: { min: 1.5, max: 100, step: 0.5 },
        steps: { min: 15, max: 50, step: 1 },
      },
      edit: byMask({ by: "address", longestSide: 2048 }),
      needsSource: true,
    },
    async ({ edit, seed, steps, guidance }) => {
      const { picture: { address }, mask } = await filledPart(edit!);
      return {
        ...(seed !== undefined && { seed }),
        ...(steps !== undefined && { steps }),
        ...(guidance !== undefined && { guidance }),
        image: address,
        mask: maskAddress(mask),
      };
    },
  ),
  preset(
    { id: "bytedance/seedream-4", name: "Seedream 4 (Replicate)", edit: references(10) },
    (task) => ({
      size: "2K",
      ...ratioOf(task, ["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9"]),
      max_images: 1,
      sequential_image_generation: "disabled",
      ...(task.edit !== undefined && { image_input: addressesOf(task.edit) }),
    }),
    { hasFormat: false },
  ),
  preset(
    { id: "google/nano-banana", name: "Nano Banana (Replicate)", edit: references(8) },
    (task) => ({
      ...ratioOf(task, plainRatios),
      ...(task.edit !== undefined && { image_input: addressesOf(task.edit) }),
    }),
  ),
  preset(
    {
      id: "qwen/qwen-image",
      name: "Qwen-Image (Replicate)",
      options: { seed: true, negativePrompt: true, guidance: { min: 0, max: 10, step: 0.5 }, ...steps(50) },
    },
    (task) => ({
      ...numbersOf(task),
      ...(task.negativePrompt !== undefined && { negative_prompt: task.negativePrompt }),
      ...(task.guidance !== undefined && { guidance: task.guidance }),
      ...ratioOf(task, ["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"]),
    }),
  ),
];

function preset(
  model: PresetModel,
  inputOf: (task: TaskRequest) => Fields | Promise<Fields>,
  { hasFormat = true } = {},
): Preset {
  return {
    model: presetModel("replicate", model),
    path: ({ model }) => `v1/models/${model}/predictions`,
    input: async (task) => ({
      prompt: task.prompt,
      ...(hasFormat && { output_format: "png" }),
      ...await inputOf(task),
    }),
  };
}

function numbersOf({ seed, steps }: TaskRequest): Fields {
  return {
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { num_inference_steps: steps }),
  };
}

function ratioOf(task: TaskRequest, ratios: readonly string[]): Fields {
  return { aspect_ratio: nearestRatio(task, ratios) };
}

function addressesOf({ sources }: TaskEdit): string[] {
  return sources.map(({ address }) => {
    if (address === null) throw new Error("A picture that is fetched needs an address");
    return address;
  });
}
