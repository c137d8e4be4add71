/** The one write path of prompts, and how they are read. */
import {
  addEntry,
  countIn,
  countOut,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { remixEntries } from "../publications/remixes.ts";
import { notFound } from "../refusal.ts";
import { isId } from "../ids.ts";
import { isFinal, neededIdsOf, type Prompt, type PromptStatus, sourceIdsOf } from "./prompt.ts";
import type { ImpliedEntry } from "../store/noun.ts";
import {
  changeRow,
  keys,
  kinds,
  type ListKey,
  lists,
  promptLists,
  promptQueueEntries,
  promptSourceKeys,
  type QueueEntry,
} from "../store/schema.ts";
import { changeVersion, present, read, readMany, type Store, type Versioned } from "../store/store.ts";

/**
 * The only way a prompt changes. Checks that it still is what `before` says, replaces the index entries that
 * `before` implies by those of `after`, moves it to the end of its user's changes and wakes whoever reads those, and
 * a worker that runs what is being cancelled. The caller adds what belongs to the same step and commits.
 */
export function writePrompt(
  kv: Deno.Kv,
  { before, after }: { before: Versioned<Prompt> | null; after: Prompt },
): Deno.AtomicOperation {
  const atomic = kv.atomic().check({
    key: keys.prompt(after.id),
    versionstamp: before?.versionstamp ?? null,
  });
  const oldLists = before === null ? [] : listsOf(before.value);
  const newLists = listsOf(after);
  for (const list of without(oldLists, newLists)) removeEntry(atomic, list, after.sequence);
  for (const list of without(newLists, oldLists)) {
    addEntry(atomic, list, { number: after.sequence, id: after.id });
  }
  writeQueue(atomic, { before: before?.value ?? null, after });
  writeSources(atomic, { before: before?.value ?? null, after });
  if (before === null) {
    for (const key of [...batchKeysOf(after), ...recipeKeysOf(after)]) atomic.set(key, after.id);
    for (const { key, value, counted } of remixesOf(after)) {
      atomic.set(key, value);
      if (counted) countIn(atomic, counted.list, counted.number);
    }
  }
  if (after.status === "CANCELLED" && before?.value.status !== "CANCELLED") {
    atomic.set(keys.cancellation(), after.id);
  }
  if (before !== null) atomic.delete(changeKey(after, changeVersion(before)));
  return atomic
    .set(changeKey(after, kv.commitVersionstamp()), after.id)
    .set(keys.changeHead(after.userId), after.id)
    .set(keys.prompt(after.id), after);
}

/** The lists that it stands in. */
export function listsOf(prompt: Prompt): ListKey[] {
  const { userId, status } = prompt;
  return promptLists({ userId, status, sourceIds: sourceIdsOf(prompt) });
}

/**
 * Gives a prompt that waits another number for the same place in line. Nobody is told, as it is no change: it keeps its
 * place among its user's changes.
 */
export function writeRank(
  kv: Deno.Kv,
  { before, rank }: { before: Versioned<Prompt>; rank: number },
): Deno.AtomicOperation {
  const key = keys.prompt(before.value.id);
  const after: StoredPrompt = { ...before.value, rank, changedAs: changeVersion(before) };
  const atomic = kv.atomic().check({ key, versionstamp: before.versionstamp }).set(key, after);
  writeQueue(atomic, { before: before.value, after });
  return atomic;
}

/** Its entry in the queue, or among those that are tried again later. */
export function queueEntriesOf(prompt: Prompt): QueueEntry[] {
  return promptQueueEntries({ ...prompt, model: prompt.request.model });
}

function writeQueue(
  atomic: Deno.AtomicOperation,
  { before, after }: { before: Prompt | null; after: Prompt },
): void {
  const [old = null] = before === null ? [] : queueEntriesOf(before);
  const [next = null] = queueEntriesOf(after);
  if (old?.key.join("\0") === next?.key.join("\0")) return;
  if (old !== null) removeCounted(atomic, old);
  if (next === null) return;
  atomic.set(next.key, next.value);
  if (next.counted) countIn(atomic, next.counted.list, next.counted.number);
}

function removeCounted(
  atomic: Deno.AtomicOperation,
  { key, counted }: Pick<QueueEntry, "key" | "counted">,
): void {
  atomic.delete(key);
  if (counted) countOut(atomic, counted.list, counted.number);
}

/** Most prompts are given none. */
function writeSources(
  atomic: Deno.AtomicOperation,
  { before, after }: { before: Prompt | null; after: Prompt },
): void {
  if (after.request.edit === undefined) return;
  const { children, uses } = sourceKeysOf(after);
  if (before === null) { for (const key of children) atomic.set(key, after.id); }
  const usesBefore = before === null ? [] : sourceKeysOf(before).uses;
  for (const key of without(usesBefore, uses)) atomic.delete(key);
  for (const key of without(uses, usesBefore)) atomic.set(key, null);
}

/** What it implies for the pictures that it was given. */
export function sourceKeysOf(prompt: Prompt) {
  const { id, userId, sequence } = prompt;
  return promptSourceKeys({
    id,
    userId,
    sequence,
    sourceIds: sourceIdsOf(prompt),
    neededIds: neededIdsOf(prompt),
    isFinal: isFinal(prompt),
  });
}

/** Its place in its batch, if it has one. */
export function batchKeysOf({ batchId, row }: Pick<Prompt, "batchId" | "row">): Deno.KvKey[] {
  return batchId === null || row === undefined ? [] : [keys.batchPrompt(batchId, row)];
}

/** It counts for what it goes back to. */
export function remixesOf({ id, userId, createdAt, request: { remixOf } }: Prompt): ImpliedEntry[] {
  return remixEntries({ promptId: id, userId, createdAt, remixOf });
}

/** Its place among what was made with its recipe, if it has one. */
export function recipeKeysOf(
  { recipe, userId, sequence }: Pick<Prompt, "recipe" | "userId" | "sequence">,
): Deno.KvKey[] {
  return recipe === undefined ? [] : [keys.recipePrompt(recipe, { userId, sequence })];
}

/** Takes a prompt away with all that it implies; `head` is its user's latest change. */
export function removePrompt(
  atomic: Deno.AtomicOperation,
  { prompt: found, head }: {
    prompt: Versioned<Prompt>;
    head: Versioned<string> | null;
  },
): void {
  const { value: prompt, versionstamp } = found;
  atomic.check({ key: keys.prompt(prompt.id), versionstamp }).delete(keys.prompt(prompt.id));
  for (const list of listsOf(prompt)) removeEntry(atomic, list, prompt.sequence);
  for (const entry of queueEntriesOf(prompt)) removeCounted(atomic, entry);
  const { children, uses } = sourceKeysOf(prompt);
  for (const key of [...children, ...uses, ...batchKeysOf(prompt), ...recipeKeysOf(prompt)]) {
    atomic.delete(key);
  }
  for (const entry of remixesOf(prompt)) removeCounted(atomic, entry);
  atomic.delete(changeKey(prompt, changeVersion(found)));
  const headKey = keys.changeHead(prompt.userId);
  atomic.check({ key: headKey, versionstamp: head?.versionstamp ?? null });
  if (head?.value === prompt.id) atomic.delete(headKey);
}

/** Its place among its user's changes. */
export function changeKey(
  { userId, sequence }: Pick<Prompt, "userId" | "sequence">,
  version: Deno.KvKeyPart,
): Deno.KvKey {
  return keys.change(userId, changeRow(sequence), version);
}

function without<T extends ListKey>(some: T[], others: T[]): T[] {
  const names = others.map((other) => other.join("\0"));
  return some.filter((key) => !names.includes(key.join("\0")));
}

/** A record as it is stored: a migration that wrote it anew left in it at which version it changed last. */
export type StoredPrompt = Prompt & { changedAs?: string };

export function fromStored({ value, versionstamp }: Versioned<StoredPrompt>): Versioned<Prompt> {
  if (value.changedAs === undefined) return { value, versionstamp };
  const { changedAs, ...prompt } = value;
  return { value: prompt as Prompt, versionstamp, changedAs };
}

export async function readPrompt(store: Store, promptId: string): Promise<Versioned<Prompt> | null> {
  const found = await read<StoredPrompt>(store.kv, keys.prompt(promptId));
  return found && fromStored(found);
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
  return present(await readMany<StoredPrompt>(store.kv, promptIds.map(keys.prompt))).map(fromStored);
}

/** Which of a user's prompts are listed. */
export type PromptChoice = "all" | "edits" | PromptStatus;

/** A user's prompts, newest first; of one status, where one is given, or those that were given pictures. */
export async function listPrompts(
  store: Store,
  { userId, only = "all", ...start }: { userId: string; only?: PromptChoice } & PageStart,
): Promise<Page<Versioned<Prompt>>> {
  const list = only === "all"
    ? lists.prompts(userId)
    : only === "edits"
    ? lists.edits(userId)
    : lists.promptsByStatus(userId, only);
  const page = await readPage(store.kv, list, start);
  const items = await readPrompts(store, page.entries.map((entry) => entry.id));
  return { items, total: page.total, next: page.next };
}

/** Of a user's prompts of one status the ids, oldest first. */
export function listPromptIds(
  { kv }: Store,
  { userId, status }: { userId: string; status: PromptStatus },
): Promise<string[]> {
  const entries = kv.list<string>({ prefix: [...lists.promptsByStatus(userId, status)] }, { batchSize: 500 });
  return Array.fromAsync(entries, ({ value }) => value);
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

/** The newest prompts of all users. */
export function everyPromptNewestFirst(
  store: Store,
  { limit }: { limit: number },
): Deno.KvListIterator<Prompt> {
  return store.kv.list<Prompt>({ prefix: [...kinds.prompts] }, { reverse: true, limit });
}
