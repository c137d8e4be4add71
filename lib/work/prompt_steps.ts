/** The steps of a prompt that runs, as data: what one of its tasks came to, and its pictures, put into the whole. */
import { type Prompt, type Task, toOutcome } from "../prompts/prompt.ts";
import { isOver } from "./task.ts";

/** Final once every task is; a cancelled prompt once every bill is known. */
export function outcomeOf(prompt: Prompt, at: number): Prompt {
  const areOver = prompt.tasks.every(isOver);
  if (prompt.status === "PROCESSING" && areOver) return toOutcome(prompt, { at });
  if (prompt.status === "CANCELLED") return { ...prompt, isChargeDue: !areOver, updatedAt: at };
  return { ...prompt, updatedAt: at };
}

/** Progress that is stored shows that the prompt does not bring the process down. */
export function withTask(prompt: Prompt, index: number, task: Task): Prompt {
  if (task === prompt.tasks[index]) return prompt;
  const crashes = task.state === "submitting" ? prompt.crashes : 0;
  return { ...prompt, tasks: prompt.tasks.with(index, task), crashes };
}
