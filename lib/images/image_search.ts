/**
 * Finding pictures among a hundred thousand. For each term of a picture there is an index entry with its number, so
 * the pictures of a term are a list in the order of time; what has all terms is found by leaping from list to list,
 * newest first. A typed word counts for every word that begins with it; in scripts without spaces, for every text that
 * has it inside. Each call does a bounded amount of work: if that does not fill the page, it says where to go on.
 */
import { parseSize } from "../size.ts";
import { type Image, isMade, type MadeImage } from "./image.ts";
import { keys, lists } from "../store/schema.ts";
import { foldText, isNothing, type TypedText, typedText } from "../search_text.ts";
import { type CostKind, costTerm, modelTerm, sizeTerm } from "./search_terms.ts";
import type { Store } from "../store/store.ts";
import { dayIn } from "../users/time_zone.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { readImage, readImages } from "./image_store.ts";

export interface ImageQuery {
  /** Uploads are only ever listed; the other fields narrow down what was made. */
  kind: Image["kind"];
  /** As typed; its words may come in any order. */
  text: string;
  model: string | null;
  /** "WIDTHxHEIGHT". */
  size: string | null;
  /** ISO dates, both inclusive; days as they are in `zone`. */
  from: string | null;
  to: string | null;
  /** IANA name. */
  zone: string;
  cost: CostKind | null;
}

export interface Found {
  /** Newest first. */
  images: MadeImage[];
  /** The number to go on before; null when there is no more. */
  next: number | null;
}

/** It leaves nothing out. */
export function isEmptyQuery({ kind, text, zone: _, ...filters }: ImageQuery): boolean {
  if (kind === "upload") return true;
  return isNothing(typedText(text)) && Object.values(filters).every((filter) => filter === null);
}

/** Words that begin with a typed one, at most; the alphabetically first count. */
const maxWordsPerPrefix = 100;
/** Index entries read for one call, at most. */
const maxReads = 20_000;
const batchSize = 64;

interface Search {
  userId: string;
  query: ImageQuery;
}

/** A page of what matches, older than number `before`. */
export async function searchImages(
  store: Store,
  { limit, before = Infinity, ...search }: Search & { limit: number; before?: number },
): Promise<Found> {
  const { ids, next } = await walk(store, { ...search, limit, from: before - 1, towards: "older" });
  const images = (await readImages(store, ids)).map(({ value }) => value).filter(isMade);
  return { images, next: next === null ? null : next + 1 };
}

/** The next pictures on either side of number `number` that match; null where there is none. */
export async function searchNeighbours(
  store: Store,
  { number, ...search }: Search & { number: number },
): Promise<{ newer: string | null; older: string | null }> {
  const [newer, older] = await Promise.all([
    walk(store, { ...search, limit: 1, from: number + 1, towards: "newer" }),
    walk(store, { ...search, limit: 1, from: number - 1, towards: "older" }),
  ]);
  return { newer: newer.ids[0] ?? null, older: older.ids[0] ?? null };
}

type Direction = "older" | "newer";

/** Up to `limit` ids from number `from` on, and the number to go on from; null when there is no more. */
async function walk(
  store: Store,
  { limit, from, towards, userId, query }: Search & { limit: number; from: number; towards: Direction },
): Promise<{ ids: string[]; next: number | null }> {
  const work = { left: maxReads };
  const typed = typedText(query.text);
  const groups = await openGroups(store.kv, { userId, query, typed, work, towards });
  const { first, last } = await numbersBetween(store.kv, { userId, query });
  const onward = towards === "older" ? -1 : 1;
  const isOutside = (number: number) => number < first || number > last;
  let number = towards === "older" ? Math.min(from, last) : Math.max(from, first);
  const ids: string[] = [];
  while (!isOutside(number) && work.left > 0) {
    const nearest = await Promise.all(groups.map((group) => group.nearest(number)));
    if (nearest.some((entry) => entry === null || isOutside(entry.number))) return { ids, next: null };
    const numbers = nearest.map((entry) => entry!.number);
    const farthest = towards === "older" ? Math.min(...numbers) : Math.max(...numbers);
    if (numbers.some((each) => each !== farthest)) number = farthest;
    else if (ids.length === limit) return { ids, next: farthest };
    else {
      const { id } = nearest[0]!;
      if (await hasRows(store, { imageId: id, rows: typed.rows, work })) ids.push(id);
      number = farthest + onward;
    }
  }
  return { ids, next: isOutside(number) ? null : number };
}

