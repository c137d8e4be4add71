import assert from "node:assert/strict";
import { emptyAccount, emptyMonth, monthOf } from "../../../lib/money/account.ts";
import {
  addToMonth,
  changeBooks,
  type LedgerEntry,
  readAccount,
  readLedger,
  readMonth,
} from "../../../lib/money/ledger.ts";
import { keys } from "../../../lib/store/schema.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { createStore, DatabaseRefusal, type Store } from "../../../lib/store/store.ts";
import { writeProgress } from "../../../lib/work/settle.ts";
import { toOutcome } from "../../../lib/prompts/prompt.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import {
  acceptPrompt,
  cancelUnbilled,
  completePrompt,
  createTestStore,
  createTestUser,
  failPrompt,
  startPrompt,
} from "../../fixtures/store.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import { standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";
import { type Charge, noCharge, sumCharges } from "../../../lib/money/charge.ts";

Deno.test("accepting sets the hold aside; completing releases it and charges", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  await acceptPrompt(store, user, { request: { count: 3 } });
  assert.deepEqual(await readAccount(store, user.id), {
    ...emptyAccount,
    heldMicros: 3 * price,
    promptSequence: 1,
  });
  await completePrompt(store, user, { request: { count: 2 } });
  assert.deepEqual(await readAccount(store, user.id), {
    heldMicros: 3 * price,
    chargedMicros: 2 * price,
    promptSequence: 2,
    imageSequence: 2,
  });
});

Deno.test("a completed prompt has one entry, and the month knows its day and model", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const { value } = await completePrompt(store, user, { request: { count: 2 } });
  const [entry] = await readLedger(store, [value.id]);
  assert.deepEqual(entry?.value, {
    costMicros: 2 * price,
    basis: "table",
    priceRow: null,
    tableMicros: 40_000,
    promptId: value.id,
    userId: user.id,
    model: "stand-in",
    images: 2,
    isAboveHold: false,
    at: store.now(),
  });
  const spend = { costMicros: 2 * price, images: 2 };
  assert.deepEqual(await readMonth(store, { userId: user.id, month: "2026-11" }), {
    spentMicros: 2 * price,
    days: { "2026-11-23": spend },
    models: { "stand-in": spend },
  });
});

Deno.test("a failed prompt is booked too, and costs nothing", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const { value } = await failPrompt(store, user);
  const [entry] = await readLedger(store, [value.id]);
  assert.deepEqual([entry?.value.costMicros, entry?.value.basis, entry?.value.images], [0, "none", 0]);
  assert.equal((await readAccount(store, user.id)).heldMicros, 0);
});

Deno.test("a cancelled prompt whose bill is not known keeps its hold and has no entry", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const { value } = await cancelUnbilled(store, user);
  assert.deepEqual(await readLedger(store, [value.id]), [null]);
  assert.equal((await readAccount(store, user.id)).heldMicros, price);
});

Deno.test("a charge above the hold is booked as it is, and marked", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const { value } = await completePrompt(store, user, { costMicros: 5 * price });
  const [entry] = await readLedger(store, [value.id]);
  assert.deepEqual([entry?.value.costMicros, entry?.value.isAboveHold], [5 * price, true]);
  assert.deepEqual(await readAccount(store, user.id), {
    heldMicros: 0,
    chargedMicros: 5 * price,
    promptSequence: 1,
    imageSequence: 1,
  });
});

Deno.test("a prompt that is settled many times at the same moment is charged once", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const accepted = await acceptPrompt(store, user);
  const before = await startPrompt(store, accepted.prompt.value.id);
  const charge: Charge = { costMicros: price, basis: "table", priceRow: null };
  const after = toOutcome({
    ...before.value,
    tasks: [{ state: "done", count: 1, images: [{ id: "i", isDeleted: false }], charge }],
  }, { at: store.now() });
  const settled = await Promise.all(
    Array.from({ length: 20 }, () => writeProgress(store, { before, after })),
  );
  assert.equal(settled.filter((result) => result !== null).length, 1);
  assert.equal((await readAccount(store, user.id)).chargedMicros, price);
  assert.equal(await writeProgress(store, { before: (await readPrompt(store, after.id))!, after }), null);
});

