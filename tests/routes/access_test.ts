import assert from "node:assert/strict";
import { createApiKey } from "../../lib/identity/api_key.ts";
import { createLoginCode } from "../../lib/identity/login_code.ts";
import { keys } from "../../lib/store/schema.ts";
import { startSession } from "../../lib/identity/session.ts";
import { createStudio, publicUrl, type Studio } from "../fixtures/studio.ts";
import { readEventStream } from "../fixtures/event_stream.ts";

Deno.test("the printed link signs in once, within 15 minutes", async () => {
  let at = Date.now();
  await using studio = await createStudio({ now: () => at });
  const code = await createLoginCode(studio.store, studio.owner.id);
  const preview = await studio.fetch(`/login?code=${code}`, { method: "HEAD" });
  assert.deepEqual([preview.status, preview.headers.get("Set-Cookie")], [200, null]);
  const answer = await studio.fetch(`/login?code=${code}`);
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get("Location"), "/generator");
  const cookie = answer.headers.get("Set-Cookie")!;
  assert.match(cookie, /^darkroom-8000=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/);
  const page = await studio.fetch("/generator", { headers: { Cookie: cookie.split(";")[0] } });
  assert.equal(page.status, 200);
  const again = await studio.fetch(`/login?code=${code}`);
  assert.equal(again.status, 401);
  assert.match(await again.text(), /used before/);
  const late = await createLoginCode(studio.store, studio.owner.id);
  at += 15 * 60_000;
  assert.equal((await studio.fetch(`/login?code=${late}`)).status, 401);
  assert.equal((await studio.fetch("/login?code=nonsense")).status, 401);
});

Deno.test("on https the cookie is bound to the host and never sent in the clear", async () => {
  await using studio = await createStudio({ publicUrl: "https://darkroom.example" });
  const answer = await studio.fetch(`/login?code=${await createLoginCode(studio.store, studio.owner.id)}`);
  assert.match(
    answer.headers.get("Set-Cookie")!,
    /^__Host-darkroom=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  assert.match(answer.headers.get("Strict-Transport-Security")!, /max-age=31536000/);
});

Deno.test("signing in leads to a path of this site and nowhere else", async () => {
  await using studio = await createStudio();
  const cases = [
    ["/gallery?cursor=1", "/gallery?cursor=1"],
    ["//evil.example", "/generator"],
    ["/\\evil.example", "/generator"],
    ["https:evil.example", "/generator"],
    ["https://evil.example/", "/generator"],
    ["/a\nb", "/generator"],
    ["/\tevil", "/generator"],
    ["", "/generator"],
  ];
  for (const [wanted, expected] of cases) {
    const code = await createLoginCode(studio.store, studio.owner.id);
    const answer = await studio.fetch(`/login?code=${code}&return_to=${encodeURIComponent(wanted)}`);
    assert.equal(answer.headers.get("Location"), expected, wanted);
  }
});

Deno.test("without a credential pages lead to sign-in and programs hear what is missing", async () => {
  await using studio = await createStudio();
  for (const path of ["/generator", "/gallery", "/prompts", "/images/x"]) {
    const answer = await studio.fetch(path);
    assert.equal(answer.status, 303, path);
    assert.equal(answer.headers.get("Location"), `/login?return_to=${encodeURIComponent(path)}`);
  }
  for (
    const path of ["/api/v1/prompts", "/api/v1/images", "/api/v1/me", "/api/v1/models", "/api/v1/events"]
  ) {
    const answer = await studio.fetch(path);
    assert.equal(answer.status, 401, path);
    assert.equal(answer.headers.get("WWW-Authenticate"), "Bearer");
    const { error } = await answer.json();
    assert.deepEqual([error.code, error.message], ["unauthorized", "Authorization header required"]);
  }
  assert.equal((await studio.fetch("/events")).status, 401);
  assert.equal((await studio.fetch("/")).status, 200);
});

Deno.test("credentials that are not valid any more, malformed, in the address or doubled are refused", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const expired = await createApiKey(store, { userId: owner.id, name: "old", scope: "all", expiresAt: 1 });
  const disabled = await studio.withKey(await studio.addMember({ isDisabled: true }));
  const valid = await studio.withKey();
  const headers = [
    `Bearer ${expired}`,
    `Bearer ${disabled.credential}`,
    "Bearer dk_nonsense",
    "Bearer",
    valid.credential,
    `Bearer ${valid.credential} x`,
    "",
  ];
  for (const Authorization of headers) {
    const answer = await studio.fetch("/api/v1/me", { headers: { Authorization } });
    assert.equal(answer.status, 401, Authorization);
    const { error } = await answer.json();
    assert.deepEqual([error.code, error.message], ["invalid_token", "Invalid or expired token"]);
  }
  for (const name of ["access_token", "token", "api_key"]) {
    assert.equal((await studio.fetch(`/api/v1/me?${name}=${valid.credential}`)).status, 401);
  }
  const session = await studio.withSession();
  const both = { Cookie: session.credential, Authorization: `Bearer ${valid.credential}` };
  assert.equal((await studio.fetch("/api/v1/me", { headers: both })).status, 400);
});

