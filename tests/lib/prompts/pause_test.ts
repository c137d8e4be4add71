import assert from "node:assert/strict";
import {
  endPause,
  havePausesChanged,
  type Pause,
  pauseOf,
  readPauses,
  writePause,
} from "../../../lib/prompts/pause.ts";
import { readPrompt, writePrompt } from "../../../lib/prompts/prompt_store.ts";
import { claimPrompt, nextInTurn } from "../../../lib/prompts/queue.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createStore, type Store } from "../../../lib/store/store.ts";
import { acceptPrompt, createTestStore, createTestUser } from "../../fixtures/store.ts";

const words = { reason: null, at: 1, by: "ada" };
const pause = (scope: Pause["scope"], id: string): Pause => ({ scope, id, ...words });
const pausable = { userId: "ada", batchId: "batch", providerId: "stand-in" };

const write = (store: Store, each: Pause) => writePause(store.kv.atomic(), each).commit();

Deno.test("what is paused is read back, until it ends", async () => {
  using store = await createTestStore();
  assert.deepEqual(await readPauses(store), []);
  const all = [pause("all", "all"), pause("batch", "b"), pause("provider", "p"), pause("user", "u")];
  for (const each of all) await write(store, each);
  assert.deepEqual(await readPauses(store), all);
  for (const { scope, id } of all) await endPause(store.kv.atomic(), { scope, id, at: 2 }).commit();
  assert.deepEqual(await readPauses(store), []);
});

Deno.test("whoever is concerned can tell since when something was paused or resumed, and nobody else", async () => {
  using store = await createTestStore();
  const { kv } = store;
  const now = async () => (await kv.set(["anything"], 1)).versionstamp;
  const concerned = async (since: string) =>
    (await Promise.all(
      ["ada", "bob"].map(async (userId) => await havePausesChanged(store, { userId, since }) ? [userId] : []),
    )).flat();
  let since = await now();
  await write(store, pause("batch", "b"));
  assert.deepEqual(await concerned(since), []);
  await write(store, pause("user", "ada"));
  assert.deepEqual(await concerned(since), ["ada"]);
  since = await now();
  assert.deepEqual(await concerned(since), []);
  await endPause(kv.atomic(), { scope: "user", id: "ada", at: 2 }).commit();
  assert.deepEqual(await concerned(since), ["ada"]);
  since = await now();
  await write(store, pause("provider", "p"));
  assert.deepEqual(await concerned(since), ["ada", "bob"]);
  since = await now();
  await endPause(kv.atomic(), { scope: "all", id: "all", at: 8 }).commit();
  assert.deepEqual(await concerned(since), ["ada", "bob"]);
});

Deno.test("a prompt is kept by the pause of everything, its provider, its user or its batch, and by no other", () => {
  const found = (...pauses: Pause[]) => pauseOf(pauses, pausable)?.scope ?? null;
  assert.equal(found(), null);
  assert.equal(found(pause("all", "all")), "all");
  assert.equal(found(pause("provider", "stand-in")), "provider");
  assert.equal(found(pause("user", "ada")), "user");
  assert.equal(found(pause("batch", "batch")), "batch");
  assert.equal(found(pause("batch", "batch"), pause("user", "ada"), pause("all", "all")), "all");
  assert.equal(found(pause("provider", "ada"), pause("user", "bob"), pause("batch", "other")), null);
  assert.equal(pauseOf([pause("batch", "batch")], { ...pausable, batchId: null }), null);
  assert.equal(pauseOf([pause("provider", "stand-in")], { ...pausable, providerId: null }), null);
});

Deno.test("what is paused is walked past, however far, and what is behind it has its turn", async () => {
  using store = await createTestStore();
  const ada = await createTestUser(store);
  const models = Array.from({ length: 700 }, (_, i) => i % 350 === 349 ? "other" : "stand-in");
  const ids = [];
  for (const model of models) {
    const { prompt } = await acceptPrompt(store, ada);
    const request = { ...prompt.value.request, model };
    await store.kv.set(keys.queue(ada.id, prompt.value.rank, prompt.value.id), {
      batchId: null,
      model,
      holdMicros: 0,
    });
    ids.push({ id: prompt.value.id, model: request.model });
  }
  const chosen = await nextInTurn(store, {
    after: "",
    limit: 9,
    roomOf: () => 9,
    isPaused: ({ model }) => model === "stand-in",
  });
  const others = ids.filter(({ model }) => model === "other").map(({ id }) => id);
  assert.deepEqual(chosen.map(({ promptId }) => promptId), others);
});

Deno.test("turns between users stay where one of them is paused in part", async () => {
  using store = await createTestStore();
  const [ada, bob] = [await createTestUser(store), await createTestUser(store)].sort((a, b) =>
    a.id < b.id ? -1 : 1
  );
  const [adas, bobs]: string[][] = [[], []];
  for (let i = 0; i < 4; i++) adas.push((await acceptPrompt(store, ada)).prompt.value.id);
  for (let i = 0; i < 3; i++) bobs.push((await acceptPrompt(store, bob)).prompt.value.id);
  const chosen = await nextInTurn(store, {
    after: "",
    limit: 5,
    roomOf: () => 4,
    isPaused: ({ promptId }) => [adas[0], adas[2], bobs[1]].includes(promptId),
  });
  assert.deepEqual(chosen.map(({ promptId }) => promptId), [adas[1], bobs[0], adas[3], bobs[2]]);
});

const scopes = ["all", "provider", "user", "batch"] as const;

for (const scope of scopes) {
  Deno.test(`nothing is claimed after the commit that pauses (${scope}), whatever was read before`, async () => {
    using store = await createTestStore();
    const user = await createTestUser(store);
    const { prompt } = await acceptPrompt(store, user);
    const promptId = prompt.value.id;
    await writePrompt(store.kv, { before: prompt, after: { ...prompt.value, batchId: "batch" } }).commit();
    const paused = {
      all: pause("all", "all"),
      provider: pause("provider", "stand-in"),
      user: pause("user", user.id),
      batch: pause("batch", "batch"),
    }[scope];
    const other = createStore({ kv: store.kv, now: store.now });
    const claim = (by: Store, begin?: () => void) =>
      claimPrompt(by, {
        promptId,
        owner: "w",
        providerOf: () => "stand-in",
        begin(claimed) {
          begin?.();
          return claimed;
        },
      });
    // Read by the claim, and paused before its commit: of one process in the same group, and of another one.
    let pausing: Promise<unknown> = Promise.resolve();
    assert.equal(await claim(store, () => void (pausing = write(store, paused))), null);
    await pausing;
    assert.equal(await claim(other), null);
    assert.equal((await readPrompt(store, promptId))!.value.status, "PENDING");
    await endPause(store.kv.atomic(), { ...paused, at: 2 }).commit();
    assert.notEqual(await claim(store), null);
  });
}
