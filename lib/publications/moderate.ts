/**
 * What moderators do: they decide about what is published, and stop people from publishing. Each decision is in the list of
 * changes, and its reason goes to the author. Nobody decides about their own work where somebody else can.
 */
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys, lists } from "../store/schema.ts";
import { commit, type Store } from "../store/store.ts";
import { addAudit, type AuditAction } from "../users/audit.ts";
import { addNotice } from "../users/notice.ts";
import { listUsers, mayModerate, readUser, type User } from "../users/user.ts";
import { decided, type DecidedState, type Decision, type Publication } from "./publication.ts";
import {
  addEvent,
  readPublication,
  readPublications,
  takeNumber,
  writePublication,
} from "./publication_store.ts";
import { publicationLock } from "./publish.ts";

/**
 * Decides, and returns it as it is then. Refuses with `not_found` what is not there, and an actor who may not; with
 * `conflict` what was withdrawn or changed meanwhile, and with `forbidden` one's own work where there is a second
 * moderator.
 */
export function decide(
  store: Store,
  { actor, publicationId, decision }: { actor: User; publicationId: string; decision: Decision },
): Promise<Publication> {
  if (!isId(publicationId)) throw notFound();
  return store.locks.hold(publicationLock(publicationId), async () => {
    while (true) {
      const before = await readPublication(store, publicationId);
      if (before === null) throw notFound();
      const atomic = store.kv.atomic();
      await checkActor(atomic, { store, actor });
      if (before.value.authorId === actor.id) await demandSecondPerson(store, actor);
      const after = await placed(atomic, {
        store,
        publication: decided(before.value, decision, { at: store.now() }),
      });
      writePublication(atomic, { before, after });
      const { reason } = decision;
      const what = decision.state === null ? "adjusted" : "decided";
      addEvent(atomic, { store, after, actorId: actor.id, what, text: reason });
      addToAudit(atomic, { store, actor, decision, before: before.value, after });
      await tellAuthor(atomic, { store, decision, before: before.value, after });
      if (await commit(atomic) !== null) return after;
    }
  });
}

/** Whoever is shown for the first time gets a place among those that are shown. */
async function placed(
  atomic: Deno.AtomicOperation,
  { store, publication }: { store: Store; publication: Publication },
): Promise<Publication> {
  if (publication.state !== "SHOWN" || publication.shownNumber !== null) return publication;
  return { ...publication, shownNumber: await takeNumber(atomic, store) };
}

/** Nobody uses a right that was taken away meanwhile. */
async function checkActor(
  atomic: Deno.AtomicOperation,
  { store, actor }: { store: Store; actor: User },
): Promise<void> {
  const found = await readUser(store, actor.id);
  if (found === null || found.value.isDisabled || !mayModerate(found.value)) throw notFound();
  atomic.check({ key: keys.user(actor.id), versionstamp: found.versionstamp });
}

async function demandSecondPerson(store: Store, actor: User): Promise<void> {
  if (await hasSecondModerator(store, actor)) {
    throw new Refusal("forbidden", "It is your own: another moderator decides about it");
  }
}

export async function hasSecondModerator(store: Store, { id }: User): Promise<boolean> {
  return (await listUsers(store)).some((user) => user.id !== id && !user.isDisabled && mayModerate(user));
}

interface Decided {
  decision: Decision;
  before: Publication;
  after: Publication;
}

const auditActions: { [state in DecidedState]: AuditAction } = {
  SHOWN: "publication_shown",
  REFUSED: "publication_refused",
  HIDDEN: "publication_hidden",
};

