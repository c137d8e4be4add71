import assert from "node:assert/strict";
import { createLoginCode } from "../../../lib/identity/login_code.ts";
import { savePortrait } from "../../../lib/accounts/portrait.ts";
import { readUser } from "../../../lib/users/user.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { providerFor, signInThroughProvider } from "../../fixtures/provider_sign_in.ts";
import { holdUntil, picture } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { startIdentityProvider } from "../../stand_ins/identity_provider.ts";

const textOf = async (answer: Response) => (await answer.text()).replace(/\s+/g, " ");

/** Where a page's forms lead that end with that word. */
async function actions(client: Client, word: string): Promise<string[]> {
  const page = await (await client.get("/profile")).text();
  return [...page.matchAll(/action="([^"]+)"/g)].map(([, action]) => action).filter((a) => a.endsWith(word));
}

Deno.test("a person's name and time zone are changed, and shown as text", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const name = '<b onclick="x">Ada & "Co"</b>';
  const answer = await session.form("/profile", { name: `  ${name} `, timeZone: "Asia/Tokyo" });
  assert.deepEqual([answer.status, answer.headers.get("Location")], [303, "/profile?done=saved"]);
  const user = (await readUser(studio.store, studio.owner.id))!.value;
  assert.deepEqual([user.name, user.timeZone], [name, "Asia/Tokyo"]);
  const page = await textOf(await session.get("/profile?done=saved"));
  assert.match(page, /Your profile is saved/);
  assert.match(page, /value="&lt;b onclick=&quot;x&quot;&gt;Ada/);
  assert.doesNotMatch(page, /<b onclick/);
  await session.form("/profile", { name: "Ada" });
  assert.equal((await readUser(studio.store, studio.owner.id))!.value.timeZone, "Asia/Tokyo");
  await session.form("/profile", { name: "Ada", timeZone: "" });
  assert.equal((await readUser(studio.store, studio.owner.id))!.value.timeZone, undefined);
});

Deno.test("what is wrong with the profile's form is said beside it, and nothing changes", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const cases: [{ [name: string]: string }, RegExp][] = [
    [{ name: "   " }, /Your name can&#39;t be empty/],
    [{ name: "x".repeat(101) }, /at most 100 characters/],
    [{ name: "Ada", timeZone: "Mars/Olympus" }, /Choose a time zone of the list/],
    [{}, /Your name can&#39;t be empty/],
  ];
  for (const [fields, words] of cases) {
    const answer = await session.form("/profile", fields);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), words);
  }
  assert.equal((await readUser(studio.store, studio.owner.id))!.value.name, "Owner");
});

Deno.test("without scripts, times are those of the profile's time zone", async () => {
  await using studio = await createStudio({ now: () => Date.parse("2026-11-23T20:30:00Z") });
  const session = await studio.withSession();
  assert.match(await textOf(await session.get("/profile")), />2026-11-23 20:30 UTC</);
  await session.form("/profile", { name: "Ada", timeZone: "Asia/Tokyo" });
  const page = await textOf(await session.get("/profile"));
  assert.match(page, /<time datetime="2026-11-23T20:30:00.000Z">24 Nov 2026, 05:30 Asia\/Tokyo<\/time>/);
});

Deno.test("the picture is shown where there is one, to its owner", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  assert.doesNotMatch(await (await session.get("/profile")).text(), /profile\/picture/);
  assert.equal((await session.get("/profile/picture")).status, 404);
  await savePortrait(studio.store, { userId: studio.owner.id, bytes: await picture(512, 512) });
  assert.match(await (await session.get("/profile")).text(), /<img src="\/profile\/picture"/);
  const answer = await session.get("/profile/picture");
  assert.deepEqual([answer.status, answer.headers.get("Content-Type")], [200, "image/webp"]);
  await answer.body!.cancel();
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await other.get("/profile/picture")).status, 404);
});

Deno.test("sessions are listed by device, and the one in use is marked", async () => {
  await using studio = await createStudio();
  const code = await createLoginCode(studio.store, studio.owner.id);
  const headers = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0" };
  await studio.fetch(`/login?code=${code}`, { headers });
  const session = await studio.withSession();
  const page = await textOf(await session.get("/profile"));
  assert.match(page, /<th scope="row">Firefox on Linux<\/th>/);
  assert.match(page, /<th scope="row">An unknown device<\/th>/);
  assert.equal(page.split("This one").length, 2);
  assert.equal((await actions(session, "/end")).length, 1);
});

