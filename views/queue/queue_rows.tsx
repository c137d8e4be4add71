/** A prompt in the queue, in a line: what it is, when its turn comes, what is set aside for it, and what can be done. */
import type { WaitingView } from "../../lib/live/own_queue.ts";
import type { PromptView } from "../../lib/live/prompt_view.ts";
import { progressWords } from "../prompts/progress_words.ts";
import { money, size } from "../shell/format.ts";

export const runningRowsId = "running-rows";

export function queueRowId(promptId: string): string {
  return `queued-${promptId}`;
}

export function RunningRow({ view }: { view: PromptView }) {
  const { id, holdMicros } = view.prompt;
  return (
    <li id={queueRowId(id)} class="queue-row" data-version={view.cursor}>
      <What view={view} words={progressWords(view)} />
      <span class="hold">{money(holdMicros)}</span>
      <div class="actions">
        <RowButton id={id} to="cancel" name="Cancel" />
      </div>
    </li>
  );
}

export function WaitingRow({ waiting: { view, place, startsInMs } }: { waiting: WaitingView }) {
  const { id, holdMicros } = view.prompt;
  return (
    <li id={queueRowId(id)} class="queue-row waiting" data-prompt-id={id}>
      <button
        id={`handle-${id}`}
        class="handle quiet"
        type="button"
        aria-label="Move: drag, or press Alt with ↑ or ↓"
        aria-describedby={textId(id)}
      >
        <span aria-hidden="true">⠿</span>
      </button>
      <input class="select" type="checkbox" name="prompt" value={id} aria-labelledby={textId(id)} />
      <span class="place">{place ?? "–"}</span>
      <What view={view} words={waitingWords({ view, place, startsInMs })} />
      <span class="hold">{money(holdMicros)}</span>
      <div class="actions">
        <RowButton id={id} to="front" name="Run next" />
        <RowButton id={id} to="up" name="↑" label="Up" />
        <RowButton id={id} to="down" name="↓" label="Down" />
        <RowButton id={id} to="cancel" name="Cancel" />
      </div>
    </li>
  );
}

function What({ view, words }: { view: PromptView; words: string }) {
  const { id, request: { text, model, imageSize, count } } = view.prompt;
  return (
    <div class="asked">
      <p id={textId(id)} class="text" dir="auto">{text}</p>
      <p class="muted">
        {words} · {count > 1 && `${count} × `}
        {model} · {size(imageSize)}
      </p>
    </div>
  );
}

function textId(promptId: string): string {
  return `queued-text-${promptId}`;
}

function waitingWords({ view, place, startsInMs }: WaitingView): string {
  if (view.pause !== null || place === null) return progressWords(view);
  if (startsInMs === null) return place === 1 ? "next in line" : "waiting";
  return startsInMs === 0 ? "starts next" : `starts ${inWords(startsInMs)}`;
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return `in about ${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `in about ${minutes} min` : `in about ${Math.round(minutes / 60)} h`;
}

/** Where it is pressed, the list comes back as it is then; without a script the whole page does. */
function RowButton({ id, to, name, label }: { id: string; to: string; name: string; label?: string }) {
  const action = `/queue/prompts/${id}/${to}`;
  return (
    <button
      id={`${to}-${id}`}
      class="quiet"
      type="submit"
      formaction={action}
      hx-post={action}
      hx-target="#queue"
      hx-swap="outerMorph"
      aria-label={label}
      title={label}
      aria-describedby={textId(id)}
    >
      {name}
    </button>
  );
}
