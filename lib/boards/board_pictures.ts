/** Which pictures are on a board: putting them there, taking them off, and looking at them. */
import type { Image } from "../images/image.ts";
import { readImage, readImages, replaceImage } from "../images/image_store.ts";
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { countEntries, entryKey, type Page, type PageStart, readPage } from "../store/counted_list.ts";
import { keys, lists } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import { demandRight, type MemberRole, peopleOf, roleIn, type SharedRole } from "../users/membership.ts";
import { readUsers } from "../users/user.ts";
import { type Board, mostBoardsOfPicture } from "./board.ts";
import { findBoard } from "./access.ts";

interface Named {
  userId: string;
  boardId: string;
  imageIds: readonly string[];
}

/** Pictures that are changed in one commit, which has room for so many of the most searched ones, and checks each. */
export const imagesAtOnce = 8;

/**
 * Puts the user's own pictures onto a board that they edit, in this order; those that are there already stay where they
 * are. Refuses with `not_found` where one of them is not the user's, and with `conflict` where one is on too many
 * boards, before any is put there.
 */
export async function putOnBoard(store: Store, { imageIds, ...named }: Named): Promise<void> {
  const ids = [...new Set(imageIds)];
  await findBoard(store, { ...named, right: "edit" });
  const images = await findOwn(store, { userId: named.userId, imageIds: ids });
  for (const { value } of images) demandRoom(value, named.boardId);
  for (let from = 0; from < ids.length; from += imagesAtOnce) {
    await putSome(store, { ...named, imageIds: ids.slice(from, from + imagesAtOnce) });
  }
}

/** Pictures that come onto a board at once wait for each other. */
export function boardLock(boardId: string): string {
  return `board ${boardId}`;
}

function putSome(store: Store, named: Named): Promise<void> {
  return store.locks.hold(boardLock(named.boardId), () => putAtLast(store, named));
}

async function putAtLast(store: Store, { userId, boardId, imageIds }: Named): Promise<void> {
  while (true) {
    const { value: board, versionstamp } = await findBoard(store, { userId, boardId, right: "edit" });
    const images = await findOwn(store, { userId, imageIds });
    const coming = images.filter(({ value }) => !isOn(value, boardId));
    if (coming.length === 0) return;
    const atomic = store.kv.atomic();
    for (const [i, before] of coming.entries()) {
      demandRoom(before.value, boardId);
      const place = { boardId, number: board.lastNumber + 1 + i };
      replaceImage(atomic, { before, after: { ...before.value, boards: [...before.value.boards, place] } });
    }
    giveOut(atomic, { board: { value: board, versionstamp }, numbers: coming.length });
    if (await commit(atomic) !== null) return;
  }
}

/** The board's next numbers are taken: in the same commit each is on a picture. */
export function giveOut(
  atomic: Deno.AtomicOperation,
  { board: { value: board, versionstamp }, numbers }: { board: Versioned<Board>; numbers: number },
): void {
  const key = keys.board(board.id);
  const given: Board = { ...board, lastNumber: board.lastNumber + numbers };
  atomic.check({ key, versionstamp }).set(key, given);
}

/**
 * Takes pictures off a board: any of those on it where the user edits it, and their own from any board. Those that are
 * not on it stay as they are. Refuses with `not_found` or `forbidden` where they may not, before any is taken off.
 */
export async function takeOffBoard(store: Store, { imageIds, ...named }: Named): Promise<void> {
  const ids = [...new Set(imageIds)].filter(isId);
  await demandMayTakeOff(store, { ...named, imageIds: ids });
  for (let from = 0; from < ids.length; from += imagesAtOnce) {
    await takeOff(store, { ...named, imageIds: ids.slice(from, from + imagesAtOnce) });
  }
}

/** Returns the version of the board, where that has a say. */
async function demandMayTakeOff(store: Store, { userId, boardId, imageIds }: Named): Promise<string | null> {
  const found = isId(boardId) ? await read<Board>(store.kv, keys.board(boardId)) : null;
  if (found === null) throw notFound();
  const on = (await readImages(store, imageIds)).filter(({ value }) => isOn(value, boardId));
  const areOwn = on.every(({ value }) => value.userId === userId);
  if (areOwn && on.length > 0) return null;
  demandRight(found.value, { userId, right: areOwn ? "see" : "edit" });
  return found.versionstamp;
}

