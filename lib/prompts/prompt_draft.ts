/** What the generator's form holds: text, not yet checked, completed to settings that the chosen model has. */
import { Refusal } from "../refusal.ts";
import type { Prompt, RecipeUse } from "./prompt.ts";
import { checkPromptRequest, defaultSize, mostSources, type Named } from "./prompt_request.ts";
import type { Models, Quoted } from "../catalog/models.ts";
import { type Model, type SourceRole, sourceRoles } from "../catalog/provider.ts";

/** The text fields of a form, under the names of the JSON API. */
export interface FormFields {
  [name: string]: string | undefined;
}

/** A picture that is given to a prompt, as a form names it. */
export interface DraftSource {
  imageId: string;
  role: SourceRole;
}

export interface Draft {
  text: string;
  model: Model;
  /** The name of the model that was wanted, where it can't be given these sources. */
  instead: string | null;
  sources: DraftSource[];
  /** Those that can be chosen, beside the base's own. */
  sizes: string[];
  /** Empty: as large as the picture that is changed. */
  imageSize: string;
  count: number;
  watermark: string;
  /** The board that its pictures are put onto; empty: none. */
  boardId: string;
  /** The publication that it is a remix of; empty: none. */
  remixOf: string;
  /** The version of a recipe that it is made with; null: of none. */
  recipe: RecipeUse | null;
  options: { seed: string; negativePrompt: string; guidance: string; steps: string };
}

/** Falls back to what the model offers, and to a model that takes the sources; `models` begins with the default. */
export function draftOf(
  fields: FormFields,
  models: readonly Model[],
  sources: DraftSource[] = [],
): Draft {
  const wanted = models.find(({ id }) => id === fields.model);
  const takesThem = (model: Model) => takesSources(model, sources.length);
  const named = wanted ?? models[0];
  const model = takesThem(named) ? named : models.find(takesThem) ?? named;
  const count = Number(fields.count);
  return {
    text: fields.prompt ?? "",
    model,
    instead: wanted === undefined || wanted === model ? null : wanted.name,
    sources,
    sizes: sizesOf(model),
    imageSize: sizeFor(model, { wanted: fields.imageSize, sources }),
    count: Number.isInteger(count) && count >= 1 ? Math.min(count, model.maxCount) : 1,
    watermark: fields.watermark ?? "",
    boardId: fields.boardId ?? "",
    remixOf: fields.remixOf ?? "",
    recipe: recipeIn(fields),
    options: {
      seed: fields.seed ?? "",
      negativePrompt: fields.negativePrompt ?? "",
      guidance: fields.guidance ?? "",
      steps: fields.steps ?? "",
    },
  };
}

function recipeIn({ recipeId = "", recipeVersion }: FormFields): RecipeUse | null {
  const version = Number(recipeVersion);
  return recipeId !== "" && Number.isInteger(version) && version > 0 ? { recipeId, version } : null;
}

/** The generator's form with these fields typed in, and these pictures given along. */
export function draftPath(fields: FormFields, sources: readonly DraftSource[] = []): string {
  const typed = Object.entries(fields).filter((field): field is [string, string] => Boolean(field[1]));
  const given = sources.flatMap(({ imageId, role }) => [["source", imageId], ["role", role]]);
  return `/generator?${new URLSearchParams([
    ...typed.filter(([name]) => !isOfSources(name, fields)),
    ...given,
  ])}`;
}

/** The role of what a form names and does not give along. */
export const leftOut = "none";

/** What a form's lists `source` and `role` name; one without a role is the base, if nothing else is. */
export function draftSources(
  { source = [], role = [] }: { source?: readonly string[]; role?: readonly string[] },
): DraftSource[] {
  const isBaseNamed = role.includes("base");
  const given = source.flatMap((imageId, i): DraftSource[] =>
    role[i] === leftOut ? [] : [{
      imageId,
      role: sourceRoles.find((known) => known === role[i]) ??
        (i === 0 && !isBaseNamed ? "base" : "reference"),
    }]
  );
  const isRepeated = ({ imageId }: DraftSource, i: number) =>
    given.findIndex((each) => each.imageId === imageId) < i;
  return given.filter((each, i) => each.imageId !== "" && !isRepeated(each, i)).slice(0, mostSources);
}

/** More pictures behind those: the first is the base, where nothing else is. */
export function withSources(sources: readonly DraftSource[], imageIds: readonly string[]): DraftSource[] {
  return draftSources({
    source: [...sources.map(({ imageId }) => imageId), ...imageIds],
    role: sources.map(({ role }) => role),
  });
}

/** That picture in front, as the one that is changed. */
export function withFirst(sources: readonly DraftSource[], imageId: string): DraftSource[] {
  const first = sources.filter((source) => source.imageId === imageId);
  const others = sources.filter((source) => source.imageId !== imageId);
  if (first.length === 0) return others;
  return [
    { imageId, role: "base" },
    ...others.map((source): DraftSource =>
      source.role === "base" ? { ...source, role: "reference" } : source
    ),
  ];
}