Deno.test("a password for a proxy in front is none for Darkroom: beside a session it counts as nothing, and alone too", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  for (
    const Authorization of [
      "Basic b3duZXI6eA==",
      "basic eDp5",
      'Digest username="Ada", realm="x"',
      "Negotiate YII=",
    ]
  ) {
    const path = "/api/v1/me";
    assert.equal((await session.get(path, { Authorization })).status, 200, Authorization);
    assert.equal((await session.form("/profile", { name: "Ada" }, { Authorization })).status, 303);
    const alone = await studio.fetch(path, { headers: { Authorization } });
    assert.equal(alone.status, 401);
    const { error } = await alone.json();
    assert.deepEqual([error.code, error.message], ["unauthorized", "Authorization header required"]);
    assert.equal((await studio.fetch("/generator", { headers: { Authorization } })).status, 303);
  }
});

Deno.test("two Darkrooms on two ports of one host sign nobody out of the other", async () => {
  await using first = await createStudio({ publicUrl: "http://localhost:8000" });
  await using second = await createStudio({ publicUrl: "http://localhost:8001" });
  const jar = new Map<string, string>();
  const signIn = async (studio: Studio) =>
    keep(await ask(studio, `/login?code=${await createLoginCode(studio.store, studio.owner.id)}`));
  const isSignedIn = async (studio: Studio) => (await ask(studio, "/generator")).status === 200;
  await signIn(first);
  await signIn(second);
  assert.deepEqual([await isSignedIn(first), await isSignedIn(second)], [true, true]);
  const { publicUrl: Origin } = second.deps;
  keep(await ask(second, "/logout", { method: "POST", headers: { Origin } }));
  assert.deepEqual([await isSignedIn(first), await isSignedIn(second)], [true, false]);

  function ask(studio: Studio, path: string, { headers, ...init }: RequestInit = {}): Promise<Response> {
    const Cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    return studio.fetch(path, { ...init, headers: { Cookie, ...headers } });
  }
  function keep(answer: Response): void {
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
  }
});

Deno.test("a cookie's name has the port where that isn't the default one of its scheme", async () => {
  const names = [
    ["http://localhost:8000", "darkroom-8000"],
    ["http://studio.test", "darkroom"],
    ["https://studio.test", "__Host-darkroom"],
    ["https://studio.test:8443", "__Host-darkroom-8443"],
  ];
  for (const [publicUrl, name] of names) {
    await using studio = await createStudio({ publicUrl });
    const answer = await studio.fetch(`/login?code=${await createLoginCode(studio.store, studio.owner.id)}`);
    assert.equal(answer.headers.get("Set-Cookie")!.split("=")[0], name);
  }
});

Deno.test("whoever signed in when the server had another port, or no port in its cookie, is signed in, and out", async () => {
  await using studio = await createStudio();
  for (const name of ["darkroom", "darkroom-9000"]) {
    const Cookie = `darkroom-7=nothing; ${name}=${await startSession(studio.store, studio.owner.id)}`;
    const Origin = studio.deps.publicUrl;
    assert.equal((await studio.fetch("/generator", { headers: { Cookie } })).status, 200);
    const answer = await studio.fetch("/logout", { method: "POST", headers: { Cookie, Origin } });
    const cleared = answer.headers.getSetCookie().map((cookie) => cookie.split("=")[0]);
    assert.deepEqual(cleared, ["darkroom-8000", name]);
    assert.equal((await studio.fetch("/generator", { headers: { Cookie } })).status, 303);
  }
  await using https = await createStudio({ publicUrl: "https://studio.test" });
  const Cookie = `darkroom=${await startSession(https.store, https.owner.id)}`;
  assert.equal((await https.fetch("/generator", { headers: { Cookie } })).status, 303);
});

