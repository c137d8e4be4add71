import assert from "node:assert/strict";
import { estimateStarts } from "../../../lib/live/queue_estimates.ts";

const waits = (tookMs: number | null, isPaused = false) => ({ tookMs, isPaused });

const cases: {
  name: string;
  given: Parameters<typeof estimateStarts>[0];
  starts: (number | null)[];
}[] = [
  {
    name: "what there is room for starts at once, the next when the first of them ends",
    given: { slots: 2, running: [], waiting: [waits(30), waits(50), waits(10), waits(10)] },
    starts: [0, 0, 30, 40],
  },
  {
    name: "where all slots are taken the first starts when one is free",
    given: { slots: 2, running: [20, 5], waiting: [waits(10), waits(10)] },
    starts: [5, 15],
  },
  {
    name: "one that takes longer than usual may end at any moment",
    given: { slots: 1, running: [-7], waiting: [waits(10), waits(10)] },
    starts: [0, 10],
  },
  {
    name: "of what starts after something that nobody knows nobody can tell",
    given: { slots: 1, running: [], waiting: [waits(null), waits(10)] },
    starts: [0, null],
  },
  {
    name: "one that nobody knows takes one slot, the others go on",
    given: { slots: 2, running: [null], waiting: [waits(10), waits(10)] },
    starts: [0, 10],
  },
  {
    name: "what is paused has no start, and takes nobody's time",
    given: { slots: 1, running: [], waiting: [waits(10), waits(99, true), waits(10)] },
    starts: [0, null, 10],
  },
];

for (const { name, given, starts } of cases) {
  Deno.test(name, () => assert.deepEqual(estimateStarts(given), starts));
}
