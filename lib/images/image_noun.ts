/** What pictures, and those that were deleted, state of themselves (`store/noun.ts`). */
import { idInValue, listed, type Noun } from "../store/noun.ts";
import { imageTermKeys, kinds, lists } from "../store/schema.ts";
import { type Image, storedBlobs, type TrashedImage } from "./image.ts";

export type ImageFacts = Pick<
  Image,
  | "id"
  | "userId"
  | "promptId"
  | "sequence"
  | "hasOriginal"
  | "contentType"
  | "originalContentType"
  | "terms"
>;

export const imageNoun: Noun<Image, ImageFacts> = {
  kind: kinds.images,
  facts: ({ value }) => factsOf(value),
  implied: (image) => [
    listed(lists.images(image.userId), { number: image.sequence, id: image.id }),
    ...imageTermKeys(image).map((key) => ({ key, value: image.id })),
  ],
  indexes: [
    { prefix: kinds.imageLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.imageTerms, name: "image_term", recordId: idInValue },
  ],
  blobs: storedBlobs,
};

/** They are found by nothing; their bytes are there for as long as they can be brought back. */
export const trashNoun: Noun<TrashedImage, ImageFacts> = {
  kind: kinds.trash,
  facts: ({ value: { image, isGoing } }) => isGoing ? null : factsOf(image),
  implied: () => [],
  indexes: [],
  blobs: storedBlobs,
};

/** What a backup holds was perhaps made by hand: an id that is no text must not break what looks at it. */
function factsOf(image: Image): ImageFacts {
  const { userId, promptId, sequence, hasOriginal, contentType, originalContentType, terms } = image;
  const id = String(image.id);
  return { id, userId, promptId, sequence, hasOriginal, contentType, originalContentType, terms };
}
