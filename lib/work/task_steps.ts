/** The steps of a prompt that runs, as data: from what it is to what it is next. `run_prompt.ts` decides when. */
import { failure } from "../prompts/failure_words.ts";
import { type Prompt, type Task, toOutcome } from "../prompts/prompt.ts";
import type { ProviderFailure } from "../catalog/provider.ts";
import type { NewImage } from "../images/store_picture.ts";
import { failureCharge } from "./task_charge.ts";

/** Final once every task is; a cancelled prompt once every bill is known. */
export function outcomeOf(prompt: Prompt, at: number): Prompt {
  const areOver = prompt.tasks.every(isOver);
  if (prompt.status === "PROCESSING" && areOver) return toOutcome(prompt, { at });
  if (prompt.status === "CANCELLED") return { ...prompt, isChargeDue: !areOver, updatedAt: at };
  return { ...prompt, updatedAt: at };
}

function isOver(task: Task): boolean {
  return task.state === "done" || task.state === "failed";
}

/**
 * A task that has ended stays as it ended, whatever else its run had in mind. Progress that is stored shows that the
 * prompt does not bring the process down.
 */
export function withTask(prompt: Prompt, index: number, next: (task: Task) => Task): Prompt {
  if (isOver(prompt.tasks[index])) return prompt;
  const task = next(prompt.tasks[index]);
  const crashes = task.state === "submitting" ? prompt.crashes : 0;
  return { ...prompt, tasks: prompt.tasks.with(index, task), crashes };
}

/** The pictures are named from now on. */
export function withImages(prompt: Prompt, images: NewImage[]): Prompt {
  if (images.length === 0) return prompt;
  const added = prompt.images.concat(images.map(({ id }) => ({ id, isDeleted: false })));
  return { ...prompt, images: added } as Prompt;
}

/** With what the provider bills for it all the same. */
export function failedTask(prompt: Prompt, { task, error }: { task: Task; error: ProviderFailure }): Task {
  return {
    state: "failed",
    count: task.count,
    imageIds: task.imageIds,
    charge: failureCharge(prompt, { task, outcome: error.outcome, cost: error.cost }),
    failure: failure(error.reason, error.said),
  };
}
