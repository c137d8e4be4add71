/** Moving all records between a file and a real PostgreSQL: versions, and what rests on them, stay as they are. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { changedSince, readCursor } from "../../lib/live/cursor.ts";
import { createMemoryBlobs } from "../fixtures/blobs.ts";
import { openS3Blobs } from "../fixtures/s3_blobs.ts";
import { startS3 } from "../stand_ins/s3.ts";
import { createTestDirectory } from "../fixtures/directory.ts";
import { createPostgres, isPostgresLeftOut, type Postgres } from "../fixtures/postgres.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestStore,
  createTestUser,
  dump,
  openTestDatabase,
} from "../fixtures/store.ts";
import { copyToFile, moveStore } from "../../lib/operation/move_store/move_store.ts";
import { verify } from "../../lib/operation/verify.ts";
import { StartError } from "../../lib/refusal.ts";
import { readOwnChange } from "../../lib/store/own_changes.ts";
import { openPostgres } from "../../lib/store/postgres/open_postgres.ts";
import { keys } from "../../lib/store/schema.ts";
import { createStore, DatabaseRefusal, type Store } from "../../lib/store/store.ts";

const ignore = isPostgresLeftOut();
const deps = { now: Date.now, monotonic: () => performance.now(), log: () => {} };
let postgres: Postgres | undefined;
let databases = 0;

Deno.test.beforeAll(async () => {
  if (!ignore) postgres = await createPostgres();
});

Deno.test.afterAll(async () => await postgres?.[Symbol.asyncDispose]());

/** The address of a database without anything. */
async function newDatabase(): Promise<string> {
  const database = `moved_${++databases}`;
  await postgres!.sql(`CREATE DATABASE ${database}`);
  return postgres!.urlOf({ database });
}

/** A file in a folder, and somebody who has a picture, a prompt that waits, and a claim that expires. */
async function createFile() {
  const directory = await createTestDirectory();
  const path = join(directory.path, "darkroom.sqlite3");
  const store = await createTestStore(path);
  const user = await createTestUser(store);
  const blobs = createMemoryBlobs();
  const first = await completePrompt(store, user, { blobs });
  const cursor = await readCursor(store, user.id);
  const second = await acceptPrompt(store, user);
  await store.kv.set(keys.idempotency(user.id, "hash"), { promptId: "p" }, { expireIn: 3_600_000 });
  const [all, number] = [await dump(store), await readOwnChange(store, user.id)];
  store.kv.close();
  return { directory, path, user, blobs, first, second, cursor, all, number, clock: store.clock };
}

async function opened<T>(place: string, work: (store: Store, kv: Deno.Kv) => Promise<T>): Promise<T> {
  const kv = place.startsWith("postgres")
    ? await openPostgres(place, { log: () => {} })
    : await openTestDatabase(place);
  try {
    return await work(createStore({ kv, now: Date.now }), kv);
  } finally {
    kv.close();
  }
}

Deno.test(
  "a moved store holds the same entries at the same versions, there and back",
  { ignore },
  async () => {
    const file = await createFile();
    await using directory = file.directory;
    const url = await newDatabase();
    const counts = await moveStore(deps, { from: file.path, to: url });
    assert.equal(counts.get("prompt"), 2);
    assert.deepEqual(await opened(url, dump), file.all);
    const back = join(directory.path, "back.sqlite3");
    await moveStore(deps, { from: url, to: back });
    assert.deepEqual(await opened(back, dump), file.all);
  },
);

Deno.test("after a move cursors and numbers of changes go on, and all is well", { ignore }, async () => {
  const file = await createFile();
  await using _ = file.directory;
  const url = await newDatabase();
  await moveStore(deps, { from: file.path, to: url });
  await opened(url, async (store) => {
    const { user, cursor, second } = file;
    assert.equal(await readOwnChange(store, user.id), file.number);
    const missed = await changedSince(store, { userId: user.id, since: cursor });
    assert.deepEqual(missed.ids, [second.prompt.value.id]);
    const third = await acceptPrompt(store, user);
    const next = await changedSince(store, { userId: user.id, since: missed.cursor });
    assert.deepEqual(next.ids, [third.prompt.value.id]);
    assert.notEqual(await readOwnChange(store, user.id), file.number);
    const { violations } = await verify(store, { blobs: file.blobs });
    assert.deepEqual(violations, []);
  });
});

Deno.test("what expires has the same time left after a move", { ignore }, async () => {
  const file = await createFile();
  await using _ = file.directory;
  const url = await newDatabase();
  await moveStore(deps, { from: file.path, to: url });
  const database = new URL(url).pathname.slice(1);
  const back = join(file.directory.path, "back.sqlite3");
  await copyToFile(deps, { from: url, to: back });
  assert.deepEqual(expiriesIn(back), expiriesIn(file.path), database);
});

function expiriesIn(path: string): unknown[] {
  using database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare(
    "SELECT hex(k) AS key, expiration_ms FROM kv WHERE expiration_ms > 0 ORDER BY k",
  );
  const found = rows.all().map((row) => ({ ...row }));
  assert.notEqual(found.length, 0);
  return found;
}

