/**
 * Two texts that were written from the same third one, put together word by word. A change is a run of words that is
 * different, from where in the common text to where; changes of the two that neither overlap nor touch go both in, and
 * the same change made by both goes in once. Anything else is a conflict, which people settle.
 *
 * Words are those of Unicode (UAX #29), so that Chinese, Japanese and Thai, which put no spaces between them, have words
 * as well; a run of spaces is one of its own, and so is each line break and each placeholder. Put together again they
 * are the text, to the last space.
 */
import { diffArrays } from "diff";

const segmenter = new Intl.Segmenter("und", { granularity: "word" });
/** A placeholder is changed as a whole. */
const wholes = /(\{\s*[\p{L}_][\p{L}\p{N}\p{M}_-]*\s*\})/u;

export function wordsOf(text: string): string[] {
  return text.split(wholes).flatMap((part, i) =>
    i % 2 === 1 ? [part] : Array.from(segmenter.segment(part), ({ segment }) => segment)
  );
}

/** Null: they can't be put together by themselves. */
export function mergeTexts({ base, mine, theirs }: Three<string>): string | null {
  if (mine === theirs || theirs === base) return mine;
  if (mine === base) return theirs;
  const words = wordsOf(base);
  const [own, others] = [mine, theirs].map((text) => changesOf(words, wordsOf(text)));
  return own === null || others === null ? null : applied(words, own, others);
}

export interface Three<T> {
  base: T;
  mine: T;
  theirs: T;
}

/** From `start` up to `end` of the common words there are these instead. */
interface Change {
  start: number;
  end: number;
  words: string[];
}

/**
 * What is more different than this is no change of a text any more. It also bounds the work, which grows with the
 * square of it: a tenth of a second.
 */
export const mostEdits = 600;

function changesOf(from: readonly string[], to: readonly string[]): Change[] | null {
  const parts = diffArrays([...from], [...to], { maxEditLength: mostEdits });
  if (parts === undefined) return null;
  const changes: Change[] = [];
  let at = 0;
  for (const { added, removed, value } of parts) {
    const last = changes.at(-1);
    const change = last !== undefined && last.end === at ? last : { start: at, end: at, words: [] };
    if ((added || removed) && change !== last) changes.push(change);
    if (added) change.words.push(...value);
    else at += value.length;
    if (removed) change.end = at;
  }
  return changes;
}

/** In the order of the text; null where two of them meet and are not the same. */
function applied(words: readonly string[], own: Change[], others: Change[]): string | null {
  const all = [...own, ...others].toSorted((a, b) => a.start - b.start || a.end - b.end);
  const kept: Change[] = [];
  for (const change of all) {
    const last = kept.at(-1);
    if (last === undefined || last.end < change.start) kept.push(change);
    else if (!isSame(last, change)) return null;
  }
  const text: string[] = [];
  let at = 0;
  for (const { start, end, words: instead } of kept) {
    text.push(...words.slice(at, start), ...instead);
    at = end;
  }
  return [...text, ...words.slice(at)].join("");
}

function isSame(a: Change, b: Change): boolean {
  return a.start === b.start && a.end === b.end && a.words.join("") === b.words.join("");
}

/** Field by field: what only one of them changed is as they want it. `conflicts` names those that both changed. */
export function mergeFields<T extends object>(
  { base, mine, theirs }: Three<T>,
): { merged: T; conflicts: (keyof T & string)[] } {
  const names = new Set([base, mine, theirs].flatMap((each) => Object.keys(each) as (keyof T & string)[]));
  const conflicts: (keyof T & string)[] = [];
  const merged: Partial<T> = {};
  for (const name of names) {
    const isMine = theirs[name] === base[name] || mine[name] === theirs[name];
    if (!isMine && mine[name] !== base[name]) conflicts.push(name);
    const value = isMine ? mine[name] : theirs[name];
    if (value !== undefined) merged[name] = value;
  }
  return { merged: merged as T, conflicts };
}
