import assert from "node:assert/strict";
import * as jose from "jose";
import { kinds } from "../../../lib/store/schema.ts";
import type { User } from "../../../lib/users/user.ts";
import {
  begin,
  comeBack,
  passProvider,
  providerFor,
  signInThroughProvider,
} from "../../fixtures/provider_sign_in.ts";
import { createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import {
  signToken,
  type StandInIdentityProvider,
  startIdentityProvider,
  unsignedToken,
} from "../../stand_ins/identity_provider.ts";

async function usersOf({ store }: Studio): Promise<User[]> {
  const entries = await Array.fromAsync(store.kv.list<User>({ prefix: [...kinds.users] }));
  return entries.map(({ value }) => value);
}

async function withStudio(
  run: (parts: { studio: Studio; provider: StandInIdentityProvider }) => Promise<void>,
  options: StudioOptions = {},
): Promise<void> {
  await using provider = await startIdentityProvider();
  await using studio = await createStudio({ identityProviders: [providerFor(provider)], ...options });
  await run({ studio, provider });
}

Deno.test("the first sign-in makes a member, the next ones find the same", () =>
  withStudio(async ({ studio, provider }) => {
    const first = await signInThroughProvider(studio);
    assert.deepEqual([first.answer.status, first.location], [303, "/generator"]);
    assert.match(first.session!, /^darkroom-8000=[\w-]{43}$/);
    const page = await studio.fetch("/generator", { headers: { Cookie: first.session! } });
    assert.equal(page.status, 200);
    const [, made] = await usersOf(studio);
    const { issuer } = provider;
    assert.deepEqual(made, {
      id: made.id,
      name: "Ada",
      email: "ada@example.org",
      role: "member",
      isDisabled: false,
      identity: { issuer, subject: "248289761001" },
      createdAt: made.createdAt,
    });
    provider.person.email = "lovelace@example.org";
    const second = await signInThroughProvider(studio);
    assert.notEqual(second.session, first.session);
    const users = await usersOf(studio);
    assert.deepEqual(users.map(({ email }) => email), [null, "lovelace@example.org"]);
  }));

Deno.test("another subject with the same verified address is somebody else", () =>
  withStudio(async ({ studio, provider }) => {
    await signInThroughProvider(studio);
    provider.person.sub = "another";
    await signInThroughProvider(studio);
    const users = await usersOf(studio);
    assert.deepEqual(users.map(({ identity }) => identity?.subject), [undefined, "248289761001", "another"]);
  }));

Deno.test("twenty first sign-ins of one person at once make one member", () =>
  withStudio(async ({ studio }) => {
    const ends = await Promise.all(Array.from({ length: 20 }, () => signInThroughProvider(studio)));
    assert.ok(ends.every(({ session }) => session !== null));
    assert.equal((await usersOf(studio)).length, 2);
  }));

Deno.test("where the ID token has no address, the provider is asked for it", () =>
  withStudio(async ({ studio, provider }) => {
    provider.bendClaims = ({ email: _, email_verified: __, name: ___, ...claims }) => claims;
    await signInThroughProvider(studio);
    const [, made] = await usersOf(studio);
    assert.deepEqual([made.name, made.email], ["Ada", "ada@example.org"]);
    provider.instead.set("/userinfo", () => Response.json({ ...provider.person, sub: "somebody else" }));
    assert.equal((await signInThroughProvider(studio)).session, null);
  }));

Deno.test("whoever has an address of ADMIN_EMAILS, verified, is an admin from the first sign-in on", () =>
  withStudio(async ({ studio, provider }) => {
    await signInThroughProvider(studio);
    Object.assign(provider.person, { sub: "two", email_verified: false });
    await signInThroughProvider(studio);
    Object.assign(provider.person, { sub: "three", email_verified: "true" });
    await signInThroughProvider(studio);
    Object.assign(provider.person, { sub: "four", email_verified: true, email: "bob@example.org" });
    await signInThroughProvider(studio);
    // The sign of the Kelvin becomes a plain k in lower case.
    Object.assign(provider.person, { sub: "five", email: "\u212Aate@example.org" });
    await signInThroughProvider(studio);
    const users = await usersOf(studio);
    assert.deepEqual(users.map(({ role }) => role), [
      "owner",
      "admin",
      "member",
      "member",
      "member",
      "member",
    ]);
    assert.deepEqual(users.map(({ email }) => email), [
      null,
      "ada@example.org",
      null,
      null,
      "bob@example.org",
      null,
    ]);
  }, { signInPolicy: { adminEmails: ["ada@example.org", "kate@example.org"] } }));

Deno.test("with ALLOWED_DOMAINS only verified addresses of these domains get in", () =>
  withStudio(async ({ studio, provider }) => {
    const cases: [person: object, problem: string | null][] = [
      [{ email: "ada@example.org", email_verified: true }, null],
      [{ email: "ada@EXAMPLE.org", email_verified: true }, null],
      [{ email: "ada@example.org", email_verified: false }, "unverified"],
      [{ email: "ada@example.org", email_verified: undefined }, "unverified"],
      [{ email: undefined, email_verified: undefined }, "unverified"],
      [{ email: "ada@evil.example", email_verified: true }, "domain"],
      [{ email: "ada@sub.example.org", email_verified: true }, "domain"],
      [{ email: "ada@evilexample.org", email_verified: true }, "domain"],
      [{ email: "ada@example.org@evil.example", email_verified: true }, "domain"],
      [{ email: "ada@example.org, x@evil.example", email_verified: true }, "unverified"],
    ];
    for (const [person, problem] of cases) {
      Object.assign(provider.person, person);
      const { session, location } = await signInThroughProvider(studio);
      assert.equal(session === null, problem !== null, JSON.stringify(person));
      if (problem !== null) assert.match(location, new RegExp(`^/login\\?problem=${problem}&`));
    }
    assert.equal((await usersOf(studio)).length, 2);
  }, { signInPolicy: { allowedDomains: ["example.org"] } }));

Deno.test("a disabled user does not get in through the provider either", () =>
  withStudio(async ({ studio }) => {
    await signInThroughProvider(studio);
    const [, member] = await usersOf(studio);
    await studio.store.kv.set([kinds.users[0], member.id], { ...member, isDisabled: true });
    const { session, location } = await signInThroughProvider(studio);
    assert.equal(session, null);
    assert.match(await (await studio.fetch(location)).text(), /This account is disabled/);
  }));

Deno.test("signing in leads to where the person wanted to go, on this site", () =>
  withStudio(async ({ studio }) => {
    const cases = [
      ["/generator?prompt=a+lighthouse%0Aat+dusk", "/generator?prompt=a+lighthouse%0Aat+dusk"],
      ["//evil.example", "/generator"],
      ["https://evil.example", "/generator"],
      ["/\\evil.example", "/generator"],
      [`/${"x".repeat(40_000)}`, "/generator"],
    ];
    for (const [wanted, expected] of cases) {
      const path = `/login/oidc?return_to=${encodeURIComponent(wanted)}`;
      assert.equal((await signInThroughProvider(studio, path)).location, expected);
    }
  }));

const { privateKey: foreignKey, publicKey: foreignPublic } = await jose.generateKeyPair("RS256");
const foreignJwk = await jose.exportJWK(foreignPublic);
const now = () => Math.floor(Date.now() / 1000);

/** Each bends the provider in one way, and says what becomes of it. */
const evil: [name: string, bend: (provider: StandInIdentityProvider) => void, problem: string][] = [
  ["another state", (p) => p.bendCallback = (query) => query.set("state", "x".repeat(43)), "untrusted"],
  ["no state", (p) => p.bendCallback = (query) => query.delete("state"), "untrusted"],
  ["two states", (p) => p.bendCallback = (query) => query.append("state", "x"), "untrusted"],
  [
    "another issuer beside the code",
    (p) => p.bendCallback = (q) => q.set("iss", "https://id.example"),
    "untrusted",
  ],
  ["no issuer beside the code", (p) => p.bendCallback = (query) => query.delete("iss"), "untrusted"],
  ["no code", (p) => p.bendCallback = (query) => query.delete("code"), "untrusted"],
  ["a code of its own", (p) => p.bendCallback = (query) => query.set("code", "x"), "untrusted"],
  ["a token in the address", (p) => p.bendCallback = (query) => query.set("id_token", "x.y.z"), "untrusted"],
  ["a refusal", (p) => p.bendCallback = (q) => q.set("error", "server_error"), "untrusted"],
  ["a person who goes back", (p) => p.bendCallback = (q) => q.set("error", "access_denied"), "cancelled"],
  ["another nonce", (p) => p.bendClaims = (claims) => ({ ...claims, nonce: "x" }), "untrusted"],
  ["no nonce", (p) => p.bendClaims = ({ nonce: _, ...claims }) => claims, "untrusted"],
  ["another audience", (p) => p.bendClaims = (claims) => ({ ...claims, aud: "x" }), "untrusted"],
  ["no audience", (p) => p.bendClaims = ({ aud: _, ...claims }) => claims, "untrusted"],
  [
    "two audiences without saying whom it is for",
    (p) => p.bendClaims = (claims) => ({ ...claims, aud: ["darkroom", "x"] }),
    "untrusted",
  ],
  [
    "two audiences, for the other",
    (p) => p.bendClaims = (claims) => ({ ...claims, aud: ["darkroom", "x"], azp: "x" }),
    "untrusted",
  ],
  [
    "another issuer",
    (p) => p.bendClaims = (c) => ({ ...c, iss: "https://accounts.google.com" }),
    "untrusted",
  ],
  ["a token that ran out", (p) => p.bendClaims = (c) => ({ ...c, exp: now() - 300 }), "untrusted"],
  ["a token without an end", (p) => p.bendClaims = ({ exp: _, ...claims }) => claims, "untrusted"],
  ["an end in words", (p) => p.bendClaims = (c) => ({ ...c, exp: String(now() + 300) }), "untrusted"],
  ["a token for later", (p) => p.bendClaims = (c) => ({ ...c, nbf: now() + 3600 }), "untrusted"],
  ["no subject", (p) => p.bendClaims = ({ sub: _, ...claims }) => claims, "untrusted"],
  ["an empty subject", (p) => p.bendClaims = (claims) => ({ ...claims, sub: "" }), "untrusted"],
  [
    "an endless subject",
    (p) => p.bendClaims = (claims) => ({ ...claims, sub: "x".repeat(3000) }),
    "untrusted",
  ],
  ["no signature", (p) => p.makeToken = unsignedToken, "untrusted"],
  [
    "no signature, as it announces",
    (p) => {
      p.bendMetadata = (metadata) => ({ ...metadata, id_token_signing_alg_values_supported: ["none"] });
      p.makeToken = unsignedToken;
    },
    "untrusted",
  ],
  ["the client secret as key", (p) => p.makeToken = (c) => signHs(c, p.clientSecret.padEnd(32)), "untrusted"],
  [
    "the client secret as key, as it announces",
    (p) => {
      p.bendMetadata = (metadata) => ({ ...metadata, id_token_signing_alg_values_supported: ["HS256"] });
      p.makeToken = (claims) => signHs(claims, p.clientSecret.padEnd(32));
    },
    "untrusted",
  ],
  [
    "its public key as a shared secret",
    (p) => p.makeToken = (claims) => signHs(claims, JSON.stringify(p.publicJwk)),
    "untrusted",
  ],
  ["a foreign key", (p) => p.makeToken = (claims) => signToken(claims, foreignKey), "untrusted"],
  [
    "an unknown key id",
    (p) => p.makeToken = (claims) => signToken(claims, p.signingKey, { kid: "../keys" }),
    "untrusted",
  ],
  [
    "a key that the token brings along",
    (p) => p.makeToken = (claims) => signToken(claims, foreignKey, { jwk: foreignJwk }),
    "untrusted",
  ],
  [
    "a critical header that nobody knows",
    (p) =>
      p.makeToken = async (claims) => {
        const [, ...rest] = (await signToken(claims, p.signingKey)).split(".");
        const header = btoa(JSON.stringify({ alg: "RS256", kid: "first", crit: ["x"], x: 1 }));
        return [header.replace(/=+$/, ""), ...rest].join(".");
      },
    "untrusted",
  ],
  ["a token that is none", (p) => p.makeToken = () => "x.y.z", "untrusted"],
  ["claims that were changed", (p) => p.makeToken = tamper(p), "untrusted"],
  ["no keys", (p) => p.instead.set("/keys", () => Response.json({ keys: [] })), "untrusted"],
  [
    "keys that are none",
    (p) => p.instead.set("/keys", () => Response.json({ keys: [1, null, "x"] })),
    "untrusted",
  ],
  [
    "an error for keys",
    (p) => p.instead.set("/keys", () => new Response(null, { status: 500 })),
    "no_answer",
  ],
  [
    "another issuer's description",
    (p) => p.bendMetadata = (metadata) => ({ ...metadata, issuer: "https://accounts.google.com" }),
    "untrusted",
  ],
  [
    "a description without keys",
    (p) => p.bendMetadata = ({ jwks_uri: _, ...metadata }) => metadata,
    "untrusted",
  ],
  [
    "a sign-in page without https",
    (p) => p.bendMetadata = (m) => ({ ...m, authorization_endpoint: "http://id.example/authorize" }),
    "untrusted",
  ],
  [
    "a sign-in page that is a script",
    (p) => p.bendMetadata = (m) => ({ ...m, authorization_endpoint: "javascript:alert(1)" }),
    "untrusted",
  ],
  [
    "an endpoint inside the network",
    (p) => p.bendMetadata = (m) => ({ ...m, token_endpoint: "http://169.254.169.254/latest" }),
    "untrusted",
  ],
  ["a description that is none", (p) => p.instead.set(discovery, () => new Response("<html>")), "untrusted"],
  [
    "a description that is missing",
    (p) => p.instead.set(discovery, () => new Response("", { status: 404 })),
    "untrusted",
  ],
  ["a description elsewhere", (p) => p.instead.set(discovery, () => moved(p)), "untrusted"],
  ["an endless description", (p) => p.instead.set(discovery, endless), "untrusted"],
  ["a description that never comes", (p) => p.instead.set(discovery, never), "no_answer"],
  ["an endless token", (p) => p.instead.set("/token", endless), "untrusted"],
  ["a token that never comes", (p) => p.instead.set("/token", never), "no_answer"],
  ["a token that drips", (p) => p.instead.set("/token", drip), "no_answer"],
  ["a token answer that breaks off", (p) => p.instead.set("/token", breakOff), "no_answer"],
  [
    "an error for a token",
    (p) => p.instead.set("/token", () => new Response(null, { status: 503 })),
    "no_answer",
  ],
  ["HTML for a token", (p) => p.instead.set("/token", () => new Response("<html>")), "untrusted"],
  ["JSON that is none", (p) => p.instead.set("/token", () => json("{")), "untrusted"],
  ["a token answer without an ID token", (p) => p.instead.set("/token", () => json(accessOnly)), "untrusted"],
  ["keys that never come", (p) => p.instead.set("/keys", never), "no_answer"],
  ["endless keys", (p) => p.instead.set("/keys", endless), "untrusted"],
];

const discovery = "/.well-known/openid-configuration";
const accessOnly = JSON.stringify({ access_token: "x", token_type: "Bearer" });
const json = (text: string) => new Response(text, { headers: { "Content-Type": "application/json" } });
const signHs = (claims: Record<string, unknown>, secret: string) =>
  signToken(claims, new TextEncoder().encode(secret), { alg: "HS256" });
const moved = (p: StandInIdentityProvider) =>
  new Response(null, { status: 302, headers: { Location: `${p.issuer}/elsewhere` } });

function tamper(provider: StandInIdentityProvider) {
  return async (claims: Record<string, unknown>) => {
    const [header, payload, signature] = (await signToken(claims, provider.signingKey)).split(".");
    const changed = jose.base64url.encode(
      JSON.stringify({
        ...JSON.parse(new TextDecoder().decode(jose.base64url.decode(payload))),
        sub: "admin",
      }),
    );
    return [header, changed, signature].join(".");
  };
}

/** Answers when the caller has given up. */
function never(request: Request): Promise<Response> {
  return new Promise((resolve) => {
    request.signal.addEventListener("abort", () => resolve(new Response(null)));
  });
}

function endless(): Response {
  const chunk = new TextEncoder().encode(" ".repeat(16 * 1024));
  return streamed((controller) => controller.enqueue(chunk));
}

/** A byte now and then, until the caller gives up. */
function drip(): Response {
  let timer: ReturnType<typeof setInterval>;
  const body = new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(new TextEncoder().encode(" ")), 50);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, { headers: { "Content-Type": "application/json" } });
}

