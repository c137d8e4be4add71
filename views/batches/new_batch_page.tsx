/** Many at once: one text that is rows in one of four ways, and what they would be and cost before anything is held. */
import type { BatchForm, Way } from "../../lib/batches/batch_form.ts";
import type { RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { Model } from "../../lib/catalog/provider.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { RowProblem } from "../../lib/refusal.ts";
import type { User } from "../../lib/users/user.ts";
import { Budget } from "../money/budget.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { size } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { BatchPreview, type PreviewProps } from "./batch_preview.tsx";

export interface NewBatchProps {
  user: User;
  form: BatchForm;
  /** What the rows are made with; null: nothing. */
  recipe: { name: string; version: RecipeVersion } | null;
  models: readonly Model[];
  budget: BudgetState;
  maxRows: number;
  /** Null: nothing was asked for yet, or it can't be. */
  preview: PreviewProps | null;
  /** Why there is none, or why it was not started. */
  problem: string | null;
  /** Of its rows, those that can't be. */
  rowProblems: readonly RowProblem[];
}

export function NewBatchPage(props: NewBatchProps) {
  const { user, form, recipe, models, budget, maxRows, preview, problem, rowProblems } = props;
  return (
    <Layout title="Many at once" user={user} current="/batches">
      <div class="heading">
        <h1>Many at once</h1>
        <p class="muted">Up to {maxRows} rows, with one price for all of them that is never passed.</p>
      </div>
      <div class="making-batch">
        {(preview !== null || problem !== null) && (
          <section id="preview" class="preview" aria-labelledby="preview-heading">
            {problem !== null && (
              <Problems problem={problem} rowProblems={rowProblems} hasPlan={preview !== null} />
            )}
            {preview !== null && <BatchPreview {...preview} />}
          </section>
        )}
        <section class="saying" aria-labelledby="rows-heading">
          <h2 id="rows-heading">{preview === null ? "What to make" : "Change it"}</h2>
          <RowsForm form={form} recipe={recipe} models={models} isFirst={preview === null} />
          <Budget budget={budget} />
        </section>
      </div>
    </Layout>
  );
}

function Problems(
  { problem, rowProblems, hasPlan }: {
    problem: string;
    rowProblems: readonly RowProblem[];
    hasPlan: boolean;
  },
) {
  const isSeveral = rowProblems.length > 1;
  return (
    <div class="batch-problems">
      <h2 id={hasPlan ? undefined : "preview-heading"}>
        {hasPlan ? "Not started yet" : "This can't be made yet"}
      </h2>
      {isSeveral
        ? (
          <div role="alert">
            <p class="error">These rows can't be made, so none is:</p>
            <ul>{rowProblems.map(({ message }) => <li>{message}</li>)}</ul>
            {rowProblems.length >= mostTold && <p class="muted">There may be more behind these.</p>}
          </div>
        )
        : <ErrorText message={problem} />}
    </div>
  );
}

/** Of rows that can't be no more are looked for. */
const mostTold = 20;

const waysInWords: { way: Way; name: string; hint: string; ofRecipe?: string }[] = [
  { way: "variations", name: "Variations", hint: "One text, made several times, by up to four models." },
  {
    way: "list",
    name: "List",
    hint: "One prompt a line. Empty lines and lines that begin with # are skipped.",
  },
  {
    way: "braces",
    name: "Braces",
    hint: "One text with choices: a {red|blue} fox at {dawn|night} is four prompts. {1..5} counts, " +
      "{colour: red|blue} … {colour} repeats, \\{ is a brace.",
  },
  {
    way: "table",
    name: "Table",
    hint: "A CSV file, or its text pasted here. The first row names the columns; prompt is needed.",
    ofRecipe: "A CSV file, or its text pasted here: write a row below the names for each prompt.",
  },
];

const examples: { [way in Way]: string } = {
  variations: "a lighthouse at dusk above a stormy sea",
  list: "a red fox at dawn\na blue fox at dawn\n# a line that is skipped",
  braces: "a {red|blue} fox at {dawn|night}",
  table: "prompt,seed\na red fox,1\na blue fox,2",
};

function RowsForm(
  { form, recipe, models, isFirst }: Pick<NewBatchProps, "form" | "recipe" | "models"> & { isFirst: boolean },
) {
  return (
    <form id="rows-form" class="rows-form" method="post" action="/batches/new" enctype="multipart/form-data">
      {recipe !== null && <WithRecipe {...recipe} />}
      <fieldset class="field ways">
        <legend>How you say it</legend>
        <div class="choices">
          {waysInWords.map(({ way, name }) => (
            <label class="choice">
              <input type="radio" name="way" value={way} checked={way === form.way} />
              <span>{name}</span>
            </label>
          ))}
        </div>
        <ul class="hints muted">
          {waysInWords.map(({ way, name, hint, ofRecipe = hint }) => (
            <li data-ways={way}>
              <strong class="without-script">{name}:</strong> {recipe === null ? hint : ofRecipe}
            </li>
          ))}
        </ul>
      </fieldset>
      <div class="field">
        <label for="prompts">Prompts</label>
        <textarea
          id="prompts"
          name="prompts"
          rows={8}
          dir="auto"
          autocomplete="off"
          placeholder={examples[form.way]}
        >
          {form.prompts}
        </textarea>
      </div>
      <div class="field" data-ways="table">
        <label for="table">Table as a file</label>
        <input
          id="table"
          type="file"
          name="table"
          accept=".csv,.tsv,.txt,text/csv"
          aria-describedby="table-words"
        />
        <p id="table-words" class="muted">
          At most 1 MB.{" "}
          {recipe === null && <a href="/batches/template.csv" download>A template to fill in</a>}
        </p>
      </div>
      <label class="box" data-ways={recipe === null ? "braces" : "braces table"}>
        <input
          type="checkbox"
          name="braces"
          checked={form.braces || (form.prompts === "" && recipe === null)}
        />
        Braces make variants
      </label>
      <div class="pair" data-ways="variations">
        <div class="field">
          <label for="variations">How many</label>
          <input
            id="variations"
            name="variations"
            type="number"
            inputmode="numeric"
            min={1}
            max={2000}
            value={form.variations}
          />
        </div>
        <fieldset class="field">
          <legend>Seeds</legend>
          <div class="choices">
            <Choice name="seeds" value="new" label="New for each picture" isChosen={form.seeds === "new"} />
            <Choice name="seeds" value="same" label="Same for all models" isChosen={form.seeds === "same"} />
          </div>
        </fieldset>
      </div>
      <ModelsField models={models} chosen={form.model} />
      <Settings form={form} models={models} />
      <div class="submit">
        <button class={isFirst ? "primary" : undefined} type="submit">
          {isFirst ? "Preview" : "Preview again"}
        </button>
        <span class="muted">Nothing is set aside or spent by looking.</span>
      </div>
    </form>
  );
}

/** In a table each row fills in the places of its text. */
function WithRecipe({ name, version: { recipeId, n, text } }: NonNullable<NewBatchProps["recipe"]>) {
  return (
    <div class="with-recipe">
      <input type="hidden" name="recipeVersion" value={n} />
      <label class="box">
        <input type="checkbox" name="recipeId" value={recipeId} checked />
        <span>
          Made with the recipe <bdi>{name}</bdi>, version {n}
        </span>
      </label>
      <p class="recipe-text" dir="auto">{text}</p>
      <p class="muted">
        A table has a column for each place in braces, and a row for each prompt. Other columns are settings.
      </p>
    </div>
  );
}

function Choice(
  { name, value, label, isChosen }: { name: string; value: string; label: string; isChosen: boolean },
) {
  return (
    <label class="choice">
      <input type="radio" name={name} value={value} checked={isChosen} />
      <span>{label}</span>
    </label>
  );
}

function ModelsField({ models, chosen }: { models: readonly Model[]; chosen: readonly string[] }) {
  const isChosen = ({ id }: Model, i: number) => chosen.length === 0 ? i === 0 : chosen.includes(id);
  if (models.length === 1) return <input type="hidden" name="model" value={models[0].id} />;
  return (
    <fieldset class="field">
      <legend>
        Models <span class="muted">(up to four; several make columns)</span>
      </legend>
      <div class="choices">
        {models.map((model, i) => (
          <label class="choice">
            <input type="checkbox" name="model" value={model.id} checked={isChosen(model, i)} />
            <span>{model.name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Settings({ form, models }: { form: BatchForm; models: readonly Model[] }) {
  const { imageSize, count, seed, guidance, steps, negativePrompt, watermark } = form;
  const isFilled = imageSize.length > 0 ||
    [count, seed, guidance, steps, negativePrompt, watermark].some((text) => text !== "");
  const sizes = [...new Set(models.flatMap((model) => model.sizes))];
  return (
    <details class="advanced" open={isFilled}>
      <summary>Settings</summary>
      <div>
        <fieldset class="field">
          <legend>
            Sizes <span class="muted">(none: the usual one)</span>
          </legend>
          <div class="choices">
            {sizes.map((each) => (
              <label class="choice">
                <input type="checkbox" name="imageSize" value={each} checked={imageSize.includes(each)} />
                <span>{size(each)}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <p class="muted">
          Seed, guidance and steps take several values: 1, 2, .., 10. Two settings with several values make a
          table.
        </p>
        <div class="pair">
          <Field name="count" label="Pictures a row" value={count} placeholder="1" />
          <Field name="seed" label="Seed" value={seed} placeholder="such as 1, 2, .., 10" />
          {models.some(({ options }) => options.guidance !== null) && (
            <Field name="guidance" label="Guidance" value={guidance} placeholder="such as 3, 5, 7" />
          )}
          {models.some(({ options }) => options.steps !== null) && (
            <Field name="steps" label="Steps" value={steps} placeholder="such as 20, 30" />
          )}
        </div>
        {models.some(({ options }) => options.negativePrompt) && (
          <Field name="negativePrompt" label="Leave out" value={negativePrompt} dir="auto" />
        )}
        <Field
          name="watermark"
          label="Watermark"
          value={watermark}
          placeholder="Drawn bottom right"
          dir="auto"
        />
      </div>
    </details>
  );
}

function Field({ label, ...input }: {
  name: string;
  label: string;
  value: string;
  placeholder?: string;
  dir?: "auto";
}) {
  return (
    <div class="field">
      <label for={input.name}>{label}</label>
      <input id={input.name} autocomplete="off" {...input} />
    </div>
  );
}
