import assert from "node:assert/strict";
import * as jose from "jose";
import { createApiKey } from "../../../lib/identity/api_key.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import { createSigningKeys } from "../../../lib/identity/signing_keys.ts";
import { sha256 } from "../../../lib/digest.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { providerFor } from "../../fixtures/provider_sign_in.ts";
import { type Client, createStudio, publicUrl, type Studio } from "../../fixtures/studio.ts";
import { signToken, startIdentityProvider, unsignedToken } from "../../stand_ins/identity_provider.ts";

async function tokenFrom(client: Client, body: unknown = {}): Promise<string> {
  const answer = await client.post("/api/v1/auth/token", body);
  assert.equal(answer.status, 200);
  const { success, token, tokenType, expiresIn } = await answer.json();
  assert.deepEqual([success, tokenType, expiresIn], [true, "Bearer", 900]);
  return token;
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

async function statusOf(studio: Studio, token: string, path = "/api/v1/me"): Promise<number> {
  return (await studio.fetch(path, bearer(token))).status;
}

async function exchange(studio: Studio, idToken: unknown): Promise<Response> {
  return await studio.fetch("/api/v1/auth/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ idToken }),
  });
}

Deno.test("a token of a key or session speaks for its user, and anybody can check it", async () => {
  await using studio = await createStudio();
  const published = await studio.fetch("/.well-known/jwks.json");
  assert.equal(published.headers.get("Cache-Control"), "public, max-age=300");
  const keySet = jose.createLocalJWKSet(await published.json());
  for (const client of [await studio.withKey(), await studio.withSession()]) {
    const token = await tokenFrom(client);
    const { user } = await (await studio.fetch("/api/v1/me", bearer(token))).json();
    assert.equal(user.id, studio.owner.id);
    const { payload, protectedHeader } = await jose.jwtVerify(token, keySet, {
      issuer: publicUrl,
      audience: publicUrl,
      algorithms: ["EdDSA"],
    });
    assert.equal(payload.exp! - payload.iat!, 900);
    assert.equal(payload.sub, studio.owner.id);
    assert.deepEqual([protectedHeader.alg, protectedHeader.typ], ["EdDSA", "at+jwt"]);
  }
  const bodiless = await (await studio.withKey()).post("/api/v1/auth/token");
  assert.equal(bodiless.status, 200);
});

Deno.test("a token has the scope of what it came from", async () => {
  await using studio = await createStudio({ isWorking: false });
  const read = await tokenFrom(await studio.withKey(studio.owner, "read"));
  const all = await tokenFrom(await studio.withSession());
  const generate = (token: string) =>
    studio.fetch("/api/v1/images/generate", {
      method: "POST",
      headers: { ...bearer(token).headers, "Content-Type": "application/json", Prefer: "respond-async" },
      body: JSON.stringify({ prompt: "sea" }),
    });
  assert.equal((await generate(read)).status, 403);
  assert.equal((await generate(all)).status, 202);
  assert.equal(
    (await studio.fetch("/api/v1/quotes", {
      method: "POST",
      headers: { ...bearer(read).headers, "Content-Type": "application/json" },
      body: JSON.stringify({ prompt: "sea" }),
    })).status,
    200,
  );
});

Deno.test("a token lives for fifteen minutes and never longer than what it came from", async () => {
  let at = Date.parse("2026-11-24T12:00:00.500Z");
  await using studio = await createStudio({ now: () => at });
  const token = await tokenFrom(await studio.withKey());
  at += 15 * 60_000 - 1000;
  assert.equal(await statusOf(studio, token), 200);
  at += 1000;
  assert.equal(await statusOf(studio, token), 401);

  const expiresAt = at + 60_000;
  const key = await createApiKey(studio.store, {
    userId: studio.owner.id,
    name: "k",
    scope: "all",
    expiresAt,
  });
  const short = await studio.fetch("/api/v1/auth/token", { method: "POST", ...bearer(key) });
  const { token: shortToken, expiresIn } = await short.json();
  assert.equal(expiresIn, 60);
  at = expiresAt;
  assert.equal(await statusOf(studio, shortToken), 401);
  const ending = await createApiKey(studio.store, {
    userId: studio.owner.id,
    name: "k",
    scope: "all",
    expiresAt: at + 100,
  });
  assert.equal((await studio.fetch("/api/v1/auth/token", { method: "POST", ...bearer(ending) })).status, 401);
});

