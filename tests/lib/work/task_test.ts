import assert from "node:assert/strict";
import { type FailureOutcome, type FailureReason, ProviderFailure } from "../../../lib/catalog/provider.ts";
import { type Prompt, type Task, toCancelled } from "../../../lib/prompts/prompt.ts";
import {
  costOfBreakingOff,
  maxRetries,
  mayBreakOff,
  type Step,
  step,
  type TaskEvent,
  type TaskFacts,
  type Terms,
  termsOf,
} from "../../../lib/work/task.ts";
import { createStandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { acceptPrompt, createTestStore, createTestUser, startPrompt } from "../../fixtures/store.ts";

const handle = { taskId: "t-1" };
const held = { count: 1, images: [] };
const tasks = {
  waiting: { ...held, state: "waiting" },
  submitting: { ...held, state: "submitting", submittedAt: 100 },
  running: { ...held, state: "running", submittedAt: 100, handle },
  "running with a picture": {
    ...held,
    images: [{ id: "p-0", isDeleted: false }],
    state: "running",
    submittedAt: 100,
    handle,
  },
} satisfies { [name: string]: Task };
type TaskName = keyof typeof tasks;

/** Paid, asked for again by its handle, and not to be stopped. */
const paid: Terms = {
  isRepeatable: false,
  isFree: false,
  canResume: true,
  canBeStopped: false,
  canCall: false,
};
const stoppable: Terms = { ...paid, canBeStopped: true };
const oneShot: Terms = { ...paid, canResume: false };
const calling: Terms = { ...paid, canCall: true };
const free: Terms = { ...stoppable, isFree: true };
const freeOneShot: Terms = { ...oneShot, isFree: true };
const repeatable: Terms = { ...oneShot, isRepeatable: true };

/** One picture at 20,000 micro-dollars, all of it held. */
const prompts = await (async () => {
  using store = await createTestStore();
  const { prompt } = await acceptPrompt(store, await createTestUser(store));
  const { value: open } = await startPrompt(store, prompt.value.id);
  return {
    open,
    cancelled: toCancelled(open, { at: 1, isChargeDue: true }),
    "tried five times": { ...open, retries: maxRetries },
  } satisfies { [name: string]: Prompt };
})();

interface Given {
  task: TaskName;
  event: TaskEvent;
  prompt?: keyof typeof prompts;
  terms?: Terms;
  isStopping?: boolean;
  isInDoubt?: boolean;
}

function take({ task, event, prompt = "open", terms = paid, ...rest }: Given): Step {
  const facts: TaskFacts = { prompt: prompts[prompt], terms, isStopping: false, isInDoubt: false, ...rest };
  return step(tasks[task], event, facts);
}

/** What the task has become and what is done next, in a line. */
function told(given: Given): string {
  const { task, move, notes } = take(given);
  const notesTold = notes.map((note) => note.type === "failed" ? `says ${note.failure.reason}` : note.type);
  return [stateOf(task, given), move.do, ...notesTold].join(", ");
}

function stateOf(task: Task, given: Given): string {
  if (task === tasks[given.task]) return "stays";
  const pictures = task.images.length === 0 ? "" : ` with ${task.images.map(({ id }) => id).join("+")}`;
  if (task.state === "done") return `done${pictures} ${task.charge.basis} ${task.charge.costMicros}`;
  if (task.state !== "failed") return `${task.state}${pictures}`;
  return `${task.failure.reason}${pictures} ${task.charge.basis} ${task.charge.costMicros}`;
}

const takenUp: TaskEvent = { type: "taken_up", at: 200 };
const submitted: TaskEvent = { type: "submitted", handle, at: 300 };
const stored: TaskEvent = { type: "stored", imageIds: ["p-1"] };
const cancelled: TaskEvent = { type: "cancelled" };
const givenUp: TaskEvent = { type: "given_up", reason: "provider_failed" };
const reported = { costMicros: 7, basis: "reported" as const };

function finished(changes: Partial<Extract<TaskEvent, { type: "finished" }>> = {}): TaskEvent {
  return { type: "finished", at: 400, imageIds: ["p-1"], cost: null, trouble: null, ...changes };
}

function failed(
  reason: FailureReason,
  outcome: FailureOutcome,
  more: { isRetryable?: boolean; retryAfterMs?: number; cost?: typeof reported } = {},
): TaskEvent {
  return { type: "failed", failure: new ProviderFailure(reason, "", { outcome, ...more }) };
}

function brokenOff(by: Extract<TaskEvent, { type: "broken_off" }>["by"]): TaskEvent {
  return { type: "broken_off", by };
}

const lost = failed("outcome_unknown", "unknown");
const busy = failed("rate_limited", "not_created", { isRetryable: true, retryAfterMs: 5 });
const unknown = "outcome_unknown unknown 20000, leave, says outcome_unknown";

const table: [sentence: string, given: Given, expected: string][] = [
  ["a waiting task is submitted", { task: "waiting", event: takenUp }, "submitting, submit"],
  ["nothing is begun at a stop", { task: "waiting", event: takenUp, isStopping: true }, "stays, leave"],
  ["what runs is asked for", { task: "running", event: takenUp }, "stays, resume"],
  [
    "what runs is asked for at a stop too",
    { task: "running", event: takenUp, isStopping: true },
    "stays, resume",
  ],
  ["a submission in doubt is not repeated", { task: "submitting", event: takenUp }, unknown],
  ["a call in doubt is not repeated", { task: "running", event: takenUp, terms: oneShot }, unknown],
  ["nor a free one", { task: "submitting", event: takenUp, terms: freeOneShot }, unknown],
  [
    "a call about it is waited for",
    { task: "submitting", event: takenUp, terms: calling },
    "stays, await_call",
  ],
  [
    "a repeatable one is repeated",
    { task: "submitting", event: takenUp, terms: repeatable },
    "submitting, submit",
  ],
  [
    "a repeatable one is left at a stop",
    { task: "submitting", event: takenUp, terms: repeatable, isStopping: true },
    "stays, leave",
  ],
  [
    "a cancelled one is not asked for",
    { task: "running", event: takenUp, prompt: "cancelled" },
    "cancelled table 20000, leave",
  ],
  [
    "nor waited for",
    { task: "submitting", event: takenUp, prompt: "cancelled", terms: calling },
    unknown,
  ],

  ["what was not sent waits", { task: "submitting", event: { type: "not_sent" } }, "waiting, leave"],

  ["a handle is kept", { task: "submitting", event: submitted }, "running, go_on"],
  ["with its pictures", { task: "running with a picture", event: submitted }, "running with p-0, go_on"],
  [
    "a handle is kept at a stop",
    { task: "submitting", event: submitted, isStopping: true },
    "running, leave",
  ],
  [
    "a cancel during the submission is billed",
    { task: "submitting", event: submitted, prompt: "cancelled" },
    "cancelled table 20000, leave",
  ],
  [
    "or the provider is asked to stop, its handle kept",
    { task: "submitting", event: submitted, prompt: "cancelled", terms: stoppable },
    "running, ask_to_stop",
  ],
  [
    "or, at a stop, left to the next process",
    { task: "submitting", event: submitted, prompt: "cancelled", isStopping: true },
    "running, leave",
  ],

  ["a picture is named", { task: "running with a picture", event: stored }, "running with p-0+p-1, go_on"],
  ["unless it was cancelled", { task: "running", event: stored, prompt: "cancelled" }, "stays, go_on"],

  [
    "it is done with pictures",
    { task: "running", event: finished() },
    "done with p-1 table 20000, leave, finished",
  ],
  [
    "at the cost that is reported",
    { task: "running", event: finished({ cost: reported }) },
    "done with p-1 reported 7, leave, finished",
  ],
  [
    "with those that were named before",
    { task: "running with a picture", event: finished({ imageIds: [], trouble: "storage_failed" }) },
    "done with p-0 table 20000, leave, finished",
  ],
  [
    "without any it has failed, and is billed",
    { task: "running", event: finished({ imageIds: [] }) },
    "bad_result table 20000, leave, finished",
  ],
  [
    "by what went wrong",
    { task: "running", event: finished({ imageIds: [], trouble: "storage_failed" }) },
    "storage_failed table 20000, leave, finished",
  ],
  [
    "a cancelled one names no picture, and is billed",
    { task: "running", event: finished(), prompt: "cancelled" },
    "cancelled table 20000, leave, finished",
  ],

  ["what was lost is unknown", { task: "submitting", event: lost }, unknown],
  [
    "a call about it is waited for then too",
    { task: "submitting", event: lost, terms: calling },
    "stays, await_call",
  ],
  ["once", { task: "submitting", event: lost, terms: calling, isInDoubt: true }, unknown],
  ["but not for what runs", { task: "running", event: lost, terms: calling }, unknown],
  [
    "what created nothing is tried again",
    { task: "submitting", event: busy },
    "waiting, leave, says rate_limited, retry",
  ],
  [
    "five times",
    { task: "submitting", event: busy, prompt: "tried five times" },
    "rate_limited none 0, leave, says rate_limited",
  ],
  [
    "unless it was cancelled meanwhile",
    { task: "submitting", event: busy, prompt: "cancelled" },
    "rate_limited none 0, leave, says rate_limited",
  ],
  [
    "or is not to be asked for hours",
    {
      task: "submitting",
      event: failed("rate_limited", "not_created", { isRetryable: true, retryAfterMs: 3600_001 }),
    },
    "rate_limited none 0, leave, says rate_limited",
  ],
  [
    "or nobody knows that it created nothing",
    { task: "submitting", event: failed("rate_limited", "unknown", { isRetryable: true }) },
    "rate_limited unknown 20000, leave, says rate_limited",
  ],
  [
    "a failure that is not billed is free",
    { task: "running", event: failed("provider_failed", "failed") },
    "provider_failed none 0, leave, says provider_failed",
  ],
  [
    "a refusal that is billed is booked",
    { task: "running", event: failed("content_policy", "billed") },
    "content_policy table 20000, leave, says content_policy",
  ],
  [
    "as it is reported",
    { task: "running", event: failed("content_policy", "billed", { cost: reported }) },
    "content_policy reported 7, leave, says content_policy",
  ],

  ["a stop leaves what runs", { task: "running", event: brokenOff("stop") }, "stays, leave"],
  ["and what is submitted", { task: "submitting", event: brokenOff("stop") }, "stays, leave"],
  [
    "also of a cancelled one",
    { task: "running", event: brokenOff("stop"), prompt: "cancelled" },
    "stays, leave",
  ],
  ["a lost lease leaves it", { task: "running", event: brokenOff("lease_lost") }, "stays, leave"],
  [
    "a deadline books the hold",
    { task: "running", event: brokenOff("deadline") },
    "timeout unknown 20000, leave, says timeout",
  ],
  ["a call that never came is no timeout", {
    task: "submitting",
    event: brokenOff("deadline"),
    isInDoubt: true,
  }, unknown],
  [
    "a deadline of a cancelled one is its cancelling",
    { task: "running", event: brokenOff("deadline"), prompt: "cancelled" },
    "cancelled table 20000, leave",
  ],
  [
    "a cancelled one that may be stopped is stopped",
    { task: "running", event: brokenOff("cancelled"), prompt: "cancelled", terms: stoppable },
    "stays, ask_to_stop",
  ],
  [
    "a free one too",
    { task: "running", event: brokenOff("cancelled"), prompt: "cancelled", terms: free },
    "stays, ask_to_stop",
  ],
  [
    "a free call is broken off for nothing",
    { task: "submitting", event: brokenOff("cancelled"), prompt: "cancelled", terms: freeOneShot },
    "cancelled none 0, leave",
  ],
  [
    "a paid one is in doubt",
    { task: "submitting", event: brokenOff("cancelled"), prompt: "cancelled" },
    unknown,
  ],

  [
    "what was stopped for nothing is free",
    {
      task: "running",
      event: { type: "stop_answered", isBilled: false },
      prompt: "cancelled",
      terms: stoppable,
    },
    "cancelled none 0, leave",
  ],
  [
    "what is billed all the same is booked",
    {
      task: "running",
      event: { type: "stop_answered", isBilled: true },
      prompt: "cancelled",
      terms: stoppable,
    },
    "cancelled table 20000, leave",
  ],
  [
    "unless nobody bills it",
    { task: "running", event: { type: "stop_answered", isBilled: true }, prompt: "cancelled", terms: free },
    "cancelled none 0, leave",
  ],

  ["cancelling what waits is free", { task: "waiting", event: cancelled }, "cancelled none 0, leave"],
  ["what can't be stopped is billed", { task: "running", event: cancelled }, "cancelled table 20000, leave"],
  ["what can be is left open", { task: "running", event: cancelled, terms: stoppable }, "stays, leave"],
  ["as is a submission", { task: "submitting", event: cancelled }, "stays, leave"],
  [
    "a free one ends at once",
    { task: "submitting", event: cancelled, terms: free },
    "cancelled none 0, leave",
  ],
  [
    "a repeatable one too",
    { task: "running", event: cancelled, terms: repeatable },
    "cancelled none 0, leave",
  ],

  [
    "what was not begun is given up for nothing",
    { task: "waiting", event: givenUp },
    "provider_failed none 0, leave",
  ],
  [
    "what runs is unknown",
    { task: "running", event: givenUp, terms: stoppable },
    "outcome_unknown unknown 20000, leave",
  ],
  [
    "as is a submission that is given up",
    { task: "submitting", event: givenUp },
    "outcome_unknown unknown 20000, leave",
  ],
  ["a free one is known", { task: "running", event: givenUp, terms: free }, "provider_failed none 0, leave"],
  [
    "and a repeatable one",
    { task: "submitting", event: givenUp, terms: repeatable },
    "provider_failed none 0, leave",
  ],
];

for (const [sentence, given, expected] of table) {
  const about = [given.event.type, given.task, given.prompt].filter((word) => word !== undefined).join(", ");
  Deno.test(`${about}: ${sentence}`, () => assert.equal(told(given), expected));
}

Deno.test("a task that has ended stays as it ended, whatever is heard of it", () => {
  const charge = { costMicros: 1, basis: "reported" as const, priceRow: null };
  const ended: Task = { ...held, state: "done", charge };
  const facts = { prompt: prompts.open, terms: paid, isStopping: false, isInDoubt: false };
  for (const event of new Set(table.map(([, given]) => given.event))) {
    const { task, move, notes } = step(ended, event, facts);
    assert.ok(task === ended && move.do === "leave" && notes.length === 0, event.type);
  }
});

Deno.test("the times that count are kept: of the submission, of the answer to it, and how long it took", () => {
  const begun = take({ task: "waiting", event: takenUp });
  assert.deepEqual([begun.task, begun.move], [{ ...tasks.submitting, submittedAt: 200 }, {
    do: "submit",
    at: 200,
  }]);
  assert.deepEqual(take({ task: "submitting", event: submitted }).task, {
    ...tasks.running,
    submittedAt: 300,
  });
  assert.deepEqual(take({ task: "running", event: finished() }).notes, [{ type: "finished", tookMs: 300 }]);
  assert.deepEqual(take({ task: "submitting", event: busy }).notes[1], { type: "retry", afterMs: 5 });
  const since = { do: "await_call", since: 100 };
  assert.deepEqual(take({ task: "submitting", event: lost, terms: calling }).move, since);
});

/** For a submission, and for what runs. */
const costs: [name: string, terms: Terms, submitting: string, running: string][] = [
  ["paid", paid, "unknown", "price"],
  ["to be stopped", stoppable, "unknown", "provider_says"],
  ["free", freeOneShot, "nothing", "nothing"],
  ["free and to be stopped", free, "nothing", "provider_says"],
  ["repeatable", repeatable, "nothing", "nothing"],
  ["not offered any more", termsOf(null), "unknown", "price"],
];

for (const [name, terms, submitting, running] of costs) {
  Deno.test(`what breaking off costs where it is ${name}`, () => {
    assert.equal(costOfBreakingOff(tasks.waiting, terms), "nothing");
    assert.equal(costOfBreakingOff(tasks.submitting, terms), submitting);
    assert.equal(costOfBreakingOff(tasks.running, terms), running);
  });
}

Deno.test("what would be left in doubt, or is just being stored, is not broken off before its time", () => {
  const may = (task: TaskName, why: "stop" | "cancelled", terms: Terms, isStoring = false) =>
    mayBreakOff(tasks[task], { why, terms, isStoring });
  assert.equal(may("running", "stop", paid), true);
  assert.equal(may("running", "cancelled", paid), true);
  assert.equal(may("submitting", "stop", paid), false);
  assert.equal(may("submitting", "cancelled", paid), false);
  assert.equal(may("submitting", "stop", repeatable), true);
  // A free call would be lost by a stop: the next start could not do it again.
  assert.equal(may("submitting", "stop", freeOneShot), false);
  assert.equal(may("submitting", "cancelled", freeOneShot), true);
  assert.equal(may("running", "stop", repeatable, true), false);
  assert.equal(may("running", "cancelled", paid, true), false);
  assert.equal(may("running", "cancelled", free, true), true);
});

Deno.test("a provider and its model say what may be done; one that is gone lets nothing be done", () => {
  const { provider } = createStandIn({
    isRepeatable: true,
    resume: async function* () {},
    await: async function* () {},
    cancel: () => Promise.resolve("billed"),
  });
  assert.deepEqual(termsOf({ provider, model: { ...standInModel, isFree: true } }), {
    isRepeatable: true,
    isFree: true,
    canResume: true,
    canBeStopped: true,
    canCall: true,
  });
  const nothing: Terms = {
    isRepeatable: false,
    isFree: false,
    canResume: false,
    canBeStopped: false,
    canCall: false,
  };
  assert.deepEqual(termsOf(null), nothing);
  assert.deepEqual(termsOf({ provider: createStandIn().provider, model: standInModel }), nothing);
});
