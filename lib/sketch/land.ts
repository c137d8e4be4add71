/** Mountains, hills, meadows and dunes: ridges one before another, each paler the farther it is. */
import type { Point } from "./canvas.ts";
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { below, blob, heightAt, jaggedRidge, rollingRidge } from "./outline.ts";
import type { Random } from "./random.ts";
import { paintTreesAlong } from "./trees.ts";

/** Whether the ground is white. */
export function isSnowy({ scene, weather }: Pick<Easel, "scene" | "weather">): boolean {
  return (weather === "snow" || scene.season === "winter") && !scene.unwanted.has("snow");
}

export function grassColour(easel: Easel): string {
  if (isSnowy(easel)) return "#e6edf3";
  if (easel.scene.season === "autumn") return "#b98b45";
  if (easel.scene.season === "spring") return "#8dba62";
  return "#6b9650";
}

export function paintMountains(easel: Easel, base: number): void {
  const { palette, brush, random, width, height, scene } = easel;
  const ridges = random.fork("mountains");
  const layers = ridges.integer(3, 4);
  const isHigh = scene.places[0] === "mountains";
  const reach = base * (isHigh ? 0.66 : 0.42);
  for (let layer = 0; layer < layers; layer++) {
    const part = layer / (layers - 1);
    const depth = 0.16 + 0.42 * part;
    const ridge = jaggedRidge({
      width,
      base: base + part * height * 0.02,
      rise: reach * (1 - 0.52 * part) * ridges.between(0.85, 1.05),
      roughness: 0.5 + 0.2 * part,
      peaks: Math.max(2, Math.round((2 + part * 2) * width / 1000 + ridges.between(0, 0.9))),
      random: ridges.fork(`ridge ${layer}`),
    });
    const rock = isSnowy(easel) ? "#aebccb" : scene.season === "autumn" ? "#7d6a63" : "#5f6f86";
    const top = palette.at(depth, rock);
    const foot = palette.at(depth * 0.45, rock);
    brush.mass(below(ridge, base + height * 0.06), { top, foot });
    if (layer < layers - 1 || isHigh) {
      paintFaces(easel, ridge, { depth, random: ridges.fork(`faces ${layer}`), foot: base });
    }
    paintMist(easel, base - reach * 0.06 * (layers - layer), reach * 0.22, 0.5 - 0.3 * part);
  }
}

/** The sides of the peaks that the light falls on, white above the snow line. */
function paintFaces(
  { palette, brush, light, scene, weather, canvas }: Easel,
  ridge: Point[],
  { depth, random, foot }: { depth: number; random: Random; foot: number },
): void {
  const summit = Math.min(...ridge.map(([, y]) => y));
  const tall = foot - summit;
  const snowLine = summit + tall * (isSnowy({ scene, weather }) ? 0.8 : 0.38);
  const lit: Point[][] = [];
  const snow: Point[][] = [];
  const span = 12;
  for (let index = span; index < ridge.length - span; index++) {
    const [peakX, peakY] = ridge[index];
    const around = ridge.slice(index - span, index + span + 1);
    const isPeak = around.every(([, y]) => y >= peakY);
    const prominence = Math.max(...around.map(([, y]) => y)) - peakY;
    if (!isPeak || prominence < tall * 0.12) continue;
    const direction = light.x < peakX ? -1 : 1;
    lit.push(face({ ridge, index, direction, until: peakY + tall * 0.7, random }));
    if (peakY < snowLine) {
      const cap = snowLine + random.between(-0.04, 0.04) * tall;
      snow.push(snowCap({ ridge, index, direction, until: cap, random }));
      snow.push(
        snowCap({ ridge, index, direction: -direction, until: peakY + (cap - peakY) * 0.55, random }),
      );
    }
  }
  const rock = palette.at(depth, "#a9a4ae");
  if (lit.length > 0 && scene.style !== "ink") {
    canvas.fill("shape", lit, toHex(mix(rock, palette.glow, 0.3)), ` fill-opacity=".34"`);
  }
  if (snow.length > 0) {
    brush.shape(snow, mix(palette.at(Math.min(1, depth + 0.1), "#ffffff"), palette.glow, 0.25));
  }
}

