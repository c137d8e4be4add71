/**
 * An OpenID Connect provider on loopback that is honest until a test bends it: what it claims, how it signs, where it
 * sends the browser, and how its endpoints answer.
 */
import * as jose from "jose";
import { createHash } from "node:crypto";

export interface Claims {
  [name: string]: unknown;
}

export interface StandInIdentityProvider extends AsyncDisposable {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Who signs in there. */
  person: Claims;
  /** Changes what the ID token says. */
  bendClaims: (claims: Claims) => Claims;
  /** Makes the ID token in another way. */
  makeToken: ((claims: Claims) => string | Promise<string>) | null;
  /** Changes the query that the browser brings back. */
  bendCallback: (query: URLSearchParams) => void;
  /** Answers in place of an endpoint, by its path. */
  instead: Map<string, (request: Request) => Response | Promise<Response>>;
  /** Changes how the provider describes itself. */
  bendMetadata: (metadata: Claims) => Claims;
  /** Paths that were asked for. */
  requests: string[];
  signingKey: jose.CryptoKey;
  publicJwk: jose.JWK;
  /** An ID token as it is given to a program. */
  idToken(claims?: Claims): Promise<string>;
}

interface Grant {
  nonce: string | null;
  codeChallenge: string | null;
  redirectUri: string;
}

export async function startIdentityProvider(): Promise<StandInIdentityProvider> {
  const { privateKey, publicKey } = await jose.generateKeyPair("RS256", { extractable: true });
  const publicJwk = { ...await jose.exportJWK(publicKey), kid: "first", alg: "RS256", use: "sig" };
  const grants = new Map<string, Grant>();

  const listening = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(listening, async (request) => {
    const url = new URL(request.url);
    provider.requests.push(url.pathname);
    const instead = provider.instead.get(url.pathname);
    if (instead !== undefined) return await instead(request);
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return Response.json(provider.bendMetadata({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          authorization_response_iss_parameter_supported: true,
        }));
      case "/authorize":
        return authorize(url.searchParams);
      case "/token":
        return await redeem(request);
      case "/keys":
        return Response.json({ keys: [provider.publicJwk] });
      case "/userinfo":
        return Response.json(provider.person);
      default:
        return new Response("nothing here", { status: 404 });
    }
  });
  const issuer = `http://127.0.0.1:${server.addr.port}`;

  function authorize(asked: URLSearchParams): Response {
    const code = crypto.randomUUID();
    const redirectUri = asked.get("redirect_uri")!;
    grants.set(code, {
      nonce: asked.get("nonce"),
      codeChallenge: asked.get("code_challenge_method") === "S256" ? asked.get("code_challenge") : null,
      redirectUri,
    });
    const query = new URLSearchParams({ code, state: asked.get("state") ?? "", iss: issuer });
    provider.bendCallback(query);
    return new Response(null, { status: 302, headers: { Location: `${redirectUri}?${query}` } });
  }

  async function redeem(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const code = form.get("code") ?? "";
    const grant = grants.get(code);
    grants.delete(code);
    const basic = `Basic ${btoa(`${provider.clientId}:${provider.clientSecret}`)}`;
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    const isGood = grant !== undefined && request.headers.get("Authorization") === basic &&
      grant.codeChallenge === challenge && grant.redirectUri === form.get("redirect_uri");
    if (!isGood) return Response.json({ error: "invalid_grant" }, { status: 400 });
    return Response.json({
      access_token: crypto.randomUUID(),
      token_type: "Bearer",
      expires_in: 60,
      id_token: await provider.idToken({ nonce: grant.nonce ?? undefined }),
    });
  }

  const provider: StandInIdentityProvider = {
    issuer,
    clientId: "darkroom",
    clientSecret: "clientSecretOfTheStandIn",
    person: { sub: "248289761001", email: "Ada@Example.org", email_verified: true, name: "Ada" },
    bendClaims: (claims) => claims,
    makeToken: null,
    bendCallback: () => {},
    instead: new Map(),
    bendMetadata: (metadata) => metadata,
    requests: [],
    signingKey: privateKey,
    publicJwk,
    async idToken(more = {}) {
      const now = Math.floor(Date.now() / 1000);
      const claims = provider.bendClaims({
        iss: issuer,
        aud: provider.clientId,
        iat: now,
        exp: now + 300,
        ...provider.person,
        ...more,
      });
      if (provider.makeToken !== null) return await provider.makeToken(claims);
      return await signToken(claims, provider.signingKey);
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
  return provider;
}

/** As the provider signs, or with another key and header. */
export function signToken(
  claims: Claims,
  key: jose.CryptoKey | Uint8Array,
  header: Partial<jose.JWTHeaderParameters> = {},
): Promise<string> {
  return new jose.SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "first", ...header }).sign(key);
}

/** A token that nobody signed. */
export function unsignedToken(claims: Claims): string {
  const part = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  return `${part({ alg: "none" })}.${part(claims)}.`;
}
