/** What lets somebody in, as it states what follows from it (`store/noun.ts`). */
import { idInKey, idInValue, type Noun } from "../store/noun.ts";
import { keys, kinds } from "../store/schema.ts";
import type { ApiKey } from "./api_key.ts";
import type { Invitation } from "./invitation.ts";
import type { Passkey } from "./passkey.ts";
import { type Session, sessionLifeMs } from "./session.ts";

export const sessionNoun: Noun<Session, { hash: string; userId: string; endsAt: number }> = {
  kind: kinds.sessions,
  facts: ({ key, value: { userId, createdAt } }) => (
    { hash: String(key[1]), userId, endsAt: createdAt + sessionLifeMs }
  ),
  implied: ({ hash, userId, endsAt }, now) =>
    endsAt <= now ? [] : [{ key: keys.sessionOf(userId, hash), value: null, expireIn: endsAt - now }],
  indexes: [{ prefix: kinds.sessionsOf, name: "session_index", recordId: idInKey }],
};

export const apiKeyNoun: Noun<ApiKey, { hash: string; userId: string; id: string }> = {
  kind: kinds.apiKeys,
  facts: ({ key, value: { userId, id } }) => ({ hash: String(key[1]), userId, id }),
  implied: ({ hash, userId, id }) => [{ key: keys.apiKeyOf(userId, id), value: hash }],
  indexes: [{ prefix: kinds.apiKeysOf, name: "api_key_index", recordId: idInValue }],
};

export const passkeyNoun: Noun<Passkey, Pick<Passkey, "userId" | "credentialId">> = {
  kind: kinds.passkeys,
  facts: ({ value: { userId, credentialId } }) => ({ userId, credentialId }),
  implied: ({ userId, credentialId }) => [{ key: keys.passkeyOf(userId, credentialId), value: null }],
  indexes: [{ prefix: kinds.passkeysOf, name: "passkey_index", recordId: idInKey }],
};

/** They are few, and found by their code alone. */
export const invitationNoun: Noun<Invitation, Pick<Invitation, "createdBy">> = {
  kind: kinds.invitations,
  facts: ({ value: { createdBy } }) => ({ createdBy }),
  implied: () => [],
  indexes: [],
};
