/** People with an account. */
import { addAudit } from "./audit.ts";
import { notFound, Refusal } from "../refusal.ts";
import { isId } from "../ids.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, readMany, type Store, type Versioned } from "../store/store.ts";

export type Role = "owner" | "admin" | "member";

/** Who somebody is at an OpenID Connect provider: this pair, never the e-mail address. */
export interface Identity {
  issuer: string;
  subject: string;
}

/** What somebody spent in a month with an account that they had before. */
export interface DeletedAccountSpend {
  month: string;
  micros: number;
}

export interface User {
  id: string;
  name: string;
  /** An address that the provider has verified, or null. */
  email: string | null;
  role: Role;
  isDisabled: boolean;
  /** Looks at what is published, whatever the role; absent: no. */
  isModerator?: true;
  /** A moderator has stopped this person from publishing; absent: no. */
  isPublishingStopped?: true;
  /** How often all sessions were ended at once; one that began before does not come back. Undefined: never. */
  sessionsEnded?: number;
  /** Micro-dollars a month; null: no limit; undefined: the server's default. */
  monthlyBudgetMicros?: number | null;
  /** Counts against the budget of its month; undefined: there was no account before. */
  deletedAccountSpend?: DeletedAccountSpend;
  /** IANA name; undefined: UTC, until a script tells the device's. */
  timeZone?: string;
  /** Undefined: signs in without a provider. */
  identity?: Identity;
  createdAt: number;
}

/** Owners can do all that admins can. */
export function isAdmin(user: User): boolean {
  return user.role !== "member";
}

/** Looks at what is published and decides about it. */
export function mayModerate(user: User): boolean {
  return isAdmin(user) || user.isModerator === true;
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

/** Adds a new account to a commit, with its place in the list of changes. */
export function addUser(
  atomic: Deno.AtomicOperation,
  { store, user, actorId }: { store: Store; user: User; actorId: string },
): Deno.AtomicOperation {
  const key = keys.user(user.id);
  atomic.check({ key, versionstamp: null }).set(key, user);
  return addAudit(atomic, { store, actorId, subjectId: user.id, action: "joined", detail: user.role });
}

/** A user by an id from outside; refuses with `not_found` what is missing or malformed. */
export async function findUser(store: Store, userId: string): Promise<Versioned<User>> {
  const found = isId(userId) ? await readUser(store, userId) : null;
  if (found === null) throw notFound();
  return found;
}

/** Those of them who still have an account. */
export async function readUsers(store: Store, userIds: readonly string[]): Promise<User[]> {
  const found = await readMany<User>(store.kv, [...new Set(userIds)].map(keys.user));
  return found.flatMap((user) => user === null ? [] : [user.value]);
}

/** Everybody, in the order in which they came. */
export async function listUsers(store: Store): Promise<User[]> {
  const entries = store.kv.list<User>({ prefix: [...kinds.users] }, { batchSize: 500 });
  return await Array.fromAsync(entries, ({ value }) => value);
}

/** In the same commit: nothing is added to an account that was deleted meanwhile. */
export function checkAccount(atomic: Deno.AtomicOperation, userId: string): Deno.AtomicOperation {
  return atomic.check({ key: keys.deletion(userId), versionstamp: null });
}

/** What a commit with `checkAccount` says where it was not taken. */
export function accountGone(): Refusal {
  return new AccountGone("unauthorized", "This account was deleted");
}

export class AccountGone extends Refusal {}

/**
 * Adds to a commit that takes an owner away: refuses with `conflict` when nobody would be left who may do everything.
 * Two owners who go at the same moment do not both get away: the roster tells.
 */
export async function checkOwnerRemains(
  atomic: Deno.AtomicOperation,
  { store, leaving }: { store: Store; leaving: string },
): Promise<void> {
  const key = keys.roster();
  const roster = await read<number>(store.kv, key);
  const others = (await listUsers(store)).filter((user) => isActiveOwner(user) && user.id !== leaving);
  if (others.length === 0) {
    throw new Refusal("conflict", "This is the last owner: make somebody else an owner first");
  }
  atomic.check({ key, versionstamp: roster?.versionstamp ?? null }).set(key, store.now());
}

/** What people change about themselves; a time zone that is left out stays, and "" is none. */
export async function changeProfile(
  store: Store,
  { userId, name, timeZone }: { userId: string; name: string; timeZone?: string },
): Promise<void> {
  while (true) {
    const found = await readUser(store, userId);
    if (found === null) throw accountGone();
    const key = keys.user(userId);
    const changed: User = { ...found.value, name, timeZone: (timeZone ?? found.value.timeZone) || undefined };
    const atomic = store.kv.atomic().check({ key, versionstamp: found.versionstamp }).set(key, changed);
    if (await commit(atomic) !== null) return;
  }
}

/** When each user was last here, to the minute; null: never. */
export async function readSeen(store: Store, userIds: readonly string[]): Promise<(number | null)[]> {
  const found = await readMany<number>(store.kv, userIds.map(keys.seen));
  return found.map((seen) => seen?.value ?? null);
}

/**
 * The owner of this server; made when it first starts, and where there is none that may sign in. Of several nodes that
 * find none at the same moment one makes it: the roster tells.
 */
export async function ensureOwner(store: Store): Promise<User> {
  while (true) {
    const roster = await read<number>(store.kv, keys.roster());
    const known = (await listUsers(store)).find(isActiveOwner);
    if (known !== undefined) return known;
    const owner: User = {
      id: store.ids(),
      name: "Owner",
      email: null,
      role: "owner",
      isDisabled: false,
      createdAt: store.now(),
    };
    const atomic = store.kv.atomic()
      .check({ key: keys.roster(), versionstamp: roster?.versionstamp ?? null })
      .set(keys.roster(), store.now())
      .set(keys.user(owner.id), owner);
    if (await commit(atomic) !== null) return owner;
  }
}

export function isActiveOwner({ role, isDisabled }: User): boolean {
  return role === "owner" && !isDisabled;
}
