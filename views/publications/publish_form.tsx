/** Publishing a picture: on the picture's own page, and on a page of its own where it was refused. */
import type { Publication } from "../../lib/publications/publication.ts";
import type { PictureView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Picture } from "../images/picture.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { publicationPath } from "./shown_picture.tsx";
import { stateWords } from "./state_words.ts";

/** As it was filled: ticks are there or not. */
export interface PublishFields {
  title?: string;
  showPrompt?: string;
  allowRemix?: string;
  sensitive?: string;
  hasRight?: string;
}

/** What a picture's page needs to know of the public gallery. */
export interface Publishing {
  mode: "review" | "open";
  /** The one that shows the picture, or is to show it. */
  published: Publication | null;
  /** It goes back to an upload. */
  needsRight: boolean;
  /** Why it can't be published; null: it can. */
  obstacle: string | null;
}

export function PublishBox({ view, publishing }: { view: PictureView; publishing: Publishing }) {
  const { published, obstacle } = publishing;
  if (published !== null) {
    return (
      <p class="said">
        <a href={publicationPath(published.id)}>Published</a>. {stateWords(published)}{" "}
        <a href="/published">Change it</a>
      </p>
    );
  }
  return (
    <details class="publish">
      <summary>Publish</summary>
      {obstacle === null
        ? <PublishForm view={view} publishing={publishing} fields={{}} />
        : <p>{obstacle}</p>}
    </details>
  );
}

export function PublishForm({ view: { image, prompt }, publishing: { mode, needsRight }, fields, problem }: {
  view: PictureView;
  publishing: Publishing;
  fields: PublishFields;
  problem?: string;
}) {
  return (
    <form class="stack" method="post" action="/published">
      <input type="hidden" name="imageId" value={image.id} />
      <p>
        {mode === "review"
          ? "Once a moderator has looked at it, everybody sees it under its title and your name, without an account."
          : "Everybody sees it under its title and your name, without an account."}{" "}
        You can withdraw it any time; what others have copied by then stays theirs.
      </p>
      {problem && (
        <div class="problem">
          <ErrorText message={problem} />
        </div>
      )}
      <TextFields fields={fields} hasPrompt={prompt !== null} idPrefix="publish" />
      {needsRight && (
        <Tick
          name="hasRight"
          isChecked={fields.hasRight !== undefined}
          words="Do you have the right to this photo? Yes, to all of it."
        />
      )}
      <button type="submit">Publish</button>
    </form>
  );
}

/** What its author says of it. */
export function TextFields({ fields, hasPrompt, idPrefix }: {
  fields: PublishFields;
  hasPrompt: boolean;
  idPrefix: string;
}) {
  const id = `${idPrefix}-title`;
  return (
    <>
      <div class="field">
        <label for={id}>Title</label>
        <input
          id={id}
          name="title"
          value={fields.title ?? ""}
          dir="auto"
          autocomplete="off"
          required
          maxlength={120}
        />
      </div>
      <div>
        {hasPrompt && (
          <Tick
            name="showPrompt"
            isChecked={fields.showPrompt !== undefined}
            words="Show the prompt and settings"
          />
        )}
        <Tick name="allowRemix" isChecked={fields.allowRemix !== undefined} words="Let others remix it" />
        <Tick
          name="sensitive"
          isChecked={fields.sensitive !== undefined}
          words="It is sensitive: covered until somebody opens it"
        />
      </div>
    </>
  );
}

function Tick({ name, isChecked, words }: { name: string; isChecked: boolean; words: string }) {
  return (
    <label class="check">
      <input type="checkbox" name={name} checked={isChecked} />
      <span>{words}</span>
    </label>
  );
}

export function PublishPage({ user, view, publishing, fields, problem }: {
  user: User;
  view: PictureView;
  publishing: Publishing;
  fields: PublishFields;
  problem: string;
}) {
  return (
    <Layout title="Publish a picture" user={user} current="/gallery">
      <article class="print">
        <div class="stage">
          <a href={`/images/${view.image.id}`}>
            <Picture image={view.image} text={view.text} query="?width=640" />
          </a>
        </div>
        <div class="about">
          <h1>Publish a picture</h1>
          <PublishForm {...{ view, publishing, fields, problem }} />
        </div>
      </article>
    </Layout>
  );
}
