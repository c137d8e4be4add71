import assert from "node:assert/strict";
import { join } from "node:path";
import {
  blobKeys,
  blobKeysOf,
  type Blobs,
  type ByteRange,
  RangeNotSatisfiable,
  readBlob,
} from "../../lib/blobs.ts";
import { createDiskBlobs } from "../../lib/disk_blobs.ts";
import { createTestDirectory } from "../fixtures/directory.ts";

const key = "images/ab/picture";
const ten = new TextEncoder().encode("0123456789");

async function withBlobs(work: (blobs: Blobs, folder: string) => Promise<void>): Promise<void> {
  await using directory = await createTestDirectory();
  const folder = join(directory.path, "blobs");
  await work(createDiskBlobs(folder), folder);
}

async function filesBelow(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) names.push(...await filesBelow(join(folder, name)));
    else names.push(name);
  }
  return names;
}

Deno.test("what was put comes back byte for byte, also large, also put again", () =>
  withBlobs(async (blobs, folder) => {
    const large = new Uint8Array(3_000_000).map((_, i) => i * 7);
    await blobs.put(key, large, "image/png");
    assert.deepEqual(await readBlob(blobs, key), large);
    await blobs.put(key, ten, "image/png");
    assert.deepEqual(await readBlob(blobs, key), ten);
    assert.deepEqual(await filesBelow(folder), ["picture"]);
  }));

const ranges: [ByteRange | undefined, string][] = [
  [undefined, "0123456789"],
  [{ first: 0, last: 0 }, "0"],
  [{ first: 3, last: 5 }, "345"],
  [{ first: 7 }, "789"],
  [{ first: 7, last: 99 }, "789"],
  [{ suffixLength: 2 }, "89"],
  [{ suffixLength: 99 }, "0123456789"],
];

for (const [range, expected] of ranges) {
  Deno.test(`the range ${JSON.stringify(range)} of ten bytes is ${expected}`, () =>
    withBlobs(async (blobs) => {
      await blobs.put(key, ten, "image/png");
      const blob = (await blobs.open(key, range))!;
      assert.equal(await new Response(blob.stream).text(), expected);
      assert.deepEqual([blob.size, blob.end - blob.start], [10, expected.length]);
      assert.equal("0123456789".slice(blob.start, blob.end), expected);
    }));
}

for (const range of [{ first: 10 }, { first: 99, last: 100 }, { suffixLength: 0 }, { first: 5, last: 4 }]) {
  Deno.test(`the range ${JSON.stringify(range)} of ten bytes can't be satisfied`, () =>
    withBlobs(async (blobs) => {
      await blobs.put(key, ten, "image/png");
      await assert.rejects(blobs.open(key, range), (error) => {
        assert.ok(error instanceof RangeNotSatisfiable);
        assert.equal(error.size, 10);
        return true;
      });
    }));
}

Deno.test("a part of a large blob ends where it was asked to, and a reader may leave early", () =>
  withBlobs(async (blobs) => {
    await blobs.put(key, new Uint8Array(1_000_000), "image/png");
    const blob = (await blobs.open(key, { first: 100_000, last: 499_999 }))!;
    assert.equal((await new Response(blob.stream).arrayBuffer()).byteLength, 400_000);
    const left = (await blobs.open(key))!;
    await left.stream.cancel();
    const partLeft = (await blobs.open(key, { first: 1 }))!;
    await partLeft.stream.cancel();
  }));

Deno.test("what is not there opens as null, does not exist, and can be deleted all the same", () =>
  withBlobs(async (blobs) => {
    assert.equal(await blobs.open(key), null);
    assert.equal(await readBlob(blobs, key), null);
    assert.equal(await blobs.exists(key), false);
    await blobs.delete(key);
    await blobs.put(key, ten, "image/png");
    assert.equal(await blobs.exists(key), true);
    await blobs.delete(key);
    assert.equal(await blobs.exists(key), false);
  }));

Deno.test("many that put the same key at once leave one of theirs, whole", () =>
  withBlobs(async (blobs, folder) => {
    const writers = Array.from({ length: 8 }, (_, i) => new Uint8Array(200_000).fill(i));
    await Promise.all(writers.map((bytes) => blobs.put(key, bytes, "image/png")));
    const kept = (await readBlob(blobs, key))!;
    assert.equal(new Set(kept).size, 1);
    assert.equal(kept.length, 200_000);
    assert.deepEqual(await filesBelow(folder), ["picture"]);
  }));

Deno.test("a put that fails leaves nothing behind", () =>
  withBlobs(async (blobs, folder) => {
    await Deno.mkdir(join(folder, key), { recursive: true });
    await Deno.writeTextFile(join(folder, key, "in the way"), "");
    await assert.rejects(blobs.put(key, ten, "image/png"));
    assert.deepEqual(await filesBelow(folder), ["in the way"]);
  }));

Deno.test("the probe makes the folder, and throws when nothing can be stored there", () =>
  withBlobs(async (blobs, folder) => {
    await blobs.probe();
    assert.equal((await Deno.stat(folder)).isDirectory, true);
    await Deno.remove(folder, { recursive: true });
    await Deno.writeTextFile(folder, "a file in the way");
    await assert.rejects(blobs.probe());
  }));

Deno.test("all bytes of a picture lie under keys that its id makes", () => {
  const id = "01934567-89ab-7000-8000-0123456789ab";
  assert.deepEqual(blobKeysOf(id), [
    `images/ab/${id}`,
    `images/ab/${id}.original`,
    `images/ab/${id}.w320.webp`,
    `images/ab/${id}.w640.webp`,
  ]);
  assert.equal(blobKeys.picture(id), blobKeysOf(id)[0]);
});
