/**
 * Who may do what with a recipe. A private one is its owner's. One that is on a board belongs to the board: whoever is
 * a member uses it, editors save, and whoever has left or was removed has nothing of it any more. While its board is
 * gone it is its owner's again.
 */
import { isId } from "../ids.ts";
import type { Board } from "../boards/board.ts";
import { mostBoards, mostSharedBoards } from "../boards/board.ts";
import { listBoards, listSharedBoards } from "../boards/board_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { read, type Store, type Versioned } from "../store/store.ts";
import { roleIn, type Shared, type SharedRole } from "../users/membership.ts";
import type { Recipe } from "./recipe.ts";

/** In the order of what they may do. */
const recipeRoles: readonly SharedRole[] = ["viewer", "commenter", "editor", "owner"];
export type RecipeRole = SharedRole;

/** A recipe as it was read, for somebody who may see it. */
export interface FoundRecipe {
  recipe: Versioned<Recipe>;
  role: RecipeRole;
  /** The board that says so; null: it is on none. */
  board: Versioned<Board> | null;
}

interface Named {
  userId: string;
  recipeId: string;
}

/** Refuses with `not_found` what is missing, malformed or not there for them. */
export async function findRecipe(store: Store, { userId, recipeId }: Named): Promise<FoundRecipe> {
  const recipe = isId(recipeId) ? await read<Recipe>(store.kv, keys.recipe(recipeId)) : null;
  if (recipe === null) throw notFound();
  const { boardId, ownerId } = recipe.value;
  const board = boardId === null ? null : await read<Board>(store.kv, keys.board(boardId));
  if (board === null) {
    if (ownerId !== userId) throw notFound();
    return { recipe, role: "owner", board };
  }
  const role = roleIn(board.value, userId);
  if (role === null) throw notFound();
  return { recipe, role: ownerId === userId ? "owner" : role, board };
}

/** Refuses with `forbidden` who may see it and not do this. */
export function demandRole({ role }: Pick<FoundRecipe, "role">, needed: RecipeRole): void {
  if (recipeRoles.indexOf(role) >= recipeRoles.indexOf(needed)) return;
  const words = needed === "owner"
    ? "Only whoever made this recipe, and the board's owner, may do this"
    : "Only editors of the board may do this";
  throw new Refusal("forbidden", words);
}

/** A board that somebody puts a recipe onto. Refuses like the board itself. */
export async function findBoardForRecipes(
  store: Store,
  { userId, boardId }: { userId: string; boardId: string },
): Promise<Versioned<Board>> {
  const board = isId(boardId) ? await read<Board>(store.kv, keys.board(boardId)) : null;
  const role = board && roleIn(board.value, userId);
  if (board === null || role === null) throw notFound();
  demandRole({ role }, "editor");
  return board;
}

/** A commit that is made by what they were allowed when it was prepared. */
export function checkBoard(
  atomic: Deno.AtomicOperation,
  board: Versioned<Board> | null,
): Deno.AtomicOperation {
  if (board === null) return atomic;
  return atomic.check({ key: keys.board(board.value.id), versionstamp: board.versionstamp });
}

/** The boards whose recipes they use. */
export async function listBoardsWithRecipes(store: Store, userId: string): Promise<Board[]> {
  const [own, shared] = await Promise.all([
    listBoards(store, { userId, limit: mostBoards }),
    listSharedBoards(store, { userId, limit: mostSharedBoards }),
  ]);
  return [...own.items, ...shared.items];
}

/** Those that they may put a recipe onto. */
export async function listBoardsForRecipes(store: Store, userId: string): Promise<Board[]> {
  const boards = await listBoardsWithRecipes(store, userId);
  return boards.filter((board) => ["editor", "owner"].includes(roleIn(board, userId) ?? ""));
}

/** Who may see it. */
export function sharedOf(
  { recipe: { value: { ownerId } }, board }: Pick<FoundRecipe, "recipe" | "board">,
): Shared {
  return board === null ? { ownerId, members: [] } : board.value;
}

/** Adds to a commit that whoever looks at the recipe hears of it. */
export function tellRecipe(
  atomic: Deno.AtomicOperation,
  { store, recipeId }: { store: Pick<Store, "now">; recipeId: string },
): Deno.AtomicOperation {
  return atomic.set(keys.topicHead("recipe", recipeId), store.now());
}
