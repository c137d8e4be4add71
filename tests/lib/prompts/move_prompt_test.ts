import assert from "node:assert/strict";
import fc from "fast-check";
import { firstRank, type Prompt } from "../../../lib/prompts/prompt.ts";
import { type Destination, movePrompt, movePrompts } from "../../../lib/prompts/move_prompt.ts";
import { findPrompt, readPrompt, writePrompt, writeRank } from "../../../lib/prompts/prompt_store.ts";
import {
  claimPrompt,
  listWaiting,
  promoteDelayed,
  queuePositions,
  requeue,
} from "../../../lib/prompts/queue.ts";
import { changedSince, readCursor } from "../../../lib/live/cursor.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createStore, type Store } from "../../../lib/store/store.ts";
import type { User } from "../../../lib/users/user.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  startPrompt,
  type TestStore,
} from "../../fixtures/store.ts";

async function accept(store: Store, user: User, count: number): Promise<string[]> {
  const ids = [];
  for (let i = 0; i < count; i++) ids.push((await acceptPrompt(store, user)).prompt.value.id);
  return ids;
}

/** As a row of a batch is accepted. */
async function acceptRow(store: Store, user: User, batchId: string): Promise<string> {
  const { prompt } = await acceptPrompt(store, user);
  const { sequence } = prompt.value;
  const after: Prompt = { ...prompt.value, batchId, rank: firstRank({ sequence, batchId }) };
  await writePrompt(store.kv, { before: prompt, after }).commit();
  return after.id;
}

async function createScene(count: number) {
  const store = await createTestStore();
  const user = await createTestUser(store);
  const ids = await accept(store, user, count);
  const userId = user.id;
  return {
    store,
    user,
    ids,
    move: (promptId: string, to: Destination, by: Store = store) => movePrompt(by, { userId, promptId, to }),
    line: async () => (await listWaiting(store, { userId })).map(({ promptId }) => promptId),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

async function demandWell(store: TestStore): Promise<void> {
  assert.deepEqual((await verify(store, { blobs: createMemoryBlobs() })).violations, []);
}

const conflict = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Refusal);
  assert.equal(error.code, "conflict");
  assert.match(error.message, words);
  return true;
};

Deno.test("a prompt goes to the front, to the back, up, down and before another one", async () => {
  using scene = await createScene(4);
  const { store, ids: [a, b, c, d], move, line } = scene;
  await move(c, "front");
  assert.deepEqual(await line(), [c, a, b, d]);
  await move(c, "back");
  assert.deepEqual(await line(), [a, b, d, c]);
  await move(d, "up");
  assert.deepEqual(await line(), [a, d, b, c]);
  await move(a, "down");
  assert.deepEqual(await line(), [d, a, b, c]);
  await move(c, { before: a });
  assert.deepEqual(await line(), [d, c, a, b]);
  await demandWell(store);
});

Deno.test("who is there already stays there, and nothing is written", async () => {
  using scene = await createScene(3);
  const { user, store, ids: [a, b, c], move } = scene;
  const cursor = await readCursor(store, user.id);
  for (
    const [id, to] of [
      [a, "front"],
      [a, "up"],
      [c, "back"],
      [c, "down"],
      [b, { before: b }],
      [b, { before: c }],
    ] as const
  ) await move(id, to);
  assert.equal(await readCursor(store, user.id), cursor);
});

Deno.test("what is accepted after some went to the back goes behind them", async () => {
  using scene = await createScene(3);
  const { store, user, ids: [a, b, c], move, line } = scene;
  for (const id of [a, b, a, c]) await move(id, "back");
  const [d] = await accept(store, user, 1);
  assert.deepEqual(await line(), [b, a, c, d]);
});

Deno.test("a single prompt goes before the waiting rows of batches, until somebody moves it", async () => {
  using scene = await createScene(0);
  const { store, user, move, line } = scene;
  const rows = [await acceptRow(store, user, "batch"), await acceptRow(store, user, "batch")];
  const [single, other] = await accept(store, user, 2);
  assert.deepEqual(await line(), [single, other, ...rows]);
  await move(rows[1], "front");
  await move(single, "back");
  assert.deepEqual(await line(), [rows[1], other, rows[0], single]);
  const late = await acceptRow(store, user, "batch");
  const [next] = await accept(store, user, 1);
  assert.deepEqual(await line(), [rows[1], other, next, rows[0], single, late]);
});

