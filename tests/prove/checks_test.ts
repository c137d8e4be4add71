/** The checker finds each broken promise in the smallest evidence of it, and nothing in evidence that is sound. */
import assert from "node:assert/strict";
import { checkAll } from "./checks.ts";
import type { Evidence, RestingBatch, RestingPrompt, Told, Watch } from "./evidence.ts";
import type { PromiseName } from "./promises.ts";

const prompt: RestingPrompt = {
  id: "p1",
  user: "ada",
  text: "ada: sea",
  count: 1,
  status: "COMPLETED",
  errorCode: null,
  updatedAt: 5000,
  ledger: { costMicros: 20, basis: "table" },
  images: ["i1"],
};
const accepted: Told = {
  what: "accepted",
  at: 1000,
  user: "ada",
  promptId: "p1",
  text: "ada: sea",
  key: "k1",
};
const state = (at: number, status: RestingPrompt["status"], more: object = {}): Told => (
  { what: "state", at, asOf: at - 1, user: "ada", promptId: "p1", status, costMicros: null, ...more }
);
const task = { provider: "nanobanana", text: "ada: sea", taskId: "t1", billedMicros: 20, isAskedFor: true };
const books = { user: "ada", limitMicros: 100, spentMicros: 20, heldMicros: 0 };
const watch: Watch = { user: "ada", promptId: "p1", kind: "early", readyAt: 1000, heardAt: 5500 };

/** Cancelled before one of its rows began, so that it concerns no prompt. */
const batch: RestingBatch = {
  id: "b1",
  user: "ada",
  state: "STOPPED",
  reason: "cancelled",
  rows: 2,
  next: 0,
  limitMicros: 30,
  chargedMicros: 0,
  reserveMicros: 0,
  heldMicros: 0,
  promptIds: [],
};
const batchTold: Told & { what: "batch" } = {
  what: "batch",
  at: 1000,
  user: "ada",
  batchId: "b1",
  texts: ["ada: row", "ada: another"],
  limitMicros: 30,
  key: "k9",
};
const batchState = (at: number, next: number): Told => (
  {
    what: "batch state",
    at,
    asOf: at - 1,
    user: "ada",
    batchId: "b1",
    state: "RUNNING",
    next,
    chargedMicros: 0,
  }
);
/** As many rows of the batch ran, each at 20. */
const withRows = (count: number, changes: Partial<RestingBatch> = {}): Evidence => {
  const rows = batchTold.texts.slice(0, count).map((text, i): RestingPrompt => (
    { ...prompt, id: `r${i + 1}`, text, images: [`s${i + 1}`] }
  ));
  return {
    ...sound,
    tasks: [...sound.tasks, ...rows.map(({ text }) => ({ ...task, text }))],
    rest: {
      ...sound.rest,
      prompts: [...sound.rest.prompts, ...rows],
      books: [{ ...books, spentMicros: 20 * (1 + count) }],
      batches: [{
        ...batch,
        next: count,
        chargedMicros: 20 * count,
        promptIds: rows.map(({ id }) => id),
        ...changes,
      }],
    },
  };
};

const sound: Evidence = {
  told: [
    batchTold,
    accepted,
    state(2000, "PROCESSING"),
    { what: "books", at: 2500, ...books, heldMicros: 20 },
    state(5500, "COMPLETED"),
  ],
  tasks: [task],
  watches: [watch],
  starts: [{ readyAt: 500, openWork: [prompt.text], firstWorkAt: 1200 }],
  rest: {
    prompts: [prompt],
    batches: [batch],
    pictures: [{ imageId: "i1", promptId: "p1", trouble: null }],
    books: [books],
    verified: [],
  },
  isHonest: true,
  kills: 0,
  lagMs: 50,
};

const withPrompt = (changes: Partial<RestingPrompt>): Evidence => ({
  ...sound,
  rest: { ...sound.rest, prompts: [{ ...prompt, ...changes }] },
});
const withRest = (changes: Partial<Evidence["rest"]>): Evidence => ({
  ...sound,
  rest: { ...sound.rest, ...changes },
});

