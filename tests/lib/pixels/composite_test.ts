import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Sharp } from "sharp";
import { composite, featheredAlpha } from "../../../lib/pixels/composite.ts";
import { cutRaster, frameCanvas, frameMask } from "../../../lib/pixels/frame.ts";
import { drawShapes, shapeOfPart } from "../../../lib/pixels/mask.ts";
import { decodeRaster, encodePng, pixelsOf } from "../../../lib/pixels/raster.ts";
import type { Size } from "../../../lib/size.ts";
import { pick, type Random, randomFrom } from "../../fixtures/random.ts";
import { differencesOutside, drawn, meanDifference, noise, randomMask } from "../../fixtures/pixels.ts";

/** Pictures as they may have been stored: the ways to write pixels, with what a camera adds. */
const files: { [name: string]: (pixels: Sharp) => Sharp } = {
  png: (pixels) => pixels.png(),
  "JPEG with a profile": (pixels) => pixels.removeAlpha().withIccProfile("p3").jpeg(),
  webp: (pixels) => pixels.webp({ quality: 70 }),
  "lossless webp": (pixels) => pixels.webp({ lossless: true }),
  grey: (pixels) => pixels.removeAlpha().toColourspace("b-w").png(),
  palette: (pixels) => pixels.png({ palette: true, colours: 40 }),
};

function randomSize(random: Random): Size {
  return { width: 1 + Math.floor(random() * 90), height: 1 + Math.floor(random() * 90) };
}

Deno.test("what is outside of the mask stays the same number for number, whatever is masked and whatever comes", async () => {
  const random = randomFrom(16);
  for (let round = 0; round < 200; round++) {
    const size = randomSize(random);
    const [name, write] = pick(random, Object.entries(files));
    const bytes = await write(pixelsOf(noise(random, { ...size, channels: pick(random, [3, 4]) })))
      .toBuffer();
    const base = await decodeRaster(bytes);
    const mask = randomMask(random, size);
    const other = random() < 0.5 ? size : randomSize(random);
    const made = noise(random, { ...other, channels: pick(random, [3, 4]) });
    const result = await pick(random, Object.values(files))(pixelsOf(made)).toBuffer();
    for (const feather of [0, 8, 64]) {
      const untouched = await decodeRaster(bytes);
      const { raster } = await composite({ base: untouched, result, mask, feather, area: null });
      const stored = await decodeRaster(await encodePng(raster));
      assert.equal(Buffer.compare(stored.data, raster.data), 0);
      assert.equal(
        differencesOutside(mask, { base, out: stored }),
        0,
        `${name}, ${round}, feather ${feather}`,
      );
    }
  }
});

const black = { width: 200, height: 160 };
const fill = (colour: string, size: Size = black) => drawn(size, () => colour);
const whitePng = () => encodePng(fill("#ffffff"));

Deno.test("the edge of what changes is feathered inward: nothing outside, all of it at its depth, rising between", async () => {
  const mask = drawShapes([{ kind: "rect", x: 0.25, y: 0.25, width: 0.5, height: 0.5 }], { size: black });
  const base = fill("#000000");
  const { raster } = await composite({ base, result: await whitePng(), mask, feather: 16, area: null });
  const row = Array.from({ length: 200 }, (_, x) => raster.data[(80 * 200 + x) * 3]);
  assert.deepEqual(row.slice(0, 50), Array(50).fill(0));
  assert.deepEqual(row.slice(150), Array(50).fill(0));
  const rise = row.slice(49, 67);
  assert.deepEqual(rise, rise.toSorted((a, b) => a - b));
  assert.equal(new Set(rise).size, 18);
  assert.deepEqual([rise[0], rise[17]], [0, 255]);
  assert.deepEqual(row.slice(66, 134), Array(68).fill(255));
});

