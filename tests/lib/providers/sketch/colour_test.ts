import assert from "node:assert/strict";
import { along, fromHex, lighter, mix, saturated, toHex } from "../../../../lib/providers/sketch/colour.ts";

Deno.test("a colour survives the way to OKLab and back", () => {
  for (const hex of ["#000000", "#ffffff", "#d1352f", "#123456", "#00ff80"]) {
    assert.equal(toHex(fromHex(hex)), hex);
  }
});

Deno.test("colours outside the screen's range are clamped, not wrapped", () => {
  assert.equal(toHex([1.4, 0, 0]), "#ffffff");
  assert.equal(toHex([-0.2, 0, 0]), "#000000");
  assert.match(toHex([0.7, 0.5, 0.3]), /^#[0-9a-f]{6}$/);
});

Deno.test("mixing, lightening and ramps go where they say", () => {
  const [black, white] = [fromHex("#000000"), fromHex("#ffffff")];
  assert.equal(toHex(mix(black, white, 0)), "#000000");
  assert.equal(toHex(mix(black, white, 1)), "#ffffff");
  assert.equal(toHex(lighter(white, -1)), "#000000");
  assert.equal(toHex(saturated(fromHex("#8a8a8c"), 0)).replace(/^#(..)\1\1$/, "grey"), "grey");
  assert.equal(toHex(along([black, white, black], 0.5)), "#ffffff");
  assert.equal(toHex(along([black, white, black], 9)), "#000000");
});
