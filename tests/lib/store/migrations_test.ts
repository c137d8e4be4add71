import assert from "node:assert/strict";
import { join } from "node:path";
import { StartError } from "../../../lib/refusal.ts";
import { migrateRecords, type Migration } from "../../../lib/store/migrations.ts";
import { keys } from "../../../lib/store/schema.ts";
import { openDatabase } from "../../../lib/store/store.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";
import { openTestDatabase } from "../../fixtures/store.ts";

const quietly = { now: () => 0, log: () => {} };

/** Doubles each number, moves each name; nothing of it may happen twice. */
const doubling: Migration = {
  steps: [
    {
      prefix: ["number"],
      rewrite: ({ key, value }) => [{ key, value: Number(value) * 2 }],
    },
    {
      prefix: ["name"],
      rewrite: ({ key, value }) => [
        { key, value: undefined },
        { key: ["title", ...key.slice(1)], value: `${value}!` },
      ],
    },
  ],
};

const large = "x".repeat(30_000);

async function createOldDatabase(): Promise<Deno.Kv> {
  const kv = await Deno.openKv(":memory:");
  for (let i = 0; i < 1000; i++) await kv.set(["number", i], i);
  for (let i = 0; i < 40; i++) await kv.set(["name", i], large);
  return kv;
}

async function contents(kv: Deno.Kv) {
  return (await Array.fromAsync(kv.list({ prefix: [] }))).map(({ key, value }) => ({ key, value }));
}

Deno.test("what has no version yet is migrated step by step, in commits that KV takes", async () => {
  using kv = await createOldDatabase();
  await migrateRecords(kv, quietly, [doubling]);
  const all = await contents(kv);
  assert.equal(all.length, 1041);
  assert.equal((await kv.get(["number", 999])).value, 1998);
  assert.equal((await kv.get(["title", 39])).value, `${large}!`);
  assert.deepEqual((await kv.get(keys.recordsVersion())).value, { version: 2 });
  await migrateRecords(kv, quietly, [doubling]);
  assert.deepEqual(await contents(kv), all);
});

Deno.test("killed at any of its commits, a migration goes on where it was", async () => {
  using whole = await createOldDatabase();
  let commits = 0;
  interceptCommits(whole, (_, commit) => (commits++, commit()));
  await migrateRecords(whole, quietly, [doubling]);
  const due = await contents(whole);
  assert.ok(commits > 5, `${commits} commits`);
  for (let kill = 0; kill < commits; kill++) {
    for (const isWritten of [false, true]) {
      using kv = await createOldDatabase();
      let left = kill;
      interceptCommits(kv, async (_, commit) => {
        if (left-- > 0) return await commit();
        left = Infinity;
        if (isWritten) await commit();
        throw new Error("killed");
      });
      await assert.rejects(migrateRecords(kv, quietly, [doubling]), /killed/);
      await migrateRecords(kv, quietly, [doubling]);
      assert.deepEqual(await contents(kv), due, `killed at commit ${kill}`);
    }
  }
});

Deno.test("several versions are gone through one after the other", async () => {
  using kv = await createOldDatabase();
  await migrateRecords(kv, quietly, [doubling]);
  await migrateRecords(kv, quietly, [doubling, doubling, doubling]);
  assert.equal((await kv.get(["number", 3])).value, 24);
  assert.deepEqual((await kv.get(keys.recordsVersion())).value, { version: 4 });
});

Deno.test("a database that is new is of the newest version at once", async () => {
  using kv = await Deno.openKv(":memory:");
  const said: string[] = [];
  await migrateRecords(kv, { now: () => 0, log: (_, event) => void said.push(event) }, [doubling]);
  await kv.set(["number", 1], 1);
  await migrateRecords(kv, quietly, [doubling]);
  assert.equal((await kv.get(["number", 1])).value, 1);
  assert.deepEqual(said, []);
});

Deno.test("a migration says that it begins, how far it is and that it is done", async () => {
  using kv = await Deno.openKv(":memory:");
  for (let i = 0; i < 30_000; i += 500) {
    const atomic = kv.atomic();
    for (let j = i; j < i + 500; j++) atomic.set(["number", j], j);
    await atomic.commit();
  }
  const said: unknown[] = [];
  await migrateRecords(kv, { now: () => 0, log: (...line) => void said.push(line) }, [doubling]);
  assert.deepEqual(said, [
    ["info", "migration_begun", { from: 1, to: 2 }],
    ["info", "migrating", { to: 2, rewritten: 20_000 }],
    ["info", "migration_done", { to: 2, rewritten: 30_000 }],
  ]);
});

Deno.test("two that migrate one database at once do not both write", async () => {
  using kv = await createOldDatabase();
  const both = await Promise.allSettled([1, 2].map(() => migrateRecords(kv, quietly, [doubling])));
  assert.ok(both.some(({ status }) => status === "rejected"));
  await migrateRecords(kv, quietly, [doubling]);
  assert.equal((await kv.get(["number", 3])).value, 6);
});

Deno.test("a database of a newer version is refused in one line, and stays as it is", async () => {
  await using directory = await createTestDirectory();
  const path = join(directory.path, "newer.sqlite3");
  {
    using kv = await openTestDatabase(path);
    await kv.set(keys.recordsVersion(), { version: 99 });
  }
  await assert.rejects(openDatabase(path, quietly), (error) => {
    assert.ok(error instanceof StartError);
    assert.match(
      error.message,
      /^The database is of a newer Darkroom \(its records have version 99, [^\n]+$/,
    );
    return true;
  });
  using kv = await Deno.openKv(path);
  assert.deepEqual((await kv.get(keys.recordsVersion())).value, { version: 99 });
});
