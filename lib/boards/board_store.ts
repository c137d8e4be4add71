/** Boards' records: how they are made and changed, and how they are read. */
import type { z } from "zod";
import { isId } from "../ids.ts";
import { readImage } from "../images/image_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import {
  addEntry,
  countEntries,
  entryKey,
  type ListPage,
  type Page,
  type PageStart,
  readPage,
} from "../store/counted_list.ts";
import { keys, lists } from "../store/schema.ts";
import { commit, present, readMany, type Store, type Versioned } from "../store/store.ts";
import { mayIn } from "../users/membership.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import { findBoard } from "./access.ts";
import { type Board, type boardChanges, mostBoards, mostSharedBoards, type newBoardInput } from "./board.ts";

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
      members: [],
      promptsHiddenBy: [],
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

/** The next state of a board, in a commit of its own that whoever looks at it hears of. */
export function writeBoard(store: Store, before: Versioned<Board>, after: Board): Deno.AtomicOperation {
  const key = keys.board(after.id);
  const atomic = store.kv.atomic().check({ key, versionstamp: before.versionstamp }).set(key, after);
  return tellBoard(atomic, { store, boardId: after.id });
}

/** Adds to a commit that whoever looks at the board hears of it. */
export function tellBoard(
  atomic: Deno.AtomicOperation,
  { store, boardId }: { store: Pick<Store, "now">; boardId: string },
): Deno.AtomicOperation {
  return atomic.set(keys.topicHead("board", boardId), store.now());
}

/** Its name, description and cover are for its editors to change. */
export async function changeBoard(
  store: Store,
  named: { userId: string; boardId: string },
  changes: z.output<typeof boardChanges>,
): Promise<Board> {
  while (true) {
    const found = await findBoard(store, { ...named, right: "edit" });
    const board = found.value;
    if (changes.coverId && !await isOnBoard(store, { board, imageId: changes.coverId })) throw notFound();
    const changed: Board = {
      ...board,
      name: changes.name ?? board.name,
      description: changes.description ?? board.description,
      coverId: changes.coverId === undefined ? board.coverId : changes.coverId,
    };
    if (await commit(writeBoard(store, found, changed)) !== null) return changed;
  }
}

async function isOnBoard(
  store: Store,
  { board, imageId }: { board: Board; imageId: string },
): Promise<boolean> {
  const image = isId(imageId) ? await readImage(store, imageId) : null;
  return image?.value.boards.some(({ boardId }) => boardId === board.id) ?? false;
}

type Listing = { userId: string } & PageStart;

/** The user's own boards, newest first. */
export function listBoards(store: Store, { userId, ...start }: Listing): Promise<Page<Board>> {
  return readBoards(store, readPage(store.kv, lists.boards(userId), start));
}

/** Those that others share with the user, the latest first. */
export async function listSharedBoards(store: Store, { userId, ...start }: Listing): Promise<Page<Board>> {
  const page = await readBoards(store, readPage(store.kv, lists.sharedBoards(userId), start));
  return { ...page, items: page.items.filter((board) => mayIn(board, { userId, right: "see" })) };
}

/**
 * All that the user may see: their own, and behind them those that are shared with them. What is shared has numbers of
 * its own, so where a page of it begins is told by a number below zero; zero is its beginning.
 */
export async function listSeenBoards(
  store: Store,
  { userId, limit, offset = 0, before }: Listing,
): Promise<Page<Board>> {
  const [own, shared] = [lists.boards(userId), lists.sharedBoards(userId)];
  const [ownTotal, sharedTotal] = await Promise.all(
    [own, shared].map((list) => countEntries(store.kv, list)),
  );
  const total = ownTotal + sharedTotal;
  const isInOwn = before === undefined ? offset < ownTotal : before > 0;
  const first = isInOwn
    ? await listBoards(store, { userId, limit, offset, before })
    : { items: [], next: null };
  if (first.next !== null) return { items: first.items, total, next: first.next };
  const left = limit - first.items.length;
  if (left === 0) return { items: first.items, total, next: sharedTotal > 0 ? 0 : null };
  const behind = before !== undefined && before < 0 ? -before : undefined;
  const skipped = before === undefined ? Math.max(0, offset - ownTotal) : 0;
  const rest = await listSharedBoards(store, { userId, limit: left, offset: skipped, before: behind });
  return { items: [...first.items, ...rest.items], total, next: rest.next === null ? null : -rest.next };
}

async function readBoards(store: Store, reading: Promise<ListPage>): Promise<Page<Board>> {
  const { entries, total, next } = await reading;
  const found = await readMany<Board>(store.kv, entries.map(({ id }) => keys.board(id)));
  return { items: present(found).map(({ value }) => value), total, next };
}

/** The user's own, by name. */
export async function allOwnBoards(store: Store, userId: string): Promise<Board[]> {
  const { items } = await listBoards(store, { userId, limit: mostBoards });
  return byName(items);
}

/** All that the user may put pictures onto, by name. */
export async function allBoards(store: Store, userId: string): Promise<Board[]> {
  const [own, shared] = await Promise.all([
    listBoards(store, { userId, limit: mostBoards }),
    listSharedBoards(store, { userId, limit: mostSharedBoards }),
  ]);
  const edited = shared.items.filter((board) => mayIn(board, { userId, right: "edit" }));
  return byName([...own.items, ...edited]);
}

function byName(boards: Board[]): Board[] {
  const names = new Intl.Collator("en", { numeric: true });
  return boards.sort((a, b) => names.compare(a.name, b.name));
}

/** The pictures that came or went on a board since a version, as far as that is still known, and up to which one. */
export async function readBoardChanges(
  { kv }: Pick<Store, "kv">,
  { boardId, since }: { boardId: string; since: string },
): Promise<{ changed: string[]; cursor: string }> {
  const head = (await kv.get(keys.topicHead("board", boardId))).versionstamp;
  const entries = kv.list({ prefix: keys.boardChanges(boardId) }, { batchSize: 500 });
  const changed = (await Array.fromAsync(entries)).filter(({ versionstamp }) => versionstamp > since);
  return {
    changed: changed.map(({ key }) => String(key[2])),
    cursor: head !== null && head > since ? head : since,
  };
}
