/**
 * Random stories of all that happens to the money of batches and single prompts, told by two nodes on one database: after
 * every step what is held is what prompts hold and batches reserve, no budget and no limit is passed but by charges above
 * their own holds, and the books verify.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { correctCharge } from "../../../lib/accounts/correct_charge.ts";
import { type Batch, isGoingOn } from "../../../lib/batches/batch.ts";
import { listOpenPrompts, readBatch, stepBatch } from "../../../lib/batches/batch_store.ts";
import { pauseBatch, resumeBatch, setLimit } from "../../../lib/batches/change_batch.ts";
import { monthOf } from "../../../lib/money/account.ts";
import type { Charge } from "../../../lib/money/charge.ts";
import { readAccount, readMonth } from "../../../lib/money/ledger.ts";
import { failure } from "../../../lib/prompts/failure_words.ts";
import { type Prompt, type Task, toOutcome } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { claimPrompt } from "../../../lib/prompts/queue.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { createStore } from "../../../lib/store/store.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { cancelBatch } from "../../../lib/work/end_batch.ts";
import { writeProgress } from "../../../lib/work/settle.ts";
import { acceptTestBatch, beginRows } from "../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";
import {
  acceptPrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  silentDoorbell as doorbell,
  testImage,
} from "../../fixtures/store.ts";

const budgetMicros = 20 * price;

type Story = fc.Arbitrary<
  & { node: number; which: number }
  & (
    | { do: "batch"; rows: number; limit: number | null }
    | { do: "single" | "begin" | "pause" | "resume" | "cancel batch" | "cancel prompt" | "deadline" }
    | { do: "end"; percent: number; isMade: boolean; isUnknown: boolean }
    | { do: "limit"; limit: number | null }
    | { do: "correct"; percent: number }
  )
>;

const limit = fc.option(fc.integer({ min: 0, max: 24 }), { nil: null });
const who = { node: fc.nat(1), which: fc.nat(20) };

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ ...who, do: fc.constant("batch"), rows: fc.integer({ min: 1, max: 12 }), limit }),
  },
  { weight: 1, arbitrary: fc.record({ ...who, do: fc.constant("single") }) },
  { weight: 6, arbitrary: fc.record({ ...who, do: fc.constant("begin") }) },
  {
    weight: 9,
    arbitrary: fc.record({
      ...who,
      do: fc.constant("end"),
      /** Of its hold. */
      percent: fc.integer({ min: 0, max: 130 }),
      isMade: fc.boolean(),
      isUnknown: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...who, do: fc.constantFrom("pause", "resume") }) },
  { weight: 1, arbitrary: fc.record({ ...who, do: fc.constantFrom("cancel batch", "cancel prompt") }) },
  { weight: 1, arbitrary: fc.record({ ...who, do: fc.constant("deadline") }) },
  { weight: 2, arbitrary: fc.record({ ...who, do: fc.constant("limit"), limit }) },
  {
    weight: 1,
    arbitrary: fc.record({ ...who, do: fc.constant("correct"), percent: fc.integer({ min: 0, max: 100 }) }),
  },
) as Story;

