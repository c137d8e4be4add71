/**
 * Links that make somebody a member, once: 256 random bits, good for seven days and for as long as whoever made them
 * may invite; only the hash is stored. For servers where no outside party says who people are.
 */
import { addAudit } from "../users/audit.ts";
import { randomToken, sha256 } from "../digest.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import { addUser, isAdmin, readUser, readUsers, type User } from "../users/user.ts";

export interface Invitation {
  id: string;
  /** Whom it is for, in the inviting admin's words. */
  name: string;
  createdBy: string;
  createdAt: number;
  expiresAt: number;
}

export const invitationLifeMs = 7 * 24 * 3600 * 1000;
const maxNameChars = 100;

/** Makes an invitation and returns its code; it can't be shown again. */
export async function createInvitation(
  store: Store,
  { createdBy, name }: { createdBy: string; name: string },
): Promise<{ invitation: Invitation; code: string }> {
  const code = randomToken();
  const createdAt = store.now();
  const invitation: Invitation = {
    id: store.ids(),
    name: checkName(name),
    createdBy,
    createdAt,
    expiresAt: createdAt + invitationLifeMs,
  };
  const key = keys.invitation(sha256(code));
  const atomic = store.kv.atomic().set(key, invitation, { expireIn: invitationLifeMs });
  const { name: detail } = invitation;
  await commit(addAudit(atomic, { store, actorId: createdBy, subjectId: null, action: "invited", detail }));
  return { invitation, code };
}

/** The open invitations, oldest first. */
export async function listInvitations(store: Store): Promise<Invitation[]> {
  const entries = await Array.fromAsync(store.kv.list<Invitation>({ prefix: [...kinds.invitations] }));
  const inviters = await readUsers(store, entries.map(({ value }) => value.createdBy));
  const inviting = new Set(inviters.filter(mayInvite).map(({ id }) => id));
  return entries.map(({ value }) => value)
    .filter(({ expiresAt, createdBy }) => expiresAt > store.now() && inviting.has(createdBy))
    .sort((a, b) => a.id < b.id ? -1 : 1);
}

/** Refuses with `not_found` one that is not open. */
export async function revokeInvitation(
  store: Store,
  { invitationId, actorId }: { invitationId: string; actorId: string },
): Promise<Invitation> {
  for await (const found of store.kv.list<Invitation>({ prefix: [...kinds.invitations] })) {
    const { key, versionstamp, value } = found;
    if (value.id !== invitationId) continue;
    const atomic = store.kv.atomic().check({ key, versionstamp }).delete(key);
    const entry = { store, actorId, subjectId: null, detail: value.name } as const;
    const revoked = await commit(addAudit(atomic, { ...entry, action: "invitation_revoked" }));
    if (revoked !== null) return value;
  }
  throw notFound();
}

/** The invitation with that code, not used up; null where it is not open. */
export async function findInvitation(store: Store, code: string): Promise<Invitation | null> {
  return (await openInvitation(store, keys.invitation(sha256(code))))?.found.value ?? null;
}

/** Uses the invitation up and makes the member; null where it is not open (any more). */
export async function redeemInvitation(
  store: Store,
  { code, name }: { code: string; name: string },
): Promise<User | null> {
  const key = keys.invitation(sha256(code));
  while (true) {
    const open = await openInvitation(store, key);
    if (open === null) return null;
    const { found, inviter } = open;
    const user: User = {
      id: store.ids(),
      name: checkName(name),
      email: null,
      role: "member",
      isDisabled: false,
      createdAt: store.now(),
    };
    const atomic = addUser(store.kv.atomic(), { store, user, actorId: inviter.value.id })
      .check({ key, versionstamp: found.versionstamp })
      .check({ key: keys.user(inviter.value.id), versionstamp: inviter.versionstamp })
      .delete(key);
    if (await commit(atomic) !== null) return user;
  }
}

/** Null where it was used, is too old, or comes from somebody who may not invite any more. */
async function openInvitation(
  store: Store,
  key: Deno.KvKey,
): Promise<{ found: Versioned<Invitation>; inviter: Versioned<User> } | null> {
  const found = await read<Invitation>(store.kv, key);
  if (found === null || found.value.expiresAt <= store.now()) return null;
  const inviter = await readUser(store, found.value.createdBy);
  return inviter !== null && mayInvite(inviter.value) ? { found, inviter } : null;
}

function mayInvite(user: User): boolean {
  return isAdmin(user) && !user.isDisabled;
}

function checkName(text: string): string {
  const name = text.trim();
  if (name !== "" && name.length <= maxNameChars && !/\p{Cc}/u.test(name)) return name;
  throw new Refusal("invalid_request", `A name has 1 to ${maxNameChars} characters`, { field: "name" });
}
