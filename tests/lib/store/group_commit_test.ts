import assert from "node:assert/strict";
import fc from "fast-check";
import { groupCommits, promisedVersion } from "../../../lib/store/group_commit.ts";

/** A database in memory whose commits can be counted, held back and made to fail. */
async function openObserved() {
  const kv = await Deno.openKv(":memory:");
  const commits: Promise<unknown>[] = [];
  let gate = Promise.resolve();
  let failure: Error | null = null;
  const observed = new Proxy(kv, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "atomic") return typeof value === "function" ? value.bind(target) : value;
      return () => {
        const atomic = target.atomic();
        const commit = atomic.commit.bind(atomic);
        atomic.commit = async () => {
          const result = gate.then(() => {
            if (failure !== null) throw failure;
            return commit();
          });
          commits.push(result);
          return await result;
        };
        return atomic;
      };
    },
  });
  return {
    kv: groupCommits(observed),
    commits,
    /** What is committed from now on waits until the returned function is called. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    fail: (error: Error | null) => void (failure = error),
    [Symbol.dispose]: () => kv.close(),
  };
}

/** One commit is under way, so that those made next are gathered. */
function begin({ kv, hold }: Awaited<ReturnType<typeof openObserved>>): () => void {
  const letGo = hold();
  // One test makes it fail with the rest.
  kv.atomic().set(["first"], 0).commit().catch(() => {});
  return letGo;
}

Deno.test("commits that come while one is under way go in one after it", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const results = Array.from(
    { length: 20 },
    (_, i) => database.kv.atomic().check({ key: ["n", i], versionstamp: null }).set(["n", i], i).commit(),
  );
  letGo();
  assert.equal(
    new Set((await Promise.all(results)).map((result) => result.ok && result.versionstamp)).size,
    1,
  );
  assert.equal(database.commits.length, 2);
  assert.deepEqual((await Array.fromAsync(database.kv.list({ prefix: ["n"] }))).length, 20);
});

Deno.test("one that comes alone goes at once", async () => {
  using database = await openObserved();
  for (let i = 0; i < 3; i++) assert.ok((await database.kv.atomic().set(["n"], i).commit()).ok);
  assert.equal(database.commits.length, 3);
});

Deno.test("of many that check one key at once exactly one wins", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const results = Array.from(
    { length: 20 },
    (_, i) => database.kv.atomic().check({ key: ["budget"], versionstamp: null }).set(["budget"], i).commit(),
  );
  letGo();
  assert.equal((await Promise.all(results)).filter(({ ok }) => ok).length, 1);
  assert.equal((await database.kv.get(["budget"])).value, 0);
});

Deno.test("a lost check fails its own commit and no other of the group", async () => {
  using database = await openObserved();
  await database.kv.set(["taken"], true);
  const letGo = begin(database);
  const results = ["a", "taken", "b"].map((name) =>
    database.kv.atomic().check({ key: [name], versionstamp: null }).set([name, "x"], name).commit()
  );
  letGo();
  assert.deepEqual((await Promise.all(results)).map(({ ok }) => ok), [true, false, true]);
  assert.deepEqual((await database.kv.get(["taken", "x"])).value, null);
  assert.deepEqual((await database.kv.get(["b", "x"])).value, "b");
});

Deno.test("what KV does not take fails its own commit and no other of the group", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const values = ["small", "x".repeat(70_000), () => {}, "small too"];
  const results = values.map(async (value, i) => await database.kv.atomic().set(["n", i], value).commit());
  letGo();
  const settled = await Promise.allSettled(results);
  assert.deepEqual(settled.map(({ status }) => status), ["fulfilled", "rejected", "rejected", "fulfilled"]);
});

Deno.test("a disk that fails fails all of the group, once: nothing is written again", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const results = Promise.allSettled(
    Array.from({ length: 5 }, (_, i) => database.kv.atomic().sum(["count"], 1n).set(["n", i], i).commit()),
  );
  database.fail(new TypeError("disk I/O error"));
  letGo();
  assert.deepEqual((await results).map(({ status }) => status), Array(5).fill("rejected"));
  assert.equal(database.commits.length, 2);
  database.fail(null);
  assert.ok((await database.kv.atomic().set(["n"], 1).commit()).ok);
});

Deno.test("two that get a versionstamp into the same key are two entries", async () => {
  using database = await openObserved();
  const { kv } = database;
  const letGo = begin(database);
  const results = ["a", "b"].map((id) =>
    kv.atomic().set(["feed", "user", kv.commitVersionstamp()], id).commit()
  );
  const other = kv.atomic().set(["feed", "other", kv.commitVersionstamp()], "c").commit();
  letGo();
  await Promise.all([...results, other]);
  const entries = await Array.fromAsync(kv.list({ prefix: ["feed"] }));
  assert.deepEqual(entries.map(({ value }) => value), ["c", "a", "b"]);
});

Deno.test("sums of one key add up, and more than KV takes goes in several", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const results = Array.from({ length: 250 }, (_, i) => {
    const atomic = database.kv.atomic().check({ key: ["n", i], versionstamp: null }).set(["n", i], i);
    for (let k = 0; k < 9; k++) atomic.sum(["count"], 1n);
    return atomic.commit();
  });
  letGo();
  assert.ok((await Promise.all(results)).every(({ ok }) => ok));
  assert.equal(((await database.kv.get(["count"])).value as Deno.KvU64).value, 2250n);
  assert.ok(database.commits.length <= 5, `${database.commits.length} commits`);
});

