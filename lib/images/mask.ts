/** Which part of a picture may change. A mask never changes; the same pixels for the same picture are the same mask. */
import type { Rect } from "../size.ts";

export interface Mask {
  id: string;
  userId: string;
  /** The picture that it is for. */
  imageId: string;
  /** In pixels: those of the picture. */
  width: number;
  height: number;
  /** How much of the picture may change, above 0 and below 1. */
  share: number;
  /** What encloses all that may change. */
  bounds: Rect;
  /** SHA-256 of its pixels, one byte each, hexadecimal. */
  sha256: string;
  createdAt: number;
}
