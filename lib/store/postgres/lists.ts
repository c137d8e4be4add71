/** Listing entries in the order of their keys, batch by batch. */
import { Buffer } from "node:buffer";
import { askAgain } from "../patience.ts";
import type { Row } from "./connection.ts";
import { packKey, rangeUnder, unpackKey } from "./packed_key.ts";
import { entryOf, packRead, type ReadDeps } from "./reads.ts";
import { listEntries } from "./tables.ts";

const statements = { forward: listEntries("ASC"), reverse: listEntries("DESC") };

/** Of one batch, as on a file. */
const mostOfBatch = 1000;
const usualBatch = 100;
const mostUnasked = 500;

/** Of keys, the last one not among them. */
interface Range {
  start: Uint8Array;
  end: Uint8Array;
}

export function listEntriesOf<T>(
  deps: ReadDeps,
  { selector, options = {} }: { selector: Deno.KvListSelector; options?: Deno.KvListOptions },
): Deno.KvListIterator<T> {
  const { limit = Infinity, reverse: isReverse = false } = options;
  const batchSize = options.batchSize ?? Math.min(options.limit ?? usualBatch, mostUnasked);
  if (limit !== Infinity) demandPositive("Limit", limit);
  demandPositive("batchSize", batchSize);
  const range = rangeOf(selector);
  let batch: Row[] = [];
  let isLastBatch = false;
  let cursor: string | undefined;
  let count = 0;
  let left = options.cursor === undefined || options.cursor === ""
    ? range
    : beyond(range, { key: readCursor(options.cursor), isReverse });
  const iterator: Deno.KvListIterator<T> = {
    get cursor() {
      if (cursor === undefined) throw new Error("Cannot get cursor before first iteration");
      return cursor;
    },
    async next() {
      if (count >= limit) return { done: true, value: undefined };
      if (batch.length === 0 && !isLastBatch) await readBatch();
      const row = batch.shift();
      if (row === undefined) {
        cursor = "";
        return { done: true, value: undefined };
      }
      count++;
      const [key, ...rest] = row;
      cursor = Buffer.from(key as Uint8Array).toString("base64");
      return { done: false, value: entryOf(unpackKey(key as Uint8Array), rest) as Deno.KvEntry<T> };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;

  async function readBatch(): Promise<void> {
    if (batchSize > mostOfBatch) throw new TypeError(`Too many entries (max ${mostOfBatch})`);
    const wanted = Math.min(batchSize, limit - count);
    batch = await askAgain(async () => {
      const connection = await deps.lines.forRead();
      const statement = isReverse ? statements.reverse : statements.forward;
      return [...await connection.ask(statement, [left.start, left.end, wanted])];
    }, deps);
    isLastBatch = batch.length < wanted;
    const last = batch.at(-1);
    if (last !== undefined) left = beyond(left, { key: last[0] as Uint8Array, isReverse });
  }
}

function demandPositive(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new Error(`${name} must be a positive integer: received ${value}`);
}

function rangeOf(selector: Deno.KvListSelector): Range {
  const { prefix, start, end }: { prefix?: Deno.KvKey; start?: Deno.KvKey; end?: Deno.KvKey } = selector;
  if (prefix !== undefined) return rangeWithin(prefix, { start, end });
  if (start === undefined || end === undefined) {
    throw new TypeError("Selector must specify either 'prefix' or both 'start' and 'end' key");
  }
  const range = { start: packRead(start), end: packRead(end) };
  if (Buffer.compare(range.start, range.end) > 0) throw new TypeError("Start key is greater than end key");
  return range;
}

function rangeWithin(prefix: Deno.KvKey, { start, end }: { start?: Deno.KvKey; end?: Deno.KvKey }): Range {
  if (start !== undefined && end !== undefined) {
    throw new TypeError("Selector can not specify both 'start' and 'end' key when specifying 'prefix'");
  }
  const bytes = packRead(prefix);
  const whole = rangeUnder(bytes);
  const demandWithin = (key: Deno.KvKey, name: string): Uint8Array => {
    const packed = packKey(key);
    const isWithin = key.length > prefix.length &&
      Buffer.compare(packed.subarray(0, bytes.length), bytes) === 0;
    if (isWithin) return packRead(key);
    throw new TypeError(`${name} key is not in the keyspace defined by prefix`);
  };
  if (start !== undefined) return { start: demandWithin(start, "Start"), end: whole.end };
  if (end !== undefined) return { start: whole.start, end: demandWithin(end, "End") };
  return whole;
}

/** What is left of it behind a key that was read. */
function beyond(range: Range, { key, isReverse }: { key: Uint8Array; isReverse: boolean }): Range {
  if (isReverse) return { ...range, end: Buffer.compare(key, range.end) < 0 ? key : range.end };
  const next = Uint8Array.of(...key, 0);
  return { ...range, start: Buffer.compare(next, range.start) > 0 ? next : range.start };
}

function readCursor(cursor: string): Uint8Array {
  const key = Buffer.from(cursor, "base64");
  if (key.length > 0 && key.toString("base64") === cursor) return key;
  throw new TypeError("invalid cursor");
}
