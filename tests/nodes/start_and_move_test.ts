/** The real program as several nodes on the real store, denokv: how they start, what their operator's tasks do, and moving. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { copyBlobs } from "../../lib/operation/move_blobs.ts";
import { recordsVersion } from "../../lib/store/migrations.ts";
import { kinds } from "../../lib/store/schema.ts";
import { createDenokv, type Denokv, denokvProgram } from "../fixtures/denokv.ts";
import { createTestDirectory, type TestDirectory } from "../fixtures/directory.ts";
import { copyOldDatabase, oldDatabaseCounts } from "../fixtures/old_database.ts";
import { openS3Blobs } from "../fixtures/s3_blobs.ts";
import { runTask, type Server, startServer } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { type S3StandIn, startS3 } from "../stand_ins/s3.ts";

/** Left out where denokv is not there, except in CI, where that is a failure. */
const ignore = Deno.env.get("CI") !== "true" && !await isThere();

async function isThere(): Promise<boolean> {
  try {
    return (await new Deno.Command(denokvProgram, { args: ["--help"], stdout: "null", stderr: "null" })
      .output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function s3Env({ address }: S3StandIn): Record<string, string> {
  return {
    R2_ENDPOINT: address.endpoint,
    R2_BUCKET: address.bucket,
    R2_ACCESS_KEY_ID: address.accessKeyId,
    R2_SECRET_ACCESS_KEY: address.secretAccessKey,
  };
}

const alike = {
  SECRET: "a secret that all nodes have alike, and long enough",
  PUBLIC_URL: "http://darkroom.test",
};

interface Place extends AsyncDisposable {
  folder: TestDirectory;
  s3: S3StandIn;
  denokv: Denokv;
  env: Record<string, string>;
  dataDir: (node: number) => string;
}

async function openPlace(): Promise<Place> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await createTestDirectory());
  const s3 = stack.use(startS3());
  const denokv = stack.use(await createDenokv({ database: join(folder.path, "denokv.sqlite3") }));
  return {
    folder,
    s3,
    denokv,
    env: { ...alike, ...s3Env(s3), KV_URL: denokv.url, DENO_KV_ACCESS_TOKEN: denokv.token },
    dataDir: (node) => join(folder.path, `node ${node}`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function lineOfFailure(start: Promise<Server>): Promise<string> {
  const error = await start.then(() => null, (error) => error);
  assert.ok(error instanceof Error, "it started");
  return error.message.replace("The server ended at once: ", "");
}

async function paint(server: Server, key: string, prompt: string): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1/images/generate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt, model: "sketch" }),
  });
  assert.equal((await answer.json()).status, "COMPLETED");
}

Deno.test({
  name:
    "two nodes that start at once have one owner; another secret, provider or token is refused in one line",
  ignore,
  async fn() {
    await using place = await openPlace();
    const { env, dataDir } = place;
    const nodes = await Promise.all([0, 1].map((node) => startServer({ dataDir: dataDir(node), env })));
    try {
      const { stdout: key } = await runTask(["key"], { dataDir: dataDir(2), env });
      for (const [i, node] of nodes.entries()) await paint(node, key, `a sea ${i}`);
      const users = await fetch(`${nodes[0].url}/api/v1/users`, {
        headers: { Authorization: `Bearer ${key}` },
      });
      assert.equal((await users.json()).users.length, 1);
      assert.deepEqual(await nodesShown(nodes[1], env, dataDir(2)), 2);
      const start = (more: Record<string, string>) =>
        lineOfFailure(startServer({ dataDir: dataDir(3), env: { ...env, ...more } }));
      assert.match(
        await start({ SECRET: "another secret, which is long enough, too" }),
        /^SECRET is another one/,
      );
      assert.match(await start({ OPENAI_BASE_URL: "http://127.0.0.1:9" }), /^The providers are others/);
      assert.match(
        await start({ DENO_KV_ACCESS_TOKEN: "no-token-of-this-server" }),
        /refuses DENO_KV_ACCESS_TOKEN$/,
      );
      const rebuilt = await runTask(["rebuild"], { dataDir: dataDir(2), env });
      assert.equal(rebuilt.code, 1);
      assert.match(rebuilt.stderr, /stop all nodes/);
      const verified = await runTask(["verify"], { dataDir: dataDir(2), env });
      assert.match(verified.stdout, /^All is well: 2 prompts, 2 images/);
      const copy = join(place.folder.path, "backup");
      const backUp = (...args: string[]) => runTask(["backup", copy, ...args], { dataDir: dataDir(0), env });
      assert.match((await backUp()).stderr, /^KV_URL is set: --database has to name/);
      assert.match((await backUp("--database", `${copy}.gone`)).stderr, /is no file$/);
      const backedUp = await backUp("--database", join(place.folder.path, "denokv.sqlite3"));
      assert.match(backedUp.stdout, /^Backed up 2 images/, backedUp.stderr);
      const restored = { dataDir: join(place.folder.path, "restored"), env: { SECRET: env.SECRET } };
      assert.equal((await runTask(["restore", copy], restored)).code, 0);
      const seen = await runTask(["verify"], restored);
      assert.match(seen.stdout, /^All is well: 2 prompts, 2 images/, seen.stderr);
    } finally {
      await Promise.all(nodes.map((node) => node.end("SIGTERM")));
    }
    // Nobody is seen any more, so another secret is theirs from now on.
    const other = { ...env, SECRET: "another secret, which is long enough, too" };
    await using _ = await startServer({ dataDir: dataDir(3), env: other });
  },
});

