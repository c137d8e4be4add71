import assert from "node:assert/strict";
import { createInvitation, listInvitations } from "../../../lib/identity/invitation.ts";
import { createStudio, publicUrl, type Studio } from "../../fixtures/studio.ts";

const linkIn = (page: string) => /http:\/\/localhost:8000(\/join\?code=[\w-]{43})</.exec(page)?.[1];

function join(studio: Studio, fields: Record<string, string>, headers: HeadersInit = { Origin: publicUrl }) {
  return studio.fetch("/join", { method: "POST", headers, body: new URLSearchParams(fields) });
}

Deno.test("an admin makes a link, and whoever opens it becomes a member", async () => {
  await using studio = await createStudio();
  const admin = await studio.withSession(await studio.addMember({ role: "admin" }));
  const made = await admin.form("/admin/invitations", { name: "Bob <b>" });
  assert.equal(made.status, 201);
  const page = await made.text();
  assert.match(page, /The link for <bdi>Bob &lt;b&gt;<\/bdi>/);
  const path = linkIn(page)!;
  const list = await (await admin.get("/admin/invitations")).text();
  assert.match(list, /Bob &lt;b&gt;/);
  assert.equal(linkIn(list), undefined, "the link is shown once");

  for (let look = 0; look < 2; look++) {
    const invited = await studio.fetch(path);
    assert.equal(invited.status, 200);
    assert.match(await invited.text(), /name="name" value="Bob &lt;b&gt;"/);
  }
  const code = path.split("=")[1];
  const joined = await join(studio, { code, name: "Bob" });
  assert.deepEqual([joined.status, joined.headers.get("Location")], [303, "/profile/passkeys"]);
  const cookie = joined.headers.get("Set-Cookie")!.split(";")[0];
  const me = await (await studio.fetch("/api/v1/me", { headers: { Cookie: cookie } })).json();
  assert.deepEqual([me.user.name, me.user.role], ["Bob", "member"]);
  assert.equal((await join(studio, { code, name: "Eve" })).status, 404);
  assert.match(await (await studio.fetch(path)).text(), /This invitation is not open/);
  assert.ok(!studio.log.some((line) => line.includes(code)));
});

Deno.test("a revoked invitation is closed", async () => {
  await using studio = await createStudio();
  const admin = await studio.withSession();
  const path = linkIn(await (await admin.form("/admin/invitations", { name: "Bob" })).text())!;
  const [{ id }] = await listInvitations(studio.store);
  const revoked = await admin.form(`/admin/invitations/${id}/revoke`, {});
  assert.deepEqual([revoked.status, revoked.headers.get("Location")], [303, "/admin/invitations"]);
  assert.equal((await studio.fetch(path)).status, 404);
  assert.equal((await admin.form(`/admin/invitations/${id}/revoke`, {})).status, 404);
});

Deno.test("a name that can't be taken is asked for again, and the invitation stays open", async () => {
  await using studio = await createStudio();
  const { code } = await createInvitation(studio.store, { createdBy: studio.owner.id, name: "Bob" });
  const refused = await join(studio, { code, name: " " });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /A name has 1 to 100 characters/);
  assert.equal((await join(studio, { code, name: "Bob" })).status, 303);
  const admin = await studio.withSession();
  assert.equal((await admin.form("/admin/invitations", { name: "" })).status, 400);
});

Deno.test("for anybody but an admin in a session there are no invitations", async () => {
  await using studio = await createStudio();
  const { invitation } = await createInvitation(studio.store, { createdBy: studio.owner.id, name: "Bob" });
  const member = await studio.withSession(await studio.addMember());
  const key = await studio.withKey();
  const unknown = await (await member.get("/nowhere")).text();
  const withoutId = (page: string) => page.replace(/<code>[^<]*<\/code>/, "");
  for (const path of ["/admin/invitations", `/admin/invitations/${invitation.id}/revoke`]) {
    assert.equal((await member.form(path, { name: "Eve" })).status, 404);
    assert.equal((await key.form(path, { name: "Eve" })).status, 403);
    assert.equal((await studio.fetch(path, { method: "POST" })).status, 404);
  }
  const answer = await member.get("/admin/invitations");
  assert.equal(answer.status, 404);
  assert.equal(withoutId(await answer.text()), withoutId(unknown));
  assert.equal((await key.get("/admin/invitations")).status, 403);
  const memberKey = await studio.withKey(await studio.addMember());
  assert.equal((await memberKey.get("/admin/invitations")).status, 404);
  assert.equal((await studio.fetch("/admin/invitations")).status, 404);
  assert.deepEqual(await listInvitations(studio.store), [invitation]);
});

Deno.test("another site can neither invite nor make somebody join", async () => {
  await using studio = await createStudio();
  const { code } = await createInvitation(studio.store, { createdBy: studio.owner.id, name: "Bob" });
  const foreign: HeadersInit[] = [{}, { Origin: "https://evil.example" }, { "Sec-Fetch-Site": "cross-site" }];
  for (const headers of foreign) {
    assert.equal((await join(studio, { code, name: "Bob" }, headers)).status, 403);
  }
  assert.equal((await listInvitations(studio.store)).length, 1);
});

Deno.test("who joins with a session of somebody else leaves that session", async () => {
  await using studio = await createStudio();
  const { code } = await createInvitation(studio.store, { createdBy: studio.owner.id, name: "Bob" });
  const owner = await studio.withSession();
  assert.equal((await owner.form("/join", { code, name: "Bob" })).status, 303);
  assert.equal((await owner.get("/generator")).status, 303);
});

Deno.test("guessing invitations is slowed down by address", async () => {
  await using studio = await createStudio({ signInLimit: 2 });
  const guess = () => studio.fetch("/join?code=x", {}, "203.0.113.7");
  const statuses = [await guess(), await guess(), await guess()].map(({ status }) => status);
  assert.deepEqual(statuses, [404, 404, 429]);
});
