/** Dunes with a sunny and a shady side, and now and then table mountains. */
import type { Point } from "./canvas.ts";
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { isSnowy, paintMist } from "./weather.ts";
import { below, rollingRidge } from "./outline.ts";
import type { Random } from "./random.ts";

export function paintDesert(easel: Easel, from: number): void {
  const { palette, brush, random, width, height, canvas, scene, light } = easel;
  const dunes = random.fork("dunes");
  const sand = isSnowy(easel) ? "#e9e6e4" : "#dc9f5f";
  if (dunes.chance(0.5)) paintMesas(easel, from);
  const layers = 5;
  const side = light.x < width / 2 ? 1 : -1;
  for (let layer = 0; layer < layers; layer++) {
    const part = layer / (layers - 1);
    const base = from + 30 + (height - from) * 0.74 * part ** 1.2;
    const depth = 0.3 + 0.62 * part;
    const bright = mix(lighter(palette.at(depth, sand), 0.06), palette.glow, 0.22);
    const shade = mix(palette.at(depth, sand), palette.at(1), 0.4);
    const ground = rollingRidge({
      width,
      base: base + 34,
      rise: 34,
      waves: 2,
      random: dunes.fork(`floor ${layer}`),
    });
    const foot = lighter(palette.at(depth + 0.08, sand), -0.04);
    const count = dunes.integer(1, 2) + (part < 0.5 ? 1 : 0);
    const shady = scene.style === "poster" ? toHex(shade) : canvas.fade(base - 150, base + 90, [
      { at: 0, colour: shade, opacity: 0.95 },
      { at: 1, colour: shade, opacity: 0.35 },
    ]);
    for (let dune = 0; dune < count; dune++) {
      const x = width * (dune + dunes.between(0.15, 0.85)) / count;
      const tall = (80 + 180 * part) * dunes.between(0.6, 1.15);
      const { body, lee } = duneAt([x, base + 40], { tall, side, random: dunes });
      brush.mass(body, { top: bright, foot });
      if (scene.style === "ink") brush.shape([lee], [0.45, 0, 0]);
      else canvas.fill("shape", [lee], shady);
    }
    brush.mass(below(ground, height + 20), { top: lighter(palette.at(depth, sand), 0.03), foot });
    if (layer < layers - 1) paintMist(easel, base + 30, 46, 0.22 * (1 - part));
  }
  const ripples = Array.from({ length: 60 }, (): Point[] => {
    const y = height - (height - from) * 0.34 * dunes.next() ** 1.5;
    const x = dunes.between(-30, width);
    const long = dunes.between(40, 130);
    return [[x, y], [x + long * 0.3, y - 4], [x + long * 0.7, y + 2], [x + long, y - 2]];
  });
  brush.line(ripples, lighter(palette.at(0.9, sand), -0.08), { width: 1.6, opacity: 0.4 });
}

function paintMesas({ palette, brush, random, width }: Easel, from: number): void {
  const mesas = random.fork("mesas");
  for (let mesa = 0; mesa < 4; mesa++) {
    const [x, wide, tall] = [mesas.between(0, width), mesas.between(50, 150), mesas.between(60, 150)];
    const outline: Point[] = [
      [x - wide * 0.86, from - tall],
      [x + wide * 0.8, from - tall * 0.97],
      [x + wide * 0.86, from - tall * 0.55],
      [x + wide, from - tall * 0.45],
      [x + wide * 1.4, from + 60],
      [x - wide * 1.35, from + 60],
      [x - wide, from - tall * 0.45],
      [x - wide * 0.9, from - tall * 0.55],
    ];
    brush.mass(outline, {
      top: palette.at(0.34 + 0.06 * mesa, "#b06a48"),
      foot: palette.at(0.14, "#b06a48"),
    });
  }
}

/** A dune and the side of it that lies in shade, parted by a winding crest. */
function duneAt(
  [x, foot]: Point,
  { tall, side, random }: { tall: number; side: number; random: Random },
): { body: Point[]; lee: Point[] } {
  const [long, short] = [tall * random.between(2.6, 3.8), tall * random.between(1.7, 2.5)];
  const peak: Point = [x, foot - tall];
  const slope = (reach: number, bend: number): Point[] =>
    Array.from({ length: 15 }, (_, step): Point => {
      const part = step / 14;
      return [x + reach * part, foot - tall * (1 - part) ** bend];
    });
  const windward = slope(-side * long, 1.45);
  const leeward = slope(side * short, 1.25);
  const crest = Array.from({ length: 15 }, (_, step): Point => {
    const part = 1 - step / 14;
    return [x + side * (Math.sin(part * 4.6) * tall * 0.2 - part * tall * 0.5), foot - tall * (1 - part)];
  });
  return { body: [...windward.reverse(), ...leeward.slice(1)], lee: [peak, ...leeward, ...crest] };
}
