import assert from "node:assert/strict";
import { removeRecord } from "../../../lib/accounts/delete_account.ts";
import { belongings, ownNouns } from "../../../lib/accounts/nouns.ts";
import { addEntry, countEntries } from "../../../lib/store/counted_list.ts";
import { idInValue, listed, type Noun } from "../../../lib/store/noun.ts";
import { keys, kinds } from "../../../lib/store/schema.ts";
import { setScene } from "../../fixtures/damage.ts";
import { createMemoryBlobs } from "../../fixtures/blobs.ts";
import { createTestStore, type TestStore } from "../../fixtures/store.ts";

/** Of nobody, or of everybody, or gone by itself within minutes. */
const ofNobody = [
  "audit",
  "backups",
  "bell",
  "board_change",
  "board_deletion",
  "cancellation",
  "deleted_account_spend",
  "deletion",
  "callback",
  "callback_bell",
  "commit",
  "deletes_held",
  "deletion_bell",
  "duty",
  "hook_bell",
  "instance",
  "login_code",
  "node",
  "node_settings",
  "notice_put_away",
  "passkey_challenge",
  "price",
  "price_added",
  "probe",
  "provider_task",
  "publication_number",
  "recipe_deletion",
  "records_version",
  "roster",
  "sign_in_attempt",
  "signing_key",
  "signing_key_head",
  "unanswered",
  "tints_filled",
  "topic_head",
];

/** The books keep what was charged, without the person. */
const books = ["ledger", "correction", "unknown_charge"];

Deno.test("every kind of key belongs to a row of the table, to the books or to nobody", () => {
  const owned = belongings.flatMap(({ noun, leaves }) => [
    ...noun === undefined ? [] : [noun.kind[0], ...noun.indexes.map(({ prefix }) => prefix[0])],
    ..."key" in leaves ? [leaves.key("u")[0]] : [],
    ..."prefix" in leaves ? [leaves.prefix("u")[0]] : [],
  ]);
  const known = new Set([...owned, ...ofNobody, ...books]);
  const parts = ["a", "b", "c", "d"] as never[] as [never, never, never, never];
  const all = Object.values(keys).map((build) => build(...parts)[0]);
  assert.deepEqual(
    [...new Set([...all, ...Object.values(kinds).map(([kind]) => kind)])].filter((kind) => !known.has(kind)),
    [],
  );
});

Deno.test("nothing is found twice by what states what it implies, and each has a name of its own", () => {
  const prefixes = ownNouns.flatMap(({ indexes }) => indexes.map(({ prefix }) => prefix.join(" ")));
  assert.equal(new Set(prefixes).size, prefixes.length);
  const names = belongings.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("what records imply stands where their noun says that it stands", async () => {
  using store = await createTestStore();
  await setScene(store);
  let count = 0;
  for (const noun of ownNouns) {
    for await (const record of store.kv.list({ prefix: [...noun.kind] })) {
      const facts = noun.facts(record);
      for (const { key } of facts === null ? [] : noun.implied(facts, store.now())) {
        const index = noun.indexes.find(({ prefix }) => prefix.every((part, i) => part === key[i]));
        const entry = await store.kv.get(key);
        assert.ok(index !== undefined && entry.versionstamp !== null, key.join(" "));
        assert.equal(index.recordId(entry), String(record.key.at(-1)));
        count++;
      }
    }
  }
  assert.ok(count > 20, `${count} entries`);
});

interface Board {
  id: string;
  userId: string;
}

const list = (userId: string) => ["boards", userId];

/** A noun that there is not, with bytes and a place in a counted list. */
const boardNoun: Noun<Board, Board> = {
  kind: ["board"],
  facts: ({ value }) => value,
  implied: ({ id, userId }) => [listed(list(userId), { number: 1, id })],
  indexes: [{ prefix: ["boards"], name: "list_entry", recordId: idInValue }],
  blobs: ({ id }) => [{ key: `boards/${id}`, contentType: "image/png" }],
};

const record = { noun: boardNoun as Noun<unknown, unknown>, key: ["board", "b1"], entry: null };

async function addBoard(store: TestStore) {
  const blobs = createMemoryBlobs();
  await blobs.put("boards/b1", new Uint8Array(1), "image/png");
  const atomic = store.kv.atomic().set(record.key, { id: "b1", userId: "ada" });
  addEntry(atomic, list("ada"), { number: 1, id: "b1" });
  await atomic.commit();
  return blobs;
}

Deno.test("a record leaves with its bytes, its entries and their counts", async () => {
  using store = await createTestStore();
  const blobs = await addBoard(store);
  assert.equal(await removeRecord({ store, blobs: { ...blobs, isHolding: () => false } }, record), true);
  assert.equal(blobs.contents.size, 0);
  assert.equal((await store.kv.get(record.key)).versionstamp, null);
  assert.equal(await countEntries(store.kv, list("ada")), 0);
  assert.equal(await removeRecord({ store, blobs: { ...blobs, isHolding: () => false } }, record), true);
  assert.equal(await countEntries(store.kv, list("ada")), 0);
});

Deno.test("a record stays while a backup needs its bytes, or its storage does not answer", async () => {
  using store = await createTestStore();
  const blobs = await addBoard(store);
  assert.equal(await removeRecord({ store, blobs: { ...blobs, isHolding: () => true } }, record), false);
  const silent = { isHolding: () => false, delete: () => Promise.reject(new Error("no answer")) };
  await assert.rejects(removeRecord({ store, blobs: silent }, record), /no answer/);
  assert.equal(blobs.contents.size, 1);
  assert.notEqual((await store.kv.get(record.key)).versionstamp, null);
  assert.equal(await countEntries(store.kv, list("ada")), 1);
});
