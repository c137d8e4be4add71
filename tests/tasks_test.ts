import assert from "node:assert/strict";
import { join } from "node:path";
import { openApiKey } from "../lib/identity/api_key.ts";
import { serveControlSocket } from "../lib/operation/control_socket.ts";
import { openDataDirectory } from "../lib/operation/data_directory.ts";
import { createDiskBlobs } from "../lib/blobs/disk_blobs.ts";
import { useLoginCode } from "../lib/identity/login_code.ts";
import { createCommands } from "../lib/operation/commands.ts";
import { keys } from "../lib/store/schema.ts";
import { createTestDirectory, type TestDirectory } from "./fixtures/directory.ts";
import { completePrompt, createTestStore, createTestUser } from "./fixtures/store.ts";
import { createHoldableBlobs } from "../lib/blobs/holdable_blobs.ts";

const root = new URL("..", import.meta.url).pathname;

interface Outcome {
  status: number;
  output: string;
  complaint: string;
}

/** Runs a task as its own process, from inside `directory`. */
async function runTask(directory: TestDirectory, ...args: string[]): Promise<Outcome> {
  const config = join(root, "deno.json");
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, join(root, "tasks.ts"), ...args],
    cwd: directory.path,
    env: { DATA_DIR: join(directory.path, "data"), INIT_CWD: directory.path, PORT: "0", NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  return { status: code, output: text.decode(stdout), complaint: text.decode(stderr) };
}

/** A store, and a server's socket before it, in this process. */
async function serve(directory: TestDirectory) {
  const data = await openDataDirectory(join(directory.path, "data"));
  const store = await createTestStore(data.database);
  const blobs = createHoldableBlobs(createDiskBlobs(data.blobs));
  const commands = createCommands({
    store: { ...store, now: Date.now },
    data,
    blobs,
    publicUrl: "https://darkroom.example",
    openFolder: createDiskBlobs,
  });
  const close = await serveControlSocket({ data, commands, log: () => {} });
  return {
    store,
    blobs,
    async [Symbol.asyncDispose]() {
      await close();
      store.kv.close();
      data.close();
    },
  };
}

Deno.test("key prints a key of the wanted scope and life, and nothing else", async () => {
  await using directory = await createTestDirectory();
  const args = ["key", "--name", "laptop", "--scope", "read", "--expires", "2099-01-01T00:00:00Z"];
  const { status, output, complaint } = await runTask(directory, ...args);
  assert.deepEqual([status, complaint], [0, ""]);
  assert.match(output, /^dk_[\w-]{43}\n$/);
  await using server = await serve(directory);
  const opened = await openApiKey(server.store, output.trim());
  const { name, scope, expiresAt } = opened!.key;
  assert.deepEqual({ name, scope, expiresAt }, {
    name: "laptop",
    scope: "read",
    expiresAt: Date.parse("2099-01-01T00:00:00Z"),
  });
  assert.equal(opened!.user.role, "owner");
});

Deno.test("a running server carries the tasks out, with its own address", async () => {
  await using directory = await createTestDirectory();
  await using server = await serve(directory);
  const login = await runTask(directory, "login");
  const [, code] =
    /^Sign in as owner: https:\/\/darkroom\.example\/login\?code=(\S+)\n$/.exec(login.output) ?? [];
  assert.notEqual(await useLoginCode({ ...server.store, now: Date.now }, code), null);
  const key = await runTask(directory, "key");
  assert.equal((await openApiKey(server.store, key.output.trim()))?.key.scope, "all");
  assert.equal((await runTask(directory, "verify")).status, 0);
});

Deno.test("wrong arguments are refused with one line on standard error and status 2", async () => {
  await using directory = await createTestDirectory();
  const wrong = [
    ["key", "--scope", "root"],
    ["key", "--nmae", "x"],
    ["key", "x"],
    ["key", "--expires", "soon"],
    ["backup"],
    ["inspect"],
    ["inspect", "1", "2"],
    ["nonsense"],
    [],
  ];
  for (const args of wrong) {
    const { status, output, complaint } = await runTask(directory, ...args);
    assert.deepEqual([args, status, output], [args, 2, ""]);
    assert.match(complaint, /^[^\n]+\n$/);
  }
});

Deno.test("verify tells each violation and ends with 1; rebuild mends it once the server is gone", async () => {
  await using directory = await createTestDirectory();
  {
    await using server = await serve(directory);
    const user = await createTestUser(server.store);
    const { value } = await completePrompt(server.store, user, { blobs: server.blobs });
    const well = await runTask(directory, "verify");
    assert.deepEqual([well.status, well.output], [0, "All is well: 1 prompts, 1 images, 1 ledger entries\n"]);
    await server.store.kv.set(keys.queue(user.id, value.rank, value.id), null);
    const { status, output } = await runTask(directory, "verify");
    assert.deepEqual([status, output], [
      1,
      `queue_entry_orphan queue ${user.id} 1 ${value.id}: ${value.id} does not belong there\n`,
    ]);
    const refused = await runTask(directory, "rebuild");
    assert.equal(refused.status, 1);
    assert.match(refused.complaint, new RegExp(`is in use by process ${Deno.pid}\n$`));
  }
  assert.equal((await runTask(directory, "verify")).status, 1);
  assert.match((await runTask(directory, "rebuild")).output, /Put right: 1\n$/);
  assert.equal((await runTask(directory, "verify")).status, 0);
  assert.equal((await runTask(directory, "rebuild")).output, "Nothing had to be rebuilt\n");
});

