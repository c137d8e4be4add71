import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../../../lib/blobs/disk_blobs.ts";
import { changedSince, firstCursor, readCursor } from "../../../../lib/live/cursor.ts";
import { verify } from "../../../../lib/operation/verify.ts";
import type { Migration } from "../../../../lib/store/migration.ts";
import { migrateRecords } from "../../../../lib/store/migrations.ts";
import { changesInRows } from "../../../../lib/store/migrations/changes_in_rows.ts";
import { findByLetters } from "../../../../lib/store/migrations/find_by_letters.ts";
import { countedByDay } from "../../../../lib/store/migrations/counted_by_day.ts";
import { markedPictures } from "../../../../lib/store/migrations/marked_pictures.ts";
import { oneFactInOnePlace } from "../../../../lib/store/migrations/one_fact_in_one_place.ts";
import { picturesOfTwoKinds } from "../../../../lib/store/migrations/pictures_of_two_kinds.ts";
import { ranksInTheQueue } from "../../../../lib/store/migrations/ranks_in_the_queue.ts";
import { kinds } from "../../../../lib/store/schema.ts";
import { createStore } from "../../../../lib/store/store.ts";
import { interceptCommits } from "../../../fixtures/commits.ts";
import { createTestDirectory } from "../../../fixtures/directory.ts";
import { copyOldDatabase, oldDatabaseAt, oldDatabaseCounts } from "../../../fixtures/old_database.ts";

const now = () => oldDatabaseAt;
const before: Migration[] = [findByLetters, oneFactInOnePlace, picturesOfTwoKinds];

/** So that this program can read it. */
const after: Migration[] = [ranksInTheQueue, markedPictures, countedByDay];

/** As the program before left it. */
async function openVersion4() {
  const directory = await createTestDirectory();
  await copyOldDatabase(directory.path);
  const kv = await Deno.openKv(join(directory.path, "darkroom.sqlite3"));
  await migrate(kv, before);
  const changes = await Array.fromAsync(kv.list<string>({ prefix: [...kinds.changes] }));
  return {
    kv,
    blobs: createDiskBlobs(join(directory.path, "blobs")),
    /** Of each user, in their order. */
    changes: [...Map.groupBy(changes, ({ key }) => String(key[1]))],
    async [Symbol.asyncDispose]() {
      kv.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const migrate = (kv: Deno.Kv, migrations: Migration[]) =>
  migrateRecords(kv, { now, log: () => {} }, migrations);

Deno.test("an old database is well afterwards, and readers with cursors from before go on where they were", async () => {
  await using old = await openVersion4();
  const { kv, changes } = old;
  assert.ok(changes.some(([, entries]) => entries.length > 1));
  await migrate(kv, [...before, changesInRows, ...after]);
  const { violations, ...counts } = await verify({ kv, now }, { blobs: old.blobs });
  assert.deepEqual([violations, counts], [[], oldDatabaseCounts]);
  const store = createStore({ kv, now });
  for (const [userId, entries] of changes) {
    const ids = entries.map(({ value }) => value);
    const versions = entries.map(({ key }) => String(key[2]));
    for (const [i, since] of [firstCursor, ...versions].entries()) {
      assert.deepEqual((await changedSince(store, { userId, since })).ids, ids.slice(i));
    }
    const cursor = await readCursor(store, userId);
    assert.ok(cursor >= versions.at(-1)!);
    assert.deepEqual(await changedSince(store, { userId, since: cursor }), { ids: [], cursor });
  }
});

Deno.test("killed at any of its commits it goes on, and done twice it changes nothing", async () => {
  await using whole = await openVersion4();
  await migrate(whole.kv, [...before, changesInRows]);
  const contents = async (kv: Deno.Kv) =>
    (await Array.fromAsync(kv.list({ prefix: [] }, { batchSize: 500 }))).map((
      { key, value },
    ) => [key, value]);
  for (const dieAt of [1, 2]) {
    await using killed = await openVersion4();
    const { atomic } = killed.kv;
    let commits = 0;
    interceptCommits(killed.kv, (_, commit) => {
      if (++commits === dieAt) throw new Error("killed");
      return commit();
    });
    await assert.rejects(migrate(killed.kv, [...before, changesInRows]), /killed/);
    killed.kv.atomic = atomic;
    await migrate(killed.kv, [...before, changesInRows]);
    assert.deepEqual(await contents(killed.kv), await contents(whole.kv));
    // What it has written stands behind what it reads.
    for (const entry of await Array.fromAsync(killed.kv.list({ prefix: [...kinds.changes] }))) {
      assert.deepEqual(await changesInRows.steps[0].rewrite(entry, { now: now(), kv: killed.kv }), []);
    }
  }
});