Deno.test("a form refused because the server does not know its own address says so, on the page and in the log", async () => {
  await using studio = await createStudio({ publicUrl: "http://studio.test:8000" });
  const Cookie = `darkroom-8000=${await startSession(studio.store, studio.owner.id)}`;
  const post = (address: string, headers: { [name: string]: string }) =>
    studio.handle(
      new Request(`${address}/profile`, {
        method: "POST",
        body: "name=Ada",
        headers: { Cookie, ...headers },
      }),
    );
  const behindProxy: [address: string, headers: { [name: string]: string }][] = [
    ["http://studio.test", { Origin: "https://studio.test" }],
    ["http://127.0.0.1:8000", { Origin: "https://studio.test", "Sec-Fetch-Site": "same-origin" }],
  ];
  for (const [address, headers] of behindProxy) {
    studio.log.length = 0;
    const answer = await post(address, headers);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /PUBLIC_URL=https:\/\/studio\.test/);
    const line = studio.log.map((line) => JSON.parse(line)).find(({ event }) => event === "wrong_public_url");
    assert.deepEqual([line.level, line.origin, line.publicUrl], [
      "warn",
      "https://studio.test",
      "http://studio.test:8000",
    ]);
  }
  studio.log.length = 0;
  const open = await (await post("http://127.0.0.1:8000", { Origin: "https://any.example" })).text();
  assert.match(open, /own pages\. If they are reached through https, .* sets PUBLIC_URL to their address/);
  assert.doesNotMatch(open, /any\.example/);
  assert.ok(studio.log.some((line) => line.includes("wrong_public_url")));
  const foreign: { [name: string]: string }[] = [
    { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
    { Origin: "http://evil.example" },
    { Origin: "null" },
    {},
  ];
  for (const headers of foreign) {
    studio.log.length = 0;
    const answer = await post("http://studio.test", headers);
    assert.equal(answer.status, 403);
    assert.doesNotMatch(await answer.text(), /PUBLIC_URL/);
    assert.ok(!studio.log.some((line) => line.includes("wrong_public_url")));
  }
  await using https = await createStudio({ publicUrl: "https://a.test" });
  const answer = await https.handle(
    new Request("http://b.test/login/passkey/options", {
      method: "POST",
      headers: { Origin: "https://b.test", "Sec-Fetch-Site": "same-origin" },
    }),
  );
  assert.match(await answer.text(), /PUBLIC_URL=https:\/\/b\.test/);
});

Deno.test("a key does what its scope allows and no more", async () => {
  await using studio = await createStudio();
  const all = await studio.withKey();
  const generate = await studio.withKey(studio.owner, "generate");
  const read = await studio.withKey(studio.owner, "read");
  const body = { prompt: "sea", imageSize: "512x512" };
  const refused = await read.post("/api/v1/images/generate", body);
  assert.equal(refused.status, 403);
  assert.equal((await refused.json()).error.code, "forbidden");
  const { promptId, images: [{ id }] } = await (await generate.post("/api/v1/images/generate", body)).json();
  for (const verb of ["cancel", "retry"]) {
    assert.equal((await read.post(`/api/v1/prompts/${promptId}/${verb}`)).status, 403);
  }
  assert.equal((await read.get(`/api/v1/images/${id}`)).status, 200);
  assert.equal((await read.delete(`/api/v1/images/${id}`)).status, 403);
  assert.equal((await generate.delete(`/api/v1/images/${id}`)).status, 403);
  assert.equal((await all.delete(`/api/v1/images/${id}`)).status, 200);
});

Deno.test("what comes with a cookie must come from this site, JSON and DELETE included", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { credential: Cookie } = await studio.withSession();
  const send = (headers: HeadersInit, method = "POST", path = "/api/v1/images/generate") =>
    studio.fetch(path, {
      method,
      headers: { Cookie, "Content-Type": "application/json", Prefer: "respond-async", ...headers },
      body: method === "POST" ? JSON.stringify({ prompt: "sea" }) : undefined,
    });
  const foreign: HeadersInit[] = [
    {},
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { Origin: "http://localhost:8000.evil.example" },
    { Origin: "https://localhost:8000" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "none" },
    { "Sec-Fetch-Site": "cross-site", Origin: publicUrl },
    { "Sec-Fetch-Site": "same-origin", Origin: "https://evil.example" },
  ];
  for (const headers of foreign) {
    const answer = await send(headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.equal((await answer.json()).error.code, "forbidden");
    assert.equal((await send(headers, "DELETE", "/api/v1/images/x")).status, 403);
    assert.equal((await send(headers, "POST", "/logout")).status, 403);
  }
  const { pagination } = await (await (await studio.withKey()).get("/api/v1/prompts")).json();
  assert.equal(pagination.total, 0);
  assert.equal((await send({ Origin: publicUrl })).status, 202);
  assert.equal((await send({ "Sec-Fetch-Site": "same-origin" })).status, 202);
});

