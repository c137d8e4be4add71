import assert from "node:assert/strict";
import sharp from "sharp";
import {
  boundsOf,
  decodeStoredMask,
  demandPart,
  drawShapes,
  encodeMask,
  encodeStoredMask,
  fitMask,
  floodFill,
  growMask,
  invertMask,
  pictureParts,
  readMask,
  shapeOfPart,
  shareOf,
} from "../../../lib/pixels/mask.ts";
import { BadMask } from "../../../lib/pixels/mask_shape.ts";
import { decodeRaster, pixelsOf, type Raster } from "../../../lib/pixels/raster.ts";
import { BadUpload } from "../../../lib/pixels/upright.ts";
import { drawn, randomMask } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";

/** A mask as lines of dots and crosses; a cross may change. */
function shown(mask: Uint8Array, { width }: { width: number }): string[] {
  const rows = Array.from(
    { length: mask.length / width },
    (_, y) => mask.subarray(y * width, (y + 1) * width),
  );
  return rows.map((row) =>
    Array.from(row, (value) => value === 255 ? "x" : value === 0 ? "." : "?").join("")
  );
}

const size = { width: 6, height: 3 };

Deno.test("a rectangle and an ellipse in fractions cover the pixels whose middle is in them", () => {
  const rect = { kind: "rect", x: 0.5, y: 0, width: 0.5, height: 0.5 } as const;
  assert.deepEqual(shown(drawShapes([rect], { size }), size), ["...xxx", "......", "......"]);
  assert.deepEqual(shown(drawShapes([rect], { size, invert: true }), size), ["xxx...", "xxxxxx", "xxxxxx"]);
  const ellipse = { kind: "ellipse", x: 0, y: 0, width: 1, height: 1 } as const;
  assert.deepEqual(shown(drawShapes([ellipse], { size }), size), [".xxxx.", "xxxxxx", ".xxxx."]);
  const beyond = { kind: "rect", x: -1, y: 0.5, width: 1.2, height: 9 } as const;
  assert.deepEqual(shown(drawShapes([rect, beyond], { size }), size), ["...xxx", "x.....", "x....."]);
  const none = { kind: "rect", x: 2, y: 0, width: 1, height: 1 } as const;
  assert.equal(shareOf(drawShapes([none, { ...rect, width: 0 }], { size })), 0);
});

Deno.test("a part that has a name is a third of the picture, or its middle", () => {
  const nine = { width: 9, height: 9 };
  const bounds = pictureParts.map((part) => boundsOf(drawShapes([shapeOfPart(part)], { size: nine }), nine));
  assert.deepEqual(bounds, [
    { left: 0, top: 0, width: 9, height: 3 },
    { left: 0, top: 6, width: 9, height: 3 },
    { left: 0, top: 0, width: 3, height: 9 },
    { left: 6, top: 0, width: 3, height: 9 },
    { left: 3, top: 3, width: 3, height: 3 },
  ]);
});

Deno.test("share and bounds are those that counting each pixel gives", () => {
  const random = randomFrom(4);
  for (let round = 0; round < 100; round++) {
    const size = { width: 1 + Math.floor(random() * 20), height: 1 + Math.floor(random() * 20) };
    // Wherever in memory the bytes begin.
    const own = new Uint8Array([...Array(round % 9).fill(255), ...randomMask(random, size)]).subarray(
      round % 9,
    );
    const marked = Array.from(own.entries()).filter(([, value]) => value === 255).map(([i]) => i);
    const xs = marked.map((i) => i % size.width);
    const ys = marked.map((i) => Math.floor(i / size.width));
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const bounds = { left, top, width: Math.max(...xs) - left + 1, height: Math.max(...ys) - top + 1 };
    assert.equal(shareOf(own), marked.length / own.length);
    assert.deepEqual(boundsOf(own, size), marked.length === 0 ? null : bounds);
    assert.deepEqual(Array.from(invertMask(own)), Array.from(own, (value) => 255 - value));
  }
});

Deno.test("a mask that marks nothing or everything is refused in words", () => {
  const nothing = new Uint8Array(18);
  assert.throws(() => demandPart(nothing), { name: "BadMask", message: "The mask marks nothing" });
  const everything = { name: "BadMask", message: "The mask marks everything; leave it away" };
  assert.throws(() => demandPart(invertMask(nothing)), everything);
  nothing[17] = 255;
  demandPart(nothing);
});

Deno.test("a mask grows and shrinks as far as it is told, also far, and back over its own size", async () => {
  const size = { width: 300, height: 40 };
  const dot = new Uint8Array(size.width * size.height);
  dot[20 * size.width + 100] = 255;
  for (const by of [1, 4, 15, 100]) {
    const grown = await growMask(dot, { size, by });
    const row = grown.subarray(20 * size.width, 21 * size.width);
    assert.deepEqual([row.indexOf(255), row.lastIndexOf(255)], [Math.max(0, 100 - by), 100 + by]);
    assert.equal(shareOf(await growMask(grown, { size, by: -by - 1 })), 0);
  }
  const all = new Uint8Array(dot.length).fill(255);
  assert.equal(shareOf(await growMask(all, { size, by: -20 })), 1);
  assert.deepEqual(await growMask(dot, { size, by: 0 }), dot);
});