Deno.test("a token dies with its session, its key or its user, at once", async () => {
  await using studio = await createStudio();
  const { store } = studio;
  const member = await studio.addMember();
  const [session, key, other] = [
    await studio.withSession(member),
    await studio.withKey(member),
    await studio.withKey(member),
  ];
  const [bySession, byKey, byOther] = [
    await tokenFrom(session),
    await tokenFrom(key),
    await tokenFrom(other),
  ];
  const stream = readEventStream(await studio.fetch("/api/v1/events", bearer(bySession)));
  for (const token of [bySession, byKey, byOther]) assert.equal(await statusOf(studio, token), 200);

  await session.form("/logout", {});
  assert.equal(await statusOf(studio, bySession), 401);
  assert.equal(await stream.next(), null, "its streams end too");
  assert.equal(await statusOf(studio, byKey), 200);

  await store.kv.delete(keys.apiKey(sha256(key.credential)));
  assert.equal(await statusOf(studio, byKey), 401);

  await store.kv.set(keys.user(member.id), { ...member, isDisabled: true });
  assert.equal(await statusOf(studio, byOther), 401);
});

Deno.test("a token makes no other token and manages nothing", async () => {
  await using studio = await createStudio();
  const token = await tokenFrom(await studio.withSession());
  const attempts: [method: string, path: string, status: number][] = [
    ["POST", "/api/v1/auth/token", 403],
    ["GET", "/admin/invitations", 403],
    ["POST", "/admin/invitations", 403],
  ];
  for (const [method, path, status] of attempts) {
    assert.equal(
      (await studio.fetch(path, { method, ...bearer(token) })).status,
      status,
      `${method} ${path}`,
    );
  }
});

Deno.test("two credentials in one request are refused", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const token = await tokenFrom(session);
  const both = { Authorization: `Bearer ${token}` };
  assert.equal((await session.get("/api/v1/me", both)).status, 400);
  assert.equal((await session.post("/api/v1/auth/token", { idToken: "x.y.z" })).status, 400);
});

