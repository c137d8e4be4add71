import assert from "node:assert/strict";
import fc from "fast-check";
import {
  beginDuels,
  decideDuel,
  duelCount,
  type DuelResult,
  findDuels,
  mostDuelled,
  nextPair,
  standings,
  undoDuel,
} from "../../../lib/images/duels.ts";
import type { Image } from "../../../lib/images/image.ts";
import { createTestStore } from "../../fixtures/store.ts";

const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `picture ${i}`);

/** All duels of so many, each decided so. */
function duelAll(count: number, choose: (a: number, b: number) => number | null): DuelResult[] {
  const results: DuelResult[] = [];
  for (let pair = nextPair({ imageIds: idsOf(count), results }); pair !== null;) {
    results.push({ pair, winner: choose(...pair) });
    pair = nextPair({ imageIds: idsOf(count), results });
  }
  return results;
}

Deno.test("each meets about as many others, never itself, and the same one twice only where there is no other", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 64 }),
      fc.infiniteStream(fc.constantFrom(0, 1, null)),
      (count, choices) => {
        const results = duelAll(count, (a, b) => {
          const choice = choices.next().value;
          return choice === null ? null : [a, b][choice!];
        });
        assert.equal(results.length, duelCount(count));
        const duels = standings(count, results).map((each) => each.duels);
        assert.ok(Math.max(...duels) - Math.min(...duels) <= 1, duels.join());
        for (const { pair: [a, b] } of results) {
          assert.notEqual(a, b);
          assert.ok(a >= 0 && a < count && b >= 0 && b < count);
        }
        const names = results.map(({ pair }) => pair.toSorted().join());
        const doubled = names.length - new Set(names).size;
        assert.ok(doubled <= (count < 8 ? 2 : 0), `${doubled} of ${names.length} twice`);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("who is always better comes first, and the worst last, in far fewer duels than there are pairs", () => {
  for (const count of [2, 3, 4, 7, 12, 32, 64]) {
    const order = Array.from({ length: count }, (_, i) => (i * 37) % 101);
    const results = duelAll(count, (a, b) => order[a] > order[b] ? a : b);
    const ranked = standings(count, results);
    assert.equal(order[ranked[0].place], Math.max(...order), `${count}`);
    assert.equal(ranked[0].wins, ranked[0].duels);
    // Of an odd number one has sat out.
    if (count % 2 === 0) assert.equal(order[ranked.at(-1)!.place], Math.min(...order), `${count}`);
    assert.ok(count < 12 || results.length < count * (count - 1) / 2);
  }
});

Deno.test("the order counts wins, then the wins of those who were beaten", () => {
  const results: DuelResult[] = [
    { pair: [0, 1], winner: 0 },
    { pair: [2, 3], winner: 2 },
    { pair: [3, 1], winner: 3 },
    { pair: [0, 2], winner: null },
  ];
  assert.deepEqual(standings(4, results), [
    { place: 2, wins: 1, duels: 2 },
    { place: 0, wins: 1, duels: 2 },
    { place: 3, wins: 1, duels: 2 },
    { place: 1, wins: 0, duels: 2 },
  ]);
});

const imagesOf = (ratings: number[]) => ratings.map((rating, i) => ({ id: `picture ${i}`, rating }) as Image);

Deno.test("a duel is decided once, however often it is sent, and taken back", async () => {
  using store = await createTestStore();
  const begun = await beginDuels(store, { userId: "ada", images: imagesOf([0, 0, 5]), from: "/gallery" });
  const named = { userId: "ada", id: begun.id };
  const [first] = nextPair(begun)!;
  assert.deepEqual(begun.imageIds, ["picture 2", "picture 0", "picture 1"]);
  const decisions = Array.from({ length: 5 }, () => decideDuel(store, named, { number: 0, winner: first }));
  for (const { results } of await Promise.all(decisions)) assert.equal(results.length, 1);
  await decideDuel(store, named, { number: 7, winner: null });
  const stranger = decideDuel(store, named, { number: 1, winner: 3 });
  await assert.rejects(stranger, { code: "invalid_request" });
  assert.equal((await findDuels(store, named)).value.results.length, 1);
  assert.equal((await undoDuel(store, named)).results.length, 0);
  assert.equal((await undoDuel(store, named)).results.length, 0);
  for (const other of [{ userId: "bob", id: begun.id }, { userId: "ada", id: "x" }]) {
    await assert.rejects(findDuels(store, other), { code: "not_found" });
  }
});

Deno.test("it takes two that are not rejected, and of very many the most liked ones", async () => {
  using store = await createTestStore();
  const begin = (ratings: number[]) =>
    beginDuels(store, { userId: "ada", images: imagesOf(ratings), from: "/gallery" });
  await assert.rejects(begin([5, -1]), { code: "invalid_request" });
  await assert.rejects(begin([]), { code: "invalid_request" });
  const many = await begin(Array.from({ length: 200 }, (_, i) => i === 150 ? 3 : 0));
  assert.equal(many.imageIds.length, mostDuelled);
  assert.equal(many.imageIds[0], "picture 150");
});