/** Two pixels: how the first and the second look. */
function file(first: string, second: string) {
  return drawn({ width: 2, height: 1 }, (x) => x === 0 ? first : second);
}

Deno.test("a mask file is read by its transparency where it has any, else by its lightness", async () => {
  const table: [first: string, second: string, isDark: boolean, marked: string][] = [
    ["#ffffff", "#000000", false, "x."],
    ["#ffffff", "#000000", true, ".x"],
    ["#808080", "#7f7f7f", false, "x."],
    ["#808080", "#7f7f7f", true, ".x"],
    ["#00ff00", "#0000ff", false, "x."],
    ["#000000ff", "#ffffff00", false, ".x"],
    ["#ffffffff", "#00000000", false, ".x"],
    ["#ffffffff", "#00000000", true, ".x"],
    ["#ffffff80", "#ffffff7f", false, ".x"],
    ["#ffffffff", "#000000ff", false, "x."],
    ["#ffffffff", "#ffffffff", false, "xx"],
    ["#00000000", "#ffffff00", false, "xx"],
  ];
  for (const [first, second, isDark, marked] of table) {
    const bytes = await pixelsOf(file(first, second)).png().toBuffer();
    const mask = await readMask(bytes, { base: { width: 2, height: 1 }, isDark });
    assert.deepEqual([first, second, ...shown(mask, { width: 2 })], [first, second, marked]);
  }
});

Deno.test("grey, palette, 16-bit, JPEG and WebP files mark alike", async () => {
  const base = { width: 32, height: 16 };
  const half = pixelsOf(drawn(base, (x) => x < 16 ? "#ffffff" : "#000000"));
  const files = [
    half.clone().png({ palette: true }),
    half.clone().toColourspace("b-w").png(),
    half.clone().toColourspace("rgb16").png(),
    half.clone().jpeg(),
    half.clone().webp(),
  ];
  for (const file of files) {
    const mask = await readMask(await file.toBuffer(), { base });
    assert.deepEqual(shown(mask, base), Array(16).fill("x".repeat(16) + ".".repeat(16)));
  }
  const clear = pixelsOf(drawn(base, (x) => x < 16 ? "#ffffff00" : "#ffffff"));
  for (const file of [clear.clone().png({ palette: true }), clear.clone().toColourspace("rgb16").png()]) {
    const mask = await readMask(await file.toBuffer(), { base });
    assert.deepEqual(shown(mask, base), Array(16).fill("x".repeat(16) + ".".repeat(16)));
  }
});

Deno.test("a mask file of another size is fitted, and stays black and white", async () => {
  const bytes = await pixelsOf(drawn({ width: 100, height: 50 }, (x) => x < 50 ? "#ffffff" : "#000000")).png()
    .toBuffer();
  for (const base of [{ width: 1000, height: 503 }, { width: 40, height: 20 }]) {
    const mask = await readMask(bytes, { base });
    assert.equal(mask.length, base.width * base.height);
    const { left, top, width, height } = boundsOf(mask, base)!;
    assert.deepEqual([left, top, height], [0, 0, base.height]);
    assert.ok(Math.abs(width - base.width / 2) <= 1, `${width}`);
    assert.equal(shareOf(mask), width / base.width);
  }
});

Deno.test("a mask of another shape is refused with both shapes", async () => {
  const refused: [mask: string, base: string, words: string][] = [
    ["600x400", "512x512", "The mask is 3:2, the picture 1:1"],
    ["1024x1024", "1344x768", "The mask is 1:1, the picture 7:4"],
    ["1920x1080", "768x1344", "The mask is 16:9, the picture 4:7"],
    ["1366x768", "1024x768", "The mask is 16:9, the picture 4:3"],
    ["1000x660", "512x512", "The mask is 1000 × 660, the picture 512 × 512"],
    ["102x100", "100x100", "The mask is 102 × 100, the picture 100 × 100"],
  ];
  for (const [mask, base, message] of refused) {
    const [width, height] = mask.split("x").map(Number);
    const bytes = await sharp({ create: { width, height, channels: 3, background: "#fff" } }).png()
      .toBuffer();
    const [baseWidth, baseHeight] = base.split("x").map(Number);
    const read = readMask(bytes, { base: { width: baseWidth, height: baseHeight } });
    await assert.rejects(read, (error) => error instanceof BadMask && error.message === message, message);
  }
});

