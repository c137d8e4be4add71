/** What a prompt that is not final is doing, in words. */
import type { PromptView } from "../lib/prompt_view.ts";
import { plural } from "./format.ts";

/** After this a provider takes longer than people expect. */
const longMs = 120_000;

export function progressWords({ prompt, stage, progress, position }: PromptView): string {
  switch (stage) {
    case "queued":
      if (prompt.status === "PENDING" && prompt.readyAt !== null) return "waiting to try again";
      return position ? `waiting, ${plural(position, "prompt")} before it` : "next in line";
    case "submitting":
      return "sending to the provider";
    case "generating":
      return `developing${percent(progress)}`;
    case "storing":
      return "storing the picture";
    case null:
      return prompt.status.toLowerCase();
  }
}

function percent(progress: PromptView["progress"]): string {
  if (progress?.percent == null) return "";
  if (!progress.isEstimate) return `, ${progress.percent} %`;
  if (progress.remainingMs === null) return "";
  return progress.remainingMs < -longMs
    ? ", longer than usual"
    : `, about ${Math.max(1, Math.round(progress.remainingMs / 1000))} s left, from earlier runs`;
}
