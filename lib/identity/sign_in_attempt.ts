/**
 * One person's way to a provider and back. The browser holds 256 random bits in a cookie for ten minutes; the store
 * holds their hash. State, nonce and PKCE verifier are derived from those bits, so an answer counts only in the
 * browser that asked, and the store has nothing that could be used.
 */
import { randomToken, sha256, sign } from "../digest.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";

export interface SignInAttempt {
  providerId: string;
  /** A path of this site, to go to afterwards. */
  returnTo: string;
  expiresAt: number;
}

export interface AttemptSecrets {
  state: string;
  nonce: string;
  codeVerifier: string;
}

export const attemptLifeMs = 10 * 60 * 1000;

/** Returns the token for the browser's cookie; it is kept nowhere else. */
export async function beginAttempt(
  store: Store,
  { providerId, returnTo }: { providerId: string; returnTo: string },
): Promise<string> {
  const token = randomToken();
  const attempt: SignInAttempt = { providerId, returnTo, expiresAt: store.now() + attemptLifeMs };
  const key = keys.signInAttempt(sha256(token));
  await commit(store.kv.atomic().set(key, attempt, { expireIn: attemptLifeMs }));
  return token;
}

/** Uses the attempt up; null when it is unknown, used, too old, or was on its way to another provider. */
export async function takeAttempt(
  store: Store,
  { token, providerId }: { token: string; providerId: string },
): Promise<SignInAttempt | null> {
  const key = keys.signInAttempt(sha256(token));
  const found = await read<SignInAttempt>(store.kv, key);
  if (found === null) return null;
  const { value: attempt, versionstamp } = found;
  const taken = await commit(store.kv.atomic().check({ key, versionstamp }).delete(key));
  const isGood = attempt.expiresAt > store.now() && attempt.providerId === providerId;
  return taken !== null && isGood ? attempt : null;
}

export function secretsOf(token: string): AttemptSecrets {
  return {
    state: sign(token, "state"),
    nonce: sign(token, "nonce"),
    codeVerifier: sign(token, "code verifier"),
  };
}
