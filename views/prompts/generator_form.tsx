/** The form that asks for pictures, in the order in which people think: words, then shape, then the rest. */
import type { Board } from "../../lib/boards/board.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { RecipeUse } from "../../lib/prompts/prompt.ts";
import type { Draft } from "../../lib/prompts/prompt_draft.ts";
import type { Credit } from "../../lib/live/publication_view.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { Model, ProviderStatus, Range } from "../../lib/catalog/provider.ts";
import { BoardField } from "../boards/board_field.tsx";
import { Budget } from "../money/budget.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { money, size } from "../shell/format.ts";
import { CreditWords } from "../publications/credit.tsx";
import { SourcesField, whyNotOffered } from "./sources_field.tsx";

/** What is known of a provider, by its id. */
export type Health = (providerId: string) => ProviderStatus | null;

export interface GeneratorFormProps {
  draft: Draft;
  /** What it is a remix of; null: nothing that is shown. */
  credit: Credit | null;
  /** Of its sources. */
  pictures: readonly PictureView[];
  userId: string;
  /** All onto which the user may put pictures. */
  boards: readonly Board[];
  /** What it is made with; null: nothing. */
  recipe: { use: RecipeUse; name: string } | null;
  models: readonly Model[];
  health: Health;
  budget: BudgetState;
  costMicros: number;
  maxChars: number;
  requestKey: string;
  /** Why the form was not accepted. */
  problem: string | null;
}

export function GeneratorForm(
  {
    draft,
    credit,
    pictures,
    userId,
    boards,
    recipe,
    models,
    health,
    budget,
    costMicros,
    maxChars,
    requestKey,
    problem,
  }: GeneratorFormProps,
) {
  return (
    <form
      id="generator"
      class="generator"
      method="post"
      action="/generator"
      enctype="multipart/form-data"
      hx-post="/generator"
      hx-target="#problem"
      hx-swap="innerHTML"
      hx-disable="find button[type=submit]"
    >
      <RequestKey value={requestKey} />
      <div class="field">
        <label for="prompt">What do you want to see?</label>
        <textarea
          id="prompt"
          name="prompt"
          dir="auto"
          rows={4}
          required
          autocomplete="off"
          aria-describedby="prompt-count problem"
          hx-post="/generator/price"
          hx-trigger="input changed delay:400ms"
          hx-include="closest form"
          hx-target="#generate"
          hx-swap="outerMorph"
        >
          {draft.text}
        </textarea>
        <p id="prompt-count" class="count" data-max={maxChars}>
          {Array.from(draft.text).length} / {maxChars}
        </p>
      </div>
      {recipe !== null && <RecipeField {...recipe} />}
      {credit?.kind === "publication" && credit.shown && <RemixField draft={draft} credit={credit} />}
      <SettingsFields {...{ draft, pictures, userId, boards, models, health }} />
      <div class="send">
        <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        <div class="submit">
          <GenerateButton draft={draft} costMicros={costMicros} />
          {models.length > 1 && <ShowSettings />}
          <kbd class="hint">Ctrl + Enter</kbd>
          <Budget budget={budget} />
        </div>
      </div>
      <button id="notify" class="quiet" type="button" aria-pressed="false" hidden>
        Tell me when a picture is ready
      </button>
    </form>
  );
}

/** It goes with the form, and can be left out. */
function RemixField({ draft: { remixOf }, credit }: { draft: Draft; credit: Credit }) {
  return (
    <label class="check">
      <input type="checkbox" name="remixOf" value={remixOf} checked />
      <span>
        A remix <CreditWords credit={credit} />
      </span>
    </label>
  );
}

/** Who takes the tick away makes pictures without the recipe. */
export function RecipeField({ use: { recipeId, version }, name }: { use: RecipeUse; name: string }) {
  return (
    <p class="with-recipe">
      <input type="hidden" name="recipeVersion" value={version} />
      <label class="box">
        <input type="checkbox" name="recipeId" value={recipeId} checked />
        <span>
          Made with the recipe <bdi>{name}</bdi>, version {version}
        </span>
      </label>{" "}
      <a href={`/recipes/${recipeId}?version=${version}`}>Look at it</a>
    </p>
  );
}

/** When what was shown is not what it would cost now: why nothing was sent, and the button with today's price. */
export function PriceChangedFragment({ problem, ...button }: ButtonProps & { problem: string }) {
  return (
    <>
      <ErrorText message={problem} />
      <hx-partial hx-target="#generate" hx-swap="outerMorph">
        <GenerateButton {...button} />
      </hx-partial>
    </>
  );
}

/** Names this form, so that sending it twice is one prompt. */
export function RequestKey({ value }: { value: string }) {
  return <input id="request-key" type="hidden" name="requestKey" value={value} />;
}

interface ButtonProps {
  draft: Draft;
  costMicros: number;
}

/** It sends along the price that it shows, so that nobody pays more than they saw. */
export function GenerateButton({ draft, costMicros }: ButtonProps) {
  const what = draft.count === 1 ? "Generate" : `Generate ${draft.count}`;
  return (
    <button id="generate" class="primary" type="submit" name="price" value={costMicros}>
      {what} · <span class="price">{money(costMicros)}</span>
    </button>
  );
}

