/** What is said about a board, and about pictures on it. */
import type { CommentPlace } from "../comments/comment_store.ts";
import { readImage } from "../images/image_store.ts";
import { notFound } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { isId } from "../ids.ts";
import { findBoard } from "./access.ts";
import { isOn } from "./board_pictures.ts";

/**
 * A board that the user sees, or a picture that is on it now; refuses with `not_found` otherwise. What was said of a
 * picture before it was taken off the board is still there to be deleted.
 */
export async function boardPlace(
  store: Store,
  { userId, boardId, imageId, isThere = true }: {
    userId: string;
    boardId: string;
    imageId: string | null;
    /** Whether the picture has to be on the board. */
    isThere?: boolean;
  },
): Promise<CommentPlace> {
  const board = await findBoard(store, { userId, boardId, right: "see" });
  const subject = { kind: "board", boardId, imageId } as const;
  const found = { subject, shared: board, sharedKey: keys.board(boardId) };
  const name = `the board “${board.value.name}”`;
  if (imageId === null) return { ...found, href: `/boards/${boardId}#comments`, name, concernedId: null };
  const image = isId(imageId) ? await readImage(store, imageId) : null;
  const isOnBoard = image !== null && isOn(image.value, boardId);
  if (isThere && !isOnBoard) throw notFound();
  return {
    ...found,
    href: `/images/${imageId}?board=${boardId}#comments`,
    name: `a picture on ${name}`,
    concernedId: isOnBoard ? image.value.userId : null,
  };
}
