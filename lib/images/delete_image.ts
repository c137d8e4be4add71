/**
 * Deleting a picture. At once nobody is shown it any more: its record moves to the trash, and its prompt says that it
 * is deleted. For ten minutes that can be undone; then its bytes go, and its record after them, so that whatever
 * interrupts this is taken up again.
 */
import { blobKeysOf } from "../blobs/blobs.ts";
import { notFound, Refusal } from "../refusal.ts";
import { isId } from "../ids.ts";
import { type BoardPlace, type Image, isMade, type TrashedImage, type UploadedImage } from "./image.ts";
import { readMaker } from "./marking.ts";
import { removeMasks } from "./mask_store.ts";
import { type Prompt, withMark } from "../prompts/prompt.ts";
import { writePrompt } from "../prompts/prompt_store.ts";
import { addRollups, emptyRollup, isKeeper, type Rollup } from "../statistics/rollup.ts";
import { booksOfPrompt, changeRollup } from "../statistics/rollup_store.ts";
import { withdrawWithPicture } from "../publications/publish.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { mayIn, type Shared } from "../users/membership.ts";
import { addImage, readImage, removeImage, replaceImage } from "./image_store.ts";
import type { HoldableBlobs } from "../blobs/holdable_blobs.ts";

export const undoMs = 10 * 60_000;

/**
 * Deletes a picture of the user; refuses with `not_found` when there is none (any more). `add` may add to the commit, or
 * say that the picture is not to go: then this returns false.
 */
export async function deleteImage(
  store: Store,
  { id }: Pick<Image, "id">,
  add?: (atomic: Deno.AtomicOperation, image: Image) => Promise<boolean>,
): Promise<boolean> {
  while (true) {
    const image = await readImage(store, id);
    if (image === null) throw notFound();
    const prompt = await readMaker(store, image.value);
    const atomic = marking(store, { imageId: id, prompt, isDeleted: true });
    removeImage(atomic, image);
    await withdrawWithPicture(atomic, { store, imageId: id });
    const trashed: TrashedImage = { image: image.value, goesAt: store.now() + undoMs, isGoing: false };
    atomic.set(keys.trash(id), trashed);
    await countKept(atomic, { store, image: image.value, by: -1 });
    if (await add?.(atomic, image.value) === false) return false;
    if (await commit(atomic) !== null) return true;
  }
}

/** The user's deleted picture, if that can still be undone; refuses with `not_found` otherwise. */
export async function findDeleted(
  store: Store,
  { userId, imageId }: { userId: string; imageId: string },
): Promise<Versioned<TrashedImage>> {
  const found = isId(imageId) ? await read<TrashedImage>(store.kv, keys.trash(imageId)) : null;
  if (found?.value.image.userId !== userId || found.value.isGoing) throw notFound();
  return found;
}

/** Undoes the deletion of a picture of the user; refuses with `not_found` when it is too late. */
export async function undoDeletion(
  store: Store,
  named: { userId: string; imageId: string },
): Promise<Image> {
  while (true) {
    const trashed = await findDeleted(store, named);
    const { image } = trashed.value;
    const key = keys.trash(image.id);
    const prompt = await readMaker(store, image);
    const atomic = marking(store, { imageId: image.id, prompt, isDeleted: false });
    atomic.check({ key, versionstamp: trashed.versionstamp }).delete(key);
    if (image.kind === "upload") await demandNotSentAgain(atomic, { store, image });
    const [first, rest] = [image.boards.slice(0, boardsAtOnce), image.boards.slice(boardsAtOnce)];
    const back: Image = {
      ...image,
      boards: await boardsStillThere(atomic, { store, userId: image.userId, boards: first }),
    };
    addImage(atomic, back);
    await countKept(atomic, { store, image, by: 1 });
    if (await commit(atomic) !== null) return await comeBackTo(store, { image: back, boards: rest });
  }
}

/** Boards that are checked in one commit, beside what else it checks. */
const boardsAtOnce = 4;

