import assert from "node:assert/strict";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { join } from "node:path";
import { backUp, restore, withSnapshot } from "../../../lib/operation/backup.ts";
import { blobKeys, readBlob } from "../../../lib/blobs/blobs.ts";
import {
  type DataDirectory,
  openDataDirectory,
  pathsIn,
  readSecret,
} from "../../../lib/operation/data_directory.ts";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { acceptTestBatch } from "../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";
import {
  acceptPrompt,
  cancelUnbilled,
  changeOf,
  completePrompt,
  createTestMask,
  createTestStore,
  createTestUpload,
  createTestUser,
  deleteAtOnce,
  dump,
  imageBytes,
  type TestStore,
} from "../../fixtures/store.ts";
import { readImage } from "../../../lib/images/image_store.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";

/** A data directory with a store in it, and room for backups beside it. */
async function createStudio() {
  const directory = await createTestDirectory();
  const data = await openDataDirectory(join(directory.path, "data"));
  const store = await createTestStore(data.database);
  const user = await createTestUser(store);
  const blobs = createHoldableBlobs(createDiskBlobs(data.blobs));
  return {
    data,
    store,
    user,
    blobs,
    folder: (name: string) => join(directory.path, name),
    backUp: (name: string) => {
      const folder = join(directory.path, name);
      return backUp({ data, blobs, now: store.now }, {
        directory: folder,
        target: createDiskBlobs(pathsIn(folder).blobs),
      });
    },
    async [Symbol.asyncDispose]() {
      store.kv.close();
      data.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function restoreTo(path: string, from: string) {
  const data = await openDataDirectory(path);
  try {
    const blobs = createDiskBlobs(data.blobs);
    const source = createDiskBlobs(pathsIn(from).blobs);
    return await restore({ data, blobs, now: Date.now, log: () => {} }, { directory: from, source });
  } finally {
    data.close();
  }
}

async function openRestored(path: string) {
  const data = await openDataDirectory(path);
  const store = await createTestStore(data.database);
  return { data, store, blobs: createDiskBlobs(data.blobs), [Symbol.dispose]: () => close(store, data) };
}

function close(store: TestStore, data: DataDirectory): void {
  store.kv.close();
  data.close();
}

Deno.test("what was backed up comes back whole: records, versions, pictures, secret", async () => {
  await using studio = await createStudio();
  const { store, user, blobs, data } = studio;
  const completed = await completePrompt(store, user, { blobs, request: { count: 2 } });
  await cancelUnbilled(store, user);
  await acceptPrompt(store, user);
  const upload = await createTestUpload(store, { user, blobs });
  const mask = await createTestMask(store, { base: upload, blobs });
  await acceptPrompt(store, user, { request: changeOf(upload, { mask }) });
  const secret = await readSecret(data, undefined);
  const before = await dump(store);
  assert.deepEqual(await studio.backUp("backup"), { images: 3, missing: [] });
  await restoreTo(studio.folder("copy"), studio.folder("backup"));
  using restored = await openRestored(studio.folder("copy"));
  assert.deepEqual(await dump(restored.store), before);
  assert.deepEqual((await verify(restored.store, restored)).violations, []);
  assert.equal(await readSecret(restored.data, undefined), secret);
  const image = await readImage(restored.store, imagesOf(completed.value)[0].id);
  assert.deepEqual(
    await readBlob(restored.blobs, blobKeys.picture(image!.value.id)),
    imageBytes(image!.value.id),
  );
  for (const key of [blobKeys.picture(upload.id), blobKeys.mask(mask.id)]) {
    assert.deepEqual(await readBlob(restored.blobs, key), await readBlob(blobs, key));
  }
});

Deno.test("a backup in the middle of writing and deleting is well once it is restored", async () => {
  await using studio = await createStudio();
  const { store, user, blobs } = studio;
  const old = await completePrompt(store, user, { blobs, request: { count: 8 } });
  let isOver = false;
  const writing = (async () => {
    for (let i = 0; !isOver; i++) {
      await completePrompt(store, user, { blobs });
      await acceptPrompt(store, user);
      const image = await readImage(store, imagesOf(old.value)[i]?.id ?? "");
      if (image !== null) await deleteAtOnce({ store, blobs }, image.value);
    }
  })();
  const reports = [];
  for (const name of ["first", "second", "third"]) reports.push(await studio.backUp(name));
  isOver = true;
  await writing;
  assert.ok(reports.every((report) => report.missing.length === 0));
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  for (const name of ["first", "second", "third"]) {
    await restoreTo(studio.folder(`copy of ${name}`), studio.folder(name));
    using restored = await openRestored(studio.folder(`copy of ${name}`));
    const report = await verify(restored.store, restored);
    assert.deepEqual(report.violations, []);
    assert.ok(report.prompts > 0);
  }
});

Deno.test("a snapshot stands still while the store goes on, and is gone afterwards", async () => {
  await using studio = await createStudio();
  const { store, user, data } = studio;
  await acceptPrompt(store, user);
  await withSnapshot(data, async (kv) => {
    await acceptPrompt(store, user);
    const view = { kv, now: store.now };
    assert.equal((await verify(view, { blobs: createMemoryBlobs() })).prompts, 1);
  });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(data.temporary)), []);
});

/** What others may do with files below a folder, by their names there. */
async function openToOthers(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (((await Deno.lstat(path)).mode! & 0o077) !== 0) found.push(name);
    if (isDirectory) found.push(...(await openToOthers(path)).map((below) => join(name, below)));
  }
  return found;
}

