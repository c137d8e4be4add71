/**
 * What the economy lane did not do goes on by itself at full price, where its batch said so and may spend as much: the
 * same prompt, with another hold, in its user's queue.
 */
import { type Batch, isGoingOn } from "../batches/batch.ts";
import { type BatchBooks, batchOwner, readBatch } from "../batches/batch_store.ts";
import type { Models } from "../catalog/models.ts";
import { changeBooks } from "../money/ledger.ts";
import type { Doorbell } from "../prompts/doorbell.ts";
import {
  type FailedPrompt,
  type PendingPrompt,
  type ProcessingPrompt,
  type Prompt,
  type Task,
  toPending,
} from "../prompts/prompt.ts";
import { writePrompt } from "../prompts/prompt_store.ts";
import { checkPrices, type Quote, quoteAgain } from "../prompts/quote.ts";
import { demandBudget } from "../prompts/request_prompt.ts";
import { quoteRetry } from "../prompts/retry.ts";
import { Refusal } from "../refusal.ts";
import { DatabaseRefusal, type Store, type Versioned } from "../store/store.ts";
import { checkAccount, readUser, type User } from "../users/user.ts";
import { addToBatch } from "./batch_progress.ts";

export interface FullPriceDeps {
  store: Store;
  models: Models;
  doorbell: Doorbell;
  /** Micro-dollars a month for users without a budget of their own; null: no limit. */
  defaultBudgetMicros: number | null;
}

/** Nothing came of it, and nothing was billed, for want of time. */
export function wasNotDone(prompt: Prompt): prompt is FailedPrompt {
  return prompt.status === "FAILED" &&
    prompt.tasks.every((task) =>
      task.state === "failed" && task.failure.reason === "timeout" && task.charge.basis === "none"
    );
}

/** False: it fails, or somebody else changed it meanwhile. */
export async function goOnAtFullPrice(
  deps: FullPriceDeps,
  before: Versioned<ProcessingPrompt>,
): Promise<boolean> {
  const { store } = deps;
  const { userId, batchId } = before.value;
  if (batchId === null || (await readBatch(store, batchId))?.value.fallback !== "full price") return false;
  const user = await readUser(store, userId);
  if (user === null) return false;
  try {
    let quote: Quote | null = quoteRetry(deps.models, before.value);
    while (quote !== null) {
      if (await write(deps, { before, batchId, user: user.value, quote }) !== null) return true;
      quote = await quoteAgain(quote);
    }
    return false;
  } catch (error) {
    if (!(error instanceof Refusal) || error instanceof DatabaseRefusal) throw error;
    return false;
  }
}

function write(
  { store, doorbell, defaultBudgetMicros: defaultMicros }: FullPriceDeps,
  { before, batchId, user, quote }: {
    before: Versioned<ProcessingPrompt>;
    batchId: string;
    user: User;
    quote: Quote;
  },
) {
  const at = store.now();
  const { userId, id } = before.value;
  return changeBooks<Prompt, Batch>(store, batchOwner({ userId, batchId, at }), (books) => {
    const moreMicros = quote.mostMicros - before.value.holdMicros;
    demandRoom(books, moreMicros);
    demandBudget({ user, at, books, defaultMicros, holdMicros: moreMicros });
    const after = atFullPrice(before.value, { quote, at });
    const atomic = checkPrices(checkAccount(writePrompt(store.kv, { before, after }), userId), quote);
    const account = { ...books.account, heldMicros: books.account.heldMicros + moreMicros };
    books.write(atomic, addToBatch(atomic, { books, account, before: before.value, after, at }));
    return { atomic: doorbell.ring(atomic, id), value: after };
  });
}

/** Of what the batch may cost, beside what it was charged, holds, and has set aside for rows that come. */
function demandRoom({ beside: batch }: BatchBooks, moreMicros: number): void {
  const isOpen = batch !== null && isGoingOn(batch) && batch.fallback === "full price";
  const ceilingMicros = batch?.limitMicros ?? batch?.mostMicros ?? 0;
  const usedMicros = isOpen ? batch.chargedMicros + batch.heldMicros + batch.reserveMicros : Infinity;
  if (usedMicros + moreMicros > ceilingMicros) {
    throw new Refusal("conflict", "The batch's limit does not cover the full price");
  }
}

function atFullPrice(
  prompt: ProcessingPrompt,
  { quote: { mostMicros: holdMicros, priceRow }, at }: { quote: Quote; at: number },
): PendingPrompt {
  const { lane: _, lotId: __, ...pending } = toPending(prompt, { readyAt: null, at });
  const tasks = pending.tasks.map(({ count }): Task => ({ state: "waiting", count, images: [] }));
  return { ...pending, tasks, holdMicros, priceRow, rowMicros: prompt.holdMicros };
}
