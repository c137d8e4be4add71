/**
 * Keys as bytes whose order is the order of the keys, as Deno KV packs them in its own files: denoland/denokv,
 * `proto/codec.rs`, after the tuples of FoundationDB. `bytea` sorts them byte by byte.
 */
import { Buffer } from "node:buffer";

/** The order of kinds: bytes, strings, whole numbers of any length, numbers, truth. */
const tags = {
  end: 0x00,
  bytes: 0x01,
  string: 0x02,
  longNegative: 0x0b,
  zero: 0x14,
  longPositive: 0x1d,
  number: 0x21,
  false: 0x26,
  true: 0x27,
} as const;

/** Behind a zero byte that is part of a text; else it ends there. */
const escape = 0xff;
/** What takes more bytes has their number written before it. */
const mostShortBytes = 8;

/** Throws `TypeError` on what can't be part of a key. */
export function packKey(key: Deno.KvKey): Uint8Array {
  const out: number[] = [];
  for (const part of key) packPart(out, part);
  return Uint8Array.from(out);
}

function packPart(out: number[], part: unknown): void {
  if (typeof part === "string") packText(out, tags.string, Buffer.from(part));
  else if (typeof part === "number") packNumber(out, part);
  else if (typeof part === "bigint") packWhole(out, part);
  else if (typeof part === "boolean") out.push(part ? tags.true : tags.false);
  else if (ArrayBuffer.isView(part)) {
    packText(out, tags.bytes, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  } else throw new TypeError("expected string, number, bigint, ArrayBufferView, boolean");
}

function packText(out: number[], tag: number, bytes: Uint8Array): void {
  out.push(tag);
  for (const byte of bytes) {
    out.push(byte);
    if (byte === 0) out.push(escape);
  }
  out.push(tags.end);
}

/** The bits of a positive number sort as they are but for the sign, those of a negative one the other way round. */
function packNumber(out: number[], value: number): void {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const isNegative = bits >> 63n === 1n;
  view.setBigUint64(0, isNegative ? ~bits : bits | 1n << 63n);
  out.push(tags.number, ...new Uint8Array(view.buffer));
}

function packWhole(out: number[], value: bigint): void {
  if (value === 0n) return void out.push(tags.zero);
  const size = bytesOf(value < 0n ? -value : value);
  const bytes = size.map((byte) => value < 0n ? byte ^ 0xff : byte);
  const { length } = bytes;
  if (length <= mostShortBytes) out.push(value < 0n ? tags.zero - length : tags.zero + length, ...bytes);
  else if (length > 0xff) throw new TypeError("A bigint of a key is too large");
  else if (value < 0n) out.push(tags.longNegative, length ^ 0xff, ...bytes);
  else out.push(tags.longPositive, length, ...bytes);
}

/** The first one is the greatest. */
function bytesOf(value: bigint): number[] {
  const hex = value.toString(16);
  return [...Uint8Array.fromHex(hex.padStart(hex.length + hex.length % 2, "0"))];
}

/** What `packKey` packed. */
export function unpackKey(bytes: Uint8Array): Deno.KvKeyPart[] {
  const key: Deno.KvKeyPart[] = [];
  for (let at = 0; at < bytes.length;) {
    const { part, end } = unpackPart(bytes, at);
    key.push(part);
    at = end;
  }
  return key;
}

interface Unpacked {
  part: Deno.KvKeyPart;
  /** Where the next one begins. */
  end: number;
}

function unpackPart(bytes: Uint8Array, at: number): Unpacked {
  const tag = bytes[at];
  if (tag === tags.string) {
    const { text, end } = unpackText(bytes, at + 1);
    return { part: text.toString(), end };
  }
  if (tag === tags.bytes) {
    const { text, end } = unpackText(bytes, at + 1);
    return { part: new Uint8Array(text), end };
  }
  if (tag === tags.number) return { part: unpackNumber(bytes, at + 1), end: at + 9 };
  if (tag === tags.true || tag === tags.false) return { part: tag === tags.true, end: at + 1 };
  if (tag >= tags.longNegative && tag <= tags.longPositive) return unpackWhole(bytes, at);
  throw new Error(`The database has a key that this program does not know: ${bytes.toHex()}`);
}

function unpackText(bytes: Uint8Array, at: number): { text: Buffer; end: number } {
  const end = bytes.indexOf(tags.end, at);
  const plain = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at);
  if (bytes[end + 1] !== escape) return { text: plain, end: end + 1 };
  const text: number[] = [];
  for (; bytes[at] !== tags.end || bytes[at + 1] === escape; at++) {
    text.push(bytes[at]);
    if (bytes[at] === tags.end) at++;
  }
  return { text: Buffer.from(text), end: at + 1 };
}

function unpackNumber(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.slice(at, at + 8).buffer);
  const bits = view.getBigUint64(0);
  const isNegative = bits >> 63n === 0n;
  view.setBigUint64(0, isNegative ? ~bits : bits & ~(1n << 63n));
  return view.getFloat64(0);
}

function unpackWhole(bytes: Uint8Array, at: number): Unpacked {
  const tag = bytes[at];
  if (tag === tags.zero) return { part: 0n, end: at + 1 };
  const isNegative = tag < tags.zero;
  const isLong = tag === tags.longNegative || tag === tags.longPositive;
  const length = !isLong ? Math.abs(tag - tags.zero) : isNegative ? bytes[at + 1] ^ 0xff : bytes[at + 1];
  const begin = at + (isLong ? 2 : 1);
  const size = bytes.slice(begin, begin + length).map((byte) => isNegative ? byte ^ 0xff : byte);
  const value = BigInt(`0x${size.toHex()}`);
  return { part: isNegative ? -value : value, end: begin + length };
}

/** The first and the one behind the last of all keys that begin with these parts and go on. */
export function rangeUnder(prefix: Uint8Array): { start: Uint8Array; end: Uint8Array } {
  return { start: Uint8Array.of(...prefix, 0x00), end: Uint8Array.of(...prefix, 0xff) };
}

/** Those of as many keys as a commit writes fit into what PostgreSQL notifies of, 8000 bytes. */
const hashLength = 7;

/** Of a packed key (FNV-1a), all as long. Two keys may have the same one. */
export function hashOfKey(key: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(36).padStart(hashLength, "0");
}

/** One behind another. */
export function hashesIn(text: string): Set<string> {
  return new Set(
    Array.from(
      { length: text.length / hashLength },
      (_, i) => text.slice(i * hashLength, (i + 1) * hashLength),
    ),
  );
}
