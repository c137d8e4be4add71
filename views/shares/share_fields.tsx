/** What the owner of a link decides: the same fields for a new one and for one that is changed. */
import type { FilledShare } from "./filled_share.ts";
import { shareLives } from "./filled_share.ts";

export function ShareFields({ form, isNew }: {
  form: FilledShare;
  isNew: boolean;
}) {
  return (
    <>
      <div class="field">
        <label for="expires">It ends</label>
        <select id="expires" name="expires">
          {!isNew && <option value="">as it is</option>}
          {shareLives.map(({ value, words }) => (
            <option value={value} selected={value === form.expires}>{words}</option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="password">Password {isNew ? "(if you want one)" : "(a new one)"}</label>
        <input
          id="password"
          name="password"
          value={form.password}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          dir="auto"
          minlength={8}
          maxlength={200}
          aria-describedby="password-hint"
        />
        <p id="password-hint" class="muted">
          {isNew
            ? "At least 8 characters. Tell it to people another way than the link."
            : "Empty: it stays as it is. Whoever gave the old one has to give the new one."}
        </p>
      </div>
      <fieldset class="ticks">
        <legend>People who have the link</legend>
        {ticks.map(({ name, words }) => (
          <label>
            <input type="checkbox" name={name} value="true" checked={form[name]} />
            {words}
          </label>
        ))}
      </fieldset>
      <div class="field">
        <label for="note">Note</label>
        <textarea id="note" name="note" dir="auto" rows={2} maxlength={500} aria-describedby="note-hint">
          {form.note}
        </textarea>
        <p id="note-hint" class="muted">Shown above the pictures, and where the link is sent.</p>
      </div>
    </>
  );
}

const ticks = [
  { name: "showPrompt", words: "see the prompt" },
  { name: "allowDownload", words: "may save copies, which carry the mark of AI-made pictures" },
  { name: "allowOriginal", words: "may save what the model made, at full quality" },
  { name: "allowRemix", words: "may start from it here, if they have an account" },
] as const;
