/**
 * Rating and tagging a picture. The prompt that made it is written in the same commit, so that whoever looks at the
 * picture elsewhere is told; so is its batch, where the picture gets its first star or loses its last one.
 */
import type { Image } from "../images/image.ts";
import { readImage, replaceImage } from "../images/image_store.ts";
import { type Marking, readMaker, telling } from "../images/marking.ts";
import { isId } from "../ids.ts";
import { changeBooks } from "../money/ledger.ts";
import { notFound } from "../refusal.ts";
import { emptyRollup, isKeeper } from "../statistics/rollup.ts";
import { addToRollup, booksOfPrompt } from "../statistics/rollup_store.ts";
import { commit, type Store, type Versioned } from "../store/store.ts";
import type { Batch } from "./batch.ts";
import { batchOwner, changeStars, readTold } from "./batch_store.ts";

/** A picture of the user's is marked; refuses with `not_found` where there is none (any more). */
export async function markImage(
  store: Store,
  { userId, imageId }: { userId: string; imageId: string },
  mark: Marking,
): Promise<Image> {
  while (true) {
    const before = isId(imageId) ? await readImage(store, imageId) : null;
    if (before?.value.userId !== userId) throw notFound();
    const after = mark(before.value);
    if (after === before.value || await write(store, { before, after })) return after;
  }
}

/** False: the picture, its prompt or its batch has changed meanwhile. */
async function write(
  store: Store,
  { before, after }: { before: Versioned<Image>; after: Image },
): Promise<boolean> {
  const prompt = await readMaker(store, after);
  const change = () => {
    const atomic = telling(store, prompt);
    replaceImage(atomic, { before, after });
    return atomic;
  };
  const batchId = prompt?.value.batchId ?? null;
  const stars = batchId === null ? 0 : Number(isStarred(after)) - Number(isStarred(before.value));
  const kept = Number(isKeeper(after)) - Number(isKeeper(before.value));
  const booked = kept === 0 || prompt === null ? null : await booksOfPrompt(store, prompt.value.id);
  if (stars === 0 && booked === null) return await commit(change()) !== null;
  const told = batchId === null ? null : await readTold(store, batchId);
  const books = { userId: after.userId, at: booked?.at ?? store.now() };
  const owner = batchId === null ? books : batchOwner({ ...books, batchId });
  const written = await changeBooks<Image, Batch>(store, { ...owner, rollup: booked?.rollup }, (books) => {
    const atomic = change();
    const changed = stars === 0 ? {} : changeStars(store, { atomic, books, by: stars, told });
    const rollup = booked === null ? undefined : addToRollup(books, { ...emptyRollup, keepers: kept });
    books.write(atomic, { ...changed, rollup });
    return { atomic, value: after };
  });
  return written !== null;
}

export function isStarred({ rating }: Pick<Image, "rating">): boolean {
  return rating >= 1;
}
