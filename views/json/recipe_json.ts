/** A recipe with its versions, the list of recipes, and what comes of saving one. */
import { z } from "zod";
import type { Recipe, RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { RecipeRole } from "../../lib/recipes/recipe_access.ts";
import { errorAnswer, errorJson } from "./error_json.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, timeValue } from "./values.ts";

const numberValue = z.int().positive();

export const recipeSettingsShape = z.strictObject({
  model: z.string().optional(),
  imageSize: z.string().optional(),
  count: z.int().optional(),
  watermark: z.string().optional(),
  seed: z.int().optional(),
  negativePrompt: z.string().optional(),
  guidance: z.number().optional(),
  steps: z.int().optional(),
}).meta({
  id: "RecipeSettings",
  description: "Settings of a recipe; what is left out is as the model does by itself.",
});

export const recipeVersionShape = z.strictObject({
  n: numberValue,
  text: z.string(),
  settings: recipeSettingsShape,
  authorId: idValue.nullable().describe("Null: that account was deleted."),
  note: z.string(),
  at: timeValue,
  basedOn: numberValue.nullable(),
  mergedWith: numberValue.nullable().describe("What somebody else had saved meanwhile, and is in it too."),
  draft: z.boolean().describe("Kept for its author, who alone sees it."),
}).meta({ id: "RecipeVersion", description: "A version of a recipe, which never changes." });

export const recipeShape = z.strictObject({
  id: idValue,
  name: z.string(),
  role: z.enum(["viewer", "commenter", "editor", "owner"]).describe("The caller's."),
  ownerId: idValue,
  boardId: idValue.nullable().describe("The board whose members use it; null: it is private."),
  current: numberValue.describe("The number of the version that counts, whose text and settings these are."),
  text: z.string(),
  settings: recipeSettingsShape,
  versions: z.array(recipeVersionShape).describe("The latest ones, newest first; all are at `/versions`."),
  createdAt: timeValue,
}).meta({ id: "Recipe", description: "A named prompt in versions." });

export interface ToldRecipe {
  recipe: Recipe;
  role: RecipeRole;
  current: RecipeVersion;
  /** Those that the reader may see. */
  versions: readonly RecipeVersion[];
}

export function recipeFields(
  { recipe, role, current, versions }: ToldRecipe,
): z.output<typeof recipeShape> {
  return {
    id: recipe.id,
    name: recipe.name,
    role,
    ownerId: recipe.ownerId,
    boardId: recipe.boardId,
    current: recipe.current,
    text: current.text,
    settings: current.settings,
    versions: versions.map(versionFields),
    createdAt: iso(recipe.createdAt),
  };
}

export function versionFields(
  { n, text, settings, authorId, note, at, basedOn, mergedWith, draft }: RecipeVersion,
): z.output<typeof recipeVersionShape> {
  return { n, text, settings, authorId, note, at: iso(at), basedOn, mergedWith, draft: draft !== null };
}

export const recipeAnswer = answer({ recipe: recipeShape });

export function recipeJson(told: ToldRecipe): z.output<typeof recipeAnswer> {
  return { success: true, recipe: recipeFields(told) };
}

export const recipeListAnswer = answer({ recipes: z.array(recipeShape), pagination: paginationShape });

export function recipeListJson(
  told: readonly ToldRecipe[],
  pagination: Pagination,
): z.output<typeof recipeListAnswer> {
  return { success: true, recipes: told.map(recipeFields), pagination };
}

export const recipeVersionsAnswer = answer({
  versions: z.array(recipeVersionShape),
  pagination: paginationShape,
});

export function recipeVersionsJson(
  versions: readonly RecipeVersion[],
  pagination: Pagination,
): z.output<typeof recipeVersionsAnswer> {
  return { success: true, versions: versions.map(versionFields), pagination };
}

/** `version` is its number; `merged`: what somebody else saved meanwhile is in it too. */
export const savedVersionAnswer = answer({ version: numberValue, merged: z.boolean() });

export function savedVersionJson(version: number, merged: boolean): z.output<typeof savedVersionAnswer> {
  return { success: true, version, merged };
}

/** The texts stand beside the error; what was sent is kept as the draft of that number. */
export const versionConflictAnswer = errorAnswer.extend({
  base: z.string(),
  mine: z.string(),
  theirs: z.string(),
  draft: numberValue,
  current: numberValue.describe("The version that `theirs` is: what is sent next is based on it."),
  fields: z.array(z.string()).describe('What both have changed: "text", or names of settings.'),
});

export function versionConflictJson(
  { base, mine, theirs, fields, message, requestId }: {
    base: RecipeVersion;
    mine: RecipeVersion;
    theirs: RecipeVersion;
    fields: string[];
    message: string;
    requestId: string;
  },
): z.output<typeof versionConflictAnswer> {
  return {
    ...errorJson({ code: "conflict", message, requestId }),
    base: base.text,
    mine: mine.text,
    theirs: theirs.text,
    draft: mine.n,
    current: theirs.n,
    fields,
  };
}

export const recipeExportShape = z.strictObject({
  id: idValue,
  name: z.string().nullable().describe(
    "Null: it is somebody else's, and the versions are what one wrote for it.",
  ),
  boardId: idValue.nullable(),
  current: numberValue.nullable(),
  versions: z.array(recipeVersionShape),
});

/** In the archive of an account. */
export function recipeExportJson(
  recipe: Recipe | null,
  versions: readonly RecipeVersion[],
): z.output<typeof recipeExportShape> {
  return {
    id: recipe?.id ?? versions[0].recipeId,
    name: recipe?.name ?? null,
    boardId: recipe?.boardId ?? null,
    current: recipe?.current ?? null,
    versions: versions.map(versionFields),
  };
}
