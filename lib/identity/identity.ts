/** From somebody whom a provider vouches for to a user of this server. */
import type { Profile } from "./identity_provider.ts";
import { takeSpend } from "../money/deleted_account_spend.ts";
import { keys } from "../store/schema.ts";
import { SignInProblem } from "./sign_in_problem.ts";
import { commit, read, type Store } from "../store/store.ts";
import { addUser, readUser, type User } from "../users/user.ts";

export interface SignInPolicy {
  /** In lower case; whoever has one of these, verified, is an admin from the first sign-in on. */
  adminEmails: readonly string[];
  /** In lower case; whose verified addresses may sign in. Empty: everybody may. */
  allowedDomains: readonly string[];
}

/** The user with that identity, made at the first sign-in. Throws `SignInProblem`. */
export async function signInWithProfile(
  store: Store,
  { profile, policy }: { profile: Profile; policy: SignInPolicy },
): Promise<User> {
  demandAllowed(profile, policy);
  const key = keys.identity(profile.issuer, profile.subject);
  while (true) {
    const found = await read<string>(store.kv, key);
    const user = found === null
      ? await join(store, { profile, policy })
      : await renew(store, { userId: found.value, profile });
    if (user !== null) return user;
  }
}

function demandAllowed({ email }: Profile, { allowedDomains }: SignInPolicy): void {
  if (allowedDomains.length === 0) return;
  if (email === null) throw new SignInProblem("unverified");
  const domain = email.slice(email.lastIndexOf("@") + 1);
  if (!allowedDomains.includes(domain)) throw new SignInProblem("domain");
}

/** Null: somebody else was quicker. */
async function join(
  store: Store,
  { profile, policy }: { profile: Profile; policy: SignInPolicy },
): Promise<User | null> {
  const { issuer, subject, email } = profile;
  const identity = { issuer, subject };
  const atomic = store.kv.atomic();
  const deletedAccountSpend = await takeSpend(atomic, { store, identity });
  const user: User = {
    id: store.ids(),
    name: profile.name ?? email?.slice(0, email.lastIndexOf("@")) ?? "Member",
    email,
    role: email !== null && policy.adminEmails.includes(email) ? "admin" : "member",
    isDisabled: false,
    identity,
    ...(deletedAccountSpend !== undefined && { deletedAccountSpend }),
    createdAt: store.now(),
  };
  const key = keys.identity(issuer, subject);
  addUser(atomic, { store, user, actorId: user.id }).check({ key, versionstamp: null }).set(key, user.id);
  return await commit(atomic) === null ? null : user;
}

/** The address may have changed at the provider; the name is the user's own. Null: it changed meanwhile. */
async function renew(
  store: Store,
  { userId, profile }: { userId: string; profile: Profile },
): Promise<User | null> {
  const found = await readUser(store, userId);
  if (found === null || found.value.isDisabled) throw new SignInProblem("disabled");
  if (found.value.email === profile.email) return found.value;
  const user: User = { ...found.value, email: profile.email };
  const key = keys.user(userId);
  const { versionstamp } = found;
  const written = await commit(store.kv.atomic().check({ key, versionstamp }).set(key, user));
  return written === null ? null : user;
}
