/**
 * Services that speak OpenAI's images API, each in its own way, and are known by name: what their models can do, what
 * they cost, and how they are asked. Prices are from their pages as of `pricesFrom`; where an answer tells what it
 * cost, that counts. What costs more by the step is asked for without a number of steps.
 */
import type { EditAbility, Model, ProviderCost } from "../catalog/provider.ts";
import type { PriceRow } from "../money/charge.ts";
import { type FormFile, multipart } from "../multipart.ts";
import { parseSize } from "../size.ts";
import { maskFile, partsOf, sourceFiles } from "./given_pictures.ts";
import type { Answered } from "./one_call.ts";
import { formOfEdit, given, plainFields, textFields, type Wire } from "./openai_dialects.ts";
import { readError } from "./openai_wire.ts";
import { dataAddress, nearestRatio, resolutionFor } from "./shape.ts";
import { type Fields, fieldsOf, listOf, numberOf, outcomeUnknown, reportedCost, textOf } from "./wire.ts";
import { wordModels } from "./word_models.ts";

/** A model as a service has it, before it is one of Darkroom's. */
export interface Offered extends Partial<Omit<Model, "id" | "provider" | "listed">> {
  id: string;
  sizes: string[];
  /** Null: nobody tells. */
  prices: OfferedPrice[] | null;
}

type OfferedPrice = Pick<PriceRow, "size" | "costMicros" | "perSourceMicros" | "validFrom">;

export interface Preset extends Wire {
  name: string;
  /** Where it is; null where everybody has their own. */
  address: string | null;
  /** By which it is known under any name. */
  hosts: RegExp | null;
  /** Where it tells what it has: the first that answers counts. */
  lists(at: { api: string; root: string }): string[];
  offers(listed: unknown): Offered[];
  /** What is left there, where its list tells. */
  balanceOf?(listed: unknown): string | null;
}

const pricesFrom = "2026-11-22";

const usual = ["512x512", "768x768", "1024x1024", "1536x1536", "1536x1024", "1024x1536"];
const megapixel = 1024 * 1024;
const mostListed = 1000;

/** Of a list in OpenAI's shape, or a bare one. */
function entriesOf(listed: unknown): (Fields & { id: string })[] {
  const entries = Array.isArray(listed) ? listed : listOf(fieldsOf(listed).data);
  return entries.slice(0, mostListed).map(fieldsOf).flatMap((entry) => {
    const id = textOf(entry.id);
    return id !== null && /^[\w./:@+-]{1,120}$/.test(id) ? [{ ...entry, id }] : [];
  });
}

function flat(dollars: number, perSource?: number): OfferedPrice[] {
  return [{
    size: "*",
    costMicros: Math.round(dollars * 1_000_000),
    ...(perSource !== undefined && { perSourceMicros: Math.round(perSource * 1_000_000) }),
    validFrom: pricesFrom,
  }];
}

/** By area, where each begun megapixel counts. */
function byArea(dollars: number, sizes: readonly string[]): OfferedPrice[] {
  return sizes.map((size) => {
    const { width, height } = parseSize(size);
    const costMicros = Math.ceil(width * height / megapixel) * Math.round(dollars * 1_000_000);
    return { size, costMicros, validFrom: pricesFrom };
  });
}

/** The first of these whose name fits. */
function known<T>(table: readonly [name: RegExp, value: T][], id: string): T | null {
  return table.find(([name]) => name.test(id))?.[1] ?? null;
}

