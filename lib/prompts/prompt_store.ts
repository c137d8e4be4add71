/** The one write path of prompts and their images, and how they are read. */
import { addEntry, countEntries, entryKey, type ListPage, readPage, removeEntry } from "../store/counted_list.ts";
import { notFound } from "../refusal.ts";
import { isId } from "../ids.ts";
import type { Image } from "../images/image.ts";
import type { Prompt, PromptStatus } from "./prompt.ts";
import { imageTermKeys, keys, kinds, type ListKey, lists, promptLists, promptQueueKeys } from "../store/schema.ts";
import { read, readMany, type Store, type Versioned } from "../store/store.ts";

/**
 * The only way a prompt changes. Checks that it still is what `before` says, replaces the index entries that
 * `before` implies by those of `after`, moves it to the end of its user's feed and wakes whoever reads that. The
 * caller adds what belongs to the same step and commits.
 */
export function writePrompt(
  kv: Deno.Kv,
  { before, after }: { before: Versioned<Prompt> | null; after: Prompt },
): Deno.AtomicOperation {
  const atomic = kv.atomic().check({
    key: keys.prompt(after.id),
    versionstamp: before?.versionstamp ?? null,
  });
  const oldLists = before === null ? [] : promptLists(before.value);
  const newLists = promptLists(after);
  for (const list of without(oldLists, newLists)) removeEntry(atomic, list, after.sequence);
  for (const list of without(newLists, oldLists)) {
    addEntry(atomic, list, { number: after.sequence, id: after.id });
  }
  const oldQueue = before === null ? [] : promptQueueKeys(before.value);
  const newQueue = promptQueueKeys(after);
  for (const key of without(oldQueue, newQueue)) atomic.delete(key);
  for (const key of without(newQueue, oldQueue)) atomic.set(key, null);
  if (before !== null) atomic.delete(keys.feed(after.userId, before.versionstamp));
  return atomic
    .set(keys.feed(after.userId, kv.commitVersionstamp()), after.id)
    .set(keys.feedHead(after.userId), after.id)
    .set(keys.prompt(after.id), after);
}

/** Takes a prompt away with all that it implies; `head` is its user's latest change. */
export function removePrompt(
  atomic: Deno.AtomicOperation,
  { prompt: { value: prompt, versionstamp }, head }: {
    prompt: Versioned<Prompt>;
    head: Versioned<string> | null;
  },
): void {
  atomic.check({ key: keys.prompt(prompt.id), versionstamp }).delete(keys.prompt(prompt.id));
  for (const list of promptLists(prompt)) removeEntry(atomic, list, prompt.sequence);
  for (const key of promptQueueKeys(prompt)) atomic.delete(key);
  atomic.delete(keys.feed(prompt.userId, versionstamp));
  const headKey = keys.feedHead(prompt.userId);
  atomic.check({ key: headKey, versionstamp: head?.versionstamp ?? null });
  if (head?.value === prompt.id) atomic.delete(headKey);
}

/** Adds a picture's record; the prompt that names it is written in the same commit. */
export function addImage(atomic: Deno.AtomicOperation, image: Image): void {
  atomic.check({ key: keys.image(image.id), versionstamp: null }).set(keys.image(image.id), image);
  addEntry(atomic, lists.images(image.userId), { number: image.sequence, id: image.id });
  for (const key of imageTermKeys(image)) atomic.set(key, image.id);
}

/** Takes a picture's record away; its bytes go afterwards. */
export function removeImage(atomic: Deno.AtomicOperation, image: Versioned<Image>): void {
  atomic.check({ key: keys.image(image.value.id), versionstamp: image.versionstamp })
    .delete(keys.image(image.value.id));
  removeEntry(atomic, lists.images(image.value.userId), image.value.sequence);
  for (const key of imageTermKeys(image.value)) atomic.delete(key);
}

function without<T extends ListKey>(some: T[], others: T[]): T[] {
  const names = others.map((other) => other.join("\0"));
  return some.filter((key) => !names.includes(key.join("\0")));
}

export function readPrompt(store: Store, promptId: string): Promise<Versioned<Prompt> | null> {
  return read<Prompt>(store.kv, keys.prompt(promptId));
}

