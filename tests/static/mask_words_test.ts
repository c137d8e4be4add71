/** What the mask editor says about a mask. */
import assert from "node:assert/strict";
import { placeText, shareText } from "../../static/editor/mask_words.js";

Deno.test("a share has one decimal below ten, and is all or nothing only where it is", () => {
  const shares = [0, 0.00001, 0.042, 0.0994, 0.0996, 0.124, 0.9999, 1];
  assert.deepEqual(shares.map((share) => shareText(share)), [
    "0 % will change",
    "0.1 % will change",
    "4.2 % will change",
    "9.9 % will change",
    "10 % will change",
    "12 % will change",
    "99 % will change",
    "100 % will change",
  ]);
});

Deno.test("the middle of a mask is told by ninths of the picture", () => {
  const places = [[0, 0], [0.5, 0.1], [0.9, 0.5], [0.5, 0.5], [0.1, 0.9], [0.5, 1], [1, 1], [0.2, 0.4]];
  assert.deepEqual(places.map(([x, y]) => placeText({ x, y })), [
    "upper left",
    "top",
    "right",
    "middle",
    "lower left",
    "bottom",
    "lower right",
    "left",
  ]);
});
