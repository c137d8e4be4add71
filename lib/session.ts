/** Sessions of browsers. The id is 256 random bits in a cookie; only its hash is stored. */
import { randomToken, sha256 } from "./digest.ts";
import { keys } from "./schema.ts";
import { commit, type Store } from "./store.ts";
import { readWithUser, type User } from "./user.ts";

export interface Session {
  userId: string;
  createdAt: number;
  lastSeenAt: number;
}

export const sessionLifeMs = 30 * 24 * 3600 * 1000;
const idleLifeMs = 7 * 24 * 3600 * 1000;
/** How exact `lastSeenAt` is; a write at each request would buy nothing. */
const seenStepMs = 60_000;

/** Starts a session and returns its id, which is not kept anywhere else. */
export async function startSession(store: Store, userId: string): Promise<string> {
  const id = randomToken();
  const hash = sha256(id);
  const now = store.now();
  const session: Session = { userId, createdAt: now, lastSeenAt: now };
  const options = { expireIn: sessionLifeMs };
  await commit(
    store.kv.atomic().set(keys.session(hash), session, options).set(
      keys.sessionOf(userId, hash),
      null,
      options,
    ),
  );
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
  const { createdAt, lastSeenAt } = session;
  if (now - lastSeenAt >= seenStepMs) {
    const seen: Session = { ...session, lastSeenAt: now };
    await commit(
      store.kv.atomic().check({ key: keys.session(hash), versionstamp })
        .set(keys.session(hash), seen, { expireIn: createdAt + sessionLifeMs - now }),
    );
  }
  return { user, hash, expiresAt };
}

/** The session with that hash and its user, as long as it is good; looking does not count as being seen. */
export async function findSession(store: Store, hash: string) {
  const found = await readWithUser<Session>(store, { key: keys.session(hash), hash });
  if (found === null || found.user.isDisabled) return null;
  const { credential: { value: session, versionstamp }, user } = found;
  const expiresAt = Math.min(session.createdAt + sessionLifeMs, session.lastSeenAt + idleLifeMs);
  return store.now() < expiresAt ? { session, versionstamp, user, expiresAt } : null;
}

export async function endSession(
  store: Store,
  { userId, hash }: { userId: string; hash: string },
): Promise<void> {
  await commit(store.kv.atomic().delete(keys.session(hash)).delete(keys.sessionOf(userId, hash)));
}
