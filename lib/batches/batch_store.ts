/** The one write path of batches, and how they are read. A batch changes with its user's books, and nowhere else. */
import { addEntry, type Page, type PageStart, readPage } from "../store/counted_list.ts";
import { notFound } from "../refusal.ts";
import { isId } from "../ids.ts";
import { tellHooks } from "../hooks/outbox.ts";
import type { Account } from "../money/account.ts";
import { type Books, type BooksOwner, changeBooks } from "../money/ledger.ts";
import { endPause, type Pause, writePause } from "../prompts/pause.ts";
import type { Prompt } from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { type Batch, type BatchEvent, isHalted, needsWork, setAsideMicros, step } from "./batch.ts";

export type BatchBooks = Books<Batch>;

/** Whose books a change of a batch, or of one of its prompts, goes through. */
export function batchOwner(
  { userId, batchId, at }: { userId: string; batchId: string; at: number },
): BooksOwner {
  return { userId, at, beside: keys.batch(batchId) };
}

/** Adds to a commit what a changed batch implies beside its record, which is written with the books. */
export function writeBatchEntries(
  atomic: Deno.AtomicOperation,
  { before, after }: { before: Batch | null; after: Batch },
): void {
  const { id, userId, sequence } = after;
  if (before === null) addEntry(atomic, lists.batches(userId), { number: sequence, id });
  const hadWork = before !== null && needsWork(before);
  if (needsWork(after) && !hadWork) atomic.set(keys.batchWork(id), userId);
  if (!needsWork(after) && hadWork) atomic.delete(keys.batchWork(id));
  const wasHalted = before !== null && isHalted(before);
  if (isHalted(after) && !wasHalted) writePause(atomic, pauseOf(after));
  if (!isHalted(after) && wasHalted) endPause(atomic, pauseOf(after));
}

/** What keeps the prompts of a batch from starting while it is halted. */
export function pauseOf({ id, userId, providerWords, updatedAt }: Batch): Pause {
  return { scope: "batch", id, reason: providerWords, at: updatedAt, by: userId };
}

/** Adds to a commit that its user's hooks are told that a batch goes on no more, or not for now. */
export function tellOfState(
  atomic: Deno.AtomicOperation,
  { account, before, after }: { account: Account; before: Batch; after: Batch },
): void {
  const { id: batchId, userId, state, reason, chargedMicros: costMicros, updatedAt: at } = after;
  if (state === before.state || state === "RUNNING") return;
  const type = stateEvents[state];
  tellHooks(atomic, { userId, account, at, happened: { type, batchId, state, reason, costMicros } });
}

const stateEvents = { DONE: "batch.done", STOPPED: "batch.stopped", PAUSED: "batch.paused" } as const;

/** The account with what is set aside for the batch now, reserve and holds, instead of what was. */
export function setAside(
  account: Account,
  { before, after }: { before: Batch | null; after: Batch },
): Account {
  const earlier = before === null ? 0 : setAsideMicros(before);
  return { ...account, heldMicros: account.heldMicros + setAsideMicros(after) - earlier };
}

/** When a batch changed by itself the last time, at which version; null: it never did. */
export type Told = string | null;

export async function readTold({ kv }: Store, batchId: string): Promise<Told> {
  return (await kv.get(keys.batchTold(batchId))).versionstamp;
}

/** Adds to a commit that its user is told of a batch that changed by itself: it moves to the end of such changes. */
export function tellOfBatch(
  { kv }: Store,
  { atomic, batch: { id, userId }, told }: {
    atomic: Deno.AtomicOperation;
    batch: Batch;
    told: Told;
  },
): void {
  const key = keys.batchTold(id);
  atomic.check({ key, versionstamp: told }).set(key, userId);
  if (told !== null) atomic.delete(keys.batchChange(userId, told));
  atomic.set(keys.batchChange(userId, kv.commitVersionstamp()), id).set(keys.batchHead(userId), id);
}

/** Adds to a commit all that a batch that changed by itself implies; returns what is written with the books. */
function addBatchChange(
  store: Store,
  { atomic, account, before, after, told }: {
    atomic: Deno.AtomicOperation;
    account: Account;
    before: Batch;
    after: Batch;
    told: Told;
  },
): { account: Account; beside: Batch } {
  writeBatchEntries(atomic, { before, after });
  tellOfBatch(store, { atomic, batch: after, told });
  tellOfState(atomic, { account, before, after });
  return { account: setAside(account, { before, after }), beside: after };
}

/**
 * Adds to a commit through the books of `batchOwner` that pictures of the batch were given stars, or lost them, which
 * may stop it. Returns what is written with the books; nothing where the batch is gone.
 */
