/** The pictures, the mask and the board that a request names. */
import { isId } from "../ids.ts";
import type { Named, NamedIds, NamedPicture } from "../prompts/prompt_request.ts";
import { demandBoard } from "../prompts/request_prompt.ts";
import { demandRemixable, readShown } from "../publications/visible.ts";
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { present, readMany, type Store, type Versioned } from "../store/store.ts";
import { mayIn, type Shared } from "../users/membership.ts";
import type { Image } from "./image.ts";
import { readImages } from "./image_store.ts";
import { findMask, readMasks } from "./mask_store.ts";

/** Refuses with `not_found` where one is missing, deleted or somebody else's. */
export async function findNamed(
  store: Store,
  { userId, imageIds, maskId, boardId, remixOf }: { userId: string } & Omit<NamedIds, "recipe">,
): Promise<Named> {
  if (!imageIds.every(isId)) throw notFound();
  const [found, mask] = await Promise.all([
    readImages(store, imageIds),
    maskId === null ? null : findMask(store, { userId, maskId }),
    demandBoard(store, { userId, boardId }),
    remixOf === null ? null : demandRemixable(store, { userId, publicationId: remixOf }),
  ]);
  const own = found.map(({ value }) => value).filter((image) => image.userId === userId);
  if (own.length < imageIds.length) throw notFound();
  return {
    sources: new Map(own.map((image) => [image.id, namedPicture(image)])),
    mask,
    ...(remixOf !== null && { remixOf: { publicationId: remixOf } }),
  };
}

/** The same for many requests together: null for one that names what is missing, deleted or somebody else's. */
export async function findNamedOfEach(
  store: Store,
  { userId, requests }: { userId: string; requests: readonly NamedIds[] },
): Promise<(Named | null)[]> {
  const idsOf = (pick: (named: NamedIds) => readonly (string | null)[]) =>
    [...new Set(requests.flatMap(pick))].filter((id) => id !== null && isId(id)) as string[];
  const [images, masks, boards, remixable] = await Promise.all([
    readImages(store, idsOf(({ imageIds }) => imageIds)),
    readMasks(store, idsOf(({ maskId }) => [maskId])),
    findBoardIds(store, { userId, boardIds: idsOf(({ boardId }) => [boardId]) }),
    findRemixable(store, { userId, ids: idsOf(({ remixOf }) => [remixOf]) }),
  ]);
  const [ownImages, ownMasks] = [ownById(images, userId), ownById(masks, userId)];
  return requests.map(({ imageIds, maskId, boardId, remixOf }) => {
    const pictures = imageIds.map((id) => ownImages.get(id));
    const mask = maskId === null ? null : ownMasks.get(maskId);
    if (mask === undefined || !pictures.every((picture) => picture !== undefined)) return null;
    if (boardId !== null && !boards.has(boardId)) return null;
    if (remixOf !== null && !remixable.has(remixOf)) return null;
    return {
      sources: new Map(pictures.map((picture) => [picture.id, namedPicture(picture)])),
      mask,
      ...(remixOf !== null && { remixOf: { publicationId: remixOf } }),
    };
  });
}

function ownById<T extends { id: string; userId: string }>(
  found: readonly Versioned<T>[],
  userId: string,
): Map<string, T> {
  const own = found.map(({ value }) => value).filter((each) => each.userId === userId);
  return new Map(own.map((each) => [each.id, each]));
}

/** Those that the user may put pictures onto. */
async function findBoardIds(
  { kv }: Store,
  { userId, boardIds }: { userId: string; boardIds: readonly string[] },
): Promise<Set<string>> {
  const found = present(await readMany<Shared & { id: string }>(kv, boardIds.map(keys.board)));
  const open = found.filter(({ value }) => mayIn(value, { userId, right: "edit" }));
  return new Set(open.map(({ value }) => value.id));
}

/** Those of the publications that the user may remix. */
async function findRemixable(
  store: Store,
  { userId, ids }: { userId: string; ids: readonly string[] },
): Promise<Set<string>> {
  const shown = await readShown(store, ids);
  return new Set(
    shown.filter(({ allowRemix, authorId }) => allowRemix || authorId === userId).map(({ id }) => id),
  );
}

/** What a request has to know of a picture. */
export function namedPicture(image: Image): NamedPicture {
  const { id, sha256, width, height } = image;
  if (image.kind === "made") return { id, sha256, width, height, promptId: image.promptId };
  const { remixOf } = image;
  return { id, sha256, width, height, promptId: null, ...(remixOf !== undefined && { remixOf }) };
}
