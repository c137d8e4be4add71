/** Who else has the same thing open, and who writes something there. */
import type { PersonHere } from "../../lib/live/view_presence.ts";

/** It changes live, and has a line of its own, so nothing around it moves. */
export function Presence({ here }: { here: readonly PersonHere[] }) {
  return (
    <p id="presence" class="presence muted">
      {here.length > 0 && <span class="lamp" aria-hidden="true"></span>}
      {here.map(({ name, isWriting }, i) => (
        <>
          {i > 0 && ", "}
          <span>
            <bdi>{name}</bdi> is {isWriting ? "writing" : "here"}
          </span>
        </>
      ))}
    </p>
  );
}

export function PresencePartial({ here }: { here: readonly PersonHere[] }) {
  return (
    <hx-partial hx-target="#presence" hx-swap="outerMorph">
      <Presence here={here} />
    </hx-partial>
  );
}