/** Whether it can be given that many pictures. */
export function takesSources({ edit }: Model, count: number): boolean {
  return count === 0 || (edit !== null && count <= edit.sources.max);
}

function hasBase(sources: readonly DraftSource[]): boolean {
  return sources.some(({ role }) => role === "base");
}

/** What the price of a draft depends on, pictures that are given along included. */
export function quotedDraft(
  { text, model, imageSize, count, sources }: Draft,
  { models, named }: { models: Models; named: Named },
): Quoted {
  const plain = { model: model.id, imageSize, count, text };
  if (sources.length === 0) return plain;
  const input = {
    prompt: "priced by its sources",
    model: model.id,
    count,
    ...(imageSize !== "" && { imageSize }),
    sources: sourcesInput(sources),
  };
  try {
    const { request } = checkPromptRequest(input, { models, maxChars: input.prompt.length, named });
    return { ...request, text };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...plain, imageSize: imageSize === "" ? model.sizes[0] : imageSize };
  }
}

function sourcesInput(sources: readonly DraftSource[]): { id: string; role: SourceRole }[] {
  return sources.map(({ imageId, role }) => ({ id: imageId, role }));
}

/** The settings of an earlier prompt, to start from; `fields` count before them. */
export function draftFrom(
  { request: { text, options, ...request }, filing, recipe }: Pick<Prompt, "request" | "filing" | "recipe">,
  models: readonly Model[],
  { fields = {}, sources = [] }: { fields?: FormFields; sources?: DraftSource[] } = {},
): Draft {
  const given = request.edit?.sources.map(({ imageId, role }) => ({ imageId, role })) ?? [];
  const typed = (value: number | undefined) => value?.toString();
  return draftOf(
    {
      prompt: text,
      model: request.model,
      imageSize: request.imageSize,
      count: String(request.count),
      watermark: request.watermark ?? undefined,
      boardId: filing?.boardId ?? undefined,
      remixOf: request.remixOf && "publicationId" in request.remixOf
        ? request.remixOf.publicationId
        : undefined,
      recipeId: recipe?.recipeId,
      recipeVersion: typed(recipe?.version),
      negativePrompt: options.negativePrompt,
      seed: typed(options.seed),
      guidance: typed(options.guidance),
      steps: typed(options.steps),
      ...fields,
    },
    models,
    sources.length > 0 ? sources : given,
  );
}

const numberFields = ["count", "seed", "guidance", "steps", "recipeVersion"];

/** The request that a sent form stands for; fields left empty were not asked for. */
export function inputOf(
  fields: FormFields,
  sources: readonly DraftSource[] = [],
): { [name: string]: unknown } {
  const filled = Object.entries(fields).filter(([name, text]) =>
    !isOfSources(name, fields) && !isOfNoRecipe(name, fields) && (name === "prompt" || text?.trim())
  );
  const input = Object.fromEntries(
    filled.map(([name, text]) => [name, numberFields.includes(name) ? numberOrText(text!) : text]),
  );
  return sources.length === 0 ? input : { ...input, sources: sourcesInput(sources) };
}

/** The same for what the form holds. */
export function inputOfDraft(
  { text, model, imageSize, count, sources, options, watermark, boardId, remixOf, recipe }: Draft,
): { [name: string]: unknown } {
  const ofRecipe = recipe && { recipeVersion: String(recipe.version), recipeId: recipe.recipeId };
  const settings = { model: model.id, imageSize, count: String(count), boardId, watermark, ...options };
  return inputOf({ prompt: text, ...ofRecipe, remixOf, ...settings }, sources);
}

/** They come in lists; a role is one of a source. */
function isOfSources(name: string, { source }: FormFields): boolean {
  return name === "source" || (name === "role" && source !== undefined);
}

/** Whoever takes the recipe off a form leaves its version there. */
function isOfNoRecipe(name: string, { recipeId }: FormFields): boolean {
  return name === "recipeVersion" && !recipeId;
}

function numberOrText(text: string): number | string {
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** One that only changes pictures, and makes them as large as it is given them, has none to choose. */
function sizesOf({ sizes, edit, needsSource }: Model): string[] {
  return needsSource && edit?.sizes === "same" ? [] : sizes;
}

function sizeFor(
  model: Model,
  { wanted, sources }: { wanted: string | undefined; sources: readonly DraftSource[] },
): string {
  const sizes = sizesOf(model);
  if (wanted !== undefined && sizes.includes(wanted)) return wanted;
  if (hasBase(sources) || sizes.length === 0) return "";
  return model.sizes.includes(defaultSize) ? defaultSize : model.sizes[0];
}
