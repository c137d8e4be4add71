import assert from "node:assert/strict";
import { countHooks, mostCounted } from "../../../lib/hooks/count_hooks.ts";
import { keptMs } from "../../../lib/hooks/delivery.ts";
import { writeDelivery } from "../../../lib/hooks/delivery_store.ts";
import { createHook, noteHook } from "../../../lib/hooks/hook_store.ts";
import { createSeal } from "../../../lib/seal.ts";
import { keys } from "../../../lib/store/schema.ts";
import { commit } from "../../../lib/store/store.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";

const dayMs = 24 * 3600 * 1000;

function addHook({ store }: Studio, userId: string) {
  const deps = { store, seal: createSeal({ secret: "x".repeat(32), purpose: "webhooks" }), allowed: [] };
  return createHook(deps, {
    userId,
    url: "https://example.com/secret-place",
    events: ["prompt.failed"],
    includeText: false,
  });
}

async function addDelivery(
  { store }: Studio,
  { userId, hookId, state, ago = 0 }: {
    userId: string;
    hookId: string;
    state: "WAITING" | "FAILED" | "DELIVERED";
    ago?: number;
  },
): Promise<void> {
  const at = store.now() - ago;
  const id = `${at.toString(16).padStart(12, "0").replace(/^(.{8})/, "$1-")}${store.ids().slice(13)}`;
  const dueAt = state === "WAITING" ? at + dayMs : null;
  const facts = { userId, hookId, id, type: "prompt.failed", at, data: {}, attempts: [] } as const;
  const after = { ...facts, attempts: [], state, dueAt, earlierAttempts: 0, endsAt: at + keptMs };
  const atomic = store.kv.atomic();
  writeDelivery(atomic, { before: null, after, now: store.now() });
  assert.ok(await commit(atomic));
}

Deno.test("webhooks are counted: all, switched off, failing, with what waits and what was given up in a week", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { store, owner } = studio;
  const none = { hooks: 0, switchedOff: 0, failing: 0, waiting: 0, givenUp: 0 };
  assert.deepEqual(await countHooks(store), none);
  const member = await studio.addMember();
  const [one, off, failing] = await Promise.all(
    [owner.id, owner.id, member.id].map(async (userId) => (await addHook(studio, userId)).hook),
  );
  await noteHook(store, { userId: owner.id, hookId: off.id }, (hook) => ({ ...hook, state: "OFF" }));
  await noteHook(
    store,
    { userId: member.id, hookId: failing.id },
    (hook) => ({ ...hook, failingSince: store.now() }),
  );
  const name = { userId: owner.id, hookId: one.id };
  for (const state of ["WAITING", "WAITING", "FAILED", "DELIVERED"] as const) {
    await addDelivery(studio, { ...name, state });
  }
  await addDelivery(studio, { userId: member.id, hookId: failing.id, state: "FAILED", ago: 6 * dayMs });
  await addDelivery(studio, { userId: member.id, hookId: failing.id, state: "FAILED", ago: 8 * dayMs });
  // What happened and is no delivery yet.
  await store.kv.set(keys.hookEvent(owner.id, "prompt.failed", "prompt"), {});
  assert.deepEqual(await countHooks(store), {
    hooks: 3,
    switchedOff: 1,
    failing: 1,
    waiting: 3,
    givenUp: 2,
  });
  assert.ok(mostCounted >= 10_000);
});

Deno.test("admins read the numbers on the page of the queue, and nothing of whose they are or where they lead", async () => {
  await using studio = await createStudio({ isWorking: false });
  const member = await studio.addMember({ name: "Zenobia" });
  const { hook } = await addHook(studio, member.id);
  await addDelivery(studio, { userId: member.id, hookId: hook.id, state: "WAITING" });
  const page = await (await (await studio.withSession()).get("/admin/queue")).text();
  assert.match(page, /1 webhook<\/h2>/);
  assert.match(page, /0 switched off/);
  assert.match(page, /1 delivery waiting/);
  assert.doesNotMatch(page, /secret-place|example\.com|Zenobia/);
  assert.equal((await (await studio.withSession(member)).get("/admin/queue")).status, 404);
});
