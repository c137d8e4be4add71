/**
 * Saving a version. It is written from another one; where that is the current one still, it is the next. Where somebody
 * else saved meanwhile, theirs and this one are put together, and what comes of that is committed against the version
 * that it was put together with. What can't be put together is kept as a draft, in the same way, and whoever sent it
 * settles it. So whatever is sent is somewhere afterwards, in any order of things.
 */
import type { z } from "zod";
import { isDeepStrictEqual } from "node:util";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import { mergeFields, mergeTexts, type Three } from "./merge_words.ts";
import { mostVersions, type newVersionInput, type Recipe, type RecipeVersion } from "./recipe.ts";
import { checkBoard, demandRole, findRecipe, type FoundRecipe, tellRecipe } from "./recipe_access.ts";
import { addVersion, findVersion, listDrafts, readVersion } from "./recipe_store.ts";

export type Saved =
  /** `mergedWith`: what somebody saved meanwhile, which is in it too. */
  | { isSaved: true; version: RecipeVersion; mergedWith: RecipeVersion | null }
  | { isSaved: false; conflict: Conflict };

export interface Conflict extends Three<RecipeVersion> {
  /** What both have changed: "text", and names of settings. */
  fields: string[];
}

type Sent = { userId: string; recipeId: string } & z.output<typeof newVersionInput>;

/** Refuses who may not save, and with `invalid_request` a `basedOn` that is no version, or a draft. */
export async function saveVersion(store: Store, sent: Sent): Promise<Saved> {
  return await store.locks.hold(`recipe ${sent.recipeId}`, () => saveInTurn(store, sent));
}

async function saveInTurn(store: Store, sent: Sent): Promise<Saved> {
  while (true) {
    const saved = await trySaving(store, sent);
    if (saved !== null) return saved;
    if (await readUser(store, sent.userId) === null) throw accountGone();
  }
}

/** Null: something has changed meanwhile. */
async function trySaving(store: Store, sent: Sent): Promise<Saved | null> {
  const { userId, recipeId, text, settings, basedOn, note, settles } = sent;
  const found = await findRecipe(store, { userId, recipeId });
  demandRole(found, "editor");
  const { value: recipe } = found.recipe;
  const [base, theirs] = await Promise.all([
    readVersion(store, { recipeId, n: basedOn }),
    readVersion(store, { recipeId, n: recipe.current }),
  ]);
  if (base === null || base.value.draft !== null) throw noSuchBase();
  if (theirs === null) throw new Error(`Recipe ${recipeId} has no version ${recipe.current}`);
  const settled = settles === undefined ? null : await findOwnDraft(store, { userId, recipeId, n: settles });
  const mine: RecipeVersion = {
    recipeId,
    n: recipe.lastNumber + 1,
    text,
    settings,
    authorId: userId,
    note,
    at: store.now(),
    basedOn,
    mergedWith: null,
    draft: null,
  };
  const step = { found, settled };
  if (basedOn === recipe.current) {
    return await add(store, { ...step, version: mine }) &&
      { isSaved: true, version: mine, mergedWith: null };
  }
  // Somebody's second click, or both had the same thought.
  if (hasSame(mine, theirs.value)) {
    return await add(store, { ...step, version: null }) &&
      { isSaved: true, version: theirs.value, mergedWith: null };
  }
  const three: Three<RecipeVersion> = { base: base.value, mine, theirs: theirs.value };
  const merged = merge(three);
  if ("text" in merged) {
    const version: RecipeVersion = { ...mine, ...merged, mergedWith: recipe.current };
    const isAdded = await add(store, { ...step, version, sentText: text });
    return isAdded && { isSaved: true, version, mergedWith: theirs.value };
  }
  const earlier = await findSameDraft(store, mine);
  const draft: RecipeVersion = earlier ?? { ...mine, draft: { settledBy: null } };
  const isKept = earlier !== null || await add(store, { found, settled: null, version: draft });
  return isKept && { isSaved: false, conflict: { ...three, mine: draft, fields: merged.conflicts } };
}

/** A draft with what it was written from and what counts now; and what it would be, as far as that can be told. */
export interface OpenDraft {
  versions: Three<RecipeVersion>;
  /** Empty: they go together. */
  conflicts: string[];
  /** To begin with: what both changed is as the author of the draft wants it. */
  proposal: Pick<RecipeVersion, "text" | "settings">;
}

