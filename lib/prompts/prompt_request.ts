/** What may be asked for: one schema for the JSON API, the forms and quotes, then checked against the chosen model. */
import { z } from "zod";
import { readFields } from "../fields.ts";
import { cutText } from "../graphemes.ts";
import { notFound, Refusal } from "../refusal.ts";
import { type Models, unknownModel } from "../catalog/models.ts";
import { isSeen, lettersNotDrawn } from "../pixels/watermark_font.ts";
import { invalidSize, planEdit } from "./edit_plan.ts";
import type { Filing, PromptRequest, RecipeUse, Source } from "./prompt.ts";
import type { RemixOf } from "../publications/remixes.ts";
import { type Model, type Range, sourceRoles } from "../catalog/provider.ts";
import type { Frame, Rect, Size } from "../size.ts";
import { BadMask, demandShape } from "../pixels/mask_shape.ts";
import { tagsValue } from "../tags.ts";

export const defaultSize = "1024x1024";
export const maxSeed = 4_294_967_295;
const maxWatermarkChars = 100;
const maxNegativeChars = 1000;
/** In UTF-16 units: a record of the database has 64 KiB, and what becomes of the prompt needs room in it too. */
export const mostStoredUnits = 20_000;

const promptMissing = "Prompt is required and must be a non-empty string";

/** Text that survives every encoding: no NUL or other control characters, no half of a surrogate pair. */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text);
}

/** Of a request, whatever its model takes. */
export const mostSources = 16;
const featherWords = "feather must be a whole number from 0 to 64";
const strengthWords = "strength must be a number from 0 to 1";
const sideWords = "extend takes whole numbers of pixels, each 0 or more";
const side = z.int({ error: sideWords }).min(0, sideWords).default(0);
const sourcesWords = 'sources must be a list such as [{"id": "…", "role": "base"}]';
const roleWords = "A source's role is base, style, subject or reference";

const namingInput = z.object({
  sources: z.array(z.object({ id: z.string() })).max(mostSources).optional(),
  mask: z.string().optional(),
  boardId: z.string().optional(),
  remixOf: z.string().optional(),
  recipeId: z.string().optional(),
  recipeVersion: z.int().optional(),
});

const recipeVersionWords = "recipeVersion must be the number of a version of the recipe";

/** For an object that is none; a field that it has not is named by itself. */
function wordsFor(words: string) {
  return ({ code }: { code?: string }) => code === "unrecognized_keys" ? undefined : words;
}

const cleanText = (name: string, max: number) =>
  z.string({ error: `${name} must be text` })
    .max(max, `${name} must be at most ${max} characters`)
    .refine(isCleanText, `${name} must not contain control characters or broken Unicode`);

