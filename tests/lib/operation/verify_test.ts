import assert from "node:assert/strict";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { nobody } from "../../../lib/money/account.ts";
import { countKeys } from "../../../lib/store/counted_list.ts";
import { readLedger } from "../../../lib/money/ledger.ts";
import { rollupOf } from "../../../lib/statistics/rollup.ts";
import { deleteImage } from "../../../lib/images/delete_image.ts";
import { keys, lists } from "../../../lib/store/schema.ts";
import { verify, type Violation } from "../../../lib/operation/verify.ts";
import { copy, derivedDamages, recordDamages, type Scene, setScene } from "../../fixtures/damage.ts";
import { createTestStore } from "../../fixtures/store.ts";
import { readImage } from "../../../lib/images/image_store.ts";

async function violationsAfter(damage: (scene: Scene) => Promise<unknown>): Promise<Violation[]> {
  using store = await createTestStore();
  const scene = await setScene(store);
  assert.deepEqual((await verify(store, scene)).violations, []);
  await damage(scene);
  return (await verify(store, scene)).violations;
}

Deno.test("a store with prompts in every state is well, and is counted", async () => {
  using store = await createTestStore();
  assert.deepEqual(await verify(store, await setScene(store)), {
    violations: [],
    prompts: 13,
    images: 4,
    ledgerEntries: 4,
  });
});

for (const [index, [rule, damage]] of [...derivedDamages, ...recordDamages].entries()) {
  Deno.test(`planted damage ${index + 1} is found and named ${rule}`, async () => {
    const rules = (await violationsAfter(damage)).map((violation) => violation.rule);
    assert.ok(rules.includes(rule), `${rules.join(", ") || "nothing"} was found`);
  });
}

Deno.test("damage in one place is reported once, with its key and what is due", async () => {
  const found = await violationsAfter(({ store, user }) =>
    store.kv.set(countKeys(lists.images(user.id), 1)[0], new Deno.KvU64(7n))
  );
  assert.equal(found.length, 1);
  assert.match(found[0].subject, /^count images \S+ 8 0$/);
  assert.equal(found[0].detail, "7 instead of 2");
});

Deno.test("a deleted picture, numbers that were given out and a deleted account's entry are well", async () => {
  const found = await violationsAfter(async ({ store, completed, user }) => {
    const image = await readImage(store, imagesOf(completed)[1].id);
    await deleteImage(store, image!.value);
    await copy(store, keys.ledger(completed.id), keys.ledger("gone"), { promptId: "gone", userId: null });
    const spend = { costMicros: 40_000, images: 2 };
    const month = { spentMicros: 40_000, days: { "2026-11-23": spend }, models: { "stand-in": spend } };
    await store.kv.set(keys.month(nobody, "2026-11"), month);
    const [entry] = await readLedger(store, [completed.id]);
    await store.kv.set(keys.rollup(nobody, "2026-11-23", "stand-in"), rollupOf({ entry: entry!.value }));
    await copy(store, keys.account(user.id), keys.account(user.id), { promptSequence: 99 });
  });
  assert.deepEqual(found, []);
});
