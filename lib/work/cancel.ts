/** Cancelling: at once for the person, and honest about what the provider bills all the same. */
import { notFound, Refusal } from "../refusal.ts";
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
  let before: Versioned<Prompt> | null = prompt;
  while (before !== null) {
    const { value } = before;
    if (value.status === "CANCELLED") return before;
    if (isFinal(value)) {
      throw new Refusal("conflict", `The prompt is ${value.status.toLowerCase()} and can't be cancelled`);
    }
    const written = await writeCancelled(deps, { before, value });
    if (written !== null) return written;
    before = await readPrompt(deps.store, value.id);
  }
  throw notFound();
}

/** Cancels it as long as it waits, unless somebody else just has; null: it runs by now, or is over. */
export async function cancelIfWaiting(
  deps: CancelDeps,
  prompt: Versioned<Prompt>,
): Promise<Versioned<Prompt> | null> {
  let before: Versioned<Prompt> | null = prompt;
  while (before !== null && before.value.status === "PENDING") {
    const written = await writeCancelled(deps, { before, value: before.value });
    if (written !== null) return written;
    before = await readPrompt(deps.store, before.value.id);
  }
  return before?.value.status === "CANCELLED" ? before : null;
}

/** Null: it changed in between. */
function writeCancelled(
  { store, models }: CancelDeps,
  { before, value }: { before: Versioned<Prompt>; value: PendingPrompt | ProcessingPrompt },
): Promise<Versioned<Prompt> | null> {
  const terms = termsOf(models.find(value.request.model));
  return writeProgress(store, { before, after: cancelled(value, { terms, at: store.now() }) });
}

function cancelled(
  prompt: PendingPrompt | ProcessingPrompt,
  { terms, at }: { terms: Terms; at: number },
): Prompt {
  const facts = { prompt, terms, isStopping: false, isInDoubt: false };
  const tasks = prompt.tasks.map((task) => step(task, { type: "cancelled" }, facts).task);
  return { ...toCancelled(prompt, { at, isChargeDue: !tasks.every(isOver) }), tasks };
}