function addToAudit(
  atomic: Deno.AtomicOperation,
  { store, actor, decision: { state, reason }, before, after }: Decided & { store: Store; actor: User },
): void {
  const entry = { store, actorId: actor.id, subjectId: after.authorId };
  const { id } = after;
  const detail = [id, ...reason === null ? [] : [reason]].join(" ");
  if (state !== null) addAudit(atomic, { ...entry, action: auditActions[state], detail });
  if (after.title !== before.title) {
    addAudit(atomic, { ...entry, action: "publication_titled", detail: id });
  }
  if (after.isSensitive !== before.isSensitive) {
    const action = after.isSensitive ? "publication_sensitive" : "publication_not_sensitive";
    addAudit(atomic, { ...entry, action, detail: id });
  }
}

async function tellAuthor(
  atomic: Deno.AtomicOperation,
  { store, ...decided }: Decided & { store: Store },
): Promise<void> {
  const { after } = decided;
  const words = wordsFor(decided);
  if (words === null || await readUser(store, after.authorId) === null) return;
  await addNotice(atomic, {
    store,
    userId: after.authorId,
    kind: "moderation",
    href: "/published",
    words,
    byId: null,
  });
}

/** Null: it stays as it was, and its author need not know that somebody looked. */
function wordsFor({ decision: { state, reason }, before, after }: Decided): string | null {
  const said = reason === null ? "" : `: ${reason.replaceAll(/\s+/g, " ")}`;
  const title = `“${before.title}”`;
  if (state === "REFUSED") return `${title} was refused${said}`;
  if (state === "HIDDEN") return `${title} was hidden${said}`;
  if (state === "SHOWN" && before.state !== "SHOWN") return `${title} is shown in the gallery now${said}`;
  if (after.title !== before.title) {
    return `${title} has another title now: “${after.title}”${said && `. Why${said}`}`;
  }
  if (after.isSensitive && !before.isSensitive) return `${title} was marked as sensitive${said}`;
  return null;
}

/**
 * Stops somebody from publishing, or lets them publish again; what is shown stays. Refuses with `not_found` whoever is
 * not there and an actor who may not, and with `forbidden` where it is an admin whom only their like may change.
 */
export async function setPublishing(
  store: Store,
  { actor, userId, isStopped, reason }: {
    actor: User;
    userId: string;
    isStopped: boolean;
    reason: string | null;
  },
): Promise<User> {
  while (true) {
    const found = await readUser(store, userId);
    if (found === null) throw notFound();
    const { value: before, versionstamp } = found;
    const key = keys.user(userId);
    const atomic = store.kv.atomic().check({ key, versionstamp });
    await checkActor(atomic, { store, actor });
    if (userId === actor.id) throw new Refusal("conflict", "You can't stop yourself from publishing");
    if (before.role === "owner") throw new Refusal("forbidden", "An owner can't be stopped from publishing");
    if (Boolean(before.isPublishingStopped) === isStopped) return before;
    const { isPublishingStopped: _, ...rest } = before;
    const after: User = isStopped ? { ...rest, isPublishingStopped: true } : rest;
    atomic.set(key, after);
    const action = isStopped ? "publishing_stopped" : "publishing_allowed";
    addAudit(atomic, { store, actorId: actor.id, subjectId: userId, action, detail: reason });
    const said = reason === null ? "" : `: ${reason.replaceAll(/\s+/g, " ")}`;
    const words = isStopped
      ? `A moderator has stopped you from publishing${said}`
      : `You may publish again${said}`;
    await addNotice(atomic, { store, userId, kind: "moderation", href: "/published", words, byId: null });
    if (await commit(atomic) !== null) return after;
  }
}

/** Those that a moderator has to look at, the oldest first, of authors who are there. */
export async function listWaiting(store: Store, { limit }: { limit: number }): Promise<Publication[]> {
  const waiting: Publication[] = [];
  const entries = store.kv.list<string>({ prefix: [...lists.waitingPublications()] });
  for await (const { value } of entries) {
    const [publication] = await readPublications(store, [value]);
    if (publication !== undefined && await readUser(store, publication.authorId) !== null) {
      waiting.push(publication);
    }
    if (waiting.length === limit) break;
  }
  return waiting;
}
