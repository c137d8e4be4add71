/**
 * Stability's Stable Image and Stable Diffusion 3.5 (platform.stability.ai/docs/api-reference): one form, which is
 * answered with the picture and how it ended. A picture that was filtered comes with a success, blurred, and is none.
 * Each is billed in credits of a cent, failures never; a call can't be asked for again.
 */
import {
  type EditAbility,
  type Model,
  type Provider,
  ProviderFailure,
  type TaskEdit,
  type TaskRequest,
} from "../catalog/provider.ts";
import { type FormFile, multipart } from "../multipart.ts";
import type { Outgoing } from "../outgoing.ts";
import { isGivenPictures, maskFile, sourceFailure, sourceFiles, sourceRefused } from "./given_pictures.ts";
import { type Answered, makeByOneCall } from "./one_call.ts";
import { nearestRatio } from "./shape.ts";
import { failureByStatus, fieldsOf, listOf, numberOf, statusOf, textOf, unreachable } from "./wire.ts";

export interface StabilityDeps {
  apiKey: string;
  /** Without a path. */
  baseUrl: string;
  outgoing: Outgoing;
  now: () => number;
}

export const stabilityBaseUrl = "https://api.stability.ai";

const deadlineMs = 5 * 60_000;
const mostSeed = 4_294_967_294;
const ratios = ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"];
/** About a megapixel, whatever the shape; larger squares are made larger here. */
const sizes = [
  "512x512",
  "768x768",
  "1024x1024",
  "1536x1536",
  "1536x1024",
  "1024x1536",
  "1536x864",
  "864x1536",
];

/** A request has at most ten megabytes in all. */
const sources: EditAbility["sources"] = {
  max: 1,
  maxBytes: 8_000_000,
  longestSide: 2048,
  contentTypes: ["image/png", "image/jpeg", "image/webp"],
  by: "bytes",
  roles: false,
};
/** Begins from the picture; the rest is kept by Darkroom. */
const fromPicture: EditAbility = {
  sources,
  mask: null,
  strength: { min: 0, max: 1, step: 0.05 },
  sizes: "list",
};
/** By services of their own, each at the price of another two credits: by a mask, else by what is seen in the picture. */
const byService: EditAbility = { ...fromPicture, mask: "white" };
/** As the services do by themselves. */
const usualStrength = 0.7;

interface Offer {
  model: Model;
  path: "core" | "ultra" | "sd3";
  /** Of the models behind `sd3`. */
  wireModel?: string;
  guidance?: number;
}

function offer(
  [id, name, path, wireModel]: [id: string, name: string, path: Offer["path"], wireModel?: string],
  { edit, guidance = null, hasNegative = true }: {
    edit: EditAbility | null;
    guidance?: Model["options"]["guidance"];
    hasNegative?: boolean;
  },
): Offer {
  return {
    path,
    wireModel,
    model: {
      id,
      provider: "stability",
      name,
      sizes,
      maxCount: 8,
      imagesPerTask: 1,
      options: { seed: true, negativePrompt: hasNegative, guidance, steps: null },
      edit,
      watermark: "darkroom",
      progress: "estimate",
      previews: false,
      retiresAt: null,
      deadlineMs,
    },
  };
}

const guidance = { min: 1, max: 10, step: 0.5 };

const offers: readonly Offer[] = [
  offer(["stable-image-core", "Stable Image Core", "core"], { edit: byService }),
  offer(["stable-image-ultra", "Stable Image Ultra", "ultra"], { edit: fromPicture }),
  offer(["sd3.5-large", "Stable Diffusion 3.5 Large", "sd3", "sd3.5-large"], { edit: fromPicture, guidance }),
  offer(["sd3.5-large-turbo", "Stable Diffusion 3.5 Large Turbo", "sd3", "sd3.5-large-turbo"], {
    edit: fromPicture,
    guidance,
  }),
  offer(["sd3.5-medium", "Stable Diffusion 3.5 Medium", "sd3", "sd3.5-medium"], {
    edit: fromPicture,
    guidance,
  }),
  offer(["sd3.5-flash", "Stable Diffusion 3.5 Flash", "sd3", "sd3.5-flash"], { edit: fromPicture, guidance }),
  offer([
    "sd3-medium",
    "SD3 Medium (now 3.5 Medium)",
    "sd3",
    "sd3.5-medium",
  ], {
    edit: fromPicture,
    guidance,
  }),
];

/** What is said with each picture of a model that is there by its name alone. */
const aliasNote =
  "SD3 Medium is no more: since 2025-04-17 Stability answers that name with Stable Diffusion 3.5 Medium.";

