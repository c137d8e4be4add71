/** What somebody sent and what was saved meanwhile, which people put together. */
import type { Model } from "../../lib/catalog/provider.ts";
import type { ComparedPart } from "../../lib/recipes/compare_words.ts";
import type { Three } from "../../lib/recipes/merge_words.ts";
import type { RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { NoteField } from "./edit_recipe_page.tsx";
import {
  Difference,
  type Names,
  recipePath,
  RecipeText,
  type RecipeView,
  SettingFields,
  settingLabel,
  SettingsList,
  TextField,
  VersionLine,
  Whose,
} from "./parts.tsx";

export function ConflictPage(
  { user, view: { recipe }, versions, changes, conflicts, fields, models, names, problem }: {
    user: User;
    view: RecipeView;
    versions: Three<RecipeVersion>;
    /** Against the version that both began with. */
    changes: { mine: readonly ComparedPart[]; theirs: readonly ComparedPart[] };
    /** What both have changed: "text", and names of settings. */
    conflicts: readonly string[];
    /** What is in the form to begin with. */
    fields: FormFields;
    models: readonly Model[];
    names: Names;
    problem?: string;
  },
) {
  const { base, mine, theirs } = versions;
  const settledBy = mine.draft?.settledBy ?? null;
  const settings = conflicts.filter((field) => field !== "text").map(settingLabel);
  const line = { names, merged: null, userId: user.id, zone: user.timeZone };
  return (
    <Layout title={`Settle ${recipe.name}`} user={user} current="/recipes">
      <div class="heading">
        <h1 dir="auto">{recipe.name}</h1>
        <p class="muted">draft {mine.n}</p>
        <a class="button quiet" rel="up" href={recipePath(recipe.id)}>Back</a>
      </div>
      <p class="recipe-notice" role="status">
        {settledBy !== null
          ? `Version ${settledBy} has settled this draft.`
          : conflicts.length === 0
          ? "What was saved since goes together with this draft now: look it through, and save it."
          : `Version ${theirs.n}, saved meanwhile, changes the same ${
            conflicts.includes("text") ? "words" : "settings"
          }. Nothing is lost: what you sent is kept as draft ${mine.n}.`}
        {settings.length > 0 && ` Both of you changed: ${settings.join(", ")}.`}
      </p>
      <div class="three-texts">
        <section aria-labelledby="mine-heading">
          <h2 id="mine-heading">Yours, draft {mine.n}</h2>
          <VersionLine version={mine} {...line} />
          <Difference parts={changes.mine} label={`What you changed in version ${base.n}`} />
          <SettingsList settings={mine.settings} />
        </section>
        <section aria-labelledby="theirs-heading">
          <h2 id="theirs-heading">
            <span class="sentence">
              <Whose authorId={theirs.authorId} names={names} userId={user.id} />
            </span>{" "}
            version {theirs.n}
          </h2>
          <VersionLine version={theirs} {...line} />
          <Difference
            parts={changes.theirs}
            label={`What version ${theirs.n} changed in version ${base.n}`}
          />
          <SettingsList settings={theirs.settings} />
        </section>
        <section aria-labelledby="base-heading">
          <h2 id="base-heading">Both began with version {base.n}</h2>
          <VersionLine version={base} {...line} />
          <RecipeText text={base.text} />
          <SettingsList settings={base.settings} />
        </section>
      </div>
      <form class="recipe-form" method="post" action={recipePath(recipe.id, "/versions")}>
        <input type="hidden" name="basedOn" value={theirs.n} />
        <input type="hidden" name="settles" value={mine.n} />
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <TextField
          id="text"
          label="As it is to be"
          text={fields.text ?? ""}
          hint={`This becomes the version after ${theirs.n}.`}
          rows={12}
        />
        <SettingFields fields={fields} models={models} />
        <NoteField value={fields.note ?? ""} />
        <button class="primary" type="submit">Save as a version</button>
      </form>
    </Layout>
  );
}
