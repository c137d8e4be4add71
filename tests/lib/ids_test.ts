import assert from "node:assert/strict";
import { createIds, isId } from "../../lib/ids.ts";

Deno.test("ids are UUIDs of version 7 that begin with the time in milliseconds", () => {
  const id = createIds(() => 0x0193_4567_89ab)();
  assert.match(id, /^01934567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(isId(id));
});

Deno.test("ids sort in the order in which they were made, within a millisecond and when the clock goes back", () => {
  let now = 1_700_000_000_000;
  const ids = createIds(() => now);
  const made: string[] = [];
  for (let i = 0; i < 10_000; i++) {
    if (i === 6000) now -= 5000;
    if (i === 9000) now += 20_000;
    made.push(ids());
  }
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, made.length);
  assert.ok(made.every(isId));
});

Deno.test("other things are no ids", () => {
  const id = createIds(() => 1_700_000_000_000)();
  const others = [
    "",
    id.toUpperCase(),
    `${id} `,
    `${id}\n`,
    id.slice(1),
    "../../etc/passwd",
    crypto.randomUUID(),
  ];
  assert.deepEqual(others.filter(isId), []);
});