/** Evidence, the promises that it breaks, and how many facts show the first of them. */
const broken: { [name: string]: [evidence: Evidence, promises: PromiseName[], facts: number] } = {
  "a prompt that is gone": [withRest({ prompts: [], books: [{ ...books, spentMicros: 0 }] }), [
    "accepted",
    "once",
  ], 1],
  "a prompt that never ends": [
    { ...withPrompt({ status: "PROCESSING" }), told: [batchTold, accepted] },
    ["accepted"],
    2,
  ],
  "a prompt with other words": [withPrompt({ text: "ada: lake" }), ["accepted", "once", "ledger"], 2],
  "a prompt that nobody was told of": [{ ...sound, told: [batchTold] }, ["accepted"], 1],
  "one key for two prompts": [
    {
      ...withRest({
        prompts: [prompt, { ...prompt, id: "p2", ledger: { costMicros: 0, basis: "none" }, images: [] }],
      }),
      told: [batchTold, accepted, { ...accepted, promptId: "p2" }],
    },
    ["accepted"],
    2,
  ],
  "a failure for no reason": [
    { ...withPrompt({ status: "FAILED", errorCode: "provider_failed" }), told: [batchTold, accepted] },
    ["accepted"],
    2,
  ],
  "an end that is taken back": [
    { ...sound, told: [batchTold, accepted, state(5500, "COMPLETED"), state(6000, "PROCESSING")] },
    ["final"],
    2,
  ],
  "an end that is taken back within a stream": [
    {
      ...sound,
      told: [
        batchTold,
        accepted,
        state(5500, "COMPLETED", { stream: 1 }),
        state(6000, "PENDING", { stream: 1, asOf: 1 }),
      ],
    },
    ["final"],
    2,
  ],
  "two ends": [{ ...sound, told: [batchTold, accepted, state(5500, "CANCELLED")] }, ["final"], 2],
  "a second task": [
    {
      ...withPrompt({ ledger: { costMicros: 40, basis: "table" } }),
      tasks: [task, task],
      rest: {
        ...sound.rest,
        prompts: [{ ...prompt, ledger: { costMicros: 40, basis: "table" } }],
        books: [{ ...books, spentMicros: 40 }],
      },
    },
    ["once"],
    2,
  ],
  "a picture from nowhere": [{ ...sound, tasks: [] }, ["once", "ledger"], 1],
  "a known task that is given up": [
    {
      ...withPrompt({ status: "FAILED", errorCode: "outcome_unknown" }),
      kills: 1,
      told: [batchTold, accepted],
    },
    ["resumed"],
    2,
  ],
  "work that goes on late": [{
    ...sound,
    starts: [{ readyAt: 0, openWork: [prompt.text], firstWorkAt: 5100 }],
  }, [
    "resumed",
  ], 0],
  "work that does not go on": [{
    ...sound,
    starts: [{ readyAt: 0, openWork: [prompt.text], firstWorkAt: null }],
  }, [
    "resumed",
  ], 0],
  "a charge for nothing": [{ ...sound, tasks: [{ ...task, billedMicros: 0 }] }, ["ledger"], 2],
  "a bill that is not booked": [
    {
      ...withPrompt({ ledger: { costMicros: 0, basis: "none" } }),
      tasks: [task],
      rest: {
        ...sound.rest,
        prompts: [{ ...prompt, ledger: { costMicros: 0, basis: "none" } }],
        books: [{ ...books, spentMicros: 0 }],
      },
    },
    ["ledger"],
    2,
  ],
  "a total that is not the sum": [withRest({ books: [{ ...books, spentMicros: 40 }] }), ["ledger"], 1],
  "a hold at rest": [withRest({ books: [{ ...books, heldMicros: 20 }] }), ["holds"], 1],
  "a budget that was exceeded for a moment": [
    { ...sound, told: [...sound.told, { what: "books", at: 3000, ...books, heldMicros: 90 }] },
    ["budget"],
    1,
  ],
  "a batch that is gone": [withRest({ batches: [] }), ["batches"], 1],
  "a batch that nobody was told of": [withRest({ batches: [batch, { ...batch, id: "b2" }] }), ["batches"], 1],
  "a batch that never ends": [withRest({ batches: [{ ...batch, state: "PAUSED" }] }), ["batches"], 2],
  "a batch that reserves money when it is over": [
    withRest({ batches: [{ ...batch, reserveMicros: 5 }] }),
    ["batches"],
    2,
  ],
  "one key for two batches": [
    {
      ...withRest({ batches: [batch, { ...batch, id: "b2" }] }),
      told: [...sound.told, { ...batchTold, batchId: "b2" }],
    },
    ["batches"],
    2,
  ],
  "a batch that went back": [
    { ...sound, told: [...sound.told, batchState(2000, 2), batchState(3000, 1)] },
    ["batches"],
    2,
  ],
  "a batch that charged more than its limit": [withRows(2), ["batches"], 2],
  "a batch with a row that is another": [withRows(1, { promptIds: ["p1"] }), ["accepted", "batches"], 1],
  "a row that began twice": [withRows(1, { promptIds: ["r1", "r1"] }), ["batches"], 2],
  "a batch whose sum is another": [withRows(1, { chargedMicros: 5 }), ["batches"], 2],
  "a batch that is done too early": [withRows(1, { state: "DONE", reason: null }), ["batches"], 2],
  "a picture without bytes": [
    withRest({ pictures: [{ imageId: "i1", promptId: "p1", trouble: "the bytes answer 404" }] }),
    ["pictures"],
    1,
  ],
  "an index that disagrees": [
    withRest({ verified: ["count_wrong prompts: 2 instead of 1"] }),
    ["indexes"],
    0,
  ],
  "a reader who is told late": [{ ...sound, watches: [{ ...watch, heardAt: 6100 }] }, ["told"], 1],
  "a reader who is never told": [{ ...sound, watches: [{ ...watch, heardAt: null }] }, ["told"], 1],
};

