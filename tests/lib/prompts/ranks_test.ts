import assert from "node:assert/strict";
import fc from "fast-check";
import { changedInOrder, rankBehind, rankBetween, spreadRanks } from "../../../lib/prompts/ranks.ts";

Deno.test("a rank is between two others, in front of one, or behind the last and before the next", () => {
  assert.deepEqual([rankBetween(1, 2), rankBetween(null, 5), rankBetween(-3, -2)], [1.5, 4, -2.5]);
  const behind = rankBehind(7, 8)!;
  assert.ok(7 < behind && behind < 8);
});

Deno.test("where no number is left between two ranks there is none", () => {
  const next = 1 + Number.EPSILON;
  assert.deepEqual([rankBetween(1, next), rankBetween(3, 3), rankBehind(1, next)], [null, null, null]);
});

Deno.test("thousands go behind one another before the next is accepted", () => {
  let last = 2 ** 30;
  for (let i = 0; i < 4000; i++) {
    const rank = rankBehind(last, 2 ** 30 + 1)!;
    assert.ok(last < rank && rank < 2 ** 30 + 1);
    last = rank;
  }
});

Deno.test("ranks are spread evenly, or not at all where they would stand too close", () => {
  assert.deepEqual(spreadRanks({ below: 1, above: 2, count: 3 }), [1.25, 1.5, 1.75]);
  assert.deepEqual(spreadRanks({ below: null, above: 2, count: 3 }), [-1, 0, 1]);
  assert.equal(spreadRanks({ below: 1, above: 1 + 2 ** -12, count: 9 }), null);
});

Deno.test("ranks that are changed one by one stand in the same order at every moment", () => {
  const lines = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 20 }), (old, steps) => {
      const ranks = old.toSorted((a, b) => a - b);
      let to = steps[0];
      const line = ranks.map((rank, i) => ({ rank, to: to += steps[i % steps.length], name: i }));
      const now = [...ranks];
      for (const each of changedInOrder(line)) {
        now[each.name] = each.to;
        assert.ok(now.every((rank, i) => i === 0 || now[i - 1] < rank), now.join());
      }
      assert.deepEqual(now, line.map((each) => each.to));
    }),
  );
});