/** A few pictures leave a board: for somebody who may take them off, or because the board itself goes. */
export async function takeOff(
  store: Store,
  { userId, boardId, imageIds }: Omit<Named, "userId"> & { userId?: string },
): Promise<void> {
  while (true) {
    const version = userId === undefined
      ? null
      : await demandMayTakeOff(store, { userId, boardId, imageIds });
    const leaving = (await readImages(store, imageIds)).filter(({ value }) => isOn(value, boardId));
    if (leaving.length === 0) return;
    const atomic = store.kv.atomic();
    if (version !== null) atomic.check({ key: keys.board(boardId), versionstamp: version });
    for (const before of leaving) {
      const boards = before.value.boards.filter((place) => place.boardId !== boardId);
      replaceImage(atomic, { before, after: { ...before.value, boards } });
    }
    if (await commit(atomic) !== null) return;
  }
}

/** The pictures of a board, the latest first. */
export async function listBoardImages(
  store: Store,
  { boardId, ...start }: { boardId: string } & PageStart,
): Promise<Page<Image>> {
  const { entries, total, next } = await readPage(store.kv, lists.boardImages(boardId), start);
  const images = await readImages(store, entries.map(({ id }) => id));
  return { items: images.map(({ value }) => value), total, next };
}

/** The pictures on either side of one on a board; null at either end. */
export async function boardNeighbours(
  { kv }: Store,
  { image, boardId }: { image: Image; boardId: string },
): Promise<{ newer: string | null; older: string | null }> {
  const number = image.boards.find((place) => place.boardId === boardId)?.number ?? 0;
  const prefix = [...lists.boardImages(boardId)];
  const [newer, older] = await Promise.all([
    firstId(kv.list<string>({ prefix, start: entryKey(prefix, number + 1) }, { limit: 1 })),
    firstId(kv.list<string>({ prefix, end: entryKey(prefix, number) }, { limit: 1, reverse: true })),
  ]);
  return { newer, older };
}

async function firstId(entries: Deno.KvListIterator<string>): Promise<string | null> {
  for await (const { value } of entries) return value;
  return null;
}

/** A board with what its faces show of it. */
export interface BoardView {
  board: Board;
  /** What whoever looks at it is to it. */
  role: SharedRole;
  /** With whom it is shared, and what they are called, in the order in which they came. */
  members: { userId: string; name: string; role: MemberRole }[];
  ownerName: string;
  /** How many pictures are on it. */
  images: number;
  /** The picture that stands for it: the chosen one, as long as it is on the board, or the latest. */
  cover: Image | null;
}

/** Those of them that the user may see. */
export async function viewBoards(
  store: Store,
  { userId, boards }: { userId: string; boards: readonly Board[] },
): Promise<BoardView[]> {
  const names = new Map((await readUsers(store, boards.flatMap(peopleOf))).map(({ id, name }) => [id, name]));
  const views = await Promise.all(boards.map(async (board): Promise<BoardView[]> => {
    const role = roleIn(board, userId);
    if (role === null) return [];
    return [{
      board,
      role,
      members: board.members.map(({ userId, role }) => ({ userId, name: nameIn(names, userId), role })),
      ownerName: nameIn(names, board.ownerId),
      images: await countEntries(store.kv, lists.boardImages(board.id)),
      cover: await findCover(store, board),
    }];
  }));
  return views.flat();
}

/** Of an account that is just going nothing else is left. */
function nameIn(names: ReadonlyMap<string, string>, userId: string): string {
  return names.get(userId) ?? "Somebody who has left";
}

async function findCover(store: Store, board: Board): Promise<Image | null> {
  const chosen = board.coverId === null ? null : await readImage(store, board.coverId);
  if (chosen !== null && isOn(chosen.value, board.id)) return chosen.value;
  const { items: [latest] } = await listBoardImages(store, { boardId: board.id, limit: 1 });
  return latest ?? null;
}

export function isOn({ boards }: Image, boardId: string): boolean {
  return boards.some((place) => place.boardId === boardId);
}

function demandRoom(image: Image, boardId: string): void {
  if (isOn(image, boardId) || image.boards.length < mostBoardsOfPicture) return;
  throw new Refusal("conflict", `A picture is on ${mostBoardsOfPicture} boards at most`);
}

async function findOwn(
  store: Store,
  { userId, imageIds }: { userId: string; imageIds: readonly string[] },
): Promise<Versioned<Image>[]> {
  if (!imageIds.every(isId)) throw notFound();
  const found = await readImages(store, imageIds);
  const own = found.filter(({ value }) => value.userId === userId);
  if (own.length < imageIds.length) throw notFound();
  return own;
}
