/**
 * Finding pictures among a hundred thousand. For each term of a picture there is an index entry with its number, so
 * the pictures of a term are a list in the order of time; what has all terms is found by leaping from list to list,
 * newest first. A typed word counts for every word that begins with it. Each call does a bounded amount of work: if
 * that does not fill the page, it says where to go on.
 */
import type { Image } from "./image.ts";
import { readImages } from "./prompt_store.ts";
import { keys, lists } from "./schema.ts";
import { modelTerm, sizeTerm, wordsOf } from "./search_terms.ts";
import type { Store } from "./store.ts";

export interface ImageQuery {
  /** As typed; its words may come in any order. */
  text: string;
  model: string | null;
  /** "WIDTHxHEIGHT". */
  size: string | null;
  /** ISO dates (UTC), both inclusive. */
  from: string | null;
  to: string | null;
}

export interface Found {
  /** Newest first. */
  images: Image[];
  /** The number to go on before; null when there is no more. */
  next: number | null;
}

export function isEmptyQuery({ text, model, size, from, to }: ImageQuery): boolean {
  return wordsOf(text).length === 0 && model === null && size === null && from === null && to === null;
}

/** Words that begin with a typed one, at most; the alphabetically first count. */
const maxWordsPerPrefix = 100;
/** Index entries read for one call, at most. */
const maxReads = 20_000;
const batchSize = 64;

/** A page of what matches, older than number `before`. */
export async function searchImages(
  store: Store,
  { userId, query, limit, before = Infinity }: {
    userId: string;
    query: ImageQuery;
    limit: number;
    before?: number;
  },
): Promise<Found> {
  const work = { left: maxReads };
  const groups = await openGroups(store.kv, { userId, query, work });
  const { first, last } = await numbersBetween(store.kv, { userId, query });
  let number = Math.min(before - 1, last);
  const ids: string[] = [];
  while (number >= first && ids.length <= limit && work.left > 0) {
    const floors = await Promise.all(groups.map((group) => group.floor(number)));
    if (floors.includes(null)) return page(null);
    const lowest = Math.min(...floors.map((floor) => floor!.number));
    if (lowest < first) return page(null);
    if (floors.every((floor) => floor!.number === lowest)) {
      ids.push(floors[0]!.id);
      number = lowest - 1;
    } else number = lowest;
  }
  if (ids.length > limit) return page("more");
  return page(number < first ? null : number + 1);

  async function page(end: number | "more" | null): Promise<Found> {
    const images = (await readImages(store, ids.slice(0, limit))).map(({ value }) => value);
    return { images, next: end === "more" ? images.at(-1)!.sequence : end };
  }
}

interface Entry {
  number: number;
  id: string;
}

/** The pictures of a term, or of any of several. */
interface Group {
  /** The latest whose number is at most this one. */
  floor(number: number): Promise<Entry | null>;
}

async function openGroups(
  kv: Deno.Kv,
  { userId, query, work }: { userId: string; query: ImageQuery; work: { left: number } },
): Promise<Group[]> {
  const { text, model, size } = query;
  const exact = [
    ...model === null ? [] : [modelTerm(model)],
    ...size === null ? [] : [sizeOf(size)],
  ].map((term) => openList(kv, { prefix: keys.imageTerms(userId, term), work }));
  const words = await Promise.all(
    wordsOf(text).map(async (word) => {
      const terms = await termsBeginning(kv, { userId, word });
      return anyOf(terms.map((term) => openList(kv, { prefix: keys.imageTerms(userId, term), work })));
    }),
  );
  const groups = [...words, ...exact];
  return groups.length > 0 ? groups : [openList(kv, { prefix: [...lists.images(userId)], work })];
}

function sizeOf(size: string): string {
  const [width, height] = size.split("x").map(Number);
  return sizeTerm({ width, height });
}

/** The words that begin with this one, found by leaping from word to word. */
async function termsBeginning(
  kv: Deno.Kv,
  { userId, word }: { userId: string; word: string },
): Promise<string[]> {
  const terms: string[] = [];
  let start: Deno.KvKey = keys.imageTerms(userId, word);
  const end = keys.imageTerms(userId, `${word}\u{10ffff}`);
  while (terms.length < maxWordsPerPrefix) {
    const [entry] = await Array.fromAsync(kv.list({ start, end }, { limit: 1 }));
    if (entry === undefined) break;
    const term = entry.key[2] as string;
    terms.push(term);
    start = [...keys.imageTerms(userId, term), Infinity];
  }
  return terms;
}

function anyOf(groups: Group[]): Group {
  return {
    async floor(number) {
      const floors = await Promise.all(groups.map((group) => group.floor(number)));
      return floors.reduce(
        (best, each) => best === null || (each !== null && each.number > best.number) ? each : best,
        null,
      );
    },
  };
}

/** Read from the end in batches; only ever asked for smaller numbers than before. */
function openList(
  kv: Deno.Kv,
  { prefix, work }: { prefix: Deno.KvKey; work: { left: number } },
): Group {
  const ahead: Entry[] = [];
  let isOver = false;
  return {
    async floor(number) {
      while (ahead.length > 0 && ahead[0].number > number) ahead.shift();
      if (ahead.length === 0 && !isOver) {
        const end = number === Infinity ? [...prefix, Infinity] : [...prefix, number + 1];
        const selector = { start: [...prefix, 0], end };
        for await (const { key, value } of kv.list<string>(selector, { reverse: true, limit: batchSize })) {
          ahead.push({ number: key.at(-1) as number, id: value });
        }
        work.left -= Math.max(1, ahead.length);
        isOver = ahead.length === 0;
      }
      return ahead[0] ?? null;
    },
  };
}

/** The numbers of the pictures of these days. Their ids tell the time (UUIDv7), and grow with their numbers. */
async function numbersBetween(
  kv: Deno.Kv,
  { userId, query: { from, to } }: { userId: string; query: ImageQuery },
): Promise<{ first: number; last: number }> {
  const dayMs = 24 * 3600 * 1000;
  const first = from === null ? 1 : await numberAt(kv, { userId, at: Date.parse(from) });
  const last = to === null ? Infinity : await numberAt(kv, { userId, at: Date.parse(to) + dayMs }) - 1;
  return { first, last };
}

/** The smallest number of a picture that was made at this time or later; one past the last where there is none. */
async function numberAt(kv: Deno.Kv, { userId, at }: { userId: string; at: number }): Promise<number> {
  const prefix = [...lists.images(userId)];
  const [newest] = await Array.fromAsync(kv.list<string>({ prefix }, { reverse: true, limit: 1 }));
  if (newest === undefined) return 1;
  let low = 1;
  let high = (newest.key.at(-1) as number) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const selector = { start: [...prefix, middle], end: [...prefix, high] };
    const [entry] = await Array.fromAsync(kv.list<string>(selector, { limit: 1 }));
    if (entry === undefined || timeOf(entry.value) >= at) high = middle;
    else low = (entry.key.at(-1) as number) + 1;
  }
  return low;
}

function timeOf(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
