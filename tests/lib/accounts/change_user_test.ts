import assert from "node:assert/strict";
import { listAudit } from "../../../lib/users/audit.ts";
import { changeUser, type UserChanges } from "../../../lib/accounts/change_user.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { ensureOwner, listUsers, readUser, type User } from "../../../lib/users/user.ts";
import { createTestStore, createTestUser, dump, type TestStore } from "../../fixtures/store.ts";

interface Scene extends Disposable {
  store: TestStore;
  people: { owner: User; otherOwner: User; admin: User; otherAdmin: User; member: User };
  change(actor: Person, subject: Person | string, changes: UserChanges): Promise<User>;
}
type Person = keyof Scene["people"];

async function setScene({ owners = 2 } = {}): Promise<Scene> {
  const store = await createTestStore();
  const people = {
    owner: await createTestUser(store, { name: "owner", role: "owner" }),
    otherOwner: await createTestUser(store, { role: owners === 2 ? "owner" : "member" }),
    admin: await createTestUser(store, { role: "admin" }),
    otherAdmin: await createTestUser(store, { role: "admin" }),
    member: await createTestUser(store),
  };
  return {
    store,
    people,
    async change(actor, subject, changes) {
      const userId = subject in people ? people[subject as Person].id : subject;
      const { value } = (await readUser(store, people[actor].id))!;
      return await changeUser(store, { actor: value, userId, changes });
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

const refusedWith = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

Deno.test("an admin changes role, access and budget of members and admins; each change is in the audit list", async () => {
  using scene = await setScene();
  const { admin, member, otherAdmin } = scene.people;
  const changed = await scene.change("admin", "member", { role: "admin", monthlyBudget: 10_500_000 });
  assert.deepEqual(changed, { ...member, role: "admin", monthlyBudgetMicros: 10_500_000 });
  await scene.change("admin", "member", { isDisabled: true });
  await scene.change("admin", "member", { isDisabled: false, monthlyBudget: "none" });
  await scene.change("admin", "member", { monthlyBudget: "default" });
  await scene.change("admin", "otherAdmin", { role: "member" });
  const after = { ...member, role: "admin", sessionsEnded: 1 };
  assert.deepEqual((await readUser(scene.store, member.id))!.value, after);
  const { entries } = await listAudit(scene.store, { limit: 10 });
  assert.ok(entries.every((entry) => entry.actorId === admin.id));
  assert.deepEqual(entries.map(({ subjectId, action, detail }) => [subjectId, action, detail]), [
    [otherAdmin.id, "role", "member"],
    [member.id, "budget", "default"],
    [member.id, "budget", "none"],
    [member.id, "enabled", null],
    [member.id, "disabled", null],
    [member.id, "budget", "10500000"],
    [member.id, "role", "admin"],
  ]);
});

Deno.test("a change that changes nothing writes nothing", async () => {
  using scene = await setScene();
  const before = await dump(scene.store);
  await scene.change("admin", "member", { role: "member", isDisabled: false, monthlyBudget: "default" });
  await scene.change("admin", "member", {});
  assert.deepEqual(await dump(scene.store), before);
});

const forbidden: [actor: Person, subject: Person, changes: UserChanges][] = [
  ["admin", "owner", { isDisabled: true }],
  ["admin", "owner", { role: "member" }],
  ["admin", "owner", { monthlyBudget: 0 }],
  ["admin", "owner", {}],
  ["admin", "member", { role: "owner" }],
  ["admin", "admin", { role: "owner" }],
  ["member", "member", { role: "admin" }],
  ["member", "otherAdmin", { isDisabled: true }],
];

for (const [actor, subject, changes] of forbidden) {
  Deno.test(`the ${actor} may not change ${subject}: ${JSON.stringify(changes)}`, async () => {
    using scene = await setScene();
    const before = await dump(scene.store);
    await assert.rejects(scene.change(actor, subject, changes), refusedWith("forbidden"));
    assert.deepEqual(await dump(scene.store), before);
  });
}

Deno.test("an owner makes and unmakes owners, but the last one stays", async () => {
  using scene = await setScene();
  await scene.change("owner", "member", { role: "owner" });
  await scene.change("owner", "otherOwner", { isDisabled: true });
  await scene.change("member", "owner", { role: "admin" });
  const before = await dump(scene.store);
  await assert.rejects(scene.change("member", "member", { role: "member" }), refusedWith("conflict"));
  await assert.rejects(scene.change("member", "member", { isDisabled: true }), refusedWith("conflict"));
  assert.deepEqual(await dump(scene.store), before);
  assert.equal((await ensureOwner(scene.store)).id, scene.people.member.id);
});

Deno.test("nobody disables themself", async () => {
  using scene = await setScene();
  await assert.rejects(scene.change("owner", "owner", { isDisabled: true }), refusedWith("conflict"));
  await assert.rejects(scene.change("admin", "admin", { isDisabled: true }), refusedWith("conflict"));
});

Deno.test("a right that was taken away meanwhile counts no more, and nobody gives it back to themself", async () => {
  using scene = await setScene();
  const { store, people: { admin } } = scene;
  const change = (changes: UserChanges) => changeUser(store, { actor: admin, userId: admin.id, changes });
  await scene.change("owner", "admin", { role: "member" });
  await assert.rejects(change({ role: "admin" }), refusedWith("forbidden"));
  await scene.change("owner", "admin", { role: "admin", isDisabled: true });
  await assert.rejects(change({ isDisabled: false }), refusedWith("not_found"));
  assert.equal((await readUser(store, admin.id))!.value.isDisabled, true);
});

Deno.test("of two owners who take each other's role at the same moment one stays", async () => {
  for (let i = 0; i < 20; i++) {
    using scene = await setScene();
    const results = await Promise.allSettled([
      scene.change("owner", "otherOwner", { role: "member" }),
      scene.change("otherOwner", "owner", { role: "member" }),
    ]);
    assert.ok(results.some(({ status }) => status === "fulfilled"));
    const owners = (await listUsers(scene.store)).filter(({ role }) => role === "owner");
    assert.equal(owners.length, 1);
  }
});

Deno.test("changes at the same moment are all kept", async () => {
  using scene = await setScene();
  const budgets = Array.from({ length: 10 }, (_, i) => i + 1);
  await Promise.all([
    ...budgets.map((monthlyBudget) => scene.change("admin", "member", { monthlyBudget })),
    scene.change("owner", "member", { role: "admin" }),
    scene.change("otherOwner", "member", { isDisabled: true }),
  ]);
  const { value } = (await readUser(scene.store, scene.people.member.id))!;
  assert.deepEqual([value.role, value.isDisabled], ["admin", true]);
  const { entries } = await listAudit(scene.store, { limit: 100 });
  assert.equal(entries.length, 12);
  assert.equal(entries.find(({ action }) => action === "budget")!.detail, String(value.monthlyBudgetMicros));
});

Deno.test("an id that names nobody is not found", async () => {
  using scene = await setScene();
  for (const id of ["", "nobody", scene.store.ids()]) {
    await assert.rejects(scene.change("owner", id, { role: "admin" }), refusedWith("not_found"));
  }
});

Deno.test("the audit list is paged, newest first, and a page begins where the one before ended", async () => {
  using scene = await setScene();
  for (let i = 1; i <= 7; i++) await scene.change("admin", "member", { monthlyBudget: i });
  const details: (string | null)[] = [];
  let before: string | undefined;
  for (let page = 0; page < 3; page++) {
    const { entries, next } = await listAudit(scene.store, { limit: 3, before });
    details.push(...entries.map(({ detail }) => detail));
    before = next ?? undefined;
    assert.equal(next === null, page === 2);
  }
  assert.deepEqual(details, ["7", "6", "5", "4", "3", "2", "1"]);
});
