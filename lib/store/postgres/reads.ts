/**
 * Reading entries by their keys. Reads that are asked for at the same moment go to the database together: it takes as
 * long to answer a statement, whatever that asks for.
 */
import { Buffer } from "node:buffer";
import { askAgain } from "../patience.ts";
import type { Row } from "./connection.ts";
import type { Lines } from "./lines.ts";
import { bytesArrayOf } from "./literals.ts";
import { packKey } from "./packed_key.ts";
import { valueOf } from "./stored_value.ts";
import { readEntries } from "./tables.ts";
import { versionstampOf } from "./versionstamp.ts";

export interface ReadDeps {
  lines: Lines;
  waitMs: number;
  signal: AbortSignal;
}

/** Reads any number of keys at one moment. */
export type ReadEntries = (keys: readonly Deno.KvKey[]) => Promise<Deno.KvEntryMaybe<unknown>[]>;

/** A key that is a little longer than one that is there can be asked for. */
const mostKeyBytes = 2049;
const mostTogether = 500;

interface Asked {
  keys: readonly Uint8Array[];
  resolve: (rows: Map<string, Row>) => void;
  reject: (error: unknown) => void;
}

export function createReads({ lines, waitMs, signal }: ReadDeps): ReadEntries {
  let gathered: Asked[] = [];
  return async (keys) => {
    const packed = keys.map(packRead);
    const rows = await askAgain(() => together(packed), { waitMs, signal });
    return keys.map((key, i) => entryOf(key, rows.get(nameOf(packed[i]))));
  };

  function together(keys: readonly Uint8Array[]): Promise<Map<string, Row>> {
    return new Promise((resolve, reject) => {
      if (gathered.length === 0) queueMicrotask(askAll);
      gathered.push({ keys, resolve, reject });
    });
  }

  function askAll(): void {
    const all = gathered;
    gathered = [];
    for (let i = 0; i < all.length;) {
      const group = [all[i++]];
      let count = group[0].keys.length;
      while (i < all.length && count + all[i].keys.length <= mostTogether) {
        count += all[i].keys.length;
        group.push(all[i++]);
      }
      void ask(group);
    }
  }

  async function ask(group: readonly Asked[]): Promise<void> {
    try {
      const keys = new Map(group.flatMap(({ keys }) => keys.map((key) => [nameOf(key), key])));
      const names = [...keys.keys()];
      const connection = await lines.forRead();
      const rows = await connection.ask(readEntries, [bytesArrayOf([...keys.values()])]);
      const found = new Map(rows.map(([place, ...row]) => [names[Number(place) - 1], row]));
      for (const { resolve } of group) resolve(found);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

export function packRead(key: Deno.KvKey): Uint8Array {
  const bytes = packKey(key);
  if (bytes.length <= mostKeyBytes) return bytes;
  throw new TypeError(`Key too large for read (max ${mostKeyBytes} bytes)`);
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}

/** Of a row's kind, value, number and version. */
export function entryOf(key: Deno.KvKey, row: Row | undefined): Deno.KvEntryMaybe<unknown> {
  if (row === undefined) return { key, value: null, versionstamp: null };
  const [kind, bytes, number, version] = row;
  const stored = {
    kind: Number(kind),
    bytes: bytes as Uint8Array | null,
    number: number === null ? null : BigInt(String(number)),
  };
  return { key, value: valueOf(stored), versionstamp: versionstampOf(BigInt(String(version))) };
}