/** The user's own prompt; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findPrompt(
  store: Store,
  { userId, promptId }: { userId: string; promptId: string },
): Promise<Versioned<Prompt>> {
  const found = isId(promptId) ? await readPrompt(store, promptId) : null;
  if (found?.value.userId !== userId) throw notFound();
  return found;
}

export async function readPrompts(store: Store, promptIds: readonly string[]): Promise<Versioned<Prompt>[]> {
  return present(await readMany<Prompt>(store.kv, promptIds.map(keys.prompt)));
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

function present<T>(found: (T | null)[]): T[] {
  return found.filter((value) => value !== null);
}

/** Where a page of a list begins: at an offset, or after the entry with number `before`. */
export interface PageStart {
  limit: number;
  offset?: number;
  before?: number;
}

export interface Page<T> {
  items: T[];
  total: number;
  /** The number to start the next page before; null on the last page. */
  next: number | null;
}

/** A user's prompts, newest first; of one status, where one is given. */
export async function listPrompts(
  store: Store,
  { userId, status, ...start }: { userId: string; status?: PromptStatus } & PageStart,
): Promise<Page<Versioned<Prompt>>> {
  const list = status === undefined ? lists.prompts(userId) : lists.promptsByStatus(userId, status);
  const page = await readPage(store.kv, list, start);
  const items = await readPrompts(store, page.entries.map((entry) => entry.id));
  return { items, total: page.total, next: nextOf(page) };
}

/** A user's pictures, newest first. */
export async function listImages(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<Image>> {
  const page = await readPage(store.kv, lists.images(userId), start);
  const items = await readImages(store, page.entries.map((entry) => entry.id));
  return { items: items.map((item) => item.value), total: page.total, next: nextOf(page) };
}

function nextOf(page: ListPage): number | null {
  return page.hasMore ? page.entries.at(-1)!.number : null;
}

export function countImages(store: Store, userId: string): Promise<number> {
  return countEntries(store.kv, lists.images(userId));
}

/** The neighbours of a picture in its owner's gallery; null at either end. */
export async function imageNeighbours(
  store: Store,
  image: Image,
): Promise<{ newer: string | null; older: string | null }> {
  const prefix = [...lists.images(image.userId)];
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

/** The user's prompts that are not final, oldest first. */
export async function listUnfinishedPrompts(store: Store, userId: string): Promise<Versioned<Prompt>[]> {
  const ids = await Promise.all((["PENDING", "PROCESSING"] as const).map(async (status) => {
    const selector = { prefix: [...lists.promptsByStatus(userId, status)] };
    const entries = store.kv.list<string>(selector, { limit: 1000, reverse: true, batchSize: 500 });
    return (await Array.fromAsync(entries)).map(({ value }) => value);
  }));
  const prompts = await readPrompts(store, ids.flat());
  return prompts.sort((a, b) => a.value.sequence - b.value.sequence);
}

/** More prompts than these before another are not counted. */
const countedInLine = 1000;

/**
 * For each of these prompts of one user, how many others come before it; 0 is next. Null for one that doesn't wait.
 * The line is read once, however many of them ask.
 */
export async function queuePositions(
  { kv }: Store,
  prompts: readonly Prompt[],
): Promise<(number | null)[]> {
  const waiting = prompts.filter((prompt) => prompt.status === "PENDING" && prompt.readyAt === null);
  if (waiting.length === 0) return prompts.map(() => null);
  const [{ userId }] = waiting;
  const last = waiting.map(({ id }) => id).reduce((a, b) => a > b ? a : b);
  const selector = { prefix: [...kinds.queue, userId], end: keys.queue(userId, last) };
  const entries = kv.list(selector, { limit: countedInLine, batchSize: 500 });
  const line = await Array.fromAsync(entries, ({ key }) => String(key[2]));
  const places = new Map(line.map((id, place) => [id, place]));
  const placeOf = (id: string) => places.get(id) ?? line.findLastIndex((other) => other < id) + 1;
  const isWaiting = new Set(waiting);
  return prompts.map((prompt) => isWaiting.has(prompt) ? placeOf(prompt.id) : null);
}

/** The newest prompts of all users. */
export function everyPromptNewestFirst(
  store: Store,
  { limit }: { limit: number },
): Deno.KvListIterator<Prompt> {
  return store.kv.list<Prompt>({ prefix: [...kinds.prompts] }, { reverse: true, limit });
}
