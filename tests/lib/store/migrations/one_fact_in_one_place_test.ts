import assert from "node:assert/strict";
import { join } from "node:path";
import { createDiskBlobs } from "../../../../lib/blobs/disk_blobs.ts";
import { blobKeys } from "../../../../lib/blobs/blobs.ts";
import type { Image } from "../../../../lib/images/image.ts";
import { changedSince, firstCursor } from "../../../../lib/live/cursor.ts";
import { verify } from "../../../../lib/operation/verify.ts";
import { imagesOf, type Prompt } from "../../../../lib/prompts/prompt.ts";
import { readPrompt, writePrompt } from "../../../../lib/prompts/prompt_store.ts";
import { migrateRecords } from "../../../../lib/store/migrations.ts";
import { changesInRows } from "../../../../lib/store/migrations/changes_in_rows.ts";
import { countedByDay } from "../../../../lib/store/migrations/counted_by_day.ts";
import { markedPictures } from "../../../../lib/store/migrations/marked_pictures.ts";
import { oneFactInOnePlace } from "../../../../lib/store/migrations/one_fact_in_one_place.ts";
import { ranksInTheQueue } from "../../../../lib/store/migrations/ranks_in_the_queue.ts";
import { formerKinds, kinds } from "../../../../lib/store/schema.ts";
import { createStore, type Versioned } from "../../../../lib/store/store.ts";
import type { User } from "../../../../lib/users/user.ts";
import { interceptCommits } from "../../../fixtures/commits.ts";
import { createTestDirectory } from "../../../fixtures/directory.ts";
import { copyOldDatabase, oldDatabaseAt, oldDatabaseCounts } from "../../../fixtures/old_database.ts";

const now = () => oldDatabaseAt;
const quietly = { now, log: () => {} };

interface OldDatabase extends AsyncDisposable {
  kv: Deno.Kv;
  folder: string;
}

async function openOldDatabase(): Promise<OldDatabase> {
  const directory = await createTestDirectory();
  await copyOldDatabase(directory.path);
  const kv = await Deno.openKv(join(directory.path, "darkroom.sqlite3"));
  return {
    kv,
    folder: directory.path,
    async [Symbol.asyncDispose]() {
      kv.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** What this migration makes of it, and those after it, so that this program can read it. */
const migrate = (kv: Deno.Kv) =>
  migrateRecords(kv, quietly, [
    oneFactInOnePlace,
    changesInRows,
    ranksInTheQueue,
    markedPictures,
    countedByDay,
  ]);

async function contents(kv: Deno.Kv): Promise<{ key: Deno.KvKey; value: unknown }[]> {
  const entries = kv.list({ prefix: [] }, { batchSize: 500 });
  return await Array.fromAsync(entries, ({ key, value }) => ({ key, value }));
}

async function all<T>(kv: Deno.Kv, prefix: readonly Deno.KvKeyPart[]): Promise<Versioned<T>[]> {
  return await Array.fromAsync(kv.list<T>({ prefix: [...prefix] }));
}

Deno.test("an old database is well afterwards, and names nothing as it was", async () => {
  await using old = await openOldDatabase();
  const { kv } = old;
  await migrate(kv);
  const blobs = createDiskBlobs(join(old.folder, "blobs"));
  const { violations, ...counts } = await verify({ kv, now }, { blobs });
  assert.deepEqual([violations, counts], [[], oldDatabaseCounts]);
  for (const former of Object.values(formerKinds)) assert.deepEqual(await all(kv, former), []);
  const names = new Set((await contents(kv)).flatMap(({ value }) => namesIn(value)));
  for (const former of ["blobKey", "originalBlobKey", "earlierSpend"]) assert.ok(!names.has(former), former);
});

function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, each]) => [name, ...namesIn(each)]);
}

Deno.test("each picture is named by the task that made it, and known by its bytes as before", async () => {
  await using old = await openOldDatabase();
  const { kv } = old;
  type Old = { id: string; images: { id: string; isDeleted: boolean }[]; tasks: { imageIds: string[] }[] };
  const before = new Map((await all<Old>(kv, kinds.prompts)).map(({ value }) => [value.id, value]));
  const pictures = new Map(
    (await all<Image & { bytes: number; blobKey: string; originalBlobKey: string }>(kv, kinds.images))
      .map(({ value }) => [value.id, value]),
  );
  await migrate(kv);
  const byId = (a: { id: string }, b: { id: string }) => a.id < b.id ? -1 : 1;
  for (const { value } of (await all<Prompt>(kv, kinds.prompts))) {
    const { images, tasks, ...facts } = before.get(value.id)!;
    assert.deepEqual(imagesOf(value).toSorted(byId), images.toSorted(byId));
    assert.deepEqual(
      value.tasks.map(({ images }) => images.map(({ id }) => id)),
      tasks.map(({ imageIds }) => imageIds),
    );
    const { tasks: _, changedAs: __, rank: ___, ...kept } = value as Prompt & { changedAs: string };
    assert.deepEqual(kept, facts);
  }
  const migrated = await all<Image>(kv, kinds.images);
  assert.equal(migrated.length, pictures.size);
  for (const { value } of migrated) {
    const { bytes, blobKey, originalBlobKey } = pictures.get(value.id)!;
    assert.deepEqual([value.byteLength, value.hasOriginal, value.tint], [
      bytes,
      originalBlobKey !== blobKey,
      null,
    ]);
    assert.equal(blobKey, blobKeys.picture(value.id));
  }
});

