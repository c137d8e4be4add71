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

Deno.test("why a part does not answer is told with what brought it about, each word once", async () => {
  const cause = new Error("R2_SECRET_ACCESS_KEY is not the secret of R2_ACCESS_KEY_ID");
  const said = new Error("S3 answered 403", { cause });
  const outer = new Refusal("unavailable", "The storage does not answer: S3 answered 403", { cause: said });
  const parts = [{ name: "blobs", probe: () => Promise.reject(outer) }];
  const [{ reason }] = await createReadiness({ parts, now: () => 0, log: () => {} }).failures();
  assert.match(
    reason,
    /The storage does not answer: S3 answered 403: R2_SECRET_ACCESS_KEY is not the secret/,
  );
  assert.equal(reason.split("S3 answered 403").length, 2);
});

Deno.test("the log has a line when a part begins to fail, fails otherwise and answers again, and no more", async () => {
  const clock = createTestClock();
  const lines: unknown[] = [];
  let reason: string | null = null;
  const readiness = createReadiness({
    parts: [{
      name: "blobs",
      probe: () => reason === null ? Promise.resolve() : Promise.reject(new Error(reason)),
    }],
    now: clock.now,
    log: (level, event, facts) => void lines.push([level, event, facts]),
  });
  for (reason of [null, "wrong key", "wrong key", "no bucket", null, null]) {
    await readiness.failures();
    clock.advance(2_000);
  }
  assert.deepEqual(lines, [
    ["error", "not_ready", { part: "blobs", reason: "Error: wrong key" }],
    ["error", "not_ready", { part: "blobs", reason: "Error: no bucket" }],
    ["info", "ready_again", { part: "blobs" }],
  ]);
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