Deno.test("a mask comes back from its stored form, and is what a model takes, bit for bit", async () => {
  const random = randomFrom(5);
  for (let round = 0; round < 20; round++) {
    const size = { width: 1 + Math.floor(random() * 40), height: 1 + Math.floor(random() * 40) };
    const mask = randomMask(random, size);
    const stored = await encodeStoredMask(mask, size);
    const { channels, depth } = await sharp(stored).metadata();
    assert.deepEqual([channels, depth], [1, "uchar"]);
    const back = await decodeStoredMask(stored);
    assert.deepEqual([Array.from(back.mask), back.size], [Array.from(mask), size]);
    for (const form of ["white", "binary-white", "black"] as const) {
      const png = await encodeMask(mask, { size, form });
      const { data, info } = await sharp(png).toColourspace("b-w").raw().toBuffer({
        resolveWithObject: true,
      });
      const wanted = Array.from(mask, (value) => form === "black" ? 255 - value : value);
      assert.deepEqual([info.channels, Array.from(data)], [1, wanted]);
      assert.equal((await sharp(png).metadata()).channels, 1);
    }
    const { data, channels: four } = await decodeRaster(await encodeMask(mask, { size, form: "alpha" }));
    assert.equal(four, 4);
    assert.deepEqual(
      Array.from(mask.keys(), (i) => data[i * 4 + 3]),
      Array.from(mask, (value) => 255 - value),
    );
  }
});

Deno.test("a mask with alpha stays below 4 MB at the size it is sent in, however ragged it is", async () => {
  const size = { width: 2048, height: 2048 };
  const random = randomFrom(6);
  const mask = new Uint8Array(size.width * size.height);
  for (let i = 0; i < mask.length; i++) mask[i] = random() < 0.5 ? 255 : 0;
  assert.ok((await encodeMask(mask, { size, form: "alpha" })).length < 4_000_000);
});

Deno.test("a mask is fitted to the size that a picture is sent in", async () => {
  const [from, to] = [{ width: 400, height: 200 }, { width: 100, height: 50 }];
  const mask = drawShapes([shapeOfPart("left")], { size: from });
  const fitted = await fitMask(mask, { from, to });
  assert.equal(fitted.length, 5000);
  assert.ok(Math.abs(shareOf(fitted) - 1 / 3) < 0.01);
  assert.equal(await fitMask(mask, { from, to: from }), mask);
});

const map = [
  "aab.",
  "a.b.",
  "abbc",
];
const shades: { [letter: string]: string } = { a: "#102030", b: "#142434", c: "#182838", ".": "#ff0000" };
const mapped = drawn({ width: 4, height: 3 }, (x, y) => shades[map[y][x]]);

Deno.test("what is similar and connected with a point is filled, and nothing else", async () => {
  const filled = async (x: number, y: number, tolerance: number, base: Raster = mapped) =>
    shown(await floodFill(base, { x: (x + 0.5) / base.width, y: (y + 0.5) / base.height, tolerance }), base);
  assert.deepEqual(await filled(0, 0, 0), ["xx..", "x...", "x..."]);
  assert.deepEqual(await filled(0, 0, 3), ["xx..", "x...", "x..."]);
  assert.deepEqual(await filled(0, 0, 4), ["xxx.", "x.x.", "xxx."]);
  assert.deepEqual(await filled(3, 2, 8), ["xxx.", "x.x.", "xxxx"]);
  assert.deepEqual(await filled(3, 0, 0), ["...x", "...x", "...."]);
  assert.deepEqual(await filled(1, 1, 255), ["xxxx", "xxxx", "xxxx"]);
  const clear = drawn({ width: 3, height: 1 }, (x) => ["#ff000000", "#00ff0000", "#00ff00ff"][x]);
  assert.deepEqual(await filled(0, 0, 0, clear), ["xx."]);
});

Deno.test("a fill finds all of a winding way, as a search pixel by pixel does", async () => {
  const random = randomFrom(8);
  for (let round = 0; round < 30; round++) {
    const size = { width: 1 + Math.floor(random() * 40), height: 1 + Math.floor(random() * 40) };
    const open = randomMask(random, size).map((value) => random() < 0.3 ? 255 - value : value);
    const base = drawn(size, (x, y) => open[y * size.width + x] === 255 ? "#ffffff" : "#000000");
    const start = Math.floor(random() * open.length);
    const point = {
      x: (start % size.width + 0.5) / size.width,
      y: (Math.floor(start / size.width) + 0.5) / size.height,
    };
    const mask = await floodFill(base, { ...point, tolerance: 100 });
    assert.deepEqual(shown(mask, size), shown(searched(open, { start, width: size.width }), size));
  }
});

function searched(open: Uint8Array, { start, width }: { start: number; width: number }): Uint8Array {
  const found = new Uint8Array(open.length);
  const waiting = [start];
  for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) {
    if (found[i] === 255 || open[i] !== open[start]) continue;
    found[i] = 255;
    const x = i % width;
    if (x > 0) waiting.push(i - 1);
    if (x < width - 1) waiting.push(i + 1);
    if (i >= width) waiting.push(i - width);
    if (i + width < open.length) waiting.push(i + width);
  }
  return found;
}

Deno.test("a mask file is taken under the rules of an upload, and nothing else is drawn", async () => {
  const base = { width: 9, height: 9 };
  const svg = new TextEncoder().encode(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`);
  const cut = (await encodeStoredMask(new Uint8Array(81), base)).subarray(0, 60);
  for (const [bytes, reason] of [[svg, "other_format"], [cut, "broken"]] as const) {
    await assert.rejects(
      readMask(bytes, { base }),
      (error) => error instanceof BadUpload && error.reason === reason,
    );
  }
});
