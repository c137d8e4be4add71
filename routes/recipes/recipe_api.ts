/** Recipes for programs. */
import { Hono } from "hono";
import { newRecipeInput, newVersionInput, recipeChanges } from "../../lib/recipes/recipe.ts";
import { findRecipe, type FoundRecipe } from "../../lib/recipes/recipe_access.ts";
import {
  changeRecipe,
  createRecipe,
  deleteRecipe,
  listDrafts,
  listRecipes,
  listVersions,
  readCurrent,
} from "../../lib/recipes/recipe_store.ts";
import { saveVersion } from "../../lib/recipes/save_version.ts";
import {
  recipeJson,
  recipeListJson,
  recipeVersionsJson,
  savedVersionJson,
  type ToldRecipe,
  versionConflictJson,
} from "../../views/json/recipe_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";

/** Versions that a recipe is told with, alone and among others. */
const told = { alone: 100, amongOthers: 5 };
/** Together at most so many UTF-16 units of text, but one version at least. */
const mostToldUnits = 400_000;

export function recipeApiRoutes({ store, secret }: Pick<AppDeps, "store" | "secret">) {
  return new Hono<AppEnv>()
    .get("/api/v1/recipes", async (c) => {
      const { user } = callerOf(c);
      const name = { userId: user.id, list: "recipes", secret };
      const query = readListQuery(c, { ...name, defaultLimit: 20 });
      const page = await listRecipes(store, { userId: user.id, ...query.start });
      const recipes = await Promise.all(
        page.items.map((found) => tell(user.id, { found, most: told.amongOthers })),
      );
      return c.json(recipeListJson(recipes, paginate(c, { page, name, query })));
    })
    .post("/api/v1/recipes", async (c) => {
      const { user } = callerOf(c, "generate");
      const input = await readJsonFields(c, newRecipeInput);
      const recipe = await createRecipe(store, { userId: user.id, ...input });
      c.header("Location", `/api/v1/recipes/${recipe.id}`);
      return c.json(await toJson(c, recipe.id), 201);
    })
    .get("/api/v1/recipes/:id", async (c) => c.json(await toJson(c)))
    .patch("/api/v1/recipes/:id", async (c) => {
      callerOf(c, "generate");
      await changeRecipe(store, nameOf(c), await readJsonFields(c, recipeChanges));
      return c.json(await toJson(c));
    })
    .delete("/api/v1/recipes/:id", async (c) => {
      callerOf(c, "generate");
      await deleteRecipe(store, nameOf(c));
      return c.json(doneJson());
    })
    .get("/api/v1/recipes/:id/versions", async (c) => {
      const { userId, recipeId } = nameOf(c);
      await findRecipe(store, { userId, recipeId });
      const name = { userId, list: `recipe/${recipeId}`, secret };
      const query = readListQuery(c, { ...name, defaultLimit: 20 });
      const page = await listVersions(store, { recipeId, ...query.start });
      return c.json(recipeVersionsJson(page.items, paginate(c, { page, name, query })));
    })
    .post("/api/v1/recipes/:id/versions", async (c) => {
      callerOf(c, "generate");
      const saved = await saveVersion(store, { ...nameOf(c), ...await readJsonFields(c, newVersionInput) });
      if (saved.isSaved) return c.json(savedVersionJson(saved.version.n, saved.mergedWith !== null), 201);
      const { conflict } = saved;
      const message = `Version ${conflict.theirs.n}, saved meanwhile, changes the same. ` +
        `What you sent is kept as draft ${conflict.mine.n}`;
      return c.json(versionConflictJson({ ...conflict, message, requestId: c.var.requestId }), 409);
    });

  function nameOf(c: AppContext, recipeId = c.req.param("id")!) {
    return { userId: callerOf(c).user.id, recipeId };
  }

  async function toJson(c: AppContext, recipeId?: string) {
    const name = nameOf(c, recipeId);
    const found = await findRecipe(store, name);
    return recipeJson(await tell(name.userId, { found, most: told.alone }));
  }

  /** With its latest versions, and the latest drafts of whoever asks. */
  async function tell(
    userId: string,
    { found: { recipe: { value: recipe }, role }, most }: { found: FoundRecipe; most: number },
  ): Promise<ToldRecipe> {
    const [[current], saved, drafts] = await Promise.all([
      readCurrent(store, [recipe]),
      listVersions(store, { recipeId: recipe.id, limit: most }),
      listDrafts(store, { userId, recipeId: recipe.id, limit: most }),
    ]);
    const all = [...saved.items, ...drafts].toSorted((a, b) => b.n - a.n).slice(0, most);
    let units = 0;
    const versions = all.filter(({ text }, i) => (units += text.length) <= mostToldUnits || i === 0);
    return { recipe, role, current, versions };
  }
}
