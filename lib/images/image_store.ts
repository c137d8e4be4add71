/** Pictures' records: how they are written, always beside the prompt that names them, and how they are read. */
import {
  addEntry,
  countEntries,
  entryKey,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { notFound } from "../refusal.ts";
import { isId } from "../ids.ts";
import {
  type BoardPlace,
  type Image,
  isMade,
  type MadeImage,
  unmarked,
  type UploadedImage,
} from "./image.ts";
import { imageTermKeys, keys, type ListKey, lists } from "../store/schema.ts";
import { termsOf } from "./search_terms.ts";
import { present, read, readMany, type Store, type Versioned } from "../store/store.ts";

/**
 * Adds a picture's record; where a prompt made it, the prompt that names it is written in the same commit, and its check
 * is that of all its pictures: several nodes have room for few.
 */
export function addImage(atomic: Deno.AtomicOperation, image: Image): void {
  if (image.kind === "upload") atomic.check({ key: keys.image(image.id), versionstamp: null });
  atomic.set(keys.image(image.id), image);
  for (const { list, number } of placesOf(image)) addEntry(atomic, list, { number, id: image.id });
  for (const key of otherEntries(image)) atomic.set(key, image.id);
  atomic.sum(keys.storedBytes(image.userId), BigInt(image.byteLength));
  tellBoards(atomic, image.id, image.boards);
}

/** A change is told of for so long; whoever was away longer looks at the board anew. */
const boardChangeMs = 7 * 24 * 3600 * 1000;

/** A commit with a picture of all words and tags has room for so many. */
const mostBoardsTold = 6;

/**
 * Whoever looks at one of these boards is told that the picture has come or gone. Where it comes and goes with more
 * boards at once, those who look at the others see it when they load them anew.
 */
function tellBoards(atomic: Deno.AtomicOperation, imageId: string, boards: readonly BoardPlace[]): void {
  for (const { boardId } of boards.slice(0, mostBoardsTold)) {
    atomic.set(keys.topicHead("board", boardId), imageId)
      .set(keys.boardChange(boardId, imageId), null, { expireIn: boardChangeMs });
  }
}

/** Writes what has changed of a picture, with the entries that follow from it. */
export function replaceImage(
  atomic: Deno.AtomicOperation,
  { before, after }: { before: Versioned<Image>; after: Image },
): void {
  const { id } = after;
  const key = keys.image(id);
  atomic.check({ key, versionstamp: before.versionstamp }).set(key, after);
  const [oldPlaces, newPlaces] = [placesOf(before.value), placesOf(after)];
  for (const { list, number } of without(oldPlaces, newPlaces)) removeEntry(atomic, list, number);
  for (const { list, number } of without(newPlaces, oldPlaces)) addEntry(atomic, list, { number, id });
  const [oldKeys, newKeys] = [otherEntries(before.value), otherEntries(after)];
  for (const key of without(oldKeys, newKeys)) atomic.delete(key);
  for (const key of without(newKeys, oldKeys)) atomic.set(key, id);
  const [oldBoards, newBoards] = [before.value.boards, after.boards];
  tellBoards(atomic, id, [...without(oldBoards, newBoards), ...without(newBoards, oldBoards)]);
}

function without<T>(some: readonly T[], others: readonly T[]): T[] {
  const names = new Set(others.map((other) => JSON.stringify(other)));
  return some.filter((each) => !names.has(JSON.stringify(each)));
}

/** Where it stands in counted lists: among all of its kind, and on boards. */
function placesOf(image: Image): { list: ListKey; number: number }[] {
  return [
    { list: listOf(image), number: image.sequence },
    ...image.boards.map(({ boardId, number }) => ({ list: lists.boardImages(boardId), number })),
  ];
}

/** Uploads are in a list of their own. */
function listOf({ kind, userId }: Image): ListKey {
  return kind === "made" ? lists.images(userId) : lists.uploads(userId);
}

function otherEntries(image: Image): Deno.KvKey[] {
  const terms = imageTermKeys({ ...image, terms: termsOf(image) });
  return image.kind === "made" ? terms : [...terms, keys.upload(image.userId, image.sentSha256)];
}

/** How many keys a commit writes that adds the picture or takes it away; a counted one is three, a board told two. */
export function entryCount(image: Image): number {
  return otherEntries(image).length + 3 * placesOf(image).length +
    2 * Math.min(image.boards.length, mostBoardsTold);
}

/** Takes a picture's record away; its bytes go afterwards. */
export function removeImage(atomic: Deno.AtomicOperation, image: Versioned<Image>): void {
  atomic.check({ key: keys.image(image.value.id), versionstamp: image.versionstamp });
  removeUnchangedImage(atomic, image.value);
}

/** The same where something else that is checked shows that the record is as it was read. */
export function removeUnchangedImage(atomic: Deno.AtomicOperation, image: Image): void {
  atomic.delete(keys.image(image.id));
  for (const { list, number } of placesOf(image)) removeEntry(atomic, list, number);
  for (const key of otherEntries(image)) atomic.delete(key);
  // Sums of KV begin anew behind the largest number.
  atomic.sum(keys.storedBytes(image.userId), BigInt.asUintN(64, -BigInt(image.byteLength)));
  tellBoards(atomic, image.id, image.boards);
}

/** Leaves a picture that is not found by anything any more but the list of all. */
export function removeTerms(atomic: Deno.AtomicOperation, before: Versioned<Image>): void {
  replaceImage(atomic, { before, after: { ...before.value, ...unmarked, terms: [] } });
}

export function readImage(store: Store, imageId: string): Promise<Versioned<Image> | null> {
  return read<Image>(store.kv, keys.image(imageId));
}

/** The user's own picture; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findImage(
  store: Store,
  { userId, imageId }: { userId: string; imageId: string },
): Promise<Image> {
  const found = isId(imageId) ? await readImage(store, imageId) : null;
  if (found?.value.userId !== userId) throw notFound();
  return found.value;
}

export async function readImages(store: Store, imageIds: readonly string[]): Promise<Versioned<Image>[]> {
  return present(await readMany<Image>(store.kv, imageIds.map(keys.image)));
}

/** The pictures that were made for a user, newest first. */
export async function listImages(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<MadeImage>> {
  const page = await readList(store, { list: lists.images(userId), ...start });
  return { ...page, items: page.items.filter(isMade) };
}

/** The pictures that a user uploaded, newest first. */
export async function listUploads(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<UploadedImage>> {
  const page = await readList(store, { list: lists.uploads(userId), ...start });
  return { ...page, items: page.items.filter((image) => image.kind === "upload") };
}

async function readList(
  store: Store,
  { list, ...start }: { list: ListKey } & PageStart,
): Promise<Page<Image>> {
  const page = await readPage(store.kv, list, start);
  const items = await readImages(store, page.entries.map((entry) => entry.id));
  return { items: items.map((item) => item.value), total: page.total, next: page.next };
}

export function countImages(store: Store, userId: string): Promise<number> {
  return countEntries(store.kv, lists.images(userId));
}

export function countUploads(store: Store, userId: string): Promise<number> {
  return countEntries(store.kv, lists.uploads(userId));
}

/** The neighbours of a picture in its owner's gallery; null at either end. */
export async function imageNeighbours(
  store: Store,
  image: Image,
): Promise<{ newer: string | null; older: string | null }> {
  const prefix = [...listOf(image)];
  const here = entryKey(prefix, image.sequence);
  const [newer, older] = await Promise.all([
    firstId(store.kv.list<string>({ prefix, start: entryKey(prefix, image.sequence + 1) }, { limit: 1 })),
    firstId(store.kv.list<string>({ prefix, end: here }, { limit: 1, reverse: true })),
  ]);
  return { newer, older };
}

async function firstId(entries: Deno.KvListIterator<string>): Promise<string | null> {
  for await (const entry of entries) return entry.value;
  return null;
}
