/** The rows of a batch that failed, as a new batch: checked and priced anew. */
import type { Models } from "../catalog/models.ts";
import type { FailedPrompt } from "../prompts/prompt.ts";
import type { Quote } from "../prompts/quote.ts";
import { filingNow, quoteRetry, recipeNow } from "../prompts/retry.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import type { User } from "../users/user.ts";
import { acceptBatch, type AcceptBatchDeps, type AcceptedBatch } from "./accept_batch.ts";
import type { Batch } from "./batch.ts";
import { listBatchPrompts } from "./batch_store.ts";
import type { BatchPlan } from "./plan.ts";
import { planQuotes } from "./plan_quotes.ts";

/**
 * Refuses like `acceptBatch`; with `conflict` where none failed, and like a retry of the row where one can't be made any
 * more, by its number.
 */
export async function retryFailed(
  deps: AcceptBatchDeps & { models: Models },
  { user, batch, idempotencyKey, atMostMicros }: {
    user: User;
    batch: Batch;
    idempotencyKey?: string;
    atMostMicros?: number;
  },
): Promise<AcceptedBatch> {
  return await acceptBatch(deps, {
    user,
    plan: await planRetry(deps, batch),
    terms: {
      name: batch.name,
      limitMicros: null,
      stopAtStars: null,
      lane: "now",
      deadline: null,
      fallback: null,
    },
    atMostMicros,
    idempotency: idempotencyKey === undefined
      ? undefined
      : { key: idempotencyKey, body: { retryFailedOf: batch.id } },
  });
}

/** What its failed rows would be once more, at today's prices. Refuses as `retryFailed` does. */
export async function planRetry(
  { store, models }: { store: Store; models: Models },
  batch: Batch,
): Promise<BatchPlan> {
  const failed = await failedPrompts(store, batch);
  if (failed.length === 0) throw new Refusal("conflict", "No row of this batch has failed");
  const quotes = failed.map(async (prompt) => ({
    ...quoteRow(models, prompt),
    filing: await filingNow(store, prompt),
    recipe: await recipeNow(store, prompt),
  }));
  return planQuotes(await Promise.all(quotes));
}

async function failedPrompts(store: Store, batch: Batch): Promise<FailedPrompt[]> {
  const { items } = await listBatchPrompts(store, { batch, limit: batch.next });
  return items.flatMap(({ value }) => value.status === "FAILED" ? [value] : []);
}

function quoteRow(models: Models, prompt: FailedPrompt): Quote {
  try {
    return quoteRetry(models, prompt);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message, field } = error;
    throw new Refusal(code, `row ${prompt.row}: ${message}`, {
      ...(field !== null && { field }),
      cause: error,
    });
  }
}
