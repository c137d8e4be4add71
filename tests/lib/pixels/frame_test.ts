import assert from "node:assert/strict";
import sharp from "sharp";
import {
  cutMask,
  cutRaster,
  drawFrame,
  drawMask,
  frameCanvas,
  frameMask,
  maskOnCanvas,
} from "../../../lib/pixels/frame.ts";
import { boundsOf, drawShapes, shapeOfPart } from "../../../lib/pixels/mask.ts";
import { decodeRaster, encodePng, type Raster } from "../../../lib/pixels/raster.ts";
import { drawn, noise, randomMask } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";

function colourAt({ data, width, channels }: Raster, [x, y]: [x: number, y: number]): number[] {
  return Array.from(data.subarray((y * width + x) * channels, (y * width + x + 1) * channels));
}

/** Where it is found in a row that goes on in mirrors. */
function mirrored(place: number, length: number): number {
  const turn = ((place % (2 * length)) + 2 * length) % (2 * length);
  return turn < length ? turn : 2 * length - 1 - turn;
}

const halves = drawn({ width: 60, height: 40 }, (x) => x < 30 ? "#ff0000" : "#0000ff");

Deno.test("the picture stands in its place in the frame, number for number, with alpha or without", async () => {
  for (const channels of [3, 4] as const) {
    const base = noise(randomFrom(1), { width: 30, height: 20, channels });
    const frame = { left: 7, top: 3, right: 0, bottom: 45 };
    const canvas = await frameCanvas(base, frame);
    assert.deepEqual([canvas.width, canvas.height, canvas.channels], [37, 68, channels]);
    for (let y = 0; y < 20; y++) {
      for (let x = 0; x < 30; x++) assert.deepEqual(colourAt(canvas, [x + 7, y + 3]), colourAt(base, [x, y]));
    }
  }
});

Deno.test("around the picture its edges go on, mirrored and soft", async () => {
  const canvas = await frameCanvas(halves, { left: 50, top: 20, right: 30, bottom: 0 });
  assert.deepEqual(colourAt(canvas, [49, 40]), [255, 0, 0]);
  assert.deepEqual(colourAt(canvas, [30, 40]), [255, 0, 0]);
  // Mirrored, so that the far half of the picture comes again after its near one.
  assert.deepEqual(colourAt(canvas, [5, 40]), [0, 0, 255]);
  assert.deepEqual(colourAt(canvas, [125, 40]), [0, 0, 255]);
  const [red, , blue] = colourAt(canvas, [80, 5]);
  assert.ok(red > 40 && blue > 40, "where both colours meet they run into each other");
});

Deno.test("no frame is the picture itself", async () => {
  assert.equal(await frameCanvas(halves, { left: 0, top: 0, right: 0, bottom: 0 }), halves);
});

Deno.test("in a frame all outside of the picture may change, and a band inside only where it goes on", () => {
  const base = { width: 100, height: 80 };
  const frame = { left: 10, top: 0, right: 0, bottom: 5 };
  const canvas = { width: 110, height: 85 };
  const mask = frameMask(base, { frame });
  const kept = boundsOf(mask.map((value) => 255 - value), canvas);
  assert.deepEqual(kept, { left: 42, top: 0, width: 68, height: 48 });
  const bare = frameMask(base, { frame, overlap: 0 });
  assert.deepEqual(boundsOf(bare.map((value) => 255 - value), canvas), {
    left: 10,
    top: 0,
    width: 100,
    height: 80,
  });
  const small = frameMask({ width: 40, height: 40 }, { frame: { left: 9, top: 9, right: 9, bottom: 9 } });
  assert.ok(small.every((value) => value === 255));
});

Deno.test("a mask of the picture is at its place in the frame", () => {
  const base = { width: 30, height: 30 };
  const frame = { left: 5, top: 7, right: 1, bottom: 0 };
  const mask = maskOnCanvas(drawShapes([shapeOfPart("middle")], { size: base }), { base, frame });
  assert.deepEqual(boundsOf(mask, { width: 36, height: 37 }), { left: 15, top: 17, width: 10, height: 10 });
});

