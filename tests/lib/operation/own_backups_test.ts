import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { createHoldableBlobs } from "../../../lib/blobs/holdable_blobs.ts";
import { restore } from "../../../lib/operation/backup.ts";
import {
  type BackupPlace,
  createBlobPlace,
  createFolderPlace,
  nameOfBackup,
  timeOfBackup,
} from "../../../lib/operation/backup_place.ts";
import { openDataDirectory } from "../../../lib/operation/data_directory.ts";
import {
  backUpIfDue,
  type BackupState,
  isDue,
  lastGoodBackup,
  type OwnBackupDeps,
  readBackupState,
} from "../../../lib/operation/own_backups.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";
import {
  completePrompt,
  createTestStore,
  createTestUser,
  deleteAtOnce,
  openTestDatabase,
} from "../../fixtures/store.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { blobKeys, readBlob } from "../../../lib/blobs/blobs.ts";
import { readImage } from "../../../lib/images/image_store.ts";

const dayMs = 24 * 3600 * 1000;
const kinds = ["folder", "bucket"] as const;

async function createScene(kind: typeof kinds[number], { keep = 2 } = {}) {
  const directory = await createTestDirectory();
  const data = await openDataDirectory(join(directory.path, "data"));
  const store = await createTestStore(data.database);
  const user = await createTestUser(store);
  const blobs = createHoldableBlobs(createDiskBlobs(data.blobs));
  const bucket = createMemoryBlobs();
  const place: BackupPlace = kind === "folder"
    ? createFolderPlace(join(directory.path, "backups"))
    : createBlobPlace(bucket, { temporary: data.temporary });
  const deps: OwnBackupDeps = {
    store,
    blobs,
    place,
    atMinute: 180,
    keep,
    data,
    log: () => {},
    goesOn: () => true,
  };
  const make = async (): Promise<string> => {
    const { value } = await completePrompt(store, user, { blobs });
    return imagesOf(value)[0].id;
  };
  return {
    directory: directory.path,
    data,
    store,
    user,
    blobs,
    bucket,
    place,
    deps,
    make,
    async run(changes: Partial<OwnBackupDeps> = {}): Promise<BackupState | null> {
      store.clock.advance(dayMs);
      await backUpIfDue({ ...deps, ...changes });
      return await readBackupState(store);
    },
    names: async () => (await place.list()).map(({ name }) => name),
    async restored(name: string) {
      const into = await openDataDirectory(join(directory.path, crypto.randomUUID()));
      const fetched = await place.fetch(name, await Deno.makeTempDir({ dir: data.temporary }));
      const target = createDiskBlobs(into.blobs);
      await restore({ data: into, blobs: target, now: store.now, log: () => {} }, {
        directory: fetched.directory,
        source: fetched.blobs,
      });
      const kv = await openTestDatabase(into.database, store.now);
      try {
        return { report: await verify({ kv, now: store.now }, { blobs: target }), blobs: target };
      } finally {
        kv.close();
        into.close();
      }
    },
    async [Symbol.asyncDispose]() {
      store.kv.close();
      data.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

for (const kind of kinds) {
  Deno.test(`${kind}: each backup is whole, pictures are copied once, and what is too old goes`, async () => {
    await using scene = await createScene(kind);
    const { store, place } = scene;
    const first = await scene.make();
    const one = (await scene.run())!.lastGood!;
    assert.deepEqual([one.images, one.takenAt], [1, store.now()]);
    await scene.make();
    const two = (await scene.run())!.lastGood!;
    assert.equal(two.images, 2);
    assert.ok(two.copiedBytes < two.bytes, "the first picture was there");
    const both = await scene.restored(two.name);
    assert.deepEqual([both.report.violations, both.report.images], [[], 2]);
    const alone = await scene.restored(one.name);
    assert.deepEqual([alone.report.violations, alone.report.images], [[], 1]);

    await deleteAtOnce(scene, (await readImage(store, first))!.value);
    await scene.run();
    assert.deepEqual((await place.list()).map(({ isGood }) => isGood), [true, true]);
    assert.equal((await scene.names())[0], two.name, "two are kept");
    assert.equal((await scene.restored(two.name)).report.images, 2, "and a deleted picture with them");
    await scene.run();
    const last = await lastGoodBackup(store);
    const restored = await scene.restored(last!.name);
    assert.deepEqual([restored.report.violations, restored.report.images], [[], 1]);
    if (kind === "bucket") {
      const keys = Array.from(scene.bucket.contents.keys());
      assert.ok(!keys.some((key) => key.includes(first)), "no kept backup names it any more");
    }
  });

  Deno.test(`${kind}: a backup that is broken off leaves the earlier ones, and the next goes on`, async () => {
    await using scene = await createScene(kind);
    await scene.make();
    const { lastGood } = (await scene.run())!;
    for (let n = 0; n < 3; n++) await scene.make();
    let steps = 2;
    await assert.rejects(scene.run({ goesOn: () => steps-- > 0 }), /broken off/);
    const state = await readBackupState(scene.store);
    assert.deepEqual([state!.lastGood, state!.attempt.hasEnded], [lastGood, false]);
    assert.deepEqual(await scene.names(), [lastGood!.name]);
    assert.deepEqual((await scene.restored(lastGood!.name)).report.violations, []);

    // As a kill leaves it: begun, partly there, and nobody to clear it away.
    const draft = await scene.place.begin(nameOfBackup(scene.store.now()));
    await Deno.writeTextFile(join(draft.directory, "darkroom.sqlite3"), "half");
    await draft.readBack(join(scene.data.temporary, "half"));
    await draft.blobs.put(blobKeys.picture(scene.store.ids()), new Uint8Array(9), "image/png");
    assert.deepEqual(await scene.names(), [lastGood!.name]);
    const next = (await scene.run())!.lastGood!;
    assert.deepEqual(await scene.names(), [lastGood!.name, next.name]);
    assert.deepEqual((await scene.restored(next.name)).report.violations, []);
    if (kind === "bucket") {
      assert.equal(Array.from(scene.bucket.contents.values()).filter(({ length }) => length === 9).length, 0);
    }
  });

  Deno.test(`${kind}: what does not agree is no good backup, and no good one goes for it`, async () => {
    await using scene = await createScene(kind, { keep: 1 });
    const id = await scene.make();
    const { lastGood } = (await scene.run())!;
    // A picture whose bytes were lost before the first backup of it.
    const lost = await scene.make();
    await createDiskBlobs(scene.data.blobs).delete(blobKeys.picture(lost));
    for (let day = 0; day < 2; day++) {
      const { failure, lastGood: still } = (await scene.run())!;
      assert.match(failure!.reason, /^What is in .* does not agree \(blob_missing .*verify`$/);
      assert.deepEqual(still, lastGood);
    }
    const kept = await scene.place.list();
    assert.deepEqual(kept.map(({ isGood }) => isGood), [true, false], "the good one, and the latest");
    assert.equal(kept[0].name, lastGood!.name);
    assert.ok(await readBlob((await scene.restored(lastGood!.name)).blobs, blobKeys.picture(id)));
  });
}

Deno.test("bytes that the storage has lost come from the backup before", async () => {
  await using scene = await createScene("folder");
  const id = await scene.make();
  await scene.run();
  await createDiskBlobs(scene.data.blobs).delete(blobKeys.picture(id));
  const { failure, lastGood } = (await scene.run())!;
  assert.equal(failure, null);
  assert.ok(await readBlob((await scene.restored(lastGood!.name)).blobs, blobKeys.picture(id)));
  assert.notEqual(await readImage(scene.store, id), null);
});

Deno.test("a place that takes nothing is said, and tried again an hour later", async () => {
  await using scene = await createScene("bucket");
  await scene.make();
  scene.bucket.put = () => Promise.reject(new Error("no room"));
  const state = await scene.run();
  assert.deepEqual([state!.lastGood, state!.failure?.reason], [null, "no room"]);
  assert.ok(!isDue(state, { now: scene.store.now() + 3_599_999, atMinute: 180 }));
  assert.ok(isDue(state, { now: scene.store.now() + 3_600_000, atMinute: 180 }));
});

Deno.test("a backup is due once each day at its time, at once where there was none, and soon after a kill", () => {
  const at = (text: string) => Date.parse(`2026-12-${text}Z`);
  const state = (startedAt: number, more: Partial<BackupState> = {}): BackupState => ({
    lastGood: null,
    attempt: { startedAt, hasEnded: true },
    failure: null,
    ...more,
  });
  const due = (text: string, before: BackupState | null) => isDue(before, { now: at(text), atMinute: 180 });
  assert.ok(due("01T00:00:00", null));
  const yesterday = state(at("01T03:00:10"));
  assert.deepEqual(
    ["01T03:01:00", "02T02:59:59", "02T03:00:00", "05T00:00:00"].map((text) => due(text, yesterday)),
    [false, false, true, true],
  );
  const killed = state(at("01T03:00:00"), { attempt: { startedAt: at("01T03:00:00"), hasEnded: false } });
  assert.deepEqual([due("01T03:09:59", killed), due("01T03:10:00", killed)], [false, true]);
  assert.equal(timeOfBackup(nameOfBackup(at("01T03:00:00"))), at("01T03:00:00"));
});
