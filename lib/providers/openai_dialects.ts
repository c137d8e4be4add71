/**
 * Servers that speak OpenAI's images API, or a part of it, each in its own way: which of it, and what beyond. These are
 * told apart by what they say of themselves; services that are known by name are in `openai_presets.ts`.
 */
import type {
  EditAbility,
  Model,
  ProviderCost,
  ProviderFailure,
  TaskEdit,
  TaskRequest,
} from "../catalog/provider.ts";
import { type FormFile, multipart } from "../multipart.ts";
import type { ProviderCall } from "../outgoing.ts";
import { maskFile, partsOf, sourceFiles } from "./given_pictures.ts";
import type { Answered } from "./one_call.ts";
import type { Fields } from "./wire.ts";

/** How a server is asked for pictures. */
export interface Wire {
  /** What stands in the body of a request. */
  fields(task: TaskRequest): Fields;
  /** The request that makes a picture from others, below the API's own address. */
  editCall(edit: TaskEdit, fields: Fields, task: TaskRequest): EditCall | Promise<EditCall>;
  /** Beside the key. */
  headers?(task: TaskRequest): Record<string, string>;
  /** What it says that an answer costs; absent where it never does. */
  costOf?(answer: Answered): ProviderCost | null;
  /** Where its codes say more than OpenAI's. */
  failureOf?(answer: Answered, task: TaskRequest): ProviderFailure | null;
}

/** How a kind of server is asked, and what its models can do. */
export interface Dialect extends Wire {
  name: string;
  options: Model["options"];
  /** What this model of it can do with pictures; null where that is not known. */
  edit(model: string): EditAbility | null;
}

/** `path` is below the one of pictures. */
export type EditCall = Pick<ProviderCall, "body"> & { path: string };

/** What is common to all of them. */
export function plainFields({ model, prompt, width, height }: TaskRequest): Fields {
  return { model, prompt, n: 1, size: `${width}x${height}`, response_format: "b64_json" };
}

const diffusionOptions: Model["options"] = {
  seed: true,
  negativePrompt: true,
  guidance: { min: 0, max: 20, step: 0.5 },
  steps: { min: 1, max: 200, step: 1 },
};
const diffusionFields = (task: TaskRequest): Fields => ({ ...plainFields(task), ...diffusion(task) });
const diffusion = ({ seed, negativePrompt, guidance, steps }: TaskRequest): Fields => ({
  ...(seed !== undefined && { seed }),
  ...(negativePrompt !== undefined && { negative_prompt: negativePrompt }),
  ...(guidance !== undefined && { guidance_scale: guidance }),
  ...(steps !== undefined && { num_inference_steps: steps }),
});

export const given = (max: number, mask: EditAbility["mask"] = null): EditAbility => ({
  sources: {
    max,
    maxBytes: 8_000_000,
    longestSide: 2048,
    contentTypes: ["image/png", "image/jpeg"],
    by: "bytes",
    roles: false,
  },
  mask,
  strength: null,
  sizes: "list",
});

/**
 * vLLM-Omni and SGLang have one path for all of their models, so only a model's name tells whether it takes pictures.
 * SGLang accepts a mask and does nothing with it.
 */
const editModels: [name: RegExp, max: number][] = [
  [/edit-?(plus|25\d\d)|flux[._-]?2|klein/i, 3],
  [/edit|kontext|omnigen|bagel/i, 1],
];
const byName = (model: string) => {
  const known = editModels.find(([name]) => name.test(model));
  return known === undefined ? null : given(known[1]);
};

/** OpenAI's form. */
export async function formOfEdit(edit: TaskEdit, fields: Fields, name: string) {
  const files = sourceFiles(edit).map((file): [string, FormFile] => [name, file]);
  return { path: "edits", body: await multipart([...textFields(fields), ...files]) };
}

export function textFields(fields: Fields): [name: string, value: string][] {
  return Object.entries(fields).map(([name, value]) => [name, String(value)]);
}

export const dialects = {
  localAi: {
    name: "LocalAI",
    options: { seed: false, negativePrompt: true, guidance: null, steps: { min: 1, max: 150, step: 1 } },
    // What stands behind a bar is left out of the picture, so a bar in the words would cut them off.
    fields: ({ negativePrompt, steps, ...task }) => ({
      ...plainFields(task),
      prompt: [task.prompt, ...(negativePrompt === undefined ? [] : [negativePrompt])]
        .map((text) => text.replaceAll("|", ",")).join("|"),
      ...(steps !== undefined && { step: steps }),
    }),
    edit: () => given(4, "white"),
    editCall: localAiCall,
  },
  vllmOmni: {
    name: "vLLM-Omni",
    options: diffusionOptions,
    fields: diffusionFields,
    edit: byName,
    editCall: (edit, fields) => formOfEdit(edit, fields, "image[]"),
  },
  sglang: {
    name: "SGLang",
    options: diffusionOptions,
    fields: diffusionFields,
    edit: byName,
    editCall: (edit, fields) => formOfEdit(edit, fields, "image[]"),
  },
  other: {
    name: "OpenAI-compatible server",
    options: { seed: false, negativePrompt: false, guidance: null, steps: null },
    fields: plainFields,
    edit: () => null,
    editCall: (edit, fields) => formOfEdit(edit, fields, "image"),
  },
  otherWithEdits: {
    name: "OpenAI-compatible server",
    options: { seed: false, negativePrompt: false, guidance: null, steps: null },
    fields: plainFields,
    edit: () => given(1),
    editCall: (edit, fields) => formOfEdit(edit, fields, "image"),
  },
} satisfies Record<string, Dialect>;

/**
 * LocalAI changes a marked part by a form of its own, of one picture; everything else it makes as it makes pictures
 * from words. Some of its engines begin from `file`, and others look at the first of `ref_images`.
 */
async function localAiCall(edit: TaskEdit, fields: Fields) {
  const { base, others } = partsOf(edit);
  if (edit.mask !== null && base !== null && others.length === 0) {
    const { model, prompt, step: steps } = fields;
    const texts = textFields({ model, prompt, ...(steps !== undefined && { steps }) });
    const [image] = sourceFiles({ sources: [base] });
    return {
      path: "inpainting",
      body: await multipart([...texts, ["image", image], ["mask", maskFile(edit.mask)]]),
    };
  }
  const references = base === null ? others : [base, ...others];
  return {
    path: "generations",
    body: {
      ...fields,
      ...(base !== null && { file: base.bytes.toBase64() }),
      ref_images: references.map(({ bytes }) => bytes.toBase64()),
    },
  };
}