Deno.test("books that others change at the same moment, without taking turns, lose nothing", async () => {
  using store = await createTestStore();
  const locks = { hold: <T>(_: string, work: () => Promise<T>) => work() };
  const add = () =>
    changeBooks({ ...store, locks }, { userId: "ada", at: store.now() }, (books) => ({
      atomic: books.write(store.kv.atomic(), {
        account: { ...books.account, chargedMicros: books.account.chargedMicros + 1 },
      }),
      value: null,
    }));
  await Promise.all(Array.from({ length: 30 }, add));
  assert.equal((await readAccount(store, "ada")).chargedMicros, 30);
});

Deno.test("of many changes at the same moment each that is made counts once, whatever is lost or written in between", async () => {
  using store = await createTestStore();
  await store.kv.set(keys.lease("taken"), 1);
  const at = store.now();
  const add = (i: number) =>
    changeBooks(store, { userId: "ada", at }, ({ account, month, write }) => {
      const more = { ...account, chargedMicros: account.chargedMicros + 1 };
      const atomic = write(store.kv.atomic(), {
        account: more,
        ...i % 3 === 0 && { month: { ...month, spentMicros: month.spentMicros + 1 } },
      });
      if (i % 7 === 3) atomic.check({ key: keys.lease("taken"), versionstamp: null });
      return { atomic, value: more.chargedMicros };
    });
  for (const interfere of [false, true]) {
    const before = (await readAccount(store, "ada")).chargedMicros;
    const adding = Array.from({ length: 50 }, (_, i) => add(i));
    // Another process, which knows nothing of what is on its way here.
    if (interfere) await store.kv.set(keys.account("ada"), { ...emptyAccount, chargedMicros: before });
    const results = await Promise.all(adding);
    assert.deepEqual(results.map((result) => result === null), results.map((_, i) => i % 7 === 3));
    const { chargedMicros } = await readAccount(store, "ada");
    const made = results.flatMap((result) => result === null ? [] : [result.value]);
    if (!interfere) {
      assert.deepEqual(made.toSorted((a, b) => a - b), made.map((_, i) => before + i + 1));
      assert.equal(chargedMicros, before + made.length);
    }
    assert.ok(chargedMicros <= before + made.length);
  }
  assert.equal(await add(1).then((result) => result?.value), (await readAccount(store, "ada")).chargedMicros);
});

Deno.test("many changes that come at the same moment go to the disk in a few commits", async () => {
  using store = await createTestStore();
  const add = () =>
    changeBooks(store, { userId: "ada", at: store.now() }, ({ account, write }) => ({
      atomic: write(store.kv.atomic(), { account: { ...account, chargedMicros: account.chargedMicros + 1 } }),
      value: null,
    }));
  await add();
  const results = await Promise.all(Array.from({ length: 40 }, add));
  assert.equal((await readAccount(store, "ada")).chargedMicros, 41);
  // The first goes alone, and the others meanwhile are gathered.
  assert.equal(new Set(results.map((result) => result?.versionstamp)).size, 2);
});

Deno.test("a change that something else forbids is given up at once", async () => {
  using store = await createTestStore();
  let tries = 0;
  const result = await changeBooks(store, { userId: "ada", at: store.now() }, (books) => {
    tries++;
    const taken = { key: keys.lease("p"), versionstamp: "00000000000000990000" };
    return { atomic: books.write(store.kv.atomic().check(taken), { account: emptyAccount }), value: null };
  });
  assert.deepEqual([result, tries], [null, 1]);
});

