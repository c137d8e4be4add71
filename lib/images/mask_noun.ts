/** What masks state of themselves (`store/noun.ts`). */
import { blobKeys } from "../blobs/blobs.ts";
import { idInValue, type Noun } from "../store/noun.ts";
import { keys, kinds } from "../store/schema.ts";
import type { Mask } from "./mask.ts";

export type MaskFacts = Pick<Mask, "id" | "userId" | "imageId" | "sha256">;

export const maskNoun: Noun<Mask, MaskFacts> = {
  kind: kinds.masks,
  facts: ({ value: { id, userId, imageId, sha256 } }) => ({ id: String(id), userId, imageId, sha256 }),
  implied: ({ id, userId, imageId, sha256 }) => [{ key: keys.maskOf(userId, imageId, sha256), value: id }],
  indexes: [{ prefix: kinds.masksOf, name: "mask_entry", recordId: idInValue }],
  blobs: ({ id }) => [{ key: blobKeys.mask(id), contentType: "image/png" }],
};
