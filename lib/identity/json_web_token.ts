/**
 * JSON web tokens (RFC 7519) for programs that should not hold a key: good for fifteen minutes at most, and never
 * longer than what they were made from. Each names its source, which is looked up whenever the token is used, so it
 * dies with that at once.
 */
import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { type Scope, scopes } from "./api_key.ts";
import { type Credential, findUserBehind } from "./credential.ts";
import { algorithm, type SigningKeys } from "./signing_keys.ts";
import type { Store } from "../store/store.ts";
import type { User } from "../users/user.ts";

/** What a token is made from. */
export interface TokenSource {
  user: User;
  scope: Scope;
  via: Credential["source"];
  /** The hash that names the session or key. */
  credentialId: string;
  /** Milliseconds since 1970; null: never. */
  expiresAt: number | null;
}

export interface IssuedToken {
  token: string;
  expiresInSeconds: number;
}

export interface OpenToken {
  user: User;
  scope: Scope;
  source: Credential["source"];
  credentialId: string;
  expiresAt: number;
}

export interface JsonWebTokens {
  /** Null where the source ends within this second. */
  issue(source: TokenSource): Promise<IssuedToken | null>;
  /** Whom the token speaks for; null where it is not one of ours, or not good any more. */
  open(token: string): Promise<OpenToken | null>;
  /** The public keys, RFC 7517. */
  publishedKeys: SigningKeys["published"];
}

const lifeSeconds = 15 * 60;
/** RFC 9068; keeps tokens of other kinds apart. */
const type = "at+jwt";

const Claims = z.object({
  sub: z.string(),
  exp: z.int(),
  scope: z.enum(scopes),
  src: z.tuple([z.enum(["session", "key", "id_token"]), z.string()]),
  /** The user's `sessionsEnded`: what ends sessions ends a token without one as well. */
  ended: z.int().default(0),
});

export function createJsonWebTokens(
  { store, signingKeys, publicUrl }: { store: Store; signingKeys: SigningKeys; publicUrl: string },
): JsonWebTokens {
  return {
    async issue({ user, scope, via, credentialId, expiresAt }) {
      const issuedAt = Math.floor(store.now() / 1000);
      const sourceEnd = expiresAt === null ? Infinity : Math.floor(expiresAt / 1000);
      const end = Math.min(issuedAt + lifeSeconds, sourceEnd);
      if (end <= issuedAt) return null;
      const { kid, privateKey } = await signingKeys.current();
      const token = await new SignJWT({ scope, src: [via, credentialId], ended: user.sessionsEnded })
        .setProtectedHeader({ alg: algorithm, typ: type, kid })
        .setIssuer(publicUrl)
        .setAudience(publicUrl)
        .setSubject(user.id)
        .setJti(store.ids())
        .setIssuedAt(issuedAt)
        .setExpirationTime(end)
        .sign(privateKey);
      return { token, expiresInSeconds: end - issuedAt };
    },
    async open(token) {
      const claims = await readClaims(token);
      if (claims === null) return null;
      const [source, credentialId] = claims.src;
      const credential = { userId: claims.sub, source, credentialId, sessionsEnded: claims.ended };
      const user = await findUserBehind(store, credential);
      if (user === null) return null;
      return { user, scope: claims.scope, source, credentialId, expiresAt: claims.exp * 1000 };
    },
    publishedKeys: signingKeys.published,
  };

  async function readClaims(token: string): Promise<z.infer<typeof Claims> | null> {
    try {
      const { payload } = await jwtVerify(token, findKey, {
        algorithms: [algorithm],
        issuer: publicUrl,
        audience: publicUrl,
        typ: type,
        requiredClaims: ["exp", "iat", "sub", "jti"],
        currentDate: new Date(store.now()),
      });
      return Claims.safeParse(payload).data ?? null;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }

  async function findKey({ kid }: { kid?: string }) {
    const key = await signingKeys.find(kid);
    if (key === null) throw new errors.JWKSNoMatchingKey();
    return key;
  }
}
