/**
 * Finding pictures among a hundred thousand. For each term of a picture there is an index entry with its number, so
 * the pictures of a term are a list in the order of time; what has all terms is found by leaping from list to list,
 * newest first. A typed word counts for every word that begins with it; in scripts without spaces, for every text that
 * has it inside. Each call does a bounded amount of work: if that does not fill the page, it says where to go on.
 */
import { timeOfId } from "../ids.ts";
import { parseSize } from "../size.ts";
import type { Image } from "./image.ts";
import { keys, type ListKey, lists } from "../store/schema.ts";
import { foldText, isNothing, type TypedText, typedText } from "../search_text.ts";
import {
  boardTerm,
  type CostKind,
  costTerm,
  modelTerm,
  sizeTerm,
  starsTerm,
  tagTerm,
  termAmong,
} from "./search_terms.ts";
import { readTyped, type StarsChoice } from "./typed_query.ts";
import type { Page, PageStart } from "../store/counted_list.ts";
import type { Store } from "../store/store.ts";
import { dayIn } from "../users/time_zone.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import { readImage, readImages } from "./image_store.ts";

export interface ImageQuery {
  kind: Image["kind"] | "all";
  /** As typed (`typed_query.ts`); its words may come in any order. */
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
  stars: StarsChoice | null;
  /** Folded; all of them. */
  tags: readonly string[];
  boardId: string | null;
}

/** All pictures of a kind. */
export function allOf(kind: ImageQuery["kind"]): ImageQuery {
  const nothing = { model: null, size: null, from: null, to: null, cost: null, stars: null, boardId: null };
  return { kind, text: "", zone: "UTC", tags: [], ...nothing };
}

export interface Found {
  /** Newest first. */
  images: Image[];
  /** The number to go on before; null when there is no more. */
  next: number | null;
}

/** It leaves nothing of its kind out. */
export function isEmptyQuery({ kind: _, text, zone: __, tags, ...filters }: ImageQuery): boolean {
  const typed = readTyped(text);
  return isNothing(typedText(typed.words)) && Object.values(filters).every((filter) => filter === null) &&
    [typed.stars, typed.tags, tags].every((demanded) => demanded.length === 0);
}

/** Words that begin with a typed one, at most; the alphabetically first count. */
const maxWordsPerPrefix = 100;
/** Index entries read for one call, at most. */
const maxReads = 20_000;
/** Entries that are read at once, for a page and for more. */
const pageBatch = 64;
const longBatch = 500;
const longWalk = 5000;

interface Search {
  userId: string;
  query: ImageQuery;
}

/** A page of what matches, older than number `before`. */
export async function searchImages(
  store: Store,
  { limit, before = Infinity, ...search }: Search & { limit: number; before?: number },
): Promise<Found> {
  const { found, next } = await walk(store, { ...search, limit, from: before - 1, towards: "older" });
  const images = await readImages(store, found.map(({ id }) => id));
  return { images: images.map(({ value }) => value), next: next === null ? null : next + 1 };
}

/** All that match, newest first, as far as they are wanted: however much work that is. */
export async function* searchAll(store: Store, search: Search): AsyncGenerator<Entry> {
  let from: number | null = Infinity;
  while (from !== null) {
    const walked: Walked = await walk(store, { ...search, limit: longWalk, from, towards: "older" });
    yield* walked.found;
    from = walked.next;
  }
}

/** A full page, with how many match in all: it costs as much as these are many. */
export async function searchPage(
  store: Store,
  { limit, offset = 0, before, ...search }: Search & PageStart,
): Promise<Page<Image>> {
  const all = await Array.fromAsync(searchAll(store, search));
  const rest = before === undefined ? all.slice(offset) : all.filter(({ number }) => number < before);
  const page = rest.slice(0, limit);
  const images = await readImages(store, page.map(({ id }) => id));
  return {
    items: images.map(({ value }) => value),
    total: all.length,
    next: rest.length > limit ? page.at(-1)!.number : null,
  };
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
  return { newer: newer.found[0]?.id ?? null, older: older.found[0]?.id ?? null };
}

