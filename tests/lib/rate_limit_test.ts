import assert from "node:assert/strict";
import { Refusal } from "../../lib/refusal.ts";
import { createRateLimit, type RateLimit } from "../../lib/rate_limit.ts";
import { createTestClock } from "../fixtures/store.ts";

/** Seconds after which to come again; null when it was let through. */
function take(limit: RateLimit, name = "ada"): number | null {
  try {
    limit.take(name);
    return null;
  } catch (error) {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, "rate_limited");
    return error.retryAfterSeconds;
  }
}

Deno.test("a minute's allowance may be used at once, then it comes back evenly", () => {
  const clock = createTestClock();
  const limit = createRateLimit({ perMinute: 6, now: clock.now });
  for (let i = 0; i < 6; i++) assert.equal(take(limit), null);
  assert.equal(take(limit), 10);
  clock.advance(9_000);
  assert.equal(take(limit), 1);
  clock.advance(1_000);
  assert.equal(take(limit), null);
  assert.equal(take(limit), 10);
  clock.advance(3_600_000);
  for (let i = 0; i < 6; i++) assert.equal(take(limit), null);
  assert.equal(take(limit), 10);
});

Deno.test("whoever comes again when told to is let through", () => {
  const clock = createTestClock();
  const limit = createRateLimit({ perMinute: 7, now: clock.now });
  for (let i = 0; i < 100; i++) {
    const waitSeconds = take(limit);
    if (waitSeconds === null) continue;
    clock.advance(waitSeconds * 1000);
    assert.equal(take(limit), null);
  }
});

Deno.test("everyone has an allowance of their own", () => {
  const limit = createRateLimit({ perMinute: 1, now: () => 0 });
  assert.equal(take(limit, "ada"), null);
  assert.equal(take(limit, "bob"), null);
  assert.equal(take(limit, "ada"), 60);
});

Deno.test("0 means no limit", () => {
  const limit = createRateLimit({ perMinute: 0, now: () => 0 });
  for (let i = 0; i < 10_000; i++) assert.equal(take(limit), null);
});

Deno.test("a clock that goes back gives nothing away and takes nothing", () => {
  const clock = createTestClock();
  const limit = createRateLimit({ perMinute: 2, now: clock.now });
  assert.equal(take(limit), null);
  clock.advance(-60_000);
  assert.equal(take(limit), null);
  assert.notEqual(take(limit), null);
});

Deno.test("many names that came once do not crowd out those that are at their limit", () => {
  const clock = createTestClock();
  const limit = createRateLimit({ perMinute: 1, now: clock.now });
  for (let i = 0; i < 10_000; i++) take(limit, `guest ${i}`);
  clock.advance(59_000);
  assert.equal(take(limit), null);
  clock.advance(1_000);
  take(limit, "one more");
  assert.equal(take(limit), 59);
});

Deno.test("what is left is told without taking any of it", () => {
  const clock = createTestClock();
  const limit = createRateLimit({ perMinute: 6, now: clock.now });
  assert.deepEqual(limit.look("ada"), { left: 6, resetSeconds: 1 });
  limit.take("ada");
  limit.take("ada");
  assert.deepEqual(limit.look("ada"), { left: 4, resetSeconds: 20 });
  assert.deepEqual(limit.look("ada"), { left: 4, resetSeconds: 20 });
  for (let i = 0; i < 4; i++) limit.take("ada");
  assert.deepEqual(limit.look("ada"), { left: 0, resetSeconds: 10 });
  assert.equal(take(limit), 10);
  clock.advance(5_000);
  assert.deepEqual(limit.look("ada"), { left: 0, resetSeconds: 5 });
  assert.equal(createRateLimit({ perMinute: 0, now: clock.now }).look("ada"), null);
});