async function play(steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Promise<void> {
  using first = await createTestStore();
  const nodes = [first, createStore({ kv: first.kv, now: first.now })];
  const blobs = createMemoryBlobs();
  const user = await createTestUser(first, { monthlyBudgetMicros: budgetMicros });
  const models = createTestModels(first.now);
  const batches: string[] = [];
  const singles: string[] = [];
  const unknown: { promptId: string; costMicros: number }[] = [];
  /** Charged above own holds, in all and by batch. */
  const above = new Map<string, number>();
  const highest = new Map<string, number>();

  for (const each of steps) {
    await take(each).catch(expectRefusal);
    await check();
  }

  async function take(each: (typeof steps)[0]): Promise<void> {
    const store = nodes[each.node];
    const batch = await pick(batches, each.which, (id) => readBatch(store, id));
    switch (each.do) {
      case "batch": {
        const limitMicros = each.limit === null ? null : each.limit * price / 2;
        const { batch: { value } } = await acceptTestBatch({ store, blobs }, user, {
          rows: each.rows,
          terms: { limitMicros, deadline: store.now() + 1000 },
        });
        batches.push(value.id);
        highest.set(value.id, limitMicros ?? Infinity);
        return;
      }
      case "single":
        singles.push((await acceptPrompt(store, user)).prompt.value.id);
        return;
      case "begin":
        if (batch !== null) await beginRows({ store, blobs }, batch.value, { window: 3 });
        return;
      case "end": {
        const prompt = await openPrompt(batch?.value ?? null, each.which);
        if (prompt !== null) await end(prompt, { ...each, store });
        return;
      }
      case "pause":
        if (batch !== null) await pauseBatch({ store, doorbell }, batch.value);
        return;
      case "resume":
        if (batch !== null) await resumeBatch({ store, doorbell }, batch.value);
        return;
      case "cancel batch":
        if (batch !== null) await cancelBatch({ store, models }, batch.value);
        return;
      case "cancel prompt": {
        const prompt = await openPrompt(batch?.value ?? null, each.which);
        const found = prompt && await readPrompt(store, prompt.id);
        if (found !== null) await cancelPrompt({ store, models }, found);
        return;
      }
      case "deadline":
        if (batch === null) return;
        first.clock.advance(1000);
        await stepBatch(store, {
          userId: user.id,
          batchId: batch.value.id,
          event: () => ({ type: "deadline_passed" }),
        });
        return;
      case "limit": {
        if (batch === null) return;
        const limitMicros = each.limit === null ? null : each.limit * price / 2;
        await setLimit({ store, doorbell, defaultBudgetMicros: null }, {
          user,
          batch: batch.value,
          limitMicros,
        });
        const { id } = batch.value;
        highest.set(id, Math.max(highest.get(id)!, limitMicros ?? Infinity));
        return;
      }
      case "correct": {
        const charge = unknown.pop();
        if (charge === undefined) return;
        const billedMicros = Math.round(charge.costMicros * each.percent / 100);
        await correctCharge(store, { promptId: charge.promptId, billedMicros, by: user.id, note: "" });
      }
    }
  }

  async function openPrompt(batch: Batch | null, which: number): Promise<Prompt | null> {
    const alone = await Promise.all(singles.map((id) => readPrompt(first, id)));
    const open = [
      ...batch === null ? [] : await listOpenPrompts(first, batch),
      ...alone.flatMap((found) =>
        found !== null && ["PENDING", "PROCESSING"].includes(found.value.status) ? [found] : []
      ),
    ];
    return open.length === 0 ? null : open[which % open.length].value;
  }

  async function end(
    prompt: Prompt,
    { store, percent, isMade, isUnknown }: {
      store: typeof nodes[0];
      percent: number;
      isMade: boolean;
      isUnknown: boolean;
    },
  ): Promise<void> {
    const leased = await claimPrompt(store, { promptId: prompt.id, owner: "test" });
    // It may be of a batch that is halted.
    if (leased?.prompt.value.status !== "PROCESSING") return;
    const before = { ...leased.prompt, value: leased.prompt.value };
    const costMicros = Math.round(prompt.holdMicros * percent / 100);
    const basis = costMicros === 0 ? "none" : isUnknown && !isMade ? "unknown" : "reported";
    const charge: Charge = { costMicros, basis, priceRow: null };
    const images = isMade ? [testImage(first, prompt)] : [];
    for (const { id } of images) await blobs.put(`images/${id.slice(-2)}/${id}`, new Uint8Array(1), "");
    const task: Task = isMade
      ? { state: "done", count: 1, images: images.map(({ id }) => ({ id, isDeleted: false })), charge }
      : { state: "failed", count: 1, images: [], charge, failure: failure("outcome_unknown") };
    const after = toOutcome({ ...before.value, tasks: [task] }, { at: store.now() });
    assert.ok(await writeProgress(store, { before, after, images }));
    if (basis === "unknown") unknown.push({ promptId: prompt.id, costMicros });
    const beyond = Math.max(0, costMicros - prompt.holdMicros);
    for (const name of ["all", prompt.batchId ?? "alone"]) above.set(name, (above.get(name) ?? 0) + beyond);
  }

  async function check(): Promise<void> {
    const found = (await Promise.all(batches.map((id) => readBatch(first, id)))).map((batch) => batch!.value);
    const alone = await Promise.all(singles.map((id) => readPrompt(first, id)));
    const account = await readAccount(first, user.id);
    const held = found.reduce((sum, { heldMicros, reserveMicros }) => sum + heldMicros + reserveMicros, 0) +
      alone.reduce(
        (sum, prompt) => sum + (["PENDING", "PROCESSING"].includes(prompt!.value.status) ? price : 0),
        0,
      );
    assert.equal(account.heldMicros, held);
    const { spentMicros } = await readMonth(first, { userId: user.id, month: monthOf(first.now()) });
    assert.ok(spentMicros + account.heldMicros <= budgetMicros + (above.get("all") ?? 0));
    for (const batch of found) {
      const most = highest.get(batch.id)! + (above.get(batch.id) ?? 0);
      assert.ok(batch.chargedMicros + batch.heldMicros <= most, `${batch.chargedMicros} of ${most}`);
      assert.ok(batch.reserveMicros >= 0);
      if (!isGoingOn(batch)) assert.equal(batch.reserveMicros, 0);
    }
    assert.deepEqual((await verify(first, { blobs })).violations, []);
  }
}

async function pick<T>(
  ids: readonly string[],
  which: number,
  read: (id: string) => Promise<T | null>,
): Promise<T | null> {
  return ids.length === 0 ? null : await read(ids[which % ids.length]);
}

function expectRefusal(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}

Deno.test("held, reserved and charged add up after every step of many random stories of batches", async () => {
  const numRuns = Number(Deno.env.get("STORIES") ?? 150);
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), play), { numRuns });
});