/** From a peak down its ridge to one side, and back up along a broken spur. */
function face(
  { ridge, index, direction, until, random }: {
    ridge: Point[];
    index: number;
    direction: number;
    until: number;
    random: Random;
  },
): Point[] {
  const edge: Point[] = [];
  let at = index;
  while (at > 0 && at < ridge.length - 1 && ridge[at][1] < until && Math.abs(at - index) < 34) {
    edge.push(ridge[at]);
    if (Math.abs(at - index) > 6 && ridge[at + direction][1] < ridge[at][1] - 3) break;
    at += direction;
  }
  const [peakX, peakY] = ridge[index];
  const [footX, footY] = edge[edge.length - 1];
  const deepest = Math.max(until * 0.6 + footY * 0.4, footY);
  const spur = Array.from({ length: 9 }, (_, step): Point => {
    const part = 1 - step / 8;
    const lean = (footX - peakX) * 0.22 * part + random.between(-1, 1) * 11 * Math.sqrt(part);
    return [peakX - lean * 0.6, peakY + (deepest - peakY) * part];
  });
  return [...edge, [(footX + peakX) / 2, deepest - 6], ...spur];
}

function snowCap(
  { ridge, index, direction, until, random }: {
    ridge: Point[];
    index: number;
    direction: number;
    until: number;
    random: Random;
  },
): Point[] {
  const edge: Point[] = [];
  for (
    let at = index;
    at > 0 && at < ridge.length - 1 && ridge[at][1] <= until && Math.abs(at - index) < 26;
    at += direction
  ) {
    edge.push(ridge[at]);
  }
  const [peakX, peakY] = ridge[index];
  const [footX, footY] = edge[edge.length - 1];
  const teeth = Array.from({ length: 7 }, (_, step): Point => {
    const part = (step + 1) / 8;
    const x = footX + (peakX - footX) * part;
    const hang = step % 2 === 0 ? random.between(0.3, 0.7) : random.between(0, 0.15);
    return [x, footY + (footY - peakY) * hang * 0.5 * (1 - Math.abs(part - 0.5))];
  });
  return [...edge, ...teeth, [peakX, peakY + (footY - peakY) * 0.6]];
}

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

