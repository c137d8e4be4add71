/**
 * stable-diffusion.cpp's server by its native job API (examples/server/api.md): a job is queued, asked for until it
 * is done, and kept for ten minutes. Free, since it runs on a machine of one's own.
 */
import { parseSize } from "../size.ts";
import { type Outgoing, OutgoingFailure } from "../outgoing.ts";
import {
  type EditAbility,
  type Model,
  type ProviderEvent,
  ProviderFailure,
  type TaskHandle,
  type TaskRequest,
} from "../catalog/provider.ts";
import type { Sleep } from "../sleep.ts";
import { diffusionLongestMs, diffusionSizes, sentSources, strengthRange } from "./diffusion_model.ts";
import { partsOf } from "./given_pictures.ts";
import { failureOfAnswer, firstImage, readError } from "./openai_wire.ts";
import { type Fields, fieldsOf, numberOf, outcomeUnknown, submissionFailure, textOf } from "./wire.ts";

export interface SdCppDeps {
  /** The server's own address, without a version. */
  rootUrl: string;
  headers?: Record<string, string>;
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
}

const callTimeoutMs = 60_000;
const maxJobBytes = 200_000_000;
const maxFileBytes = 50_000_000;
const firstPollMs = 250;
const longestPollMs = 2000;

/** The one model that the server has loaded, described by what it says of itself. */
export function sdCppModel(capabilities: unknown): Model {
  const fields = fieldsOf(capabilities);
  const limits = fieldsOf(fields.limits);
  const limit = (name: string, otherwise: number) => numberOf(limits[name]) ?? otherwise;
  const fits = (size: string) => {
    const { width, height } = parseSize(size);
    return width >= limit("min_width", 64) && width <= limit("max_width", 4096) &&
      height >= limit("min_height", 64) && height <= limit("max_height", 4096);
  };
  const loaded = fieldsOf(fields.model);
  const features = fieldsOf(fieldsOf(fields.features_by_mode).img_gen ?? fields.features);
  return {
    id: "sd-cpp-local",
    provider: "openai",
    name: textOf(loaded.stem) ?? textOf(loaded.name) ?? "stable-diffusion.cpp",
    sizes: diffusionSizes.filter(fits),
    maxCount: 8,
    imagesPerTask: 1,
    options: {
      seed: true,
      negativePrompt: true,
      guidance: { min: 0, max: 30, step: 0.5 },
      steps: { min: 1, max: 150, step: 1 },
    },
    edit: editAbility(features),
    watermark: "darkroom",
    progress: "estimate",
    previews: false,
    retiresAt: null,
    deadlineMs: diffusionLongestMs,
  };
}

/** What a graphics card at home has room for. */
const maxPictures = 5;

/** What the server says that it can; before it said anything of it, it could. */
function editAbility(features: Fields): EditAbility | null {
  if (features.init_image === false) return null;
  return {
    sources: sentSources(features.ref_images === false ? 1 : maxPictures),
    mask: features.mask_image === false ? null : "white",
    strength: strengthRange,
    sizes: "list",
  };
}

/** The architectures that change a picture by looking at it (docs/edit.md); the others begin from its pixels. */
const lookingModels = /edit|kontext|flux[._-]?2|klein|omni/i;

function picturesOf({ edit }: TaskRequest, loaded: string): Fields {
  if (edit === undefined) return {};
  const { base, others } = partsOf(edit);
  const isLooking = lookingModels.test(loaded);
  const isBegunFrom = !isLooking || edit.mask !== null || edit.strength !== undefined;
  const references = isLooking && base !== null ? [base, ...others] : others;
  return {
    ...(base !== null && isBegunFrom && { init_image: base.bytes.toBase64() }),
    ...(edit.mask !== null && { mask_image: edit.mask.toBase64() }),
    ...(references.length > 0 && { ref_images: references.map(({ bytes }) => bytes.toBase64()) }),
    ...(edit.strength !== undefined && { strength: edit.strength }),
  };
}

