/**
 * A list of ids that is numbered, counted and cheap to enter anywhere. KV has no order statistics, so next to the
 * entries stand counts of them by block of 256 and of 65,536 numbers; a page at offset 100,000 reads a few hundred
 * small entries more than the first page, however long the list is. Counts are `sum`s: they need no version check
 * of their own, and an entry is added or taken away only in the commit whose check proves that it was not, or was,
 * there, so a count never passes zero.
 *
 * A list is named by its key prefix; an entry is `[...list, number] -> id`. Where several may share a number, which
 * need not be whole then, their keys go on with what tells them apart.
 */
import { kinds, type ListKey } from "./schema.ts";

const blockBits = [8, 16] as const;
const minusOne = (1n << 64n) - 1n;

export function entryKey(list: ListKey, number: number): Deno.KvKey {
  return [...list, number];
}

/** The keys of the counts that an entry is part of, smallest block first. */
export function countKeys(list: ListKey, number: number): Deno.KvKey[] {
  return blockBits.map((bits) => [...kinds.counts, ...list, bits, Math.floor(number / 2 ** bits)]);
}

export function addEntry(
  atomic: Deno.AtomicOperation,
  list: ListKey,
  entry: { number: number; id: string },
): void {
  atomic.set(entryKey(list, entry.number), entry.id);
  countIn(atomic, list, entry.number);
}

export function removeEntry(atomic: Deno.AtomicOperation, list: ListKey, number: number): void {
  atomic.delete(entryKey(list, number));
  countOut(atomic, list, number);
}

/** Counts an entry that the caller adds in the same commit. */
export function countIn(atomic: Deno.AtomicOperation, list: ListKey, number: number): void {
  for (const key of countKeys(list, number)) atomic.sum(key, 1n);
}

/** The same for one that the caller takes away. */
export function countOut(atomic: Deno.AtomicOperation, list: ListKey, number: number): void {
  for (const key of countKeys(list, number)) atomic.sum(key, minusOne);
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

export interface ListPage {
  /** Newest first. */
  entries: { number: number; id: string }[];
  total: number;
  /** The number to start the next page before; null on the last page. */
  next: number | null;
}

/** A page from `offset`, or of what is older than entry number `before`. */
export async function readPage(
  kv: Deno.Kv,
  list: ListKey,
  { limit, offset = 0, before }: { limit: number; offset?: number; before?: number },
): Promise<ListPage> {
  const blocks = await readCounts(kv, [...list, blockBits[1]]);
  const total = sumOf(blocks);
  const start = before === undefined ? await seek(kv, list, { blocks, offset }) : { below: before, skip: 0 };
  const entries: ListPage["entries"] = [];
  if (start !== null) {
    const selector = { prefix: [...list], end: entryKey(list, start.below) };
    const wanted = start.skip + limit + 1;
    let skip = start.skip;
    for await (
      const { key, value } of kv.list<string>(selector, {
        reverse: true,
        limit: wanted,
        // A batch is read whole, whatever the limit.
        batchSize: Math.min(500, wanted),
      })
    ) {
      if (skip-- > 0) continue;
      entries.push({ number: key.at(-1) as number, id: value });
    }
  }
  const page = entries.slice(0, limit);
  return { entries: page, total, next: entries.length > limit ? page.at(-1)!.number : null };
}

/** How many entries the list has. */
export async function countEntries(kv: Deno.Kv, list: ListKey): Promise<number> {
  const blocks = await readCounts(kv, [...list, blockBits[1]]);
  return sumOf(blocks);
}

/** Where an entry stands: its number and, where several may share one, what its key goes on with. */
export type Place = readonly [number: number, id?: string];

/** For each of these places, how many entries stand before it. It costs as much however many those are. */
export async function countBefore(kv: Deno.Kv, list: ListKey, places: readonly Place[]): Promise<number[]> {
  const [smallSize, largeSize] = blockBits.map((bits) => 2 ** bits);
  if (places.length === 0) return [];
  const largeCounts = await readCounts(kv, [...list, blockBits[1]]);
  const byBlock = Map.groupBy(places, ([number]) => Math.floor(number / smallSize));
  const counted = await Promise.all(Array.from(byBlock, async ([block, within]) => {
    const start = block * smallSize;
    const large = Math.floor(start / largeSize);
    const range = { from: large * largeSize / smallSize, to: block };
    const [number, ...id] = within.reduce((a, b) => isBefore(a, b) ? b : a);
    const end = [...entryKey(list, number), ...id.filter((part) => part !== undefined)];
    const [smallCounts, entries] = await Promise.all([
      range.from === range.to ? [] : readCounts(kv, [...list, blockBits[0]], range),
      Array.fromAsync(
        kv.list({ start: entryKey(list, start), end }, { batchSize: smallSize }),
        ({ key }) => key.slice(list.length) as unknown as Place,
      ),
    ]);
    const before = sumOf(largeCounts.filter((count) => count.block < large)) + sumOf(smallCounts);
    return within.map((place) =>
      [place, before + entries.filter((entry) => isBefore(entry, place)).length] as const
    );
  }));
  const before = new Map(counted.flat());
  return places.map((place) => before.get(place)!);
}

function isBefore([a, idOfA = ""]: Place, [b, idOfB = ""]: Place): boolean {
  return a < b || (a === b && idOfA < idOfB);
}

interface BlockCount {
  block: number;
  count: number;
}

async function readCounts(
  kv: Deno.Kv,
  counted: ListKey,
  range?: { from: number; to: number },
): Promise<BlockCount[]> {
  const prefix = [...kinds.counts, ...counted];
  const selector = range === undefined
    ? { prefix }
    : { start: [...prefix, range.from], end: [...prefix, range.to] };
  const counts: BlockCount[] = [];
  for await (const { key, value } of kv.list<Deno.KvU64>(selector, { batchSize: 500 })) {
    counts.push({ block: key.at(-1) as number, count: Number(value.value) });
  }
  return counts;
}

function sumOf(blocks: readonly BlockCount[]): number {
  return blocks.reduce((sum, { count }) => sum + count, 0);
}

/** Where the entry at `offset` stands: below which number to start, and how many entries to skip there. */
async function seek(
  kv: Deno.Kv,
  list: ListKey,
  { blocks, offset }: { blocks: BlockCount[]; offset: number },
): Promise<{ below: number; skip: number } | null> {
  if (offset === 0) return { below: Infinity, skip: 0 };
  const large = skipBlocks(blocks, offset);
  if (large === null) return null;
  const ratio = 2 ** (blockBits[1] - blockBits[0]);
  const range = { from: large.block * ratio, to: (large.block + 1) * ratio };
  const small = skipBlocks(await readCounts(kv, [...list, blockBits[0]], range), large.rest);
  return small === null ? null : { below: (small.block + 1) * 2 ** blockBits[0], skip: small.rest };
}

function skipBlocks(blocks: BlockCount[], offset: number): { block: number; rest: number } | null {
  let rest = offset;
  for (const { block, count } of blocks.toReversed()) {
    if (rest < count) return { block, rest };
    rest -= count;
  }
  return null;
}
