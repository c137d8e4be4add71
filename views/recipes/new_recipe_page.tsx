/** A new recipe, empty or from a prompt. */
import type { Board } from "../../lib/boards/board.ts";
import type { Model } from "../../lib/catalog/provider.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { placeholderHint, SettingFields, TextField } from "./parts.tsx";

export function NewRecipePage({ user, fields, models, boards, problem }: {
  user: User;
  /** As they were typed, or as the prompt has them. */
  fields: FormFields;
  models: readonly Model[];
  /** Where they may put it. */
  boards: readonly Board[];
  problem?: string;
}) {
  return (
    <Layout title="New recipe" user={user} current="/recipes">
      <div class="heading">
        <h1>New recipe</h1>
        <a class="button quiet" rel="up" href="/recipes">All recipes</a>
      </div>
      <form class="recipe-form" method="post" action="/recipes">
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <div class="field">
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            value={fields.name ?? ""}
            dir="auto"
            autocomplete="off"
            required
            maxlength={80}
          />
        </div>
        <TextField id="text" label="Text" text={fields.text ?? ""} hint={placeholderHint} />
        <SettingFields fields={fields} models={models} />
        {boards.length > 0 && (
          <div class="field">
            <label for="boardId">For</label>
            <select id="boardId" name="boardId">
              <option value="">me alone</option>
              {boards.map(({ id, name }) => (
                <option value={id} selected={id === fields.boardId}>{`the board ${name}`}</option>
              ))}
            </select>
          </div>
        )}
        <button class="primary" type="submit">Save as recipe</button>
      </form>
    </Layout>
  );
}
