/** Writing the next version. */
import type { Model } from "../../lib/catalog/provider.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { placeholderHint, recipePath, type RecipeView, SettingFields, TextField } from "./parts.tsx";

export function EditRecipePage({ user, view: { recipe }, basedOn, fields, models, problem }: {
  user: User;
  view: RecipeView;
  basedOn: string;
  fields: FormFields;
  models: readonly Model[];
  problem?: string;
}) {
  return (
    <Layout title={`Change ${recipe.name}`} user={user} current="/recipes">
      <div class="heading">
        <h1 dir="auto">{recipe.name}</h1>
        <p class="muted">from version {basedOn}</p>
        <a class="button quiet" rel="up" href={recipePath(recipe.id)}>Back</a>
      </div>
      <form class="recipe-form" method="post" action={recipePath(recipe.id, "/versions")}>
        <input type="hidden" name="basedOn" value={basedOn} />
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <TextField
          id="text"
          label="Text"
          text={fields.text ?? ""}
          hint={placeholderHint}
          rows={12}
          writing={recipe.boardId === null ? undefined : recipePath(recipe.id, "/writing")}
        />
        <SettingFields fields={fields} models={models} />
        <NoteField value={fields.note ?? ""} />
        <button class="primary" type="submit">Save as a version</button>
        <p class="muted">
          Earlier versions stay as they are. What somebody saves meanwhile is merged with this, word by word.
        </p>
      </form>
    </Layout>
  );
}

export function NoteField({ value }: { value: string }) {
  return (
    <div class="field">
      <label for="note">What is new in it (optional)</label>
      <input id="note" name="note" value={value} dir="auto" autocomplete="off" maxlength={200} />
    </div>
  );
}
