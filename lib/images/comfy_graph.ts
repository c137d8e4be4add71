/**
 * ComfyUI keeps the graph that made a picture, not its settings: each node has a class and inputs, and an input is a
 * value or the output of another node (`[id, index]`). From the node that samples one gets to the text that was wanted
 * and the text that was not, to the model and to the empty picture with its size. Graphs come from anybody: they may
 * run in circles or have a million nodes, so only so many steps are made.
 */
import { type FoundSettings, isObject, type Json, settingsOf } from "./found_settings.ts";

interface Node {
  type: string;
  inputs: Json;
}

type Graph = Map<string, Node>;

const maxNodes = 5000;
/** Of one way from an input to what it comes from. */
const maxSteps = 200;

/** The graph as it is run. */
export function isComfyPrompt(json: Json): boolean {
  const nodes = Object.values(json).slice(0, 50);
  return nodes.length > 0 && nodes.some((node) => isObject(node) && "class_type" in node);
}

/** The graph as it is drawn. */
export function isComfyWorkflow(json: Json): boolean {
  return Array.isArray(json.nodes) && Array.isArray(json.links);
}

export function readComfyPrompt(json: Json): FoundSettings | null {
  const graph: Graph = new Map();
  for (const [id, node] of Object.entries(json).slice(0, maxNodes)) {
    if (!isObject(node) || typeof node.class_type !== "string") continue;
    graph.set(id, { type: node.class_type, inputs: isObject(node.inputs) ? node.inputs : {} });
  }
  return readGraph(graph);
}