Deno.test("whatever is committed at once, the outcome is one of an order of single commits", async () => {
  const commit = fc.record({
    checks: fc.uniqueArray(fc.nat(4), { maxLength: 2 }),
    sets: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(commit, { minLength: 2, maxLength: 12 }), async (commits) => {
      using database = await openObserved();
      const letGo = begin(database);
      const results = commits.map(({ checks, sets }, id) => {
        const atomic = database.kv.atomic();
        for (const key of checks) atomic.check({ key: ["k", key], versionstamp: null });
        for (const key of sets) atomic.set(["k", key], id);
        return atomic.commit();
      });
      letGo();
      const oks = (await Promise.all(results)).map(({ ok }) => ok);
      const values = new Map(
        (await Array.fromAsync(database.kv.list<number>({ prefix: ["k"] }))).map((
          { key, value },
        ) => [key[1], value]),
      );
      // Each key holds what one of the successful commits wrote there, and of two that demanded that a key be
      // free and wrote it at most one went through.
      for (const [key, id] of values) assert.ok(oks[id] && commits[id].sets.includes(key as number));
      for (let key = 0; key < 5; key++) {
        const claims = commits.filter(({ checks, sets }, id) =>
          oks[id] && checks.includes(key) && sets.includes(key)
        );
        assert.ok(claims.length <= 1);
        const isWritten = commits.some(({ sets }, id) => oks[id] && sets.includes(key));
        assert.equal(values.has(key), isWritten);
      }
      // The first in line always goes through.
      assert.ok(oks[0]);
    }),
    { numRuns: 200 },
  );
});

/** A counter that is read once and then counted up without waiting, each time from what the last one will leave. */
function countUp(
  { kv }: { kv: Deno.Kv },
  times: number,
  also: (atomic: Deno.AtomicOperation, i: number) => void,
) {
  let versionstamp: string | null = null;
  return Array.from({ length: times }, (_, i) => {
    const atomic = kv.atomic().check({ key: ["count"], versionstamp }).set(["count"], i + 1).set(["n", i], i);
    also(atomic, i);
    versionstamp = promisedVersion(atomic);
    return atomic.commit();
  });
}

Deno.test("commits that build on each other go together, and the last of them counts", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const results = countUp(database, 50, () => {});
  letGo();
  const versions = (await Promise.all(results)).map((result) => result.ok && result.versionstamp);
  assert.equal(new Set(versions).size, 1);
  assert.equal(database.commits.length, 2);
  const { value, versionstamp } = await database.kv.get(["count"]);
  assert.deepEqual([value, versionstamp], [50, versions[0]]);
});

Deno.test("what builds on one that is lost is lost, and what came before it is not", async () => {
  using database = await openObserved();
  await database.kv.set(["taken"], true);
  const letGo = begin(database);
  const results = countUp(database, 6, (atomic, i) => {
    if (i === 3) atomic.check({ key: ["taken"], versionstamp: null });
  });
  letGo();
  assert.deepEqual((await Promise.all(results)).map(({ ok }) => ok), [true, true, true, false, false, false]);
  assert.equal((await database.kv.get(["count"])).value, 3);
  assert.equal((await Array.fromAsync(database.kv.list({ prefix: ["n"] }))).length, 3);
});

Deno.test("what builds on one that is refused, or that the disk failed, is lost or fails with it", async () => {
  using database = await openObserved();
  const letGo = begin(database);
  const refused = countUp(database, 3, (atomic, i) => {
    if (i === 1) atomic.set(["large"], "x".repeat(70_000));
  });
  letGo();
  const settled = await Promise.allSettled(refused);
  assert.deepEqual(settled.map((each) => each.status === "fulfilled" ? each.value.ok : "refused"), [
    true,
    "refused",
    false,
  ]);
  database.fail(new TypeError("disk I/O error"));
  const atomic = database.kv.atomic().set(["a"], 1);
  const failing = atomic.commit();
  const next = database.kv.atomic().check({ key: ["a"], versionstamp: promisedVersion(atomic) }).set(
    ["a"],
    2,
  );
  const later = next.commit();
  await assert.rejects(failing, /disk/);
  assert.deepEqual(await later, { ok: false });
  assert.equal((await database.kv.get(["a"])).value, null);
});

Deno.test("a promise is of one write: who has overlooked another in between does not go with it", async () => {
  using database = await openObserved();
  const { kv } = database;
  const letGo = begin(database);
  const first = kv.atomic().set(["a"], 1);
  const made = first.commit();
  const onFirst = () => kv.atomic().check({ key: ["a"], versionstamp: promisedVersion(first) });
  const second = onFirst().set(["a"], 2).commit();
  const third = onFirst().set(["a"], 3).commit();
  const blind = kv.atomic().check({ key: ["a"], versionstamp: null }).set(["a"], 4).commit();
  letGo();
  const results = await Promise.all([made, second, third, blind]);
  assert.deepEqual(results.map(({ ok }) => ok), [true, true, false, false]);
  assert.equal((await kv.get(["a"])).value, 2);
});

Deno.test("a promise holds across groups, and not once it was kept", async () => {
  using database = await openObserved();
  const { kv } = database;
  const letGo = begin(database);
  const first = kv.atomic().set(["a"], 1).set(["b"], 1);
  const made = first.commit();
  // It sees another's write, so it goes in the group after.
  const other = kv.atomic().check({ key: ["b"], versionstamp: promisedVersion(first) })
    .check({ key: ["first"], versionstamp: null }).set(["b"], 2);
  const lost = other.commit();
  const kept = kv.atomic().check({ key: ["a"], versionstamp: promisedVersion(first) }).set(["a"], 2).commit();
  letGo();
  assert.deepEqual((await Promise.all([made, lost, kept])).map(({ ok }) => ok), [true, false, true]);
  const late = kv.atomic().check({ key: ["b"], versionstamp: promisedVersion(first) }).set(["b"], 3);
  assert.deepEqual(await late.commit(), { ok: false });
  assert.equal((await kv.get(["b"])).value, 1);
});
