/** Lamps behind the windows of a picture that becomes night. */
import { toRgb } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { blurred, inSlices, lightnessOf, type Pixels } from "./pixels.ts";

/** How much darker than its wall a pane is by day, of 255. */
const paneDepth = 3;
/** Of all that look like windows. */
const litShare = 0.42;

/** In place; `before` is the picture by day. */
export async function lightWindows(
  pixels: Pixels,
  { before, sky, easel, opacity }: { before: Pixels; sky: Uint8Array; easel: Easel; opacity: number },
): Promise<void> {
  const { data, width, height } = pixels;
  const unit = Math.sqrt(width * height) / 1000;
  const plane = lightnessOf(before);
  const [fine, wide] = await Promise.all(
    [0.8, 9].map((sigma) => blurred(plane, { width, height, sigma: sigma * unit })),
  );
  const chance = easel.random.fork("windows");
  const columns = Math.ceil(width / (11 * unit)) + 1;
  const rows = Math.ceil(height / (13 * unit)) + 1;
  const isLit = Array.from({ length: columns * rows }, () => chance.chance(litShare));
  const lamp = toRgb(easel.palette.lamp);
  const light = new Uint8Array(width * height);
  await inSlices(pixels, (from, to) => {
    for (let at = from; at < to; at++) {
      const [x, y] = [at % width, Math.floor(at / width)];
      if (sky[at] > 40 || y > height * 0.88) continue;
      if (!isLit[Math.floor(y / (13 * unit)) * columns + Math.floor(x / (11 * unit))]) continue;
      const depth = wide[at] - fine[at] - paneDepth;
      if (depth > 0) light[at] = Math.min(255, depth * 45);
    }
  });
  const halo = await blurred(light, { width, height, sigma: 7 * unit });
  await inSlices(pixels, (from, to) => {
    for (let at = from; at < to; at++) {
      const [part, glow] = [light[at] / 255 * opacity, halo[at] / 255 * 0.55 * opacity];
      if (part === 0 && glow === 0) continue;
      for (let channel = 0; channel < 3; channel++) {
        const value = data[at * 4 + channel];
        const near = value + (lamp[channel] - value) * part;
        data[at * 4 + channel] = Math.min(255, Math.round(near + lamp[channel] * glow));
      }
    }
  });
}
