/**
 * From a provider's bytes to a picture in which only what may change has changed. First the bytes as they came are stored
 * and named, then they are put into their place: what goes wrong between can be done again, and nothing is paid for twice.
 */
import { blobKeys, readBlob } from "../blobs/blobs.ts";
import type { Model } from "../catalog/provider.ts";
import { sha256OfMany } from "../digest.ts";
import { fitPicture, inspectPicture } from "../pixels/picture.ts";
import { encodePng } from "../pixels/raster.ts";
import { tintOf } from "../pixels/tint.ts";
import type { Prompt, ReceivedPicture } from "../prompts/prompt.ts";
import { keepRest, MissingSource } from "./edit_pixels.ts";
import {
  type NewImage,
  newImage,
  put,
  StorageFailure,
  type StoreDeps,
  watermarkFor,
} from "./store_picture.ts";

/** Throws `BadPicture` or `StorageFailure`. */
export async function receivePicture(
  deps: StoreDeps,
  { imageId, bytes, seed }: { imageId: string; bytes: Uint8Array; seed: number | null },
): Promise<ReceivedPicture> {
  const { contentType } = await deps.decoding(() => inspectPicture(bytes));
  await put(deps, { key: blobKeys.original(imageId), bytes, contentType });
  return { imageId, contentType, seed };
}

/** Throws `StorageFailure`, also where what is to be kept is not there. */
export async function storeKept(
  deps: StoreDeps,
  { received: { imageId, contentType, seed }, prompt, model }: {
    received: ReceivedPicture;
    prompt: Prompt;
    model: Pick<Model, "watermark">;
  },
): Promise<NewImage> {
  const { edit } = prompt.request;
  if (edit === undefined) throw new Error(`Prompt ${prompt.id} changes nothing`);
  const made = await deps.decoding(async () => {
    const result = await readBlob(deps.blobs, blobKeys.original(imageId));
    if (result === null) throw new StorageFailure(`The picture ${imageId} that was made is gone`);
    const { width, height } = await inspectPicture(result);
    const { raster, edge, baseSha256 } = await keepRest(deps.blobs, { edit, result }).catch(asStorageFailure);
    const tint = tintOf(raster.data, { size: raster, channels: raster.channels, shown: raster });
    const plain = await encodePng(raster);
    const watermark = watermarkFor(prompt.request, model);
    const facts = { width: raster.width, height: raster.height, contentType: "image/png", tint };
    const marked = await fitPicture(plain, { facts, width: raster.width, height: raster.height, watermark });
    return { width, height, bytes: marked ?? plain, edge, baseSha256, tint };
  });
  const { bytes, width, height, tint, edge, baseSha256 } = made;
  const digest = sha256OfMany(bytes);
  await put(deps, { key: blobKeys.picture(imageId), bytes, contentType: "image/png" });
  return {
    ...newImage({ imageId, prompt, seed, stored: bytes, contentType: "image/png", at: deps.now() }),
    originalWidth: width,
    originalHeight: height,
    sha256: await digest,
    hasOriginal: true,
    originalContentType: contentType,
    tint,
    baseSha256,
    edge,
  };
}

function asStorageFailure(error: unknown): never {
  if (!(error instanceof MissingSource)) throw error;
  throw new StorageFailure(error.message, { cause: error });
}
