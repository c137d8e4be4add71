import assert from "node:assert/strict";
import { listPasskeys } from "../../../lib/identity/passkey.ts";
import { createAuthenticator } from "../../fixtures/authenticator.ts";
import { type Client, createStudio, publicUrl, type Studio } from "../../fixtures/studio.ts";

async function addPasskey(session: Client, name = "Laptop") {
  const device = await createAuthenticator();
  const { challenge, user } = await (await session.post("/profile/passkeys/options", {})).json();
  const response = await device.register({ challenge });
  const answer = await session.post("/profile/passkeys", { name, response });
  return { device, answer, userHandle: new TextDecoder().decode(fromBase64url(user.id)) };
}

const fromBase64url = (text: string) => Uint8Array.fromBase64(text, { alphabet: "base64url" });

function post(studio: Studio, path: string, body: unknown, headers: HeadersInit = { Origin: publicUrl }) {
  return studio.fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
    body: JSON.stringify(body),
  }, "203.0.113.7");
}

Deno.test("a passkey added on the profile signs in on the sign-in page, and goes where the person was going", async () => {
  await using studio = await createStudio();
  const member = await studio.addMember();
  const session = await studio.withSession(member);
  const { device, answer, userHandle } = await addPasskey(session, "My <laptop>");
  assert.deepEqual([answer.status, await answer.json()], [201, {
    success: true,
    location: "/profile/passkeys",
  }]);
  assert.equal(userHandle, member.id);
  assert.match(await (await session.get("/profile/passkeys")).text(), /My &lt;laptop&gt;/);

  const login = await (await studio.fetch("/login?return_to=/gallery")).text();
  assert.match(login, /<form data-passkey="sign-in" data-return-to="\/gallery"/);
  const { challenge } = await (await post(studio, "/login/passkey/options", {})).json();
  const response = await device.signIn({ challenge, userHandle });
  const signedIn = await post(studio, "/login/passkey", { response, returnTo: "/gallery" });
  assert.deepEqual(await signedIn.json(), { success: true, location: "/gallery" });
  const Cookie = signedIn.headers.get("Set-Cookie")!.split(";")[0];
  const me = await (await studio.fetch("/api/v1/me", { headers: { Cookie } })).json();
  assert.equal(me.user.id, member.id);

  const again = await post(studio, "/login/passkey", { response });
  assert.equal(again.status, 401);
  assert.equal(again.headers.get("Set-Cookie"), null);
  assert.match((await again.json()).error.message, /passkey is not known here/);
});

Deno.test("after signing in the browser is not led to another site", async () => {
  await using studio = await createStudio();
  const { device, userHandle } = await addPasskey(await studio.withSession());
  const { challenge } = await (await post(studio, "/login/passkey/options", {})).json();
  const response = await device.signIn({ challenge, userHandle });
  const signedIn = await post(studio, "/login/passkey", { response, returnTo: "//evil.example" });
  assert.equal((await signedIn.json()).location, "/generator");
});

Deno.test("a passkey is removed by its owner, in a session", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  await addPasskey(session);
  const [{ id }] = await listPasskeys(studio.store, studio.owner.id);
  const path = `/profile/passkeys/${id}/remove`;
  const member = await studio.withSession(await studio.addMember());
  assert.equal((await member.form(path, {})).status, 404);
  const removed = await session.form(path, {});
  assert.deepEqual([removed.status, removed.headers.get("Location")], [303, "/profile/passkeys"]);
  assert.match(await (await session.get("/profile/passkeys")).text(), /None yet/);
});

Deno.test("keys, tokens and strangers manage no passkeys", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const key = await studio.withKey();
  const { token } = await (await session.post("/api/v1/auth/token", {})).json();
  const byToken = { headers: { Authorization: `Bearer ${token}` } };
  const paths: [method: string, path: string][] = [
    ["GET", "/profile/passkeys"],
    ["POST", "/profile/passkeys/options"],
    ["POST", "/profile/passkeys"],
    ["POST", `/profile/passkeys/${studio.store.ids()}/remove`],
  ];
  for (const [method, path] of paths) {
    const byKey = method === "GET" ? await key.get(path) : await key.post(path, {});
    assert.equal(byKey.status, 403, path);
    assert.equal((await studio.fetch(path, { method, ...byToken })).status, 403, path);
    const nobody = await studio.fetch(path, { method });
    assert.match(nobody.headers.get("Location")!, /^\/login/, path);
  }
});

Deno.test("another site can't begin or end a sign-in", async () => {
  await using studio = await createStudio();
  const foreign: HeadersInit[] = [{}, { Origin: "https://evil.example" }, { "Sec-Fetch-Site": "cross-site" }];
  for (const headers of foreign) {
    assert.equal((await post(studio, "/login/passkey/options", {}, headers)).status, 403);
    assert.equal((await post(studio, "/login/passkey", { response: {} }, headers)).status, 403);
  }
});

Deno.test("what the page would not send is refused, and trying is slowed down by address", async () => {
  await using studio = await createStudio({ signInLimit: 4 });
  const statuses = [];
  for (const body of [null, { returnTo: 1, response: {} }, { response: {} }, {}, { response: {} }]) {
    statuses.push((await post(studio, "/login/passkey", body)).status);
  }
  assert.deepEqual(statuses, [400, 400, 401, 400, 429]);
  const session = await studio.withSession();
  assert.equal((await session.post("/profile/passkeys", { name: 1 })).status, 400);
});

Deno.test("at an address where browsers have no passkeys there are none", async () => {
  await using studio = await createStudio({ publicUrl: "http://127.0.0.1:8000" });
  assert.doesNotMatch(await (await studio.fetch("/login")).text(), /passkey/i);
  const answer = await post(studio, "/login/passkey/options", {}, { Origin: "http://127.0.0.1:8000" });
  assert.equal(answer.status, 404);
  const session = await studio.withSession();
  assert.match(await (await session.get("/profile/passkeys")).text(), /reached by https and a name/);
});