/**
 * For browsers without scripts. It comes after the button that generates, which is thus the one that Enter presses,
 * and stands in no part that is swapped: in a fragment it would be there for all.
 */
function ShowSettings() {
  return (
    <noscript>
      <button class="quiet" type="submit" formmethod="get" formnovalidate>
        Show this model's settings
      </button>
    </noscript>
  );
}

/** Everything that depends on the chosen model; asked for again when a setting changes. */
export function SettingsFields(
  { draft, pictures, userId, boards, models, health }: Pick<
    GeneratorFormProps,
    "draft" | "pictures" | "userId" | "boards" | "models" | "health"
  >,
) {
  const { model, sources, sizes } = draft;
  return (
    <div
      id="settings"
      class="settings"
      hx-get="/generator/settings"
      hx-trigger="change"
      hx-include="this"
      hx-swap="outerMorph"
    >
      <SourcesField draft={draft} pictures={pictures} models={models} />
      {models.length === 1 ? <input type="hidden" name="model" value={model.id} /> : (
        <div class="field">
          <label for="model">Model</label>
          <select id="model" name="model">
            {models.map((each) => (
              <option
                value={each.id}
                selected={each.id === model.id}
                disabled={each.id !== model.id && whyNotOffered(each, sources.length) !== null}
              >
                {modelLabel(each, { status: health(each.provider), sources: sources.length })}
              </option>
            ))}
          </select>
        </div>
      )}
      <fieldset class="field sizes">
        <legend>Size</legend>
        <div class="choices">
          {(sizes.length === 0 || sources.some(({ role }) => role === "base")) && (
            <label class="choice">
              <input type="radio" name="imageSize" value="" checked={draft.imageSize === ""} />
              <span>As the base</span>
            </label>
          )}
          {sizes.map((each) => <SizeChoice size={each} isChosen={each === draft.imageSize} />)}
        </div>
      </fieldset>
      <fieldset class="field counts">
        <legend>Pictures</legend>
        <div class="choices">
          {countsFor(draft).map((count) => (
            <label class="choice">
              <input type="radio" name="count" value={count} checked={count === draft.count} />
              <span>{count}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <BoardField userId={userId} boards={boards} chosenId={draft.boardId} />
      <Advanced draft={draft} />
    </div>
  );
}

const troubleWords: { [state in ProviderStatus["state"]]: string | null } = {
  ok: null,
  key_refused: "its key is refused",
  unreachable: "not reachable now",
  trouble: "in trouble now",
};

/** Its name, why it can't be chosen, until when there is it, and what is wrong with it. */
function modelLabel(
  model: Model,
  { status, sources }: { status: ProviderStatus | null; sources: number },
): string {
  const { name, retiresAt } = model;
  const notes = [
    whyNotOffered(model, sources),
    retiresAt && `until ${retiresAt}`,
    status && troubleWords[status.state],
  ].filter(Boolean);
  return notes.length === 0 ? name : `${name} (${notes.join(", ")})`;
}

/** The counts that people choose, and the one that a program or another model's settings brought along. */
function countsFor({ model, count }: Draft): number[] {
  return [...new Set([1, 2, 4, 8, count])].filter((each) => each <= model.maxCount).toSorted((a, b) => a - b);
}

function SizeChoice({ size: value, isChosen }: { size: string; isChosen: boolean }) {
  const [width, height] = value.split("x").map(Number);
  const scale = 22 / Math.max(width, height, 1024);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  return (
    <label class="choice">
      <input type="radio" name="imageSize" value={value} checked={isChosen} />
      <span>
        <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">
          <rect class="shape" x={(24 - w) / 2} y={(24 - h) / 2} width={w} height={h} rx="1.5" />
        </svg>
        {size(value)}
      </span>
    </label>
  );
}

function Advanced({ draft }: { draft: Draft }) {
  const { model, options, watermark } = draft;
  const isFilled = [watermark, ...Object.values(options)].some((text) => text !== "");
  return (
    <details id="advanced" class="advanced" open={isFilled}>
      <summary>Advanced</summary>
      <div>
        <Field
          name="watermark"
          label="Watermark"
          value={watermark}
          maxlength={100}
          hint="Drawn bottom right"
        />
        {model.options.negativePrompt && (
          <Field name="negativePrompt" label="Leave out" value={options.negativePrompt} maxlength={1000} />
        )}
        {model.options.seed && (
          <Field
            name="seed"
            label="Seed"
            value={options.seed}
            {...numberIn({ min: 0, max: 4_294_967_295, step: 1 })}
            hint="The same seed gives the same picture"
          />
        )}
        {model.options.steps && (
          <Field name="steps" label="Steps" value={options.steps} {...numberIn(model.options.steps)} />
        )}
        {model.options.guidance && (
          <Field
            name="guidance"
            label="Guidance"
            value={options.guidance}
            {...numberIn(model.options.guidance)}
          />
        )}
      </div>
    </details>
  );
}

function Field({ label, hint, ...input }: {
  name: string;
  label: string;
  value: string;
  hint?: string;
  maxlength?: number;
}) {
  return (
    <div class="field">
      <label for={input.name}>{label}</label>
      <input id={input.name} autocomplete="off" placeholder={hint} {...input} dir="auto" />
    </div>
  );
}

function numberIn({ min, max, step }: Range) {
  return { type: "number", inputmode: "decimal", min, max, step };
}
