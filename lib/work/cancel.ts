/** Cancelling: at once for the person, and honest about what the provider bills all the same. */
import { Refusal } from "../refusal.ts";
import type { Models } from "../catalog/models.ts";
import {
  isFinal,
  type PendingPrompt,
  type ProcessingPrompt,
  type Prompt,
  toCancelled,
} from "../prompts/prompt.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { writeProgress } from "./settle.ts";
import type { Store, Versioned } from "../store/store.ts";
import { isOver, step, type Terms, termsOf } from "./task.ts";

export interface CancelDeps {
  store: Store;
  models: Models;
}

/** Cancels, which the commit tells whoever runs it; a cancelled prompt stays as it is, a completed or failed one is refused with `conflict`. */
export async function cancelPrompt(deps: CancelDeps, prompt: Versioned<Prompt>): Promise<Versioned<Prompt>> {
  let before = prompt;
  while (true) {
    if (before.value.status === "CANCELLED") return before;
    if (isFinal(before.value)) {
      throw new Refusal(
        "conflict",
        `The prompt is ${before.value.status.toLowerCase()} and can't be cancelled`,
      );
    }
    const terms = termsOf(deps.models.find(before.value.request.model));
    const after = cancelled(before.value, { terms, at: deps.store.now() });
    const written = await writeProgress(deps.store, { before, after });
    if (written !== null) return written;
    const again = await readPrompt(deps.store, before.value.id);
    if (again === null) throw new Refusal("not_found", "Not found");
    before = again;
  }
}

function cancelled(
  prompt: PendingPrompt | ProcessingPrompt,
  { terms, at }: { terms: Terms; at: number },
): Prompt {
  const facts = { prompt, terms, isStopping: false, isInDoubt: false };
  const tasks = prompt.tasks.map((task) => step(task, { type: "cancelled" }, facts).task);
  return { ...toCancelled(prompt, { at, isChargeDue: !tasks.every(isOver) }), tasks };
}
