/** Saying something, changing it, taking it back, and reading what was said. */
import { notFound, Refusal } from "../refusal.ts";
import { isId } from "../ids.ts";
import {
  addEntry,
  entryKey,
  type Page,
  type PageStart,
  readPage,
  removeEntry,
} from "../store/counted_list.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { demandRight, peopleOf, roleIn, type Shared } from "../users/membership.ts";
import { addNotice } from "../users/notice.ts";
import { accountGone, checkAccount, readUser, readUsers, type User } from "../users/user.ts";
import {
  type Comment,
  type CommentSubject,
  editMs,
  mentionedIn,
  type Thread,
  threadsOf,
  topicOf,
} from "./comment.ts";

/** What a comment is about, as it is in the moment: read again wherever a commit was lost. */
export interface CommentPlace {
  subject: CommentSubject;
  /** Who may see it, and whose it is: in the commit it still has to be so. */
  shared: Versioned<Shared>;
  sharedKey: Deno.KvKey;
  /** Where those who are told of a comment find it, and how it is called, such as `the board “Foxes”`. */
  href: string;
  name: string;
  /** Who is told of each comment, named in it or not; null: nobody. */
  concernedId: string | null;
}

/** Refuses like `find` and with `forbidden` where the user may only look. */
export async function addComment(
  store: Store,
  { user, text, find }: { user: User; text: string; find: () => Promise<CommentPlace> },
): Promise<Comment> {
  while (true) {
    const place = await find();
    const { subject, shared, sharedKey } = place;
    demandRight(shared.value, { userId: user.id, right: "comment" });
    const [whole] = threadsOf(subject);
    const { entries: [newest] } = await readPage(store.kv, lists.comments(whole), { limit: 1 });
    const comment: Comment = {
      id: store.ids(),
      subject,
      number: (newest?.number ?? 0) + 1,
      authorId: user.id,
      text,
      createdAt: store.now(),
      editedAt: null,
    };
    const atomic = checkAccount(store.kv.atomic(), user.id)
      .check({ key: sharedKey, versionstamp: shared.versionstamp })
      .check({ key: entryKey(lists.comments(whole), comment.number), versionstamp: null })
      .set(keys.comment(comment.id), comment)
      .set(keys.commentBy(user.id, comment.id), null);
    for (const thread of threadsOf(subject)) {
      addEntry(atomic, lists.comments(thread), { number: comment.number, id: comment.id });
    }
    tellTopic(atomic, { store, subject });
    await tellPeople(atomic, { store, user, comment, place, before: null });
    if (await commit(atomic) !== null) return comment;
    if (await readUser(store, user.id) === null) throw accountGone();
  }
}

/** Adds to a commit that whoever looks at it hears of it. */
function tellTopic(
  atomic: Deno.AtomicOperation,
  { store, subject }: { store: Pick<Store, "now">; subject: CommentSubject },
): void {
  const { kind, id } = topicOf(subject);
  atomic.set(keys.topicHead(kind, id), store.now());
}

/** As many are told of one comment, however many it names. */
const mostTold = 20;

/** Those whom a comment names, as far as they may see it, and were not named by it before. */
async function tellPeople(
  atomic: Deno.AtomicOperation,
  { store, user, comment, place: { shared, href, name, concernedId }, before }: {
    store: Store;
    user: User;
    comment: Comment;
    place: CommentPlace;
    before: Comment | null;
  },
): Promise<void> {
  const people = await readUsers(store, peopleOf(shared.value));
  const known = new Set(before === null ? [] : mentionedIn(before.text, people));
  const named = mentionedIn(comment.text, people).filter((person) =>
    person.id !== user.id && !known.has(person)
  );
  const told = { store, href, byId: user.id };
  for (const { id } of named.slice(0, mostTold)) {
    const words = `${user.name} mentions you in a comment on ${name}`;
    await addNotice(atomic, { ...told, userId: id, kind: "mention", words });
  }
  const isConcerned = before === null && concernedId !== null && concernedId !== user.id &&
    !named.some(({ id }) => id === concernedId) && people.some(({ id }) => id === concernedId);
  if (!isConcerned) return;
  const words = `${user.name} says something about ${name}`;
  await addNotice(atomic, { ...told, userId: concernedId, kind: "comment", words });
}

/** A comment by its id; refuses with `not_found` what is missing or malformed. Whether it may be seen is its place's. */
export async function findComment(store: Store, commentId: string): Promise<Versioned<Comment>> {
  const found = isId(commentId) ? await read<Comment>(store.kv, keys.comment(commentId)) : null;
  if (found === null) throw notFound();
  return found;
}

interface Change {
  user: User;
  commentId: string;
  /** Refuses with `not_found` what the user may not see. */
  findPlace: (subject: CommentSubject) => Promise<CommentPlace>;
}

