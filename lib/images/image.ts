import { cutText } from "../graphemes.ts";

/** One picture that a prompt produced. Its bytes are a blob under `blobKey`, written before this record. */
export interface Image {
  id: string;
  userId: string;
  promptId: string;
  /** The user's images are numbered from 1 in the order in which they arrived. */
  sequence: number;
  title: string;
  /** Size of the stored picture in pixels: exactly what was asked for. */
  width: number;
  height: number;
  /** Size that the provider made. */
  originalWidth: number;
  originalHeight: number;
  contentType: string;
  bytes: number;
  /** SHA-256 of the stored picture, hexadecimal. */
  sha256: string;
  blobKey: string;
  /** The provider's own bytes, where the stored picture had to be changed; else the same as `blobKey`. */
  originalBlobKey: string;
  originalContentType: string;
  model: string;
  seed: number | null;
  /** What it is found by (`search_text.ts`, `search_terms.ts`). */
  terms: string[];
  createdAt: number;
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
