/** All that a provider made, where the stored picture keeps the rest as it was: a picture of its own, free of charge. */
import { blobKeys, type Blobs, readBlob } from "../blobs/blobs.ts";
import { sha256OfMany } from "../digest.ts";
import type { InTurn } from "../in_turn.ts";
import { changeBooks } from "../money/ledger.ts";
import { inspectPicture } from "../pixels/picture.ts";
import { imagesOf } from "../prompts/prompt.ts";
import { readPrompt, writePrompt } from "../prompts/prompt_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import type { StorageRoom } from "../users/storage_room.ts";
import { checkAccount } from "../users/user.ts";
import { type Image, isMade, type MadeImage, unmarked } from "./image.ts";
import { addImage, readImage } from "./image_store.ts";
import { sizeTerm } from "./search_terms.ts";

/** Refuses with `invalid_request` a picture that is all of what was made. The same picture is not taken twice. */
export async function takeWhole(
  { store, blobs, decoding, room }: { store: Store; blobs: Blobs; decoding: InTurn; room: StorageRoom },
  image: Image,
): Promise<MadeImage> {
  if (!isMade(image) || image.baseSha256 === null) {
    throw new Refusal("invalid_request", "This picture is all that the model made");
  }
  const known = await findTaken(store, image);
  if (known !== null) return known;
  const bytes = await readBlob(blobs, blobKeys.original(image.id));
  if (bytes === null) throw notFound();
  await room.demand(image.userId, { bytes: bytes.length });
  const { tint } = await decoding(() => inspectPicture(bytes));
  const size = { width: image.originalWidth, height: image.originalHeight };
  const whole: Omit<MadeImage, "sequence"> = {
    ...image,
    ...size,
    id: store.ids(),
    contentType: image.originalContentType,
    byteLength: bytes.length,
    sha256: await sha256OfMany(bytes),
    hasOriginal: false,
    tint,
    baseSha256: null,
    edge: null,
    terms: [...image.terms.filter((term) => term !== sizeTerm(image)), sizeTerm(size)],
    ...unmarked,
    createdAt: store.now(),
  };
  await blobs.put(blobKeys.picture(whole.id), bytes, whole.contentType);
  while (true) {
    const prompt = await readPrompt(store, image.promptId);
    if (prompt === null) throw notFound();
    const named = imagesOf(prompt.value).find(({ id }) => id === image.id);
    if (named === undefined || named.isDeleted) throw notFound();
    const tasks = prompt.value.tasks.map((task) =>
      task.images.includes(named)
        ? { ...task, images: [...task.images, { id: whole.id, isDeleted: false, wholeOf: image.id }] }
        : task
    );
    const after = { ...prompt.value, tasks, updatedAt: store.now() };
    const added = await changeBooks<MadeImage>(store, { userId: image.userId, at: store.now() }, (books) => {
      const account = { ...books.account, imageSequence: books.account.imageSequence + 1 };
      const numbered = { ...whole, sequence: account.imageSequence };
      const atomic = books.write(writePrompt(store.kv, { before: prompt, after }), { account });
      addImage(checkAccount(atomic, image.userId), numbered);
      return { atomic, value: numbered };
    });
    if (added !== null) return added.value;
    const winner = await findTaken(store, image);
    if (winner !== null) return winner;
  }
}

async function findTaken(store: Store, { id, promptId }: MadeImage): Promise<MadeImage | null> {
  const prompt = await readPrompt(store, promptId);
  const taken = prompt &&
    imagesOf(prompt.value).find(({ wholeOf, isDeleted }) => wholeOf === id && !isDeleted);
  const image = taken && (await readImage(store, taken.id))?.value;
  return image && isMade(image) ? image : null;
}