export function changeStars(
  store: Store,
  { atomic, books, by, told }: {
    atomic: Deno.AtomicOperation;
    books: BatchBooks;
    by: number;
    /** As `readTold` read it before. */
    told: Told;
  },
): { account?: Account; beside?: Batch } {
  const before = books.beside;
  const after = before && step(before, { type: "stars_changed", by }, store.now());
  if (before === null || after === null) return {};
  return addBatchChange(store, { atomic, account: books.account, before, after, told });
}

export interface BatchStep {
  userId: string;
  batchId: string;
  /** What happens to it, decided by what it is; null: nothing any more. It may refuse. */
  event: (batch: Batch) => BatchEvent | null;
  /** May refuse what would become of it. */
  demand?: (change: { before: Batch; after: Batch; books: BatchBooks; at: number }) => void;
  /** What belongs to the same commit. */
  add?: (atomic: Deno.AtomicOperation, change: { before: Batch; after: Batch }) => void;
}

/**
 * Takes a batch a step further that is about none of its prompts, and tells its user. A step that does not apply
 * leaves it as it is. Refuses with `not_found` where it is gone.
 */
export async function stepBatch(
  store: Store,
  { userId, batchId, event, demand, add }: BatchStep,
): Promise<Batch> {
  while (true) {
    const told = await readTold(store, batchId);
    const at = store.now();
    const written = await changeBooks<Batch, Batch>(store, batchOwner({ userId, batchId, at }), (books) => {
      const before = books.beside;
      if (before === null) throw notFound();
      const happened = event(before);
      const after = happened && step(before, happened, at);
      if (after === null) return { atomic: books.write(store.kv.atomic(), {}), value: before };
      demand?.({ before, after, books, at });
      const atomic = store.kv.atomic();
      books.write(atomic, addBatchChange(store, { atomic, account: books.account, before, after, told }));
      add?.(atomic, { before, after });
      return { atomic, value: after };
    });
    if (written !== null) return written.value;
  }
}

export function readBatch(store: Store, batchId: string): Promise<Versioned<Batch> | null> {
  return read<Batch>(store.kv, keys.batch(batchId));
}

export async function readBatches(store: Store, batchIds: readonly string[]): Promise<Versioned<Batch>[]> {
  return present(await readMany<Batch>(store.kv, batchIds.map(keys.batch)));
}

/** The user's own batch; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findBatch(
  store: Store,
  { userId, batchId }: { userId: string; batchId: string },
): Promise<Versioned<Batch>> {
  const found = isId(batchId) ? await readBatch(store, batchId) : null;
  if (found?.value.userId !== userId) throw notFound();
  return found;
}

/** A user's batches, newest first. */
export async function listBatches(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<Versioned<Batch>>> {
  const { entries, total, next } = await readPage(store.kv, lists.batches(userId), start);
  return { items: await readBatches(store, entries.map(({ id }) => id)), total, next };
}

/** Batches that somebody has to do something for: all, or those of one user, in the order in which they were accepted. */
export async function listBatchesWithWork(
  store: Store,
  { userId }: { userId?: string } = {},
): Promise<Versioned<Batch>[]> {
  const entries = await Array.fromAsync(
    store.kv.list<string>({ prefix: [...kinds.batchWork] }, { batchSize: 500 }),
  );
  const wanted = entries.filter(({ value }) => userId === undefined || value === userId);
  return await readBatches(store, wanted.map(({ key }) => String(key[1])));
}

/** The prompts that rows of a batch became, in the order of the rows. */
export async function listBatchPrompts(
  store: Store,
  { batch, limit, offset = 0, before }: { batch: Batch } & PageStart,
): Promise<Page<Versioned<Prompt>>> {
  // Rows are begun in their order, so the number of a row is its place.
  const first = before ?? offset + 1;
  const last = Math.min(batch.next, first + limit - 1);
  const rows = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  return {
    items: await readRowPrompts(store, { batch, rows }),
    total: batch.next,
    next: last < batch.next ? last + 1 : null,
  };
}

/** Those of its prompts that are not final, in the order of their rows. */
export function listOpenPrompts(store: Store, batch: Batch): Promise<Versioned<Prompt>[]> {
  return readRowPrompts(store, { batch, rows: batch.open });
}

async function readRowPrompts(
  store: Store,
  { batch, rows }: { batch: Pick<Batch, "id">; rows: readonly number[] },
): Promise<Versioned<Prompt>[]> {
  const ids = await readMany<string>(store.kv, rows.map((row) => keys.batchPrompt(batch.id, row)));
  return await readPrompts(store, present(ids).map(({ value }) => value));
}

/** What is set aside for rows of a user's batches that are no prompts yet. */
export async function reservedFor(store: Store, userId: string): Promise<number> {
  const batches = await listBatchesWithWork(store, { userId });
  return batches.reduce((sum, { value }) => sum + value.reserveMicros, 0);
}
