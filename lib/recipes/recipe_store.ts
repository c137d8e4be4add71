/** Recipes' records: how they are made and changed, and how they and their versions are read. */
import type { z } from "zod";
import type { Board } from "../boards/board.ts";
import { recipeThread } from "../comments/comment.ts";
import { deleteThread } from "../comments/comment_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import {
  addEntry,
  countEntries,
  entryKey,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { keys, kinds, type ListKey, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import {
  mostRecipes,
  type newRecipeInput,
  type Recipe,
  type recipeChanges,
  type RecipeVersion,
  type SentText,
} from "./recipe.ts";
import {
  checkBoard,
  demandRole,
  findBoardForRecipes,
  findRecipe,
  type FoundRecipe,
  listBoardsWithRecipes,
  tellRecipe,
} from "./recipe_access.ts";

interface Named {
  userId: string;
  recipeId: string;
}

/** The list that a recipe stands in. */
export function listOf({ ownerId, boardId }: Pick<Recipe, "ownerId" | "boardId">): ListKey {
  return boardId === null ? lists.recipes(ownerId) : lists.boardRecipes(boardId);
}

/** A version before it belongs to a recipe. */
export type Draft = Pick<RecipeVersion, "text" | "settings" | "note" | "basedOn">;

/** Refuses with `too_large` where there are as many as there may be, and with `not_found` or `forbidden` for a board. */
export async function createRecipe(
  store: Store,
  { userId, name, boardId, text, settings, note }: { userId: string } & z.output<typeof newRecipeInput>,
): Promise<Recipe> {
  return await addRecipe(store, {
    userId,
    name,
    boardId,
    versions: [{ text, settings, note, basedOn: null }],
  });
}

/** With all of its versions, of which the last one counts; they are numbered from 1 on. */
export async function addRecipe(
  store: Store,
  { userId, name, boardId, versions }: {
    userId: string;
    name: string;
    boardId: string | null;
    versions: readonly Draft[];
  },
): Promise<Recipe> {
  while (true) {
    const board = boardId === null ? null : await findBoardForRecipes(store, { userId, boardId });
    const at = store.now();
    const recipe: Recipe = {
      id: store.ids(),
      ownerId: userId,
      boardId,
      sequence: await nextPlace(store, listOf({ ownerId: userId, boardId })),
      name,
      current: versions.length,
      lastNumber: versions.length,
      createdAt: at,
    };
    const atomic = enter(checkBoard(checkAccount(store.kv.atomic(), userId), board), recipe)
      .set(keys.recipe(recipe.id), recipe)
      .set(keys.recipeOwned(userId, recipe.id), recipe.id);
    for (const [i, version] of versions.entries()) {
      addVersion(atomic, {
        ...version,
        recipeId: recipe.id,
        n: i + 1,
        authorId: userId,
        at,
        mergedWith: null,
        draft: null,
      });
    }
    if (await commit(atomic) !== null) return recipe;
    if (await readUser(store, userId) === null) throw accountGone();
  }
}

async function nextPlace(
  store: Store,
  list: ListKey,
  { isForced = false }: { isForced?: boolean } = {},
): Promise<number> {
  const { entries: [newest], total } = await readPage(store.kv, list, { limit: 1 });
  if (total >= mostRecipes && !isForced) {
    throw new Refusal("too_large", `There are ${total} recipes here, and ${mostRecipes} is the most`);
  }
  return (newest?.number ?? 0) + 1;
}

/** The commit is lost where somebody else took that place. */
function enter(atomic: Deno.AtomicOperation, recipe: Recipe): Deno.AtomicOperation {
  const list = listOf(recipe);
  atomic.check({ key: entryKey(list, recipe.sequence), versionstamp: null });
  addEntry(atomic, list, { number: recipe.sequence, id: recipe.id });
  return atomic;
}

/** With all that it implies. */
export function addVersion(atomic: Deno.AtomicOperation, version: RecipeVersion): void {
  const { recipeId, n, authorId, draft } = version;
  const key = keys.recipeVersion(recipeId, n);
  const id = String(key[1]);
  atomic.check({ key, versionstamp: null }).set(key, version);
  if (draft === null) addEntry(atomic, lists.recipeVersions(recipeId), { number: n, id });
  if (authorId === null) return;
  atomic.set(keys.recipeWritten(authorId, recipeId, n), id);
  if (draft !== null) atomic.set(keys.recipeDraft(authorId, recipeId, n), id);
}

/** Another name, or another place: onto a board, or off it. Refuses who may not. */
export async function changeRecipe(
  store: Store,
  { userId, recipeId }: Named,
  changes: z.output<typeof recipeChanges>,
): Promise<FoundRecipe> {
  while (true) {
    const found = await findRecipe(store, { userId, recipeId });
    const { value: before, versionstamp } = found.recipe;
    const { name = before.name, boardId = before.boardId } = changes;
    const isMoved = boardId !== before.boardId;
    demandRole(found, isMoved ? "owner" : "editor");
    const target = isMoved && boardId !== null ? await findBoardForRecipes(store, { userId, boardId }) : null;
    const key = keys.recipe(recipeId);
    const atomic = checkBoard(store.kv.atomic(), found.board).check({ key, versionstamp });
    const after = isMoved
      ? await moved(store, { atomic, before, board: target })
      : { ...before, name } satisfies Recipe;
    tellRecipe(atomic, { store, recipeId }).set(key, { ...after, name });
    if (await commit(checkAccount(atomic, after.ownerId)) !== null) {
      return await findRecipe(store, { userId, recipeId });
    }
    if (await readUser(store, userId) === null) throw accountGone();
  }
}

/** As it stands in another list. */
export async function moved(
  store: Store,
  { atomic, before, board, isForced }: {
    atomic: Deno.AtomicOperation;
    before: Recipe;
    board: Versioned<Board> | null;
    /** However many there are. */
    isForced?: boolean;
  },
): Promise<Recipe> {
  const boardId = board && board.value.id;
  const sequence = await nextPlace(store, listOf({ ownerId: before.ownerId, boardId }), { isForced });
  const after: Recipe = { ...before, boardId, sequence };
  removeEntry(atomic, listOf(before), before.sequence);
  enter(checkBoard(atomic, board), after);
  return after;
}

/** The caller writes the record. */
export function changeOwner(
  atomic: Deno.AtomicOperation,
  { before, ownerId }: { before: Recipe; ownerId: string },
): void {
  atomic.delete(keys.recipeOwned(before.ownerId, before.id))
    .set(keys.recipeOwned(ownerId, before.id), before.id);
}

/** Its prompts and their pictures stay. Refuses who may not. */
export async function deleteRecipe(store: Store, named: Named): Promise<void> {
  while (true) {
    const found = await findRecipe(store, named);
    demandRole(found, "owner");
    const { value: recipe, versionstamp } = found.recipe;
    const atomic = checkBoard(store.kv.atomic(), found.board)
      .check({ key: keys.recipe(recipe.id), versionstamp });
    removeRecipe(atomic, recipe);
    if (await commit(atomic) === null) continue;
    await removeVersions(store, recipe);
    return;
  }
}

/** Its versions are nobody's from then on: `removeVersions` takes them away, or the next start. */
export function removeRecipe(atomic: Deno.AtomicOperation, recipe: Recipe): void {
  atomic.delete(keys.recipe(recipe.id)).delete(keys.recipeOwned(recipe.ownerId, recipe.id))
    .set(keys.recipeDeletion(recipe.id), recipe.lastNumber);
  removeEntry(atomic, listOf(recipe), recipe.sequence);
}

/** Of a recipe that is gone. */
export async function removeVersions(
  store: Store,
  { id, lastNumber }: Pick<Recipe, "id" | "lastNumber">,
): Promise<void> {
  for (let n = 1; n <= lastNumber; n++) await removeVersion(store, { recipeId: id, n });
  for await (const { key } of store.kv.list({ prefix: [...kinds.counts, ...lists.recipeVersions(id)] })) {
    await commit(store.kv.atomic().delete(key));
  }
  await deleteThread(store, recipeThread(id));
  await commit(store.kv.atomic().delete(keys.recipeDeletion(id)).delete(keys.topicHead("recipe", id)));
}

/** What an earlier process left, or what broke off. */
export async function finishRecipeDeletions(store: Store): Promise<void> {
  for await (const { key, value } of store.kv.list<number>({ prefix: [...kinds.recipeDeletions] })) {
    await removeVersions(store, { id: String(key[1]), lastNumber: value });
  }
}

/** With all that it implies. */
export async function removeVersion(
  store: Store,
  { recipeId, n }: Pick<RecipeVersion, "recipeId" | "n">,
): Promise<void> {
  while (true) {
    const key = keys.recipeVersion(recipeId, n);
    const version = await read<RecipeVersion>(store.kv, key);
    if (version === null) return;
    const { authorId, draft } = version.value;
    const atomic = store.kv.atomic().check({ key, versionstamp: version.versionstamp }).delete(key)
      .delete(keys.recipeSent(recipeId, n));
    if (draft === null) removeEntry(atomic, lists.recipeVersions(recipeId), n);
    if (authorId !== null) {
      atomic.delete(keys.recipeWritten(authorId, recipeId, n))
        .delete(keys.recipeDraft(authorId, recipeId, n));
    }
    if (await commit(atomic) !== null) return;
  }
}

/**
 * Those that somebody uses, newest first: their own, and those of their boards. A page goes on behind so many, not behind
 * a number.
 */
export async function listRecipes(
  store: Store,
  { userId, limit, offset = 0, before = offset }: { userId: string } & PageStart,
): Promise<Page<FoundRecipe>> {
  const boards = await listBoardsWithRecipes(store, userId);
  const all = [lists.recipes(userId), ...boards.map(({ id }) => lists.boardRecipes(id))];
  const pages = await Promise.all(all.map((list) => readPage(store.kv, list, { limit: mostRecipes })));
  // An id tells when it was made.
  const ids = pages.flatMap(({ entries }) => entries.map(({ id }) => id)).toSorted().toReversed();
  const found = await Promise.all(
    ids.slice(before, before + limit).map((recipeId) => findIfThere(store, { userId, recipeId })),
  );
  const next = before + limit < ids.length ? before + limit : null;
  return { items: present(found), total: ids.length, next };
}

/** Null: it went meanwhile. */
async function findIfThere(store: Store, named: Named): Promise<FoundRecipe | null> {
  try {
    return await findRecipe(store, named);
  } catch (error) {
    if (error instanceof Refusal && error.code === "not_found") return null;
    throw error;
  }
}

export async function readVersion(
  store: Store,
  { recipeId, n }: Pick<RecipeVersion, "recipeId" | "n">,
): Promise<Versioned<RecipeVersion> | null> {
  return await read<RecipeVersion>(store.kv, keys.recipeVersion(recipeId, n));
}

/** One that they may see: refuses with `not_found` what is missing, and somebody else's draft. */
export async function findVersion(
  store: Store,
  { userId, recipeId, n }: { userId: string; recipeId: string; n: number },
): Promise<RecipeVersion> {
  const found = Number.isSafeInteger(n) ? await readVersion(store, { recipeId, n }) : null;
  if (found === null || !mayRead(found.value, userId)) throw notFound();
  return found.value;
}

function mayRead({ draft, authorId }: RecipeVersion, userId: string): boolean {
  return draft === null || authorId === userId;
}

/** Without drafts, the newest first. */
export async function listVersions(
  store: Store,
  { recipeId, ...start }: { recipeId: string } & PageStart,
): Promise<Page<RecipeVersion>> {
  const { entries, total, next } = await readPage(store.kv, lists.recipeVersions(recipeId), start);
  const found = await readMany<RecipeVersion>(
    store.kv,
    entries.map(({ number }) => keys.recipeVersion(recipeId, number)),
  );
  return { items: present(found).map(({ value }) => value), total, next };
}

export function countVersions({ kv }: Store, recipeId: string): Promise<number> {
  return countEntries(kv, lists.recipeVersions(recipeId));
}

const mostDraftsShown = 50;

/** Somebody's own, the newest first. */
export async function listDrafts(
  store: Store,
  { userId, recipeId, limit = mostDraftsShown }: { userId: string; recipeId: string; limit?: number },
): Promise<RecipeVersion[]> {
  const selector = { prefix: keys.recipeDraftsOf(userId, recipeId) };
  const entries = await Array.fromAsync(store.kv.list<string>(selector, { limit, reverse: true }));
  const found = await readMany<RecipeVersion>(
    store.kv,
    entries.map(({ key }) => keys.recipeVersion(recipeId, key[3] as number)),
  );
  return present(found).map(({ value }) => value);
}

/** The current versions of several recipes, in their order. */
export async function readCurrent(
  store: Store,
  recipes: readonly Pick<Recipe, "id" | "current">[],
): Promise<RecipeVersion[]> {
  const found = await readMany<RecipeVersion>(
    store.kv,
    recipes.map(({ id, current }) => keys.recipeVersion(id, current)),
  );
  return found.map((version, i) => {
    if (version === null) throw new Error(`Recipe ${recipes[i].id} has no version ${recipes[i].current}`);
    return version.value;
  });
}

/** What its author sent before it was merged; null: just that. */
export async function readSent(
  store: Store,
  { recipeId, n }: Pick<RecipeVersion, "recipeId" | "n">,
): Promise<SentText | null> {
  return (await read<SentText>(store.kv, keys.recipeSent(recipeId, n)))?.value ?? null;
}
