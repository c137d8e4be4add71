/** The words of ComfyUI's API: how tasks are named and told of, and what a server says of itself beside a template. */
import { sha256 } from "../digest.ts";
import { type EditAbility, type Model, ProviderFailure, type TaskHandle } from "../catalog/provider.ts";
import type { JsonAnswer } from "../outgoing.ts";
import type { ComfyTemplate, Graph, MappedName } from "./comfy_templates.ts";
import { diffusionLongestMs, diffusionSizes, sentSources, strengthRange } from "./diffusion_model.ts";
import { type Fields, fieldsOf, listOf, textOf } from "./wire.ts";

/** For what is more than a look. */
export const callMs = 30_000;

/** A question to the server, below its own address; with a body it is a POST. */
export type ComfyCall = (
  path: string,
  options: { body?: unknown; signal: AbortSignal; timeoutMs?: number },
) => Promise<JsonAnswer>;

/** What the server knows of a task. */
export type State =
  | { is: "waiting" | "running" }
  | { is: "absent" }
  /** It can't be told now. */
  | { is: "unknown" }
  | { is: "ended"; entry: Fields };

/** What finds a task again, and with which seed it is made. */
export interface Handle {
  promptId: string;
  seed: number | null;
  /** The server has taken it. */
  isTaken: boolean;
}

/** The same at every attempt: a UUID in the form that the server demands (RFC 9562, version 8). */
export function idOf(taskKey: string): string {
  const hex = sha256(`comfy ${taskKey}`);
  const variant = ((parseInt(hex[16], 16) & 3) | 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20)];
  return [...parts, hex.slice(20, 32)].join("-");
}

export function readHandle({ promptId, seed, isTaken }: TaskHandle): Handle {
  return {
    promptId: String(promptId),
    seed: typeof seed === "number" ? seed : null,
    isTaken: isTaken === true,
  };
}

/** How a task in the history failed; null where it did not. */
export function troubleOf(entry: Fields): ProviderFailure | null {
  const { status_str: status, messages } = fieldsOf(entry.status);
  if (status !== "error") return null;
  const said = listOf(messages).map((message) => listOf(message));
  const named = (type: string) => said.find(([name]) => name === type);
  const error = named("execution_error");
  if (error === undefined && named("execution_interrupted") !== undefined) {
    const words = "It was interrupted at the server";
    return new ProviderFailure("provider_failed", "interrupted", { outcome: "failed", said: words });
  }
  const { exception_message, exception_type, node_type } = fieldsOf(error?.[1]);
  const what = textOf(exception_message)?.trim() ?? textOf(exception_type);
  const where = textOf(node_type);
  return new ProviderFailure("provider_failed", "the graph ended with an error", {
    outcome: "failed",
    said: what === undefined || what === null ? null : where === null ? what : `${where}: ${what}`,
  });
}

/** An error of the whole, and of the nodes that it is about. */
export function wordsOf(json: unknown): string | null {
  const { error, node_errors } = fieldsOf(json);
  const { message, details } = fieldsOf(error);
  const ofNodes = Object.values(fieldsOf(node_errors)).flatMap((node) => {
    const { class_type, errors } = fieldsOf(node);
    return listOf(errors).map(fieldsOf).map((each) =>
      [textOf(class_type), textOf(each.message), textOf(each.details)].filter((text) => text !== null).join(
        ": ",
      )
    );
  });
  const whole = textOf(error) ?? [message, details].map(textOf).filter((text) => text !== null).join(": ");
  return [whole, ...ofNodes].filter((text) => text !== "").join("; ") || null;
}

/** What a server lacks for a template, in words: a kind of node, or a file such as a checkpoint. */
export function lackOf({ graph, targets }: ComfyTemplate, known: Map<string, Fields | null>): string | null {
  const mapped = Object.values(targets).flat();
  for (const [node, { class_type, inputs }] of Object.entries(graph)) {
    const described = known.get(class_type) ?? null;
    if (described === null) return `the server has no node ${class_type}`;
    const takes = { ...fieldsOf(fieldsOf(described.input).required) };
    for (const [input, value] of Object.entries(inputs)) {
      if (mapped.some((target) => target.node === node && target.input === input)) continue;
      const choices = choicesOf(takes[input]);
      if (choices !== null && typeof value === "string" && !choices.includes(value)) {
        return `the server has no ${input} ${value}`;
      }
    }
  }
  return null;
}

/** Older servers list what can be chosen in the place of the type, newer ones beside it. */
function choicesOf(described: unknown): string[] | null {
  const [type, options] = listOf(described);
  const list = Array.isArray(type) ? type : type === "COMBO" ? fieldsOf(options).options : null;
  return Array.isArray(list) && list.length > 0 ? list.map(String) : null;
}

/** Nodes that sample count from nothing to all, one after another. */
export function passesOf(graph: Graph): number {
  return Math.max(
    1,
    Object.values(graph).filter(({ class_type }) => /sampler(?!Select)/i.test(class_type)).length,
  );
}

export function modelOf({ id, name, targets, sizes }: ComfyTemplate): Model {
  const has = (what: MappedName) => targets[what] !== undefined;
  return {
    id,
    provider: "comfy",
    name,
    sizes: sizes ?? [...diffusionSizes],
    maxCount: 8,
    imagesPerTask: 1,
    options: {
      seed: has("seed"),
      negativePrompt: has("negative"),
      guidance: has("cfg") ? { min: 0, max: 30, step: 0.5 } : null,
      steps: has("steps") ? { min: 1, max: 150, step: 1 } : null,
    },
    edit: has("image") ? abilityOf(targets) : null,
    ...(has("image") && { needsSource: true as const }),
    watermark: "darkroom",
    progress: "reported",
    previews: true,
    retiresAt: null,
    deadlineMs: diffusionLongestMs,
  };
}

/** A template without a size makes pictures of the size of the one that it is given. */
function abilityOf(targets: ComfyTemplate["targets"]): EditAbility {
  return {
    sources: sentSources(1),
    mask: targets.mask === undefined ? null : "alpha",
    strength: targets.strength === undefined ? null : strengthRange,
    sizes: targets.width === undefined ? "same" : "list",
  };
}

/** It may be tried again. */
export function notHandedIn(message: string, cause?: unknown): ProviderFailure {
  return new ProviderFailure("provider_unavailable", message, {
    outcome: "not_created",
    isRetryable: true,
    cause,
  });
}

export function badResult(message: string): ProviderFailure {
  return new ProviderFailure("bad_result", message, { outcome: "failed", said: message });
}
