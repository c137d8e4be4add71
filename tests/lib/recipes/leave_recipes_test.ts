import assert from "node:assert/strict";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { deleteBoard } from "../../../lib/boards/delete_board.ts";
import {
  leaveRecipes,
  leaveVersions,
  readWritten,
  returnAllRecipes,
  returnRecipes,
} from "../../../lib/recipes/leave_recipes.ts";
import type { Recipe, RecipeVersion } from "../../../lib/recipes/recipe.ts";
import { findRecipe } from "../../../lib/recipes/recipe_access.ts";
import {
  changeRecipe,
  createRecipe,
  deleteRecipe,
  finishRecipeDeletions,
  listRecipes,
  removeRecipe,
} from "../../../lib/recipes/recipe_store.ts";
import { saveVersion } from "../../../lib/recipes/save_version.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import { read } from "../../../lib/store/store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestStore, createTestUser, type TestStore } from "../../fixtures/store.ts";

const nothingWrong = async (store: TestStore) =>
  assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []);

function create(store: TestStore, { userId, boardId = null }: { userId: string; boardId?: string | null }) {
  return createRecipe(store, { userId, name: "Fox", text: "a fox", settings: {}, boardId, note: "" });
}

async function left(store: TestStore): Promise<string[]> {
  const found = await Array.fromAsync(store.kv.list({ prefix: [] }), ({ key }) => String(key[0]));
  return found.filter((kind) => kind.includes("recipe"));
}

Deno.test("a recipe goes with its versions, drafts and entries", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  const { id: recipeId } = await create(store, { userId });
  const save = (text: string) =>
    saveVersion(store, { userId, recipeId, text, settings: {}, note: "", basedOn: 1 });
  await save("a wolf");
  await save("a cat");
  await nothingWrong(store);
  await deleteRecipe(store, { userId, recipeId });
  assert.deepEqual(await left(store), []);
  await nothingWrong(store);
  await assert.rejects(deleteRecipe(store, { userId, recipeId }), { code: "not_found" });
});

Deno.test("a deletion that broke off is finished by the next process", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  const recipe = await create(store, { userId });
  const atomic = store.kv.atomic();
  removeRecipe(atomic, recipe);
  assert.ok((await atomic.commit()).ok);
  assert.ok((await left(store)).includes("recipe_version"));
  await finishRecipeDeletions(store);
  assert.deepEqual(await left(store), []);
});

Deno.test("what was on a board that is gone is its owner's own again, at once and in the list", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  const board = await createBoard(store, { userId, name: "Foxes", description: "" });
  const recipe = await create(store, { userId, boardId: board.id });
  const other = await create(store, { userId });
  await deleteBoard(store, { userId, boardId: board.id });
  assert.equal((await findRecipe(store, { userId, recipeId: recipe.id })).role, "owner");
  await returnAllRecipes(store);
  await returnRecipes(store, board.id);
  const { items, total } = await listRecipes(store, { userId, limit: 10 });
  assert.deepEqual(items.map(({ recipe: { value } }) => [value.id, value.boardId]), [
    [other.id, null],
    [recipe.id, null],
  ]);
  assert.equal(total, 2);
  await nothingWrong(store);
});

Deno.test("a recipe moves onto a board and off it again", async () => {
  using store = await createTestStore();
  const { id: userId } = await createTestUser(store);
  const board = await createBoard(store, { userId, name: "Foxes", description: "" });
  const { id: recipeId } = await create(store, { userId });
  for (const boardId of [board.id, board.id, null, board.id]) {
    const { recipe } = await changeRecipe(store, { userId, recipeId }, { boardId });
    assert.equal(recipe.value.boardId, boardId);
    assert.equal((await listRecipes(store, { userId, limit: 10 })).total, 1);
    await nothingWrong(store);
  }
});

/** As if the board were somebody else's. */
async function giveAway(store: TestStore, { boardId, to }: { boardId: string; to: string }): Promise<void> {
  const key = keys.board(boardId);
  const { value } = (await read<{ ownerId: string }>(store.kv, key))!;
  await store.kv.set(key, { ...value, ownerId: to });
}

Deno.test("of an account that goes, what is on somebody's board passes to them without the author's name", async () => {
  using store = await createTestStore();
  const [ada, bob] = [(await createTestUser(store)).id, (await createTestUser(store)).id];
  const board = await createBoard(store, { userId: ada, name: "Foxes", description: "" });
  const shared = await create(store, { userId: ada, boardId: board.id });
  await create(store, { userId: ada });
  for (const text of ["a wolf", "a cat"]) {
    await saveVersion(store, {
      userId: ada,
      recipeId: shared.id,
      text,
      settings: {},
      note: "",
      basedOn: 1,
    });
  }
  assert.deepEqual((await readWritten(store, ada)).map(({ versions }) => versions.map(({ n }) => n)), [
    [1, 2, 3],
    [1],
  ]);
  await giveAway(store, { boardId: board.id, to: bob });
  for (let i = 0; i < 2; i++) {
    await leaveRecipes(store, ada);
    await leaveVersions(store, ada);
  }
  const recipes = await Array.fromAsync(store.kv.list<Recipe>({ prefix: [...kinds.recipes] }));
  assert.deepEqual(recipes.map(({ value }) => [value.id, value.ownerId]), [[shared.id, bob]]);
  const versions = await Array.fromAsync(store.kv.list<RecipeVersion>({ prefix: [...kinds.recipeVersions] }));
  assert.deepEqual(versions.map(({ value }) => [value.n, value.authorId]), [[1, null], [2, null]]);
  assert.deepEqual(await readWritten(store, ada), []);
  assert.equal((await findRecipe(store, { userId: bob, recipeId: shared.id })).role, "owner");
});
