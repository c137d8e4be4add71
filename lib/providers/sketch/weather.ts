/** What falls from the sky or hangs in the air, before everything else. */
import type { Point } from "./canvas.ts";
import { lighter, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";

/** Whether the ground is white. */
export function isSnowy({ scene, weather }: Pick<Easel, "scene" | "weather">): boolean {
  return (weather === "snow" || scene.season === "winter") && !scene.unwanted.has("snow");
}

export function paintWeather(easel: Easel): void {
  if (easel.weather === "rain" || easel.weather === "storm") paintRain(easel);
  if (easel.weather === "storm") paintLightning(easel);
  if (easel.weather === "snow") paintSnow(easel);
  if (easel.weather === "fog") paintFog(easel);
}

function paintRain({ canvas, palette, random, width, height, weather, scene }: Easel): void {
  const rain = random.fork("rain");
  const slant = rain.pick([-1, 1]) * (weather === "storm" ? 0.34 : 0.14);
  for (const [count, long, thick, opacity] of [[320, 26, 0.9, 0.3], [130, 58, 1.5, 0.38]]) {
    const drops = Array.from({ length: count }, (): Point[] => {
      const [x, y] = [rain.between(-60, width + 60), rain.between(-40, height)];
      const fall = long * rain.between(0.6, 1.3);
      return [[x, y], [x + slant * fall, y + fall]];
    });
    const paint = scene.style === "ink" ? "#1d1a1c" : toHex(lighter(palette.cloud, 0.12));
    canvas.stroke("detail", drops, { paint, width: thick, opacity });
  }
}

function paintLightning({ canvas, palette, random, width, horizon, scene }: Easel): void {
  const bolt = random.fork("lightning");
  let [x, y]: Point = [width * bolt.between(0.2, 0.8), horizon * 0.12];
  const line: Point[] = [[x, y]];
  const branches: Point[][] = [];
  while (y < horizon * 0.98) {
    x += bolt.between(-24, 24);
    y += bolt.between(14, 34);
    line.push([x, Math.min(y, horizon)]);
    if (bolt.chance(0.22)) {
      const side = bolt.pick([-1, 1]);
      branches.push([[x, y], [x + side * 26, y + 24], [x + side * 38, y + 52], [x + side * 66, y + 78]]);
    }
  }
  const isInk = scene.style === "ink";
  const paint = isInk ? "#1d1a1c" : toHex(lighter(palette.light, 0.2));
  const [startX, startY] = line[0];
  if (!isInk) {
    const flash = canvas.glow([startX, startY + 80], width * 0.4, [{
      at: 0,
      colour: palette.light,
      opacity: 0.45,
    }, { at: 1, colour: palette.light, opacity: 0 }]);
    canvas.band("detail", -20, horizon, flash);
    canvas.stroke("detail", [line], { paint, width: 11, opacity: 0.16 });
  }
  canvas.stroke("detail", branches, { paint, width: 1.2, opacity: 0.8 });
  canvas.stroke("detail", [line], { paint, width: 3 });
}

function paintSnow({ canvas, palette, random, width, height, scene }: Easel): void {
  const snow = random.fork("snow");
  const colour = scene.style === "ink" ? palette.paper : lighter(palette.lit("#ffffff"), 0.22);
  for (const [count, thick, opacity] of [[420, 2, 0.6], [190, 4, 0.75], [55, 8, 0.7], [14, 15, 0.35]]) {
    const flakes = Array.from(
      { length: count },
      () => `M${snow.between(0, width).toFixed(1)} ${snow.between(0, height).toFixed(1)}h.01`,
    );
    canvas.add(
      "detail",
      `<path d="${flakes.join("")}" stroke="${
        toHex(colour)
      }" stroke-width="${thick}" stroke-linecap="round" stroke-opacity="${opacity}"/>`,
    );
  }
}

function paintFog({ canvas, palette, random, width, height, horizon, scene }: Easel): void {
  const fog = random.fork("fog");
  if (scene.style === "ink" || scene.style === "poster") return;
  for (let bank = 0; bank < 7; bank++) {
    const y = horizon + (height - horizon) * fog.between(-0.5, 0.75);
    const [long, tall] = [width * fog.between(0.6, 1.1), fog.between(60, 130)];
    const x = width * fog.between(0, 1);
    const id = canvas.define((name) => {
      const haze = toHex(palette.at(0.04));
      return `<radialGradient id="${name}"><stop offset="0" stop-color="${haze}" stop-opacity=".36"/>` +
        `<stop offset=".5" stop-color="${haze}" stop-opacity=".17"/><stop offset="1" stop-color="${haze}" stop-opacity="0"/></radialGradient>`;
    });
    canvas.add(
      "detail",
      `<ellipse cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" rx="${long.toFixed(1)}" ry="${
        tall.toFixed(1)
      }" fill="${id}"/>`,
    );
  }
}

/** Mist that parts what is near from what is far. */
export function paintMist(
  { canvas, palette, scene, weather }: Easel,
  y: number,
  tall: number,
  strength: number,
): void {
  if (scene.style === "ink" || scene.style === "poster") return;
  const haze = palette.at(weather === "fog" ? 0.02 : 0.08);
  const opacity = Math.min(0.9, strength * (weather === "fog" ? 1.8 : 1));
  canvas.band(
    "shape",
    y - tall,
    y + tall,
    canvas.fade(y - tall, y + tall, [
      { at: 0, colour: haze, opacity: 0 },
      { at: 0.55, colour: haze, opacity },
      { at: 1, colour: haze, opacity: 0 },
    ]),
  );
}
