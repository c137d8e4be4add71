/** What follows for batches from their prompts, worked out anew. */
import { type Batch, reserveOf } from "../batches/batch.ts";
import type { PromptFacts } from "../prompts/prompt_noun.ts";
import type { Records } from "./records.ts";

/** Each batch as its prompts say that it should be, by id. */
export function deriveBatches(records: Records): Map<string, Batch> {
  const rows = rowsByBatch(records);
  return new Map(
    Array.from(records.batches, ([id, batch]) => [id, deriveBatch(records, batch, rows.get(id) ?? [])]),
  );
}

/** The prompts of each batch, in the order of their rows. */
export function rowsByBatch({ prompts }: Records): Map<string, PromptFacts[]> {
  const rows = new Map<string, PromptFacts[]>();
  for (const prompt of prompts.values()) {
    if (prompt.batchId === null) continue;
    const others = rows.get(prompt.batchId);
    if (others === undefined) rows.set(prompt.batchId, [prompt]);
    else others.push(prompt);
  }
  for (const prompts of rows.values()) prompts.sort((a, b) => (a.row ?? 0) - (b.row ?? 0));
  return rows;
}

function deriveBatch({ corrections }: Records, batch: Batch, prompts: readonly PromptFacts[]): Batch {
  const sum = (of: (prompt: PromptFacts) => number) => prompts.reduce((all, prompt) => all + of(prompt), 0);
  const ended = (status: PromptFacts["status"]) => sum((prompt) => Number(prompt.status === status));
  const derived = {
    ...batch,
    next: prompts.at(-1)?.row ?? 0,
    open: prompts.filter(({ isFinal }) => !isFinal).map(({ row }) => row ?? 0),
    remainingMicros: batch.mostMicros - sum(({ rowMicros }) => rowMicros),
    heldMicros: sum(({ isHeld, holdMicros }) => isHeld ? holdMicros : 0),
    chargedMicros: sum(({ id, isHeld, chargeMicros }) =>
      (isHeld ? 0 : chargeMicros) + (corrections.get(id) ?? 0)
    ),
    counts: {
      ...batch.counts,
      completed: ended("COMPLETED"),
      failed: ended("FAILED"),
      cancelled: ended("CANCELLED"),
      images: sum(({ answerCount }) => answerCount),
    },
  };
  return { ...derived, reserveMicros: reserveOf(derived) };
}
