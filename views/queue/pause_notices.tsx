/** What every page says while something keeps its reader's prompts from starting. */
import type { PauseNotice, QueueState } from "../../lib/prompts/queue_state.ts";

/** It changes live, so it is there also while there is nothing to say. */
export function PauseNotices({ queue }: { queue: QueueState | undefined }) {
  return (
    <div id="paused" class="paused" role="status">
      {queue?.notices.map((notice) => (
        <p>
          {noticeWords(notice)} {notice.scope === "user" && <a href="/queue">See it</a>}
        </p>
      ))}
    </div>
  );
}

function noticeWords({ scope, name, reason }: PauseNotice): string {
  const why = reason === null ? "" : `: ${reason}`;
  switch (scope) {
    case "all":
      return `Everything is paused${why}. What waits starts afterwards.`;
    case "provider":
      return `${name} is paused${why}. What waits for it starts afterwards.`;
    case "user":
      return "Your queue is paused.";
  }
}
