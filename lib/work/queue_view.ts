/** What waits and what runs, for those who run the server: numbers and times, never anybody's words. */
import { isFinal } from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import { listLeases } from "../prompts/queue.ts";
import { kinds } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

export interface QueueView {
  /** Oldest first. */
  running: { promptId: string; userId: string; model: string; since: number; isCancelled: boolean }[];
  waiting: { userId: string; count: number }[];
  /** Prompts that wait to be tried again, the next first. */
  delayed: { promptId: string; readyAt: number }[];
}

const shown = 1000;

export async function viewQueue(store: Store): Promise<QueueView> {
  const [leases, waiting, delayed] = await Promise.all([
    listLeases(store),
    Array.fromAsync(store.kv.list({ prefix: [...kinds.queue] }, { limit: shown, batchSize: 500 })),
    Array.fromAsync(store.kv.list({ prefix: [...kinds.delayed] }, { limit: shown, batchSize: 500 })),
  ]);
  const prompts = await readPrompts(store, leases.map(({ promptId }) => promptId));
  const counts = new Map<string, number>();
  for (const { key } of waiting) counts.set(String(key[1]), (counts.get(String(key[1])) ?? 0) + 1);
  return {
    running: prompts.map(({ value }) => ({
      promptId: value.id,
      userId: value.userId,
      model: value.request.model,
      since: value.createdAt,
      isCancelled: isFinal(value),
    })),
    waiting: Array.from(counts, ([userId, count]) => ({ userId, count })),
    delayed: delayed.map(({ key }) => ({ readyAt: key[1] as number, promptId: String(key[2]) })),
  };
}
