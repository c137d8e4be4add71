/**
 * Every other provider that there is, side by side with those that are always there: tasks with handles and without,
 * calls that are the generation, servers of one's own. What each did is told in the same words, so that the same
 * promises are judged by it.
 */
import { type A1111StandIn, startA1111 } from "../stand_ins/a1111.ts";
import { key as bflKey, startBfl } from "../stand_ins/bfl.ts";
import { type ComfyStandIn, startComfy } from "../stand_ins/comfy.ts";
import { key as falKey, startFal } from "../stand_ins/fal.ts";
import type { Moment, StandInServer } from "../stand_ins/http.ts";
import { key as serviceKey, startService } from "../stand_ins/openai_services.ts";
import { key as openRouterKey, startOpenRouter } from "../stand_ins/openrouter.ts";
import { startReplicate, token as replicateToken } from "../stand_ins/replicate.ts";
import { key as stabilityKey, startStability } from "../stand_ins/stability.ts";
import type { TaskStandIn } from "../stand_ins/task_service.ts";
import type { Task } from "./evidence.ts";

export interface Mixture {
  parties: StandInServer[];
  env: Record<string, string>;
  /** What each of them was asked to make, and bills. */
  tasks(): Task[];
  /** Ids of tasks whose picture was fetched. */
  fetched(): string[];
}

/** One of each provider, and of those with handles one more. */
export const mixedModels = [
  "fal-ai/flux-2-pro",
  "fal-ai/nano-banana",
  "flux-2-pro",
  "flux-2-klein-9b",
  "qwen/qwen-image",
  "black-forest-labs/flux-schnell",
  // Replicate has one of that name, too.
  "openrouter/google/nano-banana",
  "sd3.5-medium",
  "xai/grok-imagine-image",
  "painter_xl",
  "text_to_image",
];

const templates = new URL("../../docs/comfy", import.meta.url).pathname;

/** Requests that work for a prompt, as opposed to those that ask how the provider is. */
export function isMixedWork({ method, path }: Moment): boolean {
  return /stable-image|\/requests\/|get_result|predictions|txt2img|\/prompt$|\/history\/|\/view$/.test(
    path,
  ) ||
    (method === "POST" && /^\/(fal-ai\/|v1\/flux|api\/v1\/images$)/.test(path));
}

export function startMixture(stack: AsyncDisposableStack): Mixture {
  const fal = stack.use(startFal());
  const bfl = stack.use(startBfl());
  const replicate = stack.use(startReplicate());
  const openRouter = stack.use(startOpenRouter());
  const stability = stack.use(startStability());
  const xai = stack.use(startService("xai"));
  const a1111 = stack.use(startA1111());
  const comfy = stack.use(startComfy());
  const withHandles = { fal, bfl, replicate };
  return {
    parties: [fal, bfl, replicate, openRouter, stability, xai, a1111, comfy],
    env: {
      FAL_KEY: falKey,
      FAL_BASE_URL: fal.url,
      BFL_API_KEY: bflKey,
      BFL_BASE_URL: bfl.url,
      REPLICATE_API_TOKEN: replicateToken,
      REPLICATE_BASE_URL: replicate.url,
      OPENROUTER_API_KEY: openRouterKey,
      OPENROUTER_BASE_URL: openRouter.api,
      STABILITY_API_KEY: stabilityKey,
      STABILITY_BASE_URL: stability.url,
      OPENAI_COMPATIBLE: `xai=${xai.api}`,
      OPENAI_COMPATIBLE_XAI_KEY: serviceKey,
      A1111_URL: a1111.url,
      COMFY_URL: comfy.url,
      COMFY_TEMPLATES: templates,
    },
    tasks: () => [
      ...Object.entries(withHandles).flatMap(([provider, api]) => ofTaskService(provider, api)),
      ...openRouter.journal.filter(({ billedMicros }) => billedMicros > 0)
        .map(({ body, billedMicros }) => called("openrouter", body.prompt, billedMicros)),
      ...xai.journal.filter(({ billedMicros }) => billedMicros > 0)
        .map(({ body, billedMicros }) => called("xai", body.prompt, billedMicros)),
      ...stability.journal.filter(({ credits }) => credits > 0)
        .map(({ form, credits }) => called("stability", form.prompt, Math.round(credits * 10_000))),
      ...ofA1111(a1111),
      ...ofComfy(comfy),
    ],
    fetched: () =>
      Object.entries(withHandles).flatMap(([provider, { journal }]) =>
        journal.filter(({ request }) => request === "download").map(({ taskId }) => `${provider} ${taskId}`)
      ),
  };
}

function ofTaskService(provider: string, { journal, created, bills }: TaskStandIn): Task[] {
  const looked = new Set(journal.filter(({ request }) => request === "look").map(({ taskId }) => taskId));
  return created().map(({ taskId, prompt }) => ({
    provider,
    text: prompt!,
    taskId: `${provider} ${taskId}`,
    billedMicros: bills.get(taskId!)!,
    isAskedFor: looked.has(taskId),
  }));
}

function called(provider: string, text: string, billedMicros: number): Task {
  return { provider, text, taskId: null, billedMicros, isAskedFor: false };
}

/** Free, and made no more often than they were asked for. */
function ofA1111({ journal }: A1111StandIn): Task[] {
  return journal.filter(({ path }) => path.endsWith("/txt2img"))
    .map(({ body }) => called("a1111", body.prompt, 0));
}

function ofComfy({ ran, journal }: ComfyStandIn): Task[] {
  return ran.map(({ id, graph }) => {
    const handedInAt = journal.findIndex(({ path, body }) => path === "/prompt" && body?.prompt_id === id);
    const isAskedFor = journal.some(({ path }, at) => at > handedInAt && path === `/history/${id}`);
    return { ...called("comfy", String(graph["6"].inputs.text), 0), taskId: `comfy ${id}`, isAskedFor };
  });
}
