/** People with an account. */
import { addAudit } from "./audit.ts";
import { notFound, Refusal } from "./errors.ts";
import { isId } from "./ids.ts";
import { keys, kinds } from "./schema.ts";
import { commit, read, type Store, type Versioned } from "./store.ts";

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
  /** IANA name; undefined: that of the device. */
  timeZone?: string;
  createdAt: number;
}

export function isAdmin(user: User): boolean {
  return user.role !== "member";
}

export function readUser(store: Store, userId: string): Promise<Versioned<User> | null> {
  return read<User>(store.kv, keys.user(userId));
}

/** A user by an id from outside; refuses with `not_found` what is missing or malformed. */
export async function findUser(store: Store, userId: string): Promise<Versioned<User>> {
  const found = isId(userId) ? await readUser(store, userId) : null;
  if (found === null) throw notFound();
  return found;
}

/** Everybody, in the order in which they came. */
export async function listUsers(store: Store): Promise<User[]> {
  const entries = await Array.fromAsync(
    store.kv.list<User>({ prefix: [...kinds.users] }, { batchSize: 500 }),
  );
  return entries.map(({ value }) => value);
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

/** Adds a new account to a commit, with its place in the list of changes. */
export function addUser(
  atomic: Deno.AtomicOperation,
  { store, user, actorId }: { store: Store; user: User; actorId: string },
): Deno.AtomicOperation {
  const key = keys.user(user.id);
  atomic.check({ key, versionstamp: null }).set(key, user);
  return addAudit(atomic, { store, actorId, subjectId: user.id, action: "joined", detail: user.role });
}

/** In the same commit: nothing is added to an account that was deleted meanwhile. */
export function checkAccount(atomic: Deno.AtomicOperation, userId: string): Deno.AtomicOperation {
  return atomic.check({ key: keys.deletion(userId), versionstamp: null });
}

/** What a commit with `checkAccount` says where it was not taken. */
export function accountGone(): Refusal {
  return new Refusal("unauthorized", "This account was deleted");
}

/** What people change about themselves. */
export async function changeProfile(
  store: Store,
  { userId, name, timeZone }: { userId: string; name: string; timeZone: string | undefined },
): Promise<void> {
  while (true) {
    const found = await readUser(store, userId);
    if (found === null) throw accountGone();
    const key = keys.user(userId);
    const changed: User = { ...found.value, name, timeZone };
    const atomic = store.kv.atomic().check({ key, versionstamp: found.versionstamp }).set(key, changed);
    if (await commit(atomic) !== null) return;
  }
}

/** When the user was last here, to the minute; null: never. */
export async function readSeen(store: Store, userId: string): Promise<number | null> {
  return (await read<number>(store.kv, keys.seen(userId)))?.value ?? null;
}