Deno.test("ending a session signs that device out at once and ends its streams", async () => {
  await using studio = await createStudio();
  const [here, there] = [await studio.withSession(), await studio.withSession()];
  const stream = readEventStream(await there.get("/events"));
  const [action] = await actions(here, "/end");
  const answer = await here.form(action, {});
  assert.deepEqual([answer.status, answer.headers.get("Location")], [303, "/profile?done=session#sessions"]);
  await stream.ended();
  assert.equal((await there.get("/profile")).status, 303);
  assert.equal((await here.get("/profile")).status, 200);
  assert.equal((await here.form(action, {})).status, 404);
});

Deno.test("ending all others leaves the session that asks, and other people's", async () => {
  await using studio = await createStudio();
  const stranger = await studio.withSession(await studio.addMember());
  const [here, a, b] = [
    await studio.withSession(),
    await studio.withSession(),
    await studio.withSession(),
  ];
  const streams = [readEventStream(await a.get("/events")), readEventStream(await b.get("/events"))];
  assert.equal((await here.form("/profile/sessions/end-others", {})).status, 303);
  for (const stream of streams) await stream.ended();
  const statuses = await Promise.all([here, a, b, stranger].map((each) => each.get("/profile")));
  assert.deepEqual(statuses.map(({ status }) => status), [200, 303, 303, 200]);
});

Deno.test("somebody else's session or key is not there", async () => {
  await using studio = await createStudio();
  const [owner, spare] = [await studio.withSession(), await studio.withSession()];
  await owner.form("/profile/keys", { name: "laptop", scope: "all", expires: "" });
  const [end] = await actions(owner, "/end");
  const [revoke] = await actions(owner, "/revoke");
  const member = await studio.withSession(await studio.addMember());
  for (const path of [end, revoke, "/profile/keys/nonsense/revoke", "/profile/sessions/x/end"]) {
    assert.equal((await member.form(path, {})).status, 404, path);
  }
  assert.equal((await spare.get("/profile")).status, 200);
  assert.equal((await actions(owner, "/revoke")).length, 1);
});

Deno.test("a new key is shown once, works with its scope, and ends when it is revoked", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const answer = await session.form("/profile/keys", { name: "laptop", scope: "read", expires: "" });
  assert.deepEqual([answer.status, answer.headers.get("Cache-Control")], [201, "no-store"]);
  const made = await answer.text();
  const key = /<code id="new-key">(dk_[\w-]{43})<\/code>/.exec(made)![1];
  // So that it can be copied as it is into whatever is connected.
  for (
    const address of ["/v1   Key", "/v1&quot;, apiKey: &quot;", "/mcp --header &quot;Authorization: Bearer"]
  ) {
    assert.ok(made.includes(`${studio.deps.publicUrl}${address}`), address);
  }
  assert.equal(made.split(key).length - 1, 4);
  const later = await textOf(await session.get("/profile"));
  assert.ok(!later.includes(key));
  assert.match(later, /laptop.*read.*never/);
  const headers = { Authorization: `Bearer ${key}` };
  assert.equal((await studio.fetch("/api/v1/me", { headers })).status, 200);
  assert.equal((await studio.fetch("/api/v1/images/generate", { method: "POST", headers })).status, 403);
  assert.match(await textOf(await session.get("/profile")), /laptop.*read.*<time/);
  const stream = readEventStream(await studio.fetch("/api/v1/events", { headers }));
  const [revoke] = await actions(session, "/revoke");
  assert.equal((await session.form(revoke, {})).status, 303);
  await stream.ended();
  assert.equal((await studio.fetch("/api/v1/me", { headers })).status, 401);
  assert.equal((await session.form(revoke, {})).status, 404);
});

Deno.test("a key expires at the beginning of its day", async () => {
  let now = Date.parse("2026-11-23T12:00:00Z");
  await using studio = await createStudio({ now: () => now });
  const session = await studio.withSession();
  const answer = await session.form("/profile/keys", {
    name: "short",
    scope: "all",
    expires: "2026-11-24",
  });
  const key = /<code id="new-key">([^<]+)/.exec(await answer.text())![1];
  const headers = { Authorization: `Bearer ${key}` };
  now = Date.parse("2026-11-24T00:00:00Z") - 1;
  assert.equal((await studio.fetch("/api/v1/me", { headers })).status, 200);
  now += 1;
  assert.equal((await studio.fetch("/api/v1/me", { headers })).status, 401);
  assert.match(await textOf(await session.get("/profile")), /short.*expired/);
});

