/** The real program, asked by the official clients over its own port. */
import assert from "node:assert/strict";
import { agentKinds, connectAgent } from "../../fixtures/agents.ts";
import { runTask, type Server, startServer, temporaryFolder } from "../../fixtures/server.ts";
import { until } from "../../fixtures/until.ts";

const wish = { prompt: "a lighthouse at night", size: "512x512" };

async function statusesIn({ url }: Server, key: string): Promise<string[]> {
  const answer = await fetch(`${url}/api/v1/prompts`, { headers: { Authorization: `Bearer ${key}` } });
  return (await answer.json()).prompts.map(({ status }: { status: string }) => status);
}

Deno.test("each client makes a picture with a program that was just started", async () => {
  await using folder = await temporaryFolder();
  const { stdout: key } = await runTask(["key", "--scope", "generate"], { dataDir: folder.path });
  await using server = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "1" } });
  for (const kind of agentKinds) {
    await using agent = await connectAgent({ url: server.url, key, kind });
    const told: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => void told.push(progress);
    const made = await agent.call("generate_image", { ...wish, request_id: kind.replaceAll(" ", "-") }, {
      onprogress,
    });
    assert.deepEqual([made.isError, made.data.status, made.data.cost_usd], [false, "COMPLETED", 0]);
    assert.ok(made.pictures[0].length > 1000 && told.length >= 2);
    const { id, uri } = made.data.images[0];
    const night = { source_id: id, instruction: "make it snow", request_id: `${id}-snow` };
    const changed = await agent.call("edit_image", { ...night, area: { x: 0, y: 0, width: 1, height: 0.5 } });
    assert.deepEqual([changed.isError, changed.data.images.length], [false, 1]);
    assert.deepEqual((await agent.readResource(uri)).bytes, made.pictures[0]);
  }
});

Deno.test("neither a call that waits nor one that was left holds up the end, and the prompts go on after it", async () => {
  await using folder = await temporaryFolder();
  const env = { SKETCH_STEP_MS: "60000" };
  const { stdout: key } = await runTask(["key"], { dataDir: folder.path, env });
  const server = await startServer({ dataDir: folder.path, env });
  const answers: { isError: boolean; status: string }[] = [];
  const calls: Promise<unknown>[] = [];
  const leaving = new AbortController();
  for (const kind of agentKinds) {
    const agent = await connectAgent({ url: server.url, key, kind });
    const ask = (request_id: string, signal?: AbortSignal) =>
      agent.call("generate_image", { ...wish, request_id }, { signal });
    const name = kind.replaceAll(" ", "-");
    calls.push(ask(`${name}-left`, leaving.signal).catch(() => {}));
    calls.push(
      ask(`${name}-waits`).then(({ isError, data: { status } }) => answers.push({ isError, status })),
    );
  }
  await until(() => statusesIn(server, key), ({ length }) => length === calls.length);
  leaving.abort();
  const began = Date.now();
  assert.equal((await server.end("SIGTERM")).code, 0);
  assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`);
  await Promise.all(calls);
  assert.deepEqual(answers.map(({ isError }) => isError), [false, false, false]);
  assert.ok(answers.every(({ status }) => status === "PENDING" || status === "PROCESSING"));
  await using back = await startServer({ dataDir: folder.path, env: { SKETCH_STEP_MS: "1" } });
  await until(() => statusesIn(back, key), (all) => all.every((each) => each === "COMPLETED"), 30_000);
});
