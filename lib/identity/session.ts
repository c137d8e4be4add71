/** Sessions of browsers. The id is 256 random bits in a cookie; only its hash is stored. */
import { randomToken, sha256 } from "../digest.ts";
import { announceEnd } from "./announce_end.ts";
import { keys } from "../store/schema.ts";
import { commit, readMany, type Store } from "../store/store.ts";
import { accountGone, checkAccount, readUser, readWithUser, type User } from "../users/user.ts";

export interface Session {
  userId: string;
  createdAt: number;
  lastSeenAt: number;
  /** The user's `sessionsEnded` as it was when the session began. */
  endedBefore?: number;
  /** In words, such as "Firefox on Windows". */
  device?: string;
}

export const sessionLifeMs = 30 * 24 * 3600 * 1000;
const idleLifeMs = 7 * 24 * 3600 * 1000;
/** How exact `lastSeenAt` is; a write at each request would buy nothing. */
const seenStepMs = 60_000;

/** Starts a session and returns its id, which is not kept anywhere else. */
export async function startSession(
  store: Store,
  userId: string,
  { device }: { device?: string } = {},
): Promise<string> {
  const user = await readUser(store, userId);
  if (user === null) throw accountGone();
  const id = randomToken();
  const hash = sha256(id);
  const now = store.now();
  const endedBefore = user.value.sessionsEnded;
  const session: Session = { userId, createdAt: now, lastSeenAt: now, endedBefore, device };
  const options = { expireIn: sessionLifeMs };
  const atomic = checkAccount(store.kv.atomic(), userId)
    .set(keys.session(hash), session, options)
    .set(keys.sessionOf(userId, hash), null, options)
    .set(keys.seen(userId), now);
  if (await commit(atomic) === null) throw accountGone();
  return id;
}

export interface OpenSession {
  user: User;
  hash: string;
  expiresAt: number;
}

/** The user behind a session id; null when it ended, was never one, or its user may not sign in. */
export async function openSession(store: Store, id: string): Promise<OpenSession | null> {
  const hash = sha256(id);
  const found = await findSession(store, hash);
  if (found === null) return null;
  const now = store.now();
  const { session, versionstamp, user, expiresAt } = found;
  if (now - session.lastSeenAt >= seenStepMs) {
    const seen: Session = { ...session, lastSeenAt: now };
    await commit(
      store.kv.atomic().check({ key: keys.session(hash), versionstamp })
        .set(keys.session(hash), seen, { expireIn: session.createdAt + sessionLifeMs - now })
        .set(keys.seen(session.userId), now),
    );
  }
  return { user, hash, expiresAt };
}

/** The session with that hash and its user, as long as it is good; looking does not count as being seen. */
export async function findSession(store: Store, hash: string) {
  const found = await readWithUser<Session>(store, { key: keys.session(hash), hash });
  if (found === null || found.user.isDisabled) return null;
  const { credential: { value: session, versionstamp }, user } = found;
  if (wasEnded(session, user)) return null;
  const expiresAt = expiryOf(session);
  return store.now() < expiresAt ? { session, versionstamp, user, expiresAt } : null;
}

/** Together with all others of the user. */
function wasEnded(session: Session, { sessionsEnded = 0 }: Pick<User, "sessionsEnded">): boolean {
  return (session.endedBefore ?? 0) !== sessionsEnded;
}

function expiryOf({ createdAt, lastSeenAt }: Session): number {
  return Math.min(createdAt + sessionLifeMs, lastSeenAt + idleLifeMs);
}

export type ListedSession = Session & { hash: string };

/** The user's open sessions, the one used last first. */
export async function listSessions(
  store: Store,
  user: Pick<User, "id" | "sessionsEnded">,
): Promise<ListedSession[]> {
  const hashes = await Array.fromAsync(
    store.kv.list({ prefix: keys.sessionsOf(user.id) }),
    ({ key }) => key[2] as string,
  );
  const found = await readMany<Session>(store.kv, hashes.map(keys.session));
  return found.flatMap((session, i) => session === null ? [] : [{ ...session.value, hash: hashes[i] }])
    .filter((session) => !wasEnded(session, user) && expiryOf(session) > store.now())
    .sort((a, b) => b.lastSeenAt - a.lastSeenAt);
}

/** Ends a session and, with the same commit, its streams wherever they are. */
export async function endSession(
  store: Store,
  { userId, hash }: { userId: string; hash: string },
): Promise<void> {
  const atomic = store.kv.atomic().delete(keys.session(hash)).delete(keys.sessionOf(userId, hash));
  await commit(announceEnd(atomic, { store, userId }));
}
