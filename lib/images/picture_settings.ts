/**
 * The generator's fields as somebody's picture file says them. What a text is, is decided
 * by what it says and not by the name that it stands under: tools put JSON where others put lines, and the other way.
 */
import { readHiddenTexts } from "../pixels/hidden_texts.ts";
import { type PictureText, readPictureTexts } from "../pixels/picture_texts.ts";
import { formatOf } from "../pixels/format.ts";
import { Refusal } from "../refusal.ts";
import { type FoundSettings, settingsOf } from "./found_settings.ts";
import { hasParameters, readParameters } from "./generation_parameters.ts";
import { parseJson, readToolJson, splitBrackets } from "./tool_settings.ts";

/** Those in the file's texts, or else hidden in its pixels; refuses as `readPictureSettings` does. */
export async function findPictureSettings(bytes: Uint8Array): Promise<FoundSettings> {
  try {
    return readPictureSettings(bytes);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "invalid_request") throw error;
    const hidden = await readHiddenTexts(bytes);
    if (hidden.length === 0) throw error;
    return settingsIn(hidden);
  }
}

/** Refuses with `unsupported_media_type` or `invalid_request`; every other file brings fields, unchecked. */
export function readPictureSettings(bytes: Uint8Array): FoundSettings {
  if (formatOf(bytes) === null) {
    throw new Refusal("unsupported_media_type", "Settings are read from PNG, JPEG and WebP pictures");
  }
  return settingsIn(withInnerTexts(readPictureTexts(bytes)));
}

function settingsIn(texts: readonly PictureText[]): FoundSettings {
  const inOrder = texts.toSorted((a, b) => rank(a.name) - rank(b.name));
  let unread: string | null = null;
  for (const { name, text } of inOrder) {
    const outcome = readText(name, text, inOrder);
    if (typeof outcome === "string") unread ??= outcome;
    else if (outcome !== null) return outcome;
  }
  throw new Refusal("invalid_request", unread ?? markOf(inOrder) ?? "There are no settings in this picture");
}

/** Whose word counts first: whole settings before graphs, and both before descriptions. */
const order = [
  "parameters",
  "UserComment",
  "invokeai_metadata",
  "Comment",
  "prompt",
  "sd-metadata",
  "Dream",
  "generation_data",
  "comment",
  "XPComment",
  "ImageDescription",
  "Model",
  "Make",
  "workflow",
  "invokeai_workflow",
  "invokeai_graph",
  "Description",
];

function rank(name: string): number {
  const place = order.indexOf(name);
  return place < 0 ? order.length : place;
}

/** Under these names a text that is in no known form is the prompt itself. */
const plainNames = ["parameters", "UserComment", "prompt"];

