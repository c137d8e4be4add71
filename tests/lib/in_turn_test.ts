import assert from "node:assert/strict";
import { createInTurn } from "../../lib/in_turn.ts";

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
