/**
 * A month in which anything happens that is counted, in any order, in a process that may die at any of its commits. Then
 * the numbers are those of the ledger, and nothing of them is lost or counted twice.
 */
import assert from "node:assert/strict";
import { startDeletions } from "../../fixtures/deletions.ts";
import fc from "fast-check";
import { correctCharge, listUnknownCharges } from "../../../lib/accounts/correct_charge.ts";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { deleteImage, undoDeletion } from "../../../lib/images/delete_image.ts";
import type { TrashedImage } from "../../../lib/images/image.ts";
import { listImages } from "../../../lib/images/image_store.ts";
import { rated } from "../../../lib/images/marking.ts";
import type { Correction, LedgerEntry } from "../../../lib/money/ledger.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { totalOf } from "../../../lib/statistics/analytics.ts";
import { readAnalytics } from "../../../lib/statistics/read_analytics.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import { createStore, type Store } from "../../../lib/store/store.ts";
import type { User } from "../../../lib/users/user.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestModels,
  createTestUser,
  failPrompt,
  losePrompt,
} from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const people = 3;
const from = Date.parse("2026-10-20T00:00:00Z");

const step = fc.record({
  who: fc.nat(people - 1),
  what: fc.constantFrom(
    "complete",
    "complete",
    "complete",
    "fail",
    "lose",
    "cancel",
    "star",
    "star",
    "unstar",
    "delete",
    "undelete",
    "correct",
    "leave",
  ),
  which: fc.nat(50),
  /** Hours that pass afterwards. */
  hours: fc.nat(40),
  /** The process dies at that commit of what it does; it may have been written. */
  diesAt: fc.option(fc.record({ commit: fc.integer({ min: 1, max: 4 }), isWritten: fc.boolean() }), {
    freq: 3,
  }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function play(steps: Step[]): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  const blobs = createMemoryBlobs();
  let at = from;
  const now = () => at;
  let store = createStore({ kv, now });
  const { atomic } = kv;
  const users: (User | null)[] = [];
  for (let i = 0; i < people; i++) users.push(await createTestUser(store));
  for (const { who, what, which, hours, diesAt } of steps) {
    const user = users[who];
    if (user === null) continue;
    if (diesAt !== null) dieAt(kv, diesAt);
    await happen({ store, blobs, user, what, which }).catch((error) => {
      if (!(error instanceof Died) && !(error instanceof Refusal)) throw error;
    });
    if (diesAt !== null) {
      kv.atomic = atomic;
      store = createStore({ kv, now });
    }
    if (what === "leave") {
      // Also while one is on its way out, each entry counts once.
      await compareSums(store);
      if (await isLeaving(store, user)) users[who] = null;
      await takeUpDeletions({ store, blobs });
    }
    await compare(store, blobs);
    at += hours * 3_600_000 + 7_777;
  }
}

class Died extends Error {}

function dieAt(kv: Deno.Kv, { commit: last, isWritten }: { commit: number; isWritten: boolean }): void {
  let left = last;
  interceptCommits(kv, async (_, commit) => {
    if (--left > 0) return await commit();
    if (left === 0 && isWritten) await commit();
    throw new Died();
  });
}

interface Moment {
  store: Store;
  blobs: ReturnType<typeof createMemoryBlobs>;
  user: User;
  what: Step["what"];
  which: number;
}

async function happen({ store, blobs, user, what, which }: Moment): Promise<void> {
  const userId = user.id;
  const images = async () => {
    const { items } = await listImages(store, { userId, limit: 100 });
    return items.length === 0 ? [] : [items[which % items.length]];
  };
  switch (what) {
    case "complete":
      await completePrompt(store, user, {
        blobs,
        costMicros: 1111 * (1 + which),
        request: { count: 1 + which % 3 },
      });
      return;
    case "fail":
      await failPrompt(store, user);
      return;
    case "lose":
      await losePrompt(store, user);
      return;
    case "cancel": {
      const accepted = await acceptPrompt(store, user);
      await cancelPrompt({ store, models: createTestModels(store.now) }, accepted.prompt);
      return;
    }
    case "star":
    case "unstar":
      for (const { id } of await images()) {
        const rating = what === "star" ? 4 + which % 2 : which % 4;
        await markImage(store, { userId, imageId: id }, rated(rating));
      }
      return;
    case "delete":
      for (const image of await images()) await deleteImage(store, image);
      return;
    case "undelete":
      for await (const { value } of store.kv.list<TrashedImage>({ prefix: [...kinds.trash] })) {
        if (value.image.userId === userId) await undoDeletion(store, { userId, imageId: value.image.id });
      }
      return;
    case "correct":
      for (const { promptId } of await listUnknownCharges(store, { limit: 1 + which % 2 })) {
        await correctCharge(store, { promptId, billedMicros: which, by: userId, note: "as billed" });
      }
      return;
    case "leave":
      await takeUpDeletions({ store, blobs }, userId);
      return;
  }
}

async function isLeaving(store: Store, { id }: User): Promise<boolean> {
  return (await store.kv.get(keys.deletion(id))).value !== null;
}

/** As the next process does; another one begins. */
async function takeUpDeletions(
  { store, blobs }: Pick<Moment, "store" | "blobs">,
  userId?: string,
): Promise<void> {
  const deletions = startDeletions({
    store,
    blobs: { ...blobs, isHolding: () => false },
    models: createTestModels(store.now),
    log: () => {},
  });
  try {
    if (userId === undefined) await deletions.start();
    else await deletions.request(userId);
    if (userId === undefined) {
      await until(
        () => Array.fromAsync(store.kv.list<{ finishedAt: number | null }>({ prefix: [...kinds.deletions] })),
        (all) => all.every(({ value }) => value.finishedAt !== null),
      );
    }
  } finally {
    await deletions.stop();
  }
}

async function compare(store: Store, blobs: Moment["blobs"]): Promise<void> {
  await compareSums(store);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
}

/** By person and day, to the micro-dollar: added up here from the ledger, by nothing that the numbers are made with. */
async function compareSums(store: Store): Promise<void> {
  const due = new Map<string, { prompts: number; images: number; costMicros: number; lostMicros: number }>();
  for await (const { value } of store.kv.list<LedgerEntry>({ prefix: [...kinds.ledger] })) {
    const { value: correction } = await store.kv.get<Correction>(keys.correction(value.promptId));
    const costMicros = value.costMicros + (correction?.costMicros ?? 0);
    const status = value.outcome?.status ?? (await readPrompt(store, value.promptId))?.value.status;
    // Whoever is on their way out is nobody.
    const isThere = value.userId !== null && (await store.kv.get(keys.user(value.userId))).value !== null;
    const name = `${isThere ? value.userId : null} ${new Date(value.at).toISOString().slice(0, 10)}`;
    const sum = due.get(name) ?? { prompts: 0, images: 0, costMicros: 0, lostMicros: 0 };
    due.set(name, {
      prompts: sum.prompts + 1,
      images: sum.images + value.images,
      costMicros: sum.costMicros + costMicros,
      lostMicros: sum.lostMicros + (status === "COMPLETED" ? 0 : costMicros),
    });
  }
  const days = { from: "2026-10-01", to: "2027-09-01" };
  const { rows } = await readAnalytics(store, { userId: "", scope: "all", days });
  const found = new Map(rows.map(({ userId, day, rollup }) => {
    const { prompts, images, costMicros, lostMicros } = rollup;
    return [`${userId} ${day}`, { prompts, images, costMicros, lostMicros }];
  }));
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(due));
  const { completed, failed, cancelled, prompts } = totalOf(rows);
  assert.equal(completed + failed + cancelled, prompts);
}

Deno.test("whatever happens in a month, and however often the process dies, the numbers are those of the ledger", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), play), {
    numRuns: 25,
    endOnFailure: true,
  });
});
