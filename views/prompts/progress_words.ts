/** What a prompt that is not final is doing, in words. */
import type { PromptView, WaitingPause } from "../../lib/live/prompt_view.ts";
import { plural } from "../shell/format.ts";

export function progressWords({ prompt, stage, progress, position, pause }: PromptView): string {
  switch (stage) {
    case "queued":
      if (pause !== null) return `waits: ${pauseWords(pause)}`;
      if (prompt.lane === "economy") return "to be sent with others of its batch";
      if (prompt.status === "PENDING" && prompt.readyAt !== null) return "waiting to try again";
      return position ? `waiting, ${plural(position, "prompt")} before it` : "next in line";
    case "submitting":
      return "sending to the provider";
    case "generating":
      if (prompt.lotId !== undefined) return "at the provider, in the economy lane";
      return `developing${percent(progress)}`;
    case "storing":
      return "storing the picture";
    case null:
      return prompt.status.toLowerCase();
  }
}

/** Within a sentence. */
export function pauseWords(pause: WaitingPause): string {
  switch (pause.scope) {
    case "all":
      return `everything is paused${because(pause)}`;
    case "provider":
      return `${pause.name} is paused${because(pause)}`;
    case "user":
      return "your queue is paused";
    case "batch":
      return "its batch is paused";
  }
}

function because({ reason }: { reason: string | null }): string {
  return reason === null ? "" : ` (${reason})`;
}

function percent(progress: PromptView["progress"]): string {
  const { percent = null, isEstimate = false, remainingMs = null } = progress ?? {};
  if (!isEstimate) return percent === null ? "" : `, ${percent} %`;
  if (remainingMs === null) return "";
  return remainingMs <= 0
    ? ", longer than usual"
    : `, about ${Math.ceil(remainingMs / 1000)} s left, from earlier runs`;
}
