/** Continues a picture beyond its edges: what is at the edge mirrored, and further out the land and sky of the words. */
import type { Rect } from "../../size.ts";
import { lookAt } from "./look.ts";
import { svgOf } from "./overlay.ts";
import { paintScene, setUp } from "./paint.ts";
import { boundsOf } from "./part.ts";
import { blend, copyOf, cropped, drawn, layOver, type Pixels } from "./pixels.ts";
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
  const continued = mirrored(pixels, { kept, plane, horizon, openSky: look.openSky });
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
function mirrored(
  pixels: Pixels,
  { kept, plane, horizon, openSky }: {
    kept: Rect;
    plane: Uint8Array;
    horizon: number | null;
    openSky: number;
  },
): Pixels {
  const { width, height } = pixels;
  const result = copyOf(pixels);
  const level = Math.round((horizon ?? 0.5) * height) - kept.top;
  const open = openSky > 0 ? openSky * kept.height : level;
  const sky = Math.min(kept.height, Math.max(2, Math.round(open * 0.85)));
  const ground = Math.min(kept.height, Math.max(2, Math.round((kept.height - level) * 0.85)));
  const columns = Array.from({ length: width }, (_, x) => kept.left + folded(x - kept.left, kept.width));
  for (let y = 0; y < height; y++) {
    const row = y < kept.top ? kept.top + folded(y - kept.top, sky) : kept.top + kept.height - 1 -
      folded(kept.top + kept.height - 1 - y, y < kept.top + kept.height ? kept.height : ground);
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (plane[at] === 0) continue;
      const from = (row * width + columns[x]) * 4;
      result.data.set(pixels.data.subarray(from, from + 4), at * 4);
    }
  }
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
