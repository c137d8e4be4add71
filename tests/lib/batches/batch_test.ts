import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Batch,
  type BatchEvent,
  type BatchState,
  batchStates,
  leastLimitMicros,
  mostRefusals,
  needsWork,
  type Part,
  step,
} from "../../../lib/batches/batch.ts";
import { batchRecord } from "../../fixtures/batches.ts";

const at = 5000;
const hold = 100;

const waiting = (row: number): Part => ({
  row,
  heldMicros: hold,
  chargedMicros: 0,
  outcome: null,
  images: 0,
});
const done = (row: number, costMicros = hold): Part => ({
  row,
  heldMicros: 0,
  chargedMicros: costMicros,
  outcome: "completed",
  images: 1,
});
const failed = (row: number): Part => ({
  row,
  heldMicros: 0,
  chargedMicros: 0,
  outcome: "failed",
  images: 0,
});

/** Two of ten rows have begun. */
const begun = { next: 2, nextByte: 20, open: [1, 2], heldMicros: 200, remainingMicros: 800 };
/** All ten have, and the last is open. */
const atLast = {
  next: 10,
  open: [10],
  heldMicros: 100,
  remainingMicros: 0,
  reserveMicros: 0,
  counts: { completed: 9, failed: 0, cancelled: 0, images: 9, stars: 0 },
  chargedMicros: 900,
};

const states = {
  "new": batchRecord(),
  "running": batchRecord({ ...begun, reserveMicros: 800 }),
  "at its last row": batchRecord(atLast),
  "with its limit used up": batchRecord({
    next: 2,
    limitMicros: 250,
    chargedMicros: 200,
    reserveMicros: 50,
    remainingMicros: 800,
    counts: { completed: 2, failed: 0, cancelled: 0, images: 2, stars: 0 },
  }),
  "paused": batchRecord({ ...begun, state: "PAUSED", reserveMicros: 800 }),
  "paused by its provider": batchRecord({
    ...begun,
    state: "PAUSED",
    reason: "provider",
    providerWords: "no key",
    refusalsInRow: { openai: 10 },
    reserveMicros: 800,
  }),
  "stopping": batchRecord({ ...begun, state: "STOPPED", reason: "stars", reserveMicros: 0, finishedAt: 1 }),
  "stopped by its limit": batchRecord({
    next: 2,
    state: "STOPPED",
    reason: "limit",
    limitMicros: 250,
    chargedMicros: 200,
    reserveMicros: 0,
    remainingMicros: 800,
    counts: { completed: 2, failed: 0, cancelled: 0, images: 2, stars: 0 },
    finishedAt: 1,
  }),
  "cancelled": batchRecord({ state: "STOPPED", reason: "cancelled", reserveMicros: 0, finishedAt: 1 }),
  "done": batchRecord({
    ...atLast,
    state: "DONE",
    open: [],
    heldMicros: 0,
    chargedMicros: 1000,
    counts: { completed: 10, failed: 0, cancelled: 0, images: 10, stars: 0 },
    finishedAt: 1,
  }),
} satisfies { [name: string]: Batch };
type StateName = keyof typeof states;

const started = (row: number): BatchEvent => (
  { type: "row_started", holdMicros: hold, bytes: 10, part: waiting(row) }
);
const ended = (row: number, after: Part): BatchEvent => (
  { type: "prompt_changed", before: waiting(row), after, refusal: null, takenBy: null }
);
const late: Partial<Batch> = { deadline: at };
const few: Partial<Batch> = { stopAtStars: 1 };

/** What has become of it in a line: state, reason and reserve; "–" where it does not apply. */
function told(name: StateName, event: BatchEvent, changes: Partial<Batch> = {}): string {
  const after = step({ ...states[name], ...changes }, event, at);
  if (after === null) return "–";
  return [after.state, after.reason, after.reserveMicros].filter((fact) => fact !== null).join(" ");
}

