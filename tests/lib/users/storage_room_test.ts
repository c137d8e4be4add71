import assert from "node:assert/strict";
import { createDisk, type DiskSpace } from "../../../lib/disk.ts";
import { readStoredBytes } from "../../../lib/users/stored_bytes.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { plainPng, sendUpload } from "../../fixtures/uploads.ts";

const prompt = { prompt: "a lighthouse" };

async function refusalOf(sent: Promise<Response>): Promise<[status: number, code: string, message: string]> {
  const answer = await sent;
  const { error } = await answer.json();
  return [answer.status, error?.code, error?.message];
}

async function upload(client: Client, size: number): Promise<Response> {
  return await sendUpload(client, await plainPng({ width: size, height: size }));
}

Deno.test("who has as much as they may have is refused prompts, batches and uploads, until something is deleted", async () => {
  await using studio = await createStudio({ userStorageBytes: 1 });
  const program = await studio.withKey();
  const first = await program.post("/api/v1/images/generate", prompt);
  assert.equal(first.status, 200, "there was nothing yet");
  const { images: [image] } = await first.json();
  assert.ok(await readStoredBytes(studio.store, studio.owner.id) >= 1);

  const words = /^Your pictures have 0 MB, and 0 MB is the most: delete some first$/;
  const made = await refusalOf(program.post("/api/v1/images/generate", prompt));
  assert.deepEqual(made.slice(0, 2), [507, "storage_full"]);
  assert.match(made[2], words);
  const batch = await refusalOf(program.post("/api/v1/batches", { rows: [prompt] }));
  assert.deepEqual(batch.slice(0, 2), [507, "storage_full"]);
  assert.deepEqual((await refusalOf(upload(program, 8))).slice(0, 2), [507, "storage_full"]);
  const openAi = await program.post("/v1/images/generations", prompt);
  assert.deepEqual([openAi.status, openAi.headers.get("x-should-retry")], [429, "false"]);
  assert.equal((await openAi.json()).error.code, "storage_full");
  const session = await studio.withSession();
  const page = await session.form("/generator", prompt);
  assert.equal(page.status, 507);
  assert.match(await page.text(), /delete some first/);

  const other = await studio.withKey(await studio.addMember());
  assert.equal((await other.post("/api/v1/images/generate", prompt)).status, 200, "it is one's own limit");
  assert.equal((await program.delete(`/api/v1/images/${image.id}`)).status, 200);
  assert.equal((await program.post("/api/v1/images/generate", prompt)).status, 200);
});

Deno.test("an upload counts with the bytes that it would add", async () => {
  await using studio = await createStudio({ userStorageBytes: 400 });
  const program = await studio.withKey();
  assert.equal((await upload(program, 8)).status, 201);
  const used = await readStoredBytes(studio.store, studio.owner.id);
  assert.ok(used > 0 && used < 400, String(used));
  assert.equal((await upload(program, 8)).status, 200, "what is there needs no room");
  const large = await refusalOf(upload(program, 900));
  assert.deepEqual(large.slice(0, 2), [507, "storage_full"]);
  assert.match(large[2], /^With this picture yours would have/);
  assert.equal(await readStoredBytes(studio.store, studio.owner.id), used);
  const usage = await (await (await studio.withSession()).get("/usage")).text();
  assert.match(usage, /of 0 kB: 0 kB are free/);
});

Deno.test("people are told before the disk is full, and nothing is accepted once it has less than the reserve", async () => {
  const clock = createTestClock();
  const space: DiskSpace = { freeBytes: 4000, totalBytes: 10_000 };
  const lines: string[] = [];
  const disk = createDisk({
    readSpace: () => Promise.resolve({ ...space }),
    reserveBytes: 1000,
    now: clock.now,
    log: (level, event, fields) => void lines.push(`${level} ${event} ${fields?.level}`),
  });
  await using studio = await createStudio({ disk });
  const program = await studio.withKey();
  const ready = async (freeBytes: number) => {
    space.freeBytes = freeBytes;
    clock.advance(2000);
    const answer = await studio.fetch("/api/v1/ready");
    return [answer.status, (await answer.json()).degraded];
  };
  assert.deepEqual(await ready(4000), [200, undefined]);
  assert.deepEqual(await ready(3999), [200, ["disk"]]);
  assert.equal(
    (await program.post("/api/v1/images/generate", prompt)).status,
    200,
    "a warning refuses nothing",
  );
  assert.deepEqual(await ready(999), [200, ["disk"]]);
  const made = await program.post("/api/v1/images/generate", prompt);
  assert.deepEqual([made.status, made.headers.get("Retry-After")], [503, "60"]);
  const { error } = await made.json();
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /the disk is nearly full/);
  assert.deepEqual((await refusalOf(program.post("/api/v1/batches", { rows: [prompt] }))).slice(0, 2), [
    503,
    "unavailable",
  ]);
  assert.deepEqual((await refusalOf(upload(program, 8))).slice(0, 2), [503, "unavailable"]);
  assert.equal((await program.get("/api/v1/images")).status, 200, "what is there is shown");
  assert.deepEqual(await ready(5000), [200, undefined]);
  assert.equal((await program.post("/api/v1/images/generate", prompt)).status, 200);
  assert.deepEqual(lines, [
    "warn disk_space low",
    "error disk_space full",
    "info disk_space ok",
  ]);
});
