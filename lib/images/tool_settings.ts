/**
 * Settings that tools keep as JSON, told apart by what is in it and not by the name it stands under: SwarmUI, ComfyUI,
 * InvokeAI, NovelAI, Fooocus, Draw Things, and whatever else says `prompt`.
 *
 * Sources: the save functions of these programs (SwarmUI `T2IParamInput`, ComfyUI `nodes.py`, InvokeAI
 * `metadata.py` and `CoreMetadataInvocation`, Fooocus `modules/meta_parser.py`), and pictures that they wrote.
 */
import { isComfyPrompt, isComfyWorkflow, readComfyPrompt, readComfyWorkflow } from "./comfy_graph.ts";
import { type FoundSettings, isObject, type Json, settingsOf } from "./found_settings.ts";

/** What JSON turned out to be: settings, those of a tool whose form is not read, or neither. */
export type ReadJson =
  | { kind: "settings"; tool: string; settings: FoundSettings }
  | { kind: "unread"; tool: string }
  | { kind: "none" };

const readers: { tool: string; is: (json: Json) => boolean; read: (json: Json) => FoundSettings | null }[] = [
  { tool: "SwarmUI", is: (json) => isObject(json.sui_image_params), read: readSwarm },
  { tool: "ComfyUI", is: isComfyPrompt, read: readComfyPrompt },
  { tool: "ComfyUI", is: isComfyWorkflow, read: readComfyWorkflow },
  { tool: "InvokeAI", is: (json) => "positive_prompt" in json, read: readInvoke },
  { tool: "InvokeAI", is: (json) => isObject(json.image) && "prompt" in json.image, read: readEarlyInvoke },
  {
    tool: "NovelAI",
    is: (json) => "uc" in json && "prompt" in json || isObject(json.v4_prompt),
    read: readNovel,
  },
  {
    tool: "Draw Things",
    is: (json) => typeof json.c === "string" && ("uc" in json || "seed" in json),
    read: readDrawThings,
  },
  {
    tool: "Fooocus",
    is: (json) => "prompt" in json && ("base_model" in json || "fooocus_v2_expansion" in json),
    read: readFooocus,
  },
  { tool: "another tool", is: (json) => typeof json.prompt === "string", read: readPlain },
];

/** `isNested`: the JSON stood inside of another one. */
export function readToolJson(json: unknown, isNested = false): ReadJson {
  if (!isObject(json)) return { kind: "none" };
  for (const { tool, is, read } of readers) {
    if (!is(json)) continue;
    const settings = read(json);
    return settings === null ? { kind: "unread", tool } : { kind: "settings", tool, settings };
  }
  if (isNested) return { kind: "none" };
  // Some programs put the graph, or the parameters, one level deeper, or as text.
  for (const value of Object.values(json).slice(0, 20)) {
    const found = readToolJson(typeof value === "string" ? parseJson(value) : value, true);
    if (found.kind !== "none") return found;
  }
  return { kind: "unread", tool: "a tool that is not known here" };
}

