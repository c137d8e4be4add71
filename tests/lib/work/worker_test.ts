import assert from "node:assert/strict";
import { giveBackLease, type Lease, readLease, takeOverLease } from "../../../lib/prompts/queue.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { createStore } from "../../../lib/store/store.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil } from "../../fixtures/stand_in_provider.ts";
import { startPrompt } from "../../fixtures/store.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

Deno.test("of prompts that are run one after another, one that is cancelled before its turn makes room", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const [first, cancelled, last] = [await submit(program), await submit(program), await submit(program)];
  // Each ran when the process died, so the next death would bring it under suspicion.
  for (const promptId of [first, cancelled, last]) {
    await startPrompt(studio.store, promptId);
    await takeOverLease(studio.store, { promptId, owner: "killed", isCrash: true });
  }
  await studio.worker.start();
  await until(() => standIn.submitted.length, (count) => count === 1);
  assert.equal((await program.post(`/api/v1/prompts/${cancelled}/cancel`)).status, 200);
  gate.resolve();
  assert.equal((await finished(program, first)).status, "COMPLETED");
  assert.equal((await finished(program, last)).status, "COMPLETED");
  assert.equal((await read(program, cancelled)).status, "CANCELLED");
  assert.equal(standIn.submitted.length, 2);
});

Deno.test("prompts that a stop gave back run side by side, although the process had died once before that", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise), holdUntil(gate.promise));
  await using studio = await createStudio({ standIn, isWorking: false });
  const program = await studio.withKey();
  const promptIds = [await submit(program), await submit(program)];
  for (const promptId of promptIds) {
    await startPrompt(studio.store, promptId);
    const leased = await takeOverLease(studio.store, { promptId, owner: "killed", isCrash: true });
    await giveBackLease(studio.store, { promptId, number: leased!.lease.number });
  }
  await studio.worker.start();
  await until(() => standIn.submitted.length, (count) => count === 2);
  gate.resolve();
  for (const promptId of promptIds) assert.equal((await finished(program, promptId)).status, "COMPLETED");
});

Deno.test("a stop waits for what is just being taken up, and begins nothing with it", async () => {
  const standIn = createStandIn({ isRepeatable: true });
  standIn.scripts.push(failWith(new Error("a bug")));
  await using studio = await createStudio({ standIn });
  const [isTaken, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  interceptCommits(studio.store.kv, async (writes, commit) => {
    const lease = writes.find(({ key }) => key[0] === "lease")?.value as Lease | undefined;
    if (lease?.number === 2 && lease.until !== 0) {
      isTaken.resolve();
      await gate.promise;
    }
    return await commit();
  });
  const promptId = await submit(await studio.withKey());
  await isTaken.promise;
  const stopping = studio.worker.stop();
  gate.resolve();
  await stopping;
  assert.equal((await readLease(studio.store, promptId))?.value.until, 0);
  assert.equal(standIn.submitted.length, 1);
});

Deno.test("a prompt that another node cancels is broken off here", async () => {
  const standIn = createStandIn();
  const isAborted = Promise.withResolvers<void>();
  standIn.scripts.push(async function* (task, context) {
    context.signal.addEventListener("abort", () => isAborted.resolve(), { once: true });
    yield* holdUntil(new Promise(() => {}))(task, context);
  });
  await using studio = await createStudio({ standIn });
  const promptId = await submit(await studio.withKey());
  const running = await until(
    () => readPrompt(studio.store, promptId),
    (found) => found?.value.tasks[0].state === "running",
  );
  const { kv, now } = studio.store;
  await cancelPrompt({ store: createStore({ kv, now }), models: studio.deps.models }, running!);
  await isAborted.promise;
});