function breakOff(): Response {
  return streamed((controller) => controller.error(new Error("broken on purpose")));
}

function streamed(pull: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>["pull"]): Response {
  return new Response(new ReadableStream({ pull }), { headers: { "Content-Type": "application/json" } });
}

for (const [name, bend, problem] of evil) {
  Deno.test(`an evil provider with ${name} gets nobody in`, () =>
    withStudio(async ({ studio, provider }) => {
      bend(provider);
      const { session, location, answer } = await signInThroughProvider(studio);
      assert.equal(session, null);
      assert.equal(answer.status, 303);
      assert.equal(location, `/login?problem=${problem}&provider=oidc&return_to=%2Fgenerator`);
      const page = await studio.fetch(location);
      assert.match(await page.text(), /<p class="error"[^>]*>[^<]{20,}<\/p>/);
      assert.deepEqual((await usersOf(studio)).map(({ role }) => role), ["owner"]);
      assert.ok(studio.log.some((line) => line.includes('"event":"sign_in_failed"')));
    }));
}

Deno.test("a provider that is down or lies is asked anew by the next sign-in", () =>
  withStudio(async ({ studio, provider }) => {
    provider.instead.set(discovery, () => new Response(null, { status: 503 }));
    const down = await signInThroughProvider(studio);
    assert.match(down.location, /problem=no_answer/);
    assert.match(await (await studio.fetch(down.location)).text(), /Example does not answer/);
    provider.instead.clear();
    assert.ok((await signInThroughProvider(studio)).session);
  }));

