/**
 * Pictures two at a time, the better one chosen each time, without a word about what made them. Who has won as often
 * meets next, so after a few duels each there is an order. What was chosen is kept for a day; who meets follows from it.
 */
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import type { Image } from "./image.ts";

/** Pictures are named by their places in `imageIds`. */
export interface Duels {
  id: string;
  userId: string;
  imageIds: string[];
  /** What was chosen so far, one after another. */
  results: DuelResult[];
  /** The page that it was begun from. */
  from: string;
  createdAt: number;
}

export interface DuelResult {
  pair: Pair;
  /** One of the pair; null: neither was the better one. */
  winner: number | null;
}

export type Pair = readonly [number, number];

/** More of them take more duels than anybody decides. */
export const mostDuelled = 64;
const keptMs = 24 * 3600 * 1000;

/** Of many pictures those with the most stars; refuses with `invalid_request` where there are no two. */
export async function beginDuels(
  store: Store,
  { userId, images, from }: { userId: string; images: readonly Image[]; from: string },
): Promise<Duels> {
  const chosen = images.filter(({ rating }) => rating >= 0).toSorted((a, b) => b.rating - a.rating)
    .slice(0, mostDuelled);
  if (chosen.length < 2) throw new Refusal("invalid_request", "It takes two pictures that are not rejected");
  const duels: Duels = {
    id: store.ids(),
    userId,
    imageIds: chosen.map(({ id }) => id),
    results: [],
    from,
    createdAt: store.now(),
  };
  await commit(store.kv.atomic().set(keys.duels(userId, duels.id), duels, { expireIn: keptMs }));
  return duels;
}

/** The user's own; refuses with `not_found`. */
export async function findDuels(
  store: Store,
  { userId, id }: { userId: string; id: string },
): Promise<Versioned<Duels>> {
  const found = isId(id) ? await read<Duels>(store.kv, keys.duels(userId, id)) : null;
  if (found === null) throw notFound();
  return found;
}

/**
 * The `number`th duel, counted from 0, is decided. One that was decided already stays as it is, so that sending it
 * twice is no other choice.
 */
export async function decideDuel(
  store: Store,
  named: { userId: string; id: string },
  { number, winner }: { number: number; winner: number | null },
): Promise<Duels> {
  return await changeDuels(store, named, (duels) => {
    const pair = nextPair(duels);
    if (pair === null || number !== duels.results.length) return duels;
    if (winner !== null && !pair.includes(winner)) {
      throw new Refusal("invalid_request", "winner takes one of the two pictures", { field: "winner" });
    }
    return { ...duels, results: [...duels.results, { pair, winner }] };
  });
}

/** Takes the last choice back. */
export async function undoDuel(store: Store, named: { userId: string; id: string }): Promise<Duels> {
  return await changeDuels(store, named, (duels) => ({ ...duels, results: duels.results.slice(0, -1) }));
}

async function changeDuels(
  store: Store,
  named: { userId: string; id: string },
  change: (duels: Duels) => Duels,
): Promise<Duels> {
  while (true) {
    const { value, versionstamp } = await findDuels(store, named);
    const changed = change(value);
    if (changed === value) return value;
    const key = keys.duels(value.userId, value.id);
    const expireIn = Math.max(1, value.createdAt + keptMs - store.now());
    const atomic = store.kv.atomic().check({ key, versionstamp }).set(key, changed, { expireIn });
    if (await commit(atomic) !== null) return changed;
  }
}

/** Who meets next; null: all duels are over. */
export function nextPair({ imageIds, results }: Pick<Duels, "imageIds" | "results">): Pair | null {
  const count = imageIds.length;
  let decided = 0;
  for (let round = 0; round < roundsOf(count); round++) {
    const pairs = pairsOfRound(count, results.slice(0, decided));
    if (results.length < decided + pairs.length) return pairs[results.length - decided];
    decided += pairs.length;
  }
  return null;
}

/** How many duels there are in all. */
export function duelCount(count: number): number {
  return roundsOf(count) * Math.floor(count / 2);
}

/** Enough for an order, and never more than there are others to meet. */
function roundsOf(count: number): number {
  const most = count % 2 === 0 ? count - 1 : count;
  return Math.min(most, Math.ceil(Math.log2(count)) + 1);
}

/** Neighbours in the order so far, who have not met before where that can be. Of an odd number one waits. */
function pairsOfRound(count: number, results: readonly DuelResult[]): Pair[] {
  const met = new Set(results.map(({ pair: [a, b] }) => nameOf(a, b)));
  const waiting = standings(count, results).map(({ place }) => place);
  if (count % 2 === 1) {
    const duelled = (place: number) => results.filter(({ pair }) => pair.includes(place)).length;
    const most = Math.max(...waiting.map(duelled));
    const sitsOut = waiting.findLast((place) => duelled(place) === most)!;
    waiting.splice(waiting.indexOf(sitsOut), 1);
  }
  // Neither side is the better one's.
  return matched(waiting, met).map(([a, b], i) => i % 2 === 0 ? [a, b] : [b, a]);
}

/** Each with the next who is left and was not met, as far as that can be. Few have met, so that is found at once. */
function matched(waiting: readonly number[], met: ReadonlySet<string>): Pair[] {
  for (let again = 0;; again++) {
    const pairs = matchedWith(waiting, { met, again });
    if (pairs !== null) return pairs;
  }
}

/** The same where `again` pairs at most may have met before; null: that can't be. */
function matchedWith(
  waiting: readonly number[],
  { met, again }: { met: ReadonlySet<string>; again: number },
): Pair[] | null {
  const [first, ...others] = waiting;
  if (first === undefined) return [];
  for (const second of others) {
    const left = again - Number(met.has(nameOf(first, second)));
    const rest = left < 0
      ? null
      : matchedWith(others.filter((other) => other !== second), { met, again: left });
    if (rest !== null) return [[first, second], ...rest];
  }
  return null;
}

function nameOf(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

export interface Standing {
  /** Of the picture in `imageIds`. */
  place: number;
  wins: number;
  duels: number;
}

/**
 * The order: by wins, where a round that was sat out is one, then by the wins of those who were beaten; the earlier one
 * where all is the same.
 */
export function standings(count: number, results: readonly DuelResult[]): Standing[] {
  const all = Array.from({ length: count }, (_, place): Standing => ({ place, wins: 0, duels: 0 }));
  for (const { pair, winner } of results) {
    for (const place of pair) all[place].duels++;
    if (winner !== null) all[winner].wins++;
  }
  const winsOfBeaten = all.map(({ place }) =>
    results.filter(({ winner }) => winner === place)
      .reduce((sum, { pair }) => sum + all[pair[0] === place ? pair[1] : pair[0]].wins, 0)
  );
  const most = Math.max(...all.map(({ duels }) => duels));
  const score = ({ wins, duels }: Standing) => wins + (results.length === 0 ? 0 : most - duels);
  return all.toSorted((a, b) =>
    score(b) - score(a) || winsOfBeaten[b.place] - winsOfBeaten[a.place] || a.place - b.place
  );
}
