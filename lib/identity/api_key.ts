/** API keys: `dk_` and 256 random bits; only the hash is stored. */
import { z } from "zod";
import { randomToken, sha256 } from "../digest.ts";
import { notFound } from "../refusal.ts";
import { isId } from "../ids.ts";
import { announceEnd } from "./announce_end.ts";
import { keys } from "../store/schema.ts";
import { commit, read, readMany, type Store } from "../store/store.ts";
import { accountGone, checkAccount, readWithUser, type User } from "../users/user.ts";

/** `read`: look, quote; `generate`: also generate, cancel, retry; `all`: also delete. */
export const scopes = ["read", "generate", "all"] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  id: string;
  userId: string;
  name: string;
  scope: Scope;
  createdAt: number;
  /** Milliseconds since 1970; null: never. */
  expiresAt: number | null;
  lastUsedAt: number | null;
}

/** What is typed for a new key. */
export const apiKeyFields = {
  name: z.string("A key needs a name").trim().min(1, "A key needs a name").max(
    100,
    "A key's name has at most 100 characters",
  ),
  scope: z.enum(scopes, `A key's scope is one of ${scopes.join(", ")}`),
};

const isoTime = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** The time to come that an ISO time or date (its first moment, in UTC) names; null: it names none. */
export function readExpiry(text: string, { now }: { now: number }): number | null {
  const time = isoTime.safeParse(text);
  const at = time.success ? Date.parse(time.data) : NaN;
  return at > now ? at : null;
}

const prefix = "dk_";
const usedStepMs = 60_000;

/** Makes a key and returns it; it can't be shown again. */
export async function createApiKey(
  store: Store,
  { userId, name, scope, expiresAt }: {
    userId: string;
    name: string;
    scope: Scope;
    expiresAt: number | null;
  },
): Promise<string> {
  const secret = prefix + randomToken();
  const hash = sha256(secret);
  const key: ApiKey = {
    id: store.ids(),
    userId,
    name,
    scope,
    createdAt: store.now(),
    expiresAt,
    lastUsedAt: null,
  };
  const atomic = checkAccount(store.kv.atomic(), userId)
    .set(keys.apiKey(hash), key).set(keys.apiKeyOf(userId, key.id), hash);
  if (await commit(atomic) === null) throw accountGone();
  return secret;
}

/** The key and its user; null when it is unknown or expired, or its user may not sign in. */
export async function openApiKey(store: Store, secret: string): Promise<{ user: User; key: ApiKey } | null> {
  if (!secret.startsWith(prefix)) return null;
  const hash = sha256(secret);
  const found = await findApiKey(store, hash);
  if (found === null) return null;
  const now = store.now();
  const { key, versionstamp, user } = found;
  if (key.lastUsedAt === null || now - key.lastUsedAt >= usedStepMs) {
    const check = { key: keys.apiKey(hash), versionstamp };
    await commit(
      store.kv.atomic().check(check).set(keys.apiKey(hash), { ...key, lastUsedAt: now })
        .set(keys.seen(user.id), now),
    );
  }
  return { user, key };
}

/** The user's keys, the newest first; those that expired too. */
export async function listApiKeys(store: Store, userId: string): Promise<ApiKey[]> {
  const hashes = await Array.fromAsync(
    store.kv.list<string>({ prefix: keys.apiKeysOf(userId) }, { reverse: true }),
    ({ value }) => value,
  );
  const found = await readMany<ApiKey>(store.kv, hashes.map(keys.apiKey));
  return found.flatMap((key) => key === null ? [] : [key.value]);
}

/** Takes a key of the user away and, with the same commit, ends its streams; refuses with `not_found` when there is none. */
export async function revokeApiKey(
  store: Store,
  { userId, keyId }: { userId: string; keyId: string },
): Promise<void> {
  const index = keys.apiKeyOf(userId, keyId);
  const hash = isId(keyId) ? await read<string>(store.kv, index) : null;
  if (hash === null) throw notFound();
  const atomic = store.kv.atomic().delete(keys.apiKey(hash.value)).delete(index);
  await commit(announceEnd(atomic, { store, userId }));
}

/** The key with that hash and its user, as long as it is good; looking does not count as use. */
export async function findApiKey(store: Store, hash: string) {
  const found = await readWithUser<ApiKey>(store, { key: keys.apiKey(hash), hash });
  if (found === null || found.user.isDisabled) return null;
  const { credential: { value: key, versionstamp }, user } = found;
  return key.expiresAt === null || key.expiresAt > store.now() ? { key, versionstamp, user } : null;
}
