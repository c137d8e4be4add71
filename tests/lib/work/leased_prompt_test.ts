import assert from "node:assert/strict";
import { blobKeysOf } from "../../../lib/blobs/blobs.ts";
import { createLog } from "../../../lib/log.ts";
import type { Task } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { claimPrompt, giveBackLease, readLease, takeOverLease } from "../../../lib/prompts/queue.ts";
import { keys } from "../../../lib/store/schema.ts";
import { DatabaseRefusal } from "../../../lib/store/store.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { createLeasedPrompt } from "../../../lib/work/leased_prompt.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import {
  acceptPrompt,
  createTestModels,
  createTestStore,
  createTestUser,
  testImage,
} from "../../fixtures/store.ts";

const submitting = ({ count, images }: Task) => (
  { task: { state: "submitting" as const, count, images, submittedAt: 1 } }
);
const running = ({ count, images }: Task) => (
  { task: { state: "running" as const, count, images, submittedAt: 1, handle: null } }
);

/** A prompt under a lease, and what its run was told. */
async function createScene() {
  const store = await createTestStore();
  const { id: promptId } = (await acceptPrompt(store, await createTestUser(store))).prompt.value;
  const leased = (await claimPrompt(store, { promptId, owner: "this process" }))!;
  const blobs = createMemoryBlobs();
  const told: string[] = [];
  const run = { isStopping: false };
  const log = createLog({ level: "info", now: store.now, write: () => {} });
  const prompt = createLeasedPrompt({ store, blobs, log }, leased, {
    onRead: () => void told.push("read"),
    onLost: () => void told.push("lost"),
    isStopping: () => run.isStopping,
  });
  return {
    store,
    promptId,
    blobs,
    told,
    run,
    prompt,
    read: async () => (await readPrompt(store, promptId))!.value,
    [Symbol.dispose]() {
      prompt.letGo();
      store[Symbol.dispose]();
    },
  };
}

Deno.test("pictures that come after the prompt was cancelled are neither named nor kept", async () => {
  using scene = await createScene();
  const { store, blobs, prompt } = scene;
  await prompt.changeTask(0, submitting);
  const image = testImage(store, prompt.latest.value);
  for (const key of blobKeysOf(image.id)) await blobs.put(key, new Uint8Array(1), "image/png");
  await cancelPrompt(
    { store, models: createTestModels(store.now) },
    (await readPrompt(store, scene.promptId))!,
  );
  await prompt.changeTask(0, running, [image]);
  const { status, tasks } = await scene.read();
  assert.deepEqual([status, tasks[0].state], ["CANCELLED", "running"]);
  assert.equal((await store.kv.get(keys.image(image.id))).value, null);
  assert.deepEqual([...blobs.contents.keys()], []);
  assert.deepEqual(scene.told, ["read"]);
});

Deno.test("once the lease is somebody else's nothing is written, and the run is told once", async () => {
  using scene = await createScene();
  const { store, promptId, prompt } = scene;
  await takeOverLease(store, { promptId, owner: "another", isCrash: true });
  assert.equal(await prompt.changeTask(0, submitting), null);
  assert.equal(await prompt.changeTask(0, submitting), null);
  await prompt.change((value) => ({ ...value, crashes: 9 }));
  const { tasks, crashes } = await scene.read();
  assert.deepEqual([tasks[0].state, crashes, prompt.isLost, scene.told], ["waiting", 1, true, ["lost"]]);
  await prompt.giveBack();
  assert.notEqual((await readLease(store, promptId))!.value.until, 0);
});

Deno.test("a prompt that has ended meanwhile is lost too", async () => {
  using scene = await createScene();
  const { store, prompt } = scene;
  await cancelPrompt(
    { store, models: createTestModels(store.now) },
    (await readPrompt(store, scene.promptId))!,
  );
  await prompt.lookAgain();
  assert.deepEqual([prompt.isLost, scene.told], [true, ["lost"]]);
});

Deno.test("a step that changes nothing is not written", async () => {
  using scene = await createScene();
  let commits = 0;
  interceptCommits(scene.store.kv, async (_, commit) => {
    commits++;
    return await commit();
  });
  await scene.prompt.changeTask(0, (task) => ({ task }));
  assert.equal(commits, 0);
  assert.deepEqual(await scene.prompt.changeTask(0, submitting), {
    task: (await scene.read()).tasks[0],
    prompt: { ...scene.prompt.latest.value },
  });
  assert.equal(commits, 1);
});

Deno.test("progress that is stored forgets the crashes before it; a submission is none yet", async () => {
  using scene = await createScene();
  const { store, promptId, prompt } = scene;
  await prompt.change((value) => ({ ...value, crashes: 2 }));
  await prompt.changeTask(0, submitting);
  assert.equal((await scene.read()).crashes, 2);
  await prompt.changeTask(0, running);
  assert.equal((await scene.read()).crashes, 0);
  await giveBackLease(store, { promptId, number: 1 });
});

Deno.test("a database that takes nothing is asked again, but not at a stop", async () => {
  using scene = await createScene();
  const { prompt, run } = scene;
  let refusals = 1;
  interceptCommits(scene.store.kv, async (_, commit) => {
    if (refusals-- > 0) throw new TypeError("database or disk is full");
    return await commit();
  });
  await prompt.changeTask(0, submitting);
  assert.equal((await scene.read()).tasks[0].state, "submitting");
  run.isStopping = true;
  refusals = 1;
  await assert.rejects(prompt.changeTask(0, running), DatabaseRefusal);
  assert.equal((await scene.read()).tasks[0].state, "submitting");
});
