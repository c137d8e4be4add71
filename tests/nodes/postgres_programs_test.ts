/** The real program twice on a real PostgreSQL server, which dies; the one that stood by goes on with all that was accepted. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createTestDirectory } from "../fixtures/directory.ts";
import { createPostgres, createStandby, isPostgresLeftOut, urlOfBoth } from "../fixtures/postgres.ts";
import { runTask, type Server, startServer } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { startS3 } from "../stand_ins/s3.ts";

const ignore = isPostgresLeftOut();

Deno.test({
  name: "the store dies while prompts are accepted; its standby has each of them, and none twice",
  ignore,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await createTestDirectory());
    const { address } = stack.use(startS3());
    const primary = stack.use(await createPostgres());
    const standby = stack.use(await createStandby(primary));
    const env = {
      SECRET: "a secret that all nodes have alike, and long enough",
      PUBLIC_URL: "http://darkroom.test",
      R2_ENDPOINT: address.endpoint,
      R2_BUCKET: address.bucket,
      R2_ACCESS_KEY_ID: address.accessKeyId,
      R2_SECRET_ACCESS_KEY: address.secretAccessKey,
      KV_URL: urlOfBoth(primary, standby),
      RATE_LIMIT_GENERATE: "10000",
    };
    const nodes: Server[] = [];
    for (const name of ["one", "other"]) {
      nodes.push(stack.use(await startServer({ dataDir: join(folder.path, name), env })));
    }
    const operator = { dataDir: join(folder.path, "operator"), env };
    const { stdout: key } = await runTask(["key"], operator);
    const headers = {
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      Prefer: "respond-async",
    };

    const accepted = new Map<string, string>();
    let isStormOver = false;
    /** One after another, each for as long as it takes, under one key. */
    const submit = async (node: Server, sender: number): Promise<void> => {
      for (let i = 0; !isStormOver; i++) {
        const name = `${sender}-${i}`;
        const body = JSON.stringify({ prompt: `a sea ${name}`, model: "sketch" });
        await until(
          async () => {
            const answer = await fetch(`${node.url}/api/v1/images/generate`, {
              method: "POST",
              headers: { ...headers, "Idempotency-Key": name },
              body,
            });
            const said = await answer.json();
            if (answer.status === 202) accepted.set(name, said.promptId);
            else assert.equal(answer.status, 503, JSON.stringify(said));
            return answer.status;
          },
          (status) => status === 202,
          40_000,
        );
      }
    };
    const storm = Promise.all([0, 1, 2, 3].map((sender) => submit(nodes[sender % 2], sender)));
    await until(() => accepted.size, (size) => size >= 12, 30_000);
    await primary.server.end("SIGKILL");
    const before = accepted.size;
    await standby.promote();
    const promotedAt = performance.now();
    await until(() => accepted.size, (size) => size >= before + 8, 30_000);
    assert.ok(performance.now() - promotedAt < 30_000);
    isStormOver = true;
    await storm;

    for (const id of accepted.values()) {
      const status = async () =>
        (await (await fetch(`${nodes[1].url}/api/v1/prompts/${id}`, { headers })).json()).prompt?.status;
      await until(status, (status) => status === "COMPLETED", 90_000);
    }
    const verified = await runTask(["verify"], operator);
    const { size } = accepted;
    assert.match(
      verified.stdout,
      new RegExp(`^All is well: ${size} prompts, ${size} images`),
      verified.stderr,
    );
  },
});