Deno.test("nothing listens at the issuer's address", async () => {
  const gone = await startIdentityProvider();
  await gone[Symbol.asyncDispose]();
  await using studio = await createStudio({ identityProviders: [providerFor(gone)] });
  assert.match((await signInThroughProvider(studio)).location, /problem=no_answer/);
  assert.equal((await studio.fetch("/login")).status, 200);
});

Deno.test("a sign-in counts once, in the browser that began it, and for ten minutes", async () => {
  let at = Date.now();
  await withStudio(async ({ studio, provider }) => {
    const asked = () => provider.requests.filter((path) => path === "/token").length;
    const begun = await begin(studio);
    const path = await passProvider(begun);
    const other = await begin(studio);
    for (const cookie of ["", "darkroom-sign-in-8000=", "darkroom-sign-in-8000=nonsense"]) {
      const { session, location } = await comeBack(studio, path, cookie);
      assert.equal(session, null);
      assert.match(location, /problem=attempt/);
    }
    assert.match((await comeBack(studio, path, other.cookie)).location, /problem=untrusted/);
    assert.equal(asked(), 0, "the code of somebody else's browser must not be redeemed");
    assert.ok((await comeBack(studio, path, begun.cookie)).session);
    const again = await comeBack(studio, path, begun.cookie);
    assert.deepEqual([again.session, /problem=attempt/.test(again.location)], [null, true]);
    assert.equal(asked(), 1);

    const late = await begin(studio);
    const latePath = await passProvider(late);
    at += 10 * 60_000;
    assert.match((await comeBack(studio, latePath, late.cookie)).location, /problem=attempt/);
  }, { now: () => at });
});

