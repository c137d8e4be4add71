/**
 * Random interleavings of all that happens to money (accept, fail, refuse, cancel, retry, kill and restart, a new
 * month) against a model of a few lines: held, spent and charged agree after every step, and the books verify.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { monthOf } from "../../../lib/money/account.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { createKvDoorbell } from "../../../lib/prompts/doorbell.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { readAccount, readMonth } from "../../../lib/money/ledger.ts";
import { createModels } from "../../../lib/catalog/models.ts";
import { createProviderTasks } from "../../../lib/catalog/provider_tasks.ts";
import { createTaskDurations } from "../../../lib/work/task_durations.ts";
import { createPriceBook } from "../../../lib/catalog/price_book.ts";
import { createProgressBoard } from "../../../lib/prompts/progress.ts";
import { isHeld } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { type ProviderEvent, ProviderFailure, type TaskRequest } from "../../../lib/catalog/provider.ts";
import { quoteOf } from "../../../lib/prompts/quote.ts";
import { requestPrompt } from "../../../lib/prompts/request_prompt.ts";
import { createStore, type Store } from "../../../lib/store/store.ts";
import type { User } from "../../../lib/users/user.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createFewAtOnce } from "../../../lib/in_turn.ts";
import { createWorker, type Worker } from "../../../lib/work/worker.ts";
import { noBatches } from "../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { mortalKv } from "../../fixtures/mortal_kv.ts";
import { createTestUser, endlessRoom } from "../../fixtures/store.ts";
import {
  createStandIn,
  picture,
  standInModel,
  standInPriceMicros as price,
} from "../../fixtures/stand_in_provider.ts";

/** What happens to a task at the provider; its prompt's text says it, so it is the same after every restart. */
const plans = [
  "ok",
  "cheap",
  "dear",
  "refused",
  "billed refusal",
  "rejected",
  "lost",
  "slow",
  "stuck",
] as const;
type Plan = (typeof plans)[number];

/** What the provider bills for it in the end, or what is booked where nobody can say. */
const bills: { [plan in Plan]: number } = {
  "ok": price,
  "cheap": 12_500,
  "dear": 70_000,
  "refused": 0,
  "billed refusal": 300,
  "rejected": 0,
  "lost": price,
  "slow": price,
  "stuck": price,
};

type Step =
  | { do: "accept"; user: number; plans: Plan[] }
  | { do: "cancel" | "retry" | "release"; which: number }
  | { do: "kill" | "restart" | "next month" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("accept" as const),
      user: fc.nat(1),
      plans: fc.array(fc.constantFrom(...plans), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("cancel" as const, "retry", "release"), which: fc.nat(20) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("kill" as const, "restart", "next month") }) },
);

/** Shorter than a month; what is resumed after it has passed is given half a minute more, which no story lasts. */
const deadlineMs = 20 * 24 * 3600 * 1000;

const budgets = [150_000, null];

/** The model: what a prompt still holds, or what it was charged and in which month. */
interface Expected {
  id: string;
  user: number;
  plans: Plan[];
  /** Tasks that still run, by plan: "slow" is known to the provider, "stuck" is being submitted. */
  open: Plan[];
  /** It was open when the process was killed; a second time would put it under suspicion. */
  wasKilled: boolean;
  settledIn: string | null;
}

interface Process {
  store: Store;
  worker: Worker;
  kill(): Promise<void>;
}

