/** What waits and what runs, for those who run the server: numbers and times, never anybody's words. */
import { isFinal } from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import { type Pause, readPauses } from "../prompts/pause.ts";
import { listDelayed, listLeases, listWaiting } from "../prompts/queue.ts";
import type { Store } from "../store/store.ts";

export interface QueueView {
  /** Oldest first. */
  running: { promptId: string; userId: string; model: string; since: number; isCancelled: boolean }[];
  waiting: { userId: string; count: number; isPaused: boolean }[];
  /** Prompts that wait to be tried again, the next first. */
  delayed: { promptId: string; readyAt: number }[];
  /** Of everything and of providers; whoever paused their own queue is among those of `waiting`. */
  pauses: Pause[];
}

const shown = 1000;

export async function viewQueue(store: Store): Promise<QueueView> {
  const [leases, waiting, delayed, pauses] = await Promise.all([
    listLeases(store),
    listWaiting(store, { limit: shown }),
    listDelayed(store, { limit: shown }),
    readPauses(store),
  ]);
  const prompts = await readPrompts(store, leases.map(({ promptId }) => promptId));
  const counts = new Map<string, number>();
  for (const { userId } of waiting) counts.set(userId, (counts.get(userId) ?? 0) + 1);
  return {
    running: prompts.map(({ value }) => ({
      promptId: value.id,
      userId: value.userId,
      model: value.request.model,
      since: value.createdAt,
      isCancelled: isFinal(value),
    })),
    waiting: Array.from(counts, ([userId, count]) => (
      { userId, count, isPaused: pauses.some(({ scope, id }) => scope === "user" && id === userId) }
    )),
    delayed,
    pauses: pauses.filter(({ scope }) => scope === "all" || scope === "provider"),
  };
}
