/** People with an account. */
import { keys, kinds } from "./schema.ts";
import { commit, read, readMany, type Store, type Versioned } from "./store.ts";

export type Role = "owner" | "admin" | "member";

/** Who somebody is at an OpenID Connect provider: this pair, never the e-mail address. */
export interface Identity {
  issuer: string;
  subject: string;
}

export interface User {
  id: string;
  name: string;
  /** An address that the provider has verified, or null. */
  email: string | null;
  role: Role;
  isDisabled: boolean;
  /** Micro-dollars a month; null: no limit; undefined: the server's default. */
  monthlyBudgetMicros?: number | null;
  /** Undefined: signs in without a provider. */
  identity?: Identity;
  createdAt: number;
}

export function readUser(store: Store, userId: string): Promise<Versioned<User> | null> {
  return read<User>(store.kv, keys.user(userId));
}

/**
 * A session or key by its hash, together with its user, in one read where it was seen before. Null when either is
 * missing.
 */
export async function readWithUser<T extends { userId: string }>(
  store: Store,
  { key, hash }: { key: Deno.KvKey; hash: string },
): Promise<{ credential: Versioned<T>; user: User } | null> {
  const owner = store.recentOwners.get(hash);
  const [credential, known] = await readMany<T | User>(
    store.kv,
    owner === undefined ? [key] : [key, keys.user(owner)],
  );
  if (credential === null) return null;
  const { userId } = credential.value as T;
  const user = known === undefined ? await readUser(store, userId) : known;
  if (user === null) return null;
  store.recentOwners.put(hash, userId);
  return { credential: credential as Versioned<T>, user: user.value as User };
}

/** Owners can do all that admins can. */
export function isAdmin(user: User): boolean {
  return user.role !== "member";
}

/** Adds a new account to a commit. */
export function addUser(
  atomic: Deno.AtomicOperation,
  { user }: { user: User },
): Deno.AtomicOperation {
  const key = keys.user(user.id);
  return atomic.check({ key, versionstamp: null }).set(key, user);
}

/** The one owner of this server; made when it first starts. */
export async function ensureOwner(store: Store): Promise<User> {
  for await (const entry of store.kv.list<User>({ prefix: [...kinds.users] })) {
    if (entry.value.role === "owner") return entry.value;
  }
  const owner: User = {
    id: store.ids(),
    name: "Owner",
    email: null,
    role: "owner",
    isDisabled: false,
    createdAt: store.now(),
  };
  const key = keys.user(owner.id);
  await commit(store.kv.atomic().check({ key, versionstamp: null }).set(key, owner));
  return owner;
}
