/** Who is asking: by session cookie or by bearer credential, never by both. */
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
  sessionId: string | undefined;
  authorization: string | undefined;
}

/** Null: no credential was sent. Refuses one that is not valid with `invalid_token`, and two with `invalid_request`. */
export async function authenticate(
  { store, tokens }: { store: Store; tokens: JsonWebTokens },
  { sessionId, authorization }: Credentials,
): Promise<Caller | null> {
  if (authorization !== undefined) {
    if (sessionId !== undefined) {
      throw new Refusal(
        "invalid_request",
        "Send either a session cookie or an Authorization header, not both",
      );
    }
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization)?.[1] ?? "";
    const caller = token.includes(".") ? await openToken(tokens, token) : await openKey(store, token);
    if (caller === null) throw invalidToken();
    return caller;
  }
  if (sessionId === undefined) return null;
  const session = await openSession(store, sessionId);
  if (session === null) return null;
  return {
    user: session.user,
    scope: "all",
    via: "session",
    source: "session",
    credentialId: session.hash,
    expiresAt: session.expiresAt,
  };
}

async function openKey(store: Store, secret: string): Promise<Caller | null> {
  const opened = await openApiKey(store, secret);
  if (opened === null) return null;
  const { user, key: { scope, expiresAt } } = opened;
  return { user, scope, via: "key", source: "key", credentialId: sha256(secret), expiresAt };
}

async function openToken(tokens: JsonWebTokens, token: string): Promise<Caller | null> {
  const opened = await tokens.open(token);
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
