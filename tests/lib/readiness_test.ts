import assert from "node:assert/strict";
import { mock } from "node:test";
import { Refusal } from "../../lib/refusal.ts";
import { createReadiness } from "../../lib/readiness.ts";
import { createTestClock } from "../fixtures/store.ts";

Deno.test("the parts that do not answer are named, and nothing is accepted", async () => {
  const readiness = createReadiness({
    parts: [
      { name: "database", probe: () => Promise.resolve() },
      { name: "blobs", probe: () => Promise.reject(new Error("the disk is full")) },
    ],
    now: () => 0,
    log: () => {},
  });
  assert.deepEqual(await readiness.failures(), [{ part: "blobs", reason: "Error: the disk is full" }]);
  await assert.rejects(readiness.demand(), (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, "unavailable");
    assert.match(error.message, /no answer from the blobs/);
    return true;
  });
});

Deno.test("parts are asked once in two seconds, however often one looks", async () => {
  const clock = createTestClock();
  let asked = 0;
  const readiness = createReadiness({
    parts: [{ name: "database", probe: () => Promise.resolve(void asked++) }],
    now: clock.now,
    log: () => {},
  });
  await Promise.all([readiness.demand(), readiness.demand(), readiness.failures()]);
  clock.advance(1_999);
  await readiness.demand();
  assert.equal(asked, 1);
  clock.advance(1);
  await readiness.demand();
  assert.equal(asked, 2);
  clock.advance(-60_000);
  await readiness.demand();
  assert.equal(asked, 3);
});

Deno.test("a part that recovers is accepted again", async () => {
  const clock = createTestClock();
  let isFull = true;
  const probe = () => isFull ? Promise.reject(new Error("full")) : Promise.resolve();
  const readiness = createReadiness({ parts: [{ name: "blobs", probe }], now: clock.now, log: () => {} });
  await assert.rejects(readiness.demand());
  isFull = false;
  clock.advance(2_000);
  await readiness.demand();
});

Deno.test("a part that hangs counts as failed after five seconds", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const readiness = createReadiness({
      parts: [{ name: "blobs", probe: () => new Promise<void>(() => {}) }],
      now: () => 0,
      log: () => {},
    });
    const failures = readiness.failures();
    mock.timers.tick(5_000);
    assert.deepEqual(await failures, [{ part: "blobs", reason: "Error: no answer in time" }]);
  } finally {
    mock.timers.reset();
  }
});