Deno.test("inspect tells the same from the running server and from the store, and refuses what names nothing", async () => {
  await using directory = await createTestDirectory();
  let promptId = "";
  let live = "";
  {
    await using server = await serve(directory);
    const user = await createTestUser(server.store);
    promptId = (await completePrompt(server.store, user, { blobs: server.blobs })).value.id;
    const { status, output } = await runTask(directory, "inspect", promptId);
    assert.equal(status, 0);
    live = output;
    const { kind, id, status: state } = JSON.parse(output);
    assert.deepEqual([kind, id, state], ["prompt", promptId, "COMPLETED"]);
    const unknown = await runTask(
      directory,
      "inspect",
      user.id.replace(/.$/, (last) => last === "0" ? "1" : "0"),
    );
    assert.deepEqual([unknown.status, unknown.output, unknown.complaint], [1, "", "Nothing has this id\n"]);
  }
  assert.equal((await runTask(directory, "inspect", promptId)).output, live);
  const secret = await runTask(directory, "inspect", "dk_" + "x".repeat(43));
  assert.deepEqual([secret.status, secret.output], [2, ""]);
  assert.match(secret.complaint, /^inspect takes the id of a prompt, [^\n]+\n$/);
  assert.ok(!secret.complaint.includes("xxx"));
});

Deno.test("seed fills no directory that was used, and takes a number for its seed", async () => {
  await using directory = await createTestDirectory();
  assert.equal((await runTask(directory, "key")).status, 0);
  const refused = await runTask(directory, "seed");
  assert.deepEqual([refused.status, refused.output], [1, ""]);
  assert.match(refused.complaint, /^DATA_DIR .* is not empty, and seed fills an empty one[^\n]*\n$/);
  assert.equal((await runTask(directory, "seed", "--seed", "x")).status, 2);
});

Deno.test("a backup taken beside the running server restores to a store that is well", async () => {
  await using directory = await createTestDirectory();
  {
    await using server = await serve(directory);
    await completePrompt(server.store, await createTestUser(server.store), { blobs: server.blobs });
    const { status, output } = await runTask(directory, "backup", "copy");
    assert.equal(status, 0);
    assert.match(output, /^Backed up 1 images and the database to .*copy\n$/);
  }
  const refused = await runTask(directory, "restore", "copy");
  assert.equal(refused.status, 1);
  assert.match(refused.complaint, /is not empty/);
  await Deno.rename(join(directory.path, "data"), join(directory.path, "lost"));
  assert.equal((await runTask(directory, "restore", "copy")).status, 0);
  assert.equal(
    (await runTask(directory, "verify")).output,
    "All is well: 1 prompts, 1 images, 1 ledger entries\n",
  );
});

Deno.test("settings come from .env too, and the real environment counts more", async () => {
  await using directory = await createTestDirectory();
  await Deno.writeTextFile(
    join(directory.path, ".env"),
    "PUBLIC_URL=https://from.file\nDATA_DIR=/nowhere/at/all\n",
  );
  const { output } = await runTask(directory, "login");
  assert.match(output, /^Sign in as owner: https:\/\/from\.file\/login\?code=/);
});

Deno.test("what would not count in .env stops a task with one line", async () => {
  await using directory = await createTestDirectory();
  const path = join(directory.path, ".env");
  await Deno.mkdir(path);
  const folder = await runTask(directory, "login");
  assert.deepEqual([folder.status, folder.complaint], [1, ".env takes a file, and it is a folder\n"]);
  await Deno.remove(path);
  await Deno.writeTextFile(path, "\ufeffPUBLIC_URL=https://from.file\nMONTHLY_BUGET_USD=5\n");
  const { status, complaint } = await runTask(directory, "login");
  assert.equal(status, 1);
  assert.match(complaint, /^MONTHLY_BUGET_USD in line 2 of \.env is no setting[^\n]+MONTHLY_BUDGET_USD\?\n$/);
  await Deno.writeTextFile(path, "\ufeffPUBLIC_URL=https://from.file\n");
  assert.match((await runTask(directory, "login")).output, /https:\/\/from\.file\/login/);
});

Deno.test("each task starts with no more rights than deno.json gives it", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const commands: string[] = Object.values<{ command: string }>(tasks).map(({ command }) => command);
  const rights = new Set(
    commands.flatMap((command) => / (--allow-[^;&|]*) tasks\.ts /.exec(command)?.[1] ?? []),
  );
  assert.ok(rights.size > 0);
  for (const each of rights) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-check",
        "--no-prompt",
        ...each.split(" "),
        join(root, "tasks.ts"),
        "none",
      ],
      cwd: root,
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert.deepEqual([code, said.startsWith("Take one of login, key, ")], [2, true], said);
  }
});
