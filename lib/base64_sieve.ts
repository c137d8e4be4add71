/**
 * Takes pictures out of JSON while it arrives. A provider's answer is a little text around megabytes of base64: read
 * as a whole it is gone over again and again, and the event loop stands still meanwhile. Here each piece is decoded
 * as it comes, and what is left to parse is short.
 *
 * It works on any UTF-8 text whose strings stand as in JSON, so on event streams too. In place of a long string of
 * base64 (in either alphabet, also behind a `data:` prefix) stands a mark, and `parse` puts the bytes there. A string
 * that turns out to be no base64 after all is text again.
 */
import { Buffer } from "node:buffer";
import { createGrowingBytes } from "./bytes.ts";

export interface Base64Sieve {
  /** The text of the next piece, without what was taken out of it. */
  push(chunk: Uint8Array): string;
  /** What is left when there are no more pieces. */
  end(): string;
  /**
   * JSON of such text, with a `Uint8Array` for each string that was taken out. Throws `SyntaxError`. The sieve keeps
   * nothing of it, so of a text that is parsed line by line no more than a line is in memory.
   */
  parse(text: string): unknown;
}

/** Shorter strings are quickly read as text. */
const shortest = 4096;
const quote = 0x22;
const backslash = 0x5c;
/** What stands in place of a string that was taken out. */
const mark = /\\u0000(\d+)/g;

/** `length`: that of the whole text in bytes, where it is known. */
export function createBase64Sieve({ length = 0 } = {}): Base64Sieve {
  const decoder = new TextDecoder();
  const taken = new Map<string, Uint8Array>();
  let takenCount = 0;
  let state: "outside" | "undecided" | "text" | "base64" = "outside";
  /** The first bytes of a string, of which it is not known yet what it is. */
  const held = new Uint8Array(shortest);
  let heldLength = 0;
  /** The next byte of the string is escaped. */
  let isEscaped = false;
  let base64 = createBase64Text(length);

  return {
    push(chunk) {
      let text = "";
      for (let rest = chunk; rest.length > 0;) {
        const [more, length] = step(rest);
        text += more;
        rest = rest.subarray(length);
      }
      return text;
    },
    end() {
      const rest = state === "undecided" ? release() : state === "base64" ? base64.asText() : "";
      return rest + decoder.decode();
    },
    parse(text) {
      try {
        return JSON.parse(text, (_, value) => typeof value === "string" ? restored(value) : value);
      } finally {
        for (const [, number] of text.matchAll(mark)) taken.delete(number);
      }
    },
  };

  /** The text of the next few bytes, and how many they were. */
  function step(bytes: Uint8Array): [text: string, length: number] {
    if (state === "outside") {
      const begin = bytes.indexOf(quote);
      if (begin >= 0) state = "undecided";
      return passed(bytes, begin < 0 ? bytes.length : begin + 1);
    }
    if (state === "base64") {
      // To look for the end in a string is ten times as quick as in bytes.
      const piece = latin1(bytes);
      const end = piece.indexOf('"');
      if (end < 0) return [followed(piece, { isWhole: false }), bytes.length];
      return [followed(piece.slice(0, end), { isWhole: true }), end];
    }
    const limit = state === "text" ? bytes.length : Math.min(bytes.length, shortest - heldLength);
    const { length, isOver } = partOfString(bytes, limit);
    if (state === "text") {
      if (isOver) state = "outside";
      return passed(bytes, length);
    }
    held.set(bytes.subarray(0, length), heldLength);
    heldLength += length;
    if (isOver) state = "outside";
    return [isOver ? release() : heldLength === shortest ? decided() : "", length];
  }

  function passed(bytes: Uint8Array, length: number): [text: string, length: number] {
    return [decoder.decode(bytes.subarray(0, length), { stream: true }), length];
  }

  /** Up to the string's closing quote, or as many bytes as there may be. */
  function partOfString(bytes: Uint8Array, limit: number): { length: number; isOver: boolean } {
    for (let at = 0; at < limit; at++) {
      if (isEscaped) isEscaped = false;
      else if (bytes[at] === backslash) isEscaped = true;
      else if (bytes[at] === quote) return { length: at + 1, isOver: true };
    }
    return { length: limit, isOver: false };
  }

  function release(): string {
    const [text] = passed(held, heldLength);
    heldLength = 0;
    return text;
  }

  /** The string is long: taken out from here on, or text for good. */
  function decided(): string {
    base64 = createBase64Text(takenCount === 0 ? length : 0);
    if (base64.add(latin1(held))) {
      state = "base64";
      heldLength = 0;
      isEscaped = false;
      return "";
    }
    state = "text";
    return release();
  }

  function followed(piece: string, { isWhole }: { isWhole: boolean }): string {
    const isBase64 = base64.add(piece);
    if (isBase64 && !isWhole) return "";
    const whole = isBase64 ? base64.end() : null;
    if (whole !== null) {
      // The closing quote is still to come.
      state = "text";
      const number = String(takenCount++);
      taken.set(number, whole);
      return `\\u0000${number}`;
    }
    const text = base64.asText();
    state = "text";
    isEscaped = /(?<!\\)(\\\\)*\\$/.test(text);
    return text;
  }

  function restored(value: string): string | Uint8Array {
    return (value.startsWith("\0") ? taken.get(value.slice(1)) : undefined) ?? value;
  }
}