Deno.test("without a feather the edge is sharp", async () => {
  const mask = drawShapes([shapeOfPart("left")], { size: black });
  const { raster } = await composite({
    base: fill("#000000"),
    result: await whitePng(),
    mask,
    feather: 0,
    area: null,
  });
  assert.deepEqual(Array.from(mask.keys(), (i) => raster.data[i * 3]), Array.from(mask));
});

Deno.test("a part that is thinner than its feather is seen all the same, beside one that is not", async () => {
  const shapes = [
    { kind: "rect", x: 0.1, y: 0.1, width: 0.02, height: 0.8 },
    { kind: "rect", x: 0.3, y: 0, width: 0.7, height: 1 },
  ] as const;
  const mask = drawShapes(shapes, { size: black });
  const alpha = await featheredAlpha(mask, { size: black, feather: 64 });
  const row = alpha.subarray(80 * 200, 81 * 200);
  assert.ok(Math.max(...row.subarray(0, 40)) > 200, `${Math.max(...row.subarray(0, 40))}`);
  assert.equal(row[199], 255);
  assert.ok(row[60] < 20);
});

Deno.test("where the mask reaches the edge of the picture, nothing fades towards it", async () => {
  const mask = drawShapes([shapeOfPart("top")], { size: black });
  const alpha = await featheredAlpha(mask, { size: black, feather: 8 });
  assert.deepEqual(Array.from(alpha.subarray(0, 200)), Array(200).fill(255));
});

Deno.test("alpha is blended like a colour, and a result without it counts as opaque", async () => {
  const mask = new Uint8Array(black.width * black.height).fill(255, 0, 100);
  const half = fill("#10203040");
  const violet = await encodePng(fill("#602080"));
  const opaque = await composite({ base: half, result: violet, mask, feather: 0, area: null });
  const [changed, kept] = [99, 100].map((i) => Array.from(opaque.raster.data.subarray(i * 4, i * 4 + 4)));
  assert.deepEqual([changed, kept], [[96, 32, 128, 255], [16, 32, 48, 64]]);
  const clear = await encodePng(fill("#ffffff00"));
  const { raster } = await composite({ base: fill("#102030"), result: clear, mask, feather: 0, area: null });
  assert.equal(raster.channels, 4);
  assert.deepEqual(Array.from(raster.data.subarray(99 * 4, 101 * 4)), [255, 255, 255, 0, 16, 32, 48, 255]);
  const onlyNamed = await encodePng(fill("#ffffffff"));
  const plain = await composite({ base: fill("#102030"), result: onlyNamed, mask, feather: 0, area: null });
  assert.equal(plain.raster.channels, 3);
});

Deno.test("a result of another size is resized, and of another ratio cropped around its centre", async () => {
  const mask = new Uint8Array(black.width * black.height).fill(255);
  const stripes = (size: Size) => drawn(size, (x) => x < size.width * 0.2 ? "#ff0000" : "#0000ff");
  for (const [size, red] of [[{ width: 400, height: 320 }, 40], [{ width: 400, height: 160 }, 0]] as const) {
    const { raster } = await composite({
      base: fill("#000000"),
      result: await encodePng(stripes(size)),
      mask,
      feather: 0,
      area: null,
    });
    const reds = Array.from({ length: 200 }, (_, x) => raster.data[(80 * 200 + x) * 3]).filter((r) =>
      r > 127
    );
    assert.equal(reds.length, red);
  }
});

Deno.test("what was cut out of the picture goes back to its place, also where it reached beyond it", async () => {
  const random = randomFrom(12);
  const base = noise(random, { ...black, channels: 3 });
  const mask = drawShapes([{ kind: "ellipse", x: 0, y: 0, width: 0.4, height: 0.5 }], { size: black });
  for (
    const area of [
      { left: -30, top: -20, width: 180, height: 140 },
      { left: 0, top: 0, width: 120, height: 100 },
      { left: 10, top: 5, width: 400, height: 300 },
    ]
  ) {
    const cut = await cutRaster(base, area);
    assert.deepEqual([cut.width, cut.height], [area.width, area.height]);
    const untouched = { ...base, data: base.data.slice() };
    const { raster, edge } = await composite({
      base: untouched,
      result: await encodePng(cut),
      mask,
      feather: 8,
      area,
    });
    assert.equal(meanDifference(raster, base), 0);
    assert.deepEqual(edge, { difference: 0, isOff: false });
  }
});