const events: { [name: string]: { event: (name: StateName) => BatchEvent; changes?: Partial<Batch> } } = {
  "its next row begins": { event: (name) => started(states[name].next + 1) },
  "its next row is refused": {
    event: (name) => (
      { type: "row_started", holdMicros: hold, bytes: 10, part: failed(states[name].next + 1) }
    ),
  },
  "its next row does not fit": { event: () => ({ type: "none_fits", holdMicros: hold }) },
  "an open prompt ends cheaply": {
    event(name) {
      const [row] = states[name].open;
      // One that is final already: its picture was finished late.
      if (row === undefined) {
        const before = failed(1);
        return { type: "prompt_changed", before, after: before, refusal: null, takenBy: null };
      }
      return ended(row, done(row, 40));
    },
  },
  "a charge is corrected by -30": { event: () => ({ type: "charge_corrected", costMicros: -30 }) },
  "a star too few": { event: () => ({ type: "stars_changed", by: 1 }), changes: { stopAtStars: 2 } },
  "its last star": { event: () => ({ type: "stars_changed", by: 1 }), changes: few },
  "its limit is 500": { event: () => ({ type: "limit_set", limitMicros: 500 }) },
  "its limit is 150": { event: () => ({ type: "limit_set", limitMicros: 150 }) },
  "it has no limit": { event: () => ({ type: "limit_set", limitMicros: null }) },
  "it is paused": { event: () => ({ type: "paused" }) },
  "it goes on": { event: () => ({ type: "resumed" }) },
  "it is cancelled": { event: () => ({ type: "cancelled" }) },
  "its deadline passes": { event: () => ({ type: "deadline_passed" }), changes: late },
  "a deadline to come": { event: () => ({ type: "deadline_passed" }), changes: { deadline: at + 1 } },
};

