import assert from "node:assert/strict";
import sharp from "sharp";
import { composite } from "../../../lib/pixels/composite.ts";
import { drawShapes } from "../../../lib/pixels/mask.ts";
import { decodeRaster, pixelsOf, type Raster } from "../../../lib/pixels/raster.ts";
import { paint } from "../../../lib/providers/sketch/paint.ts";
import { noise, photo, softPicture } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";

const size = { width: 384, height: 384 };
const mask = drawShapes([{ kind: "ellipse", x: 0.3, y: 0.35, width: 0.4, height: 0.35 }], { size });

async function sketched(prompt: string): Promise<Raster> {
  const svg = paint({ prompt, seed: 1, ...size }).svg(6);
  return await decodeRaster(await sharp(new TextEncoder().encode(svg)).png().toBuffer());
}

const pictures: { [name: string]: () => Raster | Promise<Raster> } = {
  "a harbour": () => sketched("a harbour at night"),
  "a forest": () => sketched("a forest in autumn, rain"),
  "an abstract picture": () => sketched("abstract"),
  "a desert": () => sketched("a desert at noon"),
  "a soft photo": () => softPicture(size),
  "a grainy photo": () => photo(randomFrom(5), { size, softness: 0.5 }),
  "a photo": () => photo(randomFrom(6), { size, softness: 0.8 }),
  noise: () => noise(randomFrom(7), { ...size, channels: 3 }),
};

/** What a model may send that has kept the rest. */
const kept: { [name: string]: (base: Raster) => Promise<Uint8Array> } = {
  "as it was": (base) => pixelsOf(base).png().toBuffer(),
  "as JPEG of 75": (base) => pixelsOf(base).jpeg({ quality: 75 }).toBuffer(),
  "as WebP of 75": (base) => pixelsOf(base).webp({ quality: 75 }).toBuffer(),
  "larger, as JPEG": (base) => pixelsOf(base).resize(512, 512).jpeg({ quality: 85 }).toBuffer(),
  "a little blurred": (base) => pixelsOf(base).blur(1).png().toBuffer(),
  "one pixel to the side": (base) => pixelsOf(moved(base, 1, 0)).png().toBuffer(),
};

/** And one that hasn't. */
const changed: { [name: string]: (base: Raster) => Promise<Uint8Array> } = {
  "three pixels to the side": (base) => pixelsOf(moved(base, 3, 0)).png().toBuffer(),
  "three pixels down and aside": (base) => pixelsOf(moved(base, -3, 3)).png().toBuffer(),
  "brighter by 20": (base) => pixelsOf(base).linear(1, 20).png().toBuffer(),
  "bluer": (base) => pixelsOf(base).linear([1, 1, 1], [0, 0, 20]).png().toBuffer(),
  "another one": () => pixelsOf(photo(randomFrom(99), { size, softness: 0.9 })).png().toBuffer(),
};

function moved({ data, width, height, channels }: Raster, dx: number, dy: number): Raster {
  const there = new Uint8Array(data.length);
  const mirrored = (place: number, length: number) =>
    place < 0 ? -place : place >= length ? 2 * length - 2 - place : place;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (mirrored(y - dy, height) * width + mirrored(x - dx, width)) * channels;
      there.set(data.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return { data: there, width, height, channels };
}

async function edgeOf(base: Raster, result: Uint8Array) {
  const { edge } = await composite({
    base: { ...base, data: base.data.slice() },
    result,
    mask,
    feather: 0,
    area: null,
  });
  assert.ok(edge !== null);
  return edge;
}

for (const [name, paint] of Object.entries(pictures)) {
  Deno.test(`${name}: what a model kept is told from what it moved or recoloured`, async () => {
    const base = await paint();
    for (const [change, make] of Object.entries(kept)) {
      const { isOff, difference } = await edgeOf(base, await make(base));
      assert.equal(isOff, false, `${change}: ${difference}`);
    }
    for (const [change, make] of Object.entries(changed)) {
      // Slowly changing colours that are moved aside are recoloured by one in 255: nobody sees it.
      if (name === "a soft photo" && change.startsWith("three")) continue;
      const { isOff, difference } = await edgeOf(base, await make(base));
      assert.equal(isOff, true, `${change}: ${difference}`);
    }
  });
}

Deno.test("the difference is the mean of what differs on the ring", async () => {
  const grey = await sharp({ create: { ...size, channels: 3, background: "#646464" } }).png().toBuffer();
  const other = await sharp({ create: { ...size, channels: 3, background: "#646e64" } }).png().toBuffer();
  const base = await decodeRaster(grey);
  assert.deepEqual(await edgeOf(base, grey), { difference: 0, isOff: false });
  assert.deepEqual(await edgeOf(base, other), { difference: 10 / 3, isOff: true });
});

Deno.test("what differs farther away than the ring, or inside of the mask, counts for nothing", async () => {
  const base = softPicture(size);
  const ellipses = (by: number) =>
    drawShapes([{
      kind: "ellipse",
      x: 0.3 - by / 384,
      y: 0.35 - by / 384,
      width: 0.4 + 2 * by / 384,
      height: 0.35 + 2 * by / 384,
    }], { size });
  const near = ellipses(28);
  const data = base.data.map((value, i) =>
    mask[Math.floor(i / 3)] !== 0 || near[Math.floor(i / 3)] === 0 ? 0 : value
  );
  const result = await pixelsOf({ ...base, data }).png().toBuffer();
  assert.deepEqual(await edgeOf(base, result), { difference: 0, isOff: false });
});
