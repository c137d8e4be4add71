/** What pictures, and those that were deleted, state of themselves (`store/noun.ts`). */
import { idInValue, listed, type Noun } from "../store/noun.ts";
import { imageTermKeys, keys, kinds, lists } from "../store/schema.ts";
import { type Image, storedBlobs, type TrashedImage } from "./image.ts";
import { termsOf } from "./search_terms.ts";

export interface ImageFacts extends
  Pick<
    Image,
    "id" | "userId" | "kind" | "sequence" | "hasOriginal" | "contentType" | "originalContentType" | "boards"
  > {
  /** All that it is found by. */
  terms: string[];
  /** Null: it was uploaded. */
  promptId: string | null;
  isStarred: boolean;
  rating: number;
  byteLength: number;
  sentSha256: string | null;
}

export const imageNoun: Noun<Image, ImageFacts> = {
  kind: kinds.images,
  facts: ({ value }) => factsOf(value),
  implied: (image) => {
    const { id, userId, sequence, sentSha256 } = image;
    const list = sentSha256 === null ? lists.images(userId) : lists.uploads(userId);
    return [
      listed(list, { number: sequence, id }),
      ...imageTermKeys(image).map((key) => ({ key, value: id })),
      ...image.boards.map(({ boardId, number }) => listed(lists.boardImages(boardId), { number, id })),
      ...sentSha256 === null ? [] : [{ key: keys.upload(userId, sentSha256), value: id }],
    ];
  },
  indexes: [
    { prefix: kinds.imageLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.uploadLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.uploads, name: "upload_entry", recordId: idInValue },
    { prefix: kinds.imageTerms, name: "image_term", recordId: idInValue },
    { prefix: kinds.boardImageLists, name: "board_entry", recordId: idInValue },
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
  const { userId, kind, sequence, hasOriginal, contentType, originalContentType, boards } = image;
  const id = String(image.id);
  const [promptId, sentSha256] = image.kind === "upload" ? [null, image.sentSha256] : [image.promptId, null];
  return {
    id,
    userId,
    kind,
    promptId,
    isStarred: image.rating >= 1,
    rating: image.rating,
    byteLength: image.byteLength,
    sentSha256,
    sequence,
    hasOriginal,
    contentType,
    originalContentType,
    boards,
    terms: termsOf(image),
  };
}
