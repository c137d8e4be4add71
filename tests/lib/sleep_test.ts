import assert from "node:assert/strict";
import { sleep } from "../../lib/sleep.ts";

Deno.test("a wait that is longer than any timer is not over at once", async () => {
  const waking = new AbortController();
  const waiting = sleep(1e12, waking.signal);
  const first = await Promise.race([waiting.then(() => "over"), sleep(50).then(() => "still waiting")]);
  assert.equal(first, "still waiting");
  waking.abort("woken");
  await assert.rejects(waiting, (reason) => reason === "woken");
});
