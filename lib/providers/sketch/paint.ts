/**
 * The painter: words and a seed become a picture, as SVG. The same words, seed and size give the same bytes; the words
 * only choose and never enter the SVG. A picture comes up like a print in the developer: first tones, soft and grey, then
 * shapes, then colour, then the small things and the grain of the paper.
 */
import { paintAbstract } from "./abstract.ts";
import { createBrush } from "./brush.ts";
import { Canvas, type Stage, stages } from "./canvas.ts";
import { toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { paintLandscape } from "./landscape.ts";
import { createPalette, type Surrounding } from "./palette.ts";
import { createRandom, type Random } from "./random.ts";
import { paintSpace } from "./space.ts";
import { paintSurface } from "./surface.ts";
import { paintWeather } from "./weather.ts";
import { plainWords, readScene, type Scene, type Time } from "./words.ts";

export interface Painting {
  steps: number;
  /** The picture at a step from 1 to `steps`; `pixels` is the width to draw it at, in full size if absent. */
  svg(step: number, pixels?: number): string;
}

interface Bath {
  /** The last stage that shows. */
  until: Stage;
  /** In units of the picture. */
  blur: number;
  saturation: number;
  strength: number;
}

const baths: Bath[] = [
  { until: "mass", blur: 34, saturation: 0, strength: 0.3 },
  { until: "mass", blur: 13, saturation: 0.05, strength: 0.55 },
  { until: "shape", blur: 5, saturation: 0.15, strength: 0.75 },
  { until: "shape", blur: 1.5, saturation: 0.6, strength: 0.9 },
  { until: "detail", blur: 0, saturation: 0.9, strength: 0.97 },
  { until: "finish", blur: 0, saturation: 1, strength: 1 },
];

export function paint(
  { prompt, negativePrompt, seed, width, height }: {
    prompt: string;
    negativePrompt?: string;
    seed: number;
    width: number;
    height: number;
  },
): Painting {
  const scene = readScene(prompt, negativePrompt);
  const random = createRandom(`${seed} ${plainWords(prompt).join(" ")}`);
  const easel = setUp(scene, { random, width, height });
  const { canvas, palette } = easel;
  paintScene(easel);
  paintSurface(easel);
  return {
    steps: baths.length,
    svg(step, pixels = width) {
      const bath = baths[step - 1];
      const shown = stages.slice(0, stages.indexOf(bath.until) + 1);
      const drawn = canvas.parts.filter((part) => shown.includes(part.stage)).map((part) => part.element)
        .join("");
      const developed = step === baths.length
        ? drawn
        : develop(drawn, { bath, canvas, paper: toHex(palette.paper) });
      return `<svg xmlns="http://www.w3.org/2000/svg" width="${pixels}" height="${
        Math.round(pixels * height / width)
      }" ` +
        `viewBox="0 0 ${canvas.width} ${canvas.height}" preserveAspectRatio="none">` +
        `<defs>${canvas.definitions.join("")}</defs>${developed}</svg>`;
    },
  };
}

/** The places, things and weather of its words. */
export function paintScene(easel: Easel): void {
  const { scene } = easel;
  if (scene.places.includes("abstract") && scene.places.length === 1) paintAbstract(easel);
  else if (scene.places[0] === "space") paintSpace(easel);
  else paintLandscape(easel);
  paintWeather(easel);
}

function develop(
  drawn: string,
  { bath, canvas, paper }: { bath: Bath; canvas: Canvas; paper: string },
): string {
  const area = `x="0" y="0" width="${canvas.width}" height="${canvas.height}"`;
  const blur = bath.blur > 0 ? `<feGaussianBlur stdDeviation="${bath.blur}"/>` : "";
  return `<filter id="bath" filterUnits="userSpaceOnUse" color-interpolation-filters="sRGB" ${area}>` +
    `<feColorMatrix type="saturate" values="${bath.saturation}"/>${blur}</filter>` +
    `<rect ${area} fill="${paper}"/><g filter="url(#bath)" opacity="${bath.strength}">${drawn}</g>`;
}

/** What a picture that is there already settles: its light, and where its sky ends. */
export interface Surroundings {
  time: Time;
  /** From the top, as a part of the height. */
  horizon: number;
  /** Its own colours; absent: those of the hour. */
  colours?: Surrounding;
}

/** A million square units, so that a motif has the same size in every format. */
export function setUp(
  scene: Scene,
  { random, width: pixelsWide, height: pixelsHigh, around }: {
    random: Random;
    width: number;
    height: number;
    around?: Surroundings;
  },
): Easel {
  const width = Math.max(1, Math.round(1000 * Math.sqrt(pixelsWide / pixelsHigh)));
  const height = Math.max(1, Math.round(1000 * Math.sqrt(pixelsHigh / pixelsWide)));
  const time = around === undefined ? timeOf(scene, random.fork("time")) : around.time;
  const weather = scene.weather ?? "clear";
  const { style, tints } = scene;
  const palette = createPalette({ time, weather, style, tints, random, surrounding: around?.colours });
  const canvas = new Canvas(width, height);
  const brush = createBrush({ canvas, style, paper: palette.paper, random: random.fork("brush") });
  const layout = random.fork("layout");
  const usual = layout.between(...horizons(scene));
  const horizon = height * (around?.horizon ?? usual);
  const isTall = scene.places.includes("mountains") || scene.places.includes("city") ||
    scene.places.includes("forest");
  const low = isTall ? layout.between(0.42, 0.62) : layout.between(0.74, 0.9);
  const light = {
    x: width * layout.pick([layout.between(0.22, 0.4), layout.between(0.6, 0.78)]),
    y: horizon * (time === "dawn" || time === "sunset" ? low : layout.between(0.2, 0.44)),
    radius: { dawn: 44, day: 36, sunset: 58, night: 46 }[time] * layout.between(0.85, 1.3),
  };
  return { scene, time, weather, palette, canvas, brush, random, width, height, horizon, light };
}

function horizons(scene: Scene): [number, number] {
  const has = (place: Scene["places"][number]) => scene.places.includes(place);
  if (has("sea") || has("beach")) return [0.46, 0.6];
  if (has("lake")) return [0.54, 0.62];
  if (has("mountains")) return [0.66, 0.74];
  if (has("city")) return [0.62, 0.7];
  if (has("space")) return [0.9, 0.95];
  return [0.5, 0.6];
}

function timeOf(scene: Scene, random: Random): Time {
  if (scene.time !== null) return scene.time;
  if (scene.places.includes("space")) return "night";
  const likely: Time[] = ["day", "day", "day", "dawn", "dawn", "sunset", "sunset", "sunset"];
  if (scene.places.includes("city")) likely.push("night", "night", "night");
  const wanted = likely.filter((time) => !scene.unwanted.has(time));
  return random.pick(wanted.length > 0 ? wanted : ["day"]);
}
