/** Boards' records: how they are made and changed, and how they are read. */
import type { z } from "zod";
import { isId } from "../ids.ts";
import { readImage } from "../images/image_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import { addEntry, entryKey, type Page, type PageStart, readPage } from "../store/counted_list.ts";
import { keys, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import { type Board, type boardChanges, mostBoards, type newBoardInput } from "./board.ts";

/** Refuses with `too_large` where the user has as many as anybody may have. */
export async function createBoard(
  store: Store,
  { userId, name, description }: { userId: string } & z.output<typeof newBoardInput>,
): Promise<Board> {
  const list = lists.boards(userId);
  while (true) {
    const { entries: [newest], total } = await readPage(store.kv, list, { limit: 1 });
    if (total >= mostBoards) {
      throw new Refusal("too_large", `You have ${total} boards, and ${mostBoards} is the most`);
    }
    const board: Board = {
      id: store.ids(),
      ownerId: userId,
      sequence: (newest?.number ?? 0) + 1,
      name,
      description,
      coverId: null,
      lastNumber: 0,
      createdAt: store.now(),
    };
    const place = entryKey(list, board.sequence);
    const atomic = checkAccount(store.kv.atomic(), userId).check({ key: place, versionstamp: null })
      .set(keys.board(board.id), board);
    addEntry(atomic, list, { number: board.sequence, id: board.id });
    if (await commit(atomic) !== null) return board;
    if (await readUser(store, userId) === null) throw accountGone();
  }
}

/** The user's own board; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findBoard(
  store: Store,
  { userId, boardId }: { userId: string; boardId: string },
): Promise<Versioned<Board>> {
  const found = isId(boardId) ? await read<Board>(store.kv, keys.board(boardId)) : null;
  if (found?.value.ownerId !== userId) throw notFound();
  return found;
}

export async function changeBoard(
  store: Store,
  named: { userId: string; boardId: string },
  changes: z.output<typeof boardChanges>,
): Promise<Board> {
  while (true) {
    const { value: board, versionstamp } = await findBoard(store, named);
    if (changes.coverId && !await isOnBoard(store, { board, imageId: changes.coverId })) throw notFound();
    const changed: Board = {
      ...board,
      name: changes.name ?? board.name,
      description: changes.description ?? board.description,
      coverId: changes.coverId === undefined ? board.coverId : changes.coverId,
    };
    const key = keys.board(board.id);
    if (await commit(store.kv.atomic().check({ key, versionstamp }).set(key, changed)) !== null) {
      return changed;
    }
  }
}

async function isOnBoard(
  store: Store,
  { board, imageId }: { board: Board; imageId: string },
): Promise<boolean> {
  const image = isId(imageId) ? await readImage(store, imageId) : null;
  return image?.value.boards.some(({ boardId }) => boardId === board.id) ?? false;
}

/** The user's boards, newest first. */
export async function listBoards(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<Board>> {
  const { entries, total, next } = await readPage(store.kv, lists.boards(userId), start);
  const found = await readMany<Board>(store.kv, entries.map(({ id }) => keys.board(id)));
  return { items: present(found).map(({ value }) => value), total, next };
}

/** All of them, by name. */
export async function allBoards(store: Store, userId: string): Promise<Board[]> {
  const { items } = await listBoards(store, { userId, limit: mostBoards });
  const byName = new Intl.Collator("en", { numeric: true });
  return items.sort((a, b) => byName.compare(a.name, b.name));
}