Deno.test("what runs or is over can't be moved, and nothing goes before it; what is a stranger's is not there", async () => {
  using scene = await createScene(3);
  const { store, user, ids: [a, b], move } = scene;
  await startPrompt(store, a);
  const { value: { id: over } } = await completePrompt(store, user);
  await assert.rejects(move(a, "back"), conflict(/^The prompt runs already and can't be moved$/));
  await assert.rejects(move(over, "front"), conflict(/^The prompt is completed and can't be moved$/));
  await assert.rejects(move(b, { before: a }), conflict(/^The other prompt runs already$/));
  const stranger = await createTestUser(store);
  const theirs = (await acceptPrompt(store, stranger)).prompt.value.id;
  for (const attempt of [move(theirs, "front"), move(b, { before: theirs }), move("x", "front")]) {
    await assert.rejects(attempt, (error) => error instanceof Refusal && error.code === "not_found");
  }
});

Deno.test("what waits to be tried again is moved too, and comes back to its new place", async () => {
  using scene = await createScene(3);
  const { store, ids: [a, b, c], move, line } = scene;
  const before = await startPrompt(store, a);
  await requeue(store, { before, readyAt: store.now() + 1000 }).commit();
  await move(a, { before: c });
  assert.deepEqual(await line(), [b, c]);
  store.clock.advance(1000);
  await promoteDelayed(store);
  assert.deepEqual(await line(), [b, a, c]);
  await demandWell(store);
});

Deno.test("several keep their order, wherever they go; those that run by now are left out", async () => {
  using scene = await createScene(6);
  const { store, user: { id: userId }, ids: [a, b, c, d, e, f], line } = scene;
  await startPrompt(store, a);
  assert.deepEqual(await movePrompts(store, { userId, promptIds: [e, a, c, e], to: "front" }), {
    moved: [e, c],
    gone: [a],
  });
  assert.deepEqual(await line(), [c, e, b, d, f]);
  await movePrompts(store, { userId, promptIds: [b, c], to: "back" });
  assert.deepEqual(await line(), [e, d, f, c, b]);
});

Deno.test("a move is told like any change; those that are spread anew for it are not", async () => {
  using scene = await createScene(3);
  const { store, user: { id: userId }, ids: [a, b, c], move, line } = scene;
  await crowd(store, [a, b, c]);
  const since = await readCursor(store, userId);
  await move(c, { before: b });
  assert.deepEqual(await line(), [a, c, b]);
  assert.deepEqual((await changedSince(store, { userId, since })).ids, [c]);
  await demandWell(store);
});

/** Without a number between them. */
async function crowd(store: Store, ids: readonly string[]): Promise<void> {
  let rank = 1;
  for (const id of ids) {
    const before = (await readPrompt(store, id))!;
    await writeRank(store.kv, { before, rank }).commit();
    rank += Number.EPSILON;
  }
}

Deno.test("also among many without a number between them everything can be moved everywhere", async () => {
  using scene = await createScene(40);
  const { store, ids, move, line } = scene;
  await crowd(store, ids);
  const model = [...ids];
  const goBefore = (id: string, other: string) => {
    model.splice(model.indexOf(id), 1);
    model.splice(model.indexOf(other), 0, id);
  };
  for (const [from, before] of [[39, 20], [0, 30], [20, 1], [5, 6], [38, 0]]) {
    const [id, other] = [model[from], model[before]];
    await move(id, { before: other });
    goBefore(id, other);
    assert.deepEqual(await line(), model);
  }
  await demandWell(store);
});

Deno.test("one place is moved to over and over: numbers never run out", async () => {
  using scene = await createScene(5);
  const { store, ids, move, line } = scene;
  const [x] = ids.slice(2);
  const others = ids.filter((id) => id !== x);
  let model = [...ids];
  for (let i = 0; i < 160; i++) {
    const id = others[i % others.length];
    await move(id, { before: x });
    model = model.filter((each) => each !== id);
    model.splice(model.indexOf(x), 0, id);
  }
  assert.deepEqual(await line(), model);
  await demandWell(store);
});

const destinations = fc.oneof(
  fc.constantFrom("front" as const, "back" as const, "up" as const, "down" as const),
  fc.nat({ max: 3 }).map((before) => ({ before })),
  fc.nat({ max: 11 }).map((before) => ({ before })),
);
type Step = {
  type: "move" | "accept" | "start" | "cancel";
  which: number;
  to: "front" | "back" | "up" | "down" | { before: number };
};
const steps: fc.Arbitrary<Step> = fc.record({
  type: fc.oneof(
    { weight: 12, arbitrary: fc.constant("move" as const) },
    { weight: 3, arbitrary: fc.constantFrom("accept" as const, "start" as const, "cancel" as const) },
  ),
  which: fc.nat(),
  to: destinations,
});

Deno.test("whatever is moved, accepted, started and cancelled, the order is that of a plain list, and so is each place", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 200, maxLength: 260, size: "max" }), async (all) => {
      using scene = await createScene(12);
      const { store, user, ids, move, line } = scene;
      const models = createTestModels(store.now);
      let model = [...ids];
      for (const step of all) {
        if (step.type === "accept" || model.length === 0) model.push(...await accept(store, user, 1));
        else if (step.type === "start") await startPrompt(store, model.shift()!);
        else if (step.type === "cancel") {
          const [promptId] = model.splice(step.which % model.length, 1);
          await cancelPrompt({ store, models }, await findPrompt(store, { userId: user.id, promptId }));
        } else {
          const id = model[step.which % model.length];
          const to = typeof step.to === "string" ? step.to : { before: model[step.to.before % model.length] };
          await move(id, to);
          model = movedIn(model, id, to);
        }
      }
      assert.deepEqual(await line(), model);
      const prompts = await Promise.all(model.map(async (id) => (await readPrompt(store, id))!.value));
      assert.deepEqual(await queuePositions(store, prompts), [...model.keys()]);
      await demandWell(store);
    }),
    { numRuns: 8 },
  );
});

