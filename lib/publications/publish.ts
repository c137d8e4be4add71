/** What somebody does with what they show: publish a picture, change what it says, withdraw it, appeal. */
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import {
  appealed,
  changed,
  type GalleryMode,
  newPublication,
  type Publication,
  type PublicationChanges,
  type PublicationTexts,
  withdrawn,
} from "./publication.ts";
import { addEvent, findOwnPublication, takeNumber, writePublication } from "./publication_store.ts";

/** Each picture has one that is not withdrawn, so those of a person are at most as many as their pictures. */
const numbersLock = "publications";

/**
 * Publishes a picture of the author's own. Refuses with `not_found` where it is missing or somebody else's, with `conflict` where
 * it is published already, and with `forbidden` where the author was stopped from publishing.
 */
export function publish(
  store: Store,
  { userId, imageId, mode, ...texts }:
    & { userId: string; imageId: string; mode: GalleryMode }
    & PublicationTexts,
): Promise<Publication> {
  return store.locks.hold(numbersLock, async () => {
    while (true) {
      const atomic = store.kv.atomic();
      const authorId = await checkMayPublish(atomic, { store, userId });
      await checkOwnImage(atomic, { store, authorId, imageId });
      const isWatched = await wasDecidedAgainst(store, imageId);
      const sequence = await takeNumber(atomic, store);
      const facts = { id: store.ids(), authorId, imageId, sequence, isWatched, ...texts };
      const at = store.now();
      const draft = newPublication({ ...facts, shownNumber: null }, { mode, at });
      const after: Publication = draft.state === "SHOWN" ? { ...draft, shownNumber: sequence } : draft;
      if (await read(store.kv, keys.published(imageId)) !== null) {
        throw new Refusal("conflict", "This picture is published already");
      }
      writePublication(atomic, { before: null, after });
      addEvent(atomic, { store, after, actorId: userId, what: "published" });
      if (await commit(atomic) !== null) return after;
    }
  });
}

/** Whoever was stopped publishes nothing, also where that comes about at the same moment. */
async function checkMayPublish(
  atomic: Deno.AtomicOperation,
  { store, userId }: { store: Store; userId: string },
): Promise<string> {
  const user = await readUser(store, userId);
  if (user === null) throw accountGone();
  if (user.value.isPublishingStopped) {
    throw new Refusal("forbidden", "A moderator has stopped you from publishing");
  }
  checkAccount(atomic, userId).check({ key: keys.user(userId), versionstamp: user.versionstamp });
  return userId;
}

async function checkOwnImage(
  atomic: Deno.AtomicOperation,
  { store, authorId, imageId }: { store: Store; authorId: string; imageId: string },
): Promise<void> {
  const key = keys.image(imageId);
  const image = isId(imageId) ? await read<{ userId: string }>(store.kv, key) : null;
  if (image?.value.userId !== authorId) throw notFound();
  atomic.check({ key, versionstamp: image.versionstamp });
}

/** What was refused is not published past a moderator by withdrawing it and publishing it again. */
async function wasDecidedAgainst({ kv }: Store, imageId: string): Promise<boolean> {
  const ids = await Array.fromAsync(
    kv.list<string>({ prefix: keys.publicationsOf(imageId) }),
    ({ value }) => value,
  );
  const earlier = present(await readMany<Publication>(kv, ids.map(keys.publication)));
  return earlier.some(({ value }) => value.isWatched);
}

interface Own {
  userId: string;
  publicationId: string;
}

export function changePublication(
  store: Store,
  { mode, changes, ...own }: Own & { mode: GalleryMode; changes: PublicationChanges },
): Promise<Publication> {
  return step(store, own, async (atomic, before) => {
    await checkMayPublish(atomic, { store, userId: own.userId });
    const after = changed(before, changes, { mode, at: store.now() });
    if (after.revision !== before.revision) {
      addEvent(atomic, { store, after, actorId: own.userId, what: "changed" });
    }
    return after;
  });
}

/** Nothing happens where it is withdrawn already. */
export function withdrawPublication(store: Store, own: Own): Promise<Publication> {
  return step(store, own, (atomic, before) => {
    if (before.state === "WITHDRAWN") return before;
    const after = withdrawn(before, { at: store.now() });
    addEvent(atomic, { store, after, actorId: own.userId, what: "withdrawn" });
    return after;
  });
}

export function appeal(store: Store, { text, ...own }: Own & { text: string }): Promise<Publication> {
  return step(store, own, (atomic, before) => {
    const after = appealed(before, { text, at: store.now() });
    addEvent(atomic, { store, after, actorId: own.userId, what: "appealed", text });
    return after;
  });
}

async function step(
  store: Store,
  own: Own,
  next: (atomic: Deno.AtomicOperation, before: Publication) => Promise<Publication> | Publication,
): Promise<Publication> {
  return await store.locks.hold(publicationLock(own.publicationId), async () => {
    while (true) {
      const before = await findOwnPublication(store, own);
      const atomic = store.kv.atomic();
      const after = await next(atomic, before.value);
      if (after === before.value) return after;
      writePublication(atomic, { before, after });
      if (await commit(atomic) !== null) return after;
    }
  });
}

/** Those who change the same one wait for each other. */
export function publicationLock(publicationId: string): string {
  return `publication ${publicationId}`;
}

/** Adds to the commit that takes a picture away: what shows it is withdrawn, and nobody publishes it at that moment. */
export async function withdrawWithPicture(
  atomic: Deno.AtomicOperation,
  { store, imageId }: { store: Store; imageId: string },
): Promise<void> {
  const key = keys.published(imageId);
  const entry = await read<string>(store.kv, key);
  atomic.check({ key, versionstamp: entry?.versionstamp ?? null });
  if (entry === null) return;
  const before: Versioned<Publication> | null = await read(store.kv, keys.publication(entry.value));
  // Damage that `rebuild` puts right.
  if (before === null) return;
  const after = withdrawn(before.value, { at: store.now() });
  writePublication(atomic, { before, after });
  addEvent(atomic, { store, after, actorId: after.authorId, what: "withdrawn" });
}
