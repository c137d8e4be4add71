import assert from "node:assert/strict";
import type { Image } from "../../../lib/images/image.ts";
import { bestBeside, readUndo, undoText, withGiven } from "../../../lib/images/pick.ts";

const id = (n: number) => `01a22d19-2bc1-7000-9307-0088f74a65${String(n).padStart(2, "0")}`;

Deno.test("what can be taken back stands in an address, the latest first, and nothing else is read from one", () => {
  const given = [{ imageId: id(1), before: -1 }, { imageId: id(2), before: 5 }];
  assert.deepEqual(readUndo(undoText(given)), given);
  assert.deepEqual(readUndo(""), []);
  assert.deepEqual(readUndo(`x,${id(1)},${id(1)}.6,${id(2)}.0,<b>.1`), [{ imageId: id(2), before: 0 }]);
  let many = given;
  for (let i = 0; i < 50; i++) many = withGiven(many, { imageId: id(i % 90), before: 0 });
  assert.equal(many.length, 20);
  assert.equal(many[0].imageId, id(49));
});

Deno.test("the best is the one with the most stars, the earlier one of two, and never the one itself", () => {
  const images = [0, 3, 5, 5, -1].map((rating, i) => ({ id: id(i), rating }) as Image);
  assert.equal(bestBeside(images, id(0))?.id, id(2));
  assert.equal(bestBeside(images, id(2))?.id, id(3));
  assert.equal(bestBeside(images.slice(0, 1), id(4)), null);
  assert.equal(bestBeside([], id(4)), null);
});