const table: { [event: string]: { [state in StateName]: string } } = {
  "its next row begins": {
    "new": "RUNNING 900",
    "running": "RUNNING 700",
    "at its last row": "–",
    "with its limit used up": "–",
    "paused": "–",
    "paused by its provider": "–",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "its next row is refused": {
    "new": "RUNNING 900",
    "running": "RUNNING 700",
    "at its last row": "–",
    "with its limit used up": "RUNNING 50",
    "paused": "–",
    "paused by its provider": "–",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "its next row does not fit": {
    "new": "–",
    "running": "–",
    "at its last row": "–",
    "with its limit used up": "STOPPED limit 0",
    "paused": "–",
    "paused by its provider": "–",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "an open prompt ends cheaply": {
    "new": "RUNNING 1000",
    "running": "RUNNING 800",
    "at its last row": "DONE 0",
    "with its limit used up": "RUNNING 50",
    "paused": "PAUSED 800",
    "paused by its provider": "PAUSED provider 800",
    "stopping": "STOPPED stars 0",
    "stopped by its limit": "STOPPED limit 0",
    "cancelled": "STOPPED cancelled 0",
    "done": "DONE 0",
  },
  "a charge is corrected by -30": {
    "new": "RUNNING 1000",
    "running": "RUNNING 800",
    "at its last row": "RUNNING 0",
    "with its limit used up": "RUNNING 80",
    "paused": "PAUSED 800",
    "paused by its provider": "PAUSED provider 800",
    "stopping": "STOPPED stars 0",
    "stopped by its limit": "STOPPED limit 0",
    "cancelled": "STOPPED cancelled 0",
    "done": "DONE 0",
  },
  "a star too few": {
    "new": "RUNNING 1000",
    "running": "RUNNING 800",
    "at its last row": "RUNNING 0",
    "with its limit used up": "RUNNING 50",
    "paused": "PAUSED 800",
    "paused by its provider": "PAUSED provider 800",
    "stopping": "STOPPED stars 0",
    "stopped by its limit": "STOPPED limit 0",
    "cancelled": "STOPPED cancelled 0",
    "done": "DONE 0",
  },
  "its last star": {
    "new": "STOPPED stars 0",
    "running": "STOPPED stars 0",
    "at its last row": "STOPPED stars 0",
    "with its limit used up": "STOPPED stars 0",
    "paused": "STOPPED stars 0",
    "paused by its provider": "STOPPED stars 0",
    "stopping": "STOPPED stars 0",
    "stopped by its limit": "STOPPED stars 0",
    "cancelled": "STOPPED cancelled 0",
    "done": "DONE 0",
  },
  "its limit is 500": {
    "new": "RUNNING 500",
    "running": "RUNNING 300",
    "at its last row": "–",
    "with its limit used up": "RUNNING 300",
    "paused": "PAUSED 300",
    "paused by its provider": "PAUSED provider 300",
    "stopping": "–",
    "stopped by its limit": "RUNNING 300",
    "cancelled": "–",
    "done": "–",
  },
  "its limit is 150": {
    "new": "RUNNING 150",
    "running": "–",
    "at its last row": "–",
    "with its limit used up": "–",
    "paused": "–",
    "paused by its provider": "–",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "it has no limit": {
    "new": "RUNNING 1000",
    "running": "RUNNING 800",
    "at its last row": "RUNNING 0",
    "with its limit used up": "RUNNING 800",
    "paused": "PAUSED 800",
    "paused by its provider": "PAUSED provider 800",
    "stopping": "–",
    "stopped by its limit": "RUNNING 800",
    "cancelled": "–",
    "done": "–",
  },
  "it is paused": {
    "new": "PAUSED 1000",
    "running": "PAUSED 800",
    "at its last row": "PAUSED 0",
    "with its limit used up": "PAUSED 50",
    "paused": "–",
    "paused by its provider": "–",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "it goes on": {
    "new": "–",
    "running": "–",
    "at its last row": "–",
    "with its limit used up": "–",
    "paused": "RUNNING 800",
    "paused by its provider": "RUNNING 800",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "it is cancelled": {
    "new": "STOPPED cancelled 0",
    "running": "STOPPED cancelled 0",
    "at its last row": "STOPPED cancelled 0",
    "with its limit used up": "STOPPED cancelled 0",
    "paused": "STOPPED cancelled 0",
    "paused by its provider": "STOPPED cancelled 0",
    "stopping": "STOPPED cancelled 0",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "its deadline passes": {
    "new": "STOPPED deadline 0",
    "running": "STOPPED deadline 0",
    "at its last row": "STOPPED deadline 0",
    "with its limit used up": "STOPPED deadline 0",
    "paused": "STOPPED deadline 0",
    "paused by its provider": "STOPPED deadline 0",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
  "a deadline to come": {
    "new": "–",
    "running": "–",
    "at its last row": "–",
    "with its limit used up": "–",
    "paused": "–",
    "paused by its provider": "–",
    "stopping": "–",
    "stopped by its limit": "–",
    "cancelled": "–",
    "done": "–",
  },
};

for (const [name, { event, changes }] of Object.entries(events)) {
  Deno.test(`${name}: what becomes of a batch in each state`, () => {
    const heard = Object.fromEntries(
      (Object.keys(states) as StateName[]).map((state) => [state, told(state, event(state), changes)]),
    );
    assert.deepEqual(heard, table[name]);
  });
}

Deno.test("what a row cost less than its hold is there for the next one, as long as there is a limit", () => {
  const limited = step(batchRecord({ limitMicros: 150, reserveMicros: 150 }), started(1), at)!;
  assert.equal(limited.reserveMicros, 50);
  assert.equal(step(limited, started(2), at), null);
  const cheap = step(limited, ended(1, done(1, 40)), at)!;
  assert.equal(cheap.reserveMicros, 110);
  assert.notEqual(step(cheap, started(2), at), null);

  const free = step(step(batchRecord(), started(1), at)!, ended(1, done(1, 40)), at)!;
  assert.deepEqual([free.reserveMicros, free.chargedMicros], [900, 40]);
});

Deno.test("ten refusals in a row of one provider pause a batch, and another outcome begins the count anew", () => {
  const refusal = { provider: "openai", words: "no key" };
  const refuse = (batch: Batch) => {
    const row = batch.next + 1;
    const running = step(batch, started(row), at)!;
    const event: BatchEvent = {
      type: "prompt_changed",
      before: waiting(row),
      after: failed(row),
      refusal,
      takenBy: null,
    };
    return step(running, event, at)!;
  };
  const take = (batch: Batch, provider: string) => {
    const row = batch.next + 1;
    const running = step(batch, started(row), at)!;
    return step(running, {
      type: "prompt_changed",
      before: waiting(row),
      after: done(row),
      refusal: null,
      takenBy: provider,
    }, at)!;
  };
  let batch = batchRecord({ rows: 40, mostMicros: 4000, remainingMicros: 4000, reserveMicros: 4000 });
  for (let i = 1; i < mostRefusals; i++) batch = refuse(batch);
  assert.equal(batch.state, "RUNNING");
  batch = take(batch, "openai");
  for (let i = 1; i < mostRefusals; i++) batch = refuse(batch);
  assert.equal(batch.state, "RUNNING");
  batch = refuse(take(batch, "another"));
  assert.deepEqual([batch.state, batch.reason, batch.providerWords], ["PAUSED", "provider", "no key"]);
  const on = step(batch, { type: "resumed" }, at)!;
  assert.deepEqual([on.state, on.reason, on.providerWords, on.refusalsInRow], ["RUNNING", null, null, {}]);
});

Deno.test("a batch whose last prompt is refused is done, not paused", () => {
  const last = batchRecord({ ...atLast, refusalsInRow: { openai: mostRefusals - 1 } });
  const after = step(last, {
    type: "prompt_changed",
    before: waiting(10),
    after: failed(10),
    refusal: { provider: "openai", words: "no key" },
    takenBy: null,
  }, at)!;
  assert.deepEqual([after.state, after.reason], ["DONE", null]);
});

Deno.test("a picture that is finished late makes a failed row a completed one", () => {
  const batch = batchRecord({ ...atLast, open: [], state: "DONE", finishedAt: 1 });
  const counts = { completed: 9, failed: 1, cancelled: 0, images: 9, stars: 0 };
  const event: BatchEvent = {
    type: "prompt_changed",
    before: { ...failed(10), chargedMicros: 100 },
    after: { ...done(10), images: 1 },
    refusal: null,
    takenBy: null,
  };
  const after = step({ ...batch, counts }, event, at)!;
  assert.deepEqual(after.counts, { completed: 10, failed: 0, cancelled: 0, images: 10, stars: 0 });
  assert.deepEqual([after.state, after.open], ["DONE", []]);
});

/** What one row can cost, and what happens to it. */
const rowsOf = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 12 });
const limitOf = fc.option(fc.integer({ min: 0, max: 1500 }), { nil: null });
const acts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant({ do: "start" as const }) },
    { weight: 1, arbitrary: fc.constant({ do: "refuse" as const }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("end" as const),
        which: fc.nat(),
        /** Of its hold: below, at or above it. */
        percent: fc.integer({ min: 0, max: 150 }),
        outcome: fc.constantFrom("completed" as const, "failed" as const, "cancelled" as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("limit" as const), limitMicros: limitOf }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: "pause" as const }, { do: "resume" as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: "star" as const }, { do: "cancel" as const }) },
  ),
  { maxLength: 60 },
);

Deno.test("whatever happens, a batch holds what its prompts hold, and charges no more than its limit but for charges above their own holds", () => {
  fc.assert(
    fc.property(
      rowsOf,
      limitOf,
      fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
      acts,
      (holds, limitMicros, stopAtStars, acts) => {
        const mostMicros = holds.reduce((sum, micros) => sum + micros, 0);
        let batch = batchRecord({
          rows: holds.length,
          mostMicros,
          remainingMicros: mostMicros,
          limitMicros,
          stopAtStars,
          reserveMicros: Math.min(mostMicros, limitMicros ?? Infinity),
        });
        const open = new Map<number, number>();
        let [charged, above] = [0, 0];
        /** The highest limit that ever counted. */
        let highest = limitMicros ?? Infinity;

        const take = (event: BatchEvent): boolean => {
          const after = step(batch, event, at);
          if (after === null) return false;
          assert.ok(after.next >= batch.next);
          batch = after;
          return true;
        };
        for (const act of acts) {
          const row = batch.next + 1;
          const holdMicros = holds[batch.next] ?? 0;
          switch (act.do) {
            case "start": {
              const part: Part = { row, heldMicros: holdMicros, chargedMicros: 0, outcome: null, images: 0 };
              const isBegun = take({ type: "row_started", holdMicros, bytes: 1, part });
              if (isBegun) open.set(row, holdMicros);
              else take({ type: "none_fits", holdMicros });
              break;
            }
            case "refuse":
              take({ type: "row_started", holdMicros, bytes: 1, part: failed(row) });
              break;
            case "end": {
              const [row, held] = [...open][act.which % Math.max(1, open.size)] ?? [];
              if (row === undefined || held === undefined) break;
              const costMicros = Math.round(held * act.percent / 100);
              const before: Part = { row, heldMicros: held, chargedMicros: 0, outcome: null, images: 0 };
              const { outcome } = act;
              const after: Part = { row, heldMicros: 0, chargedMicros: costMicros, outcome, images: 0 };
              take({ type: "prompt_changed", before, after, refusal: null, takenBy: null });
              open.delete(row);
              charged += costMicros;
              above += Math.max(0, costMicros - held);
              break;
            }
            case "limit":
              if (take({ type: "limit_set", limitMicros: act.limitMicros })) {
                highest = Math.max(highest, act.limitMicros ?? Infinity);
              }
              break;
            case "pause":
              take({ type: "paused" });
              break;
            case "resume":
              take({ type: "resumed" });
              break;
            case "star":
              take({ type: "stars_changed", by: 1 });
              break;
            case "cancel":
              take({ type: "cancelled" });
              break;
          }
          check(batch, { open, charged, above, highest, holds });
        }
      },
    ),
    { numRuns: 2000 },
  );
});

function check(
  batch: Batch,
  { open, charged, above, highest, holds }: {
    open: Map<number, number>;
    charged: number;
    above: number;
    highest: number;
    holds: number[];
  },
): void {
  const held = open.values().reduce((sum, micros) => sum + micros, 0);
  assert.deepEqual([batch.heldMicros, batch.chargedMicros], [held, charged]);
  assert.deepEqual(batch.open, [...open.keys()].sort((a, b) => a - b));
  const remaining = holds.slice(batch.next).reduce((sum, micros) => sum + micros, 0);
  assert.equal(batch.remainingMicros, remaining);
  assert.ok(batch.reserveMicros >= 0 && batch.reserveMicros <= remaining);
  const isOver = batch.state === "DONE" || batch.state === "STOPPED";
  if (isOver) assert.equal(batch.reserveMicros, 0);
  assert.equal(batch.finishedAt !== null, isOver);
  if (batch.limitMicros !== null && leastLimitMicros(batch) <= batch.limitMicros) {
    assert.ok(batch.reserveMicros + leastLimitMicros(batch) <= batch.limitMicros);
  }
  assert.ok(charged + held <= highest + above, `${charged} and ${held} of ${highest}, ${above} above holds`);
  const isLeft = batch.next < batch.rows || open.size > 0;
  if (batch.state !== "STOPPED") assert.equal(batch.state === "DONE", !isLeft);
  assert.equal(needsWork(batch), batch.state === "STOPPED" ? open.size > 0 : batch.state !== "DONE");
}

Deno.test("all four states are met above", () => {
  const met = new Set<BatchState>(Object.values(states).map(({ state }) => state));
  assert.deepEqual([...met].sort(), [...batchStates].sort());
});