/** Refuses with `forbidden` who did not write it, and with `conflict` when it is too late. */
export async function editComment(
  store: Store,
  { user, commentId, text, findPlace }: Change & { text: string },
): Promise<Comment> {
  while (true) {
    const before = await findComment(store, commentId);
    const place = await findPlace(before.value.subject);
    if (before.value.authorId !== user.id) {
      throw new Refusal("forbidden", "A comment is changed by whoever wrote it");
    }
    demandRight(place.shared.value, { userId: user.id, right: "comment" });
    if (store.now() - before.value.createdAt > editMs) {
      throw new Refusal("conflict", "A comment can be changed for 15 minutes; this one is older");
    }
    if (before.value.text === text) return before.value;
    const after: Comment = { ...before.value, text, editedAt: store.now() };
    const key = keys.comment(after.id);
    const atomic = checkAccount(store.kv.atomic(), user.id)
      .check({ key: place.sharedKey, versionstamp: place.shared.versionstamp })
      .check({ key, versionstamp: before.versionstamp }).set(key, after);
    tellTopic(atomic, { store, subject: after.subject });
    await tellPeople(atomic, { store, user, comment: after, place, before: before.value });
    if (await commit(atomic) !== null) return after;
    if (await readUser(store, user.id) === null) throw accountGone();
  }
}

/** Its author takes it back, or the owner of what it is about takes it away; refuses with `forbidden` anybody else. */
export async function deleteComment(store: Store, { user, commentId, findPlace }: Change): Promise<Comment> {
  while (true) {
    const found = await findComment(store, commentId);
    const { shared, sharedKey } = await findPlace(found.value.subject);
    if (found.value.authorId !== user.id && roleIn(shared.value, user.id) !== "owner") {
      throw new Refusal("forbidden", "A comment is deleted by whoever wrote it, or by the owner");
    }
    const atomic = store.kv.atomic().check({ key: sharedKey, versionstamp: shared.versionstamp });
    remove(atomic, { store, found });
    if (await commit(atomic) !== null) return found.value;
  }
}

function remove(
  atomic: Deno.AtomicOperation,
  { store, found: { value, versionstamp } }: { store: Pick<Store, "now">; found: Versioned<Comment> },
): void {
  const { id, subject, number, authorId } = value;
  const key = keys.comment(id);
  atomic.check({ key, versionstamp }).delete(key).delete(keys.commentBy(authorId, id));
  for (const thread of threadsOf(subject)) removeEntry(atomic, lists.comments(thread), number);
  tellTopic(atomic, { store, subject });
}

/** All that somebody said goes with their account. */
export async function deleteCommentsOf(store: Store, userId: string): Promise<void> {
  for await (const { key } of store.kv.list({ prefix: keys.commentsBy(userId) })) {
    await removeOne(store, { commentId: String(key.at(-1)), entry: key });
  }
}

/** All that was said goes with what it was about. */
export async function deleteThread(store: Store, whole: Thread): Promise<void> {
  const prefix = [...lists.comments(whole)];
  for await (const { key, value } of store.kv.list<string>({ prefix })) {
    await removeOne(store, { commentId: value, entry: key });
  }
  for (const named of [whole, `${whole} `]) await removeCounts(store, named);
}

async function removeOne(
  store: Store,
  { commentId, entry }: { commentId: string; entry: Deno.KvKey },
): Promise<void> {
  while (true) {
    const found = await read<Comment>(store.kv, keys.comment(commentId));
    const atomic = store.kv.atomic();
    // The entry may have been left by damage.
    if (found === null) atomic.delete(entry);
    else remove(atomic, { store, found });
    if (await commit(atomic) !== null) return;
  }
}

/** All of them are zero by now. */
async function removeCounts({ kv }: Store, beginning: string): Promise<void> {
  const start = [...kinds.counts, ...lists.comments(beginning)];
  const isExact = !beginning.endsWith(" ");
  const end = [...kinds.counts, ...lists.comments(isExact ? `${beginning}\0` : `${beginning}\u{10ffff}`)];
  for await (const { key } of kv.list({ start, end })) await commit(kv.atomic().delete(key));
}

/** What was said, the latest first. */
export async function listComments(
  store: Store,
  { thread, ...start }: { thread: Thread } & PageStart,
): Promise<Page<Comment>> {
  const { entries, total, next } = await readPage(store.kv, lists.comments(thread), start);
  const found = present(await readMany<Comment>(store.kv, entries.map(({ id }) => keys.comment(id))));
  return { items: found.map(({ value }) => value), total, next };
}

/** A comment with what its faces show of it. */
export interface CommentView {
  comment: Comment;
  authorName: string;
  /** What whoever looks at it may do with it. */
  mayEdit: boolean;
  mayDelete: boolean;
}

export async function viewComments(
  store: Store,
  { comments, userId, shared }: { comments: readonly Comment[]; userId: string; shared: Shared },
): Promise<CommentView[]> {
  const users = await readUsers(store, comments.map(({ authorId }) => authorId));
  const names = new Map(users.map(({ id, name }) => [id, name]));
  const role = roleIn(shared, userId);
  return comments.map((comment) => {
    const isOwn = comment.authorId === userId;
    return {
      comment,
      authorName: names.get(comment.authorId) ?? "Somebody who has left",
      mayEdit: isOwn && role !== "viewer" && store.now() - comment.createdAt <= editMs,
      mayDelete: isOwn || role === "owner",
    };
  });
}

/** What somebody said, the latest first, for their own archive. */
export async function* commentsOf(store: Store, userId: string): AsyncGenerator<Comment> {
  for await (const { key } of store.kv.list({ prefix: keys.commentsBy(userId) }, { reverse: true })) {
    const found = await read<Comment>(store.kv, keys.comment(String(key.at(-1))));
    if (found !== null) yield found.value;
  }
}
