import assert from "node:assert/strict";
import { readUser, type User } from "../../../lib/users/user.ts";
import { submit } from "../../fixtures/prompts.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

const textOf = async (answer: Response) => (await answer.text()).replace(/\s+/g, " ");

const patch = (client: Client, studio: Studio, path: string, body: unknown) =>
  studio.fetch(path, {
    method: "PATCH",
    body: JSON.stringify(body),
    headers: {
      ...client.credential.startsWith("dk_")
        ? { Authorization: `Bearer ${client.credential}` }
        : { Cookie: client.credential, Origin: studio.deps.publicUrl },
      "Content-Type": "application/json",
    },
  });

async function setScene(options: Parameters<typeof createStudio>[0] = {}) {
  const studio = await createStudio(options);
  const adminUser = await studio.addMember({ name: "Grace", role: "admin" });
  const memberUser = await studio.addMember({ name: "Ada", email: "ada@example.com" });
  return {
    studio,
    adminUser,
    memberUser,
    owner: await studio.withSession(),
    admin: await studio.withSession(adminUser),
    member: await studio.withSession(memberUser),
    [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose](),
  };
}

const stored = async (studio: Studio, { id }: User) => (await readUser(studio.store, id))!.value;

Deno.test("for anybody but admins the administration is the same 404 as a path that does not exist", async () => {
  await using scene = await setScene();
  const { studio, member, memberUser } = scene;
  const program = await studio.withKey(memberUser);
  const ask = (path: string) => [member.get(path), program.get(path), studio.fetch(path)];
  const plain = async (answer: Response) => {
    const text = (await answer.text()).replaceAll(answer.headers.get("X-Request-Id")!, "…");
    return [answer.status, text.replaceAll(/nothing-there|debug\/users|users|admin\/audit|admin/g, "…")];
  };
  for (
    const [path, missing] of [
      ["/api/v1/debug/users", "/api/v1/nothing-there"],
      ["/api/v1/users", "/api/v1/nothing-there"],
      ["/admin", "/nothing-there"],
      ["/admin/audit", "/nothing-there"],
    ]
  ) {
    const [answers, plains] = await Promise.all([Promise.all(ask(path)), Promise.all(ask(missing))]);
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.status, 404, path);
      assert.deepEqual(await plain(answer), await plain(plains[i]), path);
    }
  }
  const { id } = memberUser;
  assert.equal((await patch(member, studio, `/api/v1/users/${id}`, { role: "admin" })).status, 404);
  assert.equal((await patch(program, studio, `/api/v1/users/${id}`, { role: "admin" })).status, 404);
  for (const verb of ["", "/disable", "/enable"]) {
    const answer = await member.form(`/admin/users/${id}${verb}`, { role: "admin", monthlyBudget: "" });
    assert.equal(answer.status, 404);
  }
  assert.equal((await stored(studio, memberUser)).role, "member");
  assert.doesNotMatch(await (await member.get("/generator")).text(), /href="\/admin"/);
});

Deno.test("admins and owners see all users with budget, spend and when they were here", async () => {
  const now = Date.parse("2026-11-23T12:00:30Z");
  await using scene = await setScene({ monthlyBudgetMicros: 5_000_000, now: () => now });
  const { studio, memberUser } = scene;
  const program = await studio.withKey(memberUser);
  const made = await program.post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512" });
  assert.equal(made.status, 200);
  for (const client of [scene.owner, scene.admin, await studio.withKey(scene.adminUser, "read")]) {
    for (const path of ["/api/v1/users", "/api/v1/debug/users"]) {
      const answer = await client.get(path);
      assert.equal(answer.status, 200);
      const { success, users, pagination } = await answer.json();
      assert.deepEqual([success, pagination], [true, { limit: 50, offset: 0, total: 3, next: null }]);
      assert.deepEqual(users.map(({ name }: User) => name), ["Owner", "Grace", "Ada"]);
      assert.deepEqual(users[2], {
        id: memberUser.id,
        name: "Ada",
        email: "ada@example.com",
        role: "member",
        disabled: false,
        moderator: false,
        mayPublish: true,
        monthlyBudget: 5,
        isDefaultBudget: true,
        spent: 0.02,
        spentMicros: 20_000,
        held: 0,
        heldMicros: 0,
        createdAt: "2026-11-23T12:00:30.000Z",
        lastSeenAt: "2026-11-23T12:00:30.000Z",
      });
    }
  }
  const page = await textOf(await scene.admin.get("/admin"));
  assert.match(page, /Ada<span class="muted address">ada@example.com<\/span>.*member.*\$0\.02.*\$5\.00/);
});

