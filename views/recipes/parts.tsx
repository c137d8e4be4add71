/** What pages of recipes have in common: who wrote what, fields, what differs, pictures. */
import type { Model } from "../../lib/catalog/provider.ts";
import type { ComparedPart } from "../../lib/recipes/compare_words.ts";
import type { Recipe, RecipeSettings, RecipeVersion } from "../../lib/recipes/recipe.ts";
import type { RecipeRole } from "../../lib/recipes/recipe_access.ts";
import type { MadeWith } from "../../lib/recipes/recipe_pictures.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import { Thumbnail } from "../images/picture.tsx";
import { ratingWords } from "../images/rating.tsx";
import { dollars, plural, size } from "../shell/format.ts";
import { Time } from "../shell/time.tsx";

export function recipePath(recipeId: string, rest = ""): string {
  return `/recipes/${recipeId}${rest}`;
}

/** A recipe as a reader sees it. */
export interface RecipeView {
  recipe: Recipe;
  role: RecipeRole;
  board: { id: string; name: string } | null;
}

/** By the ids of people with an account. */
export type Names = ReadonlyMap<string, string>;

export function mayEdit({ role }: Pick<RecipeView, "role">): boolean {
  return role === "owner" || role === "editor";
}

/** What people are called beside what they wrote. */
export function authorName(
  authorId: string | null,
  { names, userId }: { names: Names; userId: string },
): string {
  if (authorId === userId) return "you";
  return (authorId !== null && names.get(authorId)) || "somebody who left";
}

/** "Version 7, by Ada", and what else is to know of it. */
export function VersionLine({ version, merged, names, userId, zone }: {
  version: RecipeVersion;
  /** The one that it was merged with. */
  merged: RecipeVersion | null;
  names: Names;
  userId: string;
  zone?: string;
}) {
  const { authorId, at, note, mergedWith } = version;
  return (
    <p class="version-line muted">
      by <bdi>{authorName(authorId, { names, userId })}</bdi>, <Time at={at} zone={zone} />
      {mergedWith !== null && (
        <>
          {", "}
          {merged === null ? `merged with version ${mergedWith}` : (
            <>
              merged with <Whose authorId={merged.authorId} {...{ names, userId }} /> {mergedWith}
            </>
          )}
        </>
      )}
      {note !== "" && (
        <>
          {": "}
          <bdi class="note-text">{note}</bdi>
        </>
      )}
    </p>
  );
}

/** "Ada's", "your". */
export function Whose(
  { authorId, names, userId }: { authorId: string | null; names: Names; userId: string },
) {
  const name = authorName(authorId, { names, userId });
  if (name === "you") return <>your</>;
  return (
    <>
      <bdi>{name}</bdi>’s
    </>
  );
}

const settingNames: [name: keyof RecipeSettings, label: string][] = [
  ["model", "Model"],
  ["imageSize", "Size"],
  ["count", "Pictures"],
  ["seed", "Seed"],
  ["steps", "Steps"],
  ["guidance", "Guidance"],
  ["negativePrompt", "Left out"],
  ["watermark", "Watermark"],
];

/** Those that it has, as people read them. */
export function settingWords(settings: RecipeSettings): [name: string, words: string][] {
  return settingNames.flatMap(([name, label]) => {
    const value = settings[name];
    return value === undefined ? [] : [[label, name === "imageSize" ? size(String(value)) : String(value)]];
  });
}

export function settingLabel(field: string): string {
  return settingNames.find(([name]) => name === field)?.[1] ?? field;
}

