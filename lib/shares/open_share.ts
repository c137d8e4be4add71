/**
 * The one check that everything below the address of a share goes through: page, bytes, card, JSON, live stream. What has
 * ended, was never there or is no token at all is looked for in the same way, and answered in the same way.
 */
import type { Board } from "../boards/board.ts";
import { listBoardImages } from "../boards/board_pictures.ts";
import { type Image, isMade } from "../images/image.ts";
import { readImage, readImages } from "../images/image_store.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import { readPrompt, readPrompts } from "../prompts/prompt_store.ts";
import { entryKey } from "../store/counted_list.ts";
import { keys, lists } from "../store/schema.ts";
import { read, readMany, type Store, type Versioned } from "../store/store.ts";
import type { User } from "../users/user.ts";
import { isOver, mostPictures, type Share } from "./share.ts";
import { hashOfToken } from "./share_token.ts";

export type Opened =
  /** Nothing is there (any more). */
  | { state: "over" }
  /** It takes a password that was not given yet. */
  | { state: "locked"; share: Share }
  | { state: "open"; share: Versioned<Share> };

export async function openShare(
  store: Store,
  { token, isProven }: {
    /** What stands in its place in the address. */
    token: string;
    /** Whether whoever asks gave the share's password. */
    isProven: (share: Share) => boolean;
  },
): Promise<Opened> {
  const found = await read<Share>(store.kv, keys.share(hashOfToken(token)));
  // What is not there is looked for likewise, so that the time tells nothing.
  const [owner, shown] = await readMany<User | Image | Board>(store.kv, [
    keys.user(found?.value.userId ?? ""),
    firstKeyOf(found?.value.of ?? { imageIds: [] }),
  ]);
  if (found === null || isOver(found.value, store.now())) return { state: "over" };
  if (owner === null || (owner.value as User).isDisabled) return { state: "over" };
  const share = found.value;
  if (!await isAnyThere(store, { share, shown: shown?.value as Image | Board | undefined })) {
    return { state: "over" };
  }
  if (share.password !== null && !isProven(share)) return { state: "locked", share };
  return { state: "open", share: found };
}

function firstKeyOf(of: Share["of"]): Deno.KvKey {
  return "boardId" in of ? keys.board(of.boardId) : keys.image(of.imageIds.at(0) ?? "");
}

/** A board may be empty for a while; chosen pictures that are deleted, all of them, leave nothing. */
async function isAnyThere(
  store: Store,
  { share, shown }: { share: Share; shown: Image | Board | undefined },
): Promise<boolean> {
  const { of } = share;
  if ("boardId" in of) return shown !== undefined && (shown as Board).ownerId === share.userId;
  if (shown !== undefined && (shown as Image).userId === share.userId) return true;
  const [, ...others] = of.imageIds;
  return (await readImages(store, others)).some(({ value }) => value.userId === share.userId);
}

/** A picture that a share shows. */
export interface SharedPicture {
  /** What it is called by below the address; it never becomes another one's. */
  number: number;
  image: Image;
  /** Null for an upload. */
  request: PromptRequest | null;
  /** The prompt, where it is shown. */
  text: string | null;
}

/** All of an open share, in order. */
export async function readSharedPictures(store: Store, share: Share): Promise<SharedPicture[]> {
  const numbered = await readNumbered(store, share);
  const told = share.showPrompt ? numbered.map(({ image }) => image) : [];
  const promptIds = told.flatMap((image) => isMade(image) ? [image.promptId] : []);
  const prompts = new Map((await readPrompts(store, promptIds)).map(({ value }) => [value.id, value]));
  return numbered.map(({ number, image }) => {
    const request = isMade(image) ? prompts.get(image.promptId)?.request ?? null : null;
    return { number, image, request, text: textOf({ share, image, request }) };
  });
}

/** What a picture is called by in an address; null for what is no such number. */
export function readNumber(text: string | undefined): number | null {
  return /^[1-9]\d{0,8}$/.test(text ?? "") ? Number(text) : null;
}

/** Null where there is none of that number (any more). */
export async function readSharedPicture(
  store: Store,
  { share, number }: { share: Share; number: number },
): Promise<SharedPicture | null> {
  const image = await readNumberedOne(store, { share, number });
  if (image === null) return null;
  const request = isMade(image) ? (await readPrompt(store, image.promptId))?.value.request ?? null : null;
  return { number, image, request, text: textOf({ share, image, request }) };
}

interface Numbered {
  number: number;
  image: Image;
}

async function readNumbered(store: Store, { of, userId }: Share): Promise<Numbered[]> {
  if ("boardId" in of) {
    const { items } = await listBoardImages(store, { boardId: of.boardId, limit: mostPictures });
    return items.flatMap((image) => {
      const number = placeOn(image, of.boardId);
      return number === undefined ? [] : [{ number, image }];
    });
  }
  const found = await readMany<Image>(store.kv, of.imageIds.map(keys.image));
  return found.flatMap((image, i) =>
    image?.value.userId === userId ? [{ number: i + 1, image: image.value }] : []
  );
}

async function readNumberedOne(
  store: Store,
  { share: { of, userId }, number }: { share: Share; number: number },
): Promise<Image | null> {
  if (!("boardId" in of)) {
    const imageId = of.imageIds.at(number - 1);
    const image = imageId === undefined ? null : await readImage(store, imageId);
    return image?.value.userId === userId ? image.value : null;
  }
  const entry = await read<string>(store.kv, entryKey(lists.boardImages(of.boardId), number));
  const image = entry && await readImage(store, entry.value);
  return image && placeOn(image.value, of.boardId) === number ? image.value : null;
}

function placeOn({ boards }: Image, boardId: string): number | undefined {
  return boards.find((place) => place.boardId === boardId)?.number;
}

/** What somebody else put onto the board is shown without its words. */
function textOf(
  { share, image, request }: { share: Share; image: Image; request: PromptRequest | null },
): string | null {
  return share.showPrompt && isOwnOf(share, image) ? request?.text ?? null : null;
}

/** Its owner's own picture, not one that somebody else put onto the board. */
export function isOwnOf({ userId }: Pick<Share, "userId">, image: Pick<Image, "userId">): boolean {
  return image.userId === userId;
}