function movedIn(line: readonly string[], id: string, to: Destination): string[] {
  const others = line.filter((each) => each !== id);
  const at = line.indexOf(id);
  const places = { front: 0, back: others.length, up: Math.max(0, at - 1), down: at + 1 };
  const place = typeof to === "string" ? places[to] : to.before === id ? at : others.indexOf(to.before);
  return others.toSpliced(place, 0, id);
}

Deno.test("many processes move and start at once: nothing is lost or doubled, and places are exact", async () => {
  using scene = await createScene(40);
  const { store, user, ids, move, line } = scene;
  const processes = [
    store,
    ...Array.from({ length: 3 }, () => createStore({ kv: store.kv, now: store.now })),
  ];
  const started: string[] = [];
  await Promise.all(processes.map(async (by, process) => {
    for (let i = 0; i < 25; i++) {
      const id = ids[(i * 7 + process * 11) % ids.length];
      const to = ([
        "front",
        "back",
        "up",
        "down",
        { before: ids[(i * 5 + process) % ids.length] },
      ] as const)[(i + process) % 5];
      await move(id, to, by).catch((error) => conflict(/runs already/)(error));
      if (i % 5 !== 0) continue;
      const [first] = await listWaiting(by, { userId: user.id, limit: 1 });
      const leased = await claimPrompt(by, { promptId: first.promptId, owner: `process ${process}` });
      if (leased !== null) started.push(leased.prompt.value.id);
    }
  }));
  const waiting = await line();
  assert.equal(new Set(started).size, started.length);
  assert.deepEqual([...waiting, ...started].sort(), ids.toSorted());
  const prompts = await Promise.all(waiting.map(async (id) => (await readPrompt(store, id))!.value));
  assert.equal(new Set(prompts.map(({ rank }) => rank)).size, prompts.length);
  assert.deepEqual(await queuePositions(store, prompts), [...waiting.keys()]);
  await demandWell(store);
});

Deno.test("a move that loses its race to the worker says so, and one that loses to another move looks again", async () => {
  using scene = await createScene(3);
  const { store, user, ids: [a, b, c], move, line } = scene;
  const other = createStore({ kv: store.kv, now: store.now });
  const whileMoving = (first: () => Promise<unknown>): Store => {
    let isFirst = true;
    const kv = new Proxy(store.kv, {
      get(target, name) {
        if (name !== "atomic") return Reflect.get(target, name).bind(target);
        return () => {
          const atomic = target.atomic();
          const commit = atomic.commit.bind(atomic);
          atomic.commit = async () => {
            if (isFirst) {
              isFirst = false;
              await first();
            }
            return await commit();
          };
          return atomic;
        };
      },
    });
    return { ...other, kv };
  };
  await move(c, "front", whileMoving(() => move(b, "front")));
  assert.deepEqual(await line(), [c, b, a]);
  const losing = move(a, "front", whileMoving(() => claimPrompt(store, { promptId: a, owner: "w" })));
  await assert.rejects(losing, conflict(/runs already/));
  assert.deepEqual(await line(), [c, b]);
  assert.equal((await readPrompt(store, a))!.value.userId, user.id);
});