async function play(steps: Step[]): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const blobs = createMemoryBlobs();
  const gates = new Map<string, PromiseWithResolvers<void>>();
  let clock = Date.parse("2026-11-25T12:00:00Z");
  const now = () => clock;
  const expected: Expected[] = [];
  let process = await start();
  const users: User[] = [];
  for (const monthlyBudgetMicros of budgets) {
    users.push(await createTestUser(process.store, { monthlyBudgetMicros }));
  }
  try {
    for (const each of steps) {
      await take(each);
      await agree();
    }
  } finally {
    await process.kill();
    kv.close();
  }

  async function start(): Promise<Process> {
    const mortal = mortalKv(kv);
    const death = Promise.withResolvers<void>();
    const store = createStore({ kv: mortal.kv, now });
    const script = (task: TaskRequest, signal: AbortSignal, isResumed: boolean) =>
      perform(task, { signal, isResumed, death: death.promise });
    const { provider, prices } = createStandIn({
      models: [{ ...standInModel, sizes: ["16x16"], deadlineMs }],
      generate: (task, { signal }) => script(task, signal, false),
      resume: (_, task, { signal }) => script(task, signal, true),
    });
    const models = createModels({
      providers: [provider],
      prices: createPriceBook(prices),
      defaultModel: undefined,
      now,
    });
    const worker = createWorker({
      batches: noBatches,
      sources: {
        offer: () => Promise.reject(new Error("nobody fetches")),
        withdraw: () => Promise.resolve(),
      },
      store,
      doorbell: createKvDoorbell(store, () => {}),
      models,
      blobs,
      decoding: createFewAtOnce(2),
      progress: createProgressBoard(),
      taskDurations: createTaskDurations(store),
      log: () => {},
      random: () => 0.5,
      callbacks: { line: () => null },
      providerTasks: createProviderTasks(store),
      health: { note: () => {} },
      storagePatienceMs: 0,
      concurrency: 1000,
      userConcurrency: 1000,
      nodeId: "test",
    });
    await worker.start();
    return {
      store: { ...store, models } as Store,
      worker,
      async kill() {
        mortal.kill();
        death.resolve();
        await worker.stop();
      },
    };
  }

  async function* perform(
    task: TaskRequest,
    { signal, isResumed, death }: { signal: AbortSignal; isResumed: boolean; death: Promise<void> },
  ): AsyncGenerator<ProviderEvent> {
    const [promptId, index] = task.taskKey.split(":");
    const plan = task.prompt.split(",")[Number(index)] as Plan;
    const gate = gates.get(promptId) ?? Promise.withResolvers<void>();
    gates.set(promptId, gate);
    const released = () => {
      const aborted = Promise.withResolvers<never>();
      if (signal.aborted) aborted.reject(signal.reason);
      signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
      const died = death.then(() => Promise.reject(new Error("the process is gone")));
      return Promise.race([gate.promise, died, aborted.promise]);
    };
    const fail = (
      reason: "content_policy" | "provider_rejected" | "outcome_unknown",
      outcome: ProviderFailure["outcome"],
      costMicros?: number,
    ) =>
      new ProviderFailure(reason, plan, {
        outcome,
        cost: costMicros === undefined ? null : { costMicros, basis: "computed" },
      });
    if (plan === "rejected") throw fail("provider_rejected", "not_created");
    if (plan === "lost") throw fail("outcome_unknown", "unknown");
    if (plan === "stuck") await released();
    if (!isResumed) yield { type: "submitted", handle: { taskId: task.taskKey } };
    if (plan === "refused") throw fail("content_policy", "failed");
    if (plan === "billed refusal") throw fail("content_policy", "billed", bills[plan]);
    if (plan === "slow") await released();
    yield { type: "image", bytes: await picture(16, 16) };
    const isReported = plan === "cheap" || plan === "dear";
    yield { type: "done", cost: isReported ? { costMicros: bills[plan], basis: "reported" } : null };
  }

  async function take(each: Step): Promise<void> {
    switch (each.do) {
      case "accept":
        return await accept(each.user, each.plans);
      case "retry": {
        const earlier = pick(each.which);
        if (earlier !== undefined && earlier.settledIn !== null) await accept(earlier.user, earlier.plans);
        return;
      }
      case "release": {
        const prompt = pick(each.which);
        if (prompt === undefined || prompt.open.length === 0) return;
        gates.get(prompt.id)!.resolve();
        return settle(prompt, []);
      }
      case "cancel": {
        const prompt = pick(each.which);
        if (prompt === undefined || prompt.settledIn !== null) return;
        const found = await readPrompt(process.store, prompt.id);
        const { store } = process;
        await cancelPrompt({ store, models: modelsOf(store) }, found!);
        // What is being submitted is billed once its outcome is known; what runs can't be stopped and is billed now.
        return settle(prompt, prompt.open.filter((plan) => plan === "stuck"));
      }
      case "kill":
        if (expected.some(({ open, wasKilled }) => open.length > 0 && wasKilled)) return;
        await process.kill();
        process = await start();
        return restarted({ wasKilled: true });
      case "restart":
        // A stop waits for what is being submitted, so that nothing is in doubt afterwards.
        if (expected.some(({ open }) => open.includes("stuck"))) return;
        await process.worker.stop();
        process = await start();
        return restarted({ wasKilled: false });
      case "next month":
        clock += 31 * 24 * 3600 * 1000;
    }
  }

  function restarted({ wasKilled }: { wasKilled: boolean }): void {
    for (const prompt of expected) {
      prompt.wasKilled ||= wasKilled;
      settle(prompt, prompt.open.filter((plan) => plan !== "stuck"));
    }
  }

  async function accept(user: number, planned: Plan[]): Promise<void> {
    const { store } = process;
    const models = modelsOf(store);
    const holdMicros = price * planned.length;
    const limit = budgets[user];
    const isAffordable = limit === null || spent(user, monthOf(clock)) + held(user) + holdMicros <= limit;
    const request = {
      taskType: "TEXT_TO_IMAGE" as const,
      text: planned.join(","),
      model: "stand-in",
      imageSize: "16x16",
      count: planned.length,
      watermark: null,
      options: {},
    };
    const readiness = { demand: () => Promise.resolve(), failures: () => Promise.resolve([]) };
    const doorbell = createKvDoorbell(store, () => {});
    const accepting = requestPrompt({
      store,
      doorbell,
      readiness,
      room: endlessRoom,
      defaultBudgetMicros: null,
    }, {
      user: users[user],
      quote: quoteOf(models, { request, model: models.choose("stand-in") }),
    });
    if (!isAffordable) {
      return await assert.rejects(
        accepting,
        (error) => error instanceof Refusal && error.code === "budget_exceeded",
      );
    }
    const { prompt } = await accepting;
    const open = planned.filter((plan) => plan === "slow" || plan === "stuck");
    const made = {
      id: prompt.value.id,
      user,
      plans: planned,
      open,

      wasKilled: false,
      settledIn: null,
    };
    expected.push(made);
    settle(made, open);
  }

  function settle(prompt: Expected, open: Plan[]): void {
    prompt.open = open;
    if (open.length === 0) prompt.settledIn ??= monthOf(clock);
  }

  function pick(which: number): Expected | undefined {
    return expected.length === 0 ? undefined : expected[which % expected.length];
  }

  function held(user: number): number {
    return sum(
      expected.filter((each) => each.user === user && each.settledIn === null),
      (each) => price * each.plans.length,
    );
  }

  function spent(user: number, month?: string): number {
    const settled = expected.filter((each) =>
      each.user === user && each.settledIn !== null && (month === undefined || each.settledIn === month)
    );
    return sum(settled, (each) => sum(each.plans, (plan) => bills[plan]));
  }

  /** The store comes to what the model says, and stays there. */
  async function agree(): Promise<void> {
    const due = expected.map(({ open, settledIn }) => ({ isHeld: settledIn === null, open: open.length }));
    for (let patience = 5000;; patience--) {
      const states = await Promise.all(expected.map(({ id }) => stateOf(id)));
      if (JSON.stringify(states) === JSON.stringify(due)) break;
      if (patience === 0) assert.deepEqual(states, due);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const { store } = process;
    for (const [user, { id }] of users.entries()) {
      const { heldMicros, chargedMicros } = await readAccount(store, id);
      assert.deepEqual({ heldMicros, chargedMicros }, { heldMicros: held(user), chargedMicros: spent(user) });
      for (const month of new Set([...expected.map(({ settledIn }) => settledIn ?? ""), monthOf(clock)])) {
        if (month === "") continue;
        const { spentMicros } = await readMonth(store, { userId: id, month });
        assert.equal(spentMicros, spent(user, month), month);
      }
    }
    assert.deepEqual((await verify(store, { blobs })).violations, []);
  }

  async function stateOf(id: string): Promise<{ isHeld: boolean; open: number }> {
    const { value } = (await readPrompt(process.store, id))!;
    const open = value.tasks.filter(({ state }) =>
      state === "waiting" || state === "submitting" || state === "running"
    );
    const isSubmitted = value.tasks.every(({ state }, index) =>
      state !== "waiting" && (state !== "submitting" || value.request.text.split(",")[index] === "stuck")
    );
    return { isHeld: isHeld(value), open: isSubmitted ? open.length : -1 };
  }

  function modelsOf(store: Store) {
    return (store as Store & { models: ReturnType<typeof createModels> }).models;
  }
}

function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}

Deno.test({
  name: "held, spent and charged are what a simple model says, after every step of a thousand random stories",
  // A killed process leaves its timers to end by themselves.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const numRuns = Number(Deno.env.get("STORIES") ?? 1000);
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), play), { numRuns });
  },
});
