/** What is said about a version of a recipe. */
import type { CommentPlace } from "../comments/comment_store.ts";
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { findRecipe, sharedOf } from "./recipe_access.ts";
import { findVersion } from "./recipe_store.ts";

/** A version that the user sees; refuses with `not_found` otherwise, and for a draft. */
export async function recipePlace(
  store: Store,
  { userId, recipeId, version }: { userId: string; recipeId: string; version: number },
): Promise<CommentPlace> {
  const found = await findRecipe(store, { userId, recipeId });
  const { authorId, draft } = await findVersion(store, { userId, recipeId, n: version });
  if (draft !== null) throw notFound();
  const { recipe, board } = found;
  return {
    subject: { kind: "recipe", recipeId, version },
    // Of a private one the recipe itself says whose it is.
    shared: { value: sharedOf(found), versionstamp: (board ?? recipe).versionstamp },
    sharedKey: board === null ? keys.recipe(recipeId) : keys.board(board.value.id),
    href: `/recipes/${recipeId}?version=${version}#comments`,
    name: `the recipe “${recipe.value.name}”`,
    concernedId: authorId,
  };
}
