/** Models of services of tasks, each with what the service has to be told: their inputs differ by the model. */
import type { EditAbility, Model, SentPicture, TaskEdit, TaskRequest } from "../catalog/provider.ts";
import { encodeMask } from "../pixels/mask.ts";
import { partsOf } from "./given_pictures.ts";
import { dataAddress } from "./shape.ts";
import type { Fields } from "./wire.ts";

export interface Preset {
  model: Model;
  /** Where a task of it is handed in, below the service's own address. */
  path(task: TaskRequest): string;
  input(task: TaskRequest): Fields | Promise<Fields>;
}

/** About one megapixel, and up to 2.25 of them. */
export const presetSizes: readonly string[] = [
  "512x512",
  "768x768",
  "1024x1024",
  "1536x1536",
  "1536x1024",
  "1024x1536",
  "1536x864",
  "864x1536",
];

export const presetDeadlineMs = 10 * 60_000;

/** What is left out a model does not have. */
export type PresetModel = Pick<Model, "id" | "name"> & {
  options?: Partial<Model["options"]>;
  edit?: EditAbility;
  needsSource?: true;
};

export function presetModel(provider: string, { id, name, options, edit, needsSource }: PresetModel): Model {
  return {
    id,
    provider,
    name,
    sizes: [...presetSizes],
    maxCount: 8,
    imagesPerTask: 1,
    options: { seed: false, negativePrompt: false, guidance: null, steps: null, ...options },
    edit: edit ?? null,
    ...(needsSource && { needsSource }),
    watermark: "darkroom",
    progress: "estimate",
    previews: false,
    retiresAt: null,
    deadlineMs: presetDeadlineMs,
  };
}

/** Looks at the pictures that it is given, and makes one of a size of its list. */
export function byReferences(
  { max, by, longestSide }: { max: number; by: "bytes" | "address"; longestSide: number },
): EditAbility {
  return {
    sources: {
      max,
      maxBytes: 5_000_000,
      longestSide,
      contentTypes: ["image/png", "image/jpeg", "image/webp"],
      by,
      roles: false,
    },
    mask: null,
    strength: null,
    sizes: "list",
  };
}

/** Fills the white part of a mask, in the size of the picture. */
export function byMask(
  { by, longestSide }: { by: "bytes" | "address"; longestSide: number },
): EditAbility {
  return { ...byReferences({ max: 1, by, longestSide }), mask: "white", sizes: "same" };
}

/** The picture that is filled, and the mask that says where: all of it, where nothing is marked. */
export async function filledPart(edit: TaskEdit): Promise<{ picture: SentPicture; mask: Uint8Array }> {
  const { base, others: [first] } = partsOf(edit);
  const picture = base ?? first;
  const all = () => new Uint8Array(picture.width * picture.height).fill(255);
  return { picture, mask: edit.mask ?? await encodeMask(all(), { size: picture, form: "white" }) };
}

export function maskAddress(mask: Uint8Array): string {
  return dataAddress({ bytes: mask, contentType: "image/png" });
}
