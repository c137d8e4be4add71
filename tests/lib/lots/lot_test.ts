import assert from "node:assert/strict";
import type { LotStatus } from "../../../lib/catalog/provider.ts";
import { type Lot, type LotEvent, lotStates, step } from "../../../lib/lots/lot.ts";
import { failure } from "../../../lib/prompts/failure_words.ts";
import { lotRecord } from "../../fixtures/lots.ts";

const status = (changes: Partial<LotStatus>): LotStatus => ({
  end: null,
  doneCount: null,
  expiresAt: null,
  results: {},
  failure: null,
  ...changes,
});
const trouble = failure("provider_auth");
const events = {
  uploaded: { type: "uploaded", files: { fileId: "f" }, promptIds: ["prompt"], savesMicros: 10 },
  emptied: { type: "emptied" },
  submitted: { type: "submitted", handle: { batchId: "b" }, windowMs: 100 },
  not_there: { type: "not_there" },
  going: { type: "polled", status: status({ doneCount: 3, expiresAt: 500 }), failure: null },
  done: { type: "polled", status: status({ end: "completed", results: { out: "o" } }), failure: null },
  stop_asked: { type: "stop_asked" },
  refused: { type: "refused", failure: trouble },
  lost: { type: "lost", failure: failure("outcome_unknown") },
  settled: { type: "settled" },
} satisfies { [name: string]: LotEvent };

/** To which state each event leads from each; what is not named changes nothing. */
const table: { [state in Lot["state"]]: { [event in keyof typeof events]?: Lot["state"] } } = {
  uploading: { uploaded: "submitting", emptied: "over", refused: "collecting" },
  submitting: {
    submitted: "running",
    not_there: "uploading",
    refused: "collecting",
    lost: "collecting",
  },
  running: { going: "running", done: "collecting", stop_asked: "running", lost: "collecting" },
  collecting: { lost: "collecting", settled: "over" },
  over: {},
};

for (const state of lotStates) {
  Deno.test(`a lot that is ${state} goes where the table says, and nowhere else`, () => {
    for (const [name, event] of Object.entries(events)) {
      const after = step(lotRecord({ state, submittedAt: 7 }), event, 9);
      assert.equal(after?.state, table[state][name as keyof typeof events], name);
      if (after !== null) assert.equal(after.updatedAt, 9);
    }
  });
}

Deno.test("each submission is counted, and the lot is given up so long after the latest", () => {
  const first = step(lotRecord(), events.uploaded, 10)!;
  assert.deepEqual([first.submissions, first.submittedAt, first.savesMicros], [1, 10, 10]);
  const again = step(step(first, events.not_there, 20)!, events.uploaded, 30)!;
  assert.deepEqual([again.submissions, again.submittedAt], [2, 30]);
  assert.equal(step(again, events.submitted, 31)!.expiresAt, 130);
});

Deno.test("what a provider tells is kept, and what it does not tell stays", () => {
  const running = lotRecord({ state: "running", expiresAt: 100 });
  const going = step(running, events.going, 1)!;
  assert.deepEqual([going.doneCount, going.expiresAt, going.end], [3, 500, null]);
  const done = step(going, events.done, 2)!;
  assert.deepEqual([done.expiresAt, done.end, done.results], [500, "completed", { out: "o" }]);
});

Deno.test("of a lot that is lost, nothing is fetched any more", () => {
  const lost = step(lotRecord({ state: "collecting", results: { out: "o" } }), events.lost, 1)!;
  assert.deepEqual([lost.end, lost.results], ["lost", null]);
});
