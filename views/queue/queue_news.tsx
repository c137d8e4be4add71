/** What is told to the page of the queue: that its list is not as it was any more, and how far what runs has come. */
import type { PromptView } from "../../lib/live/prompt_view.ts";
import type { OwnNews } from "../../lib/live/read_changes.ts";
import type { QueueState } from "../../lib/prompts/queue_state.ts";
import { RunningRow, runningRowsId } from "./queue_rows.tsx";

/** The page's script holds it against the list, and has that asked for again where it is older. */
export function QueueMark({ cursor, queue }: { cursor: string; queue: QueueState | undefined }) {
  return <span id="queue-mark" hidden data-version={cursor} data-pauses={pausesOf(queue)}></span>;
}

/** By what a list is the same as another, as far as pauses go. */
export function pausesOf(queue: QueueState | undefined): string {
  return queue?.notices.map(({ scope, name }) => name === null ? scope : `${scope} ${name}`).join() ?? "";
}

export function QueueNews({ news }: { news: OwnNews }) {
  return (
    <hx-partial hx-target="#queue-mark" hx-swap="outerHTML">
      <QueueMark cursor={cursorOf(news)} queue={news.queue} />
    </hx-partial>
  );
}

function cursorOf(news: OwnNews): string {
  if ("view" in news) return news.view.cursor;
  return "batch" in news ? news.cursor : "";
}

export function RunningNews({ view }: { view: PromptView }) {
  if (view.prompt.status !== "PROCESSING") return null;
  return (
    <hx-partial hx-target={`#${runningRowsId}`} hx-swap="place">
      <RunningRow view={view} />
    </hx-partial>
  );
}
