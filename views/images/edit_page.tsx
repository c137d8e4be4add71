/** Where a picture is changed: by words, in a part of it, or beyond its frame. What comes of it stands below. */
import type { Mask } from "../../lib/images/mask.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { PictureView, PromptView } from "../../lib/live/prompt_view.ts";
import type { User } from "../../lib/users/user.ts";
import { Budget } from "../money/budget.tsx";
import { PromptCard } from "../prompts/prompt_card.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { Layout } from "../shell/layout.tsx";
import { Tabs } from "../shell/tabs.tsx";
import {
  ChangeButton,
  editPath,
  EditSettings,
  type EditState,
  type EditWay,
  Hidden,
  WhatIsSent,
  Words,
} from "./edit_form.tsx";
import { FromFirst, type Steps } from "./from_first.tsx";
import { FrameFields, FrameShown, type FrameState } from "./frame_fields.tsx";
import { MaskEditor } from "./mask_editor.tsx";
import { PartFields, type PartState } from "./part_fields.tsx";
import { Picture } from "./picture.tsx";

export interface EditPageProps {
  user: User;
  cursor: string;
  view: PictureView;
  as: EditWay;
  /** Null: no model here can be given a picture. */
  state: EditState | null;
  part: PartState;
  frame: FrameState;
  masks: readonly Mask[];
  budget: BudgetState;
  requestKey: string;
  /** What came of it, the newest first. */
  prompts: PromptView[];
  /** What lies between this picture and its first one; null where that is gone. */
  steps: Steps | null;
  /** The words are those of that many changes, made in one pass. */
  joined: number | null;
  problem: string | null;
  /** What was sent was refused, and is here again. */
  isAgain: boolean;
}

const names: { [as in EditWay]: string } = { words: "In words", part: "Paint a part", frame: "Extend" };

export function EditPage(props: EditPageProps) {
  const { user, cursor, view: { image, text }, as, state, prompts } = props;
  const tabs = (Object.keys(names) as EditWay[]).map((way) => ({
    href: editPath(image.id, way),
    name: names[way],
  }));
  const isBusy = prompts.some(({ stage }) => stage !== null);
  return (
    <Layout
      title={`Change ${text}`}
      user={user}
      current="/gallery"
      live={{ page: "other", cursor, isBusy }}
    >
      <div class="heading edit-heading">
        <h1>Change a picture</h1>
        <p class="of" dir="auto">
          <a href={`/images/${image.id}`}>{text}</a>
        </p>
      </div>
      <div class="edit-ways">
        <Tabs name="Ways to change it" tabs={tabs} current={editPath(image.id, as)} />
      </div>
      <noscript>
        <LastChange prompts={prompts} />
      </noscript>
      {state === null
        ? (
          <p class="empty">
            No model here can be given a picture. Who runs this Darkroom can add one that can.
          </p>
        )
        : <Form {...props} state={state} />}
      <section class="edits" aria-labelledby="results">
        <h2 id="results">What came of it</h2>
        <div id={editsId(image.id)} class="feed" data-keep="24">
          {prompts.map((each) => <PromptCard view={each} />)}
        </div>
        <p class="muted none">Results arrive here. The picture itself stays as it is.</p>
      </section>
    </Layout>
  );
}

/** Without a script the page is loaded anew, at its top, which says what has become of what was asked for. */
function LastChange({ prompts: [last] }: Pick<EditPageProps, "prompts">) {
  if (last === undefined) return null;
  const { text } = last.prompt.request;
  return (
    <p class="last-change">
      {last.stage !== null ? "On its way, and here below once it is there: " : "The last change: "}
      {last.images.length === 0 ? <q dir="auto">{text}</q> : (
        <a href={`/images/${last.images[0].image.id}`}>
          <bdi>{text}</bdi>
        </a>
      )}
    </p>
  );
}

/** Where the changes of a picture arrive. */
export function editsId(imageId: string): string {
  return `edits-${imageId}`;
}

function Form(props: EditPageProps & { state: EditState }) {
  const { state, requestKey, budget, problem, joined, as } = props;
  return (
    <form
      id="edit"
      class={`edit edit-${as}`}
      method="post"
      action="/generator"
      enctype="multipart/form-data"
      hx-post="/generator"
      hx-target="#problem"
      hx-swap="innerHTML"
      hx-disable="find #generate"
    >
      <Hidden image={state.image} as={as} requestKey={requestKey} />
      <div class="edit-stage">
        <Stage {...props} />
      </div>
      <div class="edit-side">
        {joined !== null && (
          <p class="muted">
            These are the words of {joined}{" "}
            changes, made in one pass from the first picture: each pass loses a little. Painted parts and
            frames are not among them.
          </p>
        )}
        <div class="ask">
          <Words state={state} />
          <div id="problem" class="problem">{problem && <ErrorText message={problem} />}</div>
          <div class="submit">
            <ChangeButton count={state.draft.count} costMicros={state.costMicros} />
            <kbd class="hint">Ctrl + Enter</kbd>
          </div>
        </div>
        <Budget budget={budget} />
        <EditSettings state={state} />
        <WhatIsSent state={state} />
        <FromFirst imageId={state.image.id} steps={props.steps} />
      </div>
    </form>
  );
}

function Stage({ view: { image, text }, as, state, part, frame, masks, isAgain }: EditPageProps) {
  switch (as) {
    case "words":
      return (
        <a class="edit-picture" href={`/images/${image.id}`}>
          <Picture image={image} text={text} />
        </a>
      );
    case "part":
      return (
        <>
          <PartFields image={image} text={text} part={part} masks={masks} />
          <MaskEditor image={image} maskUrl={part.maskUrl ?? undefined} isAgain={isAgain}>
            <label class="check">
              <input type="checkbox" name="dark" value="1" checked={state?.fields.dark === "1"} />
              The dark part is what changes
            </label>
            <button
              class="quiet"
              type="submit"
              formaction={`/images/${image.id}/mask`}
              formnovalidate
            >
              Show this file
            </button>
          </MaskEditor>
        </>
      );
    case "frame":
      return (
        <>
          <FrameShown image={image} frame={frame} />
          <FrameFields image={image} frame={frame} />
        </>
      );
  }
}