Deno.test("users come in pages", async () => {
  await using scene = await setScene();
  const { admin } = scene;
  const first = await (await admin.get("/api/v1/users?limit=2")).json();
  assert.deepEqual(first.users.map(({ name }: User) => name), ["Owner", "Grace"]);
  const second = await (await admin.get(`/api/v1/users?limit=2&cursor=${first.pagination.next}`)).json();
  assert.deepEqual(second.users.map(({ name }: User) => name), ["Ada"]);
  assert.deepEqual(second.pagination, { limit: 2, offset: 2, total: 3, next: null });
  assert.equal((await admin.get("/api/v1/users?limit=0")).status, 400);
});

Deno.test("PATCH changes what it names, from a session only", async () => {
  await using scene = await setScene({ monthlyBudgetMicros: 5_000_000 });
  const { studio, admin, adminUser, memberUser } = scene;
  const path = `/api/v1/users/${memberUser.id}`;
  const answer = await patch(admin, studio, path, { role: "admin", disabled: true, monthlyBudget: 10 });
  assert.equal(answer.status, 200);
  const { user } = await answer.json();
  assert.deepEqual([user.role, user.disabled, user.monthlyBudget, user.isDefaultBudget], [
    "admin",
    true,
    10,
    false,
  ]);
  await patch(admin, studio, path, { monthlyBudget: null });
  const after = await stored(studio, memberUser);
  assert.deepEqual([after.role, after.isDisabled, after.monthlyBudgetMicros], ["admin", true, null]);
  const back = await (await patch(admin, studio, path, { monthlyBudget: "default" })).json();
  assert.deepEqual([back.user.monthlyBudget, back.user.isDefaultBudget], [5, true]);
  const program = await studio.withKey(adminUser);
  const refused = await patch(program, studio, path, { role: "member" });
  assert.deepEqual([refused.status, (await refused.json()).error.code], [403, "forbidden"]);
});

