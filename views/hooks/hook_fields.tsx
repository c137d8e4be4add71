/** What is asked about a webhook. */
import type { HookEvent } from "../../lib/hooks/hook.ts";

export interface HookFieldValues {
  url: string;
  events: readonly string[];
  includeText: boolean;
}

const eventWords: { [event in HookEvent]: string } = {
  "prompt.completed": "A prompt is done",
  "prompt.failed": "A prompt has failed",
  "prompt.cancelled": "A prompt was cancelled",
  "batch.done": "A batch is done",
  "batch.stopped": "A batch has stopped",
  "batch.paused": "A batch is paused",
  "budget.reached": "50, 80 or 100 % of the month's budget is spent",
  "share.reported": "Something that you share was reported",
};

export function HookFields({ url, events, includeText }: HookFieldValues) {
  return (
    <>
      <div class="field">
        <label for="hook-url">Address</label>
        <input
          id="hook-url"
          name="url"
          type="url"
          value={url}
          required
          maxlength={2000}
          placeholder="https://example.com/darkroom"
          autocomplete="off"
        />
      </div>
      <fieldset class="field">
        <legend>Told of</legend>
        {Object.entries(eventWords).map(([event, words]) => (
          <label class="check">
            <input type="checkbox" name="events" value={event} checked={events.includes(event)} />
            <span>
              {words} <code class="muted">{event}</code>
            </span>
          </label>
        ))}
      </fieldset>
      <label class="check">
        <input type="checkbox" name="includeText" value="true" checked={includeText} />
        <span>The texts of prompts go along</span>
      </label>
    </>
  );
}