const grokRatios = ["1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "1:2", "2:1"];
/** The dearest quality and resolution of each, and what a picture costs that is given to it. */
const grokPrices: [name: RegExp, prices: OfferedPrice[]][] = [
  [/^grok-imagine-image-2/, flat(0.08, 0.01)],
  [/^grok-imagine-image-quality/, flat(0.07, 0.01)],
  [/^grok-imagine-image$/, flat(0.02, 0.002)],
  // One that is newer than this list, as the dearest of it.
  [/./, flat(0.08, 0.01)],
];

/** docs.x.ai: no `size`, and pictures to be changed stand in JSON. */
const xai: Preset = {
  name: "xAI",
  address: "https://api.x.ai/v1",
  hosts: /(^|\.)x\.ai$/,
  lists: ({ api }) => [`${api}/models`],
  offers: (listed) =>
    entriesOf(listed).filter(({ id }) => /image/.test(id) && !/video/.test(id)).map(({ id }) => ({
      id,
      sizes: [...usual, "1536x864", "864x1536", "2048x2048"],
      edit: given(3),
      prices: known(grokPrices, id),
    })),
  fields: (task) => ({
    model: task.model,
    prompt: task.prompt,
    n: 1,
    aspect_ratio: nearestRatio(task, grokRatios),
    resolution: resolutionFor(task) === "1K" ? "1k" : "2k",
    response_format: "b64_json",
  }),
  editCall({ sources }, fields) {
    const images = sources.map((source) => ({ url: dataAddress(source), type: "image_url" }));
    const ofPictures = images.length === 1 ? { image: images[0] } : { images };
    return { path: "edits", body: { ...fields, ...ofPictures } };
  },
  costOf: ({ json }) => {
    const ticks = numberOf(fieldsOf(fieldsOf(json.at(-1)).usage).cost_in_usd_ticks);
    return ticks === null ? null : reportedCost(ticks / 10_000_000_000);
  },
};

const recraftSizes = [
  "1024x1024",
  "1536x768",
  "768x1536",
  "1280x832",
  "832x1280",
  "1216x896",
  "896x1216",
  "1152x896",
  "896x1152",
  "1344x768",
  "768x1344",
];
const recraftProSizes = recraftSizes.map((size) => {
  const { width, height } = parseSize(size);
  return `${width * 2}x${height * 2}`;
});
const recraftPro = "recraftv4_pro";
const recraftV3Sizes = [
  "1024x1024",
  "1536x1024",
  "1024x1536",
  "1280x1024",
  "1024x1280",
  "1820x1024",
  "1024x1820",
];
const recraftEdit: EditAbility = { ...given(1, "binary-white"), strength: { min: 0, max: 1, step: 0.05 } };
/** By itself it begins from about a half. */
const recraftStrength = 0.5;

/** recraft.ai/docs: models that draw lines (SVG) are left out, since such pictures are never served. */
const recraft: Preset = {
  name: "Recraft",
  address: "https://external.api.recraft.ai/v1",
  hosts: /(^|\.)recraft\.ai$/,
  lists: ({ api }) => [`${api}/users/me`],
  offers: () => [
    { id: "recraftv4_1", name: "Recraft V4.1", sizes: recraftSizes, prices: flat(0.04) },
    { id: "recraftv4", name: "Recraft V4", sizes: recraftSizes, prices: flat(0.04) },
    {
      id: recraftPro,
      name: "Recraft V4 Pro",
      sizes: ["1024x1024", ...recraftProSizes],
      prices: flat(0.25),
    },
    { id: "recraftv3", name: "Recraft V3", sizes: recraftV3Sizes, edit: recraftEdit, prices: flat(0.04) },
  ],
  balanceOf: (listed) => {
    const credits = numberOf(fieldsOf(listed).credits);
    return credits === null ? null : `${credits} credits`;
  },
  // The finest makes nothing smaller.
  fields: (task) => {
    const isSmall = task.model === recraftPro && task.width * task.height <= megapixel;
    return plainFields(isSmall ? { ...task, width: task.width * 2, height: task.height * 2 } : task);
  },
  async editCall(edit, { size: _, ...fields }) {
    const [image] = sourceFiles(edit);
    const strength: [string, string][] = edit.mask === null
      ? [["strength", String(edit.strength ?? recraftStrength)]]
      : [];
    const mask: [string, FormFile][] = edit.mask === null ? [] : [["mask", maskFile(edit.mask)]];
    return {
      path: edit.mask === null ? "imageToImage" : "inpaint",
      body: await multipart([...textFields(fields), ...strength, ["image", image], ...mask]),
    };
  },
  costOf: ({ json }) => {
    const credits = numberOf(fieldsOf(json.at(-1)).credits);
    return credits === null ? null : reportedCost(credits / 1000);
  },
};

/** By the megapixel. Others are known by name only. */
const togetherPrices: [name: RegExp, dollars: number][] = [
  [/FLUX\.1-schnell/i, 0.0027],
  [/FLUX\.1-krea/i, 0.025],
  [/FLUX\.1\.1-pro/i, 0.04],
  [/FLUX\.1-kontext-pro/i, 0.04],
  [/FLUX\.1-kontext-max/i, 0.08],
  [/FLUX\.2-dev/i, 0.0154],
  [/FLUX\.2-(pro|flex)/i, 0.03],
];

function addressed(max: number): EditAbility {
  const { sources, ...ability } = given(max);
  return { ...ability, sources: { ...sources, by: "address" } };
}

/** docs.together.ai: width and height apart, and pictures to be changed are fetched from an address. */
const together: Preset = {
  name: "Together",
  address: "https://api.together.xyz/v1",
  hosts: /(^|\.)together\.(xyz|ai)$/,
  lists: ({ api }) => [`${api}/models`],
  offers: (listed) =>
    entriesOf(listed).filter(({ type }) => type === "image").map(({ id }) => {
      const dollars = known(togetherPrices, id);
      return {
        id,
        sizes: usual,
        options: { seed: true, negativePrompt: true, guidance: null, steps: null },
        edit: /kontext/i.test(id)
          ? addressed(1)
          : /FLUX\.2|flash-image|gemini-3-pro/i.test(id)
          ? addressed(4)
          : null,
        prices: dollars === null ? null : byArea(dollars, usual),
      };
    }),
  fields: ({ model, prompt, width, height, seed, negativePrompt }) => ({
    model,
    prompt,
    n: 1,
    width,
    height,
    response_format: "base64",
    output_format: "png",
    ...(seed !== undefined && { seed }),
    ...(negativePrompt !== undefined && { negative_prompt: negativePrompt }),
  }),
  editCall({ sources }, fields) {
    const addresses = sources.map(({ address }) => address);
    const ofPictures = /kontext/i.test(String(fields.model))
      ? { image_url: addresses[0] }
      : { reference_images: addresses };
    return { path: "generations", body: { ...fields, ...ofPictures } };
  },
};

/** A picture, or by the megapixel. */
const deepInfraPrices: [name: RegExp, price: { flat: number } | { byArea: number }][] = [
  [/FLUX-2-max/i, { flat: 0.07 }],
  [/FLUX-1\.1-pro/i, { flat: 0.04 }],
  [/FLUX-pro/i, { flat: 0.05 }],
  [/FLUX-2-klein-4b/i, { byArea: 0.014 }],
  [/FLUX-2-dev/i, { byArea: 0.01 }],
];

/** deepinfra.com: OpenAI's form, and a list in which the makers of pictures are known by their names only. */
const deepInfra: Preset = {
  name: "DeepInfra",
  address: "https://api.deepinfra.com/v1/openai",
  hosts: /(^|\.)deepinfra\.com$/,
  lists: ({ api }) => [`${api}/models`],
  offers: (listed) =>
    entriesOf(listed).filter(({ id }) => picturesByName.test(id)).map(({ id }) => {
      const price = known(deepInfraPrices, id);
      const prices = price === null ? null : "flat" in price ? flat(price.flat) : byArea(price.byArea, usual);
      return { id, sizes: usual, edit: /kontext|edit|FLUX-2/i.test(id) ? given(1) : null, prices };
    }),
  fields: plainFields,
  editCall: (edit, fields) => formOfEdit(edit, fields, "image"),
};

const picturesByName =
  /flux|stable-?diffusion|sdxl|\bsd[-_]?[23]|dall-?e|image|imagen|photon|hidream|juggernaut|seedream|ideogram|recraft|fibo|\bbria\b|kandinsky|pixart|playground-v/i;

/** docs.litellm.ai: a gateway that tells of each model what it is for, and of each answer what it cost. */
const liteLlm: Preset = {
  name: "LiteLLM",
  address: null,
  hosts: null,
  lists: ({ api, root }) => [`${root}/model/info`, `${api}/models`],
  offers(listed) {
    const entries = Array.isArray(listed) ? [] : listOf(fieldsOf(listed).data).map(fieldsOf);
    const detailed = entries.flatMap(({ model_name: name, model_info: info }) => {
      const { mode, output_cost_per_image: dollars } = fieldsOf(info);
      const isForPictures = mode === "image_generation" || mode === "image_edit";
      return isForPictures ? [{ id: textOf(name) ?? "", dollars: numberOf(dollars) }] : [];
    });
    const plain = entriesOf(listed).filter(({ id }) => picturesByName.test(id) && !wordModels.test(id))
      .map(({ id }) => ({ id, dollars: null }));
    const all = detailed.length > 0 ? detailed : plain;
    return all.filter(({ id }, index) => id !== "" && all.findIndex((each) => each.id === id) === index)
      .map(({ id, dollars }) => ({
        id,
        sizes: usual,
        edit: /gpt-image|edit|kontext|flux-2/i.test(id) ? given(4) : null,
        prices: dollars === null ? null : flat(dollars),
      }));
  },
  fields: plainFields,
  editCall: (edit, fields) => formOfEdit(edit, fields, "image[]"),
  costOf: ({ headers }) => {
    const dollars = numberOf(headers.get("x-litellm-response-cost"));
    return dollars === null ? null : reportedCost(dollars);
  },
};

/** What a Darkroom may add to a row of its own, for words and thinking: the most that it ships with. */
const beyondRows: NonNullable<Model["listedUsage"]> = {
  provider: "darkroom",
  models: [],
  perMillion: { textIn: 5_000_000, textOut: 7_500_000 },
  allowance: { textOut: 1500 },
  validFrom: pricesFrom,
};

/** Another Darkroom, by its own list; a request that comes twice is one prompt there. */
const darkroom: Preset = {
  name: "Darkroom",
  address: null,
  hosts: null,
  lists: ({ root }) => [`${root}/api/v1/models`],
  offers: (listed) => listOf(fieldsOf(listed).models).flatMap((each) => offeredByDarkroom(fieldsOf(each))),
  fields: ({ seed, negativePrompt, guidance, steps, ...task }) => ({
    ...plainFields(task as Parameters<typeof plainFields>[0]),
    ...(seed !== undefined && { seed }),
    ...(negativePrompt !== undefined && { negative_prompt: negativePrompt }),
    ...(guidance !== undefined && { guidance }),
    ...(steps !== undefined && { steps }),
  }),
  async editCall(edit, fields) {
    const { base, others } = partsOf(edit);
    const sources = base === null ? others : [base, ...others];
    const files = sourceFiles({ sources }).map((file): [string, FormFile] => ["image[]", file]);
    const mask: [string, FormFile][] = edit.mask === null ? [] : [["mask", maskFile(edit.mask)]];
    return {
      path: "edits",
      // This Darkroom keeps the rest itself.
      body: await multipart([...textFields({ ...fields, keep: false }), ...files, ...mask]),
    };
  },
  headers: ({ taskKey }) => ({ "Idempotency-Key": taskKey }),
  costOf: darkroomCost,
  failureOf({ json }) {
    const code = readError(json[0])?.code ?? "";
    return /^(still_running|outcome_unknown|timeout)$/.test(code) ? outcomeUnknown(`it says ${code}`) : null;
  },
};

function darkroomCost({ headers, json }: Answered): ProviderCost | null {
  const micros = numberOf(headers.get("x-darkroom-cost-micros")) ??
    numberOf(fieldsOf(fieldsOf(json.at(-1)).darkroom).costMicros);
  return micros === null ? null : reportedCost(micros / 1_000_000);
}

function offeredByDarkroom(fields: Fields): Offered[] {
  const id = textOf(fields.id);
  const sizes = listOf(fields.sizes).flatMap((size) =>
    /^\d{2,4}x\d{2,4}$/.test(String(size)) ? [String(size)] : []
  );
  if (id === null || sizes.length === 0) return [];
  const options = fieldsOf(fields.options);
  const sources = fieldsOf(fieldsOf(fields.edit).sources);
  const most = numberOf(sources.max);
  const prices = listOf(fields.prices).map(fieldsOf).flatMap((row): OfferedPrice[] => {
    const costMicros = numberOf(row.costMicros);
    if (costMicros === null || costMicros < 0 || row.lane !== undefined) return [];
    const perSourceMicros = numberOf(row.perSourceMicros) ?? 0;
    return [{ size: String(row.size), costMicros, perSourceMicros, validFrom: pricesFrom }];
  });
  return [{
    id,
    name: textOf(fields.name) ?? id,
    sizes,
    options: {
      seed: options.seed === true,
      negativePrompt: options.negativePrompt === true,
      guidance: rangeOf(options.guidance),
      steps: rangeOf(options.steps),
    },
    edit: most === null || most < 1 ? null : given(Math.min(16, most), "alpha"),
    prices: prices.length === 0 ? null : prices,
    ...(prices.some(({ costMicros }) => costMicros > 0) && { listedUsage: beyondRows }),
  }];
}

function rangeOf(value: unknown): { min: number; max: number; step: number } | null {
  const [min, max, step] = [fieldsOf(value).min, fieldsOf(value).max, fieldsOf(value).step].map(numberOf);
  return min === null || max === null || step === null ? null : { min, max, step };
}

export const presets: { [name: string]: Preset } = {
  xai,
  recraft,
  together,
  deepinfra: deepInfra,
  litellm: liteLlm,
  darkroom,
};

/** By where it is, else by what it is called; null for one that has to be asked. */
export function presetOf({ name, address }: { name: string; address: string | null }): Preset | null {
  const host = address === null ? "" : new URL(address).hostname;
  return Object.values(presets).find(({ hosts }) => hosts?.test(host)) ?? presets[name] ?? null;
}