/** What the values of a drawn node mean depends on its class; those of the usual ones are known. */
const widgets: { [type: string]: string[] } = {
  CLIPTextEncode: ["text"],
  KSampler: ["seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"],
  KSamplerAdvanced: ["", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"],
  EmptyLatentImage: ["width", "height", "batch_size"],
  EmptySD3LatentImage: ["width", "height", "batch_size"],
  CheckpointLoaderSimple: ["ckpt_name"],
  UNETLoader: ["unet_name"],
  LoraLoader: ["lora_name"],
  RandomNoise: ["noise_seed"],
  BasicScheduler: ["scheduler", "steps", "denoise"],
  KSamplerSelect: ["sampler_name"],
  FluxGuidance: ["guidance"],
  PrimitiveNode: ["value"],
};

export function readComfyWorkflow({ nodes, links }: Json): FoundSettings | null {
  const sources = new Map<unknown, [string, unknown]>();
  for (const link of (links as unknown[]).slice(0, 4 * maxNodes)) {
    if (Array.isArray(link)) sources.set(link[0], [String(link[1]), link[2]]);
  }
  const graph: Graph = new Map();
  for (const node of (nodes as unknown[]).slice(0, maxNodes)) {
    // 2 and 4: it was switched off.
    if (!isObject(node) || typeof node.type !== "string" || node.mode === 2 || node.mode === 4) continue;
    const inputs: Json = {};
    const values = Array.isArray(node.widgets_values) ? node.widgets_values : [];
    for (const [index, name] of (widgets[node.type] ?? []).entries()) {
      if (name !== "") inputs[name] = values[index];
    }
    for (const input of Array.isArray(node.inputs) ? node.inputs.slice(0, 100) : []) {
      if (!isObject(input) || typeof input.name !== "string") continue;
      const source = sources.get(input.link);
      if (source !== undefined) inputs[input.name] = source;
    }
    graph.set(String(node.id), { type: node.type, inputs });
  }
  return readGraph(graph);
}

function readGraph(graph: Graph): FoundSettings | null {
  const sampler = findSampler(graph);
  if (sampler === null) return null;
  const { inputs } = sampler;
  const guider = follow(graph, inputs.guider);
  const conditioning = { ...guider?.inputs, ...inputs };
  const wanted = findText(graph, conditioning.positive ?? conditioning.conditioning);
  if (wanted === null) return null;
  const latent = findAlong(
    graph,
    inputs.latent_image ?? inputs.samples,
    ({ inputs }) => "width" in inputs && "height" in inputs,
  );
  const model = findAlong(
    graph,
    conditioning.model,
    ({ inputs }) => "ckpt_name" in inputs || "unet_name" in inputs,
  );
  const noise = follow(graph, inputs.noise)?.inputs ?? inputs;
  const sigmas = follow(graph, inputs.sigmas)?.inputs ?? inputs;
  const guidance = findAlong(
    graph,
    conditioning.positive ?? conditioning.conditioning,
    ({ type }) => type === "FluxGuidance",
  );
  const lora = findAlong(graph, conditioning.model, ({ inputs }) => "lora_name" in inputs);
  const seed = valueOf(graph, noise.seed ?? noise.noise_seed, ["seed", "noise_seed", "value", "int"]);
  return settingsOf({
    prompt: wanted,
    negativePrompt: findText(graph, conditioning.negative),
    model: valueOf(graph, model?.inputs.ckpt_name ?? model?.inputs.unet_name, ["value"]),
    width: valueOf(graph, latent?.inputs.width, ["width", "value", "int"]),
    height: valueOf(graph, latent?.inputs.height, ["height", "value", "int"]),
    seed,
    steps: valueOf(graph, sigmas.steps, ["steps", "value", "int"]),
    guidance: valueOf(graph, guidance?.inputs.guidance ?? conditioning.cfg, ["cfg", "value", "float"]),
    left: {
      sampler: follow(graph, inputs.sampler)?.inputs.sampler_name ?? inputs.sampler_name,
      scheduler: sigmas.scheduler,
      lora: lora?.inputs.lora_name,
      denoise: sigmas.denoise === 1 ? null : sigmas.denoise,
      parts: findAlong(graph, conditioning.positive, ({ type }) =>
        /^Conditioning(Combine|Concat|Average)/.test(type)) !==
        null,
      controlNet: findAlong(graph, conditioning.positive, ({ type }) =>
        /controlnet/i.test(type)) !== null,
    },
  });
}

/** The first that has texts; one that refines what another made comes after it. */
function findSampler(graph: Graph): Node | null {
  const nodes = [...graph.values()];
  const samples = ({ type, inputs }: Node) =>
    /sampler/i.test(type) && ("positive" in inputs || "guider" in inputs);
  const first = nodes.find((node) => {
    const before = follow(graph, node.inputs.latent_image);
    return samples(node) && (before === null || "width" in before.inputs);
  });
  return first ?? nodes.find(samples) ?? null;
}

function follow(graph: Graph, link: unknown): Node | null {
  return Array.isArray(link) ? graph.get(String(link[0])) ?? null : null;
}

/** A value, or the one of the node that gives it. */
function valueOf(graph: Graph, value: unknown, names: string[]): unknown {
  let current = value;
  for (let step = 0; step < maxSteps && Array.isArray(current); step++) {
    const inputs: Json = follow(graph, current)?.inputs ?? {};
    const name: string | undefined = names.find((each) => each in inputs);
    current = name === undefined ? undefined : inputs[name];
  }
  return Array.isArray(current) ? undefined : current;
}

const textInputs = ["text", "text_g", "t5xxl", "clip_l", "prompt", "string", "value", "text1", "string_a"];

/** The text of the nearest node that has one. */
function findText(graph: Graph, link: unknown): string | null {
  const node = findAlong(
    graph,
    link,
    ({ inputs }) => textInputs.some((name) => typeof inputs[name] === "string" && inputs[name] !== ""),
  );
  const name = node &&
    textInputs.find((each) => typeof node.inputs[each] === "string" && node.inputs[each] !== "");
  return node && name ? node.inputs[name] as string : null;
}

/** The nearest node on the ways back from an input that is such a one; each node is looked at once. */
function findAlong(graph: Graph, link: unknown, isWanted: (node: Node) => boolean): Node | null {
  const seen = new Set<Node>();
  const waiting = [link];
  while (waiting.length > 0 && seen.size < maxSteps) {
    const node = follow(graph, waiting.shift());
    if (node === null || seen.has(node)) continue;
    seen.add(node);
    if (isWanted(node)) return node;
    // It makes nothing of what it is given.
    if (node.type === "ConditioningZeroOut") continue;
    waiting.push(...Object.values(node.inputs).slice(0, 100).filter(Array.isArray));
  }
  return null;
}