/** One string of base64 that comes in pieces, as JSON writes it. */
interface Base64Text {
  /** False: it is none. */
  add(piece: string): boolean;
  /** Its bytes; null: it is no base64 after all. */
  end(): Uint8Array | null;
  /** What it was, as plain base64 as far as it was read. */
  asText(): string;
}

const dataPrefix = /^data:[^,"\\]{0,200};base64,/;
/** The beginning of an escape of JSON whose end is still to come. */
const halfEscape = /\\(u[0-9a-fA-F]{0,3})?$/;

function createBase64Text(length: number): Base64Text {
  const bytes = createGrowingBytes({ expected: Math.ceil(length / 4) * 3 });
  let prefix: string | null = null;
  /** What does not fill four characters yet, or is half of an escape. */
  let rest = "";

  return {
    add(piece) {
      if (prefix !== null) return addPlain(piece);
      prefix = dataPrefix.exec(piece)?.[0] ?? "";
      return addPlain(piece.slice(prefix.length));
    },
    end() {
      const done = decodeInto(bytes.room(3), rest, "loose");
      if (done === null || done.read < rest.length) return null;
      bytes.add(done.written);
      return bytes.whole();
    },
    asText: () => (prefix ?? "") + bytes.whole().toBase64() + rest,
  };

  /** What is left of the piece before is filled up first, so that the long rest need not be copied. */
  function addPlain(piece: string): boolean {
    const filling = rest === "" ? 0 : Math.min(piece.length, Math.max(0, 4 - rest.length));
    rest += piece.slice(0, filling);
    return decodeRest() && (filling === piece.length || addAll(piece.slice(filling)));
  }

  function addAll(piece: string): boolean {
    rest += piece;
    return decodeRest();
  }

  function decodeRest(): boolean {
    const room = bytes.room(Math.ceil(rest.length / 4) * 3);
    const done = decodeInto(room, rest, "stop-before-partial") ?? decodeUnusual(room);
    if (done === null) return false;
    bytes.add(done.written);
    rest = rest.slice(done.read);
    return true;
  }

  /** In the other alphabet, or with escapes of JSON; what is left of it afterwards is in the plain form. */
  function decodeUnusual(room: Uint8Array): ReturnType<typeof decodeInto> {
    const half = halfEscape.exec(rest)?.[0] ?? "";
    const whole = unescape(rest.slice(0, rest.length - half.length));
    const plain = whole.replaceAll("-", "+").replaceAll("_", "/").replaceAll(/\s+/g, "");
    const done = decodeInto(room, plain, "stop-before-partial");
    if (done !== null) rest = plain + half;
    return done;
  }
}

function unescape(text: string): string {
  try {
    return JSON.parse(`"${text}"`);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function decodeInto(
  bytes: Uint8Array,
  text: string,
  lastChunkHandling: "loose" | "stop-before-partial",
): { read: number; written: number } | null {
  try {
    return bytes.setFromBase64(text, { lastChunkHandling });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
