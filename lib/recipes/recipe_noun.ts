/** What recipes and their versions state of themselves (`store/noun.ts`). */
import { idInKey, idInValue, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, lists, recipeVersionId } from "../store/schema.ts";
import type { Recipe, RecipeVersion, SentText } from "./recipe.ts";
import { listOf } from "./recipe_store.ts";

export const recipeNoun: Noun<Recipe, Recipe> = {
  kind: kinds.recipes,
  facts: ({ value }) => value,
  implied: (recipe) => [
    listed(listOf(recipe), { number: recipe.sequence, id: recipe.id }),
    { key: keys.recipeOwned(recipe.ownerId, recipe.id), value: recipe.id },
  ],
  indexes: [
    { prefix: kinds.recipeLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.boardRecipeLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.recipesOwned, name: "recipe_owned", recordId: idInKey },
  ],
};

export interface VersionFacts {
  recipeId: string;
  n: number;
  authorId: string | null;
  isDraft: boolean;
}

export const versionNoun: Noun<RecipeVersion, VersionFacts> = {
  kind: kinds.recipeVersions,
  facts: ({ value: { recipeId, n, authorId, draft } }) => ({
    recipeId,
    n,
    authorId,
    isDraft: draft !== null,
  }),
  implied: ({ recipeId, n, authorId, isDraft }) => {
    const id = recipeVersionId(recipeId, n);
    const written = authorId === null ? [] : [{ key: keys.recipeWritten(authorId, recipeId, n), value: id }];
    if (!isDraft) return [listed(lists.recipeVersions(recipeId), { number: n, id }), ...written];
    if (authorId === null) return [];
    return [...written, { key: keys.recipeDraft(authorId, recipeId, n), value: id }];
  },
  indexes: [
    { prefix: kinds.recipeVersionLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.recipesWritten, name: "recipe_written", recordId: idInValue },
    { prefix: kinds.recipeDrafts, name: "recipe_draft", recordId: idInValue },
  ],
};

/** Nothing follows from it. */
export const sentNoun: Noun<SentText, null> = {
  kind: kinds.recipesSent,
  facts: () => null,
  implied: () => [],
  indexes: [],
};
