/**
 * Kills the real program with SIGKILL while fal, Black Forest Labs and Replicate work for it, and starts it anew: each
 * task that it had the handle of is found again by that and made once; one whose answer was lost with the process ends
 * `outcome_unknown`. The services' keys are found in neither the log nor the data.
 */
import assert from "node:assert/strict";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { key as bflKey, startBfl } from "../stand_ins/bfl.ts";
import { key as falKey, startFal } from "../stand_ins/fal.ts";
import { startReplicate, token as replicateToken } from "../stand_ins/replicate.ts";

interface Shown {
  status: string;
  costMicros: number;
  errorCode: string | null;
}

async function ask(server: Server, key: string, path: string, body?: object) {
  const answer = await fetch(`${server.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Prefer: "respond-async" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await answer.json();
}

Deno.test("tasks that were killed are found again by their handles, each made once, and no key is left behind", async () => {
  await using fal = startFal();
  await using bfl = startBfl();
  await using replicate = startReplicate();
  const env = {
    LOG_LEVEL: "debug",
    FAL_KEY: falKey,
    FAL_BASE_URL: fal.url,
    BFL_API_KEY: bflKey,
    BFL_BASE_URL: bfl.url,
    REPLICATE_API_TOKEN: replicateToken,
    REPLICATE_BASE_URL: replicate.url,
  };
  const apis = [fal, bfl, replicate];
  const models = ["fal-ai/flux-2-pro", "flux-2-pro", "qwen/qwen-image"];
  await using folder = await temporaryFolder();
  const dataDir = folder.path;
  const { stdout: key } = await runTask(["key"], { dataDir });
  for (const api of apis) api.looksUntilDone = Infinity;
  const first = await startServer({ dataDir, env });
  const send = async (model: string): Promise<string> =>
    (await ask(first, key, "/api/v1/images/generate", { prompt: "a sea", model })).promptId;
  const ids = await Promise.all(models.map(send));
  const isLookedAt = () => apis.every(({ journal }) => journal.some(({ request }) => request === "look"));
  await until(isLookedAt, Boolean, 20_000);

  const gone = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  bfl.onPoint = async ({ method, point }) => {
    if (method !== "POST" || point !== "before the answer") return;
    reached.resolve();
    await gone.promise;
  };
  const lost = await send("flux-2-klein-4b");
  await reached.promise;
  await first.end("SIGKILL");
  gone.resolve();
  for (const api of apis) api.looksUntilDone = 0;

  await using second = await startServer({ dataDir, env });
  const end = (promptId: string) =>
    until(
      async () => (await ask(second, key, `/api/v1/prompts/${promptId}`)).prompt as Shown,
      ({ status }) => status === "FAILED" || status === "COMPLETED",
      30_000,
    );
  const costs = [30_000, 30_000, 25_000];
  for (const [index, id] of ids.entries()) {
    const { status, costMicros } = await end(id);
    assert.deepEqual([status, costMicros], ["COMPLETED", costs[index]], models[index]);
  }
  const { errorCode, costMicros } = await end(lost);
  assert.deepEqual([errorCode, costMicros], ["outcome_unknown", 14_000]);
  assert.deepEqual(apis.map((api) => api.created().length), [1, 2, 1]);
  assert.equal((await ask(second, key, "/api/v1/me")).budget.heldMicros, 0);
  const { stdout } = await runTask(["verify"], { dataDir });
  assert.match(stdout, /^All is well/);
  const left = [...first.log, ...second.log].join("\n");
  for (const secret of [falKey, bflKey, replicateToken]) {
    assert.ok(!left.includes(secret));
    const found = await new Deno.Command("grep", { args: ["-rlaF", secret, dataDir] }).output();
    assert.equal(new TextDecoder().decode(found.stdout), "");
  }
});
