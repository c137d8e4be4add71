/** Regrades the pixels of a picture, ground and sky apart: to another hour, weather, season, or to other colours. */
import { along, type Colour, fromHue, lighter, mix, saturated, toRgb } from "./colour.ts";
import { createTable, type Grade } from "./colour_table.ts";
import type { Easel } from "./easel.ts";
import { type Look, skyPlane } from "./look.ts";
import { dimmed, tinted } from "./palette.ts";
import { inSlices, type Pixels } from "./pixels.ts";
import type { Season, Time } from "./words.ts";

/** What colours are taken from: another picture's, dark to light. */
export type Tone = Pick<Look, "colours">;

/** In place; `amount` 1 is all of it, and some more goes some further. */
export async function grade(
  pixels: Pixels,
  { easel, look, amount, tones }: { easel: Easel; look: Look; amount: number; tones: Tone[] },
): Promise<{ sky: Uint8Array }> {
  const sky = await skyPlane(pixels, look);
  const { scene } = easel;
  const grades = gradesOf({ easel, look, tones, isSky: false });
  const isOtherSky = look.horizon !== null &&
    (scene.time !== null || (scene.weather !== null && scene.weather !== "clear"));
  if (grades.length === 0 && !isOtherSky) return { sky };
  const ground = createTable(grades, amount);
  const above = createTable(gradesOf({ easel, look, tones, isSky: true }), amount);
  const rows = isOtherSky ? skyRows(easel, { look, height: pixels.height }) : null;
  const haze = scene.weather === "fog" ? hazeRows(easel, { look, height: pixels.height, amount }) : null;
  const { data, width } = pixels;
  // A sun that is hidden by the weather does not shine through it.
  const most = easel.weather === "clear" || easel.weather === "cloudy" ? 255 : 14;
  const replaced = Math.min(1, 0.9 * amount);
  const result = new Float32Array(3);
  await inSlices(pixels, (from, to) => {
    for (let at = from; at < to; at++) {
      const index = at * 4;
      const y = Math.floor(at / width);
      const share = sky[at] / 255;
      ground.look(data[index], data[index + 1], data[index + 2], result);
      let [red, green, blue] = [result[0], result[1], result[2]];
      if (share > 0) {
        above.look(data[index], data[index + 1], data[index + 2], result);
        if (rows !== null) {
          const { mean, target, contrast } = rows[y];
          for (let channel = 0; channel < 3; channel++) {
            const apart = Math.min(most, data[index + channel] - mean[channel]);
            result[channel] += (target[channel] + apart * contrast - result[channel]) * replaced;
          }
        }
        red += (result[0] - red) * share;
        green += (result[1] - green) * share;
        blue += (result[2] - blue) * share;
      }
      if (haze !== null) {
        const { colour, part } = haze[y];
        red += (colour[0] - red) * part;
        green += (colour[1] - green) * part;
        blue += (colour[2] - blue) * part;
      }
      data[index] = toByte(red);
      data[index + 1] = toByte(green);
      data[index + 2] = toByte(blue);
    }
  });
  return { sky };
}

function toByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

function gradesOf(
  { easel, look, tones, isSky }: { easel: Easel; look: Look; tones: Tone[]; isSky: boolean },
): Grade[] {
  const { scene, weather } = easel;
  const grades: Grade[] = [];
  if (scene.season !== null && !isSky && weather !== "snow") grades.push(seasonGrade(scene.season));
  if (weather === "snow" && !isSky) {
    grades.push((colour) => whitened(colour, { from: 0.34, to: 0.8, part: 0.56 }));
  }
  if (scene.time !== null) grades.push(hourGrade(scene.time, { easel, look }));
  if (scene.weather === "clear") grades.push((colour) => saturated(lighter(colour, 0.02), 1.15));
  else if (scene.weather !== null) {
    const time = scene.time ?? easel.time;
    grades.push((colour) => dimmed(colour, { time, weather }));
  }
  for (const tone of tones) grades.push(toneGrade(tone));
  if (scene.tints.length > 0) grades.push((colour) => tinted(colour, scene.tints));
  return grades;
}

/** The lightness that a picture of the hour has on the whole. */
const usualLightness: { [time in Time]: number } = { dawn: 0.56, day: 0.66, sunset: 0.45, night: 0.25 };
const curveLimits: { [time in Time]: [number, number] } = {
  dawn: [0.7, 1.7],
  day: [0.45, 1],
  sunset: [1, 1.9],
  night: [1, 2.9],
};

