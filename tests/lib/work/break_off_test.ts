/** What each way of breaking a task off comes to, by what the provider is like and how far the task had come. */
import assert from "node:assert/strict";
import type { Provider } from "../../../lib/catalog/provider.ts";
import type { Prompt, Task } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { giveBackLease, takeOverLease } from "../../../lib/prompts/queue.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { startRun } from "../../../lib/work/run_prompt.ts";
import { writeProgress } from "../../../lib/work/settle.ts";
import { createTaskDurations } from "../../../lib/work/task_durations.ts";
import { submit } from "../../fixtures/prompts.ts";
import { createStandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { startPrompt } from "../../fixtures/store.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";

const never = async function* () {};

const providers: { [name: string]: Partial<Provider> } = {
  "one that can't be stopped": { resume: never },
  "one that stops for nothing": { resume: never, cancel: () => Promise.resolve("not_billed") },
  "one that bills what it stops": { resume: never, cancel: () => Promise.resolve("billed") },
  "a free one that can be stopped": {
    resume: never,
    cancel: () => Promise.resolve("not_billed"),
    models: [{ ...standInModel, isFree: true }],
  },
  "a repeatable one": { isRepeatable: true },
};

const states: { [state: string]: Partial<Task> } = {
  waiting: { state: "waiting" },
  submitting: { state: "submitting", submittedAt: 1 },
  running: { state: "running", submittedAt: 1, handle: { taskId: "1" } },
};

type Event = (studio: Studio, promptId: string) => Promise<void>;

const events: { [name: string]: Event } = {
  async "cancelled"({ store, deps }, promptId) {
    await cancelPrompt({ store, models: deps.models }, (await readPrompt(store, promptId))!);
  },
  async "cancelled and taken up"(studio, promptId) {
    await events.cancelled(studio, promptId);
    await run(studio, promptId);
  },
  async "three crashes"(studio, promptId) {
    await change(studio, promptId, { crashes: 3 });
    await run(studio, promptId);
  },
  async "its model gone"(studio, promptId) {
    studio.standIn.provider = Object.assign(studio.standIn.provider, { models: [] });
    await change(studio, promptId, { retries: 5 });
    await run(studio, promptId);
  },
};

/** In this order: waiting, submitting, running. */
const expected: { [provider: string]: { [event: string]: [string, string, string] } } = {
  "one that can't be stopped": {
    "cancelled": ["CANCELLED cancelled none 0", "CANCELLED submitting", "CANCELLED cancelled table 20000"],
    "cancelled and taken up": [
      "CANCELLED cancelled none 0",
      "CANCELLED outcome_unknown unknown 20000",
      "CANCELLED cancelled table 20000",
    ],
    ...givenUp({ costsNothing: false }),
  },
  "one that stops for nothing": {
    "cancelled": ["CANCELLED cancelled none 0", "CANCELLED submitting", "CANCELLED running"],
    "cancelled and taken up": [
      "CANCELLED cancelled none 0",
      "CANCELLED outcome_unknown unknown 20000",
      "CANCELLED cancelled none 0",
    ],
    ...givenUp({ costsNothing: false }),
  },
  "one that bills what it stops": {
    "cancelled": ["CANCELLED cancelled none 0", "CANCELLED submitting", "CANCELLED running"],
    "cancelled and taken up": [
      "CANCELLED cancelled none 0",
      "CANCELLED outcome_unknown unknown 20000",
      "CANCELLED cancelled table 20000",
    ],
    ...givenUp({ costsNothing: false }),
  },
  "a free one that can be stopped": {
    "cancelled": ["CANCELLED cancelled none 0", "CANCELLED cancelled none 0", "CANCELLED running"],
    "cancelled and taken up": [
      "CANCELLED cancelled none 0",
      "CANCELLED cancelled none 0",
      "CANCELLED cancelled none 0",
    ],
    ...givenUp({ costsNothing: true }),
  },
  "a repeatable one": {
    "cancelled": [
      "CANCELLED cancelled none 0",
      "CANCELLED cancelled none 0",
      "CANCELLED cancelled none 0",
    ],
    "cancelled and taken up": [
      "CANCELLED cancelled none 0",
      "CANCELLED cancelled none 0",
      "CANCELLED cancelled none 0",
    ],
    ...givenUp({ costsNothing: true }),
  },
};

/** Nobody asks or follows it any more. */
function givenUp({ costsNothing }: { costsNothing: boolean }): { [event: string]: [string, string, string] } {
  const unknown = "FAILED outcome_unknown unknown 20000";
  const crashed = costsNothing ? "FAILED provider_failed none 0" : unknown;
  return {
    "three crashes": ["FAILED provider_failed none 0", crashed, crashed],
    "its model gone": ["FAILED provider_unavailable none 0", unknown, unknown],
  };
}

async function run({ store, deps }: Studio, promptId: string): Promise<void> {
  const leased = await takeOverLease(store, { promptId, owner: "this process", isCrash: false });
  if (leased === null) return;
  const more = { taskDurations: createTaskDurations(store), random: () => 0.5, storagePatienceMs: 0 };
  await startRun({ ...deps, ...more }, leased).ended;
}

async function change({ store }: Studio, promptId: string, changes: Partial<Prompt>): Promise<void> {
  const before = (await readPrompt(store, promptId))!;
  await writeProgress(store, { before, after: { ...before.value, ...changes } as Prompt });
}

/** The task's end, or how it is left. */
async function comesTo(studio: Studio, promptId: string): Promise<string> {
  const { tasks: [task], status } = (await readPrompt(studio.store, promptId))!.value;
  if (task.state === "done") return "done";
  if (task.state !== "failed") return `${status} ${task.state}`;
  return `${status} ${task.failure.reason} ${task.charge.basis} ${task.charge.costMicros}`;
}

for (const [name, provider] of Object.entries(providers)) {
  for (const [event, happen] of Object.entries(events)) {
    Deno.test(`${name}: ${event}`, async () => {
      const seen: string[] = [];
      for (const state of Object.values(states)) {
        await using studio = await createStudio({ standIn: createStandIn(provider), isWorking: false });
        const promptId = await submit(await studio.withKey());
        const { value, versionstamp } = await startPrompt(studio.store, promptId);
        const tasks = [{ ...value.tasks[0], ...state } as Task];
        await writeProgress(studio.store, { before: { value, versionstamp }, after: { ...value, tasks } });
        await giveBackLease(studio.store, { promptId, number: value.leaseNumber });
        await happen(studio, promptId);
        seen.push(await comesTo(studio, promptId));
      }
      assert.deepEqual(seen, expected[name][event]);
    });
  }
}
