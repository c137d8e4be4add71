/** From a provider's bytes to a stored picture: checked by decoding, fitted, on the blobs, ready to be named. */
import { blobKeys, type Blobs } from "./blobs.ts";
import { sha256 } from "./digest.ts";
import type { Image } from "./image.ts";
import { fitPicture, inspectPicture } from "./picture.ts";
import { imageTitle, parseSize, type Prompt } from "./prompt.ts";
import type { Model } from "./provider.ts";
import { modelTerm, sizeTerm, wordsOf } from "./search_terms.ts";

/** Blobs did not take the picture although it was tried again. */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
}

const putAttempts = 3;

/** The record of the picture, its number still to be given. */
export type NewImage = Omit<Image, "sequence">;

/**
 * Throws `BadPicture` or `StorageFailure`. The provider's bytes are kept as they came; where they had to be changed
 * to the size asked for, or marked, the changed picture stands beside them.
 */
export async function storePicture(
  { blobs, now }: { blobs: Blobs; now: () => number },
  { imageId, prompt, model, bytes, seed }: {
    imageId: string;
    prompt: Prompt;
    model: Model;
    bytes: Uint8Array;
    seed: number | null;
  },
): Promise<NewImage> {
  const { request } = prompt;
  const facts = await inspectPicture(bytes);
  const watermark = model.watermark === "darkroom" ? request.watermark : null;
  const wanted = parseSize(request.imageSize);
  const fitted = await fitPicture(bytes, { facts, ...wanted, watermark });
  const blobKey = blobKeys.picture(imageId);
  const originalBlobKey = fitted === null ? blobKey : blobKeys.original(imageId);
  const contentType = fitted === null ? facts.contentType : "image/png";
  if (fitted !== null) await put(blobs, { key: originalBlobKey, bytes, contentType: facts.contentType });
  await put(blobs, { key: blobKey, bytes: fitted ?? bytes, contentType });
  return {
    id: imageId,
    userId: prompt.userId,
    promptId: prompt.id,
    title: imageTitle(request.text),
    ...wanted,
    originalWidth: facts.width,
    originalHeight: facts.height,
    contentType,
    bytes: (fitted ?? bytes).length,
    sha256: sha256(fitted ?? bytes),
    blobKey,
    originalBlobKey,
    originalContentType: facts.contentType,
    model: request.model,
    seed,
    terms: [...wordsOf(request.text), modelTerm(request.model), sizeTerm(wanted)],
    createdAt: now(),
  };
}

async function put(
  blobs: Blobs,
  { key, bytes, contentType }: { key: string; bytes: Uint8Array; contentType: string },
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await blobs.put(key, bytes, contentType);
    } catch (error) {
      if (attempt === putAttempts) throw new StorageFailure(String(error), { cause: error });
    }
  }
}
