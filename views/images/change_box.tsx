/** The box below a picture that changes it in one step, and the ways to more. */
import { ChangeButton, editPath, EditSettings, type EditState, Hidden, Words } from "./edit_form.tsx";

export interface ChangeBoxProps {
  /** Null: no model here can be given a picture. */
  state: EditState | null;
  imageId: string;
  requestKey: string;
}

export function ChangeBox({ state, imageId, requestKey }: ChangeBoxProps) {
  return (
    <section class="change keep" aria-labelledby="change-it">
      <h2 id="change-it">Change it</h2>
      {state === null
        ? <p class="muted">No model here can be given a picture.</p>
        : (
          <form id="edit" class="change-box" method="post" action="/generator">
            <Hidden image={state.image} as="words" requestKey={requestKey} />
            <Words state={state} />
            <EditSettings state={state} isShort />
            <div class="submit">
              <ChangeButton count={1} costMicros={state.costMicros} />
              <kbd class="hint">Ctrl + Enter</kbd>
            </div>
          </form>
        )}
      <p class="actions">
        {state !== null && (
          <>
            <a class="button quiet" href={editPath(imageId, "part")}>Paint a part</a>
            <a class="button quiet" href={editPath(imageId, "frame")}>Extend</a>
          </>
        )}
        <a class="button quiet" href={`/generator?source=${imageId}`}>Use as source</a>
      </p>
    </section>
  );
}
