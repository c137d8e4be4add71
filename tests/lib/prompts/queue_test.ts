import assert from "node:assert/strict";
import fc from "fast-check";
import { isFinal, type ProcessingPrompt } from "../../../lib/prompts/prompt.ts";
import { listPrompts, readPrompt } from "../../../lib/prompts/prompt_store.ts";
import {
  claimPrompt,
  giveBackLease,
  listDelayed,
  listLeases,
  listWaiting,
  nextInTurn,
  promoteDelayed,
  queuePositions,
  readLease,
  renewLease,
  requeue,
  takeOverLease,
} from "../../../lib/prompts/queue.ts";
import { usualLeaseTimes } from "../../../lib/store/lapse.ts";
import { keys } from "../../../lib/store/schema.ts";
import type { Versioned } from "../../../lib/store/store.ts";
import type { User } from "../../../lib/users/user.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  acceptPrompt,
  cancelUnbilled,
  completePrompt,
  createTestStore,
  createTestUser,
  failStarted,
  startPrompt,
  type TestStore,
} from "../../fixtures/store.ts";

const { leaseMs } = usualLeaseTimes;

/** Accepts prompts for a user; returns their ids in order. */
async function accept(store: TestStore, user: User, count: number): Promise<string[]> {
  const ids = [];
  for (let i = 0; i < count; i++) ids.push((await acceptPrompt(store, user)).prompt.value.id);
  return ids;
}

async function createUsers(store: TestStore, count: number): Promise<User[]> {
  return await Promise.all(Array.from({ length: count }, () => createTestUser(store)));
}

const endless = () => Infinity;

/** The next one prompt; of nobody who has no room. */
async function nextOne(store: TestStore, after: string, roomOf: (userId: string) => number = endless) {
  const [next = null] = await nextInTurn(store, { after, limit: 1, roomOf });
  return next;
}

/** Claims one prompt after the other as workers would, and returns their ids. */
async function claimInTurn(
  store: TestStore,
  count: number,
  roomOf: (userId: string) => number = endless,
): Promise<string[]> {
  const claimed = [];
  for (let after = ""; claimed.length < count;) {
    const next = await nextOne(store, after, roomOf);
    if (next === null) break;
    assert.notEqual(await claimPrompt(store, { promptId: next.promptId, owner: "w" }), null);
    claimed.push(next.promptId);
    after = next.userId;
  }
  return claimed;
}

Deno.test("within a user first come is first served", async () => {
  using store = await createTestStore();
  const ids = await accept(store, await createTestUser(store), 5);
  assert.deepEqual(await claimInTurn(store, 9), ids);
});

Deno.test("users take turns: a hundred prompts of one do not hold up another's first", async () => {
  using store = await createTestStore();
  const [ada, bob, eve] = await createUsers(store, 3);
  const many = await accept(store, ada, 100);
  const [bobs] = await accept(store, bob, 1);
  const eves = await accept(store, eve, 2);
  const claimed = await claimInTurn(store, 6);
  assert.deepEqual(claimed.toSorted(), [many[0], bobs, eves[0], many[1], eves[1], many[2]].toSorted());
  assert.deepEqual(claimed.slice(0, 3).toSorted(), [many[0], bobs, eves[0]].toSorted());
  assert.deepEqual(claimed.slice(3, 5).toSorted(), [many[1], eves[1]].toSorted());
});

Deno.test("a user who may not run more is passed over, and nothing is offered when all are full", async () => {
  using store = await createTestStore();
  const [ada, bob] = await createUsers(store, 2);
  await accept(store, ada, 3);
  const bobs = await accept(store, bob, 2);
  assert.deepEqual(await claimInTurn(store, 9, (userId) => userId === ada.id ? 0 : 9), bobs);
  assert.equal(await nextOne(store, "", () => 0), null);
});

Deno.test("turns go round whoever was served last, also one who has left", async () => {
  using store = await createTestStore();
  const users = (await createUsers(store, 3)).sort((a, b) => a.id < b.id ? -1 : 1);
  for (const user of users) await accept(store, user, 1);
  const userAfter = async (after: string) => (await nextOne(store, after))!.userId;
  assert.equal(await userAfter(users[0].id), users[1].id);
  assert.equal(await userAfter(users[2].id), users[0].id);
  assert.equal(await userAfter("zzz"), users[0].id);
  const only = (userId: string) => userId === users[1].id ? 1 : 0;
  assert.equal((await nextOne(store, users[1].id, only))!.userId, users[1].id);
});

