/** Pictures that were made and paid for, and could not be put into what they change: tried again, free of charge. */
import type { Batch } from "../batches/batch.ts";
import type { Blobs } from "../blobs/blobs.ts";
import { fileArrivals, filed } from "../boards/filing.ts";
import type { Models } from "../catalog/models.ts";
import type { MadeImage } from "../images/image.ts";
import { addImage } from "../images/image_store.ts";
import { storeKept } from "../images/store_kept.ts";
import { type NewImage, StorageFailure } from "../images/store_picture.ts";
import type { InTurn } from "../in_turn.ts";
import { type Books, changeBooks, readLedger } from "../money/ledger.ts";
import { type FinalPrompt, isFinal, outcomeOf, type Prompt, toFinished } from "../prompts/prompt.ts";
import { writePrompt } from "../prompts/prompt_store.ts";
import { Refusal } from "../refusal.ts";
import { type Rollup, rollupOf, subtractRollup } from "../statistics/rollup.ts";
import { addToRollup } from "../statistics/rollup_store.ts";
import type { Store, Versioned } from "../store/store.ts";
import { checkAccount } from "../users/user.ts";
import { addToBatch } from "./batch_progress.ts";
import { ownerOf, settlementOwner, tellOfPrompt } from "./settle.ts";

export interface FinishDeps {
  store: Store;
  blobs: Blobs;
  decoding: InTurn;
  models: Models;
}

/** Refuses with `conflict` where there is nothing to finish, and with `unavailable` where it fails again. */
export async function finishAgain(deps: FinishDeps, prompt: Versioned<Prompt>): Promise<Versioned<Prompt>> {
  const { store } = deps;
  const { value } = prompt;
  if (!isFinal(value) || receivedOf(value).length === 0) throw nothingLeft();
  const images = await finishAll(deps, value);
  const at = store.now();
  const after = toFinished(value, { imageIds: images.map(({ id }) => id), at });
  const counted = await countedAs(store, { before: value, after });
  const owner = counted === null ? ownerOf(value, at) : settlementOwner(value, counted.bookedAt);
  const written = await fileArrivals(
    store,
    value,
    (filing) =>
      changeBooks<Prompt, Batch>(store, owner, (books) => {
        const first = books.account.imageSequence + 1;
        const account = { ...books.account, imageSequence: books.account.imageSequence + images.length };
        const atomic = writePrompt(store.kv, { before: prompt, after });
        const rollup = counted?.change(books);
        books.write(atomic, { ...addToBatch(atomic, { books, account, before: value, after, at }), rollup });
        tellOfPrompt(atomic, { account, prompt: after, at });
        const numbered = images.map((image, i): MadeImage => ({ ...image, sequence: first + i }));
        for (const image of filed(atomic, { images: numbered, filing })) addImage(atomic, image);
        return { atomic: checkAccount(atomic, value.userId), value: after };
      }),
  );
  // Somebody else has just finished it.
  if (written === null) throw nothingLeft();
  return written;
}

/**
 * How it is counted from now on, on the day on which it was booked. Null: it is not booked yet. Whatever else changes that
 * writes the prompt, too, so that the commit fails.
 */
async function countedAs(
  store: Store,
  { before, after }: { before: FinalPrompt; after: FinalPrompt },
): Promise<{ bookedAt: number; change: (books: Pick<Books, "rollup">) => Rollup } | null> {
  const [entry] = await readLedger(store, [before.id]);
  if (entry === null) return null;
  const counted = (prompt: FinalPrompt) =>
    rollupOf({ entry: entry.value, outcome: outcomeOf(prompt, { keepers: 0 }) });
  const difference = subtractRollup(counted(after), counted(before));
  return { bookedAt: entry.value.at, change: (books) => addToRollup(books, difference) };
}

/** Whether something was made that can still be put into its place. */
export function receivedOf({ tasks }: Prompt) {
  return tasks.flatMap(({ received }) => received?.pictures ?? []);
}

async function finishAll({ store, models, ...deps }: FinishDeps, prompt: Prompt): Promise<NewImage[]> {
  const model = models.find(prompt.request.model)?.model ?? { watermark: "darkroom" as const };
  const storing = { ...deps, now: store.now, mayRetry: () => Promise.resolve(false) };
  const images: NewImage[] = [];
  for (const received of receivedOf(prompt)) {
    try {
      images.push(await storeKept(storing, { received, prompt, model }));
    } catch (error) {
      if (!(error instanceof StorageFailure)) throw error;
      throw new Refusal(
        "unavailable",
        "The picture could not be finished: what it changes, or storage, is not there",
        {
          cause: error,
        },
      );
    }
  }
  return images;
}

function nothingLeft(): Refusal {
  return new Refusal("conflict", "There is nothing to be finished");
}
