import assert from "node:assert/strict";
import { join } from "node:path";
import { StartError } from "../../../lib/refusal.ts";
import type { Migration } from "../../../lib/store/migration.ts";
import { migrateRecords } from "../../../lib/store/migrations.ts";
import { findByLetters } from "../../../lib/store/migrations/find_by_letters.ts";
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

/** A library as it was found by words, before letters. */
async function createOldLibrary(): Promise<Deno.Kv> {
  const kv = await Deno.openKv(":memory:");
  const texts = [
    "猫が窓辺に座っている",
    "a Red fox",
    "Straße",
    "海".repeat(3) + [..."abc"].join(" "),
    hanLetters(500),
  ];
  const ids = texts.map((_, i) => `0000000${i}-0000-7000-8000-000000000000`);
  for (const [i, text] of texts.entries()) {
    const terms = [text.toLowerCase().slice(0, 40), ":model m"];
    const image = { id: ids[i], userId: "ada", promptId: `p${i}`, sequence: i + 1, terms, title: "kept" };
    await kv.set(["prompt", `p${i}`], { request: { text } });
    await kv.set(["image", ids[i]], image);
    for (const term of terms) await kv.set(["image_term", "ada", term, i + 1], ids[i]);
  }
  const trashed = {
    image: { userId: "ada", promptId: "p0", sequence: 9, terms: ["猫が窓辺に座っている"] },
    goesAt: 1,
  };
  await kv.set(["trash", "t"], trashed);
  await kv.set(["trash", "orphan"], { ...trashed, image: { ...trashed.image, promptId: "none" } });
  return kv;
}

function hanLetters(count: number): string {
  return String.fromCodePoint(...Array.from({ length: count }, (_, i) => 0x4e00 + i));
}

Deno.test("pictures of before are found by letters inside of their texts, killed at any commit or not", async () => {
  using whole = await createOldLibrary();
  let commits = 0;
  interceptCommits(whole, (_, commit) => (commits++, commit()));
  await migrateRecords(whole, quietly, [findByLetters]);
  const due = await contents(whole);
  for (
    const [term, number] of [["座", 1], ["座っ", 1], ["red", 2], ["strasse", 3], [":model m", 3]] as const
  ) {
    assert.ok(await whole.get(["image_term", "ada", term, number]).then(({ value }) => value), term);
  }
  const indexed = due.filter(({ key }) => key[0] === "image_term").map(({ key }) =>
    `${String(key[3])} ${String(key[2])}`
  );
  const implied = due.filter(({ key }) => key[0] === "image").flatMap(({ value }) => {
    const { sequence, terms, title } = value as { sequence: number; terms: string[]; title: string };
    assert.equal(title, "kept");
    return terms.map((term) => `${sequence} ${term}`);
  });
  assert.deepEqual(indexed.toSorted(), implied.toSorted());
  const { image } = (await whole.get<{ image: { terms: string[] } }>(["trash", "t"])).value!;
  assert.ok(image.terms.includes("窓辺"));
  assert.ok(commits > 3, `${commits} commits`);
  for (let kill = 0; kill < commits; kill++) {
    for (const isWritten of [false, true]) {
      using kv = await createOldLibrary();
      let count = 0;
      let isDead = false;
      interceptCommits(kv, async (_, commit) => {
        if (!isDead && count++ === kill) {
          isDead = true;
          if (isWritten) await commit();
          throw new Error("killed");
        }
        return commit();
      });
      await assert.rejects(migrateRecords(kv, quietly, [findByLetters]), /killed/);
      await migrateRecords(kv, quietly, [findByLetters]);
      assert.deepEqual(await contents(kv), due);
    }
  }
});