/** Settings, words on why there are none although something is there, or null. */
function readText(name: string, text: string | null, texts: PictureText[]): FoundSettings | string | null {
  if (text === null) {
    return order.includes(name)
      ? "The settings in this picture are too long or broken, and are not read"
      : null;
  }
  const content = text.replace(/^\s*(prompt|workflow):\s*(?=\{)/i, "");
  const parsed = parseJson(content);
  if (parsed !== null) {
    const json = readToolJson(parsed);
    if (json.kind === "settings") return json.settings;
    return json.kind === "unread" && order.includes(name) ? unreadWords(json.tool) : null;
  }
  if (/^\s*[{[]/.test(content) && plainNames.includes(name) && !hasParameters(content)) {
    return /^\s*\{\s*"/.test(content)
      ? unreadWords("a tool that is not known here")
      : readPlain(name, content, texts);
  }
  if (name === "Dream") return readDream(content);
  if (/\bJob ID: [0-9a-f-]{30,40}/.test(content)) return readMidjourney(content);
  if (hasParameters(content)) return readParameters(content);
  return plainNames.includes(name) ? readPlain(name, content, texts) : null;
}

function unreadWords(tool: string): string {
  return `The settings in this picture are those of ${tool}, in a form that Darkroom does not read`;
}

/** Easy Diffusion has a text for each setting. */
function readPlain(name: string, text: string, texts: PictureText[]): FoundSettings | null {
  if (name !== "prompt") return readParameters(text);
  const told = (key: string) => texts.find((each) => each.name === key)?.text;
  return settingsOf({
    prompt: text,
    negativePrompt: told("negative_prompt"),
    model: told("use_stable_diffusion_model"),
    width: told("width"),
    height: told("height"),
    seed: told("seed"),
    steps: told("num_inference_steps"),
    guidance: told("guidance_scale"),
    left: { sampler: told("sampler_name"), lora: told("use_lora_model"), vae: told("use_vae_model") },
  });
}

/** The first InvokeAI kept its command: `"a cat [dog]" -s 50 -S 1 -W 512 -H 512 -C 7.5 -A k_lms`. */
function readDream(command: string): FoundSettings | null {
  const line = command.slice(0, 100_000);
  const end = line.lastIndexOf('"');
  if (!line.startsWith('"') || end <= 0) return null;
  const flag = (name: string) => new RegExp(` -${name} ?(\\S{1,100})`).exec(line.slice(end))?.[1];
  return settingsOf({
    ...splitBrackets(line.slice(1, end)),
    width: flag("W"),
    height: flag("H"),
    seed: flag("S"),
    steps: flag("s"),
    guidance: flag("C"),
    left: { sampler: flag("A"), denoise: flag("f") },
  });
}

function readMidjourney(description: string): FoundSettings | null {
  const [words] = description.split(/\s*\bJob ID: /, 1);
  const [prompt] = words.split(/\s--(?=[a-z])/, 1);
  const flags = words.slice(prompt.length).trim();
  return settingsOf({ prompt, left: { flags } });
}

/** Texts of XMP, and under the name of what they are in EXIF. */
function withInnerTexts(texts: PictureText[]): PictureText[] {
  const names: [element: string, name: string][] = [
    ["exif:UserComment", "UserComment"],
    ["dc:description", "Description"],
  ];
  const xmp = texts.find(({ name }) => name === "xmp")?.text ?? "";
  const inner = names.flatMap(([element, name]) => {
    const text = textOf(xmp, element);
    const isKnown = texts.some((each) => each.name === name);
    return text === null || isKnown ? [] : [{ name, text }];
  });
  return [...texts.filter(({ name }) => name !== "xmp"), ...inner];
}

/** The text of the first such element, or attribute. */
function textOf(xmp: string, element: string): string | null {
  const attribute = xmp.indexOf(` ${element}="`);
  if (attribute >= 0) {
    const start = attribute + element.length + 3;
    const end = xmp.indexOf('"', start);
    return end < 0 ? null : unescapeXml(xmp.slice(start, end));
  }
  const from = xmp.indexOf(`<${element}`);
  const to = from < 0 ? -1 : xmp.indexOf(`</${element}>`, from);
  if (to < 0) return null;
  const inside = xmp.slice(xmp.indexOf(">", from) + 1, to);
  const item = inside.indexOf("<rdf:li");
  const itemEnd = inside.indexOf("</rdf:li>", item);
  if (item < 0 || itemEnd < 0) return inside.includes("<") ? null : unescapeXml(inside);
  return unescapeXml(inside.slice(inside.indexOf(">", item) + 1, itemEnd));
}

const entities: { [name: string]: string } = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,4}));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const makers: [mark: RegExp, tool: string][] = [
  [/novelai/i, "NovelAI"],
  [/midjourney/i, "Midjourney"],
  [/draw ?things/i, "Draw Things"],
  [/invoke ?ai/i, "InvokeAI"],
  [/comfyui/i, "ComfyUI"],
  [/swarmui/i, "SwarmUI"],
  [/fooocus/i, "Fooocus"],
  [/stable diffusion/i, "a Stable Diffusion tool"],
  [/firefly/i, "Adobe Firefly"],
];

/** Who made the picture, where only that is said. */
function markOf(texts: PictureText[]): string | null {
  const said = texts.filter(({ name }) => ["Software", "Title", "Source", "Make", "Author"].includes(name))
    .map(({ text }) => text ?? "").join(" ").slice(0, 2000);
  const tool = makers.find(([mark]) => mark.test(said))?.[1];
  return tool === undefined
    ? null
    : `This picture is of ${tool}, whose settings in it are in a form that Darkroom does not read`;
}
