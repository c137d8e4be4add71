import assert from "node:assert/strict";
import { readAccount } from "../../../lib/money/ledger.ts";
import { listPrompts } from "../../../lib/prompts/prompt_store.ts";
import { findAccepted } from "../../../lib/prompts/request_prompt.ts";
import type { SentRequest } from "../../../lib/prompts/sent_again.ts";
import type { Store } from "../../../lib/store/store.ts";
import { acceptPrompt, createTestStore, createTestUser, dump } from "../../fixtures/store.ts";
import { standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";

const minuteMs = 60_000;

function arrives(store: Store, changes: Partial<SentRequest> = {}): SentRequest {
  return {
    credentialId: "key",
    body: { prompt: "a harbour", n: 1 },
    timesBefore: 0,
    arrivedAs: store.ids(),
    ...changes,
  };
}

Deno.test("a request that is sent again joins what was accepted, for a quarter of an hour", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const { prompt } = await acceptPrompt(store, user, { sent: arrives(store) });
  for (const timesBefore of [1, 2, 7]) {
    const again = await acceptPrompt(store, user, { sent: arrives(store, { timesBefore }) });
    assert.deepEqual([again.prompt.value.id, again.isReplay], [prompt.value.id, true]);
  }
  store.clock.advance(15 * minuteMs);
  const atLast = await acceptPrompt(store, user, { sent: arrives(store, { timesBefore: 1 }) });
  assert.equal(atLast.prompt.value.id, prompt.value.id);
  store.clock.advance(1);
  const late = await acceptPrompt(store, user, { sent: arrives(store, { timesBefore: 1 }) });
  assert.equal(late.isReplay, false);
});

Deno.test("another key, another body, another user or a request of its own joins nothing", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const other = await createTestUser(store);
  await acceptPrompt(store, user, { sent: arrives(store) });
  const requests: [typeof user, Partial<SentRequest>][] = [
    [user, { timesBefore: 1, credentialId: "another key" }],
    [user, { timesBefore: 1, body: { prompt: "a harbour", n: 2 } }],
    [other, { timesBefore: 1 }],
    [user, { timesBefore: 0 }],
  ];
  for (const [who, changes] of requests) {
    const { isReplay } = await acceptPrompt(store, who, { sent: arrives(store, changes) });
    assert.equal(isReplay, false, JSON.stringify(changes));
  }
  const same = { timesBefore: 1, body: { n: 1, prompt: "a harbour" } };
  assert.ok(await findAccepted(store, { userId: user.id, sent: arrives(store, same) }));
});

Deno.test("many that arrive at once and are sent again are one prompt, in whatever order they come through", async () => {
  for (const order of ["first before", "repeats before", "mixed"]) {
    using store = await createTestStore();
    const user = await createTestUser(store);
    const first = arrives(store);
    const repeats = [1, 1, 2, 2, 3].map((timesBefore) => arrives(store, { timesBefore }));
    const sent = order === "first before"
      ? [first, ...repeats]
      : order === "repeats before"
      ? [...repeats, first]
      : [...repeats.slice(2), first, ...repeats.slice(0, 2)];
    const accepted = await Promise.all(sent.map((each) => acceptPrompt(store, user, { sent: each })));
    assert.equal(new Set(accepted.map(({ prompt }) => prompt.value.id)).size, 1, order);
    assert.equal((await listPrompts(store, { userId: user.id, limit: 10 })).total, 1);
    assert.equal((await readAccount(store, user.id)).heldMicros, price);
  }
});

Deno.test("a request that was given up and comes through behind its repeat joins that; one that came later does not", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const givenUp = arrives(store);
  const repeat = await acceptPrompt(store, user, { sent: arrives(store, { timesBefore: 1 }) });
  const later = await acceptPrompt(store, user, { sent: arrives(store) });
  assert.equal(later.isReplay, false);
  const behind = await acceptPrompt(store, user, { sent: givenUp });
  assert.deepEqual([behind.prompt.value.id, behind.isReplay], [repeat.prompt.value.id, true]);
});

Deno.test("of several equal requests that were lost together each gets its own again", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const lost = await Promise.all(
    Array.from({ length: 3 }, () => acceptPrompt(store, user, { sent: arrives(store) })),
  );
  const ids = lost.map(({ prompt }) => prompt.value.id).sort();
  assert.equal(new Set(ids).size, 3);
  for (const timesBefore of [1, 2]) {
    const joined = await Promise.all(
      ids.map(() => acceptPrompt(store, user, { sent: arrives(store, { timesBefore }) })),
    );
    assert.deepEqual(joined.map(({ prompt }) => prompt.value.id).sort(), ids, `sent again ${timesBefore}`);
  }
});

Deno.test("an answered request of before is not taken for the one that was lost", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  await acceptPrompt(store, user, { sent: arrives(store) });
  const lost = await acceptPrompt(store, user, { sent: arrives(store) });
  for (const timesBefore of [1, 2]) {
    const again = await acceptPrompt(store, user, { sent: arrives(store, { timesBefore }) });
    assert.equal(again.prompt.value.id, lost.prompt.value.id);
  }
});

Deno.test("a refused request leaves nothing behind that another could join", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store, { monthlyBudgetMicros: price - 1 });
  const before = await dump(store);
  for (const timesBefore of [0, 1]) {
    await assert.rejects(acceptPrompt(store, user, { sent: arrives(store, { timesBefore }) }));
  }
  assert.deepEqual(await dump(store), before);
});

Deno.test("a repeat joins although the budget is used up by then", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store, { monthlyBudgetMicros: price });
  const { prompt } = await acceptPrompt(store, user, { sent: arrives(store) });
  const again = await acceptPrompt(store, user, { sent: arrives(store, { timesBefore: 1 }) });
  assert.equal(again.prompt.value.id, prompt.value.id);
});
