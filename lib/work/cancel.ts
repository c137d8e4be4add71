/** Cancelling: at once for the person, and honest about what the provider bills all the same. */
import { Refusal } from "../refusal.ts";
import { failure } from "../prompts/failure_words.ts";
import type { Models } from "../catalog/models.ts";
import {
  isFinal,
  type PendingPrompt,
  type ProcessingPrompt,
  type Prompt,
  type Task,
  toCancelled,
} from "../prompts/prompt.ts";
import type { Provider } from "../catalog/provider.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { writeProgress } from "./settle.ts";
import type { Store, Versioned } from "../store/store.ts";
import { billedCharge } from "./task_charge.ts";
import { noCharge } from "../money/charge.ts";

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
    const after = cancelled(before.value, {
      provider: deps.models.find(before.value.request.model)?.provider ?? null,
      at: deps.store.now(),
    });
    const written = await writeProgress(deps.store, { before, after });
    if (written !== null) return written;
    const again = await readPrompt(deps.store, before.value.id);
    if (again === null) throw new Refusal("not_found", "Not found");
    before = again;
  }
}

function cancelled(
  prompt: PendingPrompt | ProcessingPrompt,
  { provider, at }: { provider: Provider | null; at: number },
): Prompt {
  const canBeStopped = provider?.cancel !== undefined;
  const costsNothing = provider?.isRepeatable === true;
  const tasks = prompt.tasks.map((task) => endTask(prompt, { task, canBeStopped, costsNothing }));
  const isChargeDue = tasks.some((task) => task.state === "submitting" || task.state === "running");
  return { ...toCancelled(prompt, { at, isChargeDue }), tasks };
}

/** The task's end where it is known now; one whose bill is only known later stays as it is. */
export function endTask(
  prompt: Prompt,
  { task, canBeStopped, costsNothing }: { task: Task; canBeStopped: boolean; costsNothing: boolean },
): Task {
  if (task.state === "done" || task.state === "failed") return task;
  const end = (charge: ReturnType<typeof billedCharge>): Task => (
    { state: "failed", count: task.count, imageIds: task.imageIds, charge, failure: failure("cancelled") }
  );
  if (task.state === "waiting" || costsNothing) return end(noCharge);
  if (task.state === "running" && !canBeStopped) return end(billedCharge(prompt, { task, cost: null }));
  return task;
}
