/** The one commit that ends a prompt: final state, pictures, ledger entry, hold released, totals, lease gone. */
import type { Image } from "../images/image.ts";
import type { NewImage } from "../images/store_picture.ts";
import { changeBooks, settle } from "../money/ledger.ts";
import { isFinal, madeBy, type Prompt } from "../prompts/prompt.ts";
import { writePrompt } from "../prompts/prompt_store.ts";
import { keys } from "../store/schema.ts";
import type { Store, Versioned } from "../store/store.ts";
import { type Charge, sumCharges } from "../money/charge.ts";
import { addImage } from "../images/image_store.ts";

/**
 * Writes `after`, which names `images`, together with their records, and settles it if it is final and its charge
 * known. Null: the prompt changed in between and nothing was written.
 */
export function writeProgress(
  store: Store,
  { before, after, images = [] }: { before: Versioned<Prompt>; after: Prompt; images?: readonly NewImage[] },
): Promise<Versioned<Prompt> | null> {
  const at = store.now();
  return changeBooks<Prompt>(store, { userId: after.userId, at }, (books) => {
    const atomic = writePrompt(store.kv, { before, after });
    const firstNumber = books.account.imageSequence + 1;
    images.forEach((image, i) => addImage(atomic, { ...image, sequence: firstNumber + i } satisfies Image));
    const counted = { ...books.account, imageSequence: books.account.imageSequence + images.length };
    if (!isSettled(after)) return { atomic: books.write(atomic, { account: counted }), value: after };
    const charge = sumCharges(taskCharges(after));
    const { entry, account, month } = settle({ ...books, account: counted }, {
      prompt: after,
      images: madeBy(after).length,
      charge,
      at,
    });
    const ledgerKey = keys.ledger(after.id);
    atomic.check({ key: ledgerKey, versionstamp: null }).set(ledgerKey, entry).delete(keys.lease(after.id));
    if (entry.basis === "unknown") atomic.set(keys.unknownCharge(after.id), null);
    return { atomic: books.write(atomic, { account, month }), value: after };
  });
}

/** Final, and what it cost is known. */
function isSettled(prompt: Prompt): boolean {
  return isFinal(prompt) && !(prompt.status === "CANCELLED" && prompt.isChargeDue);
}

function taskCharges(prompt: Prompt): Charge[] {
  return prompt.tasks.flatMap((task) =>
    task.state === "done" || task.state === "failed" ? [task.charge] : []
  );
}
