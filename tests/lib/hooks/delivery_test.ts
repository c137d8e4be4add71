import assert from "node:assert/strict";
import { afterAttempt, type Delivery, keptMs, readRetryAfter, restMs } from "../../../lib/hooks/delivery.ts";

const fresh: Delivery = {
  id: "d",
  userId: "u",
  hookId: "h",
  type: "prompt.completed",
  at: 0,
  data: {},
  state: "WAITING",
  dueAt: 0,
  attempts: [],
  earlierAttempts: 0,
  endsAt: keptMs,
};
const minutes = 60_000;
const failed = { status: 500, retryAfterMs: null };

Deno.test("what was received is over, by 2xx alone", () => {
  for (const status of [200, 201, 204, 299]) {
    const after = afterAttempt(fresh, { status, retryAfterMs: null }, 7);
    assert.deepEqual([after.state, after.dueAt, after.attempts], ["DELIVERED", null, [{ at: 7, status }]]);
  }
  for (const status of [null, 100, 301, 302, 307, 400, 410, 500]) {
    assert.equal(afterAttempt(fresh, { status, retryAfterMs: null }, 7).state, "WAITING", String(status));
  }
});

Deno.test("attempts come ever more rarely, ten in about three days, and then it is given up", () => {
  let delivery = fresh;
  const pauses = [];
  while (delivery.dueAt !== null) {
    const at = delivery.dueAt;
    delivery = afterAttempt(delivery, failed, at);
    if (delivery.dueAt !== null) pauses.push((delivery.dueAt - at) / minutes);
  }
  assert.deepEqual(pauses, [5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]);
  assert.deepEqual([delivery.state, delivery.attempts.length], ["FAILED", 10]);
});

Deno.test("what is sent again by hand begins with the shortest pauses", () => {
  const spent = { ...fresh, attempts: [{ at: 0, status: 500 }, { at: 1, status: null }], earlierAttempts: 2 };
  const once = afterAttempt(spent, failed, 10);
  assert.equal(once.dueAt, 10 + 5000);
  assert.equal(afterAttempt(once, failed, 20).dueAt, 20 + 5 * minutes);
});

Deno.test("of very many attempts the latest are kept, and each counts", () => {
  let delivery = fresh;
  for (let again = 0; again < 60; again++) {
    delivery = afterAttempt({ ...delivery, earlierAttempts: delivery.attempts.length }, failed, again);
    assert.equal(delivery.dueAt, again + 5000);
  }
  assert.equal(delivery.attempts.length, 50);
});

Deno.test("who asks for patience gets it, within a day", () => {
  assert.equal(afterAttempt(fresh, { status: 429, retryAfterMs: 60_000 }, 0).dueAt, 60_000);
  assert.equal(afterAttempt(fresh, { status: 429, retryAfterMs: 1000 }, 0).dueAt, 5000);
  assert.equal(restMs({ status: 429, retryAfterMs: 60_000 }, 0), 60_000);
  assert.equal(restMs({ status: 502, retryAfterMs: null }, 0), 30_000);
  assert.equal(readRetryAfter("120", 0), 120_000);
  assert.equal(readRetryAfter("Thu, 01 Jan 1970 00:00:30 GMT", 10_000), 20_000);
  assert.equal(readRetryAfter("999999999", 0), 24 * 60 * minutes);
  for (const nothing of [undefined, "", "soon", "-5", "0", "1e3", "Thu, 01 Jan 1970 00:00:01 GMT"]) {
    assert.equal(readRetryAfter(nothing, 5000), null, nothing);
  }
});

Deno.test("a receiver that fails is left alone the longer, the longer it fails, at most five minutes", () => {
  assert.equal(restMs(failed, 0), 1000);
  assert.equal(restMs(failed, 40_000), 10_000);
  assert.equal(restMs(failed, 3_600_000), 5 * minutes);
});
