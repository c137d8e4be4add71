/** API keys: `dk_` and 256 random bits; only the hash is stored. */
import { randomToken, sha256 } from "./digest.ts";
import { keys } from "./schema.ts";
import { commit, read, readMany, type Store } from "./store.ts";
import { accountGone, checkAccount, readUser, type User } from "./user.ts";

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
  const atomic = checkAccount(store.kv.atomic(), userId)
    .set(keys.apiKey(hash), key).set(keys.apiKeyOf(userId, key.id), hash);
  if (await commit(atomic) === null) throw accountGone();
  return secret;
}

/** The key and its user; null when it is unknown or expired, or its user may not sign in. */
export async function openApiKey(store: Store, secret: string): Promise<{ user: User; key: ApiKey } | null> {
  if (!secret.startsWith(prefix)) return null;
  const hash = sha256(secret);
  const opened = await findApiKey(store, hash);
  if (opened === null) return null;
  const { user, key, versionstamp } = opened;
  const now = store.now();
  if (key.lastUsedAt === null || now - key.lastUsedAt >= usedStepMs) {
    await commit(
      store.kv.atomic().check({ key: keys.apiKey(hash), versionstamp })
        .set(keys.apiKey(hash), { ...key, lastUsedAt: now }).set(keys.seen(user.id), now),
    );
  }
  return { user, key };
}

/** The key with that hash and its user, as long as it is good; looking does not count as use. */
export async function findApiKey(store: Store, hash: string) {
  const found = await read<ApiKey>(store.kv, keys.apiKey(hash));
  if (found === null) return null;
  const { value: key, versionstamp } = found;
  if (key.expiresAt !== null && key.expiresAt <= store.now()) return null;
  const user = await readUser(store, key.userId);
  if (user === null || user.value.isDisabled) return null;
  return { user: user.value, key, versionstamp };
}

/** Whether there is such a key at all, good or not. */
export async function isKnownApiKey(store: Store, secret: string): Promise<boolean> {
  return await read(store.kv, keys.apiKey(sha256(secret))) !== null;
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

/** Takes a key of the user away and returns its hash; null when there is none. */
export async function revokeApiKey(
  store: Store,
  { userId, keyId }: { userId: string; keyId: string },
): Promise<string | null> {
  const index = keys.apiKeyOf(userId, keyId);
  const hash = await read<string>(store.kv, index);
  if (hash === null) return null;
  await commit(store.kv.atomic().delete(keys.apiKey(hash.value)).delete(index));
  return hash.value;
}
