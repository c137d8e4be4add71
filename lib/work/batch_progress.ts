/** What a step of a prompt means for the batch whose row it is. */
import type { FailureReason } from "../catalog/provider.ts";
import { type Batch, type BatchEvent, mostRefusals, step } from "../batches/batch.ts";
import { partOf } from "../batches/part_of.ts";
import { type BatchBooks, tellOfState, writeBatchEntries } from "../batches/batch_store.ts";
import type { Account } from "../money/account.ts";
import { adviceFor, happenedWords } from "../prompts/failure_words.ts";
import { isFinal, type Prompt } from "../prompts/prompt.ts";

/** Its provider refuses everybody's prompts for the time being. */
const refusals: readonly FailureReason[] = ["provider_auth", "provider_billing", "rate_limited"];
/** Its provider has looked at this one. */
const verdicts: readonly FailureReason[] = [
  "content_policy",
  "source_refused",
  "provider_rejected",
  "provider_failed",
  "bad_result",
];

/**
 * Adds to a commit through the books of its batch what a prompt's step changes there; returns what is written with them.
 * `account` has what the step itself changes.
 */
export function addToBatch(
  atomic: Deno.AtomicOperation,
  { books, account, before, after, at }: {
    books: BatchBooks;
    account: Account;
    before: Prompt;
    after: Prompt;
    at: number;
  },
): { account: Account; beside?: Batch } {
  return changeBatch(atomic, { books, account, event: eventOf(before, after), at });
}

/** The same for an event; null: nothing happened. Nothing changes either where the batch is gone. */
export function changeBatch(
  atomic: Deno.AtomicOperation,
  { books, account, event, at }: {
    books: BatchBooks;
    account: Account;
    event: BatchEvent | null;
    at: number;
  },
): { account: Account; beside?: Batch } {
  const batch = books.beside;
  const changed = batch && event && step(batch, event, at);
  if (batch === null || changed === null) return { account };
  writeBatchEntries(atomic, { before: batch, after: changed });
  tellOfState(atomic, { account, before: batch, after: changed });
  const heldMicros = account.heldMicros + changed.reserveMicros - batch.reserveMicros;
  return { account: { ...account, heldMicros }, beside: changed };
}

/** Null: its batch stays as it is. */
function eventOf(promptBefore: Prompt, promptAfter: Prompt): BatchEvent | null {
  const [before, after] = [partOf(promptBefore), partOf(promptAfter)];
  const isSame = (Object.keys(after) as (keyof typeof after)[]).every((name) => before[name] === after[name]);
  if (isSame) return null;
  const { refusal, takenBy } = isFinal(promptBefore) || !isFinal(promptAfter)
    ? { refusal: null, takenBy: null }
    : answerOf(promptAfter);
  return { type: "prompt_changed", before, after, refusal, takenBy };
}

type Answer = Pick<Extract<BatchEvent, { type: "prompt_changed" }>, "refusal" | "takenBy">;

function answerOf(prompt: Prompt): Answer {
  const { model } = prompt.request;
  const provider = prompt.priceRow?.provider ?? model;
  if (prompt.status === "COMPLETED") return { refusal: null, takenBy: provider };
  if (prompt.status !== "FAILED") return { refusal: null, takenBy: null };
  const { reason } = prompt.failure;
  if (verdicts.includes(reason)) return { refusal: null, takenBy: provider };
  if (!refusals.includes(reason)) return { refusal: null, takenBy: null };
  const words = `${model} refused ${mostRefusals} rows in a row: ${happenedWords(reason)}. ${
    adviceFor(reason)
  }`;
  return { refusal: { provider, words }, takenBy: null };
}