type Direction = "older" | "newer";

interface Walked {
  found: Entry[];
  /** The number to go on from; null when there is no more. */
  next: number | null;
}

/** Up to `limit` from number `from` on. */
async function walk(
  store: Store,
  { limit, from, towards, userId, query }: Search & { limit: number; from: number; towards: Direction },
): Promise<Walked> {
  const work = { left: maxReads };
  const { words, ...marks } = readTyped(query.text);
  const typed = typedText(words);
  const batchSize = limit < longWalk ? pageBatch : longBatch;
  const reading = { work, towards, batchSize };
  const groups = await openGroups(store.kv, { userId, query, typed, marks, ...reading });
  const { first, last } = await numbersBetween(store.kv, { userId, query });
  const onward = towards === "older" ? -1 : 1;
  const isOutside = (number: number) => number < first || number > last;
  let number = towards === "older" ? Math.min(from, last) : Math.max(from, first);
  const found: Entry[] = [];
  while (!isOutside(number) && work.left > 0) {
    const nearest = await Promise.all(groups.map((group) => group.nearest(number)));
    if (nearest.some((entry) => entry === null || isOutside(entry.number))) return { found, next: null };
    const numbers = nearest.map((entry) => entry!.number);
    const farthest = towards === "older" ? Math.min(...numbers) : Math.max(...numbers);
    if (numbers.some((each) => each !== farthest)) number = farthest;
    else if (found.length === limit) return { found, next: farthest };
    else {
      const { id } = nearest[0]!;
      if (await hasRows(store, { imageId: id, rows: typed.rows, work })) found.push({ number: farthest, id });
      number = farthest + onward;
    }
  }
  return { found, next: isOutside(number) ? null : number };
}

/** Whether what was typed stands in a row in the picture's text; its pairs of letters are there already. */
async function hasRows(
  store: Store,
  { imageId, rows, work }: { imageId: string; rows: string[]; work: Reading["work"] },
): Promise<boolean> {
  if (rows.length === 0) return true;
  work.left -= 2;
  const image = await readImage(store, imageId);
  const text = image && await textOf(store, image.value);
  return text !== null && rows.every((row) => foldText(text).includes(row));
}

/** What was asked for, or what an upload is called. */
async function textOf(store: Store, image: Image): Promise<string | null> {
  if (image.kind === "upload") return image.title;
  return (await readPrompt(store, image.promptId))?.value.request.text ?? null;
}

/** A picture by its number and its id. */
export interface Entry {
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
  batchSize: number;
}

async function openGroups(
  kv: Deno.Kv,
  { userId, query, typed, marks, ...reading }: Search & Reading & {
    typed: TypedText;
    marks: { stars: StarsChoice[]; tags: string[] };
  },
): Promise<Group[]> {
  const { model, size, cost, boardId } = query;
  const kinds = kindsOf(query);
  const any = (prefixes: Deno.KvKey[]) =>
    anyOf(prefixes.map((prefix) => openList(kv, { prefix, ...reading })), reading.towards);
  const listOf = (...terms: string[]) =>
    any(kinds.flatMap((kind) => terms.map((term) => keys.imageTerms(userId, termAmong(kind, term)))));
  const exact = [
    ...typed.exact,
    ...model === null ? [] : [modelTerm(model)],
    ...size === null ? [] : [sizeTerm(parseSize(size))],
    ...cost === null ? [] : [costTerm(cost)],
    ...boardId === null ? [] : [boardTerm(boardId)],
    ...new Set([...query.tags, ...marks.tags].map(tagTerm)),
  ].map((term) => listOf(term));
  const words = await Promise.all(
    typed.beginnings.map(async (word) => {
      const among = kinds.map((kind) => termsBeginning(kv, { userId, word: termAmong(kind, word) }));
      return any((await Promise.all(among)).flat().map((term) => keys.imageTerms(userId, term)));
    }),
  );
  const stars = [...query.stars === null ? [] : [query.stars], ...marks.stars];
  const rated = stars.filter((choice) => choice !== 0).map((choice) => listOf(...termsOfStars(choice)));
  const groups = [...words, ...exact, ...rated];
  if (groups.length === 0) groups.push(any(kinds.map((kind) => [...listOfKind(kind, userId)])));
  if (!stars.includes(0)) return groups;
  const [first, ...others] = groups;
  return [allBut(first, listOf(starsTerm(-1)), reading.towards), ...others];
}

