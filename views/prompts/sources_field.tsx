/** The pictures that a prompt is given: each with what it is for, and a way out. More come by file, pasted or dropped. */
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { Draft, DraftSource, leftOut } from "../../lib/prompts/prompt_draft.ts";
import type { Model, SourceRole } from "../../lib/catalog/provider.ts";
import { Thumbnail } from "../images/picture.tsx";
import { plural } from "../shell/format.ts";

const roleNames: { [role in SourceRole | typeof leftOut]: string } = {
  base: "Base",
  style: "Style",
  subject: "Subject",
  reference: "Reference",
  none: "Leave it out",
};

export function SourcesField({ draft, pictures, models }: {
  draft: Draft;
  pictures: readonly PictureView[];
  models: readonly Model[];
}) {
  const { model, sources } = draft;
  if (sources.length === 0 && models.every(({ edit }) => edit === null)) return null;
  const most = model.edit?.sources.max ?? 0;
  const byId = new Map(pictures.map((view) => [view.image.id, view]));
  return (
    <fieldset id="sources" class="field sources" data-max={most}>
      <legend>Sources</legend>
      {sources.length > 0 && (
        <ul class="given">
          {sources.map((source, index) => (
            <GivenPicture source={source} view={byId.get(source.imageId)} isFirst={index === 0} />
          ))}
        </ul>
      )}
      {sources.length < most && (
        <input
          id="upload"
          type="file"
          name="upload"
          multiple
          accept="image/png,image/jpeg,image/webp"
          aria-label="Add pictures"
          aria-describedby="sources-words"
        />
      )}
      <p id="sources-words" class="muted" role="status">{wordsOf(draft)}</p>
    </fieldset>
  );
}

function GivenPicture(
  { source: { imageId, role }, view, isFirst }: {
    source: DraftSource;
    view: PictureView | undefined;
    isFirst: boolean;
  },
) {
  const name = view?.text ?? "a picture";
  // They are no submit buttons: the first of those is the one that Enter presses.
  const change = {
    type: "button",
    value: imageId,
    "hx-get": "/generator/settings",
    "hx-include": "#settings",
    "hx-target": "#settings",
    "hx-swap": "outerMorph",
  } as const;
  return (
    <li id={`source-${imageId}`}>
      <input type="hidden" name="source" value={imageId} />
      <a class="thumb" href={`/images/${imageId}`}>
        {view && <Thumbnail image={view.image} text={name} />}
      </a>
      <select name="role" aria-label={`What it is for: ${name}`}>
        {Object.entries(roleNames).map(([each, words]) => (
          <option value={each} selected={each === role}>{words}</option>
        ))}
      </select>
      <span class="actions">
        {!isFirst && (
          <button class="quiet" {...change} name="first" aria-label={`Put first: ${name}`}>First</button>
        )}
        <button class="quiet" {...change} name="remove" aria-label={`Remove ${name}`}>Remove</button>
      </span>
    </li>
  );
}

function wordsOf({ model, instead, sources }: Draft): string {
  const why = whyNotOffered(model, sources.length);
  if (why !== null) return `${model.name} ${why}: choose another model, or remove some.`;
  if (model.edit === null) return `${model.name} takes no sources.`;
  const switched = instead === null ? "" : `${instead} can't be given these, so ${model.name} is chosen. `;
  const { max } = model.edit.sources;
  const most = max === 1 ? "one picture" : `up to ${plural(max, "picture")}`;
  if (sources.length >= max) return `${switched}That is all that ${model.name} takes.`;
  return `${switched}${most[0].toUpperCase()}${
    most.slice(1)
  } to change or to go by; paste or drop them here.`;
}

/** In the words that go behind a model's name; null: it can be given that many pictures. */
export function whyNotOffered({ edit }: Model, count: number): string | null {
  if (count === 0) return null;
  if (edit === null) return "takes no sources";
  return count > edit.sources.max ? `takes at most ${plural(edit.sources.max, "source")}` : null;
}