function hourGrade(time: Time, { easel: { palette }, look }: { easel: Easel; look: Look }): Grade {
  const [least, most] = curveLimits[time];
  const mean = Math.min(0.96, Math.max(0.04, look.lightness));
  const bend = Math.min(most, Math.max(least, Math.log(usualLightness[time]) / Math.log(mean)));
  const curve = (lightness: number) => Math.max(0, lightness) ** bend;
  switch (time) {
    case "night": {
      const air = palette.sky[2];
      return ([lightness, a, b]) => {
        const dark = 0.07 + 0.8 * curve(lightness);
        const part = 1 - Math.abs(2 * dark - 0.7);
        return [dark, a * 0.42 + air[1] * 0.55 * part, b * 0.42 + air[2] * 0.72 * part];
      };
    }
    case "day":
      return ([lightness, a, b]) => [
        Math.min(1, curve(lightness) * 1.02),
        (a - look.mean[1] * 0.55) * 1.12,
        (b - look.mean[2] * 0.55 + 0.008) * 1.12,
      ];
    default: {
      const [shade, shine] = [palette.sky[time === "dawn" ? 0 : 1], mix(palette.glow, palette.sky[3], 0.5)];
      const part = time === "dawn" ? 0.5 : 0.8;
      return ([lightness, a, b]) => {
        const light = curve(lightness);
        const tone = mix(shade, shine, Math.min(1, light * 1.25));
        return [light, a * 0.72 + tone[1] * part, b * 0.72 + tone[2] * part];
      };
    }
  }
}

function seasonGrade(season: Season): Grade {
  if (season === "winter") {
    return (colour) => saturated(whitened(colour, { from: 0.3, to: 0.78, part: 0.66 }), 0.6);
  }
  const target = season === "autumn" ? 58 : 126;
  return (colour) => {
    const [lightness, a, b] = colour;
    const chroma = Math.hypot(a, b);
    const hue = Math.atan2(b, a) * 180 / Math.PI;
    // Leaves and grass are between yellow and blue-green, and nothing without colour is.
    const green = smooth((hue - 78) / 22) * smooth((182 - hue) / 25) * smooth((chroma - 0.015) / 0.03);
    const leaf = fromHue(lightness + (season === "spring" ? 0.05 : 0.03), chroma * 1.3 + 0.015, target);
    return mix(colour, leaf, green * 0.9);
  };
}

function whitened(colour: Colour, { from, to, part }: { from: number; to: number; part: number }): Colour {
  const white: Colour = [0.95, -0.004, -0.012];
  return mix(colour, white, part * smooth((colour[0] - from) / (to - from)));
}

/** At each lightness the colour that the other picture has there. */
function toneGrade({ colours }: Tone): Grade {
  return (colour) => {
    const found = colours.findIndex(([lightness]) => lightness > colour[0]);
    const above = found === -1 ? colours.length - 1 : found;
    const [from, to] = [colours[Math.max(0, above - 1)], colours[above]];
    const part = to[0] > from[0] ? Math.min(1, Math.max(0, (colour[0] - from[0]) / (to[0] - from[0]))) : 0;
    const [, a, b] = mix(from, to, part);
    return mix(colour, [colour[0], a, b], 0.68);
  };
}

interface SkyRow {
  mean: readonly number[];
  target: readonly number[];
  contrast: number;
}

/** The sky of the hour and the weather, row by row, with the clouds that were there as lighter and darker. */
function skyRows(
  { palette, time, weather }: Easel,
  { look, height }: { look: Look; height: number },
): SkyRow[] {
  const horizon = Math.max(0.05, look.horizon ?? 1);
  const contrast = (time === "night" ? 0.32 : 0.75) * (weather === "fog" ? 0.4 : 1);
  return Array.from({ length: height }, (_, y) => {
    const place = (y + 0.5) / height;
    const from = Math.min(look.skyRows.length - 1, Math.floor(place * look.skyRows.length));
    return {
      mean: look.skyRows[from],
      target: toRgb(along(palette.sky, Math.min(1, place / horizon))),
      contrast,
    };
  });
}

/** Densest at the horizon and in the distance, thin before the viewer. */
function hazeRows(
  { palette }: Easel,
  { look, height, amount }: { look: Look; height: number; amount: number },
): { colour: number[]; part: number }[] {
  const horizon = look.horizon ?? 0.42;
  const colour = toRgb(palette.at(0.03));
  return Array.from({ length: height }, (_, y) => {
    const place = (y + 0.5) / height;
    const reach = place < horizon ? 0.26 : 0.3;
    const part = 0.16 + 0.5 * Math.exp(-(((place - horizon - 0.04) / reach) ** 2));
    return { colour, part: Math.min(0.94, part * amount) };
  });
}

function smooth(value: number): number {
  const part = Math.min(1, Math.max(0, value));
  return part * part * (3 - 2 * part);
}
