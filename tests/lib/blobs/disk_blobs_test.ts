import assert from "node:assert/strict";
import { join } from "node:path";
import { blobKeys, blobKeysOf, type Blobs, imageIdIn, readBlob } from "../../../lib/blobs/blobs.ts";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { testBlobs } from "../../fixtures/blobs_contract.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";

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

testBlobs("disk", async () => {
  const directory = await createTestDirectory();
  return {
    blobs: createDiskBlobs(join(directory.path, "blobs")),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});

Deno.test("a put, also over another one, leaves one file", () =>
  withBlobs(async (blobs, folder) => {
    await blobs.put(key, new Uint8Array(1000), "image/png");
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

Deno.test("no key leads out of the folder", () =>
  withBlobs(async (blobs, folder) => {
    await Deno.writeTextFile(join(folder, "../letter"), "dear");
    for (const key of ["../letter", "images/../../letter", "/etc/hostname", "..", "", "images//x", "a\0b"]) {
      await assert.rejects(blobs.put(key, new Uint8Array(1), "image/png"), TypeError, key);
      await assert.rejects(blobs.open(key), TypeError, key);
      await assert.rejects(blobs.delete(key), TypeError, key);
    }
    assert.equal(await Deno.readTextFile(join(folder, "../letter")), "dear");
  }));

Deno.test("a folder that somebody took away is made again", () =>
  withBlobs(async (blobs, folder) => {
    await blobs.put("images/ab/one", new Uint8Array(1), "image/png");
    await Deno.remove(join(folder, "images"), { recursive: true });
    await blobs.put("images/ab/two", new Uint8Array(2), "image/png");
    assert.deepEqual(await readBlob(blobs, "images/ab/two"), new Uint8Array(2));
  }));

const canTrace = await isInstalled("strace") || Deno.env.get("CI") === "true";

/** What the disk is told while these are put, in order; those of one argument, joined by commas, at once. */
async function traceOf(...args: string[]): Promise<string[]> {
  const folder = join(await Deno.makeTempDir(), "blobs");
  const writer = new URL("../../fixtures/blob_writer.ts", import.meta.url).pathname;
  const calls = "trace=openat,mkdir,fsync,fdatasync,rename";
  const { stderr } = await new Deno.Command("strace", {
    args: ["-f", "-y", "-e", calls, Deno.execPath(), "run", "-A", writer, folder, ...args],
  }).output();
  await Deno.remove(join(folder, ".."), { recursive: true });
  return new TextDecoder().decode(stderr).split("\n").flatMap((line) => {
    const [, call, path] = /(fsync|fdatasync|rename)\((?:"|\d+<)([^">]+)/.exec(line) ?? [];
    return path?.startsWith(folder)
      ? [`${call} ${path.slice(folder.length).replace(/\.[\w-]+\.part/, ".part")}`]
      : [];
  });
}

Deno.test({
  name: "a blob's bytes are on the disk before its name is, and its name and folders before it counts as put",
  ignore: !canTrace,
  async fn() {
    assert.deepEqual(await traceOf("images/ab/one", "images/ab/two"), [
      "fsync /images",
      "fsync ",
      "fdatasync /images/ab/one.part",
      "rename /images/ab/one.part",
      "fsync /images/ab",
      // The folders above are on the disk already.
      "fdatasync /images/ab/two.part",
      "rename /images/ab/two.part",
      "fsync /images/ab",
    ]);
  },
});

Deno.test({
  name: "blobs that are put at once share flushes of their folder, each after its name is there",
  ignore: !canTrace,
  async fn() {
    const names = Array.from({ length: 16 }, (_, i) => `images/ab/n${i}`);
    const asked = await traceOf("images/ab/first", names.join(","));
    const flushes = asked.filter((each) => each === "fsync /images/ab").length;
    assert.ok(flushes < names.length, `${flushes} flushes`);
    const last = asked.lastIndexOf("fsync /images/ab");
    for (const name of names) assert.ok(asked.indexOf(`rename /${name}.part`) < last, name);
  },
});

Deno.test("all bytes of a picture lie under keys that its id makes", () => {
  const id = "01934567-89ab-7000-8000-0123456789ab";
  assert.deepEqual(blobKeysOf(id), [
    `images/ab/${id}`,
    `images/ab/${id}.original`,
    `images/ab/${id}.w320.webp`,
    `images/ab/${id}.w640.webp`,
    `images/ab/${id}.copy.png`,
    `images/ab/${id}.settings.png`,
    `images/ab/${id}.copy.jpeg`,
    `images/ab/${id}.settings.jpeg`,
    `images/ab/${id}.copy.webp`,
    `images/ab/${id}.settings.webp`,
    `images/ab/${id}.shown.320`,
    `images/ab/${id}.shown.640`,
    `images/ab/${id}.shown.png`,
    `images/ab/${id}.shown.jpeg`,
    `images/ab/${id}.shown.webp`,
    `images/ab/${id}.shown.card`,
    `images/ab/${id}.shown.original`,
  ]);
  for (const each of blobKeysOf(id)) assert.equal(imageIdIn(each), id);
  for (const other of [".probe", `images/ab/${id}x`, "images/ab/mine.png", `other/ab/${id}`]) {
    assert.equal(imageIdIn(other), null);
  }
  assert.equal(blobKeys.picture(id), blobKeysOf(id)[0]);
});

async function isInstalled(program: string): Promise<boolean> {
  const found = await Promise.all(
    ["/usr/bin", "/bin"].map((folder) => Deno.stat(`${folder}/${program}`).then(() => true, () => false)),
  );
  return found.includes(true);
}
