import assert from "node:assert/strict";
import { distancesTo, unitsAPixel } from "../../../lib/pixels/distance.ts";
import { randomMask } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";

const cap = 60;

Deno.test("distances are those as the crow flies within 6 %, to what is marked and to what isn't, up to the cap", async () => {
  const random = randomFrom(9);
  for (let round = 0; round < 40; round++) {
    const size = { width: 1 + Math.floor(random() * 40), height: 1 + Math.floor(random() * 30) };
    const mask = randomMask(random, size);
    for (const isMarked of [true, false]) {
      const distances = await distancesTo(mask, { size, isMarked, cap });
      const wanted = (i: number) => (mask[i] !== 0) === isMarked;
      const goals = Array.from(mask.keys()).filter(wanted);
      for (const i of mask.keys()) {
        const [x, y] = [i % size.width, Math.floor(i / size.width)];
        const away = (goal: number) => Math.hypot(goal % size.width - x, Math.floor(goal / size.width) - y);
        const straight = goals.reduce((least, goal) => Math.min(least, away(goal)), Infinity);
        const found = distances[i] / unitsAPixel;
        if (distances[i] === cap) assert.ok(straight > 0.94 * cap / unitsAPixel);
        else assert.ok(Math.abs(found - straight) <= 0.06 * straight, `${found} instead of ${straight}`);
      }
    }
  }
});
