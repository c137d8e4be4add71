import assert from "node:assert/strict";
import { blobKeys, blobKeysOf, type Blobs, readBlob } from "../../../lib/blobs/blobs.ts";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { createIds } from "../../../lib/ids.ts";
import { copyBlobs, removeCopied } from "../../../lib/operation/move_blobs.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";
import { openS3Blobs } from "../../fixtures/s3_blobs.ts";
import { startS3 } from "../../stand_ins/s3.ts";

async function contentsOf(blobs: Blobs): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for await (const { key } of blobs.list()) {
    contents.set(key, new TextDecoder().decode((await readBlob(blobs, key))!));
  }
  return contents;
}

async function move(way: { from: Blobs; to: Blobs }): Promise<number> {
  await copyBlobs(way);
  return await removeCopied(way);
}

Deno.test("a move that is broken off again and again gets there, back too, and loses nothing on the way", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const disk = createDiskBlobs(directory.path);
  const r2 = openS3Blobs(s3.address, { deadlineMs: 0, answerMs: 10_000, putMs: 10_000 });
  const ids = createIds(Date.now);
  const keys = Array.from({ length: 12 }, () => blobKeysOf(ids())).flat();
  for (const key of keys) await disk.put(key, new TextEncoder().encode(`bytes of ${key}`), "image/png");
  await disk.put("images/readme.txt", new Uint8Array(1), "text/plain");
  const before = await contentsOf(disk);
  assert.equal(before.size, keys.length + 1);
  before.delete("images/readme.txt");

  for (const [from, to, method] of [[disk, r2, "PUT"], [r2, disk, "GET"]] as const) {
    for (let round = 0; round < 3; round++) {
      s3.troubles.push({ method, trouble: "500" });
      await assert.rejects(move({ from, to }));
      const reachable = new Map([...await contentsOf(from), ...await contentsOf(to)]);
      for (const [key, text] of before) assert.equal(reachable.get(key), text);
    }
    assert.equal(await move({ from, to }), keys.length);
    const moved = await contentsOf(to);
    moved.delete("images/readme.txt");
    assert.deepEqual(new Map([...moved].sort()), new Map([...before].sort()));
    assert.deepEqual([...(await contentsOf(from)).keys()], from === disk ? ["images/readme.txt"] : []);
    const again = await copyBlobs({ from, to });
    assert.deepEqual(again, { copied: 0, present: 0, removed: 0 });
  }
});

Deno.test("what is at the other place in part only is copied again, and stays where it was until then", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const [disk, r2] = [createDiskBlobs(directory.path), openS3Blobs(s3.address)];
  const [key] = blobKeysOf(createIds(Date.now)());
  await disk.put(key, new Uint8Array(100).fill(1), "image/png");
  await r2.put(key, new Uint8Array(50).fill(1), "image/png");
  assert.equal(await removeCopied({ from: disk, to: r2 }), 0);
  assert.deepEqual(await copyBlobs({ from: disk, to: r2 }), { copied: 1, present: 0, removed: 0 });
  assert.equal((await readBlob(r2, key))!.length, 100);
});

Deno.test("rows of batches move with the pictures", async () => {
  await using directory = await createTestDirectory();
  await using s3 = startS3();
  const disk = createDiskBlobs(directory.path);
  const r2 = openS3Blobs(s3.address);
  const key = blobKeys.batchRows(createIds(Date.now)());
  const rows = new TextEncoder().encode("{}\n");
  await disk.put(key, rows, "application/jsonl");
  await move({ from: disk, to: r2 });
  assert.deepEqual([await readBlob(r2, key), await readBlob(disk, key)], [rows, null]);
  await move({ from: r2, to: disk });
  assert.deepEqual([await readBlob(r2, key), await readBlob(disk, key)], [null, rows]);
});