Deno.test("a code that was redeemed before gets nobody in", () =>
  withStudio(async ({ studio, provider }) => {
    const codes: string[] = [];
    provider.bendCallback = (query) => {
      codes.push(query.get("code")!);
      query.set("code", codes[0]);
    };
    assert.ok((await signInThroughProvider(studio)).session);
    const replayed = await signInThroughProvider(studio);
    assert.deepEqual([replayed.session, codes.length], [null, 2]);
  }));

Deno.test("two answers to one sign-in at the same moment start one session", () =>
  withStudio(async ({ studio }) => {
    const begun = await begin(studio);
    const path = await passProvider(begun);
    const ends = await Promise.all(Array.from({ length: 10 }, () => comeBack(studio, path, begun.cookie)));
    assert.equal(ends.filter(({ session }) => session !== null).length, 1);
  }));

Deno.test("an answer meant for one provider is nothing to the other", async () => {
  await using honest = await startIdentityProvider();
  await using attacker = await startIdentityProvider();
  await using studio = await createStudio({
    identityProviders: [providerFor(honest, { id: "google", name: "Google" }), providerFor(attacker)],
  });
  const begun = await begin(studio, "/login/google");
  const path = await passProvider(begun);
  const mixed = await comeBack(studio, path.replace("/login/google/", "/login/oidc/"), begun.cookie);
  assert.equal(mixed.session, null);
  assert.match(mixed.location, /problem=attempt/);
  assert.ok(!attacker.requests.includes("/token"), "the code reached the wrong provider");

  const second = await begin(studio, "/login/google");
  const iss = new URLSearchParams((await passProvider(second)).split("?")[1]);
  iss.set("iss", attacker.issuer);
  const misnamed = await comeBack(studio, `/login/google/callback?${iss}`, second.cookie);
  assert.deepEqual([misnamed.session, honest.requests.includes("/token")], [null, false]);

  assert.ok((await signInThroughProvider(studio, "/login/google")).session);
  assert.ok((await signInThroughProvider(studio, "/login/oidc")).session);
  assert.equal((await usersOf(studio)).length, 3, "the same subject at two issuers is two people");
});

