/** Recipes for people: their pages, and what their forms do. */
import { Hono } from "hono";
import { z } from "zod";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import { findPrompt } from "../../lib/prompts/prompt_store.ts";
import { commentText, recipeThread } from "../../lib/comments/comment.ts";
import { addComment, listComments, viewComments } from "../../lib/comments/comment_store.ts";
import { readFields } from "../../lib/fields.ts";
import { readTopicCursor, recipeTopic, topicName } from "../../lib/live/topic.ts";
import { viewPresence } from "../../lib/live/view_presence.ts";
import { recipePlace } from "../../lib/recipes/recipe_comments.ts";
import { compareTexts } from "../../lib/recipes/compare_words.ts";
import { placeholdersOf } from "../../lib/recipes/placeholders.ts";
import type { RecipeVersion } from "../../lib/recipes/recipe.ts";
import {
  demandRole,
  findRecipe,
  type FoundRecipe,
  listBoardsForRecipes,
  sharedOf,
} from "../../lib/recipes/recipe_access.ts";
import { importRecipe, writeRecipeFile } from "../../lib/recipes/recipe_file.ts";
import { readMadeWith } from "../../lib/recipes/recipe_pictures.ts";
import {
  changeRecipe,
  countVersions,
  createRecipe,
  deleteRecipe,
  findVersion,
  listDrafts,
  listRecipes,
  listVersions,
  readCurrent,
  readSent,
  readVersion,
} from "../../lib/recipes/recipe_store.ts";
import { openDraft, saveVersion } from "../../lib/recipes/save_version.ts";
import { findUsed, settingFields } from "../../lib/recipes/use_recipe.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { demandRight, mayIn } from "../../lib/users/membership.ts";
import { readUsers } from "../../lib/users/user.ts";
import { CompareVersionsPage } from "../../views/recipes/compare_versions_page.tsx";
import { ConflictPage } from "../../views/recipes/conflict_page.tsx";
import { EditRecipePage } from "../../views/recipes/edit_recipe_page.tsx";
import { NewRecipePage } from "../../views/recipes/new_recipe_page.tsx";
import { type Names, recipePath, type RecipeView } from "../../views/recipes/parts.tsx";
import { type CommentsProps, SaidFragment } from "../../views/comments/comments.tsx";
import { RecipeNews, RecipePage } from "../../views/recipes/recipe_page.tsx";
import { RecipesPage } from "../../views/recipes/recipes_page.tsx";
import { VersionsPage } from "../../views/recipes/versions_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { orProblem } from "../http/problem.tsx";
import { readFilledForm, readForm } from "../http/request_body.ts";
import { readNewRecipe, readNewVersion, readRecipeChanges } from "./recipe_form.ts";

const shownRecipes = 40;
const shownVersions = 25;
/** Versions whose pictures the page of a recipe shows, and how many of each. */
const picturedVersions = 6;
const shownPictures = 6;
const comparedPictures = 4;
/** Values are part of an address: servers and proxies take those of 8 kB. */
const mostValueUnits = 4000;

const shownComments = 50;
const commentInput = z.strictObject({ text: commentText });

type RecipePageDeps = Pick<AppDeps, "store" | "models" | "secret" | "presence">;

