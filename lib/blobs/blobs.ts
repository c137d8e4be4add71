/**
 * Bytes by key: on disk, or in R2. Keys are made by `blobKeys`, never from a name that somebody typed. A storage that
 * does not answer is tried again for a while; then everything here refuses with `unavailable`.
 */
import { type PictureFormat, pictureFormats } from "../pixels/format.ts";

export interface Blobs {
  /** Returns once the bytes would survive a crash, and are surely there; the same key may be put again. */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /**
   * The bytes, or a part of them; null when there is no such blob. Throws `RangeNotSatisfiable` for a part that lies
   * outside. Whoever opens a blob reads its stream to the end or cancels it.
   */
  open(key: string, range?: ByteRange): Promise<OpenBlob | null>;
  /** Does nothing when there is no such blob. */
  delete(key: string): Promise<void>;
  exists(key: string): Promise<boolean>;
  /**
   * All blobs whose keys begin so, in no order; those that come or go meanwhile may be among them or not. Left out:
   * those of pictures.
   */
  list(prefix?: string): AsyncIterable<ListedBlob>;
  /** Throws when nothing can be stored. */
  probe(): Promise<void>;
}

export interface ListedBlob {
  key: string;
  /** In bytes. */
  size: number;
  /** When it was put last, in milliseconds since 1970. */
  putAt: number;
}

/** A part of a blob as HTTP asks for it (RFC 9110, section 14.1.2); `last` is inclusive. */
export type ByteRange = { first: number; last?: number } | { suffixLength: number };

export interface OpenBlob {
  stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Of the whole blob, in bytes. */
  size: number;
  /** What the stream holds: from `start` up to, but without, `end`. */
  start: number;
  end: number;
}

export class RangeNotSatisfiable extends Error {
  override readonly name = "RangeNotSatisfiable";
  /** `size` is that of the whole blob, in bytes. */
  constructor(readonly size: number) {
    super(`The range lies outside of ${size} bytes`);
  }
}

/** Where a range lies in a blob of `size` bytes; throws `RangeNotSatisfiable`. */
export function resolveRange(range: ByteRange, size: number): { start: number; end: number } {
  const start = "first" in range ? range.first : Math.max(0, size - range.suffixLength);
  const end = "first" in range ? Math.min(size, (range.last ?? size) + 1) : size;
  if (start >= end) throw new RangeNotSatisfiable(size);
  return { start, end };
}

export const thumbnailWidths = [320, 640] as const;
export type ThumbnailWidth = (typeof thumbnailWidths)[number];

/** The key of every picture begins with it. */
export const blobPrefix = "images/";
/** Rows of batches. */
export const batchPrefix = "batches/";
/** What somebody looks at before it is accepted. */
export const planPrefix = "plans/";

const folderOf = (imageId: string) => `${blobPrefix}${imageId.slice(-2)}`;

/** What strangers get of a picture (`pixels/marked.ts`): widths, whole copies, the card of a link, the original. */
export const strangersForms = [...thumbnailWidths, ...pictureFormats, "card", "original"] as const;
export type StrangersForm = (typeof strangersForms)[number];

export const blobKeys = {
  picture: (imageId: string) => `${folderOf(imageId)}/${imageId}`,
  /** The provider's own bytes, where the stored picture had to be changed. */
  original: (imageId: string) => `${folderOf(imageId)}/${imageId}.original`,
  thumbnail: (imageId: string, width: ThumbnailWidth) => `${folderOf(imageId)}/${imageId}.w${width}.webp`,
  /** Which part of a picture may change: eight bits of grey, white where it may. */
  mask: (maskId: string) => `${folderOf(maskId)}/${maskId}.mask.png`,
  /** The rows of a batch, a line of JSON each. */
  batchRows: (batchId: string) => `${batchPrefix}${batchId}/rows.jsonl`,
  plan: (userId: string, planId: string) => `${planPrefix}${userId}/${planId}.json`,
  /** Converted to download, without or with the settings inside. */
  copy: (imageId: string, { format, hasSettings }: { format: PictureFormat; hasSettings: boolean }) =>
    `${folderOf(imageId)}/${imageId}.${hasSettings ? "settings" : "copy"}.${format}`,
  /** Marked, and without anything else in it. */
  shown: (imageId: string, form: StrangersForm) => `${folderOf(imageId)}/${imageId}.shown.${form}`,
};

/** Every key that may hold bytes of a picture. */
export function blobKeysOf(imageId: string): string[] {
  return [
    blobKeys.picture(imageId),
    blobKeys.original(imageId),
    ...thumbnailWidths.map((width) => blobKeys.thumbnail(imageId, width)),
    ...pictureFormats.flatMap((format) =>
      [false, true].map((hasSettings) => blobKeys.copy(imageId, { format, hasSettings }))
    ),
    ...strangersForms.map((form) => blobKeys.shown(imageId, form)),
  ];
}

/** The id of the picture that a key belongs to; null for what no picture's key looks like. */
export function imageIdIn(key: string): string | null {
  return /^images\/[0-9a-f]{2}\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.|$)/.exec(key)?.[1] ?? null;
}

/** The id of the batch whose rows are under a key; null for any other key. */
export function batchIdIn(key: string): string | null {
  return /^batches\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/rows\.jsonl$/.exec(key)?.[1] ?? null;
}

/** Reads a whole blob; null when there is none. */
export async function readBlob(blobs: Blobs, key: string): Promise<Uint8Array | null> {
  const blob = await blobs.open(key);
  return blob && new Uint8Array(await new Response(blob.stream).arrayBuffer());
}