Deno.test("many that are chosen at once are those that would be chosen one after another", async () => {
  using store = await createTestStore();
  const users = (await createUsers(store, 4)).sort((a, b) => a.id < b.id ? -1 : 1);
  for (const [index, user] of users.entries()) await accept(store, user, [7, 1, 3, 2][index]);
  const room = new Map(users.map(({ id }, index) => [id, [4, 4, 2, 4][index]]));
  const after = users[1].id;
  const atOnce = await nextInTurn(store, { after, limit: 8, roomOf: (userId) => room.get(userId)! });
  const inTurn = [];
  for (let last = after; inTurn.length < 8;) {
    const next = await nextOne(store, last, (userId) => room.get(userId)!);
    if (next === null) break;
    await claimPrompt(store, { promptId: next.promptId, owner: "w" });
    room.set(next.userId, room.get(next.userId)! - 1);
    inTurn.push(next);
    last = next.userId;
  }
  assert.deepEqual(atOnce, inTurn);
  assert.deepEqual(atOnce.map(({ userId }) => users.findIndex(({ id }) => id === userId)), [
    2,
    3,
    0,
    1,
    2,
    3,
    0,
    0,
  ]);
});

Deno.test("turns are the same in a queue that is short and in one that is long, whoever is full or paused", async () => {
  const users = ["ada", "bob", "eve", "joe"];
  const place = fc.record({ user: fc.constantFrom(...users), isPaused: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(place, { maxLength: 16 }),
      fc.array(fc.nat(5), { minLength: users.length, maxLength: users.length }),
      fc.record({ after: fc.constantFrom("", ...users, "zoe"), limit: fc.integer({ min: 1, max: 20 }) }),
      async (places, rooms, options) => {
        using store = await createTestStore();
        const queued = { batchId: null, model: "stand-in", holdMicros: 0 };
        const add = (userId: string, i: number, promptId: string) =>
          store.kv.set(keys.queue(userId, i, promptId), queued);
        for (const [i, { user, isPaused }] of places.entries()) {
          await add(user, i, isPaused ? `${i} paused` : `${i}`);
        }
        const choose = () =>
          nextInTurn(store, {
            ...options,
            roomOf: (userId) => rooms[users.indexOf(userId)] ?? 0,
            isPaused: ({ promptId }) => promptId.endsWith("paused"),
          });
        const chosen = await choose();
        for (let i = 0; i < 17; i++) await add("full", i, `${i}`);
        assert.deepEqual(await choose(), chosen);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("of many workers that claim one prompt at the same moment, one gets it", async () => {
  using store = await createTestStore();
  const [promptId] = await accept(store, await createTestUser(store), 1);
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, i) => claimPrompt(store, { promptId, owner: `worker ${i}` })),
  );
  const won = claims.filter((claim) => claim !== null);
  assert.equal(won.length, 1);
  assert.equal((await readLease(store, promptId))?.value.owner, won[0].lease.owner);
  assert.deepEqual(won[0].lease.until, store.now() + leaseMs);
});

Deno.test("a worker whose lease was taken over can't write any more", async () => {
  using store = await createTestStore();
  const [promptId] = await accept(store, await createTestUser(store), 1);
  const slow = await claimPrompt(store, { promptId, owner: "slow" });
  const fresh = await takeOverLease(store, { promptId, owner: "fresh", isCrash: true });
  assert.deepEqual([slow!.lease.number, fresh!.lease.number], [1, 2]);
  assert.equal(await failStarted(store, slow!.prompt as Versioned<ProcessingPrompt>), null);
  assert.equal(await renewLease(store, { promptId, number: 1 }), false);
  await giveBackLease(store, { promptId, number: 1 });
  assert.equal((await readLease(store, promptId))?.value.until, store.now() + leaseMs);
  assert.notEqual(await failStarted(store, fresh!.prompt as Versioned<ProcessingPrompt>), null);
  assert.equal(await readLease(store, promptId), null);
  assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []);
});

Deno.test("of many that take a lease over at the same moment, one gets it", async () => {
  using store = await createTestStore();
  const { value } = await startPrompt(store, (await accept(store, await createTestUser(store), 1))[0]);
  const taken = await Promise.all(Array.from(
    { length: 20 },
    (_, i) => takeOverLease(store, { promptId: value.id, owner: `process ${i}`, isCrash: true }),
  ));
  assert.equal(taken.filter((lease) => lease !== null).length, 1);
});

Deno.test("a lease is held for another while as long as it is renewed", async () => {
  using store = await createTestStore();
  const { value } = await startPrompt(store, (await accept(store, await createTestUser(store), 1))[0]);
  store.clock.advance(leaseMs - 1);
  assert.equal(await renewLease(store, { promptId: value.id, number: value.leaseNumber }), true);
  const lease = await readLease(store, value.id);
  assert.deepEqual([lease?.value.until, lease?.value.renewals], [store.now() + leaseMs, 1]);
});

Deno.test("crashes count up, except when the lease was given back or the run had lasted", async () => {
  using store = await createTestStore();
  const { value } = await startPrompt(store, (await accept(store, await createTestUser(store), 1))[0]);
  const takeOver = async (isCrash = true) => {
    const taken = await takeOverLease(store, { promptId: value.id, owner: "next", isCrash });
    return { crashes: taken!.prompt.value.crashes, number: taken!.lease.number };
  };
  assert.equal((await takeOver()).crashes, 1);
  assert.equal((await takeOver(false)).crashes, 1);
  const second = await takeOver();
  assert.equal(second.crashes, 2);
  assert.deepEqual((await listLeases(store)).map(({ promptId, crashes }) => [promptId, crashes]), [[
    value.id,
    2,
  ]]);
  await giveBackLease(store, { promptId: value.id, number: second.number });
  const given = await takeOver();
  assert.equal(given.crashes, 2);
  const renew = () => renewLease(store, { promptId: value.id, number: given.number });
  for (let i = 0; i < 2; i++) await renew();
  assert.equal((await listLeases(store))[0].crashes, 2);
  await renew();
  assert.equal((await listLeases(store))[0].crashes, 0);
  assert.equal((await takeOver()).crashes, 1);
});

Deno.test("a prompt that was cancelled while it ran is taken up for its charge, a settled one is not", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const cancelled = await cancelUnbilled(store, user);
  const taken = await takeOverLease(store, { promptId: cancelled.value.id, owner: "next", isCrash: false });
  assert.deepEqual([taken?.prompt.value.status, taken?.lease.number], ["CANCELLED", 2]);
  const completed = await completePrompt(store, user);
  assert.equal(
    await takeOverLease(store, { promptId: completed.value.id, owner: "next", isCrash: false }),
    null,
  );
  assert.equal(await claimPrompt(store, { promptId: completed.value.id, owner: "next" }), null);
});

