/** The bytes of a picture in the form that was asked for; thumbnails are made when first asked for, and kept. */
import { blobKeys, type Blobs, type ByteRange, type OpenBlob, readBlob, resolveRange } from "./blobs.ts";
import type { ThumbnailWidth } from "./blobs.ts";
import type { Image } from "./image.ts";
import { convertPicture, type DownloadFormat, makeThumbnail } from "./picture.ts";

/** The picture itself, the provider's original, a thumbnail, or a converted copy to download. */
export type FileForm =
  | { form: "picture" }
  | { form: "original" }
  | { form: "thumbnail"; width: ThumbnailWidth }
  | { form: "download"; format: DownloadFormat };

/** Known without touching the bytes, so that a conditional request costs nothing. */
export interface ImageFile {
  contentType: string;
  /** Strong, quoted. A form of a picture never changes. */
  etag: string;
  /** Throws `RangeNotSatisfiable`, or `MissingBlob`. */
  open(range?: ByteRange): Promise<OpenBlob>;
}

/** The blob of a record is gone: `verify` tells, and the answer is a 500. */
export class MissingBlob extends Error {
  override readonly name = "MissingBlob";
}

export interface ImageFiles {
  find(image: Image, form: FileForm): ImageFile;
}

export function createImageFiles(blobs: Blobs): ImageFiles {
  const making = new Map<string, Promise<void>>();
  return {
    find(image, form) {
      switch (form.form) {
        case "picture":
          return {
            contentType: image.contentType,
            etag: `"${image.sha256}"`,
            open: (range) => openStored(image.blobKey, range),
          };
        case "original":
          return {
            contentType: image.originalContentType,
            etag: image.originalBlobKey === image.blobKey
              ? `"${image.sha256}"`
              : `"${image.sha256}-original"`,
            open: (range) => openStored(image.originalBlobKey, range),
          };
        case "thumbnail":
          return {
            contentType: "image/webp",
            etag: `"${image.sha256}-w${form.width}"`,
            open: (range) => openThumbnail(image, { width: form.width, range }),
          };
        case "download":
          return {
            contentType: `image/${form.format}`,
            etag: `"${image.sha256}-${form.format}"`,
            open: (range) => openConverted(image, { format: form.format, range }),
          };
      }
    },
  };

  async function openStored(key: string, range: ByteRange | undefined): Promise<OpenBlob> {
    const blob = await blobs.open(key, range);
    if (blob === null) throw new MissingBlob(key);
    return blob;
  }

  async function openThumbnail(
    image: Image,
    { width, range }: { width: ThumbnailWidth; range: ByteRange | undefined },
  ): Promise<OpenBlob> {
    const key = blobKeys.thumbnail(image.id, width);
    const kept = await blobs.open(key, range);
    if (kept !== null) return kept;
    await makeOnce(key, async () => {
      await blobs.put(key, await makeThumbnail(await pictureBytes(image), width), "image/webp");
    });
    return openStored(key, range);
  }

  function makeOnce(key: string, make: () => Promise<void>): Promise<void> {
    const running = making.get(key) ?? make().finally(() => making.delete(key));
    making.set(key, running);
    return running;
  }

  async function openConverted(
    image: Image,
    { format, range }: { format: DownloadFormat; range: ByteRange | undefined },
  ): Promise<OpenBlob> {
    const bytes = new Uint8Array(await convertPicture(await pictureBytes(image), format));
    const size = bytes.length;
    const { start, end } = range === undefined ? { start: 0, end: size } : resolveRange(range, size);
    return { stream: new Blob([bytes.subarray(start, end)]).stream(), size, start, end };
  }

  async function pictureBytes(image: Image): Promise<Uint8Array> {
    const bytes = await readBlob(blobs, image.blobKey);
    if (bytes === null) throw new MissingBlob(image.blobKey);
    return bytes;
  }
}

const extensions: { [contentType: string]: string } = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};

/** A file name made from the prompt: letters and digits of any script, words joined by dashes. */
export function fileName(promptText: string, contentType: string): string {
  const words = promptText.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const name = Array.from(words.join("-")).slice(0, 60).join("").replace(/-$/, "");
  return `${name || "image"}.${extensions[contentType] ?? "bin"}`;
}
