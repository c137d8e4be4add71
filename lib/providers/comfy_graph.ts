/** A graph for ComfyUI as a template and a task make it, and the pictures that are sent there before. */
import sharp from "sharp";
import { ProviderFailure, type SentPicture, type TaskEdit, type TaskRequest } from "../catalog/provider.ts";
import { type FormFile, multipart } from "../multipart.ts";
import { type JsonAnswer, OutgoingFailure } from "../outgoing.ts";
import type { ComfyTemplate, Graph, MappedName } from "./comfy_templates.ts";
import { callMs, type ComfyCall, type Handle, notHandedIn, wordsOf } from "./comfy_wire.ts";
import { partsOf, sourceFiles } from "./given_pictures.ts";
import { fieldsOf, textOf } from "./wire.ts";

/** The template with what people chose, once the server has the pictures that it names. */
export async function graphFor(
  task: TaskRequest,
  { template, handle, ask, signal }: {
    template: ComfyTemplate;
    handle: Handle;
    ask: ComfyCall;
    signal: AbortSignal;
  },
): Promise<Graph> {
  const { edit, guidance: cfg, negativePrompt: negative, prompt, steps, width, height } = task;
  const pictures = edit === undefined ? {} : await upload(edit, { template, handle, ask, signal });
  const values: { [name in MappedName]?: unknown } = {
    prompt,
    negative,
    seed: handle.seed ?? undefined,
    steps,
    cfg,
    width,
    height,
    strength: edit?.strength,
    ...pictures,
  };
  const graph = structuredClone(template.graph);
  for (const [name, value] of Object.entries(values) as [MappedName, unknown][]) {
    if (value === undefined) continue;
    for (const { node, input } of template.targets[name] ?? []) graph[node].inputs[input] = value;
  }
  return graph;
}

/** The picture, and what may change of it: as its transparency where one input takes both, else as a second one. */
async function upload(
  edit: TaskEdit,
  { template: { targets }, handle: { promptId }, ask, signal }: {
    template: ComfyTemplate;
    handle: Handle;
    ask: ComfyCall;
    signal: AbortSignal;
  },
): Promise<{ image?: string; mask?: string }> {
  const { base, others: [first] } = partsOf(edit);
  const source = base ?? first;
  const [file] = sourceFiles({ sources: [source] });
  const [, extension] = file.name.split(".");
  const image = await send("/upload/image", {
    file: { ...file, name: `${promptId}.${extension}` },
    ask,
    signal,
  });
  if (targets.mask === undefined) return { image };
  const mask: FormFile = {
    bytes: await encodeArea(source, edit.area),
    contentType: "image/png",
    name: `${promptId}-mask.png`,
  };
  const isOne = targets.mask.some(({ node, input }) =>
    targets.image!.some((each) => each.node === node && each.input === input)
  );
  if (!isOne) return { image, mask: await send("/upload/image", { file: mask, ask, signal }) };
  return { mask: await send("/upload/mask", { file: mask, original: image, ask, signal }) };
}

/** Returns the name by which nodes load it. */
async function send(
  path: string,
  { file, original, ask, signal }: {
    file: FormFile;
    original?: string;
    ask: ComfyCall;
    signal: AbortSignal;
  },
): Promise<string> {
  const reference = original === undefined ? [] : [
    ["original_ref", JSON.stringify({ ...splitName(original), type: "input" })] as [string, string],
  ];
  const form = await multipart([
    ["image", file],
    ["type", "input"],
    ["subfolder", folder],
    ["overwrite", "true"],
    ...reference,
  ]);
  let answer: JsonAnswer;
  try {
    answer = await ask(path, { body: form, signal, timeoutMs: callMs });
  } catch (error) {
    // Nothing runs yet, so it may be done again.
    if (!(error instanceof OutgoingFailure)) throw error;
    throw notHandedIn(error.message, error);
  }
  const { name, subfolder } = fieldsOf(answer.json);
  if (answer.status === 200 && textOf(name) !== null) {
    const within = textOf(subfolder);
    return within === null ? String(name) : `${within}/${name}`;
  }
  const said = wordsOf(answer.json) ?? `It answered ${answer.status} to a picture`;
  if (answer.status >= 500) {
    const details = { outcome: "not_created" as const, isRetryable: true, said };
    throw new ProviderFailure("provider_unavailable", "it takes no picture now", details);
  }
  throw new ProviderFailure("source_refused", "it would not take a picture", {
    outcome: "not_created",
    said,
  });
}

/** Below the server's folder of inputs. */
const folder = "darkroom";

function splitName(name: string): { filename: string; subfolder: string } {
  const slash = name.lastIndexOf("/");
  return { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)) };
}

/**
 * What may change, in each form that templates read: transparent, as `LoadImage` has it, and white, for nodes that load a
 * colour. All of it, where nothing is marked.
 */
async function encodeArea(
  { width, height }: Pick<SentPicture, "width" | "height">,
  area: Uint8Array | null,
): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const change = area === null ? 255 : area[i];
    pixels.fill(change, i * 4, i * 4 + 3);
    pixels[i * 4 + 3] = 255 - change;
  }
  return new Uint8Array(
    await sharp(pixels, { raw: { width, height, channels: 4 } }).png().toBuffer(),
  );
}