Deno.test("where the site is on https, a page of the same name without it is another site", async () => {
  await using studio = await createStudio({ publicUrl: "https://darkroom.example", isWorking: false });
  const { credential } = await studio.withSession();
  // As a proxy that speaks TLS passes it on.
  const send = (Origin: string) =>
    studio.handle(
      new Request("http://darkroom.example/logout", {
        method: "POST",
        headers: { Cookie: `__Host-${credential}`, Origin },
      }),
    );
  assert.equal((await send("http://darkroom.example")).status, 403);
  assert.equal((await send("https://darkroom.example")).status, 303);
});

Deno.test("signing out ends the session and its open streams", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const other = await studio.withSession();
  const stream = readEventStream(await session.get("/events"));
  const otherStream = readEventStream(await other.get("/events"));
  const answer = await session.form("/logout", {});
  assert.deepEqual([answer.status, answer.headers.get("Location")], [303, "/login"]);
  assert.match(answer.headers.get("Set-Cookie")!, /^darkroom-8000=; Max-Age=0/);
  assert.equal(answer.headers.get("Clear-Site-Data"), '"cache", "storage"');
  assert.equal(await stream.next(), null);
  assert.equal((await session.get("/generator")).status, 303);
  assert.equal((await other.get("/generator")).status, 200);
  await otherStream.cancel();
});

Deno.test("a new sign-in ends the session that was there before", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const code = await createLoginCode(studio.store, studio.owner.id);
  await session.get(`/login?code=${code}`);
  assert.equal((await session.get("/generator")).status, 303);
});

Deno.test("a disabled user is signed out on the next request", async () => {
  await using studio = await createStudio();
  const member = await studio.addMember();
  const [session, program] = [await studio.withSession(member), await studio.withKey(member)];
  assert.equal((await program.get("/api/v1/me")).status, 200);
  await studio.store.kv.set(keys.user(member.id), { ...member, isDisabled: true });
  assert.equal((await session.get("/generator")).status, 303);
  assert.equal((await program.get("/api/v1/me")).status, 401);
});

/** A body that comes only when it is told to. */
function lateBody(text: string) {
  const { promise: told, resolve: send } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await told;
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  return { body, send };
}

Deno.test("a body that comes late is taken from whoever the sender is by then", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { store } = studio;
  const json = { "Content-Type": "application/json", Prefer: "respond-async" };
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const [admin, member] = [await studio.addMember({ role: "admin" }), await studio.addMember()];
  const cases = [
    ["PATCH", `/api/v1/users/${admin.id}`, admin, json, `{"disabled":false}`, 404],
    ["POST", "/api/v1/images/generate", member, json, `{"prompt":"sea"}`, 401],
    ["POST", "/api/v1/auth/token", member, json, "{}", 401],
    ["POST", "/profile/keys", member, form, "name=x&scope=all", 303],
    ["POST", "/generator", member, form, "prompt=sea", 303],
  ] as const;
  for (const [method, path, user, headers, text, status] of cases) {
    await studio.setUser(user);
    const { credential: Cookie } = await studio.withSession(user);
    const { body, send } = lateBody(text);
    const init = { method, body, headers: { Cookie, Origin: publicUrl, ...headers } };
    const answer = studio.fetch(path, init);
    // By then everything that does not need the body has happened.
    assert.equal((await studio.fetch("/api/v1/me", { headers: { Cookie } })).status, 200);
    await studio.setUser({ ...user, isDisabled: true });
    send();
    assert.equal((await answer).status, status, path);
    assert.equal((await store.kv.get<{ isDisabled: boolean }>(keys.user(user.id))).value!.isDisabled, true);
  }
  for (const prefix of [["prompt"], ["api_key"]]) {
    assert.deepEqual(await Array.fromAsync(store.kv.list({ prefix })), []);
  }
});