Deno.test("a store is moved to an empty place only", { ignore }, async () => {
  const file = await createFile();
  await using directory = file.directory;
  const url = await newDatabase();
  await moveStore(deps, { from: file.path, to: url });
  const refuses = (to: string, words: RegExp) =>
    assert.rejects(
      moveStore(deps, { from: file.path, to }),
      (error) => error instanceof StartError && words.test(error.message),
    );
  await refuses(url, /not empty/);
  await Deno.writeTextFile(join(directory.path, "other"), "");
  await refuses(join(directory.path, "other"), /is there already/);
  await refuses("http://denokv:4512", /as a file/);
  await refuses(file.path, /another place/);
  assert.deepEqual(await opened(url, dump), file.all);
});

Deno.test("records of another version, and those of nodes that live, are not moved", { ignore }, async () => {
  const file = await createFile();
  await using _ = file.directory;
  const url = await newDatabase();
  const refused = (words: RegExp) =>
    assert.rejects(
      moveStore(deps, { from: file.path, to: url }),
      (error) => error instanceof StartError && words.test(error.message),
    );
  await opened(file.path, async (store) => {
    await store.kv.set(keys.node("node-1"), {
      startedAt: 0,
      seenAt: Date.now(),
      version: 1,
      prompts: 0,
      streams: 0,
    });
  });
  await refused(/Stop all nodes \(1 seen/);
  await opened(file.path, async (store) => {
    await store.kv.delete(keys.node("node-1"));
    await store.kv.set(keys.recordsVersion(), { version: 1 });
  });
  await refused(/The records have version 1/);
  assert.deepEqual(await opened(url, dump), {});
});

Deno.test("while a store is moved out of PostgreSQL nodes read on, and what they write is refused", {
  ignore,
}, async () => {
  const file = await createFile();
  await using directory = file.directory;
  const url = await newDatabase();
  await moveStore(deps, { from: file.path, to: url });
  const kv = await openPostgres(url, { log: () => {}, waitMs: 300 });
  try {
    const write = () => kv.set(["bell"], "rung");
    const broken = join(directory.path, "broken.sqlite3");
    const check = async () => {
      await assert.rejects(write(), DatabaseRefusal);
      assert.equal((await kv.get(keys.user(file.user.id))).versionstamp !== null, true);
      throw new StartError("it is not well there");
    };
    await assert.rejects(moveStore(deps, { from: url, to: broken }, check), /not well/);
    // One that was broken off leaves it as it was.
    assert.equal((await write()).ok, true);
    await moveStore(deps, { from: url, to: join(directory.path, "whole.sqlite3") });
    await assert.rejects(write(), DatabaseRefusal);
    assert.equal((await kv.get(["bell"])).value, "rung");
    await assert.rejects(openPostgres(url, { log: () => {} }), /was moved/);
  } finally {
    kv.close();
  }
});

Deno.test("a copy is of one moment, while others go on writing", { ignore }, async () => {
  const file = await createFile();
  await using directory = file.directory;
  const url = await newDatabase();
  await moveStore(deps, { from: file.path, to: url });
  await opened(url, async (_, kv) => {
    let isOver = false;
    const writing = (async () => {
      for (let i = 0; !isOver; i++) await kv.atomic().set(["a", "pair"], i).set(["z", "pair"], i).commit();
    })();
    for (let round = 0; round < 3; round++) {
      const copy = join(directory.path, `copy-${round}.sqlite3`);
      await copyToFile(deps, { from: url, to: copy });
      const all = await opened(copy, dump);
      assert.deepEqual(all["a pair"], all["z pair"]);
    }
    isOver = true;
    await writing;
  });
});

Deno.test("the tasks back up, verify and move what is in PostgreSQL", { ignore }, async () => {
  const file = await createFile();
  await using directory = file.directory;
  const url = await newDatabase();
  const env = {
    DATA_DIR: join(directory.path, "data"),
    INIT_CWD: directory.path,
    NO_COLOR: "1",
  };
  await moveStore(deps, { from: file.path, to: url });
  await using s3 = startS3();
  const pictures = openS3Blobs(s3.address);
  for (const [key, bytes] of file.blobs.contents) await pictures.put(key, bytes, "image/png");
  const { endpoint, bucket, accessKeyId, secretAccessKey } = s3.address;
  const shared = {
    KV_URL: url,
    SECRET: "a secret of at least thirty-two bytes",
    PUBLIC_URL: "https://darkroom.example",
    R2_ENDPOINT: endpoint,
    R2_BUCKET: bucket,
    R2_ACCESS_KEY_ID: accessKeyId,
    R2_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const run = async (name: string, ...args: string[]) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["task", "-q", "--config", new URL("../../deno.json", import.meta.url).pathname, name, ...args],
      cwd: directory.path,
      env: { ...env, ...shared },
    });
    const { stdout, stderr } = await command.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  assert.match(await run("verify"), /All is well: 2 prompts, 1 images/);
  assert.match(await run("backup", "copy"), /Backed up 1 images/);
  const copied = await opened(join(directory.path, "copy", "darkroom.sqlite3"), dump);
  // Its pictures stayed as long as it was taken.
  const { [heldIn(copied)]: _, ...others } = copied;
  assert.deepEqual(others, await opened(url, dump));
  assert.match(await run("move-store", url, "moved.sqlite3"), /prompt: 2\n[^]*all is well there/);
  assert.match(await run("verify"), /was moved/);
});

function heldIn(all: object): string {
  return Object.keys(all).find((name) => name.startsWith("deletes_held "))!;
}
