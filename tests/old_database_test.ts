/** The real program on a database that an earlier one left, in the middle of its work. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../lib/digest.ts";
import { createDiskBlobs } from "../lib/blobs/disk_blobs.ts";
import { pathsIn } from "../lib/operation/data_directory.ts";
import { verify } from "../lib/operation/verify.ts";
import { recordsVersion } from "../lib/store/migrations.ts";
import { openDatabase } from "../lib/store/store.ts";
import { keys } from "../lib/store/schema.ts";
import { createTestDirectory } from "./fixtures/directory.ts";
import { copyOldDatabase, oldDatabaseCounts, oldDatabaseVersions } from "./fixtures/old_database.ts";
import { runTask, startServer } from "./fixtures/server.ts";
import { until } from "./fixtures/until.ts";

const { prompts, images, ledgerEntries } = oldDatabaseCounts;
const allIsWell = `All is well: ${prompts} prompts, ${images} images, ${ledgerEntries} ledger entries`;

const pages = [
  "/generator",
  "/prompts",
  "/prompts?status=CANCELLED",
  "/gallery",
  "/gallery?q=harbour",
  "/dashboard",
  "/profile",
  "/profile/export",
  "/usage.csv",
  "/admin",
  "/admin/spend",
  "/admin/prices",
  "/admin/queue",
  "/admin/audit",
  "/admin/invitations",
];

Deno.test("an old database is well as soon as a task has opened it", async () => {
  await using directory = await createTestDirectory();
  const { path: dataDir } = directory;
  await copyOldDatabase(dataDir);
  const { code, stdout } = await runTask(["verify"], { dataDir });
  assert.deepEqual([code, stdout], [0, allIsWell]);
  assert.equal((await runTask(["rebuild"], { dataDir })).stdout, "Nothing had to be rebuilt");
});

Deno.test("the database of each earlier version is kept, opens, and is well then", async (t) => {
  const versions = await oldDatabaseVersions();
  const earlier = Array.from({ length: recordsVersion - 1 }, (_, i) => i + 1);
  assert.deepEqual(earlier.filter((version) => !versions.includes(version)), []);
  for (const version of versions) {
    await t.step(`version ${version}`, async () => {
      await using directory = await createTestDirectory();
      await copyOldDatabase(directory.path, version);
      const { database, blobs } = pathsIn(directory.path);
      assert.equal(await readVersion(database), version);
      using kv = await openDatabase(database, { now: Date.now, log: () => {} });
      const report = await verify({ kv, now: Date.now }, { blobs: createDiskBlobs(blobs) });
      assert.deepEqual(report.violations, []);
      assert.ok(report.prompts > 15 && report.images > 5 && report.ledgerEntries > 10);
    });
  }
});

/** The first of them did not say so yet. */
async function readVersion(path: string): Promise<number> {
  using kv = await Deno.openKv(path);
  return (await kv.get<{ version: number }>(keys.recordsVersion())).value?.version ?? 1;
}

Deno.test("a backup of an old database restores to one that is well", async () => {
  await using directory = await createTestDirectory();
  const backup = join(directory.path, "backup");
  const dataDir = join(directory.path, "data");
  await copyOldDatabase(backup);
  const { code, stdout } = await runTask(["restore", backup], { dataDir });
  assert.deepEqual([code, stdout], [0, `Restored 15 images and the database to ${dataDir}`]);
  assert.equal((await runTask(["verify"], { dataDir })).stdout, allIsWell);
});

Deno.test("a server goes on with an old database: pages, pictures, and what was being made", async () => {
  await using directory = await createTestDirectory();
  const { path: dataDir } = directory;
  await copyOldDatabase(dataDir);
  await using server = await startServer({ dataDir });
  const signedIn = await fetch(server.signInUrl, { redirect: "manual" });
  await signedIn.body?.cancel();
  const headers = { Cookie: signedIn.headers.get("Set-Cookie")!.split(";")[0] };
  const get = (path: string) => fetch(server.url + path, { headers, redirect: "manual" });
  const listed = async (path: string) => await (await get(path)).json();
  for (const path of pages) {
    const answer = await get(path);
    assert.equal(answer.status, 200, path);
    await answer.bytes();
  }
  const { images } = await listed("/api/v1/images");
  assert.equal(images.length, 11);
  let originals = 0;
  for (const { imageId: id } of images) {
    const { image } = await listed(`/api/v1/images/${id}`);
    const page = await (await get(`/images/${id}`)).text();
    assert.ok(page.includes(image.sha256), id);
    const file = await (await get(`/api/v1/images/${id}/file`)).bytes();
    assert.deepEqual([file.length, sha256(file)], [image.bytes, image.sha256]);
    const original = sha256(await (await get(`/api/v1/images/${id}/file?original=1`)).bytes());
    assert.equal(page.includes("As it was made"), original !== image.sha256);
    if (original !== image.sha256) originals++;
  }
  assert.equal(originals, 2);
  await until(
    () => listed("/api/v1/prompts"),
    ({ prompts }) => prompts.filter(({ status }: { status: string }) => status === "PROCESSING").length === 0,
  );
  assert.equal((await runTask(["verify"], { dataDir })).code, 0);
});

Deno.test("a database of a newer program stops server and tasks with one line each", async () => {
  await using directory = await createTestDirectory();
  const { path: dataDir } = directory;
  const kv = await Deno.openKv(pathsIn(dataDir).database);
  await kv.set(keys.recordsVersion(), { version: 1000 });
  kv.close();
  const refusal = /^The database is of a newer Darkroom [^\n]+$/;
  await assert.rejects(startServer({ dataDir }), ({ message }: Error) => {
    assert.match(message.replace("The server ended at once: ", ""), refusal);
    return true;
  });
  for (const args of [["verify"], ["login"], ["backup", join(dataDir, "backup")]]) {
    const { code, stdout, stderr } = await runTask(args, { dataDir });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, refusal);
  }
});
