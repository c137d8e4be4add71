import assert from "node:assert/strict";
import { createFewAtOnce, createInTurn } from "../../lib/in_turn.ts";

Deno.test("steps begin in the order in which they came, each after the one before it has ended", async () => {
  const inTurn = createInTurn();
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  const first = inTurn(async () => {
    seen.push("first begins");
    await gate.promise;
    seen.push("first ends");
    return 1;
  });
  const second = inTurn(() => Promise.resolve(seen.push("second")));
  await Promise.resolve();
  gate.resolve();
  assert.deepEqual(await Promise.all([first, second]), [1, 3]);
  assert.deepEqual(seen, ["first begins", "first ends", "second"]);
});

Deno.test("a step that fails tells its caller alone, and the next one runs", async () => {
  const inTurn = createInTurn();
  const failing = inTurn(() => Promise.reject(new Error("no")));
  const next = inTurn(() => Promise.resolve("next"));
  await assert.rejects(failing, /no/);
  assert.equal(await next, "next");
});

Deno.test("of steps that may only be few at once the others wait, in the order in which they came", async () => {
  const fewAtOnce = createFewAtOnce(2);
  const running = new Set<number>();
  const begun: number[] = [];
  let most = 0;
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
  const steps = gates.map(({ promise }, nth) =>
    fewAtOnce(async () => {
      begun.push(nth);
      running.add(nth);
      most = Math.max(most, running.size);
      await promise;
      running.delete(nth);
      return nth;
    })
  );
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  gates.forEach(({ resolve }) => resolve());
  assert.deepEqual(await Promise.all(steps), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual([begun, most], [[0, 1, 2, 3, 4, 5], 2]);
});

Deno.test("one of them that fails makes room as well, and comes later or not", async () => {
  const fewAtOnce = createFewAtOnce(1);
  const failing = fewAtOnce(() => Promise.reject(new Error("no")));
  const waiting = fewAtOnce(() => Promise.resolve("waited"));
  await assert.rejects(failing, /no/);
  assert.equal(await waiting, "waited");
  assert.equal(await fewAtOnce(() => Promise.resolve("later")), "later");
});
