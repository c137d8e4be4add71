import assert from "node:assert/strict";
import { groupCommits } from "../../../lib/store/group_commit.ts";
import { everybody, ownChanges, readOwnChange } from "../../../lib/store/own_changes.ts";
import { keys, kinds, lists } from "../../../lib/store/schema.ts";
import { commit, createStore, read } from "../../../lib/store/store.ts";

const now = () => 1_700_000_000_000;
const image = (userId: string) => ({ id: "picture", userId });

async function openStore() {
  const store = createStore({ kv: await Deno.openKv(":memory:"), now });
  return { ...store, [Symbol.dispose]: () => store.kv.close() };
}

/** Whose number these writes change, by what a commit writes besides. */
function concerned(...mutations: Deno.KvMutation[]): string[] {
  return ownChanges(mutations, now).map(({ key }) => String(key[1]));
}

Deno.test("of a kind that nobody has thought of everybody's answers are made anew", () => {
  assert.deepEqual(concerned({ type: "set", key: ["something new", "ada"], value: 1 }), [everybody]);
  assert.deepEqual(concerned({ type: "delete", key: ["toString", "ada"] }), [everybody]);
});

Deno.test("a commit tells once of each person whose things it changes, by keys and by records", () => {
  const set = (key: Deno.KvKey, value: unknown): Deno.KvMutation => ({ type: "set", key, value });
  assert.deepEqual(concerned(set(keys.image("picture"), image("ada"))), ["ada"]);
  assert.deepEqual(
    concerned(
      set(keys.image("picture"), image("ada")),
      set([...lists.images("ada"), 1], "picture"),
      { type: "sum", key: [...kinds.counts, ...lists.images("ada"), 8, 0], value: new Deno.KvU64(1n) },
      set(keys.account("ada"), {}),
      set(keys.notice("told"), { userId: "bob" }),
    ),
    ["ada", "bob"],
  );
  assert.deepEqual(concerned(set(keys.pause("user", "ada"), {})), ["ada"]);
  assert.deepEqual(concerned(set(keys.pause("provider", "gemini"), {})), [everybody]);
  assert.deepEqual(concerned(set(keys.ledger("prompt"), { userId: null })), []);
});

Deno.test("what is taken away concerns whom the rest of its commit does, and everybody where nothing tells whom", () => {
  const gone: Deno.KvMutation = { type: "delete", key: keys.image("picture") };
  assert.deepEqual(concerned(gone, { type: "delete", key: [...lists.images("ada"), 1] }), ["ada"]);
  assert.deepEqual(concerned(gone), [everybody]);
});

Deno.test("a lease that is kept, a bell, a delivery and a repeated request cost nobody their answers", () => {
  const set = (key: Deno.KvKey): Deno.KvMutation => ({ type: "set", key, value: {} });
  assert.deepEqual(
    concerned(
      set(keys.lease("prompt")),
      set(keys.bell()),
      set(keys.seen("ada")),
      set(keys.delivery("ada", "hook", "id")),
      set(keys.deliveryDue("ada", "hook", 1, "id")),
      set(keys.idempotency("ada", "hash")),
      { type: "delete", key: keys.probe() },
    ),
    [],
  );
});

Deno.test("the number changes with each commit of one's own and with what concerns everybody, and with no other", async () => {
  using store = await openStore();
  const numbers: string[] = [];
  const note = async () => numbers.push(await readOwnChange(store, "ada"));
  await note();
  await commit(store.kv.atomic().set(keys.image("picture"), image("ada")));
  await note();
  await store.kv.set(keys.image("picture"), image("ada"));
  await note();
  await store.kv.delete(keys.account("ada"));
  await note();
  await commit(store.kv.atomic().set(keys.pause("all", "all"), {}));
  await note();
  assert.equal(new Set(numbers).size, 5);
  await commit(store.kv.atomic().set(keys.image("another"), image("bob")));
  await commit(store.kv.atomic().set(keys.lease("prompt"), {}));
  await note();
  assert.equal(numbers[5], numbers[4]);
});

Deno.test("the number is of the very commit, alone or in a group, and a commit that is lost has none", async () => {
  using store = await openStore();
  await commit(store.kv.atomic().set(keys.image("taken"), image("cyd")));
  const before = await read(store.kv, keys.ownChange("cyd"));
  const write = (userId: string, id: string) =>
    store.kv.atomic().check({ key: keys.image(id), versionstamp: null }).set(keys.image(id), image(userId))
      .commit();
  const results = await Promise.all([
    write("ada", "first"),
    write("ada", "second"),
    write("bob", "third"),
    write("cyd", "taken"),
    write("ada", "fourth"),
  ]);
  assert.deepEqual(results.map(({ ok }) => ok), [true, true, true, false, true]);
  const versions = results.map((result) => result.ok ? result.versionstamp : null);
  const numberOf = async (userId: string) => (await read(store.kv, keys.ownChange(userId)))!.versionstamp;
  assert.equal(await numberOf("ada"), versions[4]);
  assert.equal(await numberOf("bob"), versions[2]);
  assert.deepEqual(await read(store.kv, keys.ownChange("cyd")), before);
});

Deno.test("commits of one person that change other things never wait for each other", async () => {
  using kv = await Deno.openKv(":memory:");
  const nodes = [1, 2].map(() => groupCommits(kv, (mutations) => ownChanges(mutations, now)));
  const all = nodes.flatMap((node, n) =>
    Array.from({ length: 50 }, (_, i) => {
      const key = keys.image(`${n} ${i}`);
      return node.atomic().check({ key, versionstamp: null }).set(key, image("ada")).commit();
    })
  );
  assert.ok((await Promise.all(all)).every(({ ok }) => ok));
});

Deno.test("with the last of a person's own their number goes, too", () => {
  assert.deepEqual(
    concerned({ type: "delete", key: keys.account("ada") }, { type: "delete", key: keys.ownChange("ada") }),
    [],
  );
});
