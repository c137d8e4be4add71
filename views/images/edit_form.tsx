/** What every form that changes a picture has: the words, the model, what it costs, and what the model is given. */
import type { Model } from "../../lib/catalog/provider.ts";
import type { Image } from "../../lib/images/image.ts";
import type { Draft, FormFields } from "../../lib/prompts/prompt_draft.ts";
import type { PromptRequest } from "../../lib/prompts/prompt.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { money, size } from "../shell/format.ts";
import { RequestKey } from "../prompts/generator_form.tsx";

export const editWays = ["words", "part", "frame"] as const;
export type EditWay = (typeof editWays)[number];

/** A form as it stands, and what it comes to. */
export interface EditState {
  image: Image;
  as: EditWay;
  fields: FormFields;
  draft: Draft;
  /** Those that can be given a picture; never empty. */
  models: readonly Model[];
  costMicros: number;
  /** What would be asked for; null where the form is not whole yet. */
  request: PromptRequest | null;
}

export function editPath(imageId: string, as: EditWay): string {
  return `/images/${imageId}/edit?as=${as}`;
}

/** What every such form sends along. */
export function Hidden({ image, as, requestKey }: { image: Image; as: EditWay; requestKey: string }) {
  return (
    <>
      <RequestKey value={requestKey} />
      <input type="hidden" name="source" value={image.id} />
      <input type="hidden" name="as" value={as} />
    </>
  );
}

const questions: { [as in EditWay]: { label: string; hint: string } } = {
  words: { label: "What should be different?", hint: "Make it night" },
  part: { label: "What should be there?", hint: "A small red boat" },
  frame: { label: "What is around it?", hint: "More of the same shore" },
};

export function Words({ state: { image, as, draft } }: { state: EditState }) {
  const { label, hint } = questions[as];
  return (
    <div class="field">
      <label for="change-prompt">{label}</label>
      <textarea
        id="change-prompt"
        name="prompt"
        dir="auto"
        rows={3}
        required
        placeholder={hint}
        aria-describedby="problem"
        hx-post={`/images/${image.id}/edit/price`}
        hx-trigger="input changed delay:400ms"
        hx-include="closest form"
        hx-target="#generate"
        hx-swap="outerMorph"
      >
        {draft.text}
      </textarea>
    </div>
  );
}

/** What depends on the model; asked for again when something of it changes. */
export function EditSettings({ state, isShort = false }: { state: EditState; isShort?: boolean }) {
  const { image, draft: { model, count }, models } = state;
  return (
    <div
      id="settings"
      class="settings"
      hx-post={`/images/${image.id}/edit/settings${isShort ? "?short=1" : ""}`}
      hx-trigger="change"
      hx-include="closest form"
      hx-swap="outerMorph"
    >
      {models.length === 1 ? <input type="hidden" name="model" value={model.id} /> : (
        <div class="field">
          <label for="model">Model</label>
          <select id="model" name="model">
            {models.map((each) => (
              <option value={each.id} selected={each.id === model.id}>
                {each.name}
              </option>
            ))}
          </select>
        </div>
      )}
      {!isShort && (
        <>
          {model.maxCount > 1 && (
            <fieldset class="field counts">
              <legend>Pictures</legend>
              <div class="choices">
                {[1, 2, 4].filter((each) => each <= model.maxCount).map((each) => (
                  <label class="choice">
                    <input type="radio" name="count" value={each} checked={each === count} />
                    <span>{each}</span>
                  </label>
                ))}
              </div>
            </fieldset>
          )}
          <Finer state={state} />
        </>
      )}
    </div>
  );
}

const featherUnlessSaid: { [as in EditWay]: string } = { words: "", part: "8", frame: "16" };

/** Closed at first: what is chosen for people is what most need. */
function Finer({ state: { as, fields, draft: { model } } }: { state: EditState }) {
  const strength = model.edit?.strength ?? null;
  if (strength === null && as === "words") return null;
  return (
    <details id="finer" class="advanced">
      <summary>Finer</summary>
      <div>
        {strength !== null && (
          <div class="field">
            <label for="strength">Strength, from {strength.min} to {strength.max}</label>
            <input
              id="strength"
              type="number"
              name="strength"
              inputmode="decimal"
              min={strength.min}
              max={strength.max}
              step={strength.step}
              value={fields.strength}
              placeholder="As the model does by itself"
            />
          </div>
        )}
        {as !== "words" && (
          <>
            <div class="field">
              <label for="feather">Soft edge, in pixels</label>
              <input
                id="feather"
                type="number"
                name="feather"
                inputmode="numeric"
                min="0"
                max="64"
                value={fields.feather ?? featherUnlessSaid[as]}
              />
            </div>
            <div class="field">
              <label for="keep">The rest of the picture</label>
              <select id="keep" name="keep">
                <option value="true">stays as it is, pixel for pixel</option>
                <option value="false" selected={fields.keep === "false"}>may change too</option>
              </select>
            </div>
          </>
        )}
        {as === "part" && (
          <div class="field">
            <label for="only-part">The model looks at</label>
            <select id="only-part" name="onlyPart">
              <option value="">what it needs to see</option>
              <option value="true" selected={fields.onlyPart === "true"}>
                the part and what is around it
              </option>
              <option value="false" selected={fields.onlyPart === "false"}>the whole picture</option>
            </select>
          </div>
        )}
      </div>
    </details>
  );
}

/** It sends along the price that it shows, so that nobody pays more than they saw. */
export function ChangeButton({ count, costMicros }: { count: number; costMicros: number }) {
  return (
    <button id="generate" class="primary" type="submit" name="price" value={costMicros}>
      {count === 1 ? "Change it" : `Change it ${count} times`} ·{" "}
      <span class="price">{money(costMicros)}</span>
    </button>
  );
}

/** When what was shown is not what it would cost now. */
export function EditPriceFragment(
  { problem, ...button }: { problem: string; count: number; costMicros: number },
) {
  return (
    <>
      <ErrorText message={problem} />
      <hx-partial hx-target="#generate" hx-swap="outerMorph">
        <ChangeButton {...button} />
      </hx-partial>
    </>
  );
}

/** What leaves the house when this is sent. */
export function WhatIsSent({ state: { as, draft: { model, text }, request } }: { state: EditState }) {
  const edit = request?.edit;
  return (
    <div id="sent">
      <details class="advanced sent">
        <summary>What is sent</summary>
        <ul>
          <li>
            To {model.name}: {text.trim() === "" ? "your words, as you write them" : <q dir="auto">{text}</q>}
          </li>
          <li>{pictureWords(as, edit?.area != null)}</li>
          {as !== "words" && <li>{maskWords(model)}</li>}
          {edit && <li>Asked for in {size(edit.askedSize)}; it comes back as {size(request!.imageSize)}</li>}
        </ul>
      </details>
    </div>
  );
}

function pictureWords(as: EditWay, isPart: boolean): string {
  if (as === "frame") return "The picture inside its frame, without anything that tells where it is from";
  if (as === "part" && isPart) {
    return "The part that changes and what is around it, without anything that tells where it is from";
  }
  return "The picture, without anything that tells where it is from";
}

function maskWords({ edit }: Model): string {
  return edit?.mask == null
    ? "No mask, since this model takes none: what stays is put back afterwards, pixel for pixel"
    : "A mask of what may change; what stays is put back afterwards, pixel for pixel";
}