Deno.test("what is wrong with a key's form is said beside it, and no key is made", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const cases: [{ [name: string]: string }, RegExp][] = [
    [{ name: " ", scope: "all", expires: "" }, /A key needs a name/],
    [{ scope: "all" }, /A key needs a name/],
    [{ name: "x" }, /scope is one of read, generate, all/],
    [{ name: "x", scope: "everything", expires: "" }, /scope is one of read, generate, all/],
    [{ name: "x", scope: "all", expires: "2020-01-01" }, /expires on a day to come/],
    [{ name: "x", scope: "all", expires: "soon" }, /expires on a day to come/],
  ];
  for (const [fields, words] of cases) {
    const answer = await session.form("/profile/keys", fields);
    assert.equal(answer.status, 400);
    const page = await answer.text();
    assert.match(page, words);
    assert.doesNotMatch(page, /new-key|<b>/);
  }
  assert.deepEqual(await actions(session, "/revoke"), []);
});

Deno.test("keys and sessions are managed from a session, not with a key", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  assert.equal((await program.get("/profile")).status, 403);
  for (const path of ["/profile", "/profile/keys", "/profile/sessions/end-others"]) {
    assert.equal((await program.form(path, { name: "x", scope: "all", expires: "" })).status, 403, path);
  }
});

Deno.test("a stream that is opened while its credential ends does not stay open", async () => {
  await using studio = await createStudio();
  const [session, other] = [await studio.withSession(), await studio.withSession()];
  const { changes } = studio.deps;
  const { open } = changes;
  changes.open = async (request) => {
    await other.form("/profile/sessions/end-others", {});
    return await open(request);
  };
  assert.equal((await session.get("/events")).status, 401);
  assert.equal(changes.streamCount(), 0);
});

Deno.test("an account is deleted when the word is typed: signed out everywhere, streams and prompts ended", async () => {
  await using studio = await createStudio();
  studio.standIn.scripts.push(holdUntil(new Promise(() => {})));
  const member = await studio.addMember();
  const [here, there] = [await studio.withSession(member), await studio.withSession(member)];
  const program = await studio.withKey(member);
  const made = program.post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512" });
  await until(() => studio.worker.runningCount(), (count) => count === 1);
  const streams = [
    readEventStream(await there.get("/events")),
    readEventStream(await program.get("/api/v1/events")),
  ];
  const wrong = await here.form("/profile/delete", { confirm: "yes" });
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /role="alert">Type delete to confirm/);
  assert.equal((await here.get("/profile")).status, 200);

  const answer = await here.form("/profile/delete", { confirm: " Delete " });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Set-Cookie")!, /^darkroom-8000=; Max-Age=0/);
  assert.match(await answer.text(), /Your account is deleted/);
  for (const stream of streams) await stream.ended();
  for (const session of [here, there]) assert.equal((await session.get("/profile")).status, 303);
  assert.equal((await program.get("/api/v1/me")).status, 401);
  assert.ok([404, 409].includes((await made).status));
  await until(() => studio.worker.runningCount(), (count) => count === 0);
  assert.equal((await here.form("/profile/delete", { confirm: "delete" })).status, 303);
  assert.deepEqual(studio.log.filter((line) => line.includes('"error"')), []);
});

Deno.test("the last owner can't leave, and hears why; once there is another one, they can", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const refused = await session.form("/profile/delete", { confirm: "delete" });
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /role="alert">This is the last owner/);
  await studio.addMember({ role: "owner" });
  assert.equal((await session.form("/profile/delete", { confirm: "delete" })).status, 200);
  assert.equal((await session.get("/profile")).status, 303);
});

Deno.test("the picture of whoever signs in through a provider is adopted, once", async () => {
  await using provider = await startIdentityProvider();
  provider.person.picture = "https://pictures.example/ada.png";
  const asked: [address: string, ownOrigin: string][] = [];
  await using studio = await createStudio({
    identityProviders: [providerFor(provider)],
    fetchNamed(address, { ownOrigin }) {
      asked.push([address, ownOrigin]);
      return picture(512, 512);
    },
  });
  const { session } = await signInThroughProvider(studio);
  const shown = () => studio.fetch("/profile/picture", { headers: { Cookie: session! } });
  const answer = await until(shown, ({ status }) => status === 200);
  assert.equal(answer.headers.get("Content-Type"), "image/webp");
  await signInThroughProvider(studio);
  assert.deepEqual(asked, [["https://pictures.example/ada.png", provider.issuer]]);
});

Deno.test("a picture that can't be had keeps nobody from signing in", async () => {
  await using provider = await startIdentityProvider();
  provider.person.picture = "https://pictures.example/ada.png";
  await using studio = await createStudio({ identityProviders: [providerFor(provider)] });
  const { session } = await signInThroughProvider(studio);
  const page = await studio.fetch("/profile", { headers: { Cookie: session! } });
  assert.equal(page.status, 200);
  await page.body!.cancel();
  await until(() => studio.log.some((line) => line.includes("portrait_not_adopted")), Boolean);
});
