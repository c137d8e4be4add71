/** Deleting a picture: first the record, so that nobody is shown what is going, then the bytes. */
import { blobKeysOf, type Blobs } from "./blobs.ts";
import { notFound } from "./errors.ts";
import type { Image } from "./image.ts";
import type { Prompt } from "./prompt.ts";
import { readImage, readPrompt, removeImage, writePrompt } from "./prompt_store.ts";
import { commit, type Store, type Versioned } from "./store.ts";

/** Deletes a picture of the user; refuses with `not_found` when there is none (any more). */
export async function deleteImage(
  { store, blobs }: { store: Store; blobs: Blobs },
  image: Image,
): Promise<void> {
  while (true) {
    const found = await readImage(store, image.id);
    if (found === null) throw notFound();
    const prompt = await readPrompt(store, image.promptId);
    if (prompt === null) throw notFound();
    if (await removeBoth(store, { image: found, prompt })) break;
  }
  for (const key of blobKeysOf(image.id)) await blobs.delete(key);
}

async function removeBoth(
  store: Store,
  { image, prompt }: { image: Versioned<Image>; prompt: Versioned<Prompt> },
): Promise<boolean> {
  const images = prompt.value.images.map((named) =>
    named.id === image.value.id ? { ...named, isDeleted: true } : named
  );
  const after = { ...prompt.value, images, updatedAt: store.now() } as Prompt;
  const atomic = writePrompt(store.kv, { before: prompt, after });
  removeImage(atomic, image);
  return await commit(atomic) !== null;
}