function kindsOf({ kind }: ImageQuery): Image["kind"][] {
  return kind === "all" ? ["made", "upload"] : [kind];
}

function listOfKind(kind: Image["kind"], userId: string): ListKey {
  return kind === "made" ? lists.images(userId) : lists.uploads(userId);
}

function termsOfStars(choice: Exclude<StarsChoice, 0>): string[] {
  if (choice === "rejected") return [starsTerm(-1)];
  return [1, 2, 3, 4, 5].filter((rating) => rating >= choice).map(starsTerm);
}

/** What the user's pictures can be narrowed down to. */
export async function listChoices(
  { kv }: Store,
  userId: string,
): Promise<{ models: string[]; sizes: string[] }> {
  const [models, sizes] = await Promise.all(
    [modelTerm(""), ":size "].map((beginning) => endsOf(kv, { userId, beginning })),
  );
  return { models, sizes };
}

/** The tags that the user has given, the alphabetically first of them where there are very many. */
export async function listTags({ kv }: Store, userId: string): Promise<string[]> {
  const among = (["made", "upload"] as const).map((kind) =>
    endsOf(kv, { userId, beginning: termAmong(kind, tagTerm("")) })
  );
  return [...new Set((await Promise.all(among)).flat())].sort();
}

async function endsOf(
  kv: Deno.Kv,
  { userId, beginning }: { userId: string; beginning: string },
): Promise<string[]> {
  return (await termsBeginning(kv, { userId, word: beginning })).map((term) => term.slice(beginning.length));
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

/** Those of the one that are not in the other. */
function allBut(group: Group, others: Group, towards: Direction): Group {
  const onward = towards === "older" ? -1 : 1;
  return {
    async nearest(number) {
      for (let from = number;;) {
        const entry = await group.nearest(from);
        if (entry === null) return null;
        if ((await others.nearest(entry.number))?.number !== entry.number) return entry;
        from = entry.number + onward;
      }
    },
  };
}

/** Read in batches, and only ever asked for numbers further on than before. */
function openList(
  kv: Deno.Kv,
  { prefix, work, towards, batchSize }: Reading & { prefix: Deno.KvKey },
): Group {
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
  { userId, query }: { userId: string; query: ImageQuery },
): Promise<{ first: number; last: number }> {
  const { from, to, zone } = query;
  const numberAt = async (at: number) => {
    const among = kindsOf(query).map((kind) => firstSince(kv, { list: listOfKind(kind, userId), at }));
    return Math.min(...await Promise.all(among));
  };
  const first = from === null ? 1 : await numberAt(dayIn(zone, from).start);
  const last = to === null ? Infinity : await numberAt(dayIn(zone, to).end) - 1;
  return { first, last };
}

/** The smallest number of a list's pictures that were made at this time or later; infinite where there is none. */
async function firstSince(kv: Deno.Kv, { list, at }: { list: ListKey; at: number }): Promise<number> {
  const prefix = [...list];
  const [newest] = await Array.fromAsync(kv.list<string>({ prefix }, { reverse: true, limit: 1 }));
  if (newest === undefined || timeOfId(newest.value) < at) return Infinity;
  let low = 1;
  let high = newest.key.at(-1) as number;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const selector = { start: [...prefix, middle], end: [...prefix, high] };
    const [entry] = await Array.fromAsync(kv.list<string>(selector, { limit: 1 }));
    if (entry === undefined || timeOfId(entry.value) >= at) high = middle;
    else low = (entry.key.at(-1) as number) + 1;
  }
  return low;
}