export function createSdCpp({ rootUrl, headers, outgoing, now, sleep, random }: SdCppDeps) {
  return {
    /** `loaded` is the name of the model that it has. */
    async *generate(
      task: TaskRequest,
      { loaded, signal }: { loaded: string; signal: AbortSignal },
    ): AsyncGenerator<ProviderEvent> {
      const jobId = await submit(task, { loaded, signal });
      yield { type: "submitted", handle: { jobId } };
      yield* follow(jobId, { task, signal });
    },
    resume: (handle: TaskHandle, task: TaskRequest, signal: AbortSignal) =>
      follow(String(handle.jobId), { task, signal }),
    /** It takes back what it has not begun; the rest it finishes, which costs nothing either. */
    async cancel(handle: TaskHandle): Promise<void> {
      const signal = new AbortController().signal;
      try {
        await ask(`${jobPath(String(handle.jobId))}/cancel`, { method: "POST", signal });
      } catch (error) {
        if (!(error instanceof OutgoingFailure)) throw error;
      }
    },
  };

  async function submit(
    task: TaskRequest,
    { loaded, signal }: { loaded: string; signal: AbortSignal },
  ): Promise<string> {
    const { prompt, negativePrompt = "", width, height, seed = -1, steps, guidance } = task;
    const body = {
      prompt,
      negative_prompt: negativePrompt,
      width,
      height,
      seed,
      batch_count: 1,
      output_format: "png",
      ...picturesOf(task, loaded),
      sample_params: {
        ...(steps !== undefined && { sample_steps: steps }),
        ...(guidance !== undefined && { guidance: { txt_cfg: guidance } }),
      },
    };
    let answer;
    try {
      answer = await ask("/sdcpp/v1/img_gen", { method: "POST", body, signal });
    } catch (error) {
      throw submissionFailure(error);
    }
    if (answer.status >= 300) throw failureOfAnswer({ ...answer, now: now(), task });
    const jobId = textOf(fieldsOf(answer.json).id);
    if (jobId === null) throw outcomeUnknown("it said success without a job id");
    return jobId;
  }

  async function* follow(
    jobId: string,
    { task, signal }: { task: TaskRequest; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    let delayMs = firstPollMs;
    while (true) {
      const job = await poll(jobId, signal);
      const status = textOf(job?.status);
      if (status === "completed") {
        const image = firstImage(job!.result);
        if (image === null) {
          const said = readError(job)?.message || "the job has no picture";
          throw failed("bad_result", "the job has no picture", said);
        }
        const bytes = "bytes" in image ? image.bytes : await fetchImage(image.address, signal);
        yield { type: "image", bytes, seed: task.seed };
        return yield { type: "done", cost: null };
      }
      if (status === "failed" || status === "cancelled") {
        const error = readError(job);
        throw failed("provider_failed", `the job ended ${status} (${error?.code})`, error?.message || null);
      }
      if (status !== null) yield { type: "progress", fraction: null };
      await sleep(delayMs * (0.8 + 0.4 * random()), signal);
      delayMs = Math.min(longestPollMs, delayMs * 1.5);
    }
  }

  /** Null where nothing was said that can be read; it is asked again. */
  async function poll(jobId: string, signal: AbortSignal): Promise<Fields | null> {
    try {
      const { status, json } = await ask(jobPath(jobId), { method: "GET", signal });
      const said = readError(json)?.message || null;
      if (status === 404) throw failed("provider_failed", "the server does not know the job any more", said);
      if (status === 410) throw failed("provider_failed", "the job's result has expired", said);
      return status === 200 ? fieldsOf(json) : null;
    } catch (error) {
      if (error instanceof OutgoingFailure) return null;
      throw error;
    }
  }

  async function fetchImage(address: string, signal: AbortSignal): Promise<Uint8Array> {
    try {
      const limits = { maxBytes: maxFileBytes, timeoutMs: callTimeoutMs, signal };
      return await outgoing.fetchNamed(address, { ownOrigin: rootUrl, ...limits });
    } catch (error) {
      if (!(error instanceof OutgoingFailure)) throw error;
      const message = `the picture can't be fetched: ${error.message}`;
      throw failed("bad_result", message, message);
    }
  }

  function ask(
    path: string,
    { method, body, signal }: { method: "GET" | "POST"; body?: unknown; signal: AbortSignal },
  ) {
    const url = `${rootUrl}${path}`;
    return outgoing.callForJson({
      url,
      method,
      headers,
      body,
      timeoutMs: callTimeoutMs,
      maxBytes: maxJobBytes,
      signal,
    });
  }
}

function jobPath(jobId: string): string {
  return `/sdcpp/v1/jobs/${encodeURIComponent(jobId)}`;
}

function failed(
  reason: ProviderFailure["reason"],
  message: string,
  said: string | null = null,
): ProviderFailure {
  return new ProviderFailure(reason, message, { outcome: "failed", said });
}
