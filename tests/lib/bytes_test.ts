import assert from "node:assert/strict";
import fc from "fast-check";
import { createGrowingBytes, release } from "../../lib/bytes.ts";

/** How many bytes were said to come, and what comes. */
const sizes = fc.array(fc.record({ asked: fc.nat(40_000), written: fc.nat(40_000) }), { maxLength: 30 });

Deno.test("bytes that grow are what was written, in its order, however much room was asked for", () => {
  fc.assert(fc.property(fc.nat(200_000), sizes, (said, steps) => {
    const growing = createGrowingBytes({ expected: said });
    const expected: number[] = [];
    for (const [nth, { asked, written }] of steps.entries()) {
      const room = growing.room(asked);
      assert.equal(room.length, asked);
      const count = Math.min(asked, written);
      room.fill(nth + 1, 0, count);
      growing.add(count);
      for (let i = 0; i < count; i++) expected.push(nth + 1);
    }
    const whole = growing.whole();
    assert.deepEqual(whole, Uint8Array.from(expected));
  }));
});

Deno.test("large bytes that were given back are gone, and small ones, which may share, are left alone", () => {
  const [large, small] = [new Uint8Array(1_000_000), new Uint8Array(1000)];
  release(large);
  release(small);
  assert.deepEqual([large.length, small.length], [0, 1000]);
});
