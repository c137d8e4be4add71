import assert from "node:assert/strict";
import sharp from "sharp";
import { inspectPicture } from "../../../lib/pixels/picture.ts";
import { tintOf } from "../../../lib/pixels/tint.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

function tintColours(tint: string): string[] {
  return tint.match(/.{6}/g)!.map((colour) => `#${colour}`);
}

/** Left half red, right half blue. */
function halves(width: number, height: number) {
  const red = { create: { width: width / 2, height, channels: 3 as const, background: "#ff0000" } };
  return sharp({ create: { width, height, channels: 3, background: "#0000ff" } })
    .composite([{ input: red, left: 0, top: 0 }]);
}

const row = ["#ff0000", "#ff0000", "#0000ff", "#0000ff"];

Deno.test("a tint is the colours of a grid, from the top left on", async () => {
  const { tint } = await inspectPicture(await halves(640, 480).png().toBuffer());
  assert.equal(tint.length, 96);
  assert.deepEqual(tintColours(tint), [...row, ...row, ...row, ...row]);
});

Deno.test("a picture of one colour has a tint of that colour, in every form of it", async () => {
  const plain = sharp(await picture(64, 32));
  const forms = [
    plain.clone().png(),
    plain.clone().webp({ lossless: true }),
    plain.clone().png({ palette: true }),
    plain.clone().toColourspace("rgb16").png(),
    plain.clone().ensureAlpha().png(),
  ];
  for (const form of forms) {
    const { tint } = await inspectPicture(await form.toBuffer());
    assert.deepEqual(new Set(tintColours(tint)), new Set(["#b3290b"]));
  }
  const grey = await plain.clone().greyscale().png().toBuffer();
  const [colour] = tintColours((await inspectPicture(grey)).tint);
  assert.match(colour, /^#(..)\1\1$/);
});

Deno.test("what is cropped away, or seen through, tints nothing", async () => {
  const wide = await halves(800, 200).png().toBuffer();
  assert.deepEqual(
    tintColours((await inspectPicture(wide, { width: 100, height: 100 })).tint).slice(0, 4),
    row,
  );
  const clear = new Uint8Array(4 * 4 * 4);
  clear.set([200, 100, 50, 255]);
  const tint = tintOf(clear, { size: { width: 4, height: 4 }, channels: 4, shown: { width: 4, height: 4 } });
  assert.deepEqual(tintColours(tint).slice(0, 2), ["#c86432", "#808080"]);
});

Deno.test("a picture that lies on its side is tinted as it is shown", async () => {
  const turned = await halves(64, 32).jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
    .withMetadata({ orientation: 6 }).toBuffer();
  const colours = tintColours((await inspectPicture(turned)).tint);
  assert.match(colours[0], /^#f/);
  assert.match(colours[3], /^#f/);
  assert.match(colours[12], /f.$/);
});

Deno.test("the smallest picture has a tint", async () => {
  const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: "#123456" } }).png()
    .toBuffer();
  assert.deepEqual(new Set(tintColours((await inspectPicture(dot)).tint)), new Set(["#123456"]));
});
