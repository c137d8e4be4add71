import assert from "node:assert/strict";
import { Refusal } from "../../../lib/refusal.ts";
import {
  createInvitation,
  findInvitation,
  invitationLifeMs,
  listInvitations,
  redeemInvitation,
  revokeInvitation,
} from "../../../lib/identity/invitation.ts";
import { keys } from "../../../lib/store/schema.ts";
import { readUser } from "../../../lib/users/user.ts";
import { createTestStore, createTestUser, dump } from "../../fixtures/store.ts";

Deno.test("an invitation makes one member, also when it is used twenty times at the same moment", async () => {
  using store = await createTestStore();
  const createdBy = (await createTestUser(store, { role: "owner" })).id;
  const { code } = await createInvitation(store, { createdBy, name: "Bob" });
  const uses = await Promise.all(
    Array.from({ length: 20 }, (_, i) => redeemInvitation(store, { code, name: `Bob ${i}` })),
  );
  const [member, ...others] = uses.filter((user) => user !== null);
  assert.deepEqual(others, []);
  assert.deepEqual((await readUser(store, member.id))?.value, member);
  assert.deepEqual([member.role, member.email, member.isDisabled], ["member", null, false]);
  assert.deepEqual([await findInvitation(store, code), await listInvitations(store)], [null, []]);
});

Deno.test("an invitation is good for seven days", async () => {
  using store = await createTestStore();
  const createdBy = (await createTestUser(store, { role: "owner" })).id;
  const { code: early } = await createInvitation(store, { createdBy, name: "Ada" });
  const { code: late } = await createInvitation(store, { createdBy, name: "Bob" });
  store.clock.advance(invitationLifeMs - 1);
  assert.ok(await redeemInvitation(store, { code: early, name: "Ada" }));
  store.clock.advance(1);
  assert.equal(await findInvitation(store, late), null);
  assert.equal(await redeemInvitation(store, { code: late, name: "Bob" }), null);
  assert.deepEqual(await listInvitations(store), []);
});

Deno.test("a revoked invitation opens nothing; the others stay", async () => {
  using store = await createTestStore();
  const createdBy = (await createTestUser(store, { role: "owner" })).id;
  const first = await createInvitation(store, { createdBy, name: "Ada" });
  const second = await createInvitation(store, { createdBy, name: "Bob" });
  await revokeInvitation(store, { invitationId: first.invitation.id, actorId: "owner" });
  assert.equal(await redeemInvitation(store, { code: first.code, name: "Ada" }), null);
  assert.deepEqual(await listInvitations(store), [second.invitation]);
  await assert.rejects(revokeInvitation(store, { invitationId: first.invitation.id, actorId: "owner" }), {
    code: "not_found",
  });
  await assert.rejects(revokeInvitation(store, { invitationId: "constructor", actorId: "owner" }), Refusal);
});

for (const change of [{ isDisabled: true }, { role: "member" }, null] as const) {
  Deno.test(`an invitation from an admin who is ${JSON.stringify(change)} by now is not open`, async () => {
    using store = await createTestStore();
    const admin = await createTestUser(store, { role: "admin" });
    const { code, invitation } = await createInvitation(store, { createdBy: admin.id, name: "Bob" });
    assert.deepEqual(await listInvitations(store), [invitation]);
    if (change === null) await store.kv.delete(keys.user(admin.id));
    else await store.kv.set(keys.user(admin.id), { ...admin, ...change });
    assert.deepEqual([await findInvitation(store, code), await listInvitations(store)], [null, []]);
    assert.equal(await redeemInvitation(store, { code, name: "Bob" }), null);
  });
}

Deno.test("a code that was never made opens nothing, and a refused name uses nothing up", async () => {
  using store = await createTestStore();
  const createdBy = (await createTestUser(store, { role: "owner" })).id;
  const { code } = await createInvitation(store, { createdBy, name: "Ada" });
  for (const wrong of ["", "x", "a".repeat(43)]) {
    assert.equal(await redeemInvitation(store, { code: wrong, name: "Ada" }), null);
  }
  for (const name of ["", "  ", "a".repeat(101), "a\u0000b", "a\nb"]) {
    await assert.rejects(redeemInvitation(store, { code, name }), { code: "invalid_request", field: "name" });
    await assert.rejects(createInvitation(store, { createdBy, name }), { code: "invalid_request" });
  }
  assert.ok(await redeemInvitation(store, { code, name: " Ada " }));
});

Deno.test("the code itself is stored nowhere", async () => {
  using store = await createTestStore();
  const createdBy = (await createTestUser(store, { role: "owner" })).id;
  const { code } = await createInvitation(store, { createdBy, name: "Ada" });
  const stored = JSON.stringify(await dump(store));
  assert.ok(stored.includes("Ada") && !stored.includes(code));
});
