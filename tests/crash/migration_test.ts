/** A migration whose process is killed with SIGKILL in the middle of each of its commits. */
import assert from "node:assert/strict";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { createTestDirectory } from "../fixtures/directory.ts";
import { copyOldDatabase, oldDatabaseAt } from "../fixtures/old_database.ts";
import { runTask, startServer } from "../fixtures/server.ts";
import { openTestDatabase } from "../fixtures/store.ts";

const program = new URL("../fixtures/dying_migration.ts", import.meta.url).pathname;

async function dieAt(commit: number, database: string): Promise<"killed" | "done"> {
  const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", program, database, String(commit)],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (signal === "SIGKILL") return "killed";
  assert.equal(new TextDecoder().decode(stdout).trim(), "done");
  return "done";
}

async function contents(database: string): Promise<unknown[]> {
  const kv = await openTestDatabase(database, () => oldDatabaseAt);
  const entries = await Array.fromAsync(kv.list({ prefix: [] }), ({ key, value }) => ({ key, value }));
  kv.close();
  return entries;
}

Deno.test("killed in each of its commits, a migration comes to what one comes to that nobody kills", async () => {
  await using whole = await createTestDirectory();
  await copyOldDatabase(whole.path);
  const due = await contents(pathsIn(whole.path).database);
  for (let commit = 0, isKilled = true; isKilled; commit++) {
    await using directory = await createTestDirectory();
    const { database } = pathsIn(directory.path);
    await copyOldDatabase(directory.path);
    isKilled = await dieAt(commit, database) === "killed";
    assert.ok(isKilled || commit > 7, `${commit} commits`);
    assert.deepEqual(await contents(database), due, `killed in commit ${commit}`);
  }
});

Deno.test("a server that starts after such a kill is ready, and all is well", async () => {
  await using directory = await createTestDirectory();
  const { path: dataDir } = directory;
  await copyOldDatabase(dataDir);
  for (let kill = 0; kill < 2; kill++) assert.equal(await dieAt(2, pathsIn(dataDir).database), "killed");
  await using server = await startServer({ dataDir });
  assert.ok(server.log.some((line) => line.includes("migration_done")), server.log.join("\n"));
  const { code, stdout } = await runTask(["verify"], { dataDir });
  assert.equal(code, 0, stdout);
});
