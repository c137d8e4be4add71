/** A recipe as a file: what another Darkroom, or this one, makes a recipe of again. */
import { z } from "zod";
import { readFields } from "../fields.ts";
import { Refusal } from "../refusal.ts";
import {
  type Recipe,
  recipeName,
  recipeNote,
  recipeSettings,
  recipeText,
  type RecipeVersion,
} from "./recipe.ts";
import { addRecipe, type Draft, listVersions, readCurrent } from "./recipe_store.ts";
import type { Store } from "../store/store.ts";

/** Of those that were saved, the latest; all of them are written in one commit. */
export const mostFileVersions = 100;
/** In UTF-16 units: so it can be sent back. */
const mostTextsUnits = 150_000;

const kind = "darkroom recipe";
const fileWords = "This is no recipe: choose a file that was exported here";
const versionsWords = `versions must be a list of 1 to ${mostFileVersions} versions`;

const versionValue = z.object({
  text: recipeText,
  settings: recipeSettings.default({}),
  note: recipeNote.default(""),
});

/** What is not known is overlooked: a later Darkroom may tell more. */
const fileInput = z.object({
  kind: z.literal(kind, fileWords),
  name: recipeName,
  versions: z.array(versionValue, { error: versionsWords }).min(1, versionsWords)
    .max(mostFileVersions, versionsWords),
});

export interface RecipeFile {
  kind: typeof kind;
  name: string;
  /** The one that counts is the last. */
  versions: { text: string; settings: RecipeVersion["settings"]; note: string; at: string }[];
}

export async function writeRecipeFile(store: Store, recipe: Recipe): Promise<RecipeFile> {
  const [current] = await readCurrent(store, [recipe]);
  const { items } = await listVersions(store, { recipeId: recipe.id, limit: mostFileVersions });
  let units = 0;
  const fitting = items.filter(({ text }) => (units += text.length) <= mostTextsUnits);
  const versions = fitting.some(({ n }) => n === current.n) ? fitting : [current];
  return {
    kind,
    name: recipe.name,
    versions: versions.toReversed().map(({ text, settings, note, at }) => ({
      text,
      settings,
      note,
      at: new Date(at).toISOString(),
    })),
  };
}

/** A private recipe of whoever has the file. Refuses with `invalid_request` what is none. */
export async function importRecipe(
  store: Store,
  { userId, json }: { userId: string; json: string },
): Promise<Recipe> {
  const { name, versions } = readFields(fileInput, parse(json));
  const drafts = versions.map((version, i): Draft => ({ ...version, basedOn: i === 0 ? null : i }));
  return await addRecipe(store, { userId, name, boardId: null, versions: drafts });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json.replace(/^\ufeff/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal("invalid_request", fileWords, { field: "file" });
  }
}