Deno.test("only the owner of the files may read what is stored, backed up or restored", async () => {
  await using studio = await createStudio();
  const { store, user, blobs, data } = studio;
  await readSecret(data, undefined);
  await completePrompt(store, user, { blobs });
  // Folders that were there before, open to all.
  for (const name of ["backup", "copy"]) await Deno.mkdir(studio.folder(name), { mode: 0o755 });
  const target = createDiskBlobs(pathsIn(studio.folder("backup")).blobs);
  const seen: string[] = [];
  const watching = {
    ...target,
    put: async (...args: Parameters<typeof target.put>) => {
      await target.put(...args);
      seen.push(...await openToOthers(studio.folder("backup")));
    },
  };
  await backUp({ data, blobs, now: store.now }, { directory: studio.folder("backup"), target: watching });
  await restoreTo(studio.folder("copy"), studio.folder("backup"));
  assert.deepEqual(seen, []);
  for (const path of [data.path, studio.folder("backup"), studio.folder("copy")]) {
    assert.deepEqual(await openToOthers(path), [], path);
  }
  assert.equal((await Deno.stat(data.path)).mode! & 0o777, 0o700);
});

Deno.test("a backup into a folder that holds something is refused and leaves it alone", async () => {
  await using studio = await createStudio();
  await Deno.mkdir(studio.folder("full"));
  await Deno.writeTextFile(join(studio.folder("full"), "letter"), "dear");
  await assert.rejects(studio.backUp("full"), isRefusal("conflict", /full is not empty/));
  assert.deepEqual((await Array.fromAsync(Deno.readDir(studio.folder("full")))).map(({ name }) => name), [
    "letter",
  ]);
});

Deno.test("a picture whose bytes are gone is named, and does not stop the backup", async () => {
  await using studio = await createStudio();
  const { store, user, blobs } = studio;
  const { value } = await completePrompt(store, user, { blobs, request: { count: 2 } });
  const image = await readImage(store, imagesOf(value)[0].id);
  await blobs.delete(blobKeys.picture(image!.value.id));
  assert.deepEqual(await studio.backUp("backup"), {
    images: 2,
    missing: [blobKeys.picture(image!.value.id)],
  });
});

Deno.test("a backup that can't be completed fails as a whole, and nothing else does", async () => {
  await using studio = await createStudio();
  await completePrompt(studio.store, studio.user, { blobs: studio.blobs, request: { count: 2 } });
  studio.blobs.open = () => Promise.reject(new Error("no answer"));
  await assert.rejects(studio.backUp("backup"), /no answer/);
  assert.equal(studio.blobs.isHolding(), false);
  await assert.rejects(
    restoreTo(studio.folder("copy"), studio.folder("backup")),
    isRefusal("not_found", /complete/),
  );
});

