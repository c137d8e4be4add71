/** API keys: `dk_` and 256 random bits; only the hash is stored. */
import { randomToken, sha256 } from "./digest.ts";
import { keys } from "./schema.ts";
import { commit, type Store } from "./store.ts";
import { readWithUser, type User } from "./user.ts";

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
  await commit(store.kv.atomic().set(keys.apiKey(hash), key).set(keys.apiKeyOf(userId, key.id), hash));
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
    await commit(store.kv.atomic().check(check).set(keys.apiKey(hash), { ...key, lastUsedAt: now }));
  }
  return { user, key };
}

/** The key with that hash and its user, as long as it is good; looking does not count as use. */
export async function findApiKey(store: Store, hash: string) {
  const found = await readWithUser<ApiKey>(store, { key: keys.apiKey(hash), hash });
  if (found === null || found.user.isDisabled) return null;
  const { credential: { value: key, versionstamp }, user } = found;
  return key.expiresAt === null || key.expiresAt > store.now() ? { key, versionstamp, user } : null;
}
