import assert from "node:assert/strict";
import fc from "fast-check";
import type { Recipe, RecipeSettings, RecipeVersion } from "../../../lib/recipes/recipe.ts";
import { createRecipe, listDrafts, listVersions, readVersion } from "../../../lib/recipes/recipe_store.ts";
import { type Saved, saveVersion } from "../../../lib/recipes/save_version.ts";
import { read } from "../../../lib/store/store.ts";
import { keys } from "../../../lib/store/schema.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestStore, createTestUser, type TestStore } from "../../fixtures/store.ts";

interface Given {
  text: string;
  settings?: RecipeSettings;
}

async function begin(store: TestStore, { text, settings = {} }: Given) {
  const { id: userId } = await createTestUser(store);
  const recipe = await createRecipe(store, { userId, name: "Fox", text, settings, boardId: null, note: "" });
  const save = (basedOn: number, given: Given, settles?: number) =>
    saveVersion(store, { userId, recipeId: recipe.id, settings: {}, note: "", basedOn, settles, ...given });
  return { userId, recipe, save };
}

const outcome = (saved: Saved) =>
  saved.isSaved
    ? { n: saved.version.n, text: saved.version.text, with: saved.mergedWith?.n ?? null }
    : { draft: saved.conflict.mine.n, fields: saved.conflict.fields };

const line = "a red fox at dawn";

Deno.test("a version of what was current is the next; one of what was current before is merged", async () => {
  using store = await createTestStore();
  const { save, recipe } = await begin(store, { text: line, settings: { seed: 1 } });
  const second = await save(1, { text: "a red fox at night", settings: { seed: 1 } });
  assert.deepEqual(outcome(second), { n: 2, text: "a red fox at night", with: null });
  const third = await save(1, { text: "a blue fox at dawn", settings: { seed: 1, count: 2 } });
  assert.deepEqual(outcome(third), { n: 3, text: "a blue fox at night", with: 2 });
  assert.deepEqual(third.isSaved && third.version.settings, { seed: 1, count: 2 });
  const { value } = (await read<Recipe>(store.kv, keys.recipe(recipe.id)))!;
  assert.deepEqual([value.current, value.lastNumber], [3, 3]);
  assert.deepEqual((await read(store.kv, keys.recipeSent(recipe.id, 3)))!.value, {
    text: "a blue fox at dawn",
  });
});

Deno.test("what can't be merged is a draft with a number, kept once, and settled by what its author saves", async () => {
  using store = await createTestStore();
  const { save, recipe, userId } = await begin(store, { text: line });
  await save(1, { text: "a green fox at dawn" });
  assert.deepEqual(outcome(await save(1, { text: "a blue fox at dawn" })), { draft: 3, fields: ["text"] });
  assert.deepEqual(outcome(await save(1, { text: "a blue fox at dawn" })), { draft: 3, fields: ["text"] });
  const [draft] = await listDrafts(store, { userId, recipeId: recipe.id });
  assert.deepEqual([draft.text, draft.basedOn, draft.draft], ["a blue fox at dawn", 1, { settledBy: null }]);
  assert.deepEqual(outcome(await save(2, { text: "a teal fox at dawn" }, 3)), {
    n: 4,
    text: "a teal fox at dawn",
    with: null,
  });
  assert.deepEqual((await readVersion(store, { recipeId: recipe.id, n: 3 }))!.value.draft, { settledBy: 4 });
  const { items, total } = await listVersions(store, { recipeId: recipe.id, limit: 10 });
  assert.deepEqual([items.map(({ n }) => n), total], [[4, 2, 1], 3]);
});

Deno.test("settings that both changed are a conflict, also where the texts go together", async () => {
  using store = await createTestStore();
  const { save } = await begin(store, { text: line, settings: { seed: 1 } });
  await save(1, { text: "a red fox at night", settings: { seed: 2 } });
  assert.deepEqual(outcome(await save(1, { text: "a blue fox at dawn", settings: { seed: 3 } })), {
    draft: 3,
    fields: ["seed"],
  });
});

