/** Hills and meadows. */
import type { Point } from "./canvas.ts";
import { lighter, mix } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { below, blob, heightAt, rollingRidge } from "./outline.ts";
import { paintTreesAlong } from "./trees.ts";
import { isSnowy, paintMist } from "./weather.ts";

function grassColour(easel: Easel): string {
  if (isSnowy(easel)) return "#e6edf3";
  if (easel.scene.season === "autumn") return "#b98b45";
  if (easel.scene.season === "spring") return "#8dba62";
  return "#6b9650";
}

/** Rolling ground from `from` down to the lower edge. */
export function paintHills(easel: Easel, { from, isNear = true }: { from: number; isNear?: boolean }): void {
  const { palette, brush, random, width, height } = easel;
  const hills = random.fork("hills");
  const layers = isNear ? 7 : 3;
  const grass = grassColour(easel);
  for (let layer = 0; layer < layers; layer++) {
    const part = layer / (layers - 1);
    const depth = 0.14 + (isNear ? 0.82 : 0.34) * part;
    const base = from + (height - from) * (isNear ? 0.78 * part ** 1.25 : 0.06 * part);
    const ridge = rollingRidge({
      width,
      base: base + 34,
      rise: (isNear ? 110 + 110 * part : 70) * hills.between(0.75, 1.3),
      waves: 2.9 - 1.1 * part,
      random: hills.fork(`hill ${layer}`),
    });
    const top = lighter(palette.at(depth, grass), 0.02);
    brush.mass(below(ridge, height + 20), { top, foot: palette.at(Math.max(0, depth - 0.1), grass) });
    if (isNear && layer > 0 && layer < layers - 1 && !easel.scene.unwanted.has("trees")) {
      paintTreesAlong(easel, ridge, {
        size: 16 + 34 * part,
        depth: depth + 0.12,
        count: hills.integer(5, 14),
        isClustered: true,
      });
    }
    if (layer < layers - 1) paintMist(easel, base + 46, 50, 0.3 * (1 - part));
  }
  if (isNear) paintGrass(easel, { from: height * 0.9, grass });
}

export function paintMeadow(easel: Easel, from: number): void {
  const { palette, brush, random, width, height, scene } = easel;
  const meadow = random.fork("meadow");
  const grass = grassColour(easel);
  const back = rollingRidge({ width, base: from, rise: 26, waves: 2, random: meadow.fork("back") });
  if (!scene.unwanted.has("trees")) {
    paintTreesAlong(easel, back, { size: 34, depth: 0.42, count: 38, isClustered: true });
  }
  brush.mass(below(back, height + 20), { top: palette.at(0.55, grass), foot: palette.at(0.95, grass) });
  for (let strip = 0; strip < 5; strip++) {
    const part = (strip + 1) / 6;
    const ridge = rollingRidge({
      width,
      base: from + (height - from) * part ** 1.4,
      rise: 20 + 30 * part,
      waves: 2,
      random: meadow.fork(`strip ${strip}`),
    });
    const colour = lighter(palette.at(0.6 + 0.4 * part, grass), strip % 2 === 0 ? 0.03 : -0.02);
    brush.mass(below(ridge, height + 20), { top: colour, foot: palette.at(0.7 + 0.3 * part, grass) });
  }
  paintGrass(easel, { from: from + 40, grass });
  if (!isSnowy(easel) && !scene.unwanted.has("flowers")) paintFlowers(easel, from + 40);
}

function paintGrass(
  { brush, palette, random, width, height }: Easel,
  { from, grass }: { from: number; grass: string },
): void {
  const blades = random.fork("grass");
  for (const shift of [-0.07, 0.06]) {
    const lines = Array.from({ length: 230 }, (): Point[] => {
      const part = blades.next() ** 0.6;
      const y = from + (height - from) * part + 12;
      const x = blades.between(0, width);
      const tall = (6 + 30 * part) * blades.between(0.6, 1.2);
      const lean = blades.between(-0.4, 0.4) * tall;
      return [[x, y], [x + lean * 0.3, y - tall * 0.6], [x + lean, y - tall]];
    });
    brush.line(lines, lighter(palette.at(0.95, grass), shift), { width: 1.8, opacity: 0.75 });
  }
}

export function paintFlowers({ brush, palette, random, width, height, scene }: Easel, from: number): void {
  const flowers = random.fork("flowers");
  const tint = scene.subjects.get("flowers") ?? scene.tints[0] ??
    flowers.pick(["red", "purple", "golden", "pink", "white"] as const);
  const colours = [
    palette.tint(tint),
    lighter(palette.tint(tint), 0.09),
    lighter(palette.tint(tint), -0.08),
    palette.light,
  ];
  const isMany = scene.subjects.has("flowers");
  colours.forEach((colour, index) => {
    const petals: Point[][] = [];
    const stems: Point[][] = [];
    const count = (index === 3 ? 40 : 130) * (isMany ? 1.7 : 1);
    for (let flower = 0; flower < count; flower++) {
      const part = flowers.next() ** 0.75;
      const size = (1.6 + 11 * part ** 2.2) * flowers.between(0.6, 1.15);
      const [x, y] = [flowers.between(0, width), from + (height - from) * part];
      petals.push(blob([x, y], [size, size * 0.72], { points: 10, wobble: 0.13, random: flowers }));
      if (size > 4) stems.push([[x, y + size * 0.4], [x + flowers.between(-3, 3), y + size * 5]]);
    }
    brush.line(stems, palette.at(1, "#4c7040"), { width: 1.6, opacity: 0.8 });
    brush.shape(petals, mix(colour, palette.at(0.9), 0.14), "detail");
  });
}

/** The near bank of a lake: dark, with reeds, from one corner. */
export function paintBank(easel: Easel): void {
  const { brush, palette, random, width, height, light } = easel;
  const bank = random.fork("bank");
  const isLeft = light.x > width / 2;
  const across = (x: number) => isLeft ? x : width - x;
  const noise = rollingRidge({ width, base: 0, rise: 26, waves: 4, random: bank.fork("edge") });
  const edge = noise.map((
    [x, y],
  ): Point => [x, height - 140 + y + 190 * Math.max(0, across(x) / width) ** 0.8]);
  brush.mass(below(edge, height + 30), {
    top: palette.at(0.9, grassColour(easel)),
    foot: palette.at(1),
    stage: "shape",
  });
  const reeds = Array.from({ length: 120 }, (): Point[] => {
    const x = across(width * 0.75 * bank.next() ** 1.4);
    const y = heightAt(edge, x) + 6;
    const [tall, lean] = [bank.between(18, 88), bank.between(-14, 14)];
    return [[x, y], [x + lean * 0.3, y - tall * 0.6], [x + lean, y - tall]];
  });
  brush.line(reeds.slice(0, 60), palette.at(1, "#5c6b3f"), { width: 2.2, stage: "shape" });
  brush.line(reeds.slice(60), lighter(palette.at(0.95, "#7c8450"), 0.03), { width: 1.5 });
}
