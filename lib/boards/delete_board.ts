/**
 * Deleting a board. One commit takes its record away, so that nobody is shown it any more and no picture comes onto it,
 * and leaves a record of the deletion. Then its pictures are taken off it, a few at a time, and what was said on it
 * goes, so that whatever interrupts this is taken up again. The pictures themselves stay.
 */
import { boardThread } from "../comments/comment.ts";
import { deleteThread } from "../comments/comment_store.ts";
import { addEntry, entryKey, readPage, removeEntry } from "../store/counted_list.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import { addNotice } from "../users/notice.ts";
import { checkAccount, readUser } from "../users/user.ts";
import { findBoard } from "./access.ts";
import type { Board, BoardDeletion, BoardMember } from "./board.ts";
import { imagesAtOnce, takeOff } from "./board_pictures.ts";
import { tellBoard, writeBoard } from "./board_store.ts";

/**
 * When this returns, none of the pictures names the board any more. Only its owner may; refuses anybody else like
 * `findBoard`.
 */
export async function deleteBoard(
  store: Store,
  named: { userId: string; boardId: string },
): Promise<void> {
  while (!await beginDeletion(store, await findBoard(store, { ...named, right: "own" })));
  await finishDeletion(store, named.boardId);
}

/** Of an account that goes: each passes to the editor who has been one for longest, or goes, too. */
export async function leaveOwnBoards(store: Store, userId: string): Promise<void> {
  for await (const { key, value: boardId } of store.kv.list<string>({ prefix: [...lists.boards(userId)] })) {
    while (true) {
      const board = await read<Board>(store.kv, keys.board(boardId));
      if (board?.value.ownerId !== userId) {
        // The entry may have been left by damage.
        await commit(store.kv.atomic().delete(key));
        if (board === null) await finishDeletion(store, boardId);
        break;
      }
      const heir = await findHeir(store, board.value);
      if (heir !== null) {
        if (await passBoard(store, { board, heir })) break;
      } else if (await beginDeletion(store, board)) {
        await finishDeletion(store, boardId);
        break;
      }
    }
  }
}

/** Members stand in the order in which they came. */
async function findHeir(store: Store, { members }: Board): Promise<BoardMember | null> {
  for (const member of members) {
    if (member.role !== "editor") continue;
    if (await readUser(store, member.userId) !== null) return member;
  }
  return null;
}

/** False: something has changed meanwhile. */
async function passBoard(
  store: Store,
  { board: found, heir }: { board: Versioned<Board>; heir: BoardMember },
): Promise<boolean> {
  const { value: board } = found;
  const list = lists.boards(heir.userId);
  const { entries: [newest] } = await readPage(store.kv, list, { limit: 1 });
  const sequence = (newest?.number ?? 0) + 1;
  const members = board.members.filter((member) => member !== heir);
  const passed: Board = { ...board, ownerId: heir.userId, sequence, members };
  const atomic = checkAccount(writeBoard(store, found, passed), heir.userId)
    .check({ key: entryKey(list, sequence), versionstamp: null });
  removeEntry(atomic, lists.boards(board.ownerId), board.sequence);
  removeEntry(atomic, lists.sharedBoards(heir.userId), heir.sequence);
  addEntry(atomic, list, { number: sequence, id: board.id });
  await addNotice(atomic, {
    store,
    userId: heir.userId,
    kind: "board",
    href: `/boards/${board.id}`,
    words: `The board “${board.name}” is yours now: its owner has left`,
    byId: null,
  });
  return await commit(atomic) !== null;
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
  for (const { userId, sequence } of board.members) {
    removeEntry(atomic, lists.sharedBoards(userId), sequence);
  }
  return await commit(tellBoard(atomic, { store, boardId: board.id })) !== null;
}

async function finishDeletion(store: Store, boardId: string): Promise<void> {
  const list = lists.boardImages(boardId);
  while (true) {
    const entries = await Array.fromAsync(
      store.kv.list<string>({ prefix: [...list] }, { limit: imagesAtOnce }),
    );
    if (entries.length === 0) break;
    await takeOff(store, { boardId, imageIds: entries.map(({ value }) => value) });
  }
  await removeCounts(store, boardId);
  await deleteThread(store, boardThread(boardId));
  for await (const { key } of store.kv.list({ prefix: keys.boardChanges(boardId) })) {
    await commit(store.kv.atomic().delete(key));
  }
  const atomic = store.kv.atomic().delete(keys.boardDeletion(boardId)).delete(
    keys.topicHead("board", boardId),
  );
  await commit(atomic);
}

/** All of them are zero by now, and nothing comes onto the board any more. */
async function removeCounts({ kv }: Store, boardId: string): Promise<void> {
  const prefix = [...kinds.counts, ...lists.boardImages(boardId)];
  for await (const { key } of kv.list({ prefix })) await commit(kv.atomic().delete(key));
}