Deno.test("the address to come back to is PUBLIC_URL's, whatever the request says", () =>
  withStudio(async ({ studio }) => {
    const answer = await studio.fetch("/login/oidc", {
      headers: { Host: "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https" },
    });
    const address = new URL(answer.headers.get("Location")!);
    assert.equal(address.searchParams.get("redirect_uri"), "http://localhost:8000/login/oidc/callback");
    assert.equal(address.searchParams.get("response_type"), "code");
    assert.equal(address.searchParams.get("code_challenge_method"), "S256");
    assert.match(
      answer.headers.get("Set-Cookie")!,
      /^darkroom-sign-in-8000=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  }));

Deno.test("nothing of a sign-in under way can be read in the store or the log", () =>
  withStudio(async ({ studio }) => {
    const begun = await begin(studio);
    const path = await passProvider(begun);
    const stored = async () => JSON.stringify(await Array.fromAsync(studio.store.kv.list({ prefix: [] })));
    const before = await stored();
    assert.match(before, /sign_in_attempt/);
    const { session } = await comeBack(studio, path, begun.cookie);
    const { searchParams } = begun.address;
    const secrets = [
      begun.cookie.split("=")[1],
      session!.split("=")[1],
      searchParams.get("state")!,
      searchParams.get("nonce")!,
      new URLSearchParams(path.split("?")[1]).get("code")!,
    ];
    const all = before + await stored() + studio.log.join("\n");
    for (const secret of secrets) assert.ok(secret.length >= 32 && !all.includes(secret));
  }));

Deno.test("who tries to sign in too often from one address is told when to come back", () =>
  withStudio(async ({ studio }) => {
    const from = (address: string, path: string, headers: HeadersInit = {}) =>
      studio.fetch(path, { headers }, address);
    for (const path of ["/login?code=x", "/login/oidc", "/login/oidc/callback"]) {
      assert.notEqual((await from("203.0.113.7", path)).status, 429);
    }
    for (const path of ["/login?code=x", "/login/oidc", "/login/oidc/callback"]) {
      const refused = await from("203.0.113.7", path, { "X-Forwarded-For": "198.51.100.9" });
      assert.equal(refused.status, 429, path);
      assert.ok(Number(refused.headers.get("Retry-After")) >= 1);
    }
    assert.equal((await from("203.0.113.7", "/login")).status, 200);
    assert.notEqual((await from("203.0.113.8", "/login/oidc")).status, 429);
  }, { signInLimit: 3 }));
