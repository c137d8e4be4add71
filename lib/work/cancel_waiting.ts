/**
 * Cancelling all that waits for a user: the rows of batches that are no prompts yet, and prompts that have not begun.
 * What runs goes on. For ten minutes it is known which prompts those were, so that they can be sent again.
 */
import type { Models } from "../catalog/models.ts";
import { listPromptIds, readPrompts } from "../prompts/prompt_store.ts";
import { listWaiting } from "../prompts/queue.ts";
import type { RequestDeps } from "../prompts/request_prompt.ts";
import { retryPrompt } from "../prompts/retry.ts";
import { Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, type Store } from "../store/store.ts";
import type { User } from "../users/user.ts";
import { type CancelDeps, cancelIfWaiting } from "./cancel.ts";
import { stopRows } from "./end_batch.ts";

export interface CancelledWaiting {
  /** How many prompts, and how many rows of batches that were none yet. */
  prompts: number;
  rows: number;
  /** What had been set aside for them and is free again, in micro-dollars. */
  releasedMicros: number;
}

/** Each fits into a value of KV, and is in nobody's way for long. */
const atOnce = 100;
export const sendAgainMs = 10 * 60_000;

/** Some of what was cancelled together, in their order in the queue. */
interface CancelledPart {
  at: number;
  prompts: { id: string; holdMicros: number }[];
}

export async function cancelWaiting(deps: CancelDeps, userId: string): Promise<CancelledWaiting> {
  const { store } = deps;
  // First: otherwise rows would become prompts while those before them are being cancelled.
  const { rows, releasedMicros } = await stopRows(store, userId);
  const ids = await waitingIds(store, userId);
  const released: CancelledWaiting = { prompts: 0, rows, releasedMicros };
  if (ids.length > 0) await forgetCancelled(store, userId);
  for (let from = 0; from < ids.length; from += atOnce) {
    const prompts = await readPrompts(store, ids.slice(from, from + atOnce));
    const results = await Promise.all(prompts.map((prompt) => cancelIfWaiting(deps, prompt)));
    const cancelled = results.flatMap((found) => found === null ? [] : [found.value]);
    for (const { holdMicros, tasks } of cancelled) {
      const charged = tasks.reduce((sum, task) => sum + ("charge" in task ? task.charge.costMicros : 0), 0);
      released.prompts++;
      released.releasedMicros += holdMicros - charged;
    }
    // Those of a batch are made again where the batch is.
    const single = cancelled.filter(({ batchId }) => batchId === null);
    if (single.length === 0) continue;
    const part: CancelledPart = {
      at: store.now(),
      prompts: single.map(({ id, holdMicros }) => ({ id, holdMicros })),
    };
    const key = keys.cancelledWaiting(userId, from);
    await commit(store.kv.atomic().set(key, part, { expireIn: sendAgainMs }));
  }
  return released;
}

/** In their order; at the end those that wait to be tried again. */
async function waitingIds(store: Store, userId: string): Promise<string[]> {
  const [line, all] = await Promise.all([
    listWaiting(store, { userId }),
    listPromptIds(store, { userId, status: "PENDING" }),
  ]);
  return [...new Set([...line.map(({ promptId }) => promptId), ...all])];
}

async function forgetCancelled(store: Store, userId: string): Promise<void> {
  for await (const { key } of store.kv.list({ prefix: keys.cancelledWaitingOf(userId) })) {
    await commit(store.kv.atomic().delete(key));
  }
}

/** What was cancelled together a short while ago: how many, and what was set aside for them. Null: nothing. */
export async function readCancelled(
  store: Store,
  userId: string,
): Promise<{ count: number; holdMicros: number } | null> {
  const prompts = (await readParts(store, userId)).flatMap(({ value }) => value.prompts);
  if (prompts.length === 0) return null;
  return { count: prompts.length, holdMicros: prompts.reduce((sum, { holdMicros }) => sum + holdMicros, 0) };
}

async function readParts(store: Store, userId: string): Promise<Deno.KvEntry<CancelledPart>[]> {
  const entries = store.kv.list<CancelledPart>({ prefix: keys.cancelledWaitingOf(userId) });
  const parts = await Array.fromAsync(entries);
  return parts.filter(({ value: { at } }) => store.now() - at < sendAgainMs);
}

/**
 * Sends again what was cancelled together, at most at the price that it had; however often it is asked for, each is
 * sent once. Ends with what refuses one of them, such as the budget; what was not sent then can still be sent.
 */
export async function sendAgain(
  deps: RequestDeps & { models: Models },
  user: User,
): Promise<{ sent: number; refusal: Refusal | null }> {
  const { store } = deps;
  let sent = 0;
  for (const { key, value: { at, prompts } } of await readParts(store, user.id)) {
    for (const [i, { id, holdMicros }] of prompts.entries()) {
      // All of them are one submission.
      const counting = sent === 0 ? deps : { ...deps, submissions: null };
      const refusal = await sendOneAgain(counting, { user, promptId: id, atMostMicros: holdMicros });
      if (refusal !== null) {
        const left: CancelledPart = { at, prompts: prompts.slice(i) };
        const expireIn = Math.max(1, sendAgainMs - (store.now() - at));
        await commit(store.kv.atomic().set(key, left, { expireIn }));
        return { sent, refusal };
      }
      sent++;
    }
    await commit(store.kv.atomic().delete(key));
  }
  return { sent, refusal: null };
}

async function sendOneAgain(
  deps: RequestDeps & { models: Models },
  { user, promptId, atMostMicros }: { user: User; promptId: string; atMostMicros: number },
): Promise<Refusal | null> {
  const [found] = await readPrompts(deps.store, [promptId]);
  if (found === undefined) return null;
  try {
    const idempotencyKey = `sent again ${promptId}`;
    await retryPrompt(deps, { user, prompt: found.value, idempotencyKey, atMostMicros });
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