Deno.test("a prompt that is to be tried again waits for its time, then for its turn", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const [first, second] = await accept(store, user, 2);
  const before = await startPrompt(store, first);
  await requeue(store, { before, readyAt: store.now() + 5000 }).commit();
  assert.equal(await readLease(store, first), null);
  assert.equal((await nextOne(store, ""))?.promptId, second);
  store.clock.advance(4999);
  assert.equal(await promoteDelayed(store), store.now() + 1);
  store.clock.advance(1);
  assert.equal(await promoteDelayed(store), null);
  assert.equal((await nextOne(store, ""))?.promptId, first);
  const { value } = (await readPrompt(store, first))!;
  assert.deepEqual([value.status, value.retries, isFinal(value)], ["PENDING", 1, false]);
  assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []);
});

Deno.test("the position counts the user's own prompts before it, and ends with the claim", async () => {
  using store = await createTestStore();
  const [ada, bob] = await createUsers(store, 2);
  await accept(store, bob, 3);
  const ids = await accept(store, ada, 3);
  const positions = async () => {
    const { items } = await listPrompts(store, { userId: ada.id, limit: 9 });
    return await queuePositions(store, items.toReversed().map(({ value }) => value));
  };
  assert.deepEqual(await positions(), [0, 1, 2]);
  await startPrompt(store, ids[0]);
  assert.deepEqual(await positions(), [null, 0, 1]);
});

Deno.test("a lease that is given back stays so, whatever renewal comes in between", async () => {
  using store = await createTestStore();
  const { value } = await startPrompt(store, (await accept(store, await createTestUser(store), 1))[0]);
  const lease = { promptId: value.id, number: value.leaseNumber };
  await Promise.all([renewLease(store, lease), giveBackLease(store, lease)]);
  assert.equal((await readLease(store, value.id))?.value.until, 0);
  assert.equal(await renewLease(store, lease), false);
  assert.equal((await readLease(store, value.id))?.value.until, 0);
});

Deno.test("the places of many waiting prompts cost one reading of the line", async () => {
  using store = await createTestStore();
  const ada = await createTestUser(store);
  await accept(store, ada, 60);
  const { items } = await listPrompts(store, { userId: ada.id, limit: 60 });
  const { observed, entriesRead } = countingEntries(store);
  const positions = await queuePositions(observed, items.toReversed().map(({ value }) => value));
  assert.deepEqual(positions, Array.from({ length: 60 }, (_, place) => place));
  assert.ok(entriesRead() <= 60, `${entriesRead()} entries were read`);
});