/** Refuses with `not_found` what is no draft of theirs. */
export async function openDraft(
  store: Store,
  { userId, recipeId, n }: { userId: string; recipeId: string; n: number },
): Promise<OpenDraft> {
  const { recipe } = await findRecipe(store, { userId, recipeId });
  const mine = await findVersion(store, { userId, recipeId, n });
  const [base, theirs] = await Promise.all([
    readVersion(store, { recipeId, n: mine.basedOn ?? 0 }),
    readVersion(store, { recipeId, n: recipe.value.current }),
  ]);
  if (mine.draft === null || base === null || theirs === null) throw notFound();
  const versions = { base: base.value, mine, theirs: theirs.value };
  const merged = merge(versions);
  if ("text" in merged) return { versions, conflicts: [], proposal: merged };
  const both = mergeFields({
    base: base.value.settings,
    mine: mine.settings,
    theirs: theirs.value.settings,
  });
  const own = new Map(Object.entries(mine.settings));
  const settings = {
    ...both.merged,
    ...Object.fromEntries(both.conflicts.map((name) => [name, own.get(name)])),
  };
  return { versions, conflicts: merged.conflicts, proposal: { text: mine.text, settings } };
}

function noSuchBase(): Refusal {
  return new Refusal("invalid_request", "basedOn must be the number of a version of this recipe", {
    field: "basedOn",
  });
}

/** One draft that still waits to be settled; one that was settled before stays so. */
async function findOwnDraft(
  store: Store,
  { userId, recipeId, n }: { userId: string; recipeId: string; n: number },
): Promise<Versioned<RecipeVersion>> {
  const found = Number.isSafeInteger(n) ? await readVersion(store, { recipeId, n }) : null;
  if (found !== null && found.value.draft !== null && found.value.authorId === userId) return found;
  throw new Refusal("invalid_request", "settles must be the number of a draft of yours", {
    field: "settles",
  });
}

/** The same sent twice is kept once. */
async function findSameDraft(store: Store, mine: RecipeVersion): Promise<RecipeVersion | null> {
  const drafts = await listDrafts(store, { userId: mine.authorId!, recipeId: mine.recipeId });
  return drafts.find((each) =>
    each.draft?.settledBy === null && each.basedOn === mine.basedOn && hasSame(each, mine)
  ) ?? null;
}

function hasSame(a: RecipeVersion, b: RecipeVersion): boolean {
  return a.text === b.text && isDeepStrictEqual(a.settings, b.settings);
}

function merge(
  { base, mine, theirs }: Three<RecipeVersion>,
): Pick<RecipeVersion, "text" | "settings"> | { conflicts: string[] } {
  const text = mergeTexts({ base: base.text, mine: mine.text, theirs: theirs.text });
  const { merged: settings, conflicts } = mergeFields({
    base: base.settings,
    mine: mine.settings,
    theirs: theirs.settings,
  });
  if (text !== null && conflicts.length === 0 && text.length <= mostMergedUnits && text.trim() !== "") {
    return { text, settings };
  }
  return { conflicts: [...(text === null || conflicts.length === 0 ? ["text"] : []), ...conflicts] };
}

/** What two have added to a long text may not fit together. */
const mostMergedUnits = 20_000;

/**
 * The next number of the recipe is the version's, a draft among them; null: there is none to add. A draft that it
 * settles is marked. False: the recipe, the rights on it or the draft changed meanwhile.
 */
async function add(
  store: Store,
  { found: { recipe: { value: before, versionstamp }, board }, settled, version, sentText }: {
    found: FoundRecipe;
    settled: Versioned<RecipeVersion> | null;
    version: RecipeVersion | null;
    sentText?: string;
  },
): Promise<true | null> {
  if (before.lastNumber >= mostVersions && version !== null) {
    throw new Refusal("too_large", `A recipe has at most ${mostVersions.toLocaleString("en-US")} versions`);
  }
  const key = keys.recipe(before.id);
  const atomic = checkBoard(store.kv.atomic(), board).check({ key, versionstamp });
  if (version !== null) {
    const isDraft = version.draft !== null;
    const after: Recipe = {
      ...before,
      lastNumber: version.n,
      current: isDraft ? before.current : version.n,
    };
    atomic.set(key, after);
    if (!isDraft) tellRecipe(atomic, { store, recipeId: before.id });
    addVersion(checkAccount(atomic, version.authorId!), version);
    if (sentText !== undefined && sentText !== version.text) {
      atomic.set(keys.recipeSent(before.id, version.n), { text: sentText });
    }
  }
  if (settled !== null && settled.value.draft?.settledBy === null) {
    const draftKey = keys.recipeVersion(before.id, settled.value.n);
    const draft = { settledBy: version?.n ?? before.current };
    atomic.check({ key: draftKey, versionstamp: settled.versionstamp })
      .set(draftKey, { ...settled.value, draft });
  }
  return await commit(atomic) === null ? null : true;
}
