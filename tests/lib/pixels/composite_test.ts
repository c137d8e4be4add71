import assert from "node:assert/strict";
import type { Sharp } from "sharp";
import { composite } from "../../../lib/pixels/composite.ts";
import { decodeRaster, encodePng, pixelsOf } from "../../../lib/pixels/raster.ts";
import type { Size } from "../../../lib/size.ts";
import { pick, type Random, randomFrom } from "../../fixtures/random.ts";
import { differencesOutside, noise, randomMask } from "../../fixtures/pixels.ts";

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
      assert.deepEqual(stored, { ...raster, data: stored.data });
      assert.equal(
        differencesOutside(mask, { base, out: stored }),
        0,
        `${name}, ${round}, feather ${feather}`,
      );
    }
  }
});