/** The store, and how many entries were read from its lists. */
function countingEntries(store: TestStore) {
  let entriesRead = 0;
  const kv = new Proxy(store.kv, {
    get(target, name) {
      if (name !== "list") return Reflect.get(target, name).bind(target);
      return (...[selector, options]: Parameters<Deno.Kv["list"]>) =>
        (async function* () {
          for await (const entry of target.list(selector, options)) {
            entriesRead++;
            yield entry;
          }
        })();
    },
  });
  return { observed: { ...store, kv }, entriesRead: () => entriesRead };
}

Deno.test("places far down a long line are exact, and cost no more than near its front", async () => {
  using store = await createTestStore();
  const ada = await createTestUser(store);
  const accepted = await Promise.all(Array.from({ length: 1400 }, () => acceptPrompt(store, ada)));
  const ids = accepted.map(({ prompt }) => prompt.value.id).sort();
  for (const place of [0, 90, 700]) await startPrompt(store, ids[place]);
  const left = ids.filter((_, place) => ![0, 90, 700].includes(place));
  const { observed, entriesRead } = countingEntries(store);
  const asked = [0, 89, 99, 100, 101, 698, 699, ...left.keys().drop(1350)];
  const prompts = await Promise.all(
    asked.map(async (place) => (await readPrompt(store, left[place]))!.value),
  );
  assert.deepEqual(await queuePositions(observed, prompts), asked);
  const perBlock = 256;
  assert.ok(entriesRead() <= 100 + 4 * perBlock, `${entriesRead()} entries were read`);
});

Deno.test("one that waits to be tried again does not count, and comes back to its place", async () => {
  using store = await createTestStore();
  const ids = await accept(store, await createTestUser(store), 150);
  const last = (await readPrompt(store, ids[149]))!.value;
  const before = await startPrompt(store, ids[3]);
  assert.deepEqual(await queuePositions(store, [last]), [148]);
  await requeue(store, { before, readyAt: store.now() + 5000 }).commit();
  assert.deepEqual(await queuePositions(store, [last]), [148]);
  const near = (await readPrompt(store, ids[10]))!.value;
  assert.deepEqual(await queuePositions(store, [near]), [9]);
  store.clock.advance(5000);
  await promoteDelayed(store);
  assert.deepEqual(await queuePositions(store, [last, near]), [149, 10]);
});

Deno.test("who waits is listed in order: everybody's, one user's, those before a prompt, and no more than asked", async () => {
  using store = await createTestStore();
  const [ada, bob] = (await createUsers(store, 2)).sort((a, b) => a.id < b.id ? -1 : 1);
  const bobs = await accept(store, bob, 2);
  const adas = await accept(store, ada, 3);
  const idsOf = async (what: Parameters<typeof listWaiting>[1]) =>
    (await listWaiting(store, what)).map(({ promptId }) => promptId);
  assert.deepEqual(await idsOf({ limit: 9 }), [...adas, ...bobs]);
  assert.deepEqual(await idsOf({ userId: ada.id, limit: 9 }), adas);
  assert.deepEqual(await idsOf({ userId: ada.id, limit: 2 }), adas.slice(0, 2));
  const before = (await readPrompt(store, adas[2]))!.value;
  assert.deepEqual(await idsOf({ userId: ada.id, before, limit: 9 }), adas.slice(0, 2));
  assert.deepEqual((await listWaiting(store, { limit: 4 })).at(-1), {
    userId: bob.id,
    rank: 1,
    promptId: bobs[0],
    batchId: null,
    model: "stand-in",
    holdMicros: 20_000,
  });
});

Deno.test("those that wait to be tried again are listed with their times, the next first", async () => {
  using store = await createTestStore();
  const ids = await accept(store, await createTestUser(store), 2);
  const [late, soon] = [store.now() + 5000, store.now() + 1000];
  for (const [i, readyAt] of [late, soon].entries()) {
    await requeue(store, { before: await startPrompt(store, ids[i]), readyAt }).commit();
  }
  const [first, second] = [{ promptId: ids[1], readyAt: soon }, { promptId: ids[0], readyAt: late }];
  assert.deepEqual(await listDelayed(store, { limit: 9 }), [first, second]);
  assert.deepEqual(await listDelayed(store, { limit: 1 }), [first]);
});
