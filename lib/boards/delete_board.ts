/**
 * Deleting a board. One commit takes its record away, so that nobody is shown it any more and no picture comes onto it,
 * and leaves a record of the deletion. Then its pictures are taken off it, a few at a time, so that whatever interrupts
 * this is taken up again. They themselves stay.
 */
import { removeEntry } from "../store/counted_list.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import type { Board, BoardDeletion } from "./board.ts";
import { takeOff } from "./board_pictures.ts";
import { findBoard } from "./board_store.ts";

/** When this returns, none of the pictures names the board any more. Refuses with `not_found` like `findBoard`. */
export async function deleteBoard(
  store: Store,
  named: { userId: string; boardId: string },
): Promise<void> {
  while (!await beginDeletion(store, await findBoard(store, named)));
  await finishDeletion(store, named.boardId);
}

/** Of an account that goes. */
export async function deleteBoardsOf(store: Store, userId: string): Promise<void> {
  for await (const { key, value: boardId } of store.kv.list<string>({ prefix: [...lists.boards(userId)] })) {
    let board = await read<Board>(store.kv, keys.board(boardId));
    while (board !== null && !await beginDeletion(store, board)) {
      board = await read<Board>(store.kv, keys.board(boardId));
    }
    // The entry may have been left by damage.
    if (board === null) await commit(store.kv.atomic().delete(key));
    await finishDeletion(store, boardId);
  }
}

/** What an earlier process left, or what broke off. */
export async function finishBoardDeletions(store: Store): Promise<void> {
  for await (const { key } of store.kv.list({ prefix: [...kinds.boardDeletions] })) {
    await finishDeletion(store, String(key[1]));
  }
}

/** False: the board changed meanwhile. */
async function beginDeletion(
  store: Store,
  { value: board, versionstamp }: Versioned<Board>,
): Promise<boolean> {
  const key = keys.board(board.id);
  const deletion: BoardDeletion = { requestedAt: store.now() };
  const atomic = store.kv.atomic().check({ key, versionstamp }).delete(key)
    .set(keys.boardDeletion(board.id), deletion);
  removeEntry(atomic, lists.boards(board.ownerId), board.sequence);
  return await commit(atomic) !== null;
}

const entriesAtOnce = 10;

async function finishDeletion(store: Store, boardId: string): Promise<void> {
  const list = lists.boardImages(boardId);
  while (true) {
    const entries = await Array.fromAsync(
      store.kv.list<string>({ prefix: [...list] }, { limit: entriesAtOnce }),
    );
    if (entries.length === 0) break;
    await takeOff(store, { boardId, imageIds: entries.map(({ value }) => value) });
  }
  await removeCounts(store, boardId);
  await commit(store.kv.atomic().delete(keys.boardDeletion(boardId)));
}

/** All of them are zero by now, and nothing comes onto the board any more. */
async function removeCounts({ kv }: Store, boardId: string): Promise<void> {
  const prefix = [...kinds.counts, ...lists.boardImages(boardId)];
  for await (const { key } of kv.list({ prefix })) await commit(kv.atomic().delete(key));
}