Deno.test("what is the same as what was saved meanwhile is that", async () => {
  using store = await createTestStore();
  const { save } = await begin(store, { text: line });
  await save(1, { text: "a blue fox" });
  assert.deepEqual(outcome(await save(1, { text: "a blue fox" })), { n: 2, text: "a blue fox", with: null });
  assert.deepEqual(outcome(await save(2, { text: "a blue fox" })), { n: 3, text: "a blue fox", with: null });
});

Deno.test("what two made longer than a text may be together is for them to settle", async () => {
  using store = await createTestStore();
  const { save } = await begin(store, { text: "a b c" });
  await save(1, { text: `a${"x".repeat(12_000)} b c` });
  assert.deepEqual(outcome(await save(1, { text: `a b c${"y".repeat(12_000)}` })), {
    draft: 3,
    fields: ["text"],
  });
});

Deno.test("a version that there is not, a draft, and somebody else's draft are no ground to stand on", async () => {
  using store = await createTestStore();
  const { save } = await begin(store, { text: line });
  await save(1, { text: "a green fox" });
  await save(1, { text: "a blue fox" });
  for (const basedOn of [0, 3, 4, 99, 2 ** 53]) {
    await assert.rejects(save(basedOn, { text: "a" }), { code: "invalid_request", field: "basedOn" });
  }
  for (const settles of [0, 1, 2, 4]) {
    await assert.rejects(save(2, { text: "a" }, settles), { code: "invalid_request", field: "settles" });
  }
});

/** Where a text is to be found after it was sent. */
async function isKept(
  store: TestStore,
  { recipe, userId, text, saved }: { recipe: Recipe; userId: string; text: string; saved: Saved },
): Promise<boolean> {
  if (!saved.isSaved) {
    const drafts = await listDrafts(store, { userId, recipeId: recipe.id });
    return drafts.some((draft) => draft.text === text && draft.n === saved.conflict.mine.n);
  }
  const { n } = saved.version;
  const version: RecipeVersion = (await readVersion(store, { recipeId: recipe.id, n }))!.value;
  const sent = await read<{ text: string }>(store.kv, keys.recipeSent(recipe.id, n));
  return version.text === text || sent?.value.text === text;
}

const word = fc.constantFrom("red", "blue", "fox", "dawn", "snow", "狐");
const edit = fc.record({ at: fc.nat(8), word, isInserted: fc.boolean() });

function edited(text: string, { at, word, isInserted }: { at: number; word: string; isInserted: boolean }) {
  const words = text.split(" ");
  return words.toSpliced(at % words.length, isInserted ? 0 : 1, word).join(" ");
}

Deno.test("in a hundred random orders of two who save, whatever they sent is there afterwards", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ who: fc.nat(1), edit, isAtOnce: fc.boolean() }), { minLength: 2, maxLength: 12 }),
      async (steps) => {
        using store = await createTestStore();
        const { recipe, userId, save } = await begin(store, { text: "a red fox at dawn in snow" });
        const seen = [{ n: 1, text: "a red fox at dawn in snow" }, {
          n: 1,
          text: "a red fox at dawn in snow",
        }];
        const under: Promise<void>[] = [];
        for (const { who, edit, isAtOnce } of steps) {
          const text = edited(seen[who].text, edit);
          const saving = save(seen[who].n, { text }).then(async (saved) => {
            assert.ok(await isKept(store, { recipe, userId, text, saved }), text);
            const now = saved.isSaved ? saved.version : saved.conflict.theirs;
            seen[who] = { n: now.n, text: now.text };
          });
          under.push(saving);
          if (!isAtOnce) await Promise.all(under);
        }
        await Promise.all(under);
        const { value } = (await read<Recipe>(store.kv, keys.recipe(recipe.id)))!;
        for (let n = 1; n <= value.lastNumber; n++) {
          assert.ok(await readVersion(store, { recipeId: recipe.id, n }), `version ${n}`);
        }
        assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []);
      },
    ),
    { numRuns: 100 },
  );
});