/** The fields of a request as they come; unknown ones are refused by name. */
export const promptInput = z.strictObject({
  prompt: z.string({ error: promptMissing }).refine((text) => text.trim() !== "", promptMissing)
    .refine(isCleanText, "Prompt must not contain control characters or broken Unicode").meta({
      description:
        "What is to be seen: at least a word, and at most as many characters as the server takes " +
        "(`PROMPT_MAX_CHARS`, usually 500), without control characters.",
      examples: ["a lighthouse at dusk above a stormy sea"],
    }),
  model: z.string({ error: "Model must be text" }).optional().describe(
    "The id of a model that `GET /api/v1/models` lists; left out: the default.",
  ),
  imageSize: z.string({ error: "Image size must be text such as 1024x1024" }).optional().meta({
    description: "WIDTHxHEIGHT, one of the sizes that the model lists; left out: 1024x1024, or with a base " +
      "its own size.",
    examples: ["1024x1024"],
  }),
  count: z.int({ error: "count must be a whole number from 1 to 8" })
    .min(1, "count must be a whole number from 1 to 8").max(8, "count must be a whole number from 1 to 8")
    .optional().describe("Pictures wanted, at most as many as the model makes at once; left out: 1."),
  watermark: cleanText("watermark", maxWatermarkChars).optional().describe(
    "Text in the lower right corner, of letters that can be drawn.",
  ),
  seed: z.int({ error: `seed must be a whole number from 0 to ${maxSeed}` })
    .min(0, `seed must be a whole number from 0 to ${maxSeed}`)
    .max(maxSeed, `seed must be a whole number from 0 to ${maxSeed}`).optional()
    .describe("Only where the model has it, as the next three."),
  negativePrompt: cleanText("negativePrompt", maxNegativeChars).optional().describe(
    "What is not to be seen.",
  ),
  guidance: z.number({ error: "guidance must be a number" }).optional().describe(
    "Within the range that the model lists.",
  ),
  steps: z.int({ error: "steps must be a whole number" }).optional().describe(
    "Within the range that the model lists.",
  ),
  sources: z.array(
    z.strictObject({
      id: z.string({ error: sourcesWords }),
      role: z.enum(sourceRoles, { error: roleWords }).optional(),
    }, { error: wordsFor(sourcesWords) }),
    { error: sourcesWords },
  ).optional().describe(
    "Pictures that are changed or shown to the model, at most as many as it takes. The first is the base " +
      "where nothing else is said; only one can be.",
  ),
  mask: z.string({ error: "mask must be the id of a mask" }).optional().describe(
    "The id of a mask of the base: only there it changes.",
  ),
  feather: z.int({ error: featherWords }).min(0, featherWords).max(64, featherWords).optional()
    .describe("Pixels over which the mask's edge fades; left out: 0."),
  keep: z.boolean({ error: "keep must be true or false" }).optional().describe(
    "What is outside of the mask or the frame stays pixel by pixel; left out: it does.",
  ),
  onlyPart: z.boolean({ error: "onlyPart must be true or false" }).optional().describe(
    "Send the model only the part around the mask; left out: where that helps.",
  ),
  extend: z.strictObject({ left: side, top: side, right: side, bottom: side }, {
    error: wordsFor('extend must be pixels such as {"left": 0, "top": 0, "right": 512, "bottom": 0}'),
  }).optional().describe("How far the base is extended, in its pixels. Not together with a mask."),
  strength: z.number({ error: strengthWords }).min(0, strengthWords).max(1, strengthWords).optional()
    .describe("How much of the base may change, where the model has it."),
  boardId: z.string({ error: "boardId must be the id of a board" }).optional().describe(
    "The board that the pictures are put on.",
  ),
  tags: tagsValue.optional(),
  remixOf: z.string({ error: "remixOf must be the id of a publication" }).optional().describe(
    "The publication that it goes back to.",
  ),
  recipeId: z.string({ error: "recipeId must be the id of a recipe" }).optional().describe(
    "The recipe that it is made with; goes together with `recipeVersion`.",
  ),
  recipeVersion: z.int({ error: recipeVersionWords }).min(1, recipeVersionWords).optional(),
}).meta({ id: "PromptRequest", description: "A request for pictures." });

type PromptInput = z.output<typeof promptInput>;

/** The pictures and the mask that a request names, as they are; a board that it names is there. */
export interface Named {
  sources: ReadonlyMap<string, NamedPicture>;
  mask: NamedMask | null;
  /** Absent where the request names none. */
  remixOf?: RemixOf;
}

export interface NamedPicture {
  id: string;
  sha256: string;
  width: number;
  height: number;
  /** Null: it was uploaded. */
  promptId: string | null;
  /** What it is a copy of; absent where it is one's own. */
  remixOf?: RemixOf;
}

export interface NamedMask {
  id: string;
  /** The picture that it is for. */
  imageId: string;
  width: number;
  height: number;
  bounds: Rect;
}

const nothingNamed: Named = { sources: new Map(), mask: null };

/** Ids that a request names. */
export interface NamedIds {
  imageIds: string[];
  maskId: string | null;
  boardId: string | null;
  /** Of a publication. */
  remixOf: string | null;
  recipe: RecipeUse | null;
}

/** The ids in a request that is not checked yet; none where there are more than any model takes. */
export function namedIn(input: unknown): NamedIds {
  const { success, data } = namingInput.safeParse(input);
  if (!success) return { imageIds: [], maskId: null, boardId: null, remixOf: null, recipe: null };
  const { sources, mask = null, boardId = null, remixOf = null, recipeId, recipeVersion } = data;
  return {
    imageIds: [...new Set(sources?.map(({ id }) => id))],
    maskId: mask,
    boardId,
    remixOf,
    recipe: recipeOf({ recipeId, recipeVersion }) ?? null,
  };
}

/** What is asked for, by which model, where its pictures go, and the recipe that it is made with. */
export interface CheckedRequest {
  request: PromptRequest;
  model: Model;
  filing: Filing | undefined;
  recipe: RecipeUse | undefined;
}

