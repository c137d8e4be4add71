/**
 * An OpenID Connect provider, found by discovery: authorization code with PKCE. What it answers is checked by
 * openid-client, the ID token's signature included; here is decided only what is asked for and what is believed.
 *
 * Discovery happens when somebody first signs in, so a provider that is down does not keep the server from starting.
 */
import { createRemoteJWKSet, customFetch as joseFetch, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { z } from "zod";
import { cutText } from "../graphemes.ts";
import { type IdentityFetch, NoAnswer } from "./identity_fetch.ts";
import { isHttpsOrLoopback } from "../base_address.ts";
import type { AttemptSecrets } from "./sign_in_attempt.ts";
import { SignInProblem } from "./sign_in_problem.ts";
import type { Identity } from "../users/user.ts";

/** Somebody as a provider vouches for them. */
export interface Profile extends Identity {
  /** Only where the provider has verified it, in lower case. */
  email: string | null;
  name: string | null;
  /** Address of a picture. */
  picture: string | null;
}

export interface IdentityProvider {
  /** Part of paths. */
  readonly id: ProviderId;
  readonly name: string;
  /** Where the browser is sent. Throws `SignInProblem`. */
  authorizationUrl(secrets: AttemptSecrets): Promise<URL>;
  /** Who came back with this query. Throws `SignInProblem`. */
  redeem(query: URLSearchParams, secrets: AttemptSecrets): Promise<Profile>;
  /** Who an ID token is about that this provider gave to a program for us. Throws `SignInProblem`. */
  readIdToken(idToken: string): Promise<{ profile: Profile; expiresAt: number }>;
}

export type ProviderId = "google" | "oidc";

export interface IdentityProviderOptions {
  id: ProviderId;
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  publicUrl: string;
  fetch: IdentityFetch;
  now: () => number;
}

export const googleIssuer = "https://accounts.google.com";

/** How long a provider's description of itself is believed. */
const discoveryLifeMs = 3600_000;
/** Signatures by a private key: an algorithm that takes a shared secret, or none at all, proves nothing. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

export function createIdentityProvider(options: IdentityProviderOptions): IdentityProvider {
  const { id, name, issuer, clientId, clientSecret, publicUrl, fetch, now } = options;
  const redirectUri = `${publicUrl}/login/${id}/callback`;
  let known: { at: number; found: Promise<Discovered> } | null = null;

  async function discovered(): Promise<Discovered> {
    if (known === null || Math.abs(now() - known.at) >= discoveryLifeMs) {
      known = { at: now(), found: discover() };
    }
    const current = known;
    try {
      return await current.found;
    } catch (error) {
      if (known === current) known = null;
      throw error;
    }
  }

  async function discover(): Promise<Discovered> {
    const isInsecure = new URL(issuer).protocol === "http:";
    const configuration = await oidc.discovery(
      new URL(issuer),
      clientId,
      { client_secret: clientSecret },
      authenticateClient(clientSecret),
      {
        [oidc.customFetch]: (url, init) => fetch(url, init as RequestInit),
        execute: [oidc.enableNonRepudiationChecks, ...isInsecure ? [oidc.allowInsecureRequests] : []],
      },
    );
    const { jwks_uri, authorization_endpoint } = configuration.serverMetadata();
    if (authorization_endpoint === undefined || !isHttpsOrLoopback(new URL(authorization_endpoint))) {
      throw new TypeError("the provider has no authorization endpoint with https");
    }
    if (jwks_uri === undefined) throw new TypeError("the provider publishes no keys");
    const keySet = createRemoteJWKSet(new URL(jwks_uri), { [joseFetch]: fetch });
    return { configuration, keySet };
  }

  async function readUserInfo(configuration: oidc.Configuration, tokens: Tokens): Promise<unknown> {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    return await oidc.fetchUserInfo(configuration, tokens.access_token, tokens.claims()!.sub);
  }

  return {
    id,
    name,
    authorizationUrl: (secrets) =>
      orProblem(async () => {
        const { configuration } = await discovered();
        return oidc.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: "openid email profile",
          state: secrets.state,
          nonce: secrets.nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(secrets.codeVerifier),
          code_challenge_method: "S256",
        });
      }),
    redeem: (query, secrets) =>
      orProblem(async () => {
        const { configuration } = await discovered();
        const answer = new URL(`${redirectUri}?${query}`);
        const tokens = await oidc.authorizationCodeGrant(configuration, answer, {
          expectedState: secrets.state,
          expectedNonce: secrets.nonce,
          pkceCodeVerifier: secrets.codeVerifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims()!;
        const identity = { issuer: claims.iss, subject: claims.sub };
        const facts = claims.email === undefined ? await readUserInfo(configuration, tokens) : claims;
        return profileOf(identity, facts);
      }),
    readIdToken: (idToken) =>
      orProblem(async () => {
        const { configuration, keySet } = await discovered();
        const canonical = configuration.serverMetadata().issuer;
        const { payload } = await jwtVerify(idToken, keySet, {
          algorithms,
          audience: clientId,
          issuer: [canonical, ...canonical === googleIssuer ? ["accounts.google.com"] : []],
          requiredClaims: ["exp", "iat", "sub"],
          currentDate: new Date(now()),
        });
        const { sub: subject = "", exp = 0, aud, azp } = payload;
        if (Array.isArray(aud) && aud.length > 1 && azp !== clientId) {
          throw new TypeError("the token was made for somebody else");
        }
        return { profile: profileOf({ issuer: canonical, subject }, payload), expiresAt: exp * 1000 };
      }),
  };
}

interface Discovered {
  configuration: oidc.Configuration;
  keySet: ReturnType<typeof createRemoteJWKSet>;
}

type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;

/** In the way that the provider takes; HTTP Basic is what the standard presumes. */
function authenticateClient(secret: string): oidc.ClientAuth {
  const basic = oidc.ClientSecretBasic(secret);
  const post = oidc.ClientSecretPost(secret);
  return (server, ...rest) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const authenticate = taken.includes("client_secret_basic") ? basic : post;
    return authenticate(server, ...rest);
  };
}

/** KV keys are limited, and OpenID Connect allows no longer subject. */
const maxSubjectChars = 255;

const Facts = z.object({
  email: z.string().optional().catch(undefined),
  email_verified: z.literal(true).optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  picture: z.string().max(2000).optional().catch(undefined),
});

function profileOf({ issuer, subject }: Identity, facts: unknown): Profile {
  if (subject === "" || subject.length > maxSubjectChars) throw new TypeError("the subject is not usable");
  const { email, email_verified, name, picture } = Facts.parse(facts);
  return {
    issuer,
    subject,
    email: email !== undefined && email_verified ? plainEmail(email) : null,
    name: cutText((name ?? "").replace(/\p{Cc}+/gu, " ").trim(), { chars: 100 }) || null,
    picture: picture ?? null,
  };
}

/** In lower case. Only ASCII: the letters of other scripts have look-alikes that become ASCII in lower case. */
function plainEmail(email: string): string | null {
  return /^[\x21-\x7e]{1,64}@[a-z0-9.-]{1,255}$/i.test(email) ? email.toLowerCase() : null;
}

async function orProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SignInProblem(reasonOf(error), { cause: error });
  }
}

function reasonOf(error: Error): "cancelled" | "no_answer" | "untrusted" {
  if (error instanceof oidc.AuthorizationResponseError && error.error === "access_denied") return "cancelled";
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof NoAnswer) return "no_answer";
  }
  return "untrusted";
}
