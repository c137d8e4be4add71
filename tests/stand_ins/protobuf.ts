/** As much of protobuf's wire format as KV Connect is made of: numbers, bytes, messages within messages. */
export type Field = [number: number, value: bigint | Uint8Array<ArrayBuffer>];

const varintType = 0;
const bytesType = 2;

/** The fields of a message in the order in which they stand there. */
export function* readFields(message: Uint8Array<ArrayBuffer>): Generator<Field> {
  let at = 0;
  while (at < message.length) {
    const tag = Number(varint());
    const type = tag & 7;
    const value = varint();
    if (type === varintType) yield [tag >> 3, value];
    else if (type === bytesType) {
      const start = at;
      at += Number(value);
      yield [tag >> 3, message.subarray(start, at)];
    } else throw new Error(`There are no fields of type ${type} in KV Connect`);
  }

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}

/** The values of those fields that have a number, as bytes. */
export function bytesIn(message: Uint8Array<ArrayBuffer>, number: number): Uint8Array<ArrayBuffer>[] {
  return [...readFields(message)].flatMap(([each, value]) =>
    each === number && typeof value !== "bigint" ? [value] : []
  );
}

/** The value of a number, zero where it is left out. */
export function numberIn(message: Uint8Array<ArrayBuffer>, number: number): bigint {
  const found = [...readFields(message)].findLast(([each]) => each === number)?.[1] ?? 0n;
  if (typeof found === "bigint") return found;
  throw new Error(`Field ${number} is no number`);
}

/** A message of these fields; zeros and nothing are left out, as protobuf does. */
export function message(
  ...fields: (readonly [number: number, value: bigint | number | boolean | Uint8Array | undefined])[]
): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (value === undefined) continue;
    if (typeof value === "object") {
      putVarint(BigInt(number << 3 | bytesType));
      putVarint(BigInt(value.length));
      parts.push(Uint8Array.from(bytes.splice(0)), value);
    } else if (BigInt(value) !== 0n) {
      putVarint(BigInt(number << 3 | varintType));
      putVarint(BigInt(value));
    }
  }
  parts.push(Uint8Array.from(bytes));
  return joined(parts);

  function putVarint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
