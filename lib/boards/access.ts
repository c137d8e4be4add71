/**
 * Who may see what of a board. Read anew for each request, from the pictures' places and the boards' records, so that
 * whoever is taken off a board sees nothing of it from then on.
 */
import { isId } from "../ids.ts";
import type { Image } from "../images/image.ts";
import { readImage } from "../images/image_store.ts";
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { demandRight, mayIn, type Right } from "../users/membership.ts";
import type { Board } from "./board.ts";

/**
 * A board that the user may do that with. Refuses with `not_found` what is missing, malformed or nothing to them, and
 * with `forbidden` a member who may not.
 */
export async function findBoard(
  store: Store,
  { userId, boardId, right }: { userId: string; boardId: string; right: Right },
): Promise<Versioned<Board>> {
  const found = isId(boardId) ? await read<Board>(store.kv, keys.board(boardId)) : null;
  if (found === null) throw notFound();
  demandRight(found.value, { userId, right });
  return found;
}

/** A picture that somebody may see: their own, or one on boards that they may see. */
export interface SeenImage {
  image: Image;
  isOwn: boolean;
  /** Those boards, in the order in which it came onto them; of one's own all that are there. */
  boards: Board[];
  /** Its prompt, and what it was called after, is its owner's alone. */
  isPromptHidden: boolean;
}

/** Refuses with `not_found` what is missing, malformed, or on no board that the user may see. */
export async function findSeenImage(
  store: Store,
  { userId, imageId }: { userId: string; imageId: string },
): Promise<SeenImage> {
  const found = isId(imageId) ? await readImage(store, imageId) : null;
  if (found === null) throw notFound();
  const image = found.value;
  const isOwn = image.userId === userId;
  const boards = (await readBoards(store, image.boards.map(({ boardId }) => boardId)))
    .filter((board) => mayIn(board, { userId, right: "see" }));
  if (!isOwn && boards.length === 0) throw notFound();
  return {
    image,
    isOwn,
    boards,
    isPromptHidden: !isOwn && boards.every((board) => hidesPrompt(board, image)),
  };
}

/** Whether others than its owner see no prompt of the picture there. */
export function hidesPrompt({ promptsHiddenBy }: Board, { userId }: Pick<Image, "userId">): boolean {
  return promptsHiddenBy.includes(userId);
}

async function readBoards({ kv }: Store, boardIds: readonly string[]): Promise<Board[]> {
  if (boardIds.length === 0) return [];
  return present(await readMany<Board>(kv, boardIds.map(keys.board))).map(({ value }) => value);
}