for (const [name, [evidence, expected, facts]] of Object.entries(broken)) {
  Deno.test(`the checker finds ${name}`, () => {
    const found = checkAll(evidence).filter(({ violations }) => violations.length > 0);
    assert.deepEqual(found.map(({ promise }) => promise), expected);
    assert.equal(found[0].violations[0].trace.length, facts);
  });
}

Deno.test("the checker finds nothing in sound evidence, and says how much it looked at", () => {
  const findings = checkAll(sound);
  assert.deepEqual(findings.flatMap(({ violations }) => violations), []);
  for (const { promise, cases } of findings) assert.ok(cases > 0, promise);
});

Deno.test("rows of a batch are accepted with it, and charged up to its limit", () => {
  assert.deepEqual(checkAll(withRows(1)).flatMap(({ violations }) => violations), []);
});

Deno.test("a slow reader may hear of a state that is over, and one who was away counts from when they are back", () => {
  const late = state(6000, "PROCESSING", { stream: 2, asOf: 1500 });
  const away: Watch = { ...watch, kind: "slow", readyAt: 9000, heardAt: 9500 };
  const findings = checkAll({ ...sound, told: [...sound.told, late], watches: [away] });
  assert.deepEqual(findings.flatMap(({ violations }) => violations), []);
});

Deno.test("what nobody can know is booked as it was held, and may be more than the bill", () => {
  const ledger = { costMicros: 20, basis: "unknown" };
  const lost = {
    ...withPrompt({ status: "FAILED", errorCode: "outcome_unknown", ledger }),
    told: [batchTold, accepted],
    kills: 1,
  };
  assert.deepEqual(checkAll({ ...lost, tasks: [] }).flatMap(({ violations }) => violations), []);
});

Deno.test("what had ended before a start is no work for it, whoever was told", () => {
  const starts = [{ readyAt: prompt.updatedAt + 1, openWork: [prompt.text], firstWorkAt: null }];
  assert.deepEqual(checkAll({ ...sound, starts }).flatMap(({ violations }) => violations), []);
});
