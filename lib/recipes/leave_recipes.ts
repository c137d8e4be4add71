/** What becomes of recipes when people go, or boards do. Each step may be repeated. */
import type { Board } from "../boards/board.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store } from "../store/store.ts";
import type { Recipe, RecipeVersion } from "./recipe.ts";
import { tellRecipe } from "./recipe_access.ts";
import { changeOwner, moved, removeRecipe, removeVersion, removeVersions } from "./recipe_store.ts";

/**
 * Of an account that goes, when its boards have gone or passed to others already: what is on a board passes to the
 * board's owner, the rest goes.
 */
export async function leaveRecipes(store: Store, userId: string): Promise<void> {
  for await (const { key, value } of store.kv.list<string>({ prefix: keys.recipesOwned(userId) })) {
    while (await read(store.kv, key) !== null) await leaveRecipe(store, { userId, recipeId: value });
  }
}

async function leaveRecipe(
  store: Store,
  { userId, recipeId }: { userId: string; recipeId: string },
): Promise<void> {
  const recipe = await read<Recipe>(store.kv, keys.recipe(recipeId));
  if (recipe === null || recipe.value.ownerId !== userId) {
    // The entry was left by damage.
    await commit(store.kv.atomic().delete(keys.recipeOwned(userId, recipeId)));
    return;
  }
  const { value: before, versionstamp } = recipe;
  const board = before.boardId === null ? null : await read<Board>(store.kv, keys.board(before.boardId));
  const key = keys.recipe(recipeId);
  const atomic = store.kv.atomic().check({ key, versionstamp });
  const heir = board?.value.ownerId;
  if (heir === undefined || heir === userId) {
    removeRecipe(atomic, before);
    if (await commit(atomic) !== null) await removeVersions(store, before);
    return;
  }
  changeOwner(atomic, { before, ownerId: heir });
  const after: Recipe = { ...before, ownerId: heir };
  await commit(
    atomic.check({ key: keys.board(before.boardId!), versionstamp: board!.versionstamp }).set(key, after),
  );
}

/** What they wrote for others stays, without them; what only they could see goes. */
export async function leaveVersions(store: Store, userId: string): Promise<void> {
  for await (const { key } of store.kv.list<string>({ prefix: keys.recipesWritten(userId) })) {
    const [recipeId, n] = [String(key[2]), key[3] as number];
    while (await read(store.kv, key) !== null) await leaveVersion(store, { userId, recipeId, n });
  }
}

async function leaveVersion(
  store: Store,
  { userId, recipeId, n }: { userId: string; recipeId: string; n: number },
): Promise<void> {
  const key = keys.recipeVersion(recipeId, n);
  const version = await read<RecipeVersion>(store.kv, key);
  const entry = keys.recipeWritten(userId, recipeId, n);
  if (version === null) await commit(store.kv.atomic().delete(entry));
  else if (version.value.draft !== null) await removeVersion(store, { recipeId, n });
  else {
    const after: RecipeVersion = { ...version.value, authorId: null };
    await commit(
      tellRecipe(store.kv.atomic(), { store, recipeId })
        .check({ key, versionstamp: version.versionstamp }).set(key, after).delete(entry)
        .delete(keys.recipeSent(recipeId, n)),
    );
  }
}

export interface Written {
  /** Null: it is somebody else's. */
  recipe: Recipe | null;
  versions: RecipeVersion[];
}

/** What somebody takes along: their recipes with what is saved in them, and else what they wrote, drafts included. */
export async function readWritten(store: Store, userId: string): Promise<Written[]> {
  const owned = await Array.fromAsync(
    store.kv.list<string>({ prefix: keys.recipesOwned(userId) }),
    ({ value }) => value,
  );
  const ids = new Map<string, Set<string>>(owned.map((id) => [id, new Set()]));
  for (const id of owned) {
    for await (const { value } of store.kv.list<string>({ prefix: [...lists.recipeVersions(id)] })) {
      ids.get(id)!.add(value);
    }
  }
  for await (const { key, value } of store.kv.list<string>({ prefix: keys.recipesWritten(userId) })) {
    const recipeId = String(key[2]);
    ids.set(recipeId, (ids.get(recipeId) ?? new Set()).add(value));
  }
  return await Promise.all(Array.from(ids, async ([recipeId, versionIds]) => {
    const recipe = await read<Recipe>(store.kv, keys.recipe(recipeId));
    const found = await readMany<RecipeVersion>(
      store.kv,
      Array.from(versionIds, (id) => [...kinds.recipeVersions, id]),
    );
    const versions = present(found).map(({ value }) => value).toSorted((a, b) => a.n - b.n);
    return { recipe: recipe?.value.ownerId === userId ? recipe.value : null, versions };
  }));
}

/** Those of a board that is gone are their owners' own again. */
export async function returnRecipes(store: Store, boardId: string): Promise<void> {
  if (await read(store.kv, keys.board(boardId)) !== null) return;
  const list = lists.boardRecipes(boardId);
  for await (const { value: recipeId } of store.kv.list<string>({ prefix: [...list] })) {
    while (await isReturned(store, { recipeId, boardId }) === false);
  }
  for await (const { key } of store.kv.list({ prefix: [...kinds.counts, ...list] })) {
    await commit(store.kv.atomic().delete(key));
  }
}

async function isReturned(
  store: Store,
  { recipeId, boardId }: { recipeId: string; boardId: string },
): Promise<boolean> {
  const key = keys.recipe(recipeId);
  const recipe = await read<Recipe>(store.kv, key);
  if (recipe?.value.boardId !== boardId) return true;
  const atomic = store.kv.atomic().check({ key, versionstamp: recipe.versionstamp });
  const after = await moved(store, { atomic, before: recipe.value, board: null, isForced: true });
  return await commit(atomic.set(key, after)) !== null;
}

/** What an earlier process left. */
export async function returnAllRecipes(store: Store): Promise<void> {
  let after: Deno.KvKey = [...kinds.boardRecipeLists];
  const end: Deno.KvKey = [...kinds.boardRecipeLists, Infinity];
  while (true) {
    const [entry] = await Array.fromAsync(store.kv.list({ start: after, end }, { limit: 1 }));
    if (entry === undefined) return;
    const boardId = String(entry.key[1]);
    await returnRecipes(store, boardId);
    after = [...lists.boardRecipes(boardId), Infinity];
  }
}
