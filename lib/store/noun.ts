/**
 * What a noun states of its records: what follows from each, and which bytes must be there for it. Whatever works on
 * all records (verify, rebuild, backup, the deletion of an account) goes through such statements and knows no noun by
 * name; the write path does not use them, so a mistake there shows.
 */
import { countKeys, countOut, entryKey } from "./counted_list.ts";
import type { ListKey } from "./schema.ts";

export interface Noun<Stored, Facts> {
  /** Where its records stand. */
  kind: readonly Deno.KvKeyPart[];
  /** What has to be known of a record; of all of them at once it is kept in memory. Null: nothing follows from it. */
  facts(record: Deno.KvEntry<Stored>): Facts | null;
  /** The entries that follow from it. */
  implied(facts: Facts, now: number): ImpliedEntry[];
  /** Where all such entries stand; nothing else does. */
  indexes: readonly Index[];
  /** The bytes that must be there. */
  blobs?(facts: Facts): StoredBlob[];
}

export interface ImpliedEntry {
  key: Deno.KvKey;
  value: unknown;
  /** Milliseconds; it goes by itself after that. */
  expireIn?: number;
  /** It stands in this list, which is counted. */
  counted?: { list: ListKey; number: number };
  /** Where more values than this one are right. */
  isRight?(stored: unknown): boolean;
}

export interface Index {
  prefix: readonly Deno.KvKeyPart[];
  /** What a check calls its entries, such as "queue_entry". */
  name: string;
  /** The last part of the key of the record that an entry follows from. */
  recordId(entry: Deno.KvEntry<unknown>): string;
}

export interface StoredBlob {
  key: string;
  contentType: string;
}

/** The entry of a record in a counted list. */
export function listed(list: ListKey, { number, id }: { number: number; id: string }): ImpliedEntry {
  return { key: entryKey(list, number), value: id, counted: { list, number } };
}

/** Takes an entry away that is surely there. */
export function removeImplied(atomic: Deno.AtomicOperation, { key, counted }: ImpliedEntry): void {
  atomic.delete(key);
  if (counted !== undefined) countOut(atomic, counted.list, counted.number);
}

/** The keys of the counts that an entry is part of. */
export function countsOf({ counted }: ImpliedEntry): Deno.KvKey[] {
  return counted === undefined ? [] : countKeys(counted.list, counted.number);
}

/** An entry whose value is the record's id, or whose key ends with it. */
export const idInValue = ({ value }: Deno.KvEntry<unknown>): string => String(value);
export const idInKey = ({ key }: Deno.KvEntry<unknown>): string => String(key.at(-1));