export function createStability({ apiKey, baseUrl, outgoing, now }: StabilityDeps): Provider {
  const headers = { authorization: `Bearer ${apiKey}`, accept: "application/json" };

  return {
    id: "stability",
    name: "Stability",
    models: offers.map(({ model }) => model),
    isRepeatable: false,
    async *generate(task, { signal }) {
      const { path, fields } = requestOf(task);
      const made = makeByOneCall(outgoing, {
        task,
        request: {
          url: `${baseUrl}/v2beta/stable-image/${path}`,
          headers,
          body: await multipart(fields),
          timeoutMs: deadlineMs,
          signal,
        },
        isBilled: true,
        now,
        failureOf: (answer) => failureOf(answer, { task, now: now() }),
        seedOf: ({ json }) => numberOf(fieldsOf(json[0]).seed) ?? undefined,
      });
      for await (const event of made) {
        yield event.type === "done" && task.model === "sd3-medium" ? { ...event, note: aliasNote } : event;
      }
    },
    async checkStatus(signal) {
      try {
        const { status, json } = await outgoing.callForJson({
          url: `${baseUrl}/v1/user/balance`,
          method: "GET",
          headers,
          timeoutMs: 10_000,
          maxBytes: 1_000_000,
          signal,
        });
        const credits = numberOf(fieldsOf(json).credits);
        const balance = credits === null ? null : `${Math.round(credits * 100) / 100} credits`;
        return { ...statusOf({ status, said: saidOf(json) }), balance };
      } catch (error) {
        return unreachable(error);
      }
    },
  };
}

type Form = [name: string, value: string | FormFile][];

function requestOf(task: TaskRequest): { path: string; fields: Form } {
  const { path, wireModel } = offers.find(({ model }) => model.id === task.model)!;
  const { prompt, negativePrompt, seed, guidance, edit } = task;
  const common: Form = [
    ["prompt", prompt],
    ...(negativePrompt === undefined ? [] : [["negative_prompt", negativePrompt] satisfies [string, string]]),
    // 0 would be any.
    ...(seed === undefined
      ? []
      : [["seed", String(Math.min(Math.max(seed, 1), mostSeed))] satisfies [string, string]]),
    ["output_format", "png"],
  ];
  if (path === "core" && edit !== undefined) return serviceOf(edit, common);
  const ofModel: Form = [
    ...(wireModel === undefined ? [] : [["model", wireModel] satisfies [string, string]]),
    ...(guidance === undefined ? [] : [["cfg_scale", String(guidance)] satisfies [string, string]]),
  ];
  const shape: Form = edit === undefined
    ? [["aspect_ratio", nearestRatio(task, ratios)]]
    : [["image", sourceFiles(edit)[0]], ["strength", String(edit.strength ?? usualStrength)]];
  const mode: Form = path === "sd3"
    ? [["mode", edit === undefined ? "text-to-image" : "image-to-image"]]
    : [];
  return { path: `generate/${path}`, fields: [...common, ...ofModel, ...mode, ...shape] };
}

function serviceOf(edit: TaskEdit, common: Form): { path: string; fields: Form } {
  const [image] = sourceFiles(edit);
  if (edit.mask !== null) {
    return { path: "edit/inpaint", fields: [...common, ["image", image], ["mask", maskFile(edit.mask)]] };
  }
  // There it is how much of the picture is kept.
  const kept = Math.round((1 - (edit.strength ?? usualStrength)) * 100) / 100;
  return {
    path: "control/structure",
    fields: [...common, ["image", image], ["control_strength", String(kept)]],
  };
}

/** `{ id, name, errors }`. */
function saidOf(json: unknown): string | null {
  const { errors, message, name } = fieldsOf(json);
  return listOf(errors).flatMap((error) => textOf(error) ?? []).join("; ") ||
    (textOf(message) ?? textOf(name));
}

function failureOf(
  { status, headers, json }: Answered,
  { task, now }: { task: TaskRequest; now: number },
): ProviderFailure | null {
  const answer = fieldsOf(json[0]);
  // It calls that a successful generation, and those are billed.
  if (status === 200) {
    return isFiltered(answer, headers) ? filtered("billed", "the picture was filtered") : null;
  }
  const said = saidOf(answer);
  const details = { said, outcome: "not_created" as const };
  if (status === 403 && /moderat|content|flagged|policy/i.test(`${textOf(answer.name)} ${said}`)) {
    return filtered("failed", said);
  }
  if (isGivenPictures(task) && (status === 413 || status === 400 || status === 422)) {
    const ofSource = status === 413 ? sourceRefused(details) : sourceFailure(task, details);
    if (ofSource !== null) return ofSource;
  }
  // Failed calls are free, and it says so of this one.
  if (status === 500 && said !== null) {
    return new ProviderFailure("provider_failed", "it answered 500", { outcome: "failed", said });
  }
  return failureByStatus({ status, headers, said, now });
}

function isFiltered({ finish_reason: reason }: { finish_reason?: unknown }, headers: Headers): boolean {
  return [textOf(reason), headers.get("finish-reason")].some((each) => /filter/i.test(each ?? ""));
}

function filtered(outcome: "billed" | "failed", said: string | null): ProviderFailure {
  return new ProviderFailure("content_policy", "moderation", { outcome, said });
}
