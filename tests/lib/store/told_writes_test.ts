import assert from "node:assert/strict";
import { groupCommits } from "../../../lib/store/group_commit.ts";
import { keys } from "../../../lib/store/schema.ts";
import { tellWrites } from "../../../lib/store/told_writes.ts";
import { noBus } from "../../../lib/bus/bus.ts";
import { createBuses } from "../../fixtures/buses.ts";
import { until } from "../../fixtures/until.ts";

const [change, user, bell] = [keys.changeHead("ada"), keys.user("ada"), keys.bell()];

/** Two nodes on one database, whose own watches tell of nothing but how things are at first, until they are let. */
async function createNodes() {
  const database = await Deno.openKv(":memory:");
  const late: (() => void)[] = [];
  const slow: Deno.Kv = new Proxy(database, {
    get(target, name) {
      if (name === "watch") return (watched: Deno.KvKey[]) => delayed(target.watch(watched), late);
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const buses = createBuses(2);
  const [one, other] = buses.map((bus) => tellWrites(slow, { bus }));
  return {
    one,
    other,
    buses,
    /** Lets the watches tell what they have held back. */
    letWatchesTell: () => late.splice(0).forEach((tell) => tell()),
    [Symbol.dispose]: () => database.close(),
  };
}

function delayed<T>(watch: ReadableStream<T>, late: (() => void)[]): ReadableStream<T> {
  let isFirst = true;
  return watch.pipeThrough(
    new TransformStream<T, T>({
      async transform(entries, controller) {
        if (!isFirst) await new Promise<void>((resolve) => late.push(resolve));
        isFirst = false;
        controller.enqueue(entries);
      },
    }),
  );
}

/** What is handed on, as values, and what ends that. */
function follow(kv: Deno.Kv, watched: Deno.KvKey[]) {
  const reader = kv.watch<unknown[]>(watched).getReader();
  const seen: string[] = [];
  const following = (async () => {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      seen.push(value.map((entry) => entry.value ?? "none").join(" "));
    }
  })();
  return {
    seen,
    async [Symbol.asyncDispose]() {
      await reader.cancel();
      await following;
    },
  };
}

Deno.test("who watches hears of another node's commit by the bus, before the watch tells, and once", async () => {
  using nodes = await createNodes();
  await using watch = follow(nodes.other, [change, user]);
  await until(() => watch.seen.length, (count) => count === 1);
  await nodes.one.atomic().set(change, "first").set(keys.prompt("p"), "of no interest").commit();
  await until(() => watch.seen, ({ length }) => length === 2);
  await nodes.one.atomic().set(user, "Ada").commit();
  await until(() => watch.seen, ({ length }) => length === 3);
  nodes.letWatchesTell();
  await nodes.one.atomic().set(change, "second").commit();
  await until(() => watch.seen, ({ length }) => length >= 4);
  nodes.letWatchesTell();
  assert.deepEqual(watch.seen, ["none none", "first none", "first Ada", "second Ada"]);
});

Deno.test("what the bus loses, the watch tells", async () => {
  using nodes = await createNodes();
  await using watch = follow(nodes.other, [change]);
  await until(() => watch.seen.length, (count) => count === 1);
  nodes.buses[0].cut();
  await nodes.one.atomic().set(change, "first").commit();
  await until(() => {
    nodes.letWatchesTell();
    return watch.seen;
  }, ({ length }) => length === 2);
  assert.deepEqual(watch.seen, ["none", "first"]);
});

Deno.test("many writes at once end with the last, and none is handed on after a later one", async () => {
  using nodes = await createNodes();
  await using watch = follow(nodes.other, [bell]);
  await until(() => watch.seen.length, (count) => count === 1);
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => nodes.one.atomic().set(bell, i).commit()),
  );
  const last = String((await nodes.other.get(bell)).value);
  await until(() => watch.seen.at(-1), (value) => value === last);
  await until(() => {
    nodes.letWatchesTell();
    return watch.seen.at(-1);
  }, (value) => value === last);
  assert.equal(watch.seen.filter((value) => value === last).length, 1);
});

Deno.test("a lost race, and what nobody watches, is told to nobody", async () => {
  using nodes = await createNodes();
  const [{ published }] = nodes.buses;
  await nodes.one.atomic().check({ key: change, versionstamp: "00000000000000010000" }).set(change, "lost")
    .commit();
  await nodes.one.atomic().set(keys.prompt("p"), "of no interest").commit();
  assert.deepEqual(published, []);
  await nodes.one.atomic().set(change, "won").set(user, "Ada").set(bell, "p").commit();
  assert.deepEqual(published, ["written ada", "written bell"]);
});

Deno.test("a watch that has ended listens to the bus no more, and one of a closed database ends", async () => {
  const nodes = await createNodes();
  const watch = follow(nodes.other, [change]);
  await until(() => watch.seen.length, (count) => count === 1);
  await watch[Symbol.asyncDispose]();
  await nodes.one.atomic().set(change, "first").commit();
  assert.deepEqual(watch.seen, ["none"]);
  const reader = nodes.other.watch([change]).getReader();
  await reader.read();
  nodes[Symbol.dispose]();
  assert.equal((await reader.read()).done, true);
});

Deno.test("a node that is alone has its database as it is", async () => {
  using kv = await Deno.openKv(":memory:");
  assert.equal(tellWrites(kv, { bus: noBus() }), kv);
});

Deno.test("no more goes into a commit than the database says that it takes", async () => {
  using database = await Deno.openKv(":memory:");
  const checked: number[] = [];
  const limited = Object.assign(database, { limits: { checks: 9, mutations: 999 } });
  const plain = database.atomic.bind(database);
  limited.atomic = () => {
    const atomic = plain();
    const [check, commit] = [atomic.check.bind(atomic), atomic.commit.bind(atomic)];
    let checks = 0;
    atomic.check = (...more) => {
      checks += more.length;
      return check(...more);
    };
    atomic.commit = () => {
      checked.push(checks);
      return commit();
    };
    return atomic;
  };
  const [bus] = createBuses(1);
  const kv = groupCommits(tellWrites(limited, { bus }));
  await Promise.all(Array.from({ length: 19 }, (_, i) => {
    const key = ["number", i];
    return kv.atomic().check({ key, versionstamp: null }).set(key, i).commit();
  }));
  // The first goes at once, and the others together.
  assert.deepEqual(checked, [1, 9, 9]);
});
