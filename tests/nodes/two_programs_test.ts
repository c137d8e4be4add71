/** The real program twice on the real store and the real broker: what the one accepts is everybody's, whoever dies. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { connectKv } from "../../lib/store/connected_kv.ts";
import { createDenokv, denokvProgram } from "../fixtures/denokv.ts";
import { createTestDirectory } from "../fixtures/directory.ts";
import { readEventStream } from "../fixtures/event_stream.ts";
import { isProgramThere } from "../fixtures/child_server.ts";
import { createNatsServer, isNatsLeftOut, type NatsServer } from "../fixtures/nats_server.ts";
import { runTask, type Server, startServer } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { startS3 } from "../stand_ins/s3.ts";

/** Left out where one of the servers is not there, except in CI, where that is a failure. */
const ignore = isNatsLeftOut() || (!isProgramThere(denokvProgram) && Deno.env.get("CI") !== "true");

interface Scene extends AsyncDisposable {
  nodes: Server[];
  nats: NatsServer;
  verify(): Promise<string>;
  /** With a key of the owner's. */
  ask(node: Server, path: string, body?: unknown): Promise<Response>;
}

async function openScene({ stepMs = 0 } = {}): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await createTestDirectory());
  const { address } = stack.use(startS3());
  const denokv = stack.use(await createDenokv({ database: join(folder.path, "denokv.sqlite3") }));
  const nats = stack.use(await createNatsServer());
  const env = {
    SECRET: "a secret that all nodes have alike, and long enough",
    PUBLIC_URL: "http://darkroom.test",
    R2_ENDPOINT: address.endpoint,
    R2_BUCKET: address.bucket,
    R2_ACCESS_KEY_ID: address.accessKeyId,
    R2_SECRET_ACCESS_KEY: address.secretAccessKey,
    KV_URL: denokv.url,
    DENO_KV_ACCESS_TOKEN: denokv.token,
    NATS_URL: nats.url,
    SKETCH_STEP_MS: String(stepMs),
  };
  const nodes: Server[] = [];
  for (let i = 0; i < 2; i++) {
    nodes.push(stack.use(await startServer({ dataDir: join(folder.path, `node ${i}`), env })));
  }
  const operator = { dataDir: join(folder.path, "operator"), env };
  const { stdout: key } = await runTask(["key"], operator);
  return {
    nodes,
    nats,
    verify: async () => (await runTask(["verify"], operator)).stdout,
    ask: (node, path, body) =>
      fetch(`${node.url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          Authorization: `Bearer ${key}`,
          "Content-Type": "application/json",
          Prefer: "respond-async",
        },
        ...body !== undefined && { body: JSON.stringify(body) },
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function accept({ ask }: Scene, node: Server, prompt: string): Promise<string> {
  const answer = await ask(node, "/api/v1/images/generate", { prompt, model: "sketch" });
  assert.equal(answer.status, 202);
  return (await answer.json()).promptId;
}

Deno.test({
  name: "what is accepted at one program develops where the other's stream is read, and its picture is there",
  ignore,
  async fn() {
    await using scene = await openScene({ stepMs: 100 });
    const [a, b] = scene.nodes;
    const stream = readEventStream(await scene.ask(b, "/api/v1/events"));
    const id = await accept(scene, a, "a sea");
    await stream.find(({ data }) => data.includes(id) && data.includes("COMPLETED"));
    await stream.cancel();
    const { images } = await (await scene.ask(b, "/api/v1/images")).json();
    const picture = await scene.ask(b, new URL(images[0].url, b.url).pathname);
    assert.equal(picture.status, 200);
    await picture.body?.cancel();
  },
});

Deno.test({
  name: "a program that is killed while it works is made up for by the other within twenty seconds",
  ignore,
  async fn() {
    await using scene = await openScene({ stepMs: 500 });
    // Four at a time, twice.
    const atMostMs = 15_000;
    const [a, b] = scene.nodes;
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) ids.push(await accept(scene, i % 2 === 0 ? a : b, `a sea ${i}`));
    const statuses = () =>
      Promise.all(
        ids.map(async (id) => (await (await scene.ask(b, `/api/v1/prompts/${id}`)).json()).prompt.status),
      );
    await until(statuses, (all) => all.filter((status) => status === "PROCESSING").length === 4, 10_000);
    await a.end("SIGKILL");
    const isOver = (all: string[]) => all.every((status) => status === "COMPLETED");
    await until(statuses, isOver, 20_000 + atMostMs);
    assert.match(await scene.verify(), /^All is well: 8 prompts, 8 images/);
  },
});

Deno.test({
  name: "a broker that is dead is named by programs that stay ready and go on, until it is back",
  ignore,
  async fn() {
    await using scene = await openScene();
    const [a, b] = scene.nodes;
    const ready = async () => {
      const answer = await fetch(`${b.url}/api/v1/ready`);
      return { status: answer.status, body: JSON.stringify(await answer.json()) };
    };
    const before = await ready();
    await scene.nats.end();
    const dead = await until(ready, ({ body }) => body !== before.body, 10_000);
    assert.equal(dead.status, 200);
    assert.match(dead.body, /"bus":"down"/);
    const id = await accept(scene, a, "a sea");
    const status = async () => (await (await scene.ask(b, `/api/v1/prompts/${id}`)).json()).prompt.status;
    await until(status, (status) => status === "COMPLETED", 10_000);
    await scene.nats.start();
    assert.deepEqual(await until(ready, ({ body }) => body === before.body, 15_000), before);
  },
});

Deno.test({
  name: "two hundred and five watches of one program all hear, more than the store takes of one handle",
  ignore,
  async fn() {
    await using folder = await createTestDirectory();
    await using denokv = await createDenokv({ database: join(folder.path, "denokv.sqlite3") });
    Deno.env.set("DENO_KV_ACCESS_TOKEN", denokv.token);
    const kv = await connectKv({ open: () => Deno.openKv(denokv.url) });
    const readers = Array.from({ length: 205 }, (_, i) => kv.watch([["watched", i]]).getReader());
    try {
      await Promise.all(readers.map((reader) => reader.read()));
      const heard = Promise.all(readers.map((reader) => reader.read()));
      for (let i = 0; i < readers.length; i++) await kv.set(["watched", i], i);
      const values = (await heard).map(({ value }) => value?.[0].value);
      assert.deepEqual(values, readers.map((_, i) => i));
    } finally {
      await Promise.all(readers.map((reader) => reader.cancel()));
      kv.close();
      Deno.env.delete("DENO_KV_ACCESS_TOKEN");
    }
  },
});