/** How many nodes the admin's page names, to its owner. */
async function nodesShown(server: Server, env: Record<string, string>, dataDir: string): Promise<number> {
  const { stdout } = await runTask(["login"], { dataDir, env });
  const { pathname, search } = new URL(stdout.split(": ")[1]);
  const headers = { Origin: alike.PUBLIC_URL };
  const signIn = await fetch(server.url + pathname + search, { headers, redirect: "manual" });
  await signIn.body?.cancel();
  const cookie = signIn.headers.getSetCookie().map((each) => each.split(";")[0]).join("; ");
  const page = await fetch(`${server.url}/admin/providers`, { headers: { ...headers, Cookie: cookie } });
  return (await page.text()).split('data-name="Last seen"').length - 1;
}

Deno.test({
  name: "a node waits for a store that comes after it, and says so",
  ignore,
  async fn() {
    await using place = await openPlace();
    const { env, dataDir, denokv } = place;
    await denokv.end();
    const starting = startServer({ dataDir: dataDir(0), env });
    {
      // Whoever asks there finds nobody, once.
      using nobody = Deno.listen({ hostname: "127.0.0.1", port: denokv.port });
      (await nobody.accept()).close();
    }
    await denokv.start();
    await using node = await starting;
    assert.ok(node.log.some((line) => line.includes("waiting_for_database")));
  },
});

Deno.test({
  name:
    "two nodes that come at once to the records of an old program make each migration once, and all is well",
  ignore,
  async fn() {
    await using folder = await createTestDirectory();
    await using s3 = startS3();
    const old = join(folder.path, "old");
    await copyOldDatabase(old);
    await copyBlobs({ from: createDiskBlobs(pathsIn(old).blobs), to: openS3Blobs(s3.address) });
    await using denokv = await createDenokv({ database: pathsIn(old).database });
    const env = { ...alike, ...s3Env(s3), KV_URL: denokv.url, DENO_KV_ACCESS_TOKEN: denokv.token };
    const nodes = await Promise.all(
      [0, 1].map((i) => startServer({ dataDir: join(folder.path, `${i}`), env })),
    );
    try {
      const migrated = (node: Server) => node.log.filter((line) => line.includes("migration_done")).length;
      assert.equal(migrated(nodes[0]) + migrated(nodes[1]), recordsVersion - 1);
      const operator = { dataDir: join(folder.path, "operator"), env };
      const { prompts, images } = oldDatabaseCounts;
      const well = new RegExp(`^All is well: ${prompts} prompts, ${images} images`);
      assert.match((await runTask(["verify"], operator)).stdout, well);
    } finally {
      await Promise.all(nodes.map((node) => node.end("SIGTERM")));
    }
  },
});

Deno.test({
  name: "a node that stood still while others took over with another secret ends in one line when it goes on",
  ignore,
  async fn() {
    await using place = await openPlace();
    const { env, dataDir } = place;
    await using still = await startServer({ dataDir: dataDir(0), env });
    still.process.kill("SIGSTOP");
    {
      // As if it had not been seen for long enough to count as gone.
      Deno.env.set("DENO_KV_ACCESS_TOKEN", env.DENO_KV_ACCESS_TOKEN);
      using kv = await Deno.openKv(env.KV_URL);
      for await (const { key } of kv.list({ prefix: [...kinds.nodes] })) await kv.delete(key);
      Deno.env.delete("DENO_KV_ACCESS_TOKEN");
    }
    const other = { ...env, SECRET: "another secret, which is long enough, too" };
    await using node = await startServer({ dataDir: dataDir(1), env: other });
    still.process.kill("SIGCONT");
    await until(() => still.isOver(), Boolean, 20_000);
    const { code } = await still.end("SIGTERM");
    const words = "This node can't go on: SECRET is another one than that of the nodes that run";
    assert.deepEqual([code, still.log.filter((line) => line.startsWith("This node"))], [1, [words]]);
    const ready = await fetch(`${node.url}/api/v1/ready`);
    await ready.body?.cancel();
    assert.equal(ready.status, 200);
  },
});

Deno.test({
  name: "a single node's file goes under denokv with its pictures, takes new ones, comes back, and verifies",
  ignore,
  async fn() {
    await using folder = await createTestDirectory();
    await using s3 = startS3();
    const dataDir = join(folder.path, "data");
    const file = join(dataDir, "darkroom.sqlite3");
    const moved = join(folder.path, "denokv.sqlite3");
    const single = { ...alike, ...s3Env(s3) };
    const first = await startServer({ dataDir, env: single });
    const { stdout: key } = await runTask(["key"], { dataDir, env: single });
    await paint(first, key, "before");
    await first.end("SIGTERM");
    await move(file, moved);
    {
      await using denokv = await createDenokv({ database: moved });
      const env = { ...single, KV_URL: denokv.url, DENO_KV_ACCESS_TOKEN: denokv.token };
      const node = await startServer({ dataDir, env });
      const images = await (await fetch(`${node.url}/api/v1/images`, {
        headers: { Authorization: `Bearer ${key}` },
      })).json();
      const { pathname } = new URL(images.images[0].url, node.url);
      const picture = await fetch(node.url + pathname, {
        headers: { Authorization: `Bearer ${key}` },
      });
      assert.equal(picture.status, 200);
      await picture.body?.cancel();
      await paint(node, key, "meanwhile");
      await node.end("SIGTERM");
      await denokv.end("SIGTERM");
    }
    await move(moved, file);
    await using back = await startServer({ dataDir, env: single });
    await paint(back, key, "afterwards");
    const verified = await runTask(["verify"], { dataDir, env: single });
    assert.match(verified.stdout, /^All is well: 3 prompts, 3 images/);
  },
});

/** With what SQLite left beside it. */
async function move(from: string, to: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.rename(from + suffix, to + suffix).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound) || suffix === "") throw error;
    });
  }
}
