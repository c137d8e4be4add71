import assert from "node:assert/strict";
import {
  createLapses,
  createTenure,
  momentOf,
  type Seen,
  usualLeaseTimes,
} from "../../../lib/store/lapse.ts";
import { createTestClock } from "../../fixtures/store.ts";

const { lapseMs, lookEveryMs, gapMs, leaseMs, renewEveryMs } = usualLeaseTimes;

/** Looks every two seconds, and says after how many milliseconds the lease had lapsed. */
async function lapsesAfter(
  { read, untilMs = 60_000 }: { read: (at: number) => Seen[]; untilMs?: number },
): Promise<number | null> {
  const clock = createTestClock(0);
  const lapses = createLapses({ monotonic: clock.now, times: usualLeaseTimes });
  for (; clock.now() <= untilMs; clock.advance(lookEveryMs)) {
    const { lapsed } = await lapses.look(() => Promise.resolve(read(clock.now())));
    if (lapsed.has("lease")) return clock.now();
  }
  return null;
}

Deno.test("a lease lapses when it was seen unchanged for long enough, whatever the clocks of others say", async () => {
  assert.equal(await lapsesAfter({ read: () => [{ name: "lease", mark: "1 0" }] }), lapseMs);
});

Deno.test("a lease that is renewed does not lapse, however long it lasts", async () => {
  const read = (at: number) => [{ name: "lease", mark: `1 ${Math.floor(at / renewEveryMs)}` }];
  assert.equal(await lapsesAfter({ read }), null);
});

Deno.test("whoever dies just after a renewal is made up for within twenty seconds", async () => {
  for (let diedAt = 0; diedAt < 5000; diedAt += 250) {
    const read = (at: number) => [{ name: "lease", mark: at < diedAt ? `look ${at}` : "last" }];
    const after = await lapsesAfter({ read });
    assert.ok(after! - diedAt <= 20_000 - lookEveryMs, `${after! - diedAt}`);
  }
});

Deno.test("a lease that went and came back is another one", async () => {
  const read = (at: number) => at === 8000 ? [] : [{ name: "lease", mark: "1 0" }];
  assert.equal(await lapsesAfter({ read }), 10_000 + lapseMs);
});

Deno.test("after a gap between two looks everything is seen anew", async () => {
  const clock = createTestClock(0);
  const lapses = createLapses({ monotonic: clock.now, times: usualLeaseTimes });
  const look = async (readMs = 0) => {
    const { lapsed } = await lapses.look(() => {
      clock.advance(readMs);
      return Promise.resolve([{ name: "lease", mark: "1 0" }]);
    });
    return lapsed.has("lease");
  };
  for (let i = 0; i < 6; i++, clock.advance(lookEveryMs)) assert.equal(await look(), false);
  // This process was stopped.
  clock.advance(60_000);
  assert.equal(await look(), false);
  for (let i = 0; i < 6; i++, clock.advance(lookEveryMs)) assert.equal(await look(), false);
  // The store was away: it answers late.
  assert.equal(await look(gapMs + 1), false);
  for (let ms = 0; ms < lapseMs; ms += lookEveryMs) {
    clock.advance(lookEveryMs);
    assert.equal(await look(), ms + lookEveryMs >= lapseMs);
  }
});

Deno.test("what is renewed on time is not lost by the longest gap that is none", () => {
  assert.ok(renewEveryMs + lookEveryMs + gapMs < lapseMs);
  assert.ok(leaseMs < lapseMs, "its holder stops being sure first");
});

Deno.test("a holder is sure for a lease's time after the last renewal was begun, by both of its clocks", () => {
  const [clock, even] = [createTestClock(), createTestClock(0)];
  const store = { now: clock.now, monotonic: even.now, isShared: true };
  const tenure = createTenure(store, { since: momentOf(store), leaseMs });
  const pass = (ms: number) => [clock, even].forEach((each) => each.advance(ms));
  pass(leaseMs - 1);
  assert.equal(tenure.isSure(), true);
  pass(1);
  assert.equal(tenure.isSure(), false);
  tenure.confirm(momentOf(store));
  assert.equal(tenure.isSure(), true);
  // The machine slept, and with it the clock that goes on evenly.
  clock.advance(leaseMs);
  assert.equal(tenure.isSure(), false);
  clock.advance(-leaseMs);
  even.advance(leaseMs);
  assert.equal(tenure.isSure(), false);
});

Deno.test("where one process alone uses the store it is always sure", () => {
  const clock = createTestClock();
  const store = { now: clock.now, monotonic: clock.now, isShared: false };
  const tenure = createTenure(store, { since: momentOf(store), leaseMs });
  clock.advance(100 * leaseMs);
  assert.equal(tenure.isSure(), true);
});
