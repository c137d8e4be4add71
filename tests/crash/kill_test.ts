/** The real program, killed with SIGKILL: at each step of a prompt's life as seen from outside, and at random under load. */
import assert from "node:assert/strict";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { checkKill, moments } from "../prove/kills.ts";
import type { Finding } from "../prove/promises.ts";
import { storm } from "../prove/storms.ts";

for (const moment of moments) {
  Deno.test(`killed at ${moment.name}: nothing is lost and nothing is made twice`, async () => {
    assertKept(await checkKill(moment, { comeback: "at once", seed: 1 }));
  });
}

Deno.test("random kills under load lose nothing, make nothing twice and leave the books balanced", async () => {
  const seed = Number(Deno.env.get("STORM_SEED") ?? Math.floor(Math.random() * 1e9));
  console.log(`STORM_SEED=${seed}`);
  assertKept(await storm({ seed }));
});

function assertKept(findings: Finding[]): void {
  assert.deepEqual(
    findings.flatMap(({ promise, violations }) => violations.map((each) => ({ promise, ...each }))),
    [],
  );
}

async function read(server: Server, promptId: string, headers: Record<string, string>) {
  const answer = await fetch(`${server.url}/api/v1/prompts/${promptId}`, { headers });
  return (await answer.json()).prompt;
}

function isFinal(status: string): boolean {
  return ["COMPLETED", "FAILED", "CANCELLED"].includes(status);
}

Deno.test("a prompt that brings the process down three times ends FAILED, and the service lives on", async () => {
  await using folder = await temporaryFolder();
  const env = { SKETCH_STEP_MS: "60000" };
  const { stdout: key } = await runTask(["key"], { dataDir: folder.path, env });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  let server = await startServer({ dataDir: folder.path, env });
  const accepted = await fetch(`${server.url}/api/v1/images/generate`, {
    method: "POST",
    headers: { ...headers, Prefer: "respond-async" },
    body: JSON.stringify({ prompt: "a picture that crashes its painter" }),
  });
  const { promptId } = await accepted.json();
  for (let kill = 1; kill <= 3; kill++) {
    await until(() => read(server, promptId, headers), ({ status }) => status === "PROCESSING");
    await server.end("SIGKILL");
    server = await startServer({ dataDir: folder.path, env });
  }
  await using _ = server;
  const prompt = await until(() => read(server, promptId, headers), ({ status }) => isFinal(status));
  assert.deepEqual([prompt.status, prompt.errorCode, prompt.costMicros], ["FAILED", "provider_failed", 0]);
  const health = await fetch(`${server.url}/api/v1/health`);
  assert.equal((await health.json()).success, true);
});