export function recipePageRoutes({ store, models, secret, presence }: RecipePageDeps) {
  return new Hono<AppEnv>()
    .get("/recipes", async (c) => c.html(await recipesPage(c)))
    .get("/recipes/new", async (c) => {
      const { user } = callerOf(c);
      const { from } = c.req.query();
      const fields = from === undefined ? {} : await fieldsOfPrompt(user.id, from);
      return c.html(await newPage(c, fields));
    })
    .post("/recipes", async (c) => {
      const { user } = callerOf(c, "generate");
      const fields: FormFields = await readForm(c);
      const page = ({ message }: Refusal) => newPage(c, fields, message);
      return await orProblem(c, { page }, async () => {
        const { id } = await createRecipe(store, { userId: user.id, ...readNewRecipe(fields) });
        return c.redirect(recipePath(id), 303);
      });
    })
    .post("/recipes/import", async (c) => {
      const { user } = callerOf(c, "generate");
      const page = ({ message }: Refusal) => recipesPage(c, message);
      return await orProblem(c, { page }, async () => {
        const { files } = await readFilledForm(c, ["file"]);
        const [file] = files.file ?? [];
        if (file === undefined) throw new Refusal("invalid_request", "Choose a file", { field: "file" });
        const { id } = await importRecipe(store, { userId: user.id, json: textOf(file.bytes) });
        return c.redirect(recipePath(id), 303);
      });
    })
    .get("/recipes/:id", async (c) => c.html(await recipePage(c)))
    .post("/recipes/:id", async (c) => {
      const { user } = callerOf(c, "generate");
      const fields: FormFields = await readForm(c);
      const page = ({ message: problem }: Refusal) => recipePage(c, { problem });
      return await orProblem(c, { page }, async () => {
        const name = { userId: user.id, recipeId: c.req.param("id") };
        await changeRecipe(store, name, readRecipeChanges(fields));
        return c.redirect(recipePath(name.recipeId), 303);
      });
    })
    .post("/recipes/:id/delete", async (c) => {
      const { user } = callerOf(c, "generate");
      await deleteRecipe(store, { userId: user.id, recipeId: c.req.param("id") });
      return c.redirect("/recipes", 303);
    })
    .get("/recipes/:id/edit", async (c) => {
      const found = await find(c);
      demandRole(found, "editor");
      const { text, settings, n } = await versionOf(c, { found, asked: c.req.query("from") });
      const fields = { ...settingFields(settings), text };
      return c.html(await editPage(c, { found, basedOn: String(n), fields }));
    })
    .get("/recipes/:id/export.json", async (c) => {
      const { recipe: { value: recipe } } = await find(c);
      const file = await writeRecipeFile(store, recipe);
      c.header("Content-Type", "application/json; charset=utf-8");
      c.header("Content-Disposition", 'attachment; filename="recipe.json"');
      return c.body(JSON.stringify(file, null, 2) + "\n");
    })
    .get("/recipes/:id/versions", async (c) => c.html(await versionsPage(c)))
    .post("/recipes/:id/versions", async (c) => {
      const { user } = callerOf(c, "generate");
      const recipeId = c.req.param("id");
      const fields: FormFields = await readForm(c);
      const found = await find(c);
      const page = ({ message: problem }: Refusal) =>
        /^\d{1,9}$/.test(fields.settles ?? "")
          ? conflictPage(c, { found, n: Number(fields.settles), fields, problem })
          : editPage(c, { found, basedOn: fields.basedOn ?? "", fields, problem });
      return await orProblem(c, { page }, async () => {
        const saved = await saveVersion(store, { userId: user.id, recipeId, ...readNewVersion(fields) });
        if (saved.isSaved) return c.redirect(recipePath(recipeId), 303);
        return c.html(await conflictPage(c, { found, n: saved.conflict.mine.n }), 409);
      });
    })
    .get("/recipes/:id/versions/:n/use", async (c) => {
      const { user } = callerOf(c);
      const use = { recipeId: c.req.param("id"), version: wholeOf(c.req.param("n")) };
      const { version } = await findUsed(store, { userId: user.id, use });
      return c.redirect(generatorAddress(c, version), 303);
    })
    .get("/recipes/:id/versions/:n/changes", async (c) => {
      const { user } = callerOf(c);
      const found = await find(c);
      const { value: recipe } = found.recipe;
      const cursor = await readTopicCursor(store, { userId: user.id, topic: recipeTopic(recipe.id) });
      const version = await findSaved(c, { recipeId: recipe.id, n: wholeOf(c.req.param("n")) });
      const comments = await readComments(c, { found, version });
      return c.html(<RecipeNews {...{ recipe, version, cursor, comments }} />);
    })
    .post("/recipes/:id/versions/:n/comments", async (c) => {
      const { user } = callerOf(c, "generate");
      const found = await find(c);
      const recipeId = found.recipe.value.id;
      const version = await findSaved(c, { recipeId, n: wholeOf(c.req.param("n")) });
      const { text = "" } = await readForm(c) as FormFields;
      const page = ({ message: problem }: Refusal) =>
        recipePage(c, { asked: String(version.n), comment: { text, problem } });
      return await orProblem(c, { page }, async () => {
        const fields = readFields(commentInput, { text });
        const place = { userId: user.id, recipeId, version: version.n };
        await addComment(store, { user, text: fields.text, find: () => recipePlace(store, place) });
        if (!wantsFragment(c)) {
          return c.redirect(recipePath(recipeId, `?version=${version.n}#comments`), 303);
        }
        return c.html(<SaidFragment {...await readComments(c, { found, version })} />);
      });
    })
    .post("/recipes/:id/writing", async (c) => {
      const { user } = callerOf(c, "generate");
      const found = await find(c);
      demandRight(sharedOf(found), { userId: user.id, right: "comment" });
      presence.writing(topicName(recipeTopic(found.recipe.value.id)), user.id);
      return c.body(null, 204);
    })
    .get("/recipes/:id/compare", async (c) => c.html(await comparePage(c)))
    .get("/recipes/:id/drafts/:n", async (c) => {
      return c.html(await conflictPage(c, { found: await find(c), n: wholeOf(c.req.param("n")) }));
    });

  function find(c: AppContext): Promise<FoundRecipe> {
    return findRecipe(store, { userId: callerOf(c).user.id, recipeId: c.req.param("id")! });
  }

  /** The version that an address names; without one the current one. */
  function versionOf(
    c: AppContext,
    { found: { recipe: { value: recipe } }, asked }: { found: FoundRecipe; asked: string | undefined },
  ): Promise<RecipeVersion> {
    const n = asked === undefined ? recipe.current : wholeOf(asked);
    return findSaved(c, { recipeId: recipe.id, n });
  }

  async function findSaved(c: AppContext, named: { recipeId: string; n: number }): Promise<RecipeVersion> {
    const version = await findVersion(store, { userId: callerOf(c).user.id, ...named });
    if (version.draft !== null) throw notFound();
    return version;
  }

  async function namesOf(versions: readonly (RecipeVersion | null)[]): Promise<Names> {
    const ids = versions.flatMap((version) => version?.authorId ?? []);
    return new Map((await readUsers(store, ids)).map(({ id, name }) => [id, name]));
  }

  async function recipesPage(c: AppContext, problem?: string) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: "recipes", secret };
    const query = readListQuery(c, { ...name, defaultLimit: shownRecipes });
    const page = await listRecipes(store, { userId: user.id, ...query.start });
    const current = await readCurrent(store, page.items.map(({ recipe }) => recipe.value));
    const recipes = page.items.map((found, i) => ({ view: viewOf(found), current: current[i] }));
    const { next } = paginate(c, { page, name, query });
    return <RecipesPage {...{ user, recipes, next, problem }} names={await namesOf(current)} />;
  }

  async function newPage(c: AppContext, fields: FormFields, problem?: string) {
    const { user } = callerOf(c);
    const boards = await listBoardsForRecipes(store, user.id);
    return <NewRecipePage {...{ user, fields, boards, problem }} models={models.available()} />;
  }

  /** What a prompt asked for, to be kept; refuses with `not_found`. */
  async function fieldsOfPrompt(userId: string, promptId: string): Promise<FormFields> {
    const { value: { request } } = await findPrompt(store, { userId, promptId });
    const { text, model, count, watermark, options, edit } = request;
    return {
      text,
      ...settingFields({ ...options, model, ...count > 1 && { count } }),
      ...watermark !== null && { watermark },
      // One that was taken from a base is the picture's own.
      ...edit === undefined && { imageSize: request.imageSize },
    };
  }

  async function readComments(
    c: AppContext,
    { found, version, sent }: {
      found: FoundRecipe;
      version: RecipeVersion;
      /** What was refused, and why. */
      sent?: { text: string; problem: string };
    },
  ): Promise<CommentsProps> {
    const { user } = callerOf(c);
    const { recipeId, n } = version;
    const page = await listComments(store, { thread: recipeThread(recipeId, n), limit: shownComments });
    const views = await viewComments(store, {
      comments: page.items,
      userId: user.id,
      shared: sharedOf(found),
    });
    return {
      user,
      action: recipePath(recipeId, `/versions/${n}/comments`),
      writing: recipePath(recipeId, "/writing"),
      views,
      older: null,
      mayComment: mayIn(sharedOf(found), { userId: user.id, right: "comment" }),
      ...sent,
    };
  }

  async function recipePage(
    c: AppContext,
    { problem, asked = c.req.query("version"), comment: sent }: {
      problem?: string;
      asked?: string;
      comment?: { text: string; problem: string };
    } = {},
  ) {
    const { user } = callerOf(c);
    const topic = recipeTopic(c.req.param("id")!);
    const cursor = await readTopicCursor(store, { userId: user.id, topic });
    const found = await find(c);
    const { value: recipe } = found.recipe;
    const version = await versionOf(c, { found, asked });
    const [here, comments] = await Promise.all([
      viewPresence({ store, presence }, { topic, userId: user.id }),
      readComments(c, { found, version, sent }),
    ]);
    const [merged, versions, drafts, boards, latest] = await Promise.all([
      version.mergedWith === null ? null : readVersion(store, { recipeId: recipe.id, n: version.mergedWith }),
      countVersions(store, recipe.id),
      listDrafts(store, { userId: user.id, recipeId: recipe.id }),
      found.role === "owner" ? listBoardsForRecipes(store, user.id) : [],
      listVersions(store, { recipeId: recipe.id, limit: picturedVersions }),
    ]);
    const pictured = [...new Set([version.n, ...latest.items.map(({ n }) => n)])];
    const made = await Promise.all(
      pictured.map((n) =>
        readMadeWith(store, {
          userId: user.id,
          recipeId: recipe.id,
          version: n,
          limit: shownPictures,
          isShared: found.board !== null,
        })
      ),
    );
    return (
      <RecipePage
        {...{ user, version, versions, made, boards, problem, cursor, here, comments }}
        view={viewOf(found)}
        merged={merged && merged.value}
        names={await namesOf([version, merged && merged.value])}
        placeholders={placeholdersOf(version.text)}
        drafts={drafts.filter(({ draft }) => draft?.settledBy === null)}
      />
    );
  }

  async function editPage(
    c: AppContext,
    { found, ...form }: { found: FoundRecipe; basedOn: string; fields: FormFields; problem?: string },
  ) {
    const { user } = callerOf(c);
    return await <EditRecipePage {...{ user, ...form }} view={viewOf(found)} models={models.available()} />;
  }

  async function versionsPage(c: AppContext) {
    const { user } = callerOf(c);
    const found = await find(c);
    const recipeId = found.recipe.value.id;
    const name = { userId: user.id, list: `recipe/${recipeId}`, secret };
    const query = readListQuery(c, { ...name, defaultLimit: shownVersions });
    const [page, drafts] = await Promise.all([
      listVersions(store, { recipeId, ...query.start }),
      listDrafts(store, { userId: user.id, recipeId }),
    ]);
    const own = page.items.filter(({ authorId, mergedWith }) => authorId === user.id && mergedWith !== null);
    const sent = await Promise.all(own.map(({ n }) => readSent(store, { recipeId, n })));
    return (
      <VersionsPage
        {...{ user, drafts }}
        view={viewOf(found)}
        versions={page.items}
        names={await namesOf([...page.items, ...drafts])}
        total={page.total}
        next={paginate(c, { page, name, query }).next}
        sent={new Map(own.flatMap(({ n }, i) => sent[i] === null ? [] : [[n, sent[i].text]]))}
      />
    );
  }

  async function comparePage(c: AppContext) {
    const { user } = callerOf(c);
    const found = await find(c);
    const { value: recipe } = found.recipe;
    const b = await versionOf(c, { found, asked: c.req.query("b") });
    const a = await versionOf(c, { found, asked: c.req.query("a") ?? String(b.basedOn ?? b.n) });
    const [madeOfA, madeOfB] = await Promise.all(
      [a, b].map(({ n }) =>
        readMadeWith(store, {
          userId: user.id,
          recipeId: recipe.id,
          version: n,
          limit: comparedPictures,
          isShared: found.board !== null,
        })
      ),
    );
    return (
      <CompareVersionsPage
        {...{ user, a, b }}
        view={viewOf(found)}
        parts={compareTexts(a.text, b.text)}
        made={[madeOfA, madeOfB]}
        names={await namesOf([a, b])}
      />
    );
  }

  async function conflictPage(
    c: AppContext,
    { found, n, fields, problem }: {
      found: FoundRecipe;
      n: number;
      /** As they were sent, where they were refused. */
      fields?: FormFields;
      problem?: string;
    },
  ) {
    const { user } = callerOf(c);
    const recipeId = found.recipe.value.id;
    const { versions, conflicts, proposal } = await openDraft(store, { userId: user.id, recipeId, n });
    const { base, mine, theirs } = versions;
    return (
      <ConflictPage
        {...{ user, versions, conflicts, problem }}
        view={viewOf(found)}
        changes={{
          mine: compareTexts(base.text, mine.text),
          theirs: compareTexts(base.text, theirs.text),
        }}
        fields={fields ?? { ...settingFields(proposal.settings), text: proposal.text }}
        models={models.available()}
        names={await namesOf([base, mine, theirs])}
      />
    );
  }
}

function viewOf({ recipe, role, board }: FoundRecipe): RecipeView {
  return { recipe: recipe.value, role, board: board && board.value };
}

/** Refuses with `not_found` what is no number of a version. */
function wholeOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw notFound();
  return Number(text);
}

/** Filled with what the form of the recipe sent. Refuses with `too_large` what has no room in an address. */
function generatorAddress(c: AppContext, { recipeId, n, text }: RecipeVersion): string {
  const given = new URL(c.req.url).searchParams;
  const query = new URLSearchParams({ recipeId, recipeVersion: String(n) });
  for (const name of placeholdersOf(text)) {
    const value = given.get(name)?.replaceAll("\r\n", "\n");
    if (value) query.set(`with.${name}`, value);
  }
  const address = `/generator?${query}`;
  if (address.length <= mostValueUnits) return address;
  throw new Refusal("too_large", "These values are too long together: write them into the prompt instead");
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Refusal("invalid_request", "The file must be text, as UTF-8", { field: "file" });
  }
}
