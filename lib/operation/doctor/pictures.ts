/** The storage of pictures: whether something can be put there, read and deleted again, and whose it is. */
import { type Blobs, readBlob } from "../../blobs/blobs.ts";
import { readOwner } from "../sweep_blobs.ts";
import { bad, good, look, type Said, wordsOf } from "./finding.ts";

export async function examinePictures(
  blobs: Blobs,
  { place, ownId, remedy }: {
    /** Such as "the bucket darkroom". */
    place: string;
    /** Names this Darkroom; null: it has no name yet. */
    ownId: string | null;
    /** What to do where it does not work. */
    remedy: string;
  },
): Promise<Said[]> {
  const key = `.doctor-${crypto.randomUUID()}`;
  const bytes = crypto.getRandomValues(new Uint8Array(64));
  try {
    await blobs.put(key, bytes, "application/octet-stream");
    const read = await readBlob(blobs, key);
    await blobs.delete(key);
    if (read?.toHex() !== bytes.toHex()) return [bad(`${place} gave something else than was put: ${remedy}`)];
    if (await blobs.exists(key)) return [bad(`${place} keeps what was deleted: ${remedy}`)];
  } catch (error) {
    return [bad(`${place} does not take, give or delete (${wordsOf(error)}): ${remedy}`)];
  }
  const owner = await readOwner(blobs);
  const isForeign = owner !== null && ownId !== null && owner !== ownId;
  return [
    good(`${place} takes, gives and deletes`),
    ...isForeign
      ? [
        look(
          `${place} is another Darkroom's, so nothing is swept there: deno task claim-blobs, if it is not`,
        ),
      ]
      : [],
  ];
}
