/** Whether what somebody signed in with still counts. */
import type { Store } from "../store/store.ts";
import { readUser, type User } from "../users/user.ts";
import { findApiKey } from "./api_key.ts";
import { findSession } from "./session.ts";

export interface Credential {
  userId: string;
  /** `id_token`: that of an identity provider, which nothing here can end but the account. */
  source: "session" | "key" | "id_token";
  /** The hash that names the session or key. */
  credentialId: string;
  /** The user's `sessionsEnded` when it was sent: what ends sessions ends one without a session as well. */
  sessionsEnded: number;
}

/** Its user as they are now; null where it does not count any more. Looking does not count as use. */
export async function findUserBehind(store: Store, credential: Credential): Promise<User | null> {
  const user = await findSourceUser(store, credential);
  return user?.id === credential.userId ? user : null;
}

async function findSourceUser(
  store: Store,
  { userId, source, credentialId, sessionsEnded }: Credential,
): Promise<User | null> {
  if (source === "session") return (await findSession(store, credentialId))?.user ?? null;
  if (source === "key") return (await findApiKey(store, credentialId))?.user ?? null;
  const found = await readUser(store, userId);
  if (found === null || found.value.isDisabled) return null;
  return (found.value.sessionsEnded ?? 0) === sessionsEnded ? found.value : null;
}
