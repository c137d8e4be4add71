import assert from "node:assert/strict";
import { pauseQueue, resumeQueue } from "../../../lib/prompts/pause_queue.ts";
import { readPauses } from "../../../lib/prompts/pause.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import { createTestStore, createTestUser, silentDoorbell as doorbell } from "../../fixtures/store.ts";

Deno.test("a queue that somebody resumes while it is paused once more is paused, and nobody's account is gone", async () => {
  using store = await createTestStore();
  const { id } = await createTestUser(store);
  const deps = { store, doorbell };
  await pauseQueue(deps, id);
  let isResumed = false;
  interceptCommits(store.kv, async (writes, commit) => {
    const result = await commit();
    const isPause = writes.some(({ value }) =>
      typeof value === "object" && value !== null && "scope" in value
    );
    if (isPause && !isResumed) {
      isResumed = true;
      await resumeQueue(deps, id);
    }
    return result;
  });
  await pauseQueue(deps, id);
  assert.equal(isResumed, true);
  assert.deepEqual((await readPauses(store)).map(({ scope }) => scope), ["user"]);
});
