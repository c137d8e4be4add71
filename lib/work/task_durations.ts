/**
 * How long a model's tasks took lately: where honest estimates come from. Kept in memory; after a start the newest
 * completed prompts are looked at.
 */
import { everyPromptNewestFirst } from "../prompts/prompt_store.ts";
import type { Store } from "../store/store.ts";

export interface TaskDurations {
  /** The median of the model's latest tasks, in milliseconds; null where none is known. */
  expectedMs(model: string): Promise<number | null>;
  note(model: string, tookMs: number): void;
}

const remembered = 20;
const lookedAt = 500;

export function createTaskDurations(store: Store): TaskDurations {
  const latest = new Map<string, number[]>();
  let known: Promise<void> | null = null;

  return {
    async expectedMs(model) {
      await (known ??= readLatest().catch(forget));
      const times = latest.get(model)?.toSorted((a, b) => a - b);
      return times === undefined ? null : times[times.length >> 1];
    },
    note: (model, tookMs) =>
      void latest.set(model, [tookMs, ...latest.get(model) ?? []].slice(0, remembered)),
  };

  /** The next who asks looks again. */
  function forget(error: unknown): never {
    known = null;
    throw error;
  }

  async function readLatest(): Promise<void> {
    for await (const { value } of everyPromptNewestFirst(store, { limit: lookedAt })) {
      for (const task of value.tasks) {
        const times = latest.get(value.request.model) ?? [];
        if (task.state !== "done" || task.tookMs === undefined || times.length === remembered) continue;
        latest.set(value.request.model, [...times, task.tookMs]);
      }
    }
  }
}