/** Whether what was typed stands in a row in the picture's text; its pairs of letters are there already. */
async function hasRows(
  store: Store,
  { imageId, rows, work }: { imageId: string; rows: string[]; work: Reading["work"] },
): Promise<boolean> {
  if (rows.length === 0) return true;
  work.left -= 2;
  const image = await readImage(store, imageId);
  const prompt = image?.value.kind === "made" ? await readPrompt(store, image.value.promptId) : null;
  if (prompt === null) return false;
  const text = foldText(prompt.value.request.text);
  return rows.every((row) => text.includes(row));
}

interface Entry {
  number: number;
  id: string;
}

/** The pictures of a term, or of any of several. */
interface Group {
  /** The first from this number on, in the direction of the walk. */
  nearest(number: number): Promise<Entry | null>;
}

interface Reading {
  work: { left: number };
  towards: Direction;
}

async function openGroups(
  kv: Deno.Kv,
  { userId, query, typed, ...reading }: Search & Reading & { typed: TypedText },
): Promise<Group[]> {
  const { model, size, cost } = query;
  const listOf = (term: string) => openList(kv, { prefix: keys.imageTerms(userId, term), ...reading });
  const exact = [
    ...typed.exact,
    ...model === null ? [] : [modelTerm(model)],
    ...size === null ? [] : [sizeTerm(parseSize(size))],
    ...cost === null ? [] : [costTerm(cost)],
  ].map(listOf);
  const words = await Promise.all(
    typed.beginnings.map(async (word) => {
      const terms = await termsBeginning(kv, { userId, word });
      return anyOf(terms.map(listOf), reading.towards);
    }),
  );
  const groups = [...words, ...exact];
  return groups.length > 0 ? groups : [openList(kv, { prefix: [...lists.images(userId)], ...reading })];
}

/** The models and sizes that the user has pictures of. */
export async function listChoices(
  { kv }: Store,
  userId: string,
): Promise<{ models: string[]; sizes: string[] }> {
  const [models, sizes] = await Promise.all(
    [modelTerm(""), ":size "].map(async (word) =>
      (await termsBeginning(kv, { userId, word })).map((term) => term.slice(word.length))
    ),
  );
  return { models, sizes };
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

function anyOf(groups: Group[], towards: Direction): Group {
  const isNearer = (a: Entry, b: Entry) => towards === "older" ? a.number > b.number : a.number < b.number;
  return {
    async nearest(number) {
      const entries = await Promise.all(groups.map((group) => group.nearest(number)));
      return entries.reduce(
        (best, each) => best === null || (each !== null && isNearer(each, best)) ? each : best,
        null,
      );
    },
  };
}

/** Read in batches, and only ever asked for numbers further on than before. */
function openList(kv: Deno.Kv, { prefix, work, towards }: Reading & { prefix: Deno.KvKey }): Group {
  const isOlder = towards === "older";
  const ahead: Entry[] = [];
  let isOver = false;
  return {
    async nearest(number) {
      while (ahead.length > 0 && (isOlder ? ahead[0].number > number : ahead[0].number < number)) {
        ahead.shift();
      }
      if (ahead.length === 0 && !isOver) {
        const selector = isOlder
          ? { start: [...prefix, 0], end: [...prefix, number + 1] }
          : { start: [...prefix, number], end: [...prefix, Infinity] };
        for await (
          const { key, value } of kv.list<string>(selector, { reverse: isOlder, limit: batchSize })
        ) {
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
  { userId, query: { from, to, zone } }: { userId: string; query: ImageQuery },
): Promise<{ first: number; last: number }> {
  const first = from === null ? 1 : await numberAt(kv, { userId, at: dayIn(zone, from).start });
  const last = to === null ? Infinity : await numberAt(kv, { userId, at: dayIn(zone, to).end }) - 1;
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
