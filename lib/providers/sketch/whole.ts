/** Changes all of a picture. */
import type { Size } from "../../size.ts";
import type { Easel } from "./easel.ts";
import { restyled } from "./filter.ts";
import { grade, type Tone } from "./grade.ts";
import type { Look } from "./look.ts";
import { paintAbove, paintBefore, svgOf } from "./overlay.ts";
import { setUp } from "./paint.ts";
import { blend, copyOf, drawn, layOver, type Pixels } from "./pixels.ts";
import type { Random } from "./random.ts";
import { paintSurface } from "./surface.ts";
import { lightWindows } from "./windows.ts";
import type { Scene } from "./words.ts";

export interface Changing {
  scene: Scene;
  random: Random;
  look: Look;
  tones: Tone[];
  /** 1 is all of a change. */
  amount: number;
}

export async function changedWhole(before: Pixels, changing: Changing): Promise<Pixels> {
  const { scene, look, tones, amount, random } = changing;
  const easel = easelOf(changing, before);
  const pixels = copyOf(before);
  const opacity = Math.min(1, amount);
  const { sky } = await grade(pixels, { easel, look, amount, tones });
  if (easel.time === "night" && look.isBuilt && scene.time !== null) {
    await lightWindows(pixels, { before, sky, easel, opacity });
  }
  const isSky = look.horizon !== null;
  const above = paintAbove(easel, { isSky });
  if (above.canvas.parts.length > 0) {
    const share = isSky ? (at: number) => sky[at] / 255 : undefined;
    await layOver(pixels, await drawn(svgOf(above, { pixels }), pixels), { opacity, share });
  }
  const front = paintBefore(easel);
  if (front.canvas.parts.length > 0) {
    await layOver(pixels, await drawn(svgOf(front, { pixels }), pixels), { opacity });
  }
  if (scene.style === null) return pixels;
  const restyle = await restyled(pixels, { style: scene.style, random: random.fork("style") });
  const sheet = easelOf({ ...changing, style: scene.style }, before);
  paintSurface(sheet);
  await layOver(restyle, await drawn(svgOf(sheet, { pixels }), pixels), {});
  await blend(pixels, restyle, () => opacity);
  return pixels;
}

/** What is painted in is painted plainly; the style comes over all of it. */
export function easelOf(
  { scene, random, look, style = null }: Pick<Changing, "scene" | "random" | "look"> & {
    style?: Scene["style"];
  },
  { width, height }: Size,
): Easel {
  const isOwnLight = scene.time === null && (scene.weather === null || scene.weather === "clear");
  const easel = setUp({ ...scene, style }, {
    random,
    width,
    height,
    around: {
      time: scene.time ?? look.time,
      horizon: look.horizon ?? 0.55,
      ...(isOwnLight && { colours: look.surrounding }),
    },
  });
  if (look.light === null) return easel;
  const { x, y, radius } = look.light;
  // Where the sun was, the moon covers it.
  return {
    ...easel,
    light: {
      x: x * easel.width,
      y: y * easel.height,
      radius: Math.max(easel.light.radius, radius * 1000 * 1.12 + 4),
    },
  };
}
