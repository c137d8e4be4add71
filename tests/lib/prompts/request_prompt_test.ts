import assert from "node:assert/strict";
import { Refusal } from "../../../lib/refusal.ts";
import { readAccount } from "../../../lib/money/ledger.ts";
import { listPrompts } from "../../../lib/prompts/prompt_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  acceptPrompt,
  createTestStore,
  createTestUser,
  dump,
  endlessRoom,
  silentDoorbell,
} from "../../fixtures/store.ts";
import { createModels } from "../../../lib/catalog/models.ts";
import { createPriceBook } from "../../../lib/catalog/price_book.ts";
import { quoteOf } from "../../../lib/prompts/quote.ts";
import { requestPrompt } from "../../../lib/prompts/request_prompt.ts";
import { createStandIn, standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";

const refused = (code: string) => (error: unknown) => {
  assert.ok(error instanceof Refusal);
  assert.equal(error.code, code);
  return true;
};

Deno.test("of fifty requests at once, a budget for seven lets exactly seven through", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store, { monthlyBudgetMicros: 7 * price + price / 2 });
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => acceptPrompt(store, user)));
  const refusals = results.filter((result) => result.status === "rejected");
  assert.equal(refusals.length, 43);
  for (const { reason } of refusals) {
    assert.ok(refused("budget_exceeded")(reason));
    assert.equal(reason.remainingMicros, price / 2);
  }
  assert.equal((await readAccount(store, user.id)).heldMicros, 7 * price);
  assert.equal((await listPrompts(store, { userId: user.id, limit: 100 })).total, 7);
  assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []);
});

Deno.test("the same holds where nothing takes turns within the process", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store, { monthlyBudgetMicros: 3 * price });
  const locks = { hold: <T>(_: string, work: () => Promise<T>) => work() };
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, () => acceptPrompt({ ...store, locks }, user)),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 3);
  assert.equal((await readAccount(store, user.id)).heldMicros, 3 * price);
});

Deno.test("a refused request leaves nothing behind", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store, { monthlyBudgetMicros: price });
  const before = await dump(store);
  const idempotency = { key: "k", body: {} };
  await assert.rejects(
    acceptPrompt(store, user, { request: { count: 2 }, idempotency }),
    refused("budget_exceeded"),
  );
  assert.deepEqual(await dump(store), before);
});

Deno.test("what costs more than was shown is refused with its price, and nothing happens", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const before = await dump(store);
  await assert.rejects(
    acceptPrompt(store, user, { request: { count: 3 }, atMostMicros: 3 * price - 1 }),
    (error) => refused("conflict")(error) && (error as Refusal).costMicros === 3 * price,
  );
  assert.deepEqual(await dump(store), before);
  const { prompt } = await acceptPrompt(store, user, { request: { count: 3 }, atMostMicros: 3 * price });
  assert.equal(prompt.value.holdMicros, 3 * price);
});

Deno.test("a price that is added after the quote changes neither what is held nor what is charged", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const { provider, prices: [row] } = createStandIn();
  const prices = createPriceBook([row]);
  const models = createModels({ providers: [provider], prices, defaultModel: undefined, now: store.now });
  const quote = quoteOf(models, {
    model: models.choose("stand-in"),
    request: {
      taskType: "TEXT_TO_IMAGE",
      text: "a quiet harbour",
      model: "stand-in",
      imageSize: "512x512",
      count: 1,
      watermark: null,
      options: {},
    },
  });
  prices.add({ ...row, costMicros: 10 * price, validFrom: "2026-11-23", by: user.id, addedAt: store.now() });
  const readiness = { demand: () => Promise.resolve(), failures: () => Promise.resolve([]) };
  const { prompt } = await requestPrompt({
    store,
    doorbell: silentDoorbell,
    readiness,
    room: endlessRoom,
    defaultBudgetMicros: null,
  }, { user, quote, atMostMicros: price });
  assert.deepEqual([prompt.value.holdMicros, prompt.value.priceRow?.costMicros], [price, price]);
  assert.equal(models.quote(prompt.value.request), 10 * price);
});

Deno.test("a user's own budget counts before the server's, and none means no limit", async () => {
  using store = await createTestStore();
  const [own, unlimited, other] = await Promise.all([
    createTestUser(store, { monthlyBudgetMicros: 2 * price }),
    createTestUser(store, { monthlyBudgetMicros: null }),
    createTestUser(store),
  ]);
  const options = { request: { count: 2 }, defaultBudgetMicros: price };
  await acceptPrompt(store, own, options);
  await acceptPrompt(store, unlimited, options);
  await assert.rejects(acceptPrompt(store, other, options), refused("budget_exceeded"));
});

Deno.test("one key at the same moment makes one prompt", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const idempotency = { key: "k", body: { prompt: "a", count: 1 } };
  const all = await Promise.all(Array.from({ length: 20 }, () => acceptPrompt(store, user, { idempotency })));
  assert.equal(new Set(all.map(({ prompt }) => prompt.value.id)).size, 1);
  assert.equal(all.filter(({ isReplay }) => !isReplay).length, 1);
  assert.equal((await readAccount(store, user.id)).heldMicros, price);
});

Deno.test("a key stands for its body, in any order of fields, for 24 hours, and for one user", async () => {
  using store = await createTestStore();
  const [ada, bob] = [await createTestUser(store), await createTestUser(store)];
  const ask = (user: typeof ada, body: unknown) =>
    acceptPrompt(store, user, { idempotency: { key: "k", body } });
  const first = await ask(ada, { prompt: "a", options: { seed: 1, steps: 2 } });
  const again = await ask(ada, { options: { steps: 2, seed: 1 }, prompt: "a" });
  assert.deepEqual([again.prompt.value.id, again.isReplay], [first.prompt.value.id, true]);
  await assert.rejects(ask(ada, { prompt: "b" }), refused("idempotency_mismatch"));
  assert.equal((await ask(bob, { prompt: "b" })).isReplay, false);
  store.clock.advance(24 * 3600 * 1000 - 1);
  assert.equal((await ask(ada, { prompt: "a", options: { seed: 1, steps: 2 } })).isReplay, true);
  store.clock.advance(1);
  assert.equal((await ask(ada, { prompt: "b" })).isReplay, false);
});

Deno.test("a replay is answered even when the budget is used up", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store, { monthlyBudgetMicros: price });
  const idempotency = { key: "k", body: {} };
  await acceptPrompt(store, user, { idempotency });
  assert.equal((await acceptPrompt(store, user, { idempotency })).isReplay, true);
});

Deno.test("the bell rings in the commit that accepts, or not at all", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const failing = {
    ...silentDoorbell,
    ring: (atomic: Deno.AtomicOperation) =>
      atomic.check({ key: ["bell"], versionstamp: "00000000000000990000" }),
  };
  await assert.rejects(acceptPrompt(store, user, { doorbell: failing }));
  assert.equal((await listPrompts(store, { userId: user.id, limit: 1 })).total, 0);
  assert.equal((await readAccount(store, user.id)).heldMicros, 0);
});

Deno.test("prompts accepted at the same moment are numbered without gaps", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const all = await Promise.all(Array.from({ length: 20 }, () => acceptPrompt(store, user)));
  const numbers = all.map(({ prompt }) => prompt.value.sequence).sort((a, b) => a - b);
  assert.deepEqual(numbers, Array.from({ length: 20 }, (_, i) => i + 1));
});