/** To those boards that there was no room for in the commit that brought it back. */
async function comeBackTo(
  store: Store,
  { image, boards }: { image: Image; boards: readonly BoardPlace[] },
): Promise<Image> {
  let back = image;
  for (let from = 0; from < boards.length; from += boardsAtOnce) {
    const some = boards.slice(from, from + boardsAtOnce);
    while (true) {
      const before = await read<Image>(store.kv, keys.image(image.id));
      // Somebody deletes it again.
      if (before === null) return back;
      const atomic = store.kv.atomic();
      const places = await boardsStillThere(atomic, { store, userId: image.userId, boards: some });
      const others = before.value.boards.filter(({ boardId }) =>
        !some.some((place) => place.boardId === boardId)
      );
      back = { ...before.value, boards: [...others, ...places] };
      replaceImage(atomic, { before, after: back });
      if (await commit(atomic) !== null) break;
    }
  }
  return back;
}

/** A picture that is worth keeping counts as long as it is kept. As long as its prompt is not booked, it counts with that. */
async function countKept(
  atomic: Deno.AtomicOperation,
  { store, image, by }: { store: Store; image: Image; by: 1 | -1 },
): Promise<void> {
  const booked = isMade(image) && isKeeper(image) ? await booksOfPrompt(store, image.promptId) : null;
  if (booked === null) return;
  const change = (rollup: Rollup) => addRollups(rollup, { ...emptyRollup, keepers: by });
  await changeRollup(atomic, { store, key: booked.rollup, change });
}

/** The prompt that made it says whether it is deleted. */
function marking(
  store: Store,
  { imageId, prompt, isDeleted }: { imageId: string; prompt: Versioned<Prompt> | null; isDeleted: boolean },
): Deno.AtomicOperation {
  if (prompt === null) return store.kv.atomic();
  const after = withMark(prompt.value, { imageId, isDeleted });
  return writePrompt(store.kv, { before: prompt, after: { ...after, updatedAt: store.now() } });
}

/** It goes back to the boards that it was on, as far as they are there, and its owner's to see, when it is committed. */
async function boardsStillThere(
  atomic: Deno.AtomicOperation,
  { store, userId, boards }: { store: Store; userId: string; boards: readonly BoardPlace[] },
): Promise<BoardPlace[]> {
  const found = await readMany<Shared>(store.kv, boards.map(({ boardId }) => keys.board(boardId)));
  return boards.filter(({ boardId }, i) => {
    const board = found[i];
    if (board !== null) atomic.check({ key: keys.board(boardId), versionstamp: board.versionstamp });
    return board !== null && mayIn(board.value, { userId, right: "see" });
  });
}

async function demandNotSentAgain(
  atomic: Deno.AtomicOperation,
  { store, image }: { store: Store; image: UploadedImage },
): Promise<void> {
  const key = keys.upload(image.userId, image.sentSha256);
  if (await read(store.kv, key) !== null) {
    throw new Refusal("conflict", "The same picture was uploaded again in the meantime");
  }
  atomic.check({ key, versionstamp: null });
}

/**
 * Takes away what was deleted long enough ago: bytes, thumbnails and copies, then the record. While a backup is
 * taken nothing goes. Returns how many went.
 */
export async function emptyTrash({ store, blobs }: { store: Store; blobs: HoldableBlobs }): Promise<number> {
  let gone = 0;
  for await (const entry of store.kv.list<TrashedImage>({ prefix: [...kinds.trash] }, { batchSize: 500 })) {
    const { key, value, versionstamp } = entry;
    if (await blobs.isHolding()) return gone;
    if (value.goesAt > store.now() || await isNeeded(store, value.image.id)) continue;
    const going: TrashedImage = { ...value, isGoing: true };
    if (!await commit(store.kv.atomic().check({ key, versionstamp }).set(key, going))) continue;
    await removeMasks({ store, blobs }, value.image);
    for (const blobKey of blobKeysOf(value.image.id)) await blobs.delete(blobKey);
    await commit(store.kv.atomic().delete(key));
    gone++;
  }
  return gone;
}

/** A prompt that is not final may still have to send it, or keep parts of it. */
export async function isNeeded({ kv }: Store, imageId: string): Promise<boolean> {
  for await (const _ of kv.list({ prefix: keys.sourceUses(imageId) }, { limit: 1 })) return true;
  return false;
}
