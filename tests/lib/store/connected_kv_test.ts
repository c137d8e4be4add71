import assert from "node:assert/strict";
import { connectKv } from "../../../lib/store/connected_kv.ts";
import { groupCommits, type LimitedKv } from "../../../lib/store/group_commit.ts";
import { CommitInDoubt } from "../../../lib/store/once_only.ts";
import { commit, DatabaseRefusal, isDatabaseTrouble } from "../../../lib/store/store.ts";
import { type Call, type KvConnectStandIn, startKvConnect } from "../../stand_ins/kv_connect.ts";
import { until } from "../../fixtures/until.ts";

interface Connected extends AsyncDisposable {
  server: KvConnectStandIn;
  kv: LimitedKv;
}

async function connect({ waitMs }: { waitMs?: number } = {}): Promise<Connected> {
  const server = startKvConnect();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", server.accessToken);
  const kv = await connectKv({ open: () => Deno.openKv(server.url), waitMs });
  // Only then does it know where to send what.
  await kv.get(["first"]);
  return {
    server,
    kv,
    async [Symbol.asyncDispose]() {
      server.comeBack();
      kv.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const absent = (...key: Deno.KvKey) => ({ key, versionstamp: null });

Deno.test("values, numbers, lists and keys with the version of their commit are as on a file", async () => {
  await using database = await connect();
  const { kv } = database;
  await kv.set(["record", 1], { at: new Date(0), n: 3n, bytes: new Uint8Array([1, 2]) });
  assert.deepEqual((await kv.get(["record", 1])).value, {
    at: new Date(0),
    n: 3n,
    bytes: new Uint8Array([1, 2]),
  });
  const result = await kv.atomic().check(absent("n")).sum(["n"], 5n).min(["m"], 4n).max(["m"], 9n)
    .set(["change", kv.commitVersionstamp()], "x").delete(["record", 1]).commit();
  assert.ok(result.ok);
  const [n, m, record] = await kv.getMany<[Deno.KvU64, Deno.KvU64, null]>([["n"], ["m"], ["record", 1]]);
  assert.deepEqual([n.value?.value, m.value?.value, record.versionstamp], [5n, 9n, null]);
  const [change] = await Array.fromAsync(kv.list({ prefix: ["change"] }));
  assert.deepEqual(change.key, ["change", result.versionstamp]);
  assert.deepEqual(await kv.atomic().check(absent("n")).set(["n"], 0).commit(), { ok: false });
});

Deno.test("a list is read to its end over many batches, in both directions, up to its limit", async () => {
  await using database = await connect();
  const { kv } = database;
  const atomic = kv.atomic();
  for (let i = 0; i < 250; i++) atomic.set(["n", i], i);
  assert.ok((await atomic.commit()).ok);
  const read = async (options: Deno.KvListOptions) =>
    (await Array.fromAsync(kv.list<number>({ prefix: ["n"] }, options))).map(({ value }) => value);
  const all = Array.from({ length: 250 }, (_, i) => i);
  assert.deepEqual(await read({ batchSize: 40 }), all);
  assert.deepEqual(await read({ reverse: true, batchSize: 40 }), all.toReversed());
  assert.deepEqual(await read({ limit: 101, batchSize: 40 }), all.slice(0, 101));
});

Deno.test("a commit whose answer is lost counts once, and is said to have been made", async () => {
  await using database = await connect();
  const { server, kv } = database;
  let lost = 0;
  server.losesAnswer = ({ isDone }) => isDone && lost++ % 2 === 0;
  for (let i = 1; i <= 5; i++) {
    const result = await kv.atomic().check(absent("once", i)).set(["once", i], i).sum(["sum"], 1n).commit();
    assert.ok(result.ok);
    const stored = await kv.get(["once", i]);
    assert.equal(result.versionstamp, stored.versionstamp);
  }
  assert.ok(lost >= 5);
  assert.equal((await kv.get<Deno.KvU64>(["sum"])).value?.value, 5n);
});

Deno.test("what another one was faster with is still a lost race, and is told by one more read alone", async () => {
  await using database = await connect();
  const { server, kv } = database;
  await kv.set(["taken"], 1);
  const reads = server.counts.snapshot_read;
  assert.deepEqual(await kv.atomic().check(absent("taken")).sum(["sum"], 1n).commit(), { ok: false });
  assert.equal(server.counts.snapshot_read, reads + 1);
});

Deno.test("what a commit takes is known before it is sent: nine checks beside its own", async () => {
  await using database = await connect();
  const kv = groupCommits(database.kv);
  const checks = Array.from({ length: 10 }, (_, i) => absent("c", i));
  assert.ok((await kv.atomic().check(...checks.slice(1)).set(["c"], 1).commit()).ok);
  const sent = database.server.counts.atomic_write;
  await assert.rejects(commit(kv.atomic().check(...checks).set(["c"], 2)), TypeError);
  assert.equal(database.server.counts.atomic_write, sent);
});

Deno.test("commits that go together are no more than one takes", async () => {
  await using database = await connect();
  const kv = groupCommits(database.kv);
  const results = await Promise.all(
    Array.from(
      { length: 40 },
      (_, i) => kv.atomic().check(absent("a", i), absent("b", i), absent("c", i)).set(["a", i], i).commit(),
    ),
  );
  assert.ok(results.every(({ ok }) => ok));
  assert.ok(database.server.counts.atomic_write <= 20);
});

Deno.test("what the server refuses is a mistake here, and no outage that callers wait for", async () => {
  await using database = await connect();
  const { kv } = database;
  const atomic = kv.atomic().check(...Array.from({ length: 11 }, (_, i) => absent("c", i))).set(["c"], 1);
  const error = await commit(atomic).then(() => null, (error) => error);
  assert.ok(error instanceof TypeError && /status=400/.test(error.message));
  assert.ok(!isDatabaseTrouble(error));
});

/** What can be asked of a database, and what it is called with. */
const asked: [name: string, ask: (kv: Deno.Kv) => Promise<unknown>, call: Call][] = [
  ["a read", (kv) => kv.get(["x"]), "snapshot_read"],
  ["a read of several keys", (kv) => kv.getMany([["x"], ["y"]]), "snapshot_read"],
  ["a list", (kv) => Array.fromAsync(kv.list({ prefix: ["x"] })), "snapshot_read"],
  ["a commit", (kv) => kv.atomic().set(["x"], 1).commit(), "atomic_write"],
  ["a removal", (kv) => kv.delete(["x"]), "atomic_write"],
];

for (const [name, ask, call] of asked) {
  Deno.test(`${name} waits for a server that is away, but not for ever, and goes on when it is back`, async () => {
    await using database = await connect({ waitMs: 300 });
    const { server, kv } = database;
    await server.leave();
    const begun = performance.now();
    const error = await ask(kv).then(() => null, (error) => error);
    assert.ok(error instanceof DatabaseRefusal && isDatabaseTrouble(error));
    assert.ok(performance.now() - begun < 2000);
    const before = server.counts[call];
    server.comeBack();
    await until(() => ask(kv).then(() => true, () => false), Boolean);
    // What was given up is still sent, once.
    await until(() => server.counts[call], (count) => count >= before + 2);
    await ask(kv);
  });

  Deno.test(`${name} that is never answered is given up`, async () => {
    await using database = await connect({ waitMs: 300 });
    const { server, kv } = database;
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    server.onCall = (each) => each === call ? held : undefined;
    await assert.rejects(ask(kv), DatabaseRefusal);
    server.onCall = () => {};
    letGo();
    await ask(kv);
  });
}

Deno.test("a read whose answer breaks off is asked for again", async () => {
  await using database = await connect();
  const { server, kv } = database;
  const atomic = kv.atomic();
  for (let i = 0; i < 50; i++) atomic.set(["n", i], i);
  await atomic.commit();
  let calls = 0;
  server.onCall = (call) => {
    if (call === "snapshot_read" && ++calls % 3 === 0) server.cut();
  };
  const found = await Array.fromAsync(kv.list<number>({ prefix: ["n"] }, { batchSize: 5 }));
  assert.deepEqual(found.map(({ value }) => value), Array.from({ length: 50 }, (_, i) => i));
});

Deno.test("those that waited behind a commit that got no answer are told with it, and were never sent", async () => {
  await using database = await connect({ waitMs: 300 });
  const kv = groupCommits(database.kv);
  await database.server.leave();
  const begun = performance.now();
  const all = Array.from({ length: 20 }, (_, i) => commit(kv.atomic().set(["x", i], i)));
  const errors = await Promise.all(all.map((each) => each.then(() => null, (error) => error)));
  assert.ok(performance.now() - begun < 600);
  const doubts = errors.map((error) => error.cause instanceof CommitInDoubt);
  assert.deepEqual(doubts, [true, ...Array(19).fill(false)]);
  assert.ok(errors.every((error) => isDatabaseTrouble(error)));
  const before = database.server.counts.atomic_write;
  database.server.comeBack();
  await until(() => database.server.counts.atomic_write, (count) => count > before);
  await database.kv.get(["last"]);
});

async function leaveInDoubt(
  { server, kv }: Connected,
  { isMade }: { isMade: boolean },
): Promise<CommitInDoubt> {
  if (isMade) server.losesAnswer = () => true;
  else await server.leave();
  const error = await commit(kv.atomic().sum(["sum"], 1n)).then(() => null, (error) => error);
  assert.ok(error instanceof DatabaseRefusal && error.cause instanceof CommitInDoubt);
  return error.cause;
}

Deno.test("of a commit that nobody waited for it can be learnt that it was made, once", async () => {
  await using database = await connect({ waitMs: 300 });
  const doubt = await leaveInDoubt(database, { isMade: true });
  const { server } = database;
  const before = server.counts.atomic_write;
  server.losesAnswer = () => false;
  assert.equal(await doubt.settle(), true);
  // It was sent once more.
  await until(() => server.counts.atomic_write, (count) => count >= before + 2);
  assert.equal((await database.kv.get<Deno.KvU64>(["sum"])).value?.value, 1n);
});

Deno.test("a commit that was given up either was made when that is asked, or never is", async () => {
  await using database = await connect({ waitMs: 300 });
  const { server, kv } = database;
  const doubt = await leaveInDoubt(database, { isMade: false });
  // The runtime goes on sending it, and it is as likely to come first as the question.
  server.comeBack();
  const wasMade = await doubt.settle();
  const sumNow = async () => Number((await kv.get<Deno.KvU64>(["sum"])).value?.value ?? 0n);
  assert.equal(await sumNow(), wasMade ? 1 : 0);
  // Both have been sent by then, whichever came first.
  await until(() => server.counts.atomic_write, (count) => count >= 2);
  await kv.get(["last"]);
  assert.equal(await sumNow(), wasMade ? 1 : 0);
});

Deno.test("205 watches are open at once, tell what is written, and hold up nothing", async () => {
  await using database = await connect();
  const { server, kv } = database;
  const readers = Array.from({ length: 205 }, (_, i) => kv.watch<[number]>([["watched", i]]).getReader());
  const first = await Promise.all(readers.map((reader) => reader.read()));
  assert.ok(first.every(({ value }) => value?.[0].value === null));
  assert.equal(server.watches, 205);
  await kv.set(["watched", 204], 1);
  assert.equal((await readers[204].read()).value?.[0].value, 1);
  server.cut();
  await until(() => server.watches, (count) => count === 205);
  await Promise.all(readers.map((reader) => reader.cancel()));
  await until(() => server.watches, (count) => count === 0);
  const reader = kv.watch([["watched", 0]]).getReader();
  await reader.read();
  await reader.cancel();
});

Deno.test("a watch whose handle can't be opened fails, and the next one opens it", async () => {
  await using server = startKvConnect();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", server.accessToken);
  let opened = 0;
  using kv = await connectKv({
    open: () => ++opened === 2 ? Promise.reject(new TypeError("away")) : Deno.openKv(server.url),
  });
  await assert.rejects(kv.watch([["x"]]).getReader().read(), { message: "away" });
  const reader = kv.watch([["x"]]).getReader();
  assert.equal((await reader.read()).value?.[0].value, null);
  await reader.cancel();
});

Deno.test("what is watched ends when the database is closed", async () => {
  await using server = startKvConnect();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", server.accessToken);
  const kv = await connectKv({ open: () => Deno.openKv(server.url) });
  const reader = kv.watch([["x"]]).getReader();
  await reader.read();
  const next = reader.read();
  kv.close();
  assert.equal((await next).done, true);
});
