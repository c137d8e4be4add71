/**
 * Kills the real program with SIGKILL at each step of a prompt's life, as seen from outside, and starts it again:
 * nothing accepted is lost, no task is made twice, work goes on within five seconds, and the books balance.
 */
import assert from "node:assert/strict";
import { readEventStream } from "../fixtures/event_stream.ts";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { type NanobananaStandIn, startNanobanana, type Step } from "../stand_ins/nanobanana.ts";
import { until } from "../fixtures/until.ts";

interface Scene {
  server: Server;
  standIn: NanobananaStandIn;
  promptId: string;
  headers: Record<string, string>;
}

/** Resolves at the moment to kill; it is set up before the prompt is sent. */
type Moment = (
  scene: { standIn: NanobananaStandIn; dataDir: string },
) => Promise<void> | ((scene: Scene) => Promise<void>);

const atStep = (request: Step["request"], point: Step["point"], nth = 1): Moment => ({ standIn }) => {
  const reached = Promise.withResolvers<void>();
  let count = 0;
  standIn.onStep = async (step) => {
    if (step.request !== request || step.point !== point || ++count !== nth) return;
    reached.resolve();
    // The one that asked is killed now; what it asked for is not answered before it is gone.
    if (point !== "answered") await gone.promise;
  };
  const gone = Promise.withResolvers<void>();
  endOfLife = gone.resolve;
  return reached.promise;
};

/** Lets requests go that were held when the server was killed. */
let endOfLife = () => {};

const atStatus =
  (isIt: (event: { status: string; stage: string | null }) => boolean): Moment =>
  () =>
  async ({ server, promptId, headers }) => {
    const answer = await fetch(`${server.url}/api/v1/prompts/${promptId}/events`, { headers });
    const stream = readEventStream(answer);
    await stream.find(({ data }) => isIt(JSON.parse(data)));
    await stream.cancel();
  };

const whenBlobIsThere: Moment = ({ dataDir }) =>
  until(() => hasBlob(`${dataDir}/blobs/images`), Boolean).then(() => {});

async function hasBlob(folder: string): Promise<boolean> {
  try {
    for await (const shard of Deno.readDir(folder)) {
      for await (const file of Deno.readDir(`${folder}/${shard.name}`)) {
        if (!file.name.endsWith(".part")) return true;
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

const moments: [name: string, moment: Moment, outcomes: string[]][] = [
  ["accepted", () => () => Promise.resolve(), ["COMPLETED", "FAILED"]],
  ["claimed", atStatus(({ status }) => status === "PROCESSING"), ["COMPLETED", "FAILED"]],
  ["submitted, and the request not read", atStep("create", "received"), ["FAILED"]],
  ["submitted, and the task made but not answered", atStep("create", "read"), ["FAILED"]],
  ["submitted and answered", atStep("create", "answered"), ["COMPLETED", "FAILED"]],
  ["asked for the first time", atStep("poll", "received"), ["COMPLETED"]],
  ["between two polls", atStep("poll", "answered"), ["COMPLETED"]],
  ["about to fetch the picture", atStep("download", "received"), ["COMPLETED"]],
  ["bytes on their way", atStep("download", "answered"), ["COMPLETED"]],
  ["blob written", whenBlobIsThere, ["COMPLETED"]],
  ["settled", atStatus(({ status }) => status === "COMPLETED"), ["COMPLETED"]],
];

for (const [name, moment, outcomes] of moments) {
  Deno.test(`killed when ${name}: nothing is lost and nothing is made twice`, async () => {
    await using folder = await temporaryFolder();
    await using standIn = await startNanobanana();
    const env = { NANO_BANANA_TOKEN: "token-of-the-stand-in", NANO_BANANA_URL: standIn.url };
    const { stdout: key } = await runTask(["key"], { dataDir: folder.path, env });
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const first = await startServer({ dataDir: folder.path, env });
    const prepared = moment({ standIn, dataDir: folder.path });
    const accepted = await fetch(`${first.url}/api/v1/images/generate`, {
      method: "POST",
      headers: { ...headers, Prefer: "respond-async" },
      body: JSON.stringify({ prompt: name, model: "nanobanana" }),
    });
    assert.equal(accepted.status, 202);
    const { promptId } = await accepted.json();
    await (typeof prepared === "function"
      ? prepared({ server: first, standIn, promptId, headers })
      : prepared);
    await first.end("SIGKILL");
    endOfLife();
    standIn.onStep = () => {};
    const asked = standIn.journal.length;

    await using second = await startServer({ dataDir: folder.path, env });
    const startedAt = Date.now();
    const prompt = await until(
      () => read(second, promptId, headers),
      ({ status }) => isFinal(status),
      30_000,
    );
    assert.ok(outcomes.includes(prompt.status), `${prompt.status}, ${prompt.errorMessage}`);
    const tasks = standIn.journal.filter(({ request }) => request === "create");
    assert.ok(tasks.length <= 1, `made ${tasks.length} tasks`);
    if (prompt.status === "FAILED") {
      assert.equal(prompt.errorCode, "outcome_unknown");
      assert.deepEqual([prompt.ledger.basis, prompt.ledger.costMicros], ["unknown", 20_000]);
    } else {
      assert.deepEqual([tasks.length, prompt.images.length, prompt.ledger.costMicros], [1, 1, 20_000]);
      const file = await fetch(`${second.url}/api/v1/images/${prompt.images[0].id}/file`, { headers });
      assert.equal((await file.arrayBuffer()).byteLength > 1000, true);
      assert.equal(file.status, 200);
    }
    const resumed = standIn.journal[asked];
    if (resumed !== undefined) {
      assert.ok(resumed.at - startedAt < 5000, `resumed after ${resumed.at - startedAt} ms`);
    }
    const { budget } = await (await fetch(`${second.url}/api/v1/me`, { headers })).json();
    assert.deepEqual([budget.heldMicros, budget.spentMicros], [0, prompt.ledger.costMicros]);
    const verified = await runTask(["verify"], { dataDir: folder.path, env });
    assert.deepEqual([verified.code, verified.stdout.split("\n").length], [0, 1], verified.stdout);
    assert.equal((await second.end("SIGTERM")).code, 0);
  });
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
