/**
 * Values as Deno KV holds them in its own files: structured clones as V8 writes them, bytes as they are, and whole
 * numbers of 64 bits, with which the database can reckon by itself.
 */
import type { Buffer } from "node:buffer";
import v8 from "node:v8";

/** How a row tells them apart. */
export const kindsOfValue = { clone: 1, number: 2, bytes: 3 } as const;

export interface StoredValue {
  kind: number;
  bytes: Uint8Array | null;
  number: bigint | null;
}

/** Throws `TypeError` on what can't be cloned. */
export function storedValue(value: unknown): StoredValue {
  if (value instanceof Deno.KvU64) return { kind: kindsOfValue.number, bytes: null, number: value.value };
  if (value instanceof Uint8Array) return { kind: kindsOfValue.bytes, bytes: value, number: null };
  return { kind: kindsOfValue.clone, bytes: cloned(value), number: null };
}

function cloned(value: unknown): Uint8Array {
  const serializer = new v8.Serializer();
  serializer.writeHeader();
  try {
    serializer.writeValue(value);
  } catch (error) {
    throw new TypeError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  return serializer.releaseBuffer();
}

export function valueOf({ kind, bytes, number }: StoredValue): unknown {
  if (kind === kindsOfValue.number) return new Deno.KvU64(number!);
  if (kind === kindsOfValue.bytes) return new Uint8Array(bytes!);
  const deserializer = new v8.Deserializer(bytes as Buffer);
  deserializer.readHeader();
  return deserializer.readValue();
}
