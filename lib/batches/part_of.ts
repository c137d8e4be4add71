/** What a prompt is to its batch, which is the sum of all of its prompts. */
import { sumCharges } from "../money/charge.ts";
import { answersOf, isFinal, isHeld, type Prompt } from "../prompts/prompt.ts";
import type { Part } from "./batch.ts";

/** Of a prompt that is a row of a batch. */
export function partOf(prompt: Prompt): Part {
  const isOpen = isHeld(prompt);
  return {
    row: prompt.row ?? 0,
    heldMicros: isOpen ? prompt.holdMicros : 0,
    chargedMicros: isOpen ? 0 : sumCharges(chargesOf(prompt)).costMicros,
    outcome: outcomeOf(prompt),
    images: answersOf(prompt).length,
  };
}

const outcomes = { COMPLETED: "completed", FAILED: "failed", CANCELLED: "cancelled" } as const;

function outcomeOf(prompt: Prompt): Part["outcome"] {
  return isFinal(prompt) ? outcomes[prompt.status] : null;
}

function chargesOf({ tasks }: Prompt) {
  return tasks.flatMap((task) => "charge" in task ? [task.charge] : []);
}