Deno.test("a restore into a directory that was used is refused and changes nothing", async () => {
  await using studio = await createStudio();
  await studio.backUp("backup");
  const used = await openDataDirectory(studio.folder("used"));
  const secret = await readSecret(used, undefined);
  used.close();
  await assert.rejects(
    restoreTo(studio.folder("used"), studio.folder("backup")),
    isRefusal("conflict", /used is not empty/),
  );
  assert.equal(await Deno.readTextFile(used.secret), secret);
  await assert.rejects(Deno.stat(used.database), Deno.errors.NotFound);
});

Deno.test("what is no backup, or was broken off, is not restored", async () => {
  await using studio = await createStudio();
  await studio.backUp("backup");
  await Deno.remove(join(studio.folder("backup"), "backup.json"));
  for (const from of ["backup", "nowhere", "data"]) {
    const restoring = restoreTo(studio.folder("copy"), studio.folder(from));
    await assert.rejects(restoring, isRefusal("not_found", /is not a complete backup/));
  }
});

Deno.test("a backup that somebody has tampered with puts nothing outside of the folder", async () => {
  await using studio = await createStudio();
  const { store, user, blobs } = studio;
  const { value } = await completePrompt(store, user, { blobs });
  const image = (await readImage(store, imagesOf(value)[0].id))!.value;
  await Deno.writeTextFile(studio.folder("letter"), "not part of it");
  const evil = ["../../letter", "../../../letter", "/etc/hostname", `${image.id}/../../letter`, "", 7];
  for (const [i, id] of evil.entries()) {
    const folder = studio.folder(`evil ${i}`);
    await studio.backUp(`evil ${i}`);
    const kv = await Deno.openKv(pathsIn(folder).database);
    await kv.set(["image", image.id], { ...image, id, hasOriginal: true });
    kv.close();
    const copy = studio.folder(`in/copy ${i}`);
    await assert.rejects(restoreTo(copy, folder), isRefusal("conflict", /files of something else/));
    await assert.rejects(Deno.stat(studio.folder("in/letter")), Deno.errors.NotFound);
  }
  for (const name of ["secret", "blobs/images/ab"]) {
    await studio.backUp(`linked ${name[0]}`);
    const path = join(studio.folder(`linked ${name[0]}`), name);
    await Deno.symlink("/etc/hostname", path);
    const restoring = restoreTo(studio.folder(`of ${name[0]}`), studio.folder(`linked ${name[0]}`));
    await assert.rejects(restoring, isRefusal("conflict", /is a link/));
  }
});

Deno.test("deletions wait for the last of those who hold them, and for no one else", async () => {
  const memory = createMemoryBlobs();
  const blobs = createHoldableBlobs(memory);
  for (const key of ["a", "b", "c"]) await blobs.put(key, new Uint8Array(1), "image/png");
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const held = [blobs.holdDeletes(() => first.promise), blobs.holdDeletes(() => second.promise)];
  await blobs.delete("a");
  await blobs.delete("b");
  await blobs.put("b", new Uint8Array(2), "image/png");
  first.resolve();
  await held[0];
  assert.deepEqual([...memory.contents.keys()], ["a", "b", "c"]);
  second.resolve();
  await held[1];
  assert.deepEqual([...memory.contents.keys()], ["b", "c"]);
  await blobs.delete("c");
  assert.deepEqual([...memory.contents.keys()], ["b"]);
});

function isRefusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("a batch that goes on is backed up with its rows, and goes on after a restore", async () => {
  await using studio = await createStudio();
  const { store, user, blobs } = studio;
  const { batch } = await acceptTestBatch({ store, blobs }, user, { rows: 3 });
  const report = await studio.backUp("backup");
  assert.deepEqual(report, { images: 0, missing: [] });
  const kept = createDiskBlobs(pathsIn(studio.folder("backup")).blobs);
  const rows = await readBlob(kept, blobKeys.batchRows(batch.value.id));
  assert.deepEqual(rows, await readBlob(blobs, blobKeys.batchRows(batch.value.id)));
  assert.equal(new TextDecoder().decode(rows!).trim().split("\n").length, 3);
});
