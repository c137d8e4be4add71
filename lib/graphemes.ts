/**
 * Cutting text where people see no seam: a letter with its marks, a flag or a family of emoji is one thing to a reader
 * and several to a program. What counts as one is Unicode's grapheme cluster (UAX #29), which is independent of the
 * language here.
 */

const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
const encoder = new TextEncoder();

interface Limits {
  /** Unicode code points, which is what "characters" are wherever Darkroom counts them. */
  chars?: number;
  /** Bytes of UTF-8. */
  bytes?: number;
}

/**
 * The beginning of a text, within these limits, that does not end inside of what a reader sees as one letter. A first
 * one that alone passes the limits is cut between its code points: there is no better place.
 */
export function cutText(text: string, { chars = Infinity, bytes = Infinity }: Limits): string {
  if (text.length <= chars && text.length * mostBytesOfUnit <= bytes) return text;
  // Nothing longer than this can count, so that an endless text costs no more than a long one.
  const within = text.slice(0, Math.min(chars, bytes) * 2 + longestCluster);
  // Of these each is a letter by itself, a character and a byte.
  if (/^[ -~]*$/.test(within)) return within.slice(0, Math.min(chars, bytes));
  let end = 0;
  let left = { chars, bytes };
  for (const { segment, index } of segmenter.segment(within)) {
    left = { chars: left.chars - Array.from(segment).length, bytes: left.bytes - byteLength(segment) };
    if (left.chars < 0 || left.bytes < 0) break;
    end = index + segment.length;
  }
  return end > 0 ? text.slice(0, end) : cutChars(text, { chars, bytes });
}

/** Of UTF-8, that one unit of UTF-16 comes to. */
const mostBytesOfUnit = 3;

/** Code units that a letter which begins within the limits may reach beyond them. */
const longestCluster = 64;

function cutChars(text: string, { chars, bytes }: Required<Limits>): string {
  let end = 0;
  let left = { chars, bytes };
  for (const char of text) {
    left = { chars: left.chars - 1, bytes: left.bytes - byteLength(char) };
    if (left.chars < 0 || left.bytes < 0) break;
    end += char.length;
  }
  return text.slice(0, end);
}

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** What a reader sees as its letters, in order. */
export function graphemesOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
