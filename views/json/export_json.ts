/** The JSON of the archive that people take their data away in: prompts and images look as they do in the API. */
import type { ApiKey } from "../../lib/identity/api_key.ts";
import type { Session } from "../../lib/identity/session.ts";
import type { User } from "../../lib/users/user.ts";

const iso = (at: number) => new Date(at).toISOString();
const maybeIso = (at: number | null) => at === null ? null : iso(at);

export function accountExportJson(
  { user, sessions, apiKeys }: { user: User; sessions: Session[]; apiKeys: ApiKey[] },
) {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    role: user.role,
    timeZone: user.timeZone ?? null,
    createdAt: iso(user.createdAt),
    sessions: sessions.map(({ device, createdAt, lastSeenAt }) => ({
      device: device ?? null,
      createdAt: iso(createdAt),
      lastSeenAt: iso(lastSeenAt),
    })),
    apiKeys: apiKeys.map(({ id, name, scope, createdAt, expiresAt, lastUsedAt }) => ({
      id,
      name,
      scope,
      createdAt: iso(createdAt),
      expiresAt: maybeIso(expiresAt),
      lastUsedAt: maybeIso(lastUsedAt),
    })),
  };
}