/** Python writes numbers into JSON that JSON does not have. A text that does not end is one, too, and looked at once. */
const strayNumbers = /"(?:[^"\\]|\\[^])*(?:"|$)|\bNaN\b|-?\bInfinity\b/g;

/** Null where it is no JSON. */
export function parseJson(text: string): unknown {
  const trimmed = text.trim();
  if (!/^[{[]/.test(trimmed)) return null;
  try {
    return JSON.parse(trimmed);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
  }
  if (!/NaN|Infinity/.test(trimmed)) return null;
  try {
    return JSON.parse(trimmed.replace(strayNumbers, (token) => token.startsWith('"') ? token : "null"));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    return null;
  }
}

function readSwarm({ sui_image_params }: Json): FoundSettings | null {
  const found = sui_image_params as Json;
  return settingsOf({
    prompt: found.prompt,
    negativePrompt: found.negativeprompt,
    model: found.model,
    width: found.width,
    height: found.height,
    seed: found.seed,
    steps: found.steps,
    guidance: found.cfgscale,
    left: {
      sampler: found.sampler,
      scheduler: found.scheduler,
      lora: found.loras,
      vae: found.vae,
      denoise: found.initimagecreativity,
      hires: found.refinerupscale ?? found.refinermodel,
      controlNet: found.controlnetmodel,
    },
  });
}

function readInvoke(found: Json): FoundSettings | null {
  return settingsOf({
    prompt: found.positive_prompt,
    negativePrompt: found.negative_prompt,
    model: nameOfModel(found.model),
    width: found.width,
    height: found.height,
    seed: found.seed,
    steps: found.steps,
    guidance: found.cfg_scale,
    left: {
      scheduler: found.scheduler,
      lora: found.loras,
      vae: isObject(found.vae) ? nameOfModel(found.vae) : found.vae,
      clipSkip: found.clip_skip,
      controlNet: found.controlnets,
      denoise: found.strength,
      styles: found.positive_style_prompt,
    },
  });
}

/** Its models were named in several ways. */
function nameOfModel(model: unknown): unknown {
  return isObject(model) ? model.name ?? model.model_name ?? model.key : model;
}

function readEarlyInvoke({ model_weights, image }: Json): FoundSettings | null {
  const found = image as Json;
  const parts = Array.isArray(found.prompt) ? found.prompt.slice(0, 100).filter(isObject) : [];
  const text = typeof found.prompt === "string"
    ? found.prompt
    : parts.map(({ prompt }) => typeof prompt === "string" ? prompt : "").join(", ");
  return settingsOf({
    ...splitBrackets(text),
    model: model_weights,
    width: found.width,
    height: found.height,
    seed: found.seed,
    steps: found.steps,
    guidance: found.cfg_scale,
    left: { sampler: found.sampler, parts: parts.length > 1, denoise: found.strength },
  });
}

/** What stood in brackets was to be left out. */
export function splitBrackets(text: string): { prompt: string; negativePrompt: string } {
  const unwanted = Array.from(text.matchAll(/\[([^[\]]*)\]/g), ([, inside]) => inside);
  return { prompt: text.replace(/\[[^[\]]*\]/g, " ").trim(), negativePrompt: unwanted.join(", ") };
}

function readNovel(found: Json): FoundSettings | null {
  const caption = (prompt: unknown) =>
    isObject(prompt) && isObject(prompt.caption)
      ? prompt.caption
      : { base_caption: undefined, char_captions: [] };
  const [wanted, unwanted] = [caption(found.v4_prompt), caption(found.v4_negative_prompt)];
  return settingsOf({
    prompt: found.prompt ?? wanted.base_caption,
    negativePrompt: found.uc ?? unwanted.base_caption,
    width: found.width,
    height: found.height,
    seed: found.seed,
    steps: found.steps,
    guidance: found.scale,
    left: {
      sampler: found.sampler,
      scheduler: found.noise_schedule,
      parts: wanted.char_captions,
      denoise: found.strength,
    },
  });
}

function readDrawThings(found: Json): FoundSettings | null {
  const [width, height] = typeof found.size === "string" ? found.size.split("x") : [];
  return settingsOf({
    prompt: found.c,
    negativePrompt: found.uc,
    model: found.model,
    width,
    height,
    seed: found.seed,
    steps: found.steps,
    guidance: found.scale,
    left: { sampler: found.sampler, lora: found.lora, denoise: found.strength === 1 ? null : found.strength },
  });
}

function readFooocus(found: Json): FoundSettings | null {
  const [, width, height] = /(\d+)\D+(\d+)/.exec(String(found.resolution ?? "").slice(0, 50)) ?? [];
  const hasLora = Object.keys(found).some((name) => /^lora_?(combined_)?\d/.test(name)) ||
    isFilled(found.loras);
  return settingsOf({
    prompt: found.prompt,
    negativePrompt: found.negative_prompt,
    model: found.base_model,
    width,
    height,
    seed: found.seed,
    steps: found.steps,
    guidance: found.guidance_scale,
    left: {
      sampler: found.sampler,
      scheduler: found.scheduler,
      lora: hasLora,
      vae: found.vae === "Default (model)" ? null : found.vae,
      styles: isFilled(found.styles) && found.styles !== "[]",
    },
  });
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : typeof value === "string" && value !== "";
}

/** The names that most programs use. */
function readPlain(found: Json): FoundSettings | null {
  const [width, height] = typeof found.size === "string" ? found.size.split("x") : [];
  return settingsOf({
    prompt: found.prompt,
    negativePrompt: found.negative_prompt ?? found.negativePrompt ?? found.uc,
    model: nameOfModel(found.model) ?? found.use_stable_diffusion_model,
    width: found.width ?? width,
    height: found.height ?? height,
    seed: found.seed,
    steps: found.steps ?? found.num_inference_steps,
    guidance: found.cfg_scale ?? found.guidance_scale ?? found.guidance,
    left: {
      sampler: found.sampler ?? found.sampler_name,
      scheduler: found.scheduler,
      lora: found.loras ?? found.lora,
    },
  });
}
