import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../../../lib/blobs/disk_blobs.ts";
import { changedSince, firstCursor } from "../../../../lib/live/cursor.ts";
import { verify } from "../../../../lib/operation/verify.ts";
import { readPrompt } from "../../../../lib/prompts/prompt_store.ts";
import { listWaiting, queuePositions } from "../../../../lib/prompts/queue.ts";
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
const before: Migration[] = [findByLetters, oneFactInOnePlace, picturesOfTwoKinds, changesInRows];

/** So that this program can read it. */
const after: Migration[] = [markedPictures, countedByDay];

/** As the program before left it. */
async function openVersion5() {
  const directory = await createTestDirectory();
  await copyOldDatabase(directory.path);
  const kv = await Deno.openKv(join(directory.path, "darkroom.sqlite3"));
  await migrate(kv, before);
  return {
    kv,
    blobs: createDiskBlobs(join(directory.path, "blobs")),
    /** Of each user who waits, the ids in their order. */
    queues: Map.groupBy(
      await Array.fromAsync(kv.list({ prefix: [...kinds.queue] }), ({ key }) => key.slice(1).map(String)),
      ([userId]) => userId,
    ),
    async [Symbol.asyncDispose]() {
      kv.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const migrate = (kv: Deno.Kv, migrations: Migration[]) =>
  migrateRecords(kv, { now, log: () => {} }, migrations);

async function contents(kv: Deno.Kv): Promise<unknown[]> {
  const entries = kv.list({ prefix: [] }, { batchSize: 500 });
  return await Array.fromAsync(entries, ({ key, value }) => [key, value]);
}

Deno.test("an old database is well afterwards: who waits stands in the same order, with places that are right", async () => {
  await using old = await openVersion5();
  const { kv, blobs, queues } = old;
  assert.ok(queues.size > 0);
  await migrate(kv, [...before, ranksInTheQueue, ...after]);
  const { violations, ...counts } = await verify({ kv, now }, { blobs });
  assert.deepEqual([violations, counts], [[], oldDatabaseCounts]);
  const store = createStore({ kv, now });
  for (const [userId, entries] of queues) {
    const ids = entries.map(([, promptId]) => promptId);
    const line = await listWaiting(store, { userId });
    assert.deepEqual(line.map(({ promptId }) => promptId), ids);
    const prompts = await Promise.all(ids.map(async (id) => (await readPrompt(store, id))!.value));
    assert.deepEqual(await queuePositions(store, prompts), [...ids.keys()]);
  }
});

Deno.test("that prompts were written anew is no change of them", async () => {
  await using old = await openVersion5();
  const { kv } = old;
  const changes = async () => {
    const users = (await Array.fromAsync(kv.list({ prefix: [...kinds.users] }))).map(({ key }) =>
      String(key[1])
    );
    const store = createStore({ kv, now });
    return await Promise.all(users.map((userId) => changedSince(store, { userId, since: firstCursor })));
  };
  const earlier = await changes();
  assert.ok(earlier.some(({ ids }) => ids.length > 1));
  await migrate(kv, [...before, ranksInTheQueue]);
  assert.deepEqual(await changes(), earlier);
});

Deno.test("killed before or after each of its commits, it comes to the same, and counts nobody twice", async () => {
  await using whole = await openVersion5();
  let commits = 0;
  interceptCommits(whole.kv, (_, commit) => (commits++, commit()));
  await migrate(whole.kv, [...before, ranksInTheQueue]);
  const due = await contents(whole.kv);
  assert.ok(commits > 2, `${commits} commits`);
  for (let kill = 0; kill < commits; kill++) {
    for (const isWritten of [false, true]) {
      await using killed = await openVersion5();
      const { kv } = killed;
      let left = kill;
      interceptCommits(kv, async (_, commit) => {
        if (left-- > 0) return await commit();
        left = Infinity;
        if (isWritten) await commit();
        throw new Error("killed");
      });
      await assert.rejects(migrate(kv, [...before, ranksInTheQueue]), /killed/);
      await migrate(kv, [...before, ranksInTheQueue]);
      assert.deepEqual(await contents(kv), due);
    }
  }
});

Deno.test("an entry of nobody who waits goes", async () => {
  await using old = await openVersion5();
  const { kv, blobs } = old;
  await kv.set(["queue", "nobody", "a prompt that is not there"], null);
  await migrate(kv, [...before, ranksInTheQueue, ...after]);
  assert.deepEqual((await verify({ kv, now }, { blobs })).violations, []);
});