/** Rolling ground from `from` down to the lower edge. */
export function paintHills(easel: Easel, { from, isNear = true }: { from: number; isNear?: boolean }): void {
  const { palette, brush, random, width, height } = easel;
  const hills = random.fork("hills");
  const layers = isNear ? 5 : 3;
  const grass = grassColour(easel);
  for (let layer = 0; layer < layers; layer++) {
    const part = layer / (layers - 1);
    const depth = 0.22 + (isNear ? 0.74 : 0.3) * part;
    const base = from + (height - from) * (isNear ? 0.78 * part ** 1.25 : 0.06 * part);
    const ridge = rollingRidge({
      width,
      base: base + 18,
      rise: (isNear ? 62 + 64 * part : 60) * hills.between(0.7, 1.3),
      waves: 2.6 - part,
      random: hills.fork(`hill ${layer}`),
    });
    const top = lighter(palette.at(depth, grass), 0.02);
    brush.mass(below(ridge, height + 20), { top, foot: palette.at(Math.min(1, depth + 0.12), grass) });
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
  if (!isSnowy(easel) && !scene.unwanted.has("meadow")) paintFlowers(easel, from + 40);
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

function paintFlowers({ brush, palette, random, width, height, scene }: Easel, from: number): void {
  const flowers = random.fork("flowers");
  const tint = scene.tints[0] ?? flowers.pick(["red", "purple", "golden", "pink", "white"] as const);
  const colours = [palette.tint(tint), lighter(palette.tint(tint), 0.1), palette.light];
  colours.forEach((colour, index) => {
    const dots = Array.from({ length: index === 2 ? 50 : 130 }, () => {
      const part = flowers.next() ** 0.7;
      const size = (1.5 + 6 * part ** 2) * flowers.between(0.6, 1.2);
      const at: Point = [flowers.between(0, width), from + (height - from) * part];
      return blob(at, [size, size * 0.75], { points: 7, wobble: 0.12, random: flowers });
    });
    brush.shape(dots, mix(colour, palette.at(0.9), 0.12), "detail");
  });
}

export function paintDesert(easel: Easel, from: number): void {
  const { palette, brush, random, width, height, canvas, scene, light } = easel;
  const dunes = random.fork("dunes");
  const sand = isSnowy(easel) ? "#e9e6e4" : "#dc9f5f";
  if (dunes.chance(0.5)) {
    const rock = "#b06a48";
    for (let mesa = 0; mesa < 4; mesa++) {
      const [x, wide, tall] = [dunes.between(0, width), dunes.between(50, 150), dunes.between(40, 120)];
      const outline: Point[] = [
        [x - wide * 1.35, from + 20],
        [x - wide, from - tall * 0.45],
        [x - wide * 0.86, from - tall],
        [x + wide * 0.8, from - tall * 0.97],
        [x + wide * 0.98, from - tall * 0.4],
        [x + wide * 1.4, from + 20],
      ];
      brush.mass(outline, { top: palette.at(0.3 + 0.06 * mesa, rock), foot: palette.at(0.14, rock) });
    }
  }
  const layers = 5;
  for (let layer = 0; layer < layers; layer++) {
    const part = layer / (layers - 1);
    const ridge = rollingRidge({
      width,
      base: from + 24 + (height - from) * 0.72 * part ** 1.2,
      rise: 60 + 90 * part,
      waves: 1.9 - 0.7 * part,
      random: dunes.fork(`dune ${layer}`),
    });
    const depth = 0.32 + 0.6 * part;
    const top = lighter(palette.at(depth, sand), 0.05);
    brush.mass(below(ridge, height + 20), {
      top: mix(top, palette.glow, 0.18),
      foot: lighter(palette.at(depth + 0.08, sand), -0.05),
    });
    const crests = crestShadows(ridge, { side: light.x < width / 2 ? 1 : -1, height, part });
    const shade = mix(palette.at(depth, sand), palette.at(1), 0.42);
    if (crests.length > 0) {
      if (scene.style === "ink") brush.shape(crests, [0.45, 0, 0]);
      else {canvas.fill(
          "shape",
          crests,
          canvas.fade(from - 60, height, [{ at: 0, colour: shade, opacity: 0.85 }, {
            at: 1,
            colour: shade,
            opacity: 0.3 + 0.4 * part,
          }]),
        );}
    }
    if (layer < layers - 1) paintMist(easel, from + 60 + part * 100, 50, 0.22 * (1 - part));
  }
  const ripples = Array.from({ length: 46 }, (): Point[] => {
    const y = height - (height - from) * 0.34 * dunes.next() ** 1.5;
    const x = dunes.between(-30, width);
    const long = dunes.between(40, 130);
    return [[x, y], [x + long * 0.3, y - 4], [x + long * 0.7, y + 2], [x + long, y - 2]];
  });
  brush.line(ripples, lighter(palette.at(0.9, sand), -0.08), { width: 1.6, opacity: 0.4 });
}

/** The lee sides of the dunes: from each crest down a winding edge. */
function crestShadows(
  ridge: Point[],
  { side, height, part }: { side: number; height: number; part: number },
): Point[][] {
  const shadows: Point[][] = [];
  for (let index = 8; index < ridge.length - 8; index++) {
    const [x, y] = ridge[index];
    if (ridge.slice(index - 8, index + 9).some(([, other]) => other < y)) continue;
    const drop = Math.min(height - y, 90 + 220 * part);
    const edge = Array.from({ length: 13 }, (_, step): Point => {
      const down = step / 12;
      return [x - side * (Math.sin(down * 4.2) * 34 - down * 60) * (0.6 + part), y + drop * down];
    });
    const far: Point[] = [];
    for (let at = 20; at >= 0; at--) {
      const reachX = x + side * at * (9 + 6 * part);
      far.push([reachX, heightAt(ridge, reachX)]);
    }
    const foot: Point = [x + side * 150 * (0.6 + part), y + drop];
    shadows.push([...edge, foot, ...far]);
  }
  return shadows;
}