Deno.test("PATCH refuses what it does not know, by name, and changes nothing", async () => {
  await using scene = await setScene();
  const { studio, admin, memberUser, owner } = scene;
  const path = `/api/v1/users/${memberUser.id}`;
  const cases: [body: unknown, message: RegExp][] = [
    [{ role: "king" }, /role must be owner, admin or member/],
    [{ disabled: "yes" }, /disabled must be true or false/],
    [{ monthlyBudget: -1 }, /monthlyBudget must be an amount/],
    [{ monthlyBudget: "10" }, /monthlyBudget must be an amount/],
    [{ monthlyBudget: 1e12 }, /monthlyBudget must be an amount/],
    [{ monthlyBudget: 0.0000001 }, /monthlyBudget must be an amount/],
    [{ role: "admin", name: "x" }, /Unknown field: name/],
    [JSON.parse('{"__proto__": {"role": "admin"}}'), /Unknown field|must be a JSON object/],
    [[], /must be a JSON object/],
    ["x", /must be a JSON object/],
  ];
  for (const [body, message] of cases) {
    const answer = await patch(admin, studio, path, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match((await answer.json()).error.message, message);
  }
  assert.deepEqual(await stored(studio, memberUser), memberUser);
  const promotion = await patch(admin, studio, path, { role: "owner" });
  assert.equal(promotion.status, 403);
  assert.equal((await patch(admin, studio, `/api/v1/users/${studio.owner.id}`, {})).status, 403);
  assert.equal(
    (await patch(owner, studio, `/api/v1/users/${studio.owner.id}`, { role: "member" })).status,
    409,
  );
  assert.equal((await patch(owner, studio, `/api/v1/users/${studio.store.ids()}`, {})).status, 404);
});

Deno.test("disabling takes effect on the next request and ends open streams", async () => {
  await using scene = await setScene();
  const { studio, admin, member, memberUser } = scene;
  const program = await studio.withKey(memberUser);
  const streams = [
    readEventStream(await member.get("/events")),
    readEventStream(await program.get("/api/v1/events")),
  ];
  assert.equal((await admin.form(`/admin/users/${memberUser.id}/disable`, {})).status, 303);
  for (const stream of streams) await stream.ended();
  assert.equal((await member.get("/generator")).status, 303);
  assert.equal((await program.get("/api/v1/me")).status, 401);
  assert.match(await textOf(await admin.get("/admin")), /data-disabled.*Enable/);
});

Deno.test("who is enabled again signs in again, and their keys work again", async () => {
  await using scene = await setScene();
  const { studio, admin, member, memberUser } = scene;
  const program = await studio.withKey(memberUser);
  const { token } = await (await member.post("/api/v1/auth/token", {})).json();
  const bearer = { headers: { Authorization: `Bearer ${token}` } };
  assert.equal((await studio.fetch("/api/v1/me", bearer)).status, 200);
  await admin.form(`/admin/users/${memberUser.id}/disable`, {});
  await patch(scene.owner, studio, `/api/v1/users/${memberUser.id}`, { disabled: true });
  await admin.form(`/admin/users/${memberUser.id}/enable`, {});
  assert.equal((await member.get("/generator")).status, 303);
  assert.equal((await studio.fetch("/api/v1/me", bearer)).status, 401);
  assert.equal((await program.get("/api/v1/me")).status, 200);
  const again = await studio.withSession(memberUser);
  assert.equal((await again.get("/generator")).status, 200);
  const profile = await (await again.get("/profile")).text();
  assert.equal(profile.match(/\/profile\/sessions\/[^/]+\/end"/g), null, "only the one in use is listed");
});

Deno.test("an admin who is made a member is none on the next request", async () => {
  await using scene = await setScene();
  assert.equal((await scene.admin.get("/admin")).status, 200);
  await scene.owner.form(`/admin/users/${scene.adminUser.id}`, { role: "member", monthlyBudget: "" });
  assert.equal((await scene.admin.get("/admin")).status, 404);
});

Deno.test("a budget set by an admin holds for the user's next request", async () => {
  await using scene = await setScene();
  const { studio, admin, memberUser } = scene;
  const path = `/admin/users/${memberUser.id}`;
  for (
    const [text, micros] of [["$0.03", 30_000], ["12.50", 12_500_000], ["None", null], [
      "",
      undefined,
    ]] as const
  ) {
    assert.equal((await admin.form(path, { role: "member", monthlyBudget: text })).status, 303);
    assert.equal((await stored(studio, memberUser)).monthlyBudgetMicros, micros, text);
  }
  for (const wrong of ["ten", "-1", "1e9", "0.0000001", "1,5"]) {
    const answer = await admin.form(path, { role: "member", monthlyBudget: wrong });
    assert.equal(answer.status, 400, wrong);
    assert.match(await answer.text(), /role="alert">A budget is an amount/);
  }
  await admin.form(path, { role: "member", monthlyBudget: "0.03" });
  const program = await studio.withKey(memberUser);
  await submit(program);
  const second = await program.post("/api/v1/images/generate", { prompt: "sea" });
  assert.deepEqual([second.status, (await second.json()).error.code], [402, "budget_exceeded"]);
});

Deno.test("what would lock people out is refused with words, on the page", async () => {
  await using scene = await setScene();
  const { studio, owner, admin } = scene;
  const path = `/admin/users/${studio.owner.id}`;
  const demoted = await owner.form(path, { role: "member", monthlyBudget: "" });
  assert.equal(demoted.status, 409);
  assert.match(await demoted.text(), /This is the last owner/);
  const disabled = await admin.form(`${path}/disable`, {});
  assert.equal(disabled.status, 403);
  assert.match(await disabled.text(), /Only an owner can change an owner/);
  assert.equal((await owner.get("/admin")).status, 200);
  const page = await (await admin.get("/admin")).text();
  assert.ok(!page.includes(`/admin/users/${studio.owner.id}`));
});

Deno.test("the audit list says who changed what, in pages, and names are text", async () => {
  await using scene = await setScene();
  const { studio, admin, owner, adminUser, memberUser } = scene;
  await admin.form("/profile", { name: "<i>Grace</i>" });
  await owner.form(`/admin/users/${memberUser.id}`, { role: "admin", monthlyBudget: "7" });
  await admin.form(`/admin/users/${memberUser.id}/disable`, {});
  const page = await textOf(await admin.get("/admin/audit"));
  assert.match(page, /Ada.*was disabled.*&lt;i&gt;Grace.*Ada.*has a budget of \$7\.00 a month.*Owner/);
  assert.doesNotMatch(page, /<i>/);
  for (let i = 0; i < 50; i++) {
    await patch(owner, studio, `/api/v1/users/${adminUser.id}`, { monthlyBudget: i });
  }
  const first = await (await admin.get("/admin/audit")).text();
  const next = /href="(\/admin\/audit\?before=[^"]+)"/.exec(first)![1];
  const second = await (await admin.get(next)).text();
  const actions = (text: string) => [...text.matchAll(/data-action="(\w+)"/g)].map(([, action]) => action);
  assert.deepEqual([actions(first).length, actions(second)], [50, ["disabled", "budget", "role"]]);
  assert.equal((await admin.get("/admin/audit?before=x")).status, 400);
});

Deno.test("another user's pictures and prompts are not there for admins either", async () => {
  await using scene = await setScene();
  const { studio, admin, memberUser } = scene;
  const program = await studio.withKey(memberUser);
  const made = await program.post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512" });
  const { promptId, images: [{ id }] } = await made.json();
  for (
    const path of [
      `/api/v1/prompts/${promptId}`,
      `/api/v1/prompts/${promptId}/events`,
      `/api/v1/images/${id}`,
      `/api/v1/images/${id}/file`,
      `/images/${id}`,
    ]
  ) {
    assert.equal((await admin.get(path)).status, 404, path);
  }
});
