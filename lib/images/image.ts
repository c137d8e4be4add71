/**
 * A picture of a user: one that a prompt made, or one that was uploaded to be changed. Its bytes are a blob under a key
 * made from its id, written before this record.
 */
import { blobKeys } from "../blobs/blobs.ts";
import type { Edge } from "../pixels/edge.ts";
import { cutText } from "../graphemes.ts";
import type { RemixOf } from "../publications/remixes.ts";

export type Image = MadeImage | UploadedImage;

export function isMade(image: Image): image is MadeImage {
  return image.kind === "made";
}

interface StoredImage {
  id: string;
  userId: string;
  /** The user's images are numbered from 1 in the order in which they arrived. */
  sequence: number;
  title: string;
  /** Size of the stored picture in pixels: exactly what was asked for. */
  width: number;
  height: number;
  /** Size that the provider made, or that was uploaded. */
  originalWidth: number;
  originalHeight: number;
  contentType: string;
  byteLength: number;
  /** SHA-256 of the stored picture, hexadecimal. */
  sha256: string;
  /** The stored picture had to be changed, and the provider's own bytes stand beside it. */
  hasOriginal: boolean;
  originalContentType: string;
  /** What stands in its place until it has loaded (`pixels/tint.ts`); null: not made yet. */
  tint: string | null;
  /** The words that it is found by, and more that follows from how it was made (`search_terms.ts`). */
  terms: string[];
  /** 1 to 5 stars; 0: nobody has rated it; -1: it was rejected. */
  rating: number;
  /** As they are compared (`tags.ts`), each once. */
  tags: string[];
  /** The boards that it is on. */
  boards: BoardPlace[];
  createdAt: number;
}

/** What is said of a picture that nobody has looked at yet. */
export const unmarked: Pick<Image, "rating" | "tags" | "boards"> = { rating: 0, tags: [], boards: [] };

/** Its place on a board: by the number it got there. */
export interface BoardPlace {
  boardId: string;
  number: number;
}

export interface MadeImage extends StoredImage {
  kind: "made";
  promptId: string;
  model: string;
  seed: number | null;
  /** Of what was kept pixel for pixel around a change: SHA-256 of the base's pixels, hexadecimal; null: nothing was. */
  baseSha256: string | null;
  /** Whether the provider moved or recoloured what was kept, next to the change; null: that can't be told. */
  edge: Edge | null;
}

export interface UploadedImage extends StoredImage {
  kind: "upload";
  /** Of the bytes as they were sent, so that the same ones are the same picture; they are not kept. */
  sentSha256: string;
  sentBytes: number;
  /** What it is a copy of; absent where somebody sent it. */
  remixOf?: RemixOf;
}

/** Where the bytes are that the provider made. */
export function originalKey({ id, hasOriginal }: Pick<Image, "id" | "hasOriginal">): string {
  return hasOriginal ? blobKeys.original(id) : blobKeys.picture(id);
}

/** Under all of these there are bytes, of these types. */
export function storedBlobs(
  { id, hasOriginal, contentType, originalContentType }: Pick<
    Image,
    "id" | "hasOriginal" | "contentType" | "originalContentType"
  >,
): { key: string; contentType: string }[] {
  const picture = { key: blobKeys.picture(id), contentType };
  return hasOriginal
    ? [{ key: blobKeys.original(id), contentType: originalContentType }, picture]
    : [picture];
}

/** A picture that was deleted, as long as that can be undone; then until its bytes are gone. */
export interface TrashedImage {
  image: Image;
  /** It goes after this time. */
  goesAt: number;
  /** It is on its way: no undoing any more. */
  isGoing: boolean;
}

const titleChars = 50;

/** `Generated: ` and the first 50 characters of the prompt; fewer where the 50th is a part of a letter. */
export function imageTitle(text: string): string {
  const beginning = cutText(text, { chars: titleChars });
  return `Generated: ${beginning}${beginning === text ? "" : "…"}`;
}
