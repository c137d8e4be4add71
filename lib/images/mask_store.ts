/** Masks: how they are kept beside the picture that they are for, and how they leave with it. */
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { sha256OfMany } from "../digest.ts";
import { isId } from "../ids.ts";
import { boundsOf, demandPart, encodeStoredMask, type MaskPixels, shareOf } from "../pixels/mask.ts";
import { BadMask } from "../pixels/mask_shape.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import type { Image } from "./image.ts";
import type { Mask } from "./mask.ts";

/** Of one picture; each has bytes of its own. */
const mostMasks = 1000;

/**
 * Keeps which part of a picture may change; `mask` has one byte for each of its pixels. The same pixels are the same mask.
 * Refuses with `invalid_request` one that marks nothing, or everything, and with `too_large` one too many.
 */
export async function keepMask(
  { store, blobs }: { store: Store; blobs: Blobs },
  { base, mask }: { base: Image; mask: MaskPixels },
): Promise<{ mask: Mask; isKnown: boolean }> {
  const { id: imageId, userId, width, height } = base;
  refuseBadMask(() => demandPart(mask));
  const sha256 = await sha256OfMany(mask);
  const key = keys.maskOf(userId, imageId, sha256);
  while (true) {
    const entry = await read<string>(store.kv, key);
    const known = entry && await read<Mask>(store.kv, keys.mask(entry.value));
    if (known !== null) return { mask: known.value, isKnown: true };
    if (await countMasks(store, base) >= mostMasks) {
      throw new Refusal("too_large", `A picture has at most ${mostMasks} masks: use one of them again`);
    }
    const kept: Mask = {
      id: store.ids(),
      userId,
      imageId,
      width,
      height,
      share: shareOf(mask),
      bounds: boundsOf(mask, { width, height })!,
      sha256,
      createdAt: store.now(),
    };
    await blobs.put(blobKeys.mask(kept.id), await encodeStoredMask(mask, { width, height }), "image/png");
    const atomic = store.kv.atomic().check({ key, versionstamp: entry?.versionstamp ?? null })
      .check({ key: keys.mask(kept.id), versionstamp: null })
      .set(key, kept.id).set(keys.mask(kept.id), kept);
    if (await commit(checkAccount(atomic, userId)) !== null) return { mask: kept, isKnown: false };
    if (await readUser(store, userId) === null) throw accountGone();
  }
}

/** What is wrong with a mask is told to whoever sent it. */
export function refuseBadMask<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof BadMask)) throw error;
    throw new Refusal("invalid_request", error.message, { field: "mask" });
  }
}

/** The user's own mask; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findMask(
  store: Store,
  { userId, maskId }: { userId: string; maskId: string },
): Promise<Mask> {
  const found = isId(maskId) ? await read<Mask>(store.kv, keys.mask(maskId)) : null;
  if (found?.value.userId !== userId) throw notFound();
  return found.value;
}

export async function readMasks(store: Store, maskIds: readonly string[]): Promise<Versioned<Mask>[]> {
  return present(await readMany<Mask>(store.kv, maskIds.map(keys.mask)));
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

async function countMasks({ kv }: Store, { id, userId }: Pick<Image, "id" | "userId">): Promise<number> {
  const entries = kv.list({ prefix: keys.masksOf(userId, id) }, { limit: mostMasks, batchSize: 500 });
  return (await Array.fromAsync(entries)).length;
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
