/** Publications' records, what happened to them, and reports: how they are written and how they are read. */
import { isId } from "../ids.ts";
import { notFound } from "../refusal.ts";
import {
  addEntry,
  entryKey,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { keys, type ListKey, lists } from "../store/schema.ts";
import { present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { isWaiting, type Publication, type PublicationState, type ReportReason } from "./publication.ts";

/** Something that happened to a publication, for its author and for moderators. */
export interface PublicationEvent {
  id: string;
  publicationId: string;
  authorId: string;
  at: number;
  /** Null: nobody but its reports. */
  actorId: string | null;
  what: "published" | "changed" | "withdrawn" | "appealed" | "hidden_by_reports" | "decided" | "adjusted";
  /** What it was then. */
  state: PublicationState;
  title: string;
  /** What was said of it: a moderator's reason, or an appeal. */
  text: string | null;
  isSensitive: boolean;
}

export interface Report {
  id: string;
  publicationId: string;
  /** Null: nobody who was signed in. */
  reporterId: string | null;
  reason: ReportReason;
  text: string;
  at: number;
}

interface Step {
  before: Versioned<Publication> | null;
  after: Publication;
}

/**
 * The only way a publication changes: checks that it still is what `before` says, and replaces what that implies by what
 * follows from `after`. The caller adds what belongs to the same step and commits.
 */
export function writePublication(atomic: Deno.AtomicOperation, { before, after }: Step): void {
  const { id } = after;
  const key = keys.publication(id);
  atomic.check({ key, versionstamp: before?.versionstamp ?? null }).set(key, after);
  const [old, next] = [before === null ? nothing : entriesOf(before.value), entriesOf(after)];
  const isIn = (places: readonly Place[], { list, number }: Place) =>
    places.some((each) => each.number === number && each.list.join(" ") === list.join(" "));
  for (const place of old.places) {
    if (!isIn(next.places, place)) removeEntry(atomic, place.list, place.number);
  }
  for (const place of next.places) {
    if (isIn(old.places, place)) continue;
    atomic.check({ key: entryKey(place.list, place.number), versionstamp: null });
    addEntry(atomic, place.list, { number: place.number, id });
  }
  if (old.published !== null && next.published === null) atomic.delete(old.published);
  if (next.published !== null && old.published === null) {
    atomic.check({ key: next.published, versionstamp: null }).set(next.published, id);
  }
  if (before === null) atomic.set(keys.publicationOf(after.imageId, id), id);
}

interface Place {
  list: ListKey;
  number: number;
}

const nothing: { places: Place[]; published: Deno.KvKey | null } = { places: [], published: null };

function entriesOf(publication: Publication): typeof nothing {
  const { authorId, imageId, sequence, shownNumber, state } = publication;
  const places: Place[] = [{ list: lists.publications(authorId), number: sequence }];
  if (state === "SHOWN" && shownNumber !== null) {
    places.push({ list: lists.shownPublications(), number: shownNumber });
    places.push({ list: lists.shownPublicationsOf(authorId), number: shownNumber });
  }
  if (isWaiting(publication)) places.push({ list: lists.waitingPublications(), number: sequence });
  return { places, published: state === "WITHDRAWN" ? null : keys.published(imageId) };
}

/** Adds what happened to the commit in which it did. */
export function addEvent(
  atomic: Deno.AtomicOperation,
  { store, after, actorId, what, text = null }: {
    store: Pick<Store, "ids">;
    after: Publication;
    actorId: string | null;
    what: PublicationEvent["what"];
    text?: string | null;
  },
): void {
  const { id: publicationId, authorId, updatedAt: at, state, title, isSensitive } = after;
  const id = store.ids();
  const event: PublicationEvent = {
    id,
    publicationId,
    authorId,
    at,
    actorId,
    what,
    state,
    title,
    text,
    isSensitive,
  };
  atomic.set(keys.publicationEvent(authorId, publicationId, id), event);
}

/** The next number of those that all publications share; the commit is lost where somebody else took it. */
export async function takeNumber(atomic: Deno.AtomicOperation, { kv }: Store): Promise<number> {
  const key = keys.publicationNumber();
  const last = await read<number>(kv, key);
  const number = (last?.value ?? 0) + 1;
  atomic.check({ key, versionstamp: last?.versionstamp ?? null }).set(key, number);
  return number;
}

export function readPublication(
  { kv }: Pick<Store, "kv">,
  publicationId: string,
): Promise<Versioned<Publication> | null> {
  return read<Publication>(kv, keys.publication(publicationId));
}

export async function readPublications({ kv }: Store, ids: readonly string[]): Promise<Publication[]> {
  return present(await readMany<Publication>(kv, ids.map(keys.publication))).map(({ value }) => value);
}

/** The author's own; refuses with `not_found` what is missing, malformed or somebody else's. */
export async function findOwnPublication(
  store: Store,
  { userId, publicationId }: { userId: string; publicationId: string },
): Promise<Versioned<Publication>> {
  const found = isId(publicationId) ? await readPublication(store, publicationId) : null;
  if (found?.value.authorId !== userId) throw notFound();
  return found;
}

/** The author's, the latest first. */
export async function listOwnPublications(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<Publication>> {
  const { entries, total, next } = await readPage(store.kv, lists.publications(userId), start);
  return { items: await readPublications(store, entries.map(({ id }) => id)), total, next };
}

/** The one that shows a picture, or is to show it. */
export async function readPublished({ kv }: Store, imageId: string): Promise<Publication | null> {
  const entry = await read<string>(kv, keys.published(imageId));
  return entry && (await read<Publication>(kv, keys.publication(entry.value)))?.value || null;
}

const mostEvents = 200;

/** The latest first. */
export async function listEvents(
  { kv }: Store,
  { id, authorId }: Pick<Publication, "id" | "authorId">,
): Promise<PublicationEvent[]> {
  const selector = { prefix: keys.publicationEvents(authorId, id) };
  const found = kv.list<PublicationEvent>(selector, { reverse: true, limit: mostEvents });
  return await Array.fromAsync(found, ({ value }) => value);
}

/** The latest first. */
export async function listReports(
  { kv }: Store,
  { publicationId, limit }: { publicationId: string; limit: number },
): Promise<Report[]> {
  const selector = { prefix: keys.reportsOf(publicationId) };
  const ids = await Array.fromAsync(
    kv.list<string>(selector, { reverse: true, limit }),
    ({ value }) => value,
  );
  return present(await readMany<Report>(kv, ids.map(keys.report))).map(({ value }) => value);
}
