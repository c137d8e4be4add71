/** The account in the archive that people take their data away in: prompts and images look there as in the API. */
import { z } from "zod";
import type { ApiKey } from "../../lib/identity/api_key.ts";
import type { Session } from "../../lib/identity/session.ts";
import type { User } from "../../lib/users/user.ts";
import { roleValue } from "./user_json.ts";
import { idValue, iso, maybeIso, timeValue } from "./values.ts";

export const accountExportShape = z.strictObject({
  id: idValue,
  name: z.string(),
  email: z.string().nullable(),
  role: roleValue,
  timeZone: z.string().nullable(),
  createdAt: timeValue,
  sessions: z.array(z.strictObject({
    device: z.string().nullable(),
    createdAt: timeValue,
    lastSeenAt: timeValue,
  })),
  apiKeys: z.array(z.strictObject({
    id: idValue,
    name: z.string(),
    scope: z.enum(["read", "generate", "all"]),
    createdAt: timeValue,
    expiresAt: timeValue.nullable(),
    lastUsedAt: timeValue.nullable(),
  })),
});

export function accountExportJson(
  { user, sessions, apiKeys }: { user: User; sessions: Session[]; apiKeys: ApiKey[] },
): z.output<typeof accountExportShape> {
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