Deno.test("nobody's pages are told of a change, and what changes next is told", async () => {
  await using old = await openOldDatabase();
  const { kv } = old;
  const store = createStore({ kv, now });
  const order = async (userId: string) => (await changedSince(store, { userId, since: firstCursor })).ids;
  const users = (await all<User>(kv, kinds.users)).map(({ value }) => value.id);
  const former = await all<string>(kv, formerKinds.feed);
  await migrate(kv);
  const after = await Promise.all(users.map(order));
  for (const [i, userId] of users.entries()) {
    const before = former.filter((entry) => (entry as unknown as Deno.KvEntry<string>).key[1] === userId);
    assert.deepEqual(after[i], before.map(({ value }) => value));
  }
  const [first] = after.find((ids) => ids.length > 1)!;
  const found = (await readPrompt(store, first))!;
  assert.notEqual(found.changedAs, undefined);
  await writePrompt(kv, { before: found, after: { ...found.value, updatedAt: now() } }).commit();
  const ids = await order(found.value.userId);
  assert.deepEqual([ids.at(-1), ids.filter((id) => id === first).length], [first, 1]);
  assert.equal((await readPrompt(store, first))!.changedAs, undefined);
});

Deno.test("what an account spent before it was deleted counts until the month ends, and no longer", async () => {
  await using old = await openOldDatabase();
  const { kv } = old;
  const before = await all<{ month: string; micros: number }>(kv, formerKinds.earlierSpends);
  assert.equal(before.length, 2);
  await migrate(kv);
  const left = await all<{ month: string }>(kv, kinds.deletedAccountSpends);
  assert.deepEqual(left.map(({ value }) => value), before.map(({ value }) => value));
  const back = (await all<User>(kv, kinds.users)).filter(({ value }) =>
    value.deletedAccountSpend !== undefined
  );
  assert.deepEqual(back.map(({ value }) => value.deletedAccountSpend?.micros), [40_000]);

  await using late = await openOldDatabase();
  const december = { now: () => Date.parse("2026-12-01T00:00:00Z"), log: () => {} };
  await migrateRecords(late.kv, december, [oneFactInOnePlace]);
  assert.deepEqual(await all(late.kv, kinds.deletedAccountSpends), []);
  assert.deepEqual(await all(late.kv, formerKinds.earlierSpends), []);
});

Deno.test("killed before or after each of its commits, it comes to the same", async () => {
  await using whole = await openOldDatabase();
  let commits = 0;
  interceptCommits(whole.kv, (_, commit) => (commits++, commit()));
  await migrate(whole.kv);
  const due = await contents(whole.kv);
  assert.ok(commits > 7, `${commits} commits`);
  for (let kill = 0; kill < commits; kill++) {
    for (const isWritten of [false, true]) {
      await using old = await openOldDatabase();
      let left = kill;
      interceptCommits(old.kv, async (_, commit) => {
        if (left-- > 0) return await commit();
        left = Infinity;
        if (isWritten) await commit();
        throw new Error("killed");
      });
      await assert.rejects(migrate(old.kv), /killed/);
      await migrate(old.kv);
      assert.deepEqual(await contents(old.kv), due, `killed at commit ${kill}`);
    }
  }
});

Deno.test("many prompts of one person go into few commits", async () => {
  using kv = await Deno.openKv(":memory:");
  await using old = await openOldDatabase();
  const { value } = (await all<Prompt>(old.kv, kinds.prompts))[1];
  const count = 2000;
  for (let from = 0; from < count; from += 250) {
    const atomic = kv.atomic();
    for (let i = from; i < from + 250; i++) atomic.set([...kinds.prompts, i], { ...value, id: String(i) });
    await atomic.commit();
  }
  let commits = 0;
  interceptCommits(kv, (_, commit) => (commits++, commit()));
  await migrateRecords(kv, quietly, [oneFactInOnePlace]);
  assert.ok(commits < 20, `${commits} commits`);
  const versions = (await all<{ changedAs: string }>(kv, kinds.prompts)).map(({ value }) => value.changedAs);
  assert.equal(new Set(versions).size, count / 250);
});
