/** Where a prompt's pictures go when they arrive: onto a board, with tags, as it was said when they were asked for. */
import type { Image } from "../images/image.ts";
import type { Prompt } from "../prompts/prompt.ts";
import { keys } from "../store/schema.ts";
import { read, type Store, type Versioned } from "../store/store.ts";
import { mayIn } from "../users/membership.ts";
import { boardLock, giveOut } from "./board_pictures.ts";
import type { Board } from "./board.ts";

/**
 * A board that was deleted meanwhile takes no picture, nor does one that the prompt's user may not put any onto any
 * more; they are tagged all the same, and stay their owner's.
 */
export interface OpenFiling {
  tags: string[];
  board: Versioned<Board> | null;
}

/**
 * Runs `write`, whose commit adds pictures of the prompt as `filed` keeps them, with the board as it is. What is lost
 * because the board has changed meanwhile is done again; null where it was lost otherwise.
 */
export async function fileArrivals<T>(
  store: Store,
  { userId, filing }: Pick<Prompt, "userId" | "filing">,
  write: (filing: OpenFiling | null) => Promise<T | null>,
): Promise<T | null> {
  if (filing === undefined) return await write(null);
  const { boardId, tags } = filing;
  if (boardId === null) return await write({ tags, board: null });
  const readBoard = () => read<Board>(store.kv, keys.board(boardId));
  return await store.locks.hold(boardLock(boardId), async () => {
    for (let board = await readBoard();;) {
      const isOpen = board !== null && mayIn(board.value, { userId, right: "edit" });
      const written = await write({ tags, board: isOpen ? board : null });
      if (written !== null) return written;
      const found = await readBoard();
      if (found?.versionstamp === board?.versionstamp) return null;
      board = found;
    }
  });
}

/** These pictures, which are new, as they are kept. The commit is lost where the board has changed meanwhile. */
export function filed<I extends Image>(
  atomic: Deno.AtomicOperation,
  { images, filing }: { images: readonly I[]; filing: OpenFiling | null },
): I[] {
  if (filing === null || images.length === 0) return [...images];
  const { tags, board } = filing;
  if (board !== null) giveOut(atomic, { board, numbers: images.length });
  return images.map((image, i) => ({
    ...image,
    tags,
    boards: board === null ? [] : [{ boardId: board.value.id, number: board.value.lastNumber + 1 + i }],
  }));
}
