import assert from "node:assert/strict";
import { startDeletions } from "../../fixtures/deletions.ts";
import { signInWithProfile } from "../../../lib/identity/identity.ts";
import { readBudget } from "../../../lib/money/budget.ts";
import type { Refusal } from "../../../lib/refusal.ts";
import { keys } from "../../../lib/store/schema.ts";
import type { User } from "../../../lib/users/user.ts";
import { standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestModels,
  createTestStore,
  dump,
  type TestStore,
} from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const limitMicros = 4 * price;
const ada = {
  issuer: "https://id.example",
  subject: "ada-at-the-provider",
  email: null,
  name: "Ada",
  picture: null,
};
const policy = { adminEmails: [], allowedDomains: [] };

const signIn = (store: TestStore, profile = ada) => signInWithProfile(store, { profile, policy });
const accept = (store: TestStore, user: User) =>
  acceptPrompt(store, user, { defaultBudgetMicros: limitMicros });
const leftFor = async (store: TestStore, user: User) =>
  (await readBudget(store, { user, defaultMicros: limitMicros })).remainingMicros;

async function leave(store: TestStore, user: User): Promise<void> {
  const deletions = startDeletions({
    store,
    models: createTestModels(store.now),
    blobs: { delete: () => Promise.resolve(), isHolding: () => false },
    log: () => {},
    retryMs: 5,
  });
  await deletions.request(user.id);
  await until(
    () => store.kv.get<{ finishedAt: number | null }>(keys.deletion(user.id)),
    ({ value }) => value?.finishedAt !== null,
  );
  await deletions.stop();
}

Deno.test("whoever deletes an account and comes back has what is left of the month's budget", async () => {
  using store = await createTestStore();
  const first = await signIn(store);
  await completePrompt(store, first);
  await accept(store, first);
  assert.equal(await leftFor(store, first), limitMicros - 2 * price);
  await leave(store, first);

  const second = await signIn(store);
  assert.notEqual(second.id, first.id);
  assert.equal(await leftFor(store, second), limitMicros - 2 * price);
  await completePrompt(store, second);
  await leave(store, second);

  const third = await signIn(store);
  assert.equal(await leftFor(store, third), limitMicros - 3 * price);
  await accept(store, third);
  await assert.rejects(accept(store, third), ({ code }: Refusal) => code === "budget_exceeded");
  assert.equal(await leftFor(store, await signIn(store, { ...ada, subject: "bob" })), limitMicros);
});

Deno.test("the next month begins afresh, and nothing that names somebody was kept for it", async () => {
  using store = await createTestStore();
  const first = await signIn(store);
  await completePrompt(store, first);
  await leave(store, first);
  const kept = Object.entries(await dump(store)).filter(([key]) => !/^(audit|deletion)/.test(key));
  assert.ok(kept.some(([key]) => key.startsWith("deleted_account_spend")));
  const text = JSON.stringify(kept, (_, value) => typeof value === "bigint" ? "n" : value);
  for (const trace of [ada.subject, ada.issuer, first.id]) assert.ok(!text.includes(trace), trace);
  store.clock.advance(31 * 24 * 3600 * 1000);
  assert.equal(await leftFor(store, await signIn(store)), limitMicros);
});

Deno.test("who comes back twice at the same moment is one account, with one budget", async () => {
  using store = await createTestStore();
  const first = await signIn(store);
  await completePrompt(store, first);
  await leave(store, first);
  const again = await Promise.all([signIn(store), signIn(store), signIn(store)]);
  assert.equal(new Set(again.map(({ id }) => id)).size, 1);
  assert.equal(await leftFor(store, again[2]), limitMicros - price);
});