Deno.test("what remembered books do not allow is decided again by those that are there; an ill database is not", async () => {
  using store = await createTestStore();
  const spend = (amount: number, most: number) =>
    changeBooks(store, { userId: "ada", at: store.now() }, ({ account, write }) => {
      const chargedMicros = account.chargedMicros + amount;
      if (chargedMicros > most) throw new Refusal("budget_exceeded", "It is too much");
      return { atomic: write(store.kv.atomic(), { account: { ...account, chargedMicros } }), value: null };
    });
  await spend(5, 9);
  // Another process puts it right behind the back of what is remembered here.
  await store.kv.set(keys.account("ada"), emptyAccount);
  await spend(5, 9);
  await assert.rejects(spend(5, 9), /too much/);
  assert.equal((await readAccount(store, "ada")).chargedMicros, 5);
  await spend(1, 9);
  let commits = 0;
  interceptCommits(store.kv, () => {
    commits++;
    throw new TypeError("database or disk is full");
  });
  await assert.rejects(spend(1, 9), DatabaseRefusal);
  assert.equal(commits, 1);
});

Deno.test("months and days are those of UTC", () => {
  assert.equal(monthOf(Date.parse("2026-11-30T23:59:59.999Z")), "2026-11");
  assert.equal(monthOf(Date.parse("2026-12-01T00:30:00+01:00")), "2026-11");
  const entry = {
    costMicros: 7,
    images: 1,
    model: "m",
    at: Date.parse("2026-12-01T00:00:00Z"),
  } as LedgerEntry;
  const spend = { costMicros: 14, images: 2 };
  assert.deepEqual(addToMonth(addToMonth(emptyMonth, entry), entry), {
    spentMicros: 14,
    days: { "2026-12-01": spend },
    models: { m: spend },
  });
});

Deno.test("several charges add up to one with the basis of the least certain", () => {
  const charge = (basis: Charge["basis"], costMicros: number): Charge => ({
    basis,
    costMicros,
    priceRow: null,
  });
  assert.deepEqual(sumCharges([]), noCharge);
  assert.deepEqual(sumCharges([charge("reported", 5), charge("none", 0)]), charge("reported", 5));
  assert.deepEqual(sumCharges([charge("reported", 5), charge("table", 3)]), charge("table", 8));
  assert.deepEqual(sumCharges([charge("table", 5), charge("unknown", 3)]), charge("unknown", 8));
});

Deno.test("changes of a record beside the books that are made at once build on each other, and none is lost", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const beside = keys.batch("b");
  const commits: number[] = [];
  const atomic = store.kv.atomic.bind(store.kv);
  store.kv.atomic = () => {
    commits.push(1);
    return atomic();
  };
  const add = (on: Store) =>
    changeBooks<number, { count: number }>(on, { userId: user.id, at: on.now(), beside }, (books) => {
      const count = (books.beside?.count ?? 0) + 1;
      return { atomic: books.write(on.kv.atomic(), { beside: { count } }), value: count };
    });
  const counts = await Promise.all(Array.from({ length: 30 }, () => add(store)));
  assert.deepEqual(counts.map((result) => result?.value), Array.from({ length: 30 }, (_, i) => i + 1));
  // None had to be tried again.
  assert.equal(commits.length, 30);
  const other = createStore({ kv: store.kv, now: store.now });
  await Promise.all([store, other, store, other].map(add));
  assert.deepEqual((await store.kv.get(beside)).value, { count: 34 });
});

Deno.test("records beside the books of one user are told apart, and one that is not there is none", async () => {
  using store = await createTestStore();
  const user = await createTestUser(store);
  const change = (name: string, text: string | null) =>
    changeBooks<unknown, string>(
      store,
      { userId: user.id, at: store.now(), beside: keys.batch(name) },
      (books) => ({
        atomic: books.write(store.kv.atomic(), text === null ? {} : { beside: text }),
        value: books.beside,
      }),
    );
  assert.equal((await change("a", "first"))?.value, null);
  assert.equal((await change("b", null))?.value, null);
  assert.equal((await change("a", "second"))?.value, "first");
  for (let i = 0; i < 40; i++) await change(`more ${i}`, "more");
  assert.equal((await change("a", null))?.value, "second");
  const accounts = await changeBooks(store, { userId: user.id, at: store.now() }, (books) => ({
    atomic: books.write(store.kv.atomic(), {}),
    value: books.beside,
  }));
  assert.equal(accounts?.value, null);
});
