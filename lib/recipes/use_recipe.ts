/** Using a recipe: its text with values in place of its placeholders, and its settings, as a form holds them. */
import { notFound } from "../refusal.ts";
import type { RecipeUse } from "../prompts/prompt.ts";
import type { FormFields } from "../prompts/prompt_draft.ts";
import type { Store } from "../store/store.ts";
import { fillIn } from "./placeholders.ts";
import type { RecipeSettings, RecipeVersion } from "./recipe.ts";
import { findRecipe, type FoundRecipe } from "./recipe_access.ts";
import { findVersion } from "./recipe_store.ts";

export interface UsedRecipe {
  found: FoundRecipe;
  version: RecipeVersion;
}

/** Refuses with `not_found` what they may not use; a draft is used by nobody. */
export async function findUsed(
  store: Store,
  { userId, use: { recipeId, version: n } }: { userId: string; use: RecipeUse },
): Promise<UsedRecipe> {
  const found = await findRecipe(store, { userId, recipeId });
  const version = await findVersion(store, { userId, recipeId, n });
  if (version.draft !== null) throw notFound();
  return { found, version };
}

/** Names a version among others. */
export function useName({ recipeId, version }: RecipeUse): string {
  return `${recipeId} ${version}`;
}

/** Those of them that there are for this user, by their names. */
export async function findUsable(
  store: Store,
  { userId, uses }: { userId: string; uses: readonly RecipeUse[] },
): Promise<Set<string>> {
  const distinct = new Map(uses.map((use) => [useName(use), use]));
  const found = await Promise.all(Array.from(distinct, async ([name, use]) => {
    const isThere = await findUsed(store, { userId, use }).then(() => true, isNotFound);
    return isThere ? [name] : [];
  }));
  return new Set(found.flat());
}

function isNotFound(error: unknown): false {
  if ((error as { code?: string }).code === "not_found") return false;
  throw error;
}

/** Of values that are left out, the placeholders stay in the text. */
export function fieldsOfRecipe(
  { recipeId, n, text, settings }: RecipeVersion,
  values: ReadonlyMap<string, string>,
): FormFields {
  return {
    ...settingFields(settings),
    prompt: fillIn(text, values),
    recipeId,
    recipeVersion: String(n),
  };
}

/** The settings as a form's text. */
export function settingFields(settings: RecipeSettings): FormFields {
  const filled = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(filled.map(([name, value]) => [name, String(value)]));
}
