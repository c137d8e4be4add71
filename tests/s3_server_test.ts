/** The real program and its tasks with pictures in S3. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { blobKeysOf } from "../lib/blobs/blobs.ts";
import { createDiskBlobs } from "../lib/blobs/disk_blobs.ts";
import { createIds } from "../lib/ids.ts";
import { claimBlobs } from "../lib/operation/sweep_blobs.ts";
import { createTestDirectory } from "./fixtures/directory.ts";
import { openS3Blobs } from "./fixtures/s3_blobs.ts";
import { runTask, type Server, startServer, type TaskResult } from "./fixtures/server.ts";
import { until } from "./fixtures/until.ts";
import { type S3StandIn, startS3 } from "./stand_ins/s3.ts";

const settingsOf = ({ address }: S3StandIn) => ({
  R2_ENDPOINT: address.endpoint,
  R2_BUCKET: address.bucket,
  R2_ACCESS_KEY_ID: address.accessKeyId,
  R2_SECRET_ACCESS_KEY: address.secretAccessKey,
});

async function keyFor(dataDir: string): Promise<{ Authorization: string }> {
  const { stdout } = await runTask(["key"], { dataDir });
  return { Authorization: `Bearer ${stdout}` };
}

async function generate(server: Server, headers: { Authorization: string }): Promise<Response> {
  return await fetch(`${server.url}/api/v1/images/generate`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "a lighthouse", imageSize: "512x512" }),
  });
}

async function readiness(server: Server): Promise<[status: number, failing: string[] | undefined]> {
  const answer = await fetch(`${server.url}/api/v1/ready`);
  return [answer.status, (await answer.json()).failing];
}

const pictures = (s3: S3StandIn) => [...s3.objects.keys()].filter((key) => key.startsWith("images/"));

async function filesIn(dataDir: string): Promise<string[]> {
  return (await Array.fromAsync(createDiskBlobs(join(dataDir, "blobs")).list())).map(({ key }) => key);
}

function assertDone(result: TaskResult, said: RegExp): void {
  assert.deepEqual([result.code, result.stderr], [0, ""], result.stdout);
  assert.match(result.stdout, said);
}

Deno.test("with R2 set the pictures are there and nowhere else, served whole and in part", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const dataDir = directory.path;
  await using server = await startServer({ dataDir, env: settingsOf(s3) });
  const headers = await keyFor(dataDir);
  const { images: [{ id, url }] } = await (await generate(server, headers)).json();
  assert.deepEqual(pictures(s3), [blobKeysOf(id)[0]]);
  assert.deepEqual(await filesIn(dataDir), []);
  const address = server.url + new URL(url).pathname;
  const stored = s3.objects.get(blobKeysOf(id)[0])!;
  const whole = await fetch(address, { headers });
  assert.deepEqual(new Uint8Array(await whole.arrayBuffer()), stored.bytes);
  const part = await fetch(address, { headers: { ...headers, Range: "bytes=10-99" } });
  assert.equal(part.status, 206);
  assert.deepEqual(new Uint8Array(await part.arrayBuffer()), stored.bytes.slice(10, 100));
  await (await fetch(`${address}?width=320`, { headers })).arrayBuffer();
  assert.equal(pictures(s3).length, 2);
  assertDone(await runTask(["verify"], { dataDir, env: settingsOf(s3) }), /1 images/);
});

Deno.test("an outage of S3 is told by /ready, refuses what is new, and is over by itself", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  await using server = await startServer({ dataDir: directory.path, env: settingsOf(s3) });
  const headers = await keyFor(directory.path);
  assert.deepEqual(await readiness(server), [200, undefined]);
  s3.outage = "slow_down";
  assert.deepEqual(
    await until(() => readiness(server), ([status]) => status === 503, 30_000),
    [503, ["blobs"]],
  );
  const refused = await generate(server, headers);
  assert.deepEqual([refused.status, (await refused.json()).error.code], [503, "unavailable"]);
  const isTold = /"not_ready".*S3 answered 503 SlowDown: it has too much to do/;
  await until(() => server.log.some((line) => isTold.test(line)), Boolean);
  s3.outage = null;
  await until(() => readiness(server), ([status]) => status === 200, 30_000);
  const made = await generate(server, headers);
  assert.deepEqual([made.status, (await made.json()).status], [200, "COMPLETED"]);
});

Deno.test("pictures move to R2 and back, and a backup of one place is restored into the other", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const env = settingsOf(s3);
  const [dataDir, copyDir, backup] = ["data", "copy", "backup"].map((name) => join(directory.path, name));
  {
    await using server = await startServer({ dataDir });
    const headers = await keyFor(dataDir);
    for (let i = 0; i < 2; i++) await (await generate(server, headers)).json();
    const early = await runTask(["move-blobs", "r2"], { dataDir, env });
    assertDone(early, /Copied 2 files to r2; 0 were there already\nA server is running/);
    assert.equal((await filesIn(dataDir)).length, 2);
    await (await generate(server, headers)).json();
  }
  assertDone(
    await runTask(["move-blobs", "r2"], { dataDir, env }),
    /Copied 1 files.*2 were.*\nRemoved 3 files/,
  );
  assert.deepEqual([await filesIn(dataDir), pictures(s3).length], [[], 3]);
  assertDone(await runTask(["verify"], { dataDir, env }), /3 images/);
  assert.equal((await runTask(["verify"], { dataDir })).code, 1);
  assertDone(await runTask(["backup", backup], { dataDir, env }), /Backed up 3 images/);
  assertDone(await runTask(["restore", backup], { dataDir: copyDir }), /Restored 3 images/);
  assertDone(await runTask(["verify"], { dataDir: copyDir }), /3 images/);
  assertDone(
    await runTask(["move-blobs", "disk"], { dataDir, env }),
    /Copied 3 files to disk.*\nRemoved 3 files/,
  );
  assert.deepEqual([(await filesIn(dataDir)).length, pictures(s3).length], [3, 0]);
  assertDone(await runTask(["verify"], { dataDir }), /3 images/);
  const third = { dataDir: join(directory.path, "third"), env };
  assertDone(await runTask(["restore", backup], third), /Restored 3 images/);
  assertDone(await runTask(["verify"], third), /3 images/);
  assert.equal(pictures(s3).length, 3);
  assertDone(await runTask(["claim-blobs"], third), /this Darkroom's/);
  const usage = await runTask(["move-blobs", "moon"], { dataDir, env });
  assert.deepEqual([usage.code, usage.stderr], [2, "This task takes r2 or disk: where to"]);
  const unset = await runTask(["move-blobs", "r2"], { dataDir });
  assert.deepEqual([unset.code, unset.stderr], [1, "R2_ENDPOINT and what belongs to it must be set"]);
});

Deno.test("pictures that an address with the bucket in it once misplaced are told of, and moved where they belong", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const [dataDir, env] = [directory.path, settingsOf(s3)];
  {
    await using server = await startServer({ dataDir, env });
    const headers = await keyFor(dataDir);
    for (let i = 0; i < 2; i++) await (await generate(server, headers)).json();
  }
  const keys = pictures(s3);
  for (const key of [...keys, "unrelated"]) {
    const object = s3.objects.get(keys.includes(key) ? key : keys[0])!;
    s3.objects.set(`${s3.address.bucket}/${key}`, object);
    s3.objects.delete(key);
  }
  assert.equal((await runTask(["verify"], { dataDir, env })).code, 1);
  {
    await using server = await startServer({ dataDir, env });
    const told = await until(
      () => server.log.find((line) => line.includes("pictures_misplaced")),
      (line) => line !== undefined,
    );
    assert.match(told!, /"level":"error".*deno task move-blobs r2/);
    const early = await runTask(["move-blobs", "r2"], { dataDir, env });
    assertDone(early, /Copied 2 files to r2; 0 were there already\nA server is running/);
  }
  assertDone(await runTask(["verify"], { dataDir, env }), /2 images/);
  const moved = await runTask(["move-blobs", "r2"], { dataDir, env });
  assertDone(moved, /Copied 0 files to r2; 2 were there already\nRemoved 2 files/);
  assertDone(await runTask(["verify"], { dataDir, env }), /2 images/);
  assert.deepEqual(
    [...s3.objects.keys()].filter((key) => key.startsWith(`${s3.address.bucket}/`)),
    [`${s3.address.bucket}/unrelated`],
  );
});

Deno.test("what another Darkroom keeps in a folder that is called like the bucket stays there", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const [dataDir, env] = [directory.path, settingsOf(s3)];
  const elsewhere = openS3Blobs({ ...s3.address, endpoint: `${s3.address.endpoint}/${s3.address.bucket}` });
  const [key] = blobKeysOf(createIds(Date.now)());
  await elsewhere.put(key, new Uint8Array(10), "image/png");
  await claimBlobs(elsewhere, "another one");
  assertDone(await runTask(["move-blobs", "r2"], { dataDir, env }), /Removed 0 files/);
  assert.ok(s3.objects.has(`${s3.address.bucket}/${key}`));
});
