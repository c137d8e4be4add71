import assert from "node:assert/strict";
import { join } from "node:path";
import { Refusal, StartError } from "../../../lib/refusal.ts";
import {
  commit,
  createLocks,
  DatabaseRefusal,
  isDatabaseTrouble,
  readMany,
} from "../../../lib/store/store.ts";
import { createTestDirectory, type TestDirectory } from "../../fixtures/directory.ts";
import { createTestStore, openTestDatabase } from "../../fixtures/store.ts";

/** The bytes of a database that is large enough to be damaged in many places. */
async function createDatabase(directory: TestDirectory): Promise<{ path: string; bytes: Uint8Array }> {
  const path = join(directory.path, "sound.sqlite3");
  const kv = await openTestDatabase(path);
  for (let i = 0; i < 300; i++) await kv.set(["prompt", i], "x".repeat(500));
  kv.close();
  return { path, bytes: await Deno.readFile(path) };
}

Deno.test("a database that is sound opens again with what it held", async () => {
  await using directory = await createTestDirectory();
  const { path } = await createDatabase(directory);
  const kv = await openTestDatabase(path);
  assert.equal((await kv.get(["prompt", 7])).value, "x".repeat(500));
  kv.close();
});

Deno.test("a damaged database stops the start with one line, and the process lives", async () => {
  await using directory = await createTestDirectory();
  const { bytes } = await createDatabase(directory);
  const page = 4096;
  const damages: { [name: string]: Uint8Array } = {
    garbage: crypto.getRandomValues(new Uint8Array(50_000)),
    text: new TextEncoder().encode("this is a letter"),
    "cut in the header": bytes.slice(0, 50),
    "cut in the middle": bytes.slice(0, bytes.length / 2),
    "without its last page": bytes.slice(0, bytes.length - page),
    "first tables overwritten": overwritten(bytes, 2 * page, 10 * page),
    "zeroed but for the header": overwritten(bytes, page, bytes.length, 0),
    "last pages overwritten": overwritten(bytes, bytes.length - 3 * page, bytes.length),
  };
  for (const [name, damaged] of Object.entries(damages)) {
    const path = join(directory.path, name);
    await Deno.writeFile(path, damaged);
    await assert.rejects(openTestDatabase(path), (error) => {
      assert.ok(error instanceof StartError, name);
      assert.match(
        error.message,
        /^The database .* cannot be opened \([^\n]+\): restore a backup, or move it away$/,
      );
      return true;
    });
  }
});

function overwritten(bytes: Uint8Array, from: number, to: number, value = 0x5a): Uint8Array {
  return new Uint8Array(bytes).fill(value, from, to);
}

Deno.test("a database where there can be none stops the start likewise", async () => {
  await using directory = await createTestDirectory();
  for (const path of [directory.path, join(directory.path, "no", "folder")]) {
    await assert.rejects(openTestDatabase(path), StartError);
  }
});

Deno.test("any number of keys is read in order, absent ones as null", async () => {
  using store = await createTestStore();
  for (let i = 0; i < 25; i += 2) await store.kv.set(["n", i], i);
  const found = await readMany<number>(store.kv, Array.from({ length: 25 }, (_, i) => ["n", i]));
  assert.deepEqual(
    found.map((entry) => entry?.value ?? null),
    Array.from({ length: 25 }, (_, i) => i % 2 ? null : i),
  );
});

Deno.test("a lost race is a value, a value that is too large is a bug, a silent database is a refusal", async () => {
  using store = await createTestStore();
  const check = { key: ["a"], versionstamp: "00000000000000990000" };
  assert.equal(await commit(store.kv.atomic().check(check).set(["a"], 1)), null);
  await assert.rejects(commit(store.kv.atomic().set(["a"], new Uint8Array(70_000))), TypeError);
  const gone = await Deno.openKv(":memory:");
  gone.close();
  await assert.rejects(commit(gone.atomic().set(["a"], 1)), (error) => {
    assert.ok(error instanceof DatabaseRefusal && error instanceof Refusal);
    assert.equal(error.code, "unavailable");
    return true;
  });
});

Deno.test("trouble of the database is told from what was refused for another reason, and from bugs", () => {
  const full = new TypeError("database or disk is full");
  assert.ok(isDatabaseTrouble(new DatabaseRefusal(full)));
  assert.ok(isDatabaseTrouble(full));
  const others = [
    new Refusal("unavailable", "The storage does not answer"),
    new Refusal("unauthorized", "The account is gone"),
    new TypeError("Value too large (max 65536 bytes)"),
    new Error("database or disk is full"),
  ];
  assert.deepEqual(others.filter(isDatabaseTrouble), []);
});

Deno.test("a disk that takes no more is a refusal", async () => {
  const folder = await Deno.makeTempDir();
  const writer = new URL("../../fixtures/full_disk_writer.ts", import.meta.url).pathname;
  // No file may grow beyond 256 kB; the signal that would end the process is ignored, so writes fail instead.
  const shell = `trap '' XFSZ; ulimit -f 512; exec "$0" "$@"`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", shell, Deno.execPath(), "run", "--quiet", "--allow-all", writer, `${folder}/database`],
    env: { NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  await Deno.remove(folder, { recursive: true });
  const said = new TextDecoder().decode(stdout);
  assert.match(said, /^Refusal unavailable, TypeError: (disk I\/O error|database or disk is full)\n$/);
});

Deno.test("work under one name takes turns, also after a failure; other names do not wait", async () => {
  const locks = createLocks();
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = locks.hold("a", async () => {
    await gate.promise;
    order.push("first");
    throw new Error("failed");
  });
  const second = locks.hold("a", () => Promise.resolve(order.push("second")));
  await locks.hold("b", () => Promise.resolve(order.push("other")));
  gate.resolve();
  await assert.rejects(first, { message: "failed" });
  await second;
  assert.deepEqual(order, ["other", "first", "second"]);
});
