/**
 * The words of the API of AUTOMATIC1111's web UI and of those that speak it: what a task is asked for by, what an answer
 * says, and what a server tells of itself.
 */
import { type Model, ProviderFailure, type TaskRequest } from "../catalog/provider.ts";
import type { JsonAnswer } from "../outgoing.ts";
import { formatOf } from "../pixels/format.ts";
import { BadPicture } from "../pixels/picture.ts";
import { isUnchanged } from "../pixels/unchanged.ts";
import { diffusionLongestMs, diffusionSizes, sentSources, strengthRange } from "./diffusion_model.ts";
import { partsOf } from "./given_pictures.ts";
import { failureOfAnswer, failureOfEvent, firstImage, readError } from "./openai_wire.ts";
import {
  type Answers,
  type Fields,
  fieldsOf,
  listOf,
  numberOf,
  outcomeUnknown,
  pictureIn,
  textOf,
} from "./wire.ts";

/** A question to the server, below its own address; with a body it is a POST. */
export type A1111Call = (
  path: string,
  options: { body?: unknown; signal: AbortSignal; timeoutMs?: number },
) => Promise<JsonAnswer>;

/** How it can be told what of a server's progress is ours. */
export type Sight =
  /** It is asked about the one task. */
  | "task"
  /** It tells of whatever runs, and mostly whose it is. */
  | "global"
  | "none";

export const apiIsOff = "Its API is off: start it with --api";
const usualStrength = 0.75;
const cameUnchanged = "The server gave the picture back unchanged.";

export function wordsOf(
  { prompt, negativePrompt = "", width, height, seed = -1, steps, guidance }: TaskRequest,
  usual: number | undefined,
): Fields {
  const count = steps ?? usual;
  return {
    prompt,
    negative_prompt: negativePrompt,
    width,
    height,
    seed,
    batch_size: 1,
    n_iter: 1,
    send_images: true,
    save_images: false,
    ...(count !== undefined && { steps: count }),
    ...(guidance !== undefined && { cfg_scale: guidance }),
  };
}

/** The whole of what is sent, at the size that is asked for: which part that is has been chosen already. */
export function picturesOf({ edit }: TaskRequest): Fields {
  if (edit === undefined) return {};
  const { base, others: [first] } = partsOf(edit);
  return {
    init_images: [(base ?? first).bytes.toBase64()],
    resize_mode: 0,
    denoising_strength: edit.strength ?? usualStrength,
    ...(edit.mask !== null && {
      mask: edit.mask.toBase64(),
      // From what is there, and not from noise or a blur.
      inpainting_fill: 1,
      inpaint_full_res: false,
      inpainting_mask_invert: 0,
    }),
  };
}

/** Of an answer that says success. */
export function pictureOf(
  { picture, json }: Answers,
  task: TaskRequest,
): { bytes: Uint8Array; seed?: number } {
  if (picture !== null) return { bytes: picture, seed: task.seed };
  const [answer] = json;
  if (answer === undefined) throw outcomeUnknown("its answer can't be read");
  const image = firstImage({ images: fieldsOf(answer).images });
  if (image !== null && "bytes" in image) return { bytes: image.bytes, seed: seedOf(answer) ?? task.seed };
  const error = readError(withAllWords(answer));
  if (error !== null) throw failureOfEvent(error, task);
  const message = "there is no picture in its answer";
  throw new ProviderFailure("bad_result", message, { outcome: "failed", said: message });
}

/** `info` is JSON within JSON, or empty. */
function seedOf(answer: unknown): number | null {
  const text = textOf(fieldsOf(answer).info);
  try {
    const info = fieldsOf(text === null ? null : JSON.parse(text));
    const seed = numberOf(listOf(info.all_seeds)[0] ?? info.seed);
    return seed !== null && Number.isInteger(seed) && seed >= 0 ? seed : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A picture that can't be decoded is found out by whoever stores it. */
export async function noteOf(bytes: Uint8Array, { edit }: TaskRequest): Promise<string | null> {
  if (edit === undefined || edit.strength === 0) return null;
  const { base } = partsOf(edit);
  if (base === null) return null;
  try {
    return await isUnchanged(bytes, { ...base, area: edit.area }) ? cameUnchanged : null;
  } catch (error) {
    if (error instanceof BadPicture) return null;
    throw error;
  }
}

export function failureOf(
  { status, headers, json, now, task }: {
    status: number;
    headers: Headers;
    json: unknown;
    now: number;
    task: TaskRequest;
  },
): ProviderFailure {
  const words = withAllWords(json);
  // FastAPI's own words for a path that is not there; a sampler or a model that is unknown has others.
  if (status === 404 && (readError(words)?.message ?? "Not Found") === "Not Found") {
    const details = { outcome: "not_created" as const, said: apiIsOff };
    return new ProviderFailure("provider_unavailable", "there is no such API", details);
  }
  return failureOfAnswer({ status, headers, json: words, now, task });
}

/** What went wrong stands in `errors`, and in `error` only of which kind it is. */
function withAllWords(json: unknown): unknown {
  const fields = fieldsOf(json);
  const [kind, words] = [textOf(fields.error), textOf(fields.errors)];
  return words === null ? json : { ...fields, error: kind === null ? words : `${kind}: ${words}` };
}

export function isBusy(fields: Fields): boolean {
  const jobs = numberOf(fieldsOf(fields.state).job_count);
  return (jobs ?? 0) !== 0 || (numberOf(fields.progress) ?? 0) > 0;
}

/** Somebody asked for it on the server's own page. */
export function isOfPage({ job }: Fields): boolean {
  return /^task\(/.test(textOf(job) ?? "");
}

export function fractionOf({ progress }: Fields): number | null {
  const fraction = numberOf(progress);
  return fraction === null ? null : Math.min(1, Math.max(0, fraction));
}

export function previewOf(value: unknown): Uint8Array | null {
  const picture = pictureIn(value);
  return picture !== null && "bytes" in picture && formatOf(picture.bytes) !== null ? picture.bytes : null;
}

export const sdCppName = "stable-diffusion.cpp";

/** By the settings that only it has. */
export function nameOf(options: Fields): string {
  const names = Object.keys(options);
  if (names.some((name) => name.startsWith("forge_"))) return "Forge";
  if (names.some((name) => name.startsWith("diffusers_"))) return "SD.Next";
  return names.length <= 4 ? sdCppName : "AUTOMATIC1111";
}

export function titlesOf(checkpoints: readonly Fields[]): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { title, model_name } of checkpoints) {
    const name = textOf(model_name) ?? textOf(title);
    if (name !== null && !titles.has(name)) titles.set(name, textOf(title) ?? name);
  }
  return titles;
}

/** `folder/name.safetensors [1a2b3c]` is called `name`. */
export function fileStem(checkpoint: string): string {
  return checkpoint.replace(/\s*\[[0-9a-f]+\]$/, "").replace(/^.*[\\/]/, "").replace(/\.\w+$/, "");
}

export function modelOf(id: string, sight: Sight): Model {
  return {
    id,
    provider: "a1111",
    name: id,
    sizes: [...diffusionSizes],
    maxCount: 8,
    imagesPerTask: 1,
    options: {
      seed: true,
      negativePrompt: true,
      guidance: { min: 1, max: 30, step: 0.5 },
      steps: { min: 1, max: 150, step: 1 },
    },
    edit: { sources: sentSources(1), mask: "white", strength: strengthRange, sizes: "list" },
    watermark: "darkroom",
    progress: sight === "none" ? "estimate" : "reported",
    previews: sight === "task",
    retiresAt: null,
    deadlineMs: diffusionLongestMs,
  };
}
