/**
 * The bytes of a picture in the form that was asked for. Thumbnails and converted copies are made when first asked
 * for, and kept.
 */
import {
  blobKeys,
  type Blobs,
  type ByteRange,
  type OpenBlob,
  readBlob,
  type StrangersForm,
  type ThumbnailWidth,
} from "../blobs/blobs.ts";
import { writeParameters } from "./generation_parameters.ts";
import { sha256 } from "../digest.ts";
import type { InTurn } from "../in_turn.ts";
import { Refusal } from "../refusal.ts";
import { type Image, originalKey } from "./image.ts";
import { makeCard, makeNeutralCard, markedCopy, markedOriginal, markedThumbnail } from "../pixels/marked.ts";
import { convertPicture, makeThumbnail, type SourceType } from "../pixels/picture.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import type { PictureFormat } from "../pixels/format.ts";

/** The picture itself, the provider's original, a thumbnail, a converted copy to download, or what strangers get. */
export type FileForm =
  | { form: "picture" }
  | { form: "original" }
  | { form: "thumbnail"; width: ThumbnailWidth }
  | { form: "download"; format: PictureFormat; hasSettings: boolean }
  | { form: "shown"; as: StrangersForm };

/**
 * The form for somebody who may not know what was asked for: bytes as they came may tell it, copies that are made anew do
 * not. Refuses with `forbidden` what would be the telling itself.
 */
export function formWithoutPrompt(form: FileForm): FileForm {
  if (form.form === "picture") return { form: "shown", as: "webp" };
  if (form.form === "thumbnail" || form.form === "shown") return form;
  if (form.form === "download" && !form.hasSettings) return form;
  throw new Refusal("forbidden", "The prompt of this picture is its owner's alone");
}

/** Known without touching the bytes, so that a conditional request costs nothing. */
export interface ImageFile {
  contentType: string;
  /** Strong, quoted. A form of a picture never changes. */
  etag: string;
  /** Throws `RangeNotSatisfiable`, or `MissingBlob`. */
  open(range?: ByteRange): Promise<OpenBlob>;
  /** The key of its blob, which is there. Throws `MissingBlob`. */
  locate(): Promise<string>;
}

/** The blob of a record is gone: `verify` tells, and the answer is a 500. */
class MissingBlob extends Error {
  override readonly name = "MissingBlob";
}

