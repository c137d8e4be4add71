import assert from "node:assert/strict";
import { createNoise, createRandom } from "../../../../lib/providers/sketch/random.ts";

Deno.test("the same key gives the same numbers, another key others", () => {
  const draw = (key: string) => {
    const random = createRandom(key);
    return Array.from({ length: 20 }, () => random.next());
  };
  assert.deepEqual(draw("1 sea"), draw("1 sea"));
  assert.notDeepEqual(draw("1 sea"), draw("2 sea"));
});

Deno.test("numbers never change from release to release, so that a seed keeps its picture", () => {
  const random = createRandom("7 a lake");
  assert.deepEqual([random.integer(0, 999), random.integer(0, 999), random.integer(0, 999)], [534, 739, 210]);
});

Deno.test("a fork is not moved by what its parent has drawn", () => {
  const [fresh, used] = [createRandom("x"), createRandom("x")];
  for (let draw = 0; draw < 5; draw++) used.next();
  assert.equal(used.fork("clouds").next(), fresh.fork("clouds").next());
  assert.notEqual(fresh.fork("clouds").next(), fresh.fork("birds").next());
});

Deno.test("draws stay within their bounds and reach both ends", () => {
  const random = createRandom("bounds");
  const integers = new Set(Array.from({ length: 400 }, () => random.integer(2, 5)));
  assert.deepEqual([...integers].sort(), [2, 3, 4, 5]);
  for (let draw = 0; draw < 400; draw++) {
    const value = random.between(-3, 4);
    assert.ok(value >= -3 && value < 4);
  }
});

Deno.test("noise is smooth and stays between -1 and 1", () => {
  const noise = createNoise(createRandom("noise"));
  for (let x = -20; x < 400; x += 0.37) {
    assert.ok(Math.abs(noise(x)) <= 1);
    assert.ok(Math.abs(noise(x) - noise(x + 0.001)) < 0.02);
  }
});
