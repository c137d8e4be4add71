/** The pictures, the mask and the board that a request names. */
import { isId } from "../ids.ts";
import type { Named, NamedIds, NamedPicture } from "../prompts/prompt_request.ts";
import { demandBoard } from "../prompts/request_prompt.ts";
import { notFound } from "../refusal.ts";
import type { Store, Versioned } from "../store/store.ts";
import type { Image } from "./image.ts";
import { readImages } from "./image_store.ts";
import { findMask, readMasks } from "./mask_store.ts";

/** Refuses with `not_found` where one is missing, deleted or somebody else's. */
export async function findNamed(
  store: Store,
  { userId, imageIds, maskId, boardId }: { userId: string } & NamedIds,
): Promise<Named> {
  if (!imageIds.every(isId)) throw notFound();
  const [found, mask] = await Promise.all([
    readImages(store, imageIds),
    maskId === null ? null : findMask(store, { userId, maskId }),
    demandBoard(store, { userId, boardId }),
  ]);
  const own = found.map(({ value }) => value).filter((image) => image.userId === userId);
  if (own.length < imageIds.length) throw notFound();
  return { sources: new Map(own.map((image) => [image.id, namedPicture(image)])), mask };
}

/** The same for many requests together: null for one that names what is missing, deleted or somebody else's. */
export async function findNamedOfEach(
  store: Store,
  { userId, requests }: {
    userId: string;
    requests: readonly { imageIds: readonly string[]; maskId: string | null }[];
  },
): Promise<(Named | null)[]> {
  const imageIds = [...new Set(requests.flatMap(({ imageIds }) => imageIds))].filter(isId);
  const maskIds = [...new Set(requests.flatMap(({ maskId }) => maskId === null ? [] : [maskId]))].filter(
    isId,
  );
  const [images, masks] = await Promise.all([
    readImages(store, imageIds),
    readMasks(store, maskIds),
  ]);
  const own = <T extends { id: string; userId: string }>(found: readonly Versioned<T>[]) =>
    new Map(
      found.map(({ value }) => value).filter((each) => each.userId === userId).map((each) => [each.id, each]),
    );
  const [ownImages, ownMasks] = [own(images), own(masks)];
  return requests.map(({ imageIds, maskId }) => {
    const pictures = imageIds.map((id) => ownImages.get(id));
    const mask = maskId === null ? null : ownMasks.get(maskId);
    if (mask === undefined || !pictures.every((picture) => picture !== undefined)) return null;
    return { sources: new Map(pictures.map((picture) => [picture.id, namedPicture(picture)])), mask };
  });
}

/** What a request has to know of a picture. */
export function namedPicture(image: Image): NamedPicture {
  const { id, sha256, width, height } = image;
  return { id, sha256, width, height, promptId: image.kind === "made" ? image.promptId : null };
}