export interface ImageFiles {
  /** `request` is what made it; null for an upload. */
  find(image: Image, options: { form: FileForm; request: PromptRequest | null }): ImageFile;
  /** The card that stands for pictures which are not for everybody: a JPEG. */
  neutralCard(): Promise<Uint8Array<ArrayBuffer>>;
  /** Converted at a quality from 1 to 100, of which there are too many to keep. Throws `MissingBlob`. */
  convert(
    image: Image,
    options: { format: PictureFormat; quality: number; request: PromptRequest | null },
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** Where the bytes are, and how they are made where they are not there yet. */
interface Source {
  contentType: string;
  etag: string;
  key: string;
  make: (() => Promise<Uint8Array>) | null;
}

export function createImageFiles({ blobs, decoding }: { blobs: Blobs; decoding: InTurn }): ImageFiles {
  const making = new Map<string, Promise<void>>();
  let neutralCard: Promise<Uint8Array<ArrayBuffer>> | null = null;
  return {
    find(image, { form, request }) {
      const source = sourceOf(image, { form, request });
      const { contentType, etag } = source;
      return { contentType, etag, open: (range) => open(source, range), locate: () => locate(source) };
    },
    neutralCard: () =>
      neutralCard ??= decoding(makeNeutralCard).catch((error) => {
        neutralCard = null;
        throw error;
      }),
    convert: (image, { format, quality, request }) =>
      changed({ key: blobKeys.picture(image.id) }, (bytes) =>
        convertPicture(bytes, {
          format,
          quality,
          sourceType: request && sourceTypeOf(request),
          parameters: null,
        })),
  };

  function sourceOf(
    image: Image,
    { form, request }: { form: FileForm; request: PromptRequest | null },
  ): Source {
    const { id, sha256, hasOriginal } = image;
    switch (form.form) {
      case "picture":
        return { contentType: image.contentType, etag: `"${sha256}"`, key: blobKeys.picture(id), make: null };
      case "original": {
        const etag = hasOriginal ? `"${sha256}-original"` : `"${sha256}"`;
        return { contentType: image.originalContentType, etag, key: originalKey(image), make: null };
      }
      case "thumbnail":
        return {
          contentType: "image/webp",
          etag: `"${sha256}-w${form.width}"`,
          key: blobKeys.thumbnail(id, form.width),
          make: () => changed({ key: blobKeys.picture(id) }, (bytes) => makeThumbnail(bytes, form.width)),
        };
      case "shown":
        return shownSource(image, { as: form.as, request });
      case "download": {
        const { format, hasSettings } = form;
        return {
          contentType: `image/${format}`,
          etag: `"${sha256}-${hasSettings ? "settings-" : ""}${format}"`,
          key: blobKeys.copy(id, { format, hasSettings }),
          make: () =>
            changed({ key: blobKeys.picture(id) }, (bytes) =>
              convertPicture(bytes, {
                format,
                sourceType: request && sourceTypeOf(request),
                parameters: hasSettings && request !== null && image.kind === "made"
                  ? writeParameters(request, image)
                  : null,
              })),
        };
      }
    }
  }

  /** Its tag tells nobody what the picture's own one is. */
  function shownSource(
    image: Image,
    { as, request }: { as: StrangersForm; request: PromptRequest | null },
  ): Source {
    const sourceType = request && sourceTypeOf(request);
    const from = as === "original" ? originalKey(image) : blobKeys.picture(image.id);
    return {
      contentType: shownType(image, as),
      etag: `"${sha256(`shown ${image.sha256}`).slice(0, 32)}-${as}"`,
      key: blobKeys.shown(image.id, as),
      make: () =>
        changed({ key: from }, (bytes) => {
          if (as === "card") return makeCard(bytes, { sourceType });
          if (as === "original") return markedOriginal(bytes, { sourceType, secrets: secretsOf(request) });
          if (typeof as === "number") return markedThumbnail(bytes, { width: as, sourceType });
          return markedCopy(bytes, { format: as, sourceType });
        }),
    };
  }

  async function open(source: Source, range: ByteRange | undefined): Promise<OpenBlob> {
    const kept = await blobs.open(source.key, range);
    if (kept !== null) return kept;
    await makeOnce(source);
    const made = await blobs.open(source.key, range);
    if (made === null) throw new MissingBlob(source.key);
    return made;
  }

  async function locate(source: Source): Promise<string> {
    if (!await blobs.exists(source.key)) await makeOnce(source);
    return source.key;
  }

  function makeOnce({ key, make, contentType }: Source): Promise<void> {
    if (make === null) throw new MissingBlob(key);
    const running = making.get(key) ??
      make().then((bytes) => blobs.put(key, bytes, contentType)).finally(() => making.delete(key));
    making.set(key, running);
    return running;
  }

  /** Reading may take as long as the storage likes: only what comes then waits for its turn. */
  async function changed(
    { key }: { key: string },
    change: (bytes: Uint8Array) => Promise<Uint8Array>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await readBlob(blobs, key);
    if (bytes === null) throw new MissingBlob(key);
    return await decoding(() => change(bytes)) as Uint8Array<ArrayBuffer>;
  }
}

function sourceTypeOf({ taskType }: PromptRequest): SourceType {
  return taskType === "TEXT_TO_IMAGE" ? "trainedAlgorithmicMedia" : "compositeWithTrainedAlgorithmicMedia";
}

function shownType(image: Image, as: StrangersForm): string {
  if (as === "original") return image.originalContentType;
  if (as === "card") return "image/jpeg";
  return typeof as === "number" ? "image/webp" : `image/${as}`;
}

/** What no file may tell of how the picture was made. */
function secretsOf(request: PromptRequest | null): string[] {
  if (request === null) return [];
  return [request.text, request.options.negativePrompt ?? ""];
}
