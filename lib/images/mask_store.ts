/** Masks: how they are kept beside the picture that they are for, and how they leave with it. */
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { isId } from "../ids.ts";
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";
import type { Image } from "./image.ts";
import type { Mask } from "./mask.ts";

/** The user's own mask; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findMask(
  store: Store,
  { userId, maskId }: { userId: string; maskId: string },
): Promise<Mask> {
  const found = isId(maskId) ? await read<Mask>(store.kv, keys.mask(maskId)) : null;
  if (found?.value.userId !== userId) throw notFound();
  return found.value;
}

/** The masks of a picture, in no order. */
export async function listMasks(
  store: Store,
  { id, userId }: Pick<Image, "id" | "userId">,
): Promise<Mask[]> {
  const masks: Mask[] = [];
  for await (const { value } of store.kv.list<string>({ prefix: keys.masksOf(userId, id) })) {
    const found = await read<Mask>(store.kv, keys.mask(value));
    if (found !== null) masks.push(found.value);
  }
  return masks;
}

/** With their bytes, before those of the picture that they are for. */
export async function removeMasks(
  { store, blobs }: { store: Store; blobs: Pick<Blobs, "delete"> },
  image: Pick<Image, "id" | "userId">,
): Promise<void> {
  for (const mask of await listMasks(store, image)) {
    await blobs.delete(blobKeys.mask(mask.id));
    await commit(
      store.kv.atomic().delete(keys.mask(mask.id)).delete(
        keys.maskOf(mask.userId, mask.imageId, mask.sha256),
      ),
    );
  }
}
