/**
 * The real program with servers of one's own, killed with SIGKILL while they work: a task of ComfyUI's is found again, by
 * an id that was written down before; a call of A1111's is lost with the process, and the prompt says so.
 */
import assert from "node:assert/strict";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { startA1111 } from "../stand_ins/a1111.ts";
import { type ComfyStandIn, startComfy } from "../stand_ins/comfy.ts";
import type { Moment } from "../stand_ins/http.ts";

const templates = new URL("../../docs/comfy", import.meta.url).pathname;

interface World {
  env: Record<string, string>;
  dataDir: string;
  headers: Record<string, string>;
}

async function worldOf(dataDir: string, env: Record<string, string>): Promise<World> {
  const { stdout: key } = await runTask(["key"], { dataDir, env });
  return { env, dataDir, headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" } };
}

async function send(server: Server, { headers }: World): Promise<string> {
  const answer = await fetch(`${server.url}/api/v1/images/generate`, {
    method: "POST",
    headers: { ...headers, Prefer: "respond-async" },
    body: JSON.stringify({ prompt: "a sea" }),
  });
  return (await answer.json()).promptId;
}

interface Shown {
  status: string;
  errorCode: string | null;
  costMicros: number;
  images: unknown[];
}

async function show(server: Server, promptId: string, { headers }: World): Promise<Shown> {
  const answer = await fetch(`${server.url}/api/v1/prompts/${promptId}`, { headers });
  return (await answer.json()).prompt;
}

const isFinal = ({ status }: Shown) => !["PENDING", "PROCESSING"].includes(status);

type IsIt = (moment: Moment, api: ComfyStandIn) => boolean;

/** Kills the server when ComfyUI's stand-in gets there; the answer to that request is lost. */
function killAt(api: ComfyStandIn, server: Server, isIt: IsIt): Promise<Deno.CommandStatus> {
  const killed = Promise.withResolvers<Deno.CommandStatus>();
  api.onPoint = async (moment) => {
    if (!isIt(moment, api)) return;
    api.onPoint = () => {};
    killed.resolve(await server.end("SIGKILL"));
  };
  return killed.promise;
}

const moments: [name: string, isIt: IsIt][] = [
  ["it is looked for before it is handed in", ({ path, point }) => path === "/queue" && point === "answered"],
  ["the graph is on its way", ({ path, point }) => path === "/prompt" && point === "received"],
  [
    "it is in the queue, and the answer lost",
    ({ path, point }) => path === "/prompt" && point === "before the answer",
  ],
  [
    "it runs",
    ({ path, point }, api) => path === "/queue" && point === "answered" && api.queue().length === 1,
  ],
  ["the picture is on its way", ({ path, point }) => path === "/view" && point === "mid-body"],
];

for (const [name, isIt] of moments) {
  Deno.test(`ComfyUI, killed when ${name}: the picture comes, and the graph ran once`, async () => {
    await using folder = await temporaryFolder();
    await using api = startComfy();
    const world = await worldOf(folder.path, { COMFY_URL: api.url, COMFY_TEMPLATES: templates });
    const server = await startServer(world);
    api.isHeld = name === "it runs";
    const killed = killAt(api, server, isIt);
    const promptId = await send(server, world);
    await killed;
    api.isHeld = false;
    if (api.queue().length > 0) api.letGo();
    await using again = await startServer(world);
    const prompt = await until(() => show(again, promptId, world), isFinal, 30_000);
    assert.deepEqual([prompt.status, prompt.images.length, prompt.costMicros], ["COMPLETED", 1, 0]);
    assert.equal(api.ran.length, 1);
    await again.end("SIGTERM");
    assert.equal((await runTask(["verify"], world)).code, 0);
  });
}

Deno.test("A1111, killed while it works: the prompt ends in doubt, at no cost, and nothing is sent again", async () => {
  await using folder = await temporaryFolder();
  await using api = startA1111();
  api.isHeld = true;
  const world = await worldOf(folder.path, { A1111_URL: api.url });
  const server = await startServer(world);
  const promptId = await send(server, world);
  await until(() => api.queue(), ({ length }) => length === 1);
  await server.end("SIGKILL");
  await using again = await startServer(world);
  const prompt = await until(() => show(again, promptId, world), isFinal, 30_000);
  assert.deepEqual([prompt.status, prompt.errorCode, prompt.costMicros], ["FAILED", "outcome_unknown", 0]);
  assert.equal(api.journal.filter(({ path }) => path.endsWith("/txt2img")).length, 1);
  api.advance(1);
  await again.end("SIGTERM");
  assert.equal((await runTask(["verify"], world)).code, 0);
});

Deno.test("a template with a node that is missing stops the start with one line", async () => {
  await using folder = await temporaryFolder();
  const comfy = `${folder.path}/comfy`;
  await Deno.mkdir(comfy);
  for (const name of ["text_to_image.json", "text_to_image.map.json"]) {
    const text = await Deno.readTextFile(`${templates}/${name}`);
    await Deno.writeTextFile(`${comfy}/${name}`, text.replace('"3.seed"', '"99.seed"'));
  }
  const env = { COMFY_URL: "http://127.0.0.1:1", COMFY_TEMPLATES: comfy };
  await assert.rejects(startServer({ dataDir: `${folder.path}/data`, env }), (error: Error) => {
    const words =
      "COMFY_TEMPLATES: text_to_image.map.json names 99.seed as seed, and text_to_image.json has no node 99";
    assert.equal(error.message, `The server ended at once: ${words}`);
    return true;
  });
});
