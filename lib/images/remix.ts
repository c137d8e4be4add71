/**
 * Remixing a picture of somebody else's: it becomes an upload of whoever remixes it, with what it goes back to, and never a
 * reference to the other's record. So it stays when the other's picture goes, and tells nothing of where that is kept.
 */
import { blobKeys, readBlob } from "../blobs/blobs.ts";
import type { RemixOf } from "../publications/remixes.ts";
import { notFound } from "../refusal.ts";
import type { Image, UploadedImage } from "./image.ts";
import { receiveUpload, type UploadDeps } from "./upload.ts";

/**
 * Copies a picture that the user was allowed to remix. The same picture is copied once, also if the user sent it
 * themselves before. Refuses like an upload, and with `not_found` where its bytes are gone by now.
 */
export async function copyForRemix(
  deps: UploadDeps,
  { userId, image, title, remixOf }: {
    userId: string;
    image: Pick<Image, "id">;
    /** What the copy is called. */
    title: string;
    remixOf: RemixOf;
  },
): Promise<UploadedImage> {
  const bytes = await readBlob(deps.blobs, blobKeys.picture(image.id));
  if (bytes === null) throw notFound();
  const { image: copy } = await receiveUpload(deps, { userId, bytes, name: title, remixOf });
  return copy;
}
