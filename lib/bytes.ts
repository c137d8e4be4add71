/** Bytes in pieces. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes that come bit by bit, written where they stay: a new block only where the last one is full. */
export interface GrowingBytes {
  /** Room for so many bytes, of which `add` says how many were written. */
  room(size: number): Uint8Array<ArrayBuffer>;
  add(written: number): void;
  /** All of them, when there are no more. */
  whole(): Uint8Array<ArrayBuffer>;
}

const smallestBlock = 16 * 1024;
const largestBlock = 4 * 1024 * 1024;

/** `expected`: how many there will be, where somebody said so. It may be wrong, and then costs little. */
export function createGrowingBytes({ expected = 0 } = {}): GrowingBytes {
  const firstBlock = Math.max(smallestBlock, Math.min(largestBlock, expected));
  const full: Uint8Array[] = [];
  let block = new Uint8Array(0);
  let length = 0;
  return {
    room(size) {
      if (block.length - length < size) {
        const next = full.length === 0 ? firstBlock : Math.min(largestBlock, 2 * block.length);
        if (length > 0) full.push(block.subarray(0, length));
        block = new Uint8Array(Math.max(size, next));
        length = 0;
      }
      return block.subarray(length, length + size);
    },
    add: (written) => void (length += written),
    whole() {
      if (full.length === 0) return block.subarray(0, length);
      const blocks = [...full, block.subarray(0, length)];
      const whole = joined(blocks);
      blocks.forEach(release);
      return whole;
    },
  };
}

/** Small ones may share their buffer with others, and are soon collected. */
const leastReleased = 64 * 1024;

/**
 * Gives the memory of large bytes back at once, which nobody will look at again. Left to the garbage collector,
 * megabytes of each picture would lie about for a while, and it would be called for the more often.
 */
export function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= leastReleased) buffer.transfer(0);
}
