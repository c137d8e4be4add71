/** What is known of a picture, a mask and a board. */
import type { Board, BoardDeletion } from "../../boards/board.ts";
import { blobKeys } from "../../blobs/blobs.ts";
import type { Image, TrashedImage } from "../../images/image.ts";
import type { Mask } from "../../images/mask.ts";
import { readImage } from "../../images/image_store.ts";
import { termsOf } from "../../images/search_terms.ts";
import { countEntries, entryKey } from "../../store/counted_list.ts";
import { imageTermKeys, keys, lists } from "../../store/schema.ts";
import { present, read, readMany, type Store } from "../../store/store.ts";
import { blobFacts, type Fact, type InspectDeps, type Inspection, isoTime } from "./facts.ts";
import { entriesOf } from "./inspect_prompt.ts";

export async function inspectImage(deps: InspectDeps, id: string): Promise<Inspection | null> {
  const { store } = deps;
  const [record, trashed] = await Promise.all([
    readImage(store, id),
    read<TrashedImage>(store.kv, keys.trash(id)),
  ]);
  const image = record?.value ?? trashed?.value.image;
  if (image === undefined) return null;
  const { userId, sequence, width, height, contentType, byteLength, sha256 } = image;
  return {
    kind: "image",
    id,
    stands: trashed === null ? "It is in its owner's gallery" : trashStanding(trashed.value, store.now()),
    userId,
    sequence,
    createdAt: isoTime(image.createdAt),
    ...originOf(image),
    size: { width, height, originalWidth: image.originalWidth, originalHeight: image.originalHeight },
    contentType,
    bytes: byteLength,
    sha256,
    rating: image.rating,
    tags: image.tags.length,
    boards: image.boards.map(({ boardId, number }) => ({ id: boardId, number })),
    ...(record !== null && { indexes: await imageIndexes(store, record.value) }),
    blobs: await blobFacts(deps, image),
  };
}

export async function inspectMask({ store, blobs }: InspectDeps, id: string): Promise<Inspection | null> {
  const mask = await read<Mask>(store.kv, keys.mask(id));
  if (mask === null) return null;
  const { userId, imageId, width, height, share, sha256, createdAt } = mask.value;
  const [image, deleted, isStored] = await Promise.all([
    readImage(store, imageId),
    read(store.kv, keys.trash(imageId)),
    blobs.exists(blobKeys.mask(id)),
  ]);
  const implied = [keys.maskOf(userId, imageId, sha256)];
  return {
    kind: "mask",
    id,
    stands: image !== null
      ? "It may be used; it goes with its picture"
      : deleted !== null
      ? "Its picture was deleted, and it goes with it"
      : "Its picture is gone: verify says so",
    userId,
    imageId,
    createdAt: isoTime(createdAt),
    size: { width, height },
    share,
    sha256,
    indexes: await entriesOf(store, { implied, possible: [] }),
    blobs: { [blobKeys.mask(id)]: isStored ? "there" : "missing" },
  };
}

export async function inspectBoard({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<Board>(store.kv, keys.board(id));
  if (found === null) return null;
  const { ownerId, sequence, lastNumber, coverId, createdAt } = found.value;
  const implied = [entryKey(lists.boards(ownerId), sequence)];
  return {
    kind: "board",
    id,
    stands: "Its owner sees it",
    userId: ownerId,
    sequence,
    createdAt: isoTime(createdAt),
    images: await countEntries(store.kv, lists.boardImages(id)),
    lastNumber,
    coverId,
    indexes: await entriesOf(store, { implied, possible: [] }),
  };
}

export async function inspectBoardDeletion({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<BoardDeletion>(store.kv, keys.boardDeletion(id));
  if (found === null) return null;
  return {
    kind: "board",
    id,
    stands: "It was deleted, and its pictures are being taken off it, by a running server",
    requestedAt: isoTime(found.value.requestedAt),
    imagesStillOnIt: await countEntries(store.kv, lists.boardImages(id)),
  };
}

function originOf(image: Image): { [name: string]: Fact } {
  if (image.kind === "upload") return { uploaded: true, sentBytes: image.sentBytes };
  const { promptId, model, seed, edge } = image;
  return { promptId, model, seed, edge: edge && { ...edge } };
}

function trashStanding({ goesAt, isGoing }: TrashedImage, now: number): string {
  if (isGoing) return "It was deleted, and its bytes are going";
  return goesAt > now
    ? `It was deleted; that can be undone until ${isoTime(goesAt)}`
    : "It was deleted; a running server takes its bytes away within seconds";
}

/** The words that a picture is found by are its prompt's, so of these entries only the number is told. */
async function imageIndexes(store: Store, image: Image): Promise<Fact> {
  const terms = await readMany(store.kv, imageTermKeys({ ...image, terms: termsOf(image) }));
  const list = image.kind === "made" ? lists.images(image.userId) : lists.uploads(image.userId);
  const implied = [
    entryKey(list, image.sequence),
    ...image.boards.map(({ boardId, number }) => entryKey(lists.boardImages(boardId), number)),
  ];
  const entries = await entriesOf(store, { implied, possible: [] }) as { [name: string]: Fact };
  return { ...entries, terms: `${present(terms).length} of ${terms.length} there` };
}