Deno.test("keys, session ids and sign-in codes are stored as hashes only, and not logged", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const session = await studio.withSession();
  const code = await createLoginCode(studio.store, studio.owner.id);
  await program.get("/api/v1/me");
  await studio.fetch(`/login?code=${code}&return_to=/nowhere`);
  const secrets = [program.credential, session.credential.split("=")[1], code];
  const entries = await Array.fromAsync(studio.store.kv.list({ prefix: [] }));
  assert.ok(entries.length > 5 && studio.log.length >= 2);
  const stored = JSON.stringify(entries, (_, value) => typeof value === "bigint" ? String(value) : value);
  for (const secret of secrets) {
    assert.ok(!stored.includes(secret));
    assert.ok(!studio.log.some((line) => line.includes(secret)));
  }
});

Deno.test("programs are told their limits and what is left of them, also where they are refused", async () => {
  const now = Date.now();
  await using studio = await createStudio({
    requestLimit: 3,
    generateLimit: 1,
    isWorking: false,
    now: () => now,
  });
  const program = await studio.withKey();
  const told = ({ headers }: Response) => [headers.get("RateLimit-Policy"), headers.get("RateLimit")];
  const policy = '"requests";q=3;w=60, "submissions";q=1;w=60';
  assert.deepEqual(told(await program.get("/api/v1/me")), [
    policy,
    '"requests";r=2;t=20, "submissions";r=1;t=1',
  ]);
  const post = () =>
    program.post("/api/v1/images/generate", { prompt: "a sea" }, {
      Prefer: "respond-async",
    });
  assert.deepEqual(told(await post()), [policy, '"requests";r=1;t=40, "submissions";r=0;t=60']);
  const refused = await post();
  assert.equal(refused.status, 429);
  assert.deepEqual(told(refused), [policy, '"requests";r=0;t=20, "submissions";r=0;t=60']);
  assert.equal(refused.headers.get("Retry-After"), "60");
  const over = await program.get("/api/v1/me");
  assert.equal(over.status, 429);
  assert.deepEqual(told(over), [policy, '"requests";r=0;t=20, "submissions";r=0;t=60']);
  assert.deepEqual(told(await studio.fetch("/api/v1/me")), [null, null]);
});

Deno.test("without limits none are told", async () => {
  await using studio = await createStudio({ requestLimit: 0, generateLimit: 0 });
  const { headers } = await (await studio.withKey()).get("/api/v1/me");
  assert.deepEqual([headers.get("RateLimit-Policy"), headers.get("RateLimit")], [null, null]);
});

Deno.test("requests above a user's limit are told when to come back, over all credentials", async () => {
  await using studio = await createStudio({ requestLimit: 3 });
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const answers = [
    await program.get("/api/v1/me"),
    await session.get("/api/v1/me"),
    await program.get("/api/v1/me"),
    await session.get("/api/v1/me"),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 429]);
  assert.ok(Number(answers[3].headers.get("Retry-After")) >= 1);
  const member = await studio.withKey(await studio.addMember());
  assert.equal((await member.get("/api/v1/me")).status, 200);
});

Deno.test("what is shown to somebody is kept by no browser or proxy", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const paths = [
    "/generator",
    "/gallery",
    "/prompts",
    "/dashboard",
    "/usage.csv",
    "/profile",
    "/profile/export",
    "/profile/passkeys",
    "/admin",
    "/admin/spend.csv",
    "/admin/invitations",
    "/join?code=x",
    "/login",
    "/nowhere",
    "/api/v1/shares",
    "/api/v1/hooks",
    "/api/v1/images/x/file",
  ];
  for (const path of paths) {
    const answer = await session.get(path);
    await answer.body?.cancel();
    assert.equal(answer.headers.get("Cache-Control"), "no-store", path);
  }
  for (const path of ["/api/v1/me", "/api/v1/prompts", "/api/v1/images"]) {
    const answer = await session.get(path);
    await answer.body?.cancel();
    // By whoever asked alone, who asks anew each time.
    assert.equal(answer.headers.get("Cache-Control"), "private, no-cache", path);
  }
});

Deno.test("an unknown path is the same 404 for everybody", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  for (const path of ["/api/v1/debug/nothing", "/api/v1/", "/api/v2/images"]) {
    const answer = await program.get(path);
    assert.equal(answer.status, 404);
    assert.equal((await answer.json()).error.code, "not_found");
  }
  const page = await studio.fetch("/nowhere");
  assert.equal(page.status, 404);
  assert.match(await page.text(), /There is nothing here/);
});
