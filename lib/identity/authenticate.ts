/**
 * Who is asking: by session cookie or by bearer credential, never by both. Another scheme of `Authorization` is
 * somebody else's, such as the password of a proxy in front, and counts as nothing.
 */
import { openApiKey, type Scope } from "./api_key.ts";
import type { Credential } from "./credential.ts";
import { sha256 } from "../digest.ts";
import { Refusal } from "../refusal.ts";
import type { JsonWebTokens } from "./json_web_token.ts";
import { openSession } from "./session.ts";
import type { Store } from "../store/store.ts";
import type { User } from "../users/user.ts";

export interface Caller {
  user: User;
  /** What the credential allows; a session's is `all`. */
  scope: Scope;
  /** A token manages no keys or accounts, and makes no other token. */
  via: "session" | "key" | "token";
  /** What it is, or what the token was made from. */
  source: Credential["source"];
  /** The hash that names the session or key, for ending it and its streams; a token has that of its source. */
  credentialId: string;
  expiresAt: number | null;
}

export interface Credentials {
  /** What the browser sent as ids of sessions, the likeliest first; at most one of them is one of ours. */
  sessionIds: readonly string[];
  authorization: string | undefined;
}

/** Null: no credential was sent. Refuses one that is not valid with `invalid_token`, and two with `invalid_request`. */
export async function authenticate(
  { store, accessTokens }: { store: Store; accessTokens: JsonWebTokens },
  { sessionIds, authorization }: Credentials,
): Promise<Caller | null> {
  if (authorization !== undefined && !isForAnother(authorization)) {
    if (sessionIds.length > 0) {
      throw new Refusal(
        "invalid_request",
        "Send either a session cookie or an Authorization header, not both",
      );
    }
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization)?.[1] ?? "";
    const caller = token.includes(".")
      ? await openAccessToken(accessTokens, token)
      : await openKey(store, token);
    if (caller === null) throw invalidToken();
    return caller;
  }
  for (const sessionId of sessionIds) {
    const session = await openSession(store, sessionId);
    if (session === null) continue;
    const { user, hash, expiresAt } = session;
    return { user, scope: "all", via: "session", source: "session", credentialId: hash, expiresAt };
  }
  return null;
}

/** A scheme other than Bearer, with something behind it (RFC 9110, section 11.4). */
function isForAnother(authorization: string): boolean {
  const [, scheme] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +\S/.exec(authorization) ?? [];
  return scheme !== undefined && scheme.toLowerCase() !== "bearer";
}

async function openKey(store: Store, secret: string): Promise<Caller | null> {
  const opened = await openApiKey(store, secret);
  if (opened === null) return null;
  const { user, key: { scope, expiresAt } } = opened;
  return { user, scope, via: "key", source: "key", credentialId: sha256(secret), expiresAt };
}

async function openAccessToken(accessTokens: JsonWebTokens, token: string): Promise<Caller | null> {
  const opened = await accessTokens.open(token);
  return opened && { ...opened, via: "token" };
}

export function invalidToken(): Refusal {
  return new Refusal("invalid_token", "Invalid or expired token");
}

const ranks: { [scope in Scope]: number } = { read: 0, generate: 1, all: 2 };

/** Refuses with `forbidden` what the credential does not allow. */
export function demandScope(caller: Caller, needed: Scope): void {
  if (ranks[caller.scope] >= ranks[needed]) return;
  throw new Refusal("forbidden", `This needs the scope ${needed}`);
}