/** A complete request for a model on offer; throws `Refusal`. */
export function checkPromptRequest(
  input: unknown,
  { models, maxChars, named = nothingNamed }: { models: Models; maxChars: number; named?: Named },
): CheckedRequest {
  const { prompt, imageSize, count = 1, watermark, boardId, tags, recipeId, recipeVersion, ...rest } =
    readFields(promptInput, input, {
      refuse: (field, words) => refuseField(field, words, { input, models }),
    });
  if (Array.from(prompt).length > maxChars) {
    throw new Refusal("invalid_prompt", `Prompt must be at most ${maxChars} characters`, { field: "prompt" });
  }
  if (prompt.length > mostStoredUnits) {
    const words =
      `Prompt must be at most ${mostStoredUnits} characters, where emoji and rare letters count two`;
    throw new Refusal("invalid_prompt", words, { field: "prompt" });
  }
  const model = models.choose(rest.model);
  if (count > model.maxCount) {
    throw new Refusal("invalid_request", `count must be a whole number from 1 to ${model.maxCount}`, {
      field: "count",
    });
  }
  const { seed, negativePrompt, guidance, steps } = rest;
  const remixOf = named.remixOf ?? remixOfSources(named);
  const request: PromptRequest = {
    ...(remixOf !== undefined && { remixOf }),
    ...whatIsMade(model, { ...rest, imageSize }, named),
    text: prompt,
    model: model.id,
    count,
    watermark: watermark !== undefined && isSeen(watermark) ? watermark.trim() : null,
    options: defined({ seed, negativePrompt, guidance, steps }),
  };
  checkOptions(request.options, model);
  checkWatermark(request, model);
  if ((recipeId === undefined) !== (recipeVersion === undefined)) {
    throw new Refusal("invalid_request", "recipeId and recipeVersion go together", {
      field: recipeId === undefined ? "recipeId" : "recipeVersion",
    });
  }
  return {
    request,
    model,
    filing: filingOf(boardId ?? null, tags ?? []),
    recipe: recipeOf({ recipeId, recipeVersion }),
  };
}

function recipeOf(
  { recipeId, recipeVersion }: { recipeId?: string; recipeVersion?: number },
): RecipeUse | undefined {
  if (recipeId === undefined || recipeVersion === undefined) return undefined;
  return { recipeId, version: recipeVersion };
}

/** Whoever is given a copy of somebody else's picture remixes that, whether it is said or not. */
function remixOfSources({ sources }: Named): RemixOf | undefined {
  for (const { remixOf } of sources.values()) if (remixOf !== undefined) return remixOf;
}

function filingOf(boardId: string | null, tags: string[]): Filing | undefined {
  return boardId === null && tags.length === 0 ? undefined : { boardId, tags };
}

type Made = Pick<PromptRequest, "taskType" | "imageSize" | "edit">;

function whatIsMade(model: Model, input: Omit<PromptInput, "prompt">, named: Named): Made {
  const { imageSize = defaultSize, sources = [] } = input;
  if (sources.length > 0) return whatIsChanged(model, { ...input, sources }, named);
  const needsBase = (["mask", "extend", "strength", "feather", "keep", "onlyPart"] as const).find((name) =>
    input[name] !== undefined
  );
  if (needsBase !== undefined) {
    throw new Refusal("invalid_request", `${needsBase} needs a picture among the sources`, {
      field: needsBase,
    });
  }
  if (model.needsSource) {
    throw unsupported("sources", `${model.name} changes pictures: give it one as a source`);
  }
  if (!model.sizes.includes(imageSize)) throw invalidSize(model);
  return { taskType: "TEXT_TO_IMAGE", imageSize };
}

function whatIsChanged(
  model: Model,
  input: Omit<PromptInput, "prompt"> & { sources: NonNullable<PromptInput["sources"]> },
  named: Named,
): Made {
  const { feather = 0, keep = true, strength = null } = input;
  demandAbility(model, { sources: input.sources.length, strength });
  const sources = sourcesOf(input.sources, named);
  const frame = input.extend !== undefined && hasSides(input.extend) ? input.extend : null;
  const base = sources.find(({ role }) => role === "base") ?? null;
  if (named.mask !== null && frame !== null) {
    throw new Refusal("invalid_request", "Paint a part or extend the picture, one after the other", {
      field: "extend",
    });
  }
  if (base === null) {
    const imageSize = input.imageSize ?? (model.sizes.includes(defaultSize) ? defaultSize : model.sizes[0]);
    if (named.mask !== null || frame !== null) {
      throw new Refusal("invalid_request", "One of the sources must be the base", { field: "sources" });
    }
    if (!model.sizes.includes(imageSize)) throw invalidSize(model);
    const edit = {
      sources,
      mask: null,
      frame: null,
      isRestKept: false,
      strength,
      askedSize: imageSize,
      area: null,
    };
    return { taskType: "IMAGE_TO_IMAGE", imageSize, edit };
  }
  const isRestKept = keep && (named.mask !== null || frame !== null);
  const { imageSize, ...sent } = planEdit(model, {
    base,
    bounds: named.mask && boundsIn(base, named.mask),
    frame,
    isRestKept,
    isOnlyPart: input.onlyPart,
    imageSize: input.imageSize,
  });
  return {
    taskType: named.mask !== null ? "INPAINT" : frame !== null ? "OUTPAINT" : "IMAGE_TO_IMAGE",
    imageSize,
    edit: {
      sources,
      mask: named.mask && { maskId: named.mask.id, imageId: named.mask.imageId, feather },
      frame,
      isRestKept,
      strength,
      ...sent,
    },
  };
}