Deno.test("a token that was tampered with is refused like any other that is wrong", async () => {
  await using studio = await createStudio();
  const token = await tokenFrom(await studio.withKey());
  const claims = jose.decodeJwt(token);
  const header = jose.decodeProtectedHeader(token);
  const { keys: [publicJwk] } = await (await studio.fetch("/.well-known/jwks.json")).json();
  const { kid, privateKey } = await signingKeyOf(studio);
  const foreign = await jose.generateKeyPair("EdDSA", { extractable: true });
  const foreignJwk = await jose.exportJWK(foreign.publicKey);
  const rsa = await jose.generateKeyPair("RS256");
  const ours = (changes: object, headers: object = {}) =>
    new jose.SignJWT({ ...claims, ...changes })
      .setProtectedHeader({ ...header, ...headers } as jose.JWTHeaderParameters).sign(privateKey);
  const [head, body, signature] = token.split(".");
  const encode = (value: unknown) => jose.base64url.encode(JSON.stringify(value));
  const now = Math.floor(Date.now() / 1000);

  assert.equal(await statusOf(studio, await ours({})), 200, "the premise: made like this, it is good");
  const wrong = {
    none: unsignedToken(claims),
    "none in other letters": `${encode({ ...header, alg: "nOnE" })}.${body}.`,
    "no signature": `${head}.${body}.`,
    HS256: await signToken(claims, new TextEncoder().encode(JSON.stringify(publicJwk)), {
      ...header,
      alg: "HS256",
    }),
    "HS256 with the raw public key": await signToken(claims, jose.base64url.decode(publicJwk.x), {
      ...header,
      alg: "HS256",
    }),
    RS256: await signToken(claims, rsa.privateKey, { ...header, alg: "RS256" }),
    "a foreign key": await signToken(claims, foreign.privateKey, header as jose.JWTHeaderParameters),
    "a key that it brings": await signToken(claims, foreign.privateKey, {
      ...header as jose.JWTHeaderParameters,
      jwk: foreignJwk,
    }),
    "another subject": `${head}.${encode({ ...claims, sub: studio.store.ids() })}.${signature}`,
    "no end": await ours({ exp: undefined }),
    "an end in words": `${head}.${encode({ ...claims, exp: String(claims.exp) })}.${signature}`,
    "an end that is over": await ours({ exp: now - 1 }),
    "a beginning to come": await ours({ nbf: now + 60 }),
    "another issuer": await ours({ iss: "https://evil.example" }),
    "another audience": await ours({ aud: "https://evil.example" }),
    "no audience": await ours({ aud: undefined }),
    "no type": await ours({}, { typ: undefined }),
    "another type": await ours({}, { typ: "JWT" }),
    "no key id": await ours({}, { kid: undefined }),
    "an odd key id": await ours({}, { kid: `${kid}/../x` }),
    "a key id that is no text": `${encode({ ...header, kid: [kid] })}.${body}.${signature}`,
    "a critical header": `${encode({ ...header, crit: ["x"], x: 1 })}.${body}.${signature}`,
    "another source": await ours({ src: ["key", sha256("dk_x")] }),
    "a source that does not exist": await ours({ src: ["owner", "x"] }),
    "a scope that does not exist": await ours({ scope: "owner" }),
    "somebody else's source": await ours({ sub: (await studio.addMember()).id }),
    "two dots": "..",
    "too many parts": `${token}.x`,
    "no parts": "a.b.c",
  };
  const bodies = new Set<string>();
  for (const [name, made] of Object.entries(wrong)) {
    const answer = await studio.fetch("/api/v1/me", bearer(made));
    assert.equal(answer.status, 401, name);
    const { error: { requestId: _, ...error }, ...rest } = await answer.json();
    bodies.add(JSON.stringify({ error, ...rest }));
  }
  assert.deepEqual([...bodies], [
    JSON.stringify({
      error: { message: "Invalid or expired token", code: "invalid_token" },
      success: false,
    }),
  ]);
});

/** The private key that this studio signs with, for tokens that only differ in what a test says. */
async function signingKeyOf({ store, deps }: Studio) {
  return await createSigningKeys({ store, secret: deps.secret }).current();
}

Deno.test("a token request with anything else in it is refused by name", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const cases: [body: unknown, message: string][] = [
    [{ scope: "all" }, "Unknown field: scope"],
    [{ idToken: 1 }, "idToken takes an ID token from Google"],
    [{ idToken: "" }, "idToken takes an ID token from Google"],
    [{ idToken: "x".repeat(20_000) }, "idToken takes an ID token from Google"],
    [[], "The request must be a JSON object"],
    [null, "The request must be a JSON object"],
  ];
  for (const [body, message] of cases) {
    const answer = await program.post("/api/v1/auth/token", body);
    assert.deepEqual([answer.status, (await answer.json()).error.message], [400, message]);
  }
  const headers = { Authorization: `Bearer ${program.credential}`, "Content-Type": "application/json" };
  const empty = await studio.fetch("/api/v1/auth/token", { method: "POST", headers, body: "" });
  assert.deepEqual([empty.status, (await empty.json()).success], [200, true]);
  const nobody = await studio.fetch("/api/v1/auth/token", { method: "POST" });
  assert.deepEqual([nobody.status, (await nobody.json()).error.code], [401, "unauthorized"]);
});

