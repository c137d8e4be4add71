import assert from "node:assert/strict";
import { addPrice, followAddedPrices, loadAddedPrices } from "../../../lib/catalog/add_price.ts";
import { correctCharge, listUnknownCharges } from "../../../lib/accounts/correct_charge.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { readAccount, readMonth } from "../../../lib/money/ledger.ts";
import { createPriceBook } from "../../../lib/catalog/price_book.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { createTestModels, createTestStore } from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const code = (expected: string) => (error: unknown) => error instanceof Refusal && error.code === expected;

Deno.test("a charge in doubt is put right once, in the month it counts in, and the entry stays", async () => {
  let at = Date.parse("2026-10-20T12:00:00Z");
  const standIn = createStandIn();
  standIn.scripts.push(failWith(new ProviderFailure("outcome_unknown", "lost", { outcome: "unknown" })));
  await using studio = await createStudio({ standIn, now: () => at });
  const { store, owner } = studio;
  const program = await studio.withKey();
  const promptId = await submit(program);
  assert.equal((await finished(program, promptId)).costMicros, 20_000);
  const [open] = await listUnknownCharges(store, { limit: 10 });
  assert.deepEqual([open.promptId, open.costMicros], [promptId, 20_000]);

  at = Date.parse("2026-11-25T12:00:00Z");
  const correct = () =>
    correctCharge(store, { promptId, billedMicros: 12_500, by: owner.id, note: "invoice 7" });
  const [first, second] = await Promise.allSettled([correct(), correct()]);
  assert.deepEqual([first.status, second.status].toSorted(), ["fulfilled", "rejected"]);
  const prompt = await read(program, promptId);
  assert.deepEqual([prompt.status, prompt.costMicros, prompt.ledger.basis], ["FAILED", 12_500, "reported"]);
  assert.equal((await readAccount(store, owner.id)).chargedMicros, 12_500);
  assert.equal((await readMonth(store, { userId: owner.id, month: "2026-10" })).spentMicros, 12_500);
  assert.equal((await readMonth(store, { userId: owner.id, month: "2026-11" })).spentMicros, 0);
  assert.deepEqual(await listUnknownCharges(store, { limit: 10 }), []);
  assert.deepEqual((await verify(store, studio)).violations, []);
  const page = await (await (await studio.withSession()).get("/prompts")).text();
  assert.match(
    page,
    /<summary>\$0\.0125<\/summary><p>What the provider billed, as looked up there\.<\/p>.*invoice 7/,
  );
});

Deno.test("only a charge in doubt can be put right", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const promptId = await submit(program);
  await finished(program, promptId);
  const change = { billedMicros: 0, by: studio.owner.id, note: "" };
  await assert.rejects(correctCharge(studio.store, { promptId, ...change }), code("conflict"));
  await assert.rejects(correctCharge(studio.store, { promptId: "none", ...change }), code("not_found"));
});

Deno.test("a price counts from its day on, for new prompts only, and also after a restart", async () => {
  using store = await createTestStore();
  const models = createTestModels(store.now);
  const prices = createPriceBook(createStandIn().prices);
  const add = (changes: object) =>
    addPrice({ store, models, prices }, {
      model: "stand-in",
      size: "*",
      costMicros: 30_000,
      validFrom: "2026-11-24",
      by: "admin",
      ...changes,
    });
  const row = await add({});
  assert.deepEqual([row.provider, row.quality, row.addedAt], ["stand-in", "standard", store.now()]);
  const priceOn = (book: typeof prices, day: string) =>
    book.price({ model: "stand-in", size: "512x512", at: Date.parse(day) })?.costMicros;
  assert.deepEqual([priceOn(prices, "2026-11-23"), priceOn(prices, "2026-11-24")], [20_000, 30_000]);
  const again = createPriceBook(createStandIn().prices);
  await loadAddedPrices(store, again);
  assert.deepEqual(again.rows(), prices.rows());
  await assert.rejects(add({}), code("conflict"));
  await assert.rejects(add({ validFrom: "2026-11-22" }), code("invalid_request"));
  await assert.rejects(add({ validFrom: "soon" }), code("invalid_request"));
  await assert.rejects(add({ size: "1x1" }), code("invalid_request"));
  await assert.rejects(add({ model: "none" }), code("invalid_model"));
});

Deno.test("a price that one node adds counts on the others too, once", async () => {
  using store = await createTestStore();
  const elsewhere = createPriceBook(createStandIn().prices);
  const ending = new AbortController();
  const following = followAddedPrices(store, { prices: elsewhere, log: () => {}, signal: ending.signal });
  const prices = createPriceBook(createStandIn().prices);
  const add = (size: string) =>
    addPrice({ store, models: createTestModels(store.now), prices }, {
      model: "stand-in",
      size,
      costMicros: 30_000,
      validFrom: "2026-11-24",
      by: "admin",
    });
  await add("*");
  await until(() => elsewhere.rows().length, (count) => count === 2);
  await add("512x512");
  await until(() => elsewhere.rows().length, (count) => count === 3);
  assert.deepEqual(elsewhere.rows(), prices.rows());
  ending.abort();
  await following;
});