/** The base first; the first picture is the base where none is called so and nothing else is said of it. */
function sourcesOf(given: NonNullable<PromptInput["sources"]>, named: Named): Source[] {
  const hasBase = given.some(({ role }) => role === "base");
  const sources = given.map(({ id, role }, i): Source => {
    const picture = named.sources.get(id);
    if (picture === undefined) throw notFound();
    const { sha256, width, height, promptId } = picture;
    return {
      imageId: id,
      role: role ?? (i === 0 && !hasBase ? "base" : "reference"),
      sha256,
      width,
      height,
      promptId,
    };
  });
  if (sources.filter(({ role }) => role === "base").length > 1) {
    throw new Refusal("invalid_request", "Only one of the sources can be the base", { field: "sources" });
  }
  return sources.toSorted((a, b) => Number(b.role === "base") - Number(a.role === "base"));
}

function hasSides(frame: Frame): boolean {
  return Object.values(frame).some((side) => side > 0);
}

/** Refuses with `unsupported_option` what the model can't do with so many pictures. */
export function demandAbility(
  model: Model,
  { sources, strength }: { sources: number; strength: number | null },
): void {
  const { edit, name } = model;
  if (edit === null) throw takesNone(model);
  const most = Math.min(edit.sources.max, mostSources);
  if (sources > most) {
    throw unsupported("sources", `${name} takes at most ${most === 1 ? "1 source" : `${most} sources`}`);
  }
  if (strength !== null && edit.strength === null) {
    throw unsupported("strength", `The model ${model.id} does not support strength`);
  }
  if (strength !== null) checkRange("strength", { value: strength, range: edit.strength! });
}

export function takesNone({ name }: Model): Refusal {
  return unsupported("sources", `${name} takes no sources`);
}

function unsupported(field: string, words: string): Refusal {
  return new Refusal("unsupported_option", words, { field });
}

/** What encloses all that may change, in pixels of the base, which may be of another size than the mask. */
function boundsIn(base: Size, mask: NamedMask): Rect {
  refuseShape(mask, base);
  const [x, y] = [base.width / mask.width, base.height / mask.height];
  const { left, top, width, height } = mask.bounds;
  const [from, to] = [Math.floor(left * x), Math.min(base.width, Math.ceil((left + width) * x))];
  const [upper, lower] = [Math.floor(top * y), Math.min(base.height, Math.ceil((top + height) * y))];
  return { left: from, top: upper, width: to - from, height: lower - upper };
}

function refuseShape(mask: Size, base: Size): void {
  try {
    demandShape(mask, base);
  } catch (error) {
    if (!(error instanceof BadMask)) throw error;
    throw new Refusal("invalid_request", error.message, { field: "mask" });
  }
}

const mostLettersNamed = 10;

/** Refuses a watermark that would become boxes in the picture, as long as nothing was paid. */
export function checkWatermark(
  { watermark, edit }: Pick<PromptRequest, "watermark" | "edit">,
  model: Model,
): void {
  if (watermark === null || (model.watermark === "provider" && !edit?.isRestKept)) return;
  const missing = lettersNotDrawn(watermark).map((letter) => cutText(letter, { chars: 20 }));
  if (missing.length === 0) return;
  const named = missing.slice(0, mostLettersNamed).join(" ") +
    (missing.length > mostLettersNamed ? " …" : "");
  throw new Refusal("invalid_request", `watermark has letters that can't be drawn: ${named}`, {
    field: "watermark",
  });
}

/** The first field that does not fit, with the code that the API has for it. */
function refuseField(
  field: string,
  words: string,
  { input, models }: { input: unknown; models: Models },
): Refusal {
  if (field === "imageSize") return invalidSize(models.choose((input as { model?: string }).model));
  if (field === "model") return unknownModel(models.available());
  return new Refusal(field === "prompt" ? "invalid_prompt" : "invalid_request", words, { field });
}

function checkOptions(options: PromptRequest["options"], model: Model): void {
  for (const name of Object.keys(options) as (keyof PromptRequest["options"])[]) {
    const offered = model.options[name];
    if (offered === false || offered === null) {
      throw new Refusal("unsupported_option", `The model ${model.id} does not support ${name}`, {
        field: name,
      });
    }
    if (typeof offered === "object") checkRange(name, { value: options[name] as number, range: offered });
  }
}

function checkRange(name: string, { value, range }: { value: number; range: Range }): void {
  if (value < range.min || value > range.max) {
    throw new Refusal("invalid_request", `${name} must be from ${range.min} to ${range.max}`, {
      field: name,
    });
  }
}

function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