Deno.test("an ID token of Google for us is exchanged for a token of its user", async () => {
  let at = Date.now();
  await using provider = await startIdentityProvider();
  await using studio = await createStudio({
    identityProviders: [{ ...providerFor(provider, { id: "google", name: "Google" }) }],
    now: () => at,
  });
  const idToken = await provider.idToken();
  const answer = await exchange(studio, idToken);
  assert.equal(answer.status, 200);
  const { token } = await answer.json();
  const { exp } = jose.decodeJwt(idToken);
  assert.equal(jose.decodeJwt(token).exp, exp, "it lives as long as the ID token");
  const { user } = await (await studio.fetch("/api/v1/me", bearer(token))).json();
  assert.deepEqual([user.name, user.email, user.role], ["Ada", "ada@example.org", "member"]);
  assert.equal((await exchange(studio, idToken)).status, 200);
  const users = await Array.fromAsync(studio.store.kv.list({ prefix: [...kinds.users] }));
  assert.equal(users.length, 2);

  const member = users.map(({ value }) => value as { id: string }).find(({ id }) => id === user.id)!;
  await studio.store.kv.set(keys.user(user.id), { ...member, isDisabled: true });
  assert.equal(await statusOf(studio, token), 401);
  assert.equal((await exchange(studio, idToken)).status, 403);
  await studio.store.kv.set(keys.user(user.id), { ...member, sessionsEnded: 1 });
  assert.equal(await statusOf(studio, token), 401, "being enabled again brings nothing back");
  await studio.store.kv.set(keys.user(user.id), member);
  assert.equal(await statusOf(studio, token), 200);
  at = exp! * 1000;
  assert.equal(await statusOf(studio, token), 401);
});

Deno.test("an ID token that is not Google's, not for us, or unsigned is exchanged for nothing", async () => {
  await using provider = await startIdentityProvider();
  await using studio = await createStudio({
    identityProviders: [providerFor(provider, { id: "google", name: "Google" })],
  });
  const foreign = await jose.generateKeyPair("RS256");
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: provider.issuer, aud: provider.clientId, sub: "1", iat: now, exp: now + 60 };
  const { exp: _, ...endless } = good;
  const { sub: __, ...nameless } = good;
  const sign = (claims: Record<string, unknown>) => signToken(claims, provider.signingKey);
  assert.equal((await exchange(studio, await sign({ ...good }))).status, 200, "the premise");
  const wrong = [
    await sign({ ...good, aud: "another program" }),
    await sign({ ...good, aud: [provider.clientId, "another program"] }),
    await sign({ ...good, iss: "https://evil.example" }),
    await sign({ ...good, exp: now - 1 }),
    await sign(endless),
    await sign(nameless),
    unsignedToken(good),
    await signToken(good, foreign.privateKey),
    await signToken(good, new TextEncoder().encode(provider.clientSecret.padEnd(32)), { alg: "HS256" }),
    await tokenFrom(await studio.withKey()),
    "x",
  ];
  for (const idToken of wrong) assert.equal((await exchange(studio, idToken)).status, 401);
  provider.instead.set("/keys", () => new Response(null, { status: 503 }));
  await using fresh = await createStudio({
    identityProviders: [providerFor(provider, { id: "google", name: "Google" })],
  });
  assert.equal((await exchange(fresh, await sign(good))).status, 503);
});

Deno.test("without Google, or by another provider's token, nothing is exchanged", async () => {
  await using provider = await startIdentityProvider();
  await using studio = await createStudio({ identityProviders: [providerFor(provider)] });
  assert.equal((await exchange(studio, await provider.idToken())).status, 401);
  assert.deepEqual(provider.requests, []);
});

Deno.test("wrong keys and tokens are slowed down by address, right ones are not", async () => {
  await using studio = await createStudio({ wrongCredentialLimit: 3 });
  const from = (address: string, token: string) => studio.fetch("/api/v1/me", bearer(token), address);
  const statuses = [];
  for (const wrong of ["dk_wrong", "a.b.c", "dk_wrong", "dk_wrong"]) {
    statuses.push(await from("203.0.113.7", wrong));
  }
  assert.deepEqual(statuses.map(({ status }) => status), [401, 401, 401, 429]);
  assert.ok(Number(statuses[3].headers.get("Retry-After")) >= 1);
  const { credential } = await studio.withKey();
  assert.equal((await from("203.0.113.7", credential)).status, 200);
  assert.equal((await from("203.0.113.8", "dk_wrong")).status, 401);
});

Deno.test("neither the store nor the log holds a token", async () => {
  await using studio = await createStudio();
  const token = await tokenFrom(await studio.withKey());
  await statusOf(studio, token);
  const stored = JSON.stringify(await Array.fromAsync(studio.store.kv.list({ prefix: [] })));
  for (const part of token.split(".").slice(1)) {
    assert.ok(!stored.includes(part) && !studio.log.join().includes(part));
  }
});
