/**
 * What somebody is told of while they may be elsewhere: that they were named in a comment, what became of something of
 * theirs. Whoever has something to tell adds it to the commit in which it comes about. A person's notices are numbered;
 * the oldest go once there are too many.
 */
import { cutText } from "../graphemes.ts";
import {
  addEntry,
  countEntries,
  entryKey,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { keys, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { checkAccount, readUser } from "./user.ts";

export type NoticeKind =
  | "mention"
  | "comment"
  | "board"
  | "publication"
  | "moderation"
  | "webhook"
  | "storage";

export interface Notice {
  id: string;
  /** Who is told. */
  userId: string;
  /** Its place among that person's notices. */
  number: number;
  kind: NoticeKind;
  /** A path of this site, where it leads. */
  href: string;
  /** A sentence: plain text with names and titles in it, which are strangers' text. */
  words: string;
  /** Whose doing it tells of; with that account it goes. Null: of nobody in particular. */
  byId: string | null;
  at: number;
  /** Null: it is new. */
  seenAt: number | null;
}

export type Told = Pick<Notice, "userId" | "kind" | "href" | "words" | "byId">;

export const mostNotices = 200;
const mostWordsChars = 500;

/**
 * Adds a notice to a commit, at most one a person. The commit is lost where the account has gone or was told of
 * something else meanwhile: whoever makes it reads again whom to tell.
 */
export async function addNotice(
  atomic: Deno.AtomicOperation,
  { store, ...told }: Told & { store: Store },
): Promise<void> {
  const { userId } = told;
  const list = lists.notices(userId);
  const { entries: [newest], total } = await readPage(store.kv, list, { limit: 1 });
  const number = (newest?.number ?? 0) + 1;
  const notice: Notice = {
    ...told,
    words: cutText(told.words, { chars: mostWordsChars }),
    id: store.ids(),
    number,
    at: store.now(),
    seenAt: null,
  };
  checkAccount(atomic, userId).check({ key: entryKey(list, number), versionstamp: null })
    .set(keys.notice(notice.id), notice).set(keys.noticeHead(userId), notice.id);
  addEntry(atomic, list, { number, id: notice.id });
  addEntry(atomic, lists.newNotices(userId), { number, id: notice.id });
  if (notice.byId !== null) atomic.set(keys.noticeBy(notice.byId, notice.id), null);
  if (total >= mostNotices) await removeOldest(atomic, { store, userId, count: total + 1 - mostNotices });
}

/** Tells somebody by itself; nothing happens where the account has gone. */
export async function tellPerson(store: Store, told: Told): Promise<void> {
  await store.locks.hold(`notices ${told.userId}`, async () => {
    while (await readUser(store, told.userId) !== null) {
      const atomic = store.kv.atomic();
      await addNotice(atomic, { store, ...told });
      if (await commit(atomic) !== null) return;
    }
  });
}

async function removeOldest(
  atomic: Deno.AtomicOperation,
  { store, userId, count }: { store: Store; userId: string; count: number },
): Promise<void> {
  const prefix = [...lists.notices(userId)];
  const oldest = await Array.fromAsync(
    store.kv.list<string>({ prefix }, { limit: count }),
    ({ value }) => value,
  );
  for (const notice of await readNotices(store, oldest)) remove(atomic, notice);
}

function remove(atomic: Deno.AtomicOperation, { value, versionstamp }: Versioned<Notice>): void {
  const { id, userId, number, byId, seenAt } = value;
  const key = keys.notice(id);
  atomic.check({ key, versionstamp }).delete(key);
  removeEntry(atomic, lists.notices(userId), number);
  if (seenAt === null) removeEntry(atomic, lists.newNotices(userId), number);
  if (byId !== null) atomic.delete(keys.noticeBy(byId, id));
}

/** A person's, the newest first. */
export async function listNotices(
  store: Store,
  { userId, ...start }: { userId: string } & PageStart,
): Promise<Page<Notice>> {
  const { entries, total, next } = await readPage(store.kv, lists.notices(userId), start);
  const found = await readNotices(store, entries.map(({ id }) => id));
  return { items: found.map(({ value }) => value), total, next };
}

/** How many of a person's are new. */
export function countNewNotices(store: Pick<Store, "kv">, userId: string): Promise<number> {
  return countEntries(store.kv, lists.newNotices(userId));
}

/** Whether a person was told of something, or has seen it, after a version such as the cursor of a page. */
export async function haveNoticesChanged(
  { kv }: Pick<Store, "kv">,
  { userId, since }: { userId: string; since: string },
): Promise<boolean> {
  const head = await read<string>(kv, keys.noticeHead(userId));
  return head !== null && head.versionstamp > since;
}

const seenAtOnce = 50;

/** None of those that the person has now is new any more. */
export async function markNoticesSeen(store: Store, userId: string): Promise<void> {
  const list = lists.newNotices(userId);
  while (true) {
    const { entries: ids } = await readPage(store.kv, list, { limit: seenAtOnce });
    if (ids.length === 0) return;
    const found = await readNotices(store, ids.map(({ id }) => id));
    const atomic = checkAccount(store.kv.atomic(), userId);
    for (const { value, versionstamp } of found) {
      if (value.seenAt !== null) continue;
      const key = keys.notice(value.id);
      const seen: Notice = { ...value, seenAt: store.now() };
      atomic.check({ key, versionstamp }).set(key, seen);
      removeEntry(atomic, list, value.number);
    }
    atomic.set(keys.noticeHead(userId), ids[0].id);
    if (await commit(atomic) === null && await readUser(store, userId) === null) return;
  }
}

async function readNotices({ kv }: Store, ids: readonly string[]): Promise<Versioned<Notice>[]> {
  return present(await readMany<Notice>(kv, ids.map(keys.notice)));
}
