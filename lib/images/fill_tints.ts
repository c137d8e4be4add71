/**
 * Pictures from before tints were kept get theirs, a few at a time, so that nobody notices the work. How far that is
 * stands in the database: what has come since has a tint, so after a start only that is looked at again.
 */
import { blobKeys, type Blobs, readBlob } from "../blobs/blobs.ts";
import { BadPicture, inspectPicture } from "../pixels/picture.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";
import type { Image } from "./image.ts";

const mostLookedAt = 500;
const mostFilled = 10;

/** Looks at the next pictures, oldest first. Returns whether there may be more. */
export async function fillTints({ store, blobs }: { store: Store; blobs: Blobs }): Promise<boolean> {
  const progressKey = keys.tintsFilled();
  const lastId = (await read<string>(store.kv, progressKey))?.value ?? "";
  const selector = { prefix: [...kinds.images], start: keys.image(`${lastId}\0`) };
  let [lookedAt, filled, upTo] = [0, 0, lastId];
  for await (
    const entry of store.kv.list<Image>(selector, { limit: mostLookedAt, batchSize: mostLookedAt })
  ) {
    if (entry.value.tint === null) {
      await fillTint({ store, blobs }, entry);
      filled++;
    }
    upTo = entry.value.id;
    lookedAt++;
    if (filled === mostFilled) break;
  }
  if (upTo !== lastId) await commit(store.kv.atomic().set(progressKey, upTo));
  return filled === mostFilled || lookedAt === mostLookedAt;
}

/** From a thumbnail where there is one. What is gone or broken stays without; `verify` tells of it. */
async function fillTint(
  { store, blobs }: { store: Store; blobs: Blobs },
  { key, value, versionstamp }: Deno.KvEntry<Image>,
): Promise<void> {
  const bytes = await readBlob(blobs, blobKeys.thumbnail(value.id, 320)) ??
    await readBlob(blobs, blobKeys.picture(value.id));
  if (bytes === null) return;
  try {
    const { tint } = await inspectPicture(bytes);
    const image: Image = { ...value, tint };
    await commit(store.kv.atomic().check({ key, versionstamp }).set(key, image));
  } catch (error) {
    if (!(error instanceof BadPicture)) throw error;
  }
}
