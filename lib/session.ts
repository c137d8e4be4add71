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
  const found = await readWithUser<Session>(store, { key: keys.session(hash), hash });
  if (found === null || found.user.isDisabled) return null;
  const now = store.now();
  const { credential: { value: session, versionstamp }, user } = found;
  const { createdAt, lastSeenAt } = session;
  const expiresAt = Math.min(createdAt + sessionLifeMs, lastSeenAt + idleLifeMs);
  if (now >= expiresAt) return null;
  if (now - lastSeenAt >= seenStepMs) {
    const seen: Session = { ...session, lastSeenAt: now };
    await commit(
      store.kv.atomic().check({ key: keys.session(hash), versionstamp })
        .set(keys.session(hash), seen, { expireIn: createdAt + sessionLifeMs - now }),
    );
  }
  return { user, hash, expiresAt };
}

export async function endSession(
  store: Store,
  { userId, hash }: { userId: string; hash: string },
): Promise<void> {
  await commit(store.kv.atomic().delete(keys.session(hash)).delete(keys.sessionOf(userId, hash)));
}
