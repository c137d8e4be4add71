/**
 * What a run tells of itself while it goes on. Where a provider tells no percentage, earlier tasks of the model do;
 * it never says that it is done. Without any it only tells, in time, that this one takes long.
 */
import type { Log } from "../log.ts";
import type { Model } from "../catalog/provider.ts";
import type { TaskDurations } from "./task_durations.ts";
import type { ProgressBoard } from "../prompts/progress.ts";
import type { Prompt } from "../prompts/prompt.ts";

const estimateStepMs = 1000;
/** After this a task takes longer than usual, whatever the model. */
const longMs = 120_000;
const mostEstimated = 0.95;

export interface RunProgress {
  submitting(): void;
  /** `since`: when the provider was asked for it. */
  generating(index: number, options: { model: Model; since: number }): void;
  /** What the provider says, 0 to 1. */
  fraction(index: number, fraction: number): void;
  preview(index: number, picture: { bytes: Uint8Array; contentType: string }): void;
  storing(): void;
  done(index: number): void;
  /** Nothing is shown any more. */
  end(): void;
}

export function createRunProgress(
  { progress, taskDurations, log, now }: {
    progress: ProgressBoard;
    taskDurations: TaskDurations;
    log: Log;
    now: () => number;
  },
  prompt: () => Prompt,
): RunProgress {
  const { id: promptId, userId, request, tasks } = prompt();
  const whose = { id: promptId, userId };
  const fractions: number[] = tasks.map((task) => task.state === "done" ? 1 : 0);
  const timers: ReturnType<typeof setInterval>[] = [];
  let hasEnded = false;

  return {
    submitting: () => progress.report(whose, { stage: "submitting" }),
    generating(index, { model, since }) {
      progress.report(whose, { stage: "generating" });
      if (model.progress !== "estimate") return;
      // The work does not wait for an estimate, nor end with it.
      estimate(index, since).catch((error) => log("warn", "no_estimate", { promptId, error }));
    },
    fraction(index, fraction) {
      fractions[index] = fraction;
      progress.report(whose, { stage: "generating", percent: percent() });
    },
    preview: (index, picture) => progress.showPreview(whose, { ...picture, task: index }),
    storing: () => progress.report(whose, { stage: "storing" }),
    done: (index) => void (fractions[index] = 1),
    end() {
      hasEnded = true;
      timers.forEach(clearInterval);
      progress.clear(whose);
    },
  };

  async function estimate(index: number, since: number): Promise<void> {
    const knownMs = await taskDurations.expectedMs(request.model);
    if (hasEnded) return;
    const expectedMs = knownMs ?? longMs;
    const report = () => {
      const remainingMs = since + expectedMs - now();
      const isOver = !["submitting", "running"].includes(prompt().tasks[index].state);
      if (isOver || (knownMs === null && remainingMs > 0)) return;
      fractions[index] = Math.min(mostEstimated, 1 - remainingMs / expectedMs);
      const estimated = knownMs === null ? null : percent();
      progress.report(whose, { stage: "generating", percent: estimated, isEstimate: true, remainingMs });
    };
    report();
    timers.push(setInterval(report, estimateStepMs));
  }

  function percent(): number {
    return Math.round(fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length * 100);
  }
}