Deno.test("what is masked outside of the area stays, and so does all where they don't meet", async () => {
  const mask = new Uint8Array(black.width * black.height).fill(255);
  const area = { left: 150, top: 100, width: 100, height: 100 };
  const result = await whitePng();
  const { raster } = await composite({ base: fill("#000000"), result, mask, feather: 0, area });
  const white = Array.from(mask.keys()).filter((i) => raster.data[i * 3] > 0);
  assert.equal(white.length, 50 * 60);
  assert.ok(white.every((i) => i % 200 >= 150 && i >= 100 * 200));
  const far = { ...area, left: 300 };
  const none = await composite({ base: fill("#000000"), result, mask, feather: 0, area: far });
  assert.deepEqual([meanDifference(none.raster, fill("#000000")), none.edge], [0, null]);
});

Deno.test("no ring around what changes is no edge: everything is masked, or the rest is transparent", async () => {
  const all = new Uint8Array(black.width * black.height).fill(255);
  const result = await whitePng();
  const { edge } = await composite({ base: fill("#000000"), result, mask: all, feather: 0, area: null });
  assert.equal(edge, null);
  const part = drawShapes([shapeOfPart("middle")], { size: black });
  const clear = await composite({ base: fill("#00000000"), result, mask: part, feather: 0, area: null });
  assert.equal(clear.edge, null);
  const opaque = await composite({ base: fill("#000000"), result, mask: part, feather: 0, area: null });
  assert.deepEqual(opaque.edge, { difference: 255, isOff: true });
});

Deno.test("a mask of another size is a fault", async () => {
  const asked = { base: fill("#000000"), result: await whitePng(), feather: 0, area: null };
  await assert.rejects(composite({ ...asked, mask: new Uint8Array(3) }), /not of the base's size/);
});

Deno.test("a picture with a frame keeps all but the band that may change", async () => {
  const base = noise(randomFrom(13), { width: 120, height: 100, channels: 3 });
  const frame = { left: 40, top: 0, right: 0, bottom: 30 };
  for (const overlap of [0, 32]) {
    const canvas = await frameCanvas(base, frame);
    const mask = frameMask(base, { frame, overlap });
    const { raster } = await composite({
      base: canvas,
      result: await encodePng(fill("#ffffff", canvas)),
      mask,
      feather: overlap,
      area: null,
    });
    const whites = { outside: 0, kept: 0 };
    for (let y = 0; y < canvas.height; y++) {
      for (let x = 0; x < canvas.width; x++) {
        const at = (y * canvas.width + x) * 3;
        if (x < 40 || y >= 100) whites.outside += Number(raster.data[at] === 255);
        if (x < 40 + overlap || y >= 100 - overlap) continue;
        const own = (y * 120 + x - 40) * 3;
        assert.ok(Buffer.compare(raster.data.subarray(at, at + 3), base.data.subarray(own, own + 3)) === 0);
        whites.kept++;
      }
    }
    assert.deepEqual(whites, { outside: 160 * 130 - 120 * 100, kept: (120 - overlap) * (100 - overlap) });
  }
});

Deno.test("a result that is no picture is never drawn", async () => {
  const svg = new TextEncoder().encode(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`);
  const mask = drawShapes([shapeOfPart("middle")], { size: black });
  const put = composite({ base: fill("#000000"), result: svg, mask, feather: 0, area: null });
  await assert.rejects(put, { name: "BadPicture" });
});