Deno.test("an area is cut out with what is beyond the canvas mirrored, the mask alike", async () => {
  const random = randomFrom(3);
  const canvas = noise(random, { width: 40, height: 30, channels: 3 });
  const mask = randomMask(random, canvas);
  for (
    const area of [
      { left: 5, top: 6, width: 20, height: 10 },
      { left: -9, top: -4, width: 60, height: 36 },
      { left: 30, top: 20, width: 18, height: 15 },
    ]
  ) {
    const cut = await cutRaster(canvas, area);
    const cutOfMask = await cutMask(mask, { size: canvas, area });
    assert.deepEqual([cut.width, cut.height, cutOfMask.length], [
      area.width,
      area.height,
      area.width * area.height,
    ]);
    for (let y = 0; y < area.height; y++) {
      for (let x = 0; x < area.width; x++) {
        const place: [number, number] = [mirrored(x + area.left, 40), mirrored(y + area.top, 30)];
        assert.deepEqual(colourAt(cut, [x, y]), colourAt(canvas, place));
        assert.equal(cutOfMask[y * area.width + x], mask[place[1] * 40 + place[0]]);
      }
    }
  }
});

Deno.test("an area that has nothing of the canvas is a fault", async () => {
  await assert.rejects(cutRaster(halves, { left: 60, top: 0, width: 5, height: 5 }), RangeError);
});

Deno.test("a page shows what may change in colour, half of the picture shining through", async () => {
  const size = { width: 1280, height: 800 };
  const bytes = await encodePng(drawn(size, () => "#000000"));
  const drawing = await drawMask(bytes, { mask: drawShapes([shapeOfPart("left")], { size }), size });
  const shown = await decodeRaster(drawing);
  assert.deepEqual([shown.width, shown.height, (await sharp(drawing).metadata()).format], [640, 400, "webp"]);
  const [red, green, blue] = colourAt(shown, [50, 200]);
  assert.ok(
    Math.abs(red - 128) < 12 && Math.abs(green - 53) < 12 && Math.abs(blue - 35) < 12,
    `${red} ${green} ${blue}`,
  );
  assert.ok(colourAt(shown, [500, 200]).every((value) => value < 8));
});

Deno.test("a small picture is not blown up for the page", async () => {
  const size = { width: 100, height: 50 };
  const mask = drawShapes([shapeOfPart("middle")], { size });
  const shown = await decodeRaster(
    await drawMask(await encodePng(drawn(size, () => "#ffffff")), { mask, size }),
  );
  assert.deepEqual([shown.width, shown.height], [100, 50]);
});

Deno.test("a page shows the picture inside of a striped frame", async () => {
  const base = { width: 1000, height: 1000 };
  const bytes = await encodePng(drawn(base, () => "#ff0000"));
  const shown = await decodeRaster(
    await drawFrame(bytes, { base, frame: { left: 500, top: 0, right: 500, bottom: 0 } }),
  );
  assert.deepEqual([shown.width, shown.height], [640, 320]);
  const [red, green] = colourAt(shown, [320, 160]);
  assert.ok(red > 240 && green < 15);
  const greys = Array.from({ length: 60 }, (_, x) => colourAt(shown, [x + 40, 100]));
  assert.ok(greys.every(([r, , b]) => Math.abs(r - b) < 25));
  assert.ok(Math.max(...greys.map(([r]) => r)) - Math.min(...greys.map(([r]) => r)) > 25);
});

Deno.test("however far a frame reaches, the picture in it is seen", async () => {
  const base = { width: 10, height: 10 };
  const bytes = await encodePng(drawn(base, () => "#ff0000"));
  for (
    const frame of [
      { left: 9000, top: 0, right: 0, bottom: 9000 },
      { left: 0, top: 3000, right: 0, bottom: 0 },
      { left: 0, top: 0, right: 9000, bottom: 0 },
    ]
  ) {
    const { width, height } = await decodeRaster(await drawFrame(bytes, { base, frame }));
    assert.ok(width >= 1 && width <= 640 && height >= 1 && height <= 1280);
  }
});
