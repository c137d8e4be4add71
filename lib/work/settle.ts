/** The one commit that ends a prompt: final state, pictures, ledger entry, hold released, totals, lease gone. */
import type { Image } from "../images/image.ts";
import type { NewImage } from "../images/store_picture.ts";
import type { Batch } from "../batches/batch.ts";
import { batchOwner } from "../batches/batch_store.ts";
import { tellHooks } from "../hooks/outbox.ts";
import { type Account, type Month, monthOf } from "../money/account.ts";
import { type Books, type BooksOwner, changeBooks, type Outcome, settle } from "../money/ledger.ts";
import { ringBell } from "../prompts/doorbell.ts";
import { type FinalPrompt, imagesOf, isFinal, madeBy, outcomeOf, type Prompt } from "../prompts/prompt.ts";
import { writePrompt } from "../prompts/prompt_store.ts";
import { isKeeper, type Rollup, rollupOf } from "../statistics/rollup.ts";
import { addToRollup, rollupKey } from "../statistics/rollup_store.ts";
import { keys } from "../store/schema.ts";
import type { Store, Versioned } from "../store/store.ts";
import { type Charge, sumCharges } from "../money/charge.ts";
import { addImage, readImages } from "../images/image_store.ts";
import { addToBatch } from "./batch_progress.ts";
import { fileArrivals, filed, type OpenFiling } from "../boards/filing.ts";

/**
 * Writes `after`, which names `images`, together with their records, and settles it if it is final and its charge
 * known. Null: the prompt changed in between and nothing was written.
 */
export function writeProgress(
  store: Store,
  step: { before: Versioned<Prompt>; after: Prompt; images?: readonly NewImage[] },
): Promise<Versioned<Prompt> | null> {
  const { after: { status, trace } } = step;
  if (!isSettled(step.after)) return writeStep(store, step);
  const options = { origin: trace, attributes: { state: status } };
  return store.tracing.span("settle", options, () => writeStep(store, step));
}

async function writeStep(
  store: Store,
  { before, after, images = [] }: Parameters<typeof writeProgress>[1],
): Promise<Versioned<Prompt> | null> {
  const at = store.now();
  const outcome = isSettled(after)
    ? outcomeOf(after, { keepers: await countKeepers(store, before.value) })
    : null;
  const owner = outcome === null ? ownerOf(after, at) : settlementOwner(after, at);
  const write = (filing: OpenFiling | null) =>
    changeBooks<Prompt, Batch>(store, owner, (books) => {
      const atomic = writePrompt(store.kv, { before, after });
      const firstNumber = books.account.imageSequence + 1;
      const numbered = images.map((image, i): Image => ({ ...image, sequence: firstNumber + i }));
      for (const image of filed(atomic, { images: numbered, filing })) addImage(atomic, image);
      const counted = { ...books.account, imageSequence: books.account.imageSequence + images.length };
      const { account, ...settled } = outcome === null
        ? { account: counted }
        : addSettlement(atomic, { books: { ...books, account: counted }, prompt: after, outcome, at });
      // This node knows that there is room for another one; others may have it.
      if (outcome !== null && store.isShared) ringBell(atomic, after.id);
      const changed = addToBatch(atomic, { books, account, before: before.value, after, at });
      return { atomic: books.write(atomic, { ...changed, ...settled }), value: after };
    });
  return await (images.length === 0 ? write(null) : fileArrivals(store, after, write));
}

/** The books that a prompt's steps go through. */
export function ownerOf({ userId, batchId }: Pick<Prompt, "userId" | "batchId">, at: number): BooksOwner {
  return batchId === null ? { userId, at } : batchOwner({ userId, batchId, at });
}

/** The same for the step that settles it: what is counted of it changes with them. */
export function settlementOwner(
  prompt: Pick<Prompt, "userId" | "batchId" | "request">,
  at: number,
): BooksOwner {
  const { userId, request: { model } } = prompt;
  return { ...ownerOf(prompt, at), rollup: rollupKey({ userId, at, model }) };
}

/** Adds to a commit what a prompt cost, and that nobody works on it any more; returns the books after that. */
export function addSettlement(
  atomic: Deno.AtomicOperation,
  { books, prompt, outcome, at }: {
    books: Pick<Books, "account" | "month" | "rollup">;
    prompt: Prompt;
    outcome: Outcome;
    at: number;
  },
): { account: Account; month: Month; rollup: Rollup } {
  const charge = sumCharges(taskCharges(prompt));
  const { entry, account, month } = settle(books, { prompt, images: madeBy(prompt).length, charge, at });
  const ledgerKey = keys.ledger(prompt.id);
  atomic.check({ key: ledgerKey, versionstamp: null }).set(ledgerKey, entry).delete(keys.lease(prompt.id));
  if (entry.basis === "unknown") atomic.set(keys.unknownCharge(prompt.id), null);
  tellOfPrompt(atomic, { account, prompt, at });
  const { id: promptId, userId } = prompt;
  const spent = { beforeMicros: books.month.spentMicros, afterMicros: month.spentMicros };
  const happened = { type: "budget.reached" as const, promptId, month: monthOf(at), ...spent };
  if (charge.costMicros > 0) tellHooks(atomic, { userId, account, at, happened });
  return { account, month, rollup: addToRollup(books, rollupOf({ entry, outcome })) };
}

/**
 * Of the pictures that had arrived before; whoever gives one of them a star meanwhile writes the prompt, too, so that
 * this commit fails.
 */
async function countKeepers(store: Store, before: Prompt): Promise<number> {
  const earlier = imagesOf(before);
  if (earlier.length === 0) return 0;
  const images = await readImages(store, earlier.map(({ id }) => id));
  return images.filter(({ value }) => isKeeper(value)).length;
}

/** Adds to a commit that its user's hooks are told how a prompt ended. */
export function tellOfPrompt(
  atomic: Deno.AtomicOperation,
  { account, prompt, at }: { account: Account; prompt: Prompt; at: number },
): void {
  const { id: promptId, userId, status } = prompt;
  const type = endEvents[status];
  if (type === undefined) return;
  const { costMicros } = sumCharges(taskCharges(prompt));
  const imageIds = madeBy(prompt).map(({ id }) => id);
  tellHooks(atomic, { userId, account, at, happened: { type, promptId, status, costMicros, imageIds } });
}

const endEvents: {
  [status in Prompt["status"]]?: "prompt.completed" | "prompt.failed" | "prompt.cancelled";
} = {
  COMPLETED: "prompt.completed",
  FAILED: "prompt.failed",
  CANCELLED: "prompt.cancelled",
};

/** Final, and what it cost is known. */
function isSettled(prompt: Prompt): prompt is FinalPrompt {
  return isFinal(prompt) && !(prompt.status === "CANCELLED" && prompt.isChargeDue);
}

function taskCharges(prompt: Prompt): Charge[] {
  return prompt.tasks.flatMap((task) =>
    task.state === "done" || task.state === "failed" ? [task.charge] : []
  );
}