export function SettingsList({ settings }: { settings: RecipeSettings }) {
  const words = settingWords(settings);
  if (words.length === 0) return null;
  return (
    <dl class="recipe-settings">
      {words.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** For those who hear what others see. */
export const spoken = {
  gone: " [removed: ",
  new: " [added: ",
  was: " [was: ",
  isNow: " [is now: ",
  end: "] ",
};

/** A text with what is gone and what is new in it; whoever hears it is told where each begins and ends. */
export function Difference({ parts, label }: { parts: readonly ComparedPart[]; label?: string }) {
  return (
    <div class="difference" dir="auto" role="group" aria-label={label}>
      {parts.map(({ kind, text }) => {
        if (kind === "same") return text;
        const shown = text.replaceAll("\n", "↵\n");
        return kind === "gone"
          ? (
            <del>
              <span class="unseen">{spoken.gone}</span>
              {shown}
              <span class="unseen">{spoken.end}</span>
            </del>
          )
          : (
            <ins>
              <span class="unseen">{spoken.new}</span>
              {shown}
              <span class="unseen">{spoken.end}</span>
            </ins>
          );
      })}
    </div>
  );
}

/** A text that is there to be read, to the last space. */
export function RecipeText({ text }: { text: string }) {
  return <p class="recipe-text" dir="auto">{text}</p>;
}

/** Browsers leave the first line break of a field out, so there is one more. */
export function TextField(
  { id, label, text, hint, rows = 8, writing }: {
    id: string;
    label: string;
    text: string;
    hint?: unknown;
    rows?: number;
    /** Told of while somebody writes, at most every few seconds; undefined: nobody is told. */
    writing?: string;
  },
) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        name="text"
        dir="auto"
        rows={rows}
        required
        autocomplete="off"
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        hx-post={writing}
        hx-trigger={writing && "input throttle:5s"}
        hx-swap={writing && "none"}
      >
        {`\n${text}`}
      </textarea>
      {hint !== undefined && <p id={`${id}-hint`} class="muted">{hint}</p>}
    </div>
  );
}

export const placeholderHint = (
  <>
    A name in braces is a place to fill in: <code>{"a {subject} at dawn"}</code>. Other braces are text.
  </>
);

/** Empty fields are as the model does by itself. */
export function SettingFields({ fields, models }: { fields: FormFields; models: readonly Model[] }) {
  const { model = "", imageSize = "" } = fields;
  const sizes = [...new Set(models.flatMap((each) => each.sizes))];
  const isFilled = Object.entries(fields).some(([name, text]) => name !== "model" && text);
  const names = models.map(({ id, name }) => [id, name] as const);
  return (
    <details class="advanced" open={isFilled || model !== ""}>
      <summary>Settings</summary>
      <div>
        <div class="pair">
          <Choice name="model" label="Model" chosen={model} none="whichever is usual" values={names} />
          <Choice
            name="imageSize"
            label="Size"
            chosen={imageSize}
            none="the usual one"
            values={sizes.map((each) => [each, size(each)])}
          />
        </div>
        <div class="pair">
          <Field name="count" label="Pictures" value={fields.count} mode="numeric" />
          <Field name="seed" label="Seed" value={fields.seed} mode="numeric" />
          <Field name="steps" label="Steps" value={fields.steps} mode="numeric" />
          <Field name="guidance" label="Guidance" value={fields.guidance} mode="decimal" />
        </div>
        <Field name="negativePrompt" label="Leave out" value={fields.negativePrompt} />
        <Field name="watermark" label="Watermark" value={fields.watermark} />
      </div>
    </details>
  );
}

/** What is chosen and not on offer any more stays. */
function Choice({ name, label, chosen, none, values }: {
  name: string;
  label: string;
  chosen: string;
  none: string;
  values: readonly (readonly [value: string, words: string])[];
}) {
  const isKnown = chosen === "" || values.some(([value]) => value === chosen);
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        <option value="">{none}</option>
        {!isKnown && <option value={chosen} selected>{`${chosen} (not on offer now)`}</option>}
        {values.map(([value, words]) => <option value={value} selected={value === chosen}>{words}</option>)}
      </select>
    </div>
  );
}

function Field(
  { name, label, value = "", mode }: {
    name: string;
    label: string;
    value: string | undefined;
    mode?: "numeric" | "decimal";
  },
) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input id={name} name={name} value={value} inputmode={mode} dir="auto" autocomplete="off" />
    </div>
  );
}

/** "12 pictures for $0.24, 3.5 stars on average" */
export function madeWords({ count, costMicros, stars }: MadeWith): string {
  if (count === 0) return "No pictures yet";
  return [
    plural(count, "picture"),
    costMicros !== null && (costMicros === 0 ? "free" : dollars(costMicros)),
    stars !== null && `${stars.toFixed(1)} stars on average`,
  ].filter(Boolean).join(", ");
}

export function MadePictures({ made }: { made: MadeWith }) {
  return (
    <ul class="made-with">
      {made.images.map(({ image, text, ownerName, rating, costMicros }) => (
        <li>
          <a href={`/images/${image.id}`}>
            <Thumbnail image={image} text={text} />
          </a>
          <span class="muted">
            {ownerName === null ? ownWords({ rating, costMicros }) : (
              <>
                by <bdi>{ownerName}</bdi>
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

function ownWords({ rating, costMicros }: { rating: number; costMicros: number | null }): string {
  const cost = costMicros === null ? "not settled" : costMicros === 0 ? "free" : dollars(costMicros);
  return rating === 0 ? cost : `${ratingWords(rating)} · ${cost}`;
}
