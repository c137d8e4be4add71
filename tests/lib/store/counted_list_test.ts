import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addEntry,
  countBefore,
  countEntries,
  entryKey,
  readPage,
  removeEntry,
} from "../../../lib/store/counted_list.ts";
import { lists } from "../../../lib/store/schema.ts";

const list = lists.prompts("ada");
const neighbour = lists.prompts("adam");

/** The same list as a plain array: its numbers, ascending. */
type Model = number[];

const idOf = (number: number) => `id of ${number}`;

async function fill(kv: Deno.Kv, numbers: Model): Promise<void> {
  for (let i = 0; i < numbers.length; i += 100) {
    const atomic = kv.atomic();
    for (const number of numbers.slice(i, i + 100)) addEntry(atomic, list, { number, id: idOf(number) });
    await atomic.commit();
  }
}

async function takeAway(kv: Deno.Kv, numbers: Model): Promise<void> {
  for (const number of numbers) {
    const atomic = kv.atomic();
    removeEntry(atomic, list, number);
    await atomic.commit();
  }
}

function pageOf(model: Model, { limit, offset = 0, before = Infinity }: Parameters<typeof readPage>[2]) {
  const older = model.toReversed().filter((number) => number < before).slice(offset);
  return {
    entries: older.slice(0, limit).map((number) => ({ number, id: idOf(number) })),
    total: model.length,
    next: older.length > limit ? older[limit - 1] : null,
  };
}

/** Numbers that lie close together, and some at the edges of the counted blocks. */
const numbers = fc.uniqueArray(
  fc.oneof(
    fc.integer({ min: 1, max: 1200 }),
    fc.constantFrom(255, 256, 511, 512, 65_535, 65_536, 65_791, 131_072),
  ),
  { maxLength: 300 },
);

Deno.test("pages by offset and by cursor, and counts below numbers, are those of a plain array, whatever was deleted", async () => {
  await fc.assert(
    fc.asyncProperty(
      numbers,
      fc.func(fc.boolean()),
      fc.array(
        fc.record({
          limit: fc.integer({ min: 1, max: 100 }),
          offset: fc.oneof(fc.integer({ min: 0, max: 310 }), fc.constant(100_000)),
          before: fc.integer({ min: 0, max: 1300 }),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      async (present, isGone, pages) => {
        const kv = await Deno.openKv(":memory:");
        try {
          await fill(kv, present);
          await takeAway(kv, present.filter((number) => isGone(number)));
          const model = present.filter((number) => !isGone(number)).sort((a, b) => a - b);
          assert.equal(await countEntries(kv, list), model.length);
          const asked = [...present, ...pages.map(({ before }) => before)];
          assert.deepEqual(
            await countBefore(kv, list, asked.map((number) => [number] as const)),
            asked.map((number) => model.filter((other) => other < number).length),
          );
          for (const { limit, offset, before } of pages) {
            assert.deepEqual(await readPage(kv, list, { limit, offset }), pageOf(model, { limit, offset }));
            assert.deepEqual(await readPage(kv, list, { limit, before }), pageOf(model, { limit, before }));
          }
        } finally {
          kv.close();
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("pages that follow each other show every entry once, also while new ones arrive", async () => {
  const kv = await Deno.openKv(":memory:");
  await fill(kv, Array.from({ length: 700 }, (_, i) => i + 1));
  const seen: number[] = [];
  for (let before: number | undefined, next = 701;; next++) {
    const page = await readPage(kv, list, { limit: 90, before });
    seen.push(...page.entries.map(({ number }) => number));
    await fill(kv, [next]);
    if (page.next === null) break;
    before = page.next;
  }
  assert.deepEqual(seen, Array.from({ length: 700 }, (_, i) => 700 - i));
  kv.close();
});

Deno.test("lists do not see each other, even with names that begin alike", async () => {
  const kv = await Deno.openKv(":memory:");
  await fill(kv, [1, 2]);
  const atomic = kv.atomic();
  addEntry(atomic, neighbour, { number: 3, id: "other" });
  await atomic.commit();
  assert.equal(await countEntries(kv, list), 2);
  assert.deepEqual((await readPage(kv, neighbour, { limit: 5 })).entries, [{ number: 3, id: "other" }]);
  assert.equal((await kv.get(entryKey(list, 3))).value, null);
  kv.close();
});

Deno.test("a page far down reads few entries more than the first one", async () => {
  const kv = await Deno.openKv(":memory:");
  await fill(kv, Array.from({ length: 20_000 }, (_, i) => i + 1));
  let listed = 0;
  const counting = new Proxy(kv, {
    get(target, name) {
      if (name !== "list") return Reflect.get(target, name).bind(target);
      return async function* (...args: Parameters<Deno.Kv["list"]>) {
        for await (const entry of target.list(...args)) {
          listed++;
          yield entry;
        }
      };
    },
  });
  await readPage(counting, list, { limit: 50 });
  const first = listed;
  listed = 0;
  const page = await readPage(counting, list, { limit: 50, offset: 15_000 });
  assert.equal(page.entries[0].number, 5000);
  assert.ok(listed - first <= 256 + 256, `${listed} entries instead of ${first}`);
  kv.close();
});
