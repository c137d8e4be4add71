import assert from "node:assert/strict";
import { createRecent } from "../../lib/recent.ts";

Deno.test("past its limit the one that was put in first is forgotten, and no other", () => {
  const recent = createRecent<number>({ most: 3 });
  for (const [value, name] of ["a", "b", "c", "d"].entries()) recent.put(name, value);
  assert.deepEqual(["a", "b", "c", "d"].map(recent.get), [undefined, 1, 2, 3]);
  recent.put("e", 4);
  assert.deepEqual(["b", "c", "d", "e"].map(recent.get), [undefined, 2, 3, 4]);
});

Deno.test("what is put in again is the latest, and takes no second place", () => {
  const recent = createRecent<number>({ most: 2 });
  recent.put("a", 0);
  recent.put("b", 1);
  recent.put("a", 2);
  recent.put("c", 3);
  assert.deepEqual(["a", "b", "c"].map(recent.get), [2, undefined, 3]);
});

Deno.test("what is taken out is gone until it is put back, and leaves its place to another", () => {
  const recent = createRecent<number>({ most: 2 });
  recent.put("a", 0);
  recent.put("b", 1);
  assert.equal(recent.take("a"), 0);
  assert.equal(recent.take("a"), undefined);
  recent.put("c", 2);
  assert.deepEqual(["a", "b", "c"].map(recent.get), [undefined, 1, 2]);
});
