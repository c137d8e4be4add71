/** Continues a picture beyond its edges: what is at the edge mirrored, and further out the land and sky of the words. */
import type { Rect } from "../../size.ts";
import { lookAt } from "./look.ts";
import { svgOf } from "./overlay.ts";
import { paintScene, setUp } from "./paint.ts";
import { boundsOf } from "./part.ts";
import { blend, copyOf, cropped, drawn, inSlices, layOver, type Pixels } from "./pixels.ts";
import { paintSurface } from "./surface.ts";
import { changedWhole, type Changing } from "./whole.ts";

export async function extended(
  pixels: Pixels,
  changing: Changing,
  { plane, isChanged }: { plane: Uint8Array; isChanged: boolean },
): Promise<Pixels> {
  const kept = boundsOf(plane, pixels, (value) => value < 128);
  if (kept === null) return isChanged ? await changedWhole(pixels, changing) : pixels;
  const look = await lookAt(cropped(pixels, kept));
  const horizon = look.horizon === null ? null : (kept.top + look.horizon * kept.height) / pixels.height;
  const continued = await mirrored(pixels, { kept, plane, horizon, openSky: look.openSky });
  if (!isChanged) return continued;
  const view = await painted(copyOf(continued), { ...changing, look: { ...look, horizon } });
  const { width } = pixels;
  const reach = Math.max(1, 0.75 * farthest(kept, pixels));
  const opacity = Math.min(1, changing.amount);
  await blend(continued, view, (at) => {
    if (plane[at] === 0) return 0;
    const far = distanceTo(kept, { x: at % width, y: Math.floor(at / width) });
    const part = Math.min(1, far / reach);
    return part * part * (3 - 2 * part) * opacity;
  });
  return continued;
}

/** A sky continues upward and the ground downward, so neither shows the other upside down. */
async function mirrored(
  pixels: Pixels,
  { kept, plane, horizon, openSky }: {
    kept: Rect;
    plane: Uint8Array;
    horizon: number | null;
    openSky: number;
  },
): Promise<Pixels> {
  const { width, height } = pixels;
  const result = copyOf(pixels);
  const level = Math.round((horizon ?? 0.5) * height) - kept.top;
  const open = openSky > 0 ? openSky * kept.height : level;
  const sky = Math.min(kept.height, Math.max(2, Math.round(open * 0.85)));
  const ground = Math.min(kept.height, Math.max(2, Math.round((kept.height - level) * 0.85)));
  const columns = Array.from({ length: width }, (_, x) => kept.left + folded(x - kept.left, kept.width));
  const foot = kept.top + kept.height;
  const rows = Array.from({ length: height }, (_, y) => {
    if (y < kept.top) return kept.top + folded(y - kept.top, sky);
    return foot - 1 - folded(foot - 1 - y, y < foot ? kept.height : ground);
  });
  await inSlices(pixels, (start, end) => {
    for (let at = start; at < end; at++) {
      if (plane[at] === 0) continue;
      const from = (rows[Math.floor(at / width)] * width + columns[at % width]) * 4;
      for (let channel = 0; channel < 4; channel++) {
        result.data[at * 4 + channel] = pixels.data[from + channel];
      }
    }
  });
  return result;
}

/** Where a place lies that runs to and fro within `length`. */
function folded(at: number, length: number): number {
  const period = 2 * length;
  const place = ((at % period) + period) % period;
  return place < length ? place : period - 1 - place;
}

async function painted(pixels: Pixels, changing: Changing): Promise<Pixels> {
  const { scene, look, random } = changing;
  if (scene.places.length === 0) return await changedWhole(pixels, changing);
  const easel = setUp(scene, {
    random,
    width: pixels.width,
    height: pixels.height,
    around: {
      time: scene.time ?? look.time,
      horizon: Math.min(0.9, Math.max(0.1, look.horizon ?? 0.55)),
      ...(scene.time === null && { colours: look.surrounding }),
    },
  });
  paintScene(easel);
  paintSurface(easel);
  await layOver(pixels, await drawn(svgOf(easel, { pixels }), pixels), {});
  return pixels;
}

function distanceTo({ left, top, width, height }: Rect, { x, y }: { x: number; y: number }): number {
  const across = Math.max(left - x, x - (left + width - 1), 0);
  const down = Math.max(top - y, y - (top + height - 1), 0);
  return Math.hypot(across, down);
}

function farthest({ left, top, width, height }: Rect, size: { width: number; height: number }): number {
  return Math.max(left, top, size.width - left - width, size.height - top - height);
}
