/** Mountain ranges: ridges one before another, each paler the farther it is, lit from the side of sun or moon. */
import type { Point } from "./canvas.ts";
import { mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { isSnowy, paintMist } from "./weather.ts";
import { below, jaggedRidge } from "./outline.ts";
import type { Random } from "./random.ts";

export function paintMountains(easel: Easel, base: number): void {
  const { palette, brush, random, width, height, scene } = easel;
  const ridges = random.fork("mountains");
  const layers = ridges.integer(3, 4);
  const isHigh = scene.places[0] === "mountains";
  const reach = base * (isHigh ? 0.66 : 0.42);
  for (let layer = 0; layer < layers; layer++) {
    const part = layer / (layers - 1);
    const depth = (isSnowy(easel) ? 0.4 : 0.17) + 0.42 * part;
    const ridge = jaggedRidge({
      width,
      base: base + part * height * 0.02,
      rise: reach * (1 - 0.52 * part) * ridges.between(0.85, 1.05),
      roughness: 0.5 + 0.2 * part,
      peaks: Math.max(2, Math.round((2 + part * 2) * width / 1000 + ridges.between(0, 0.9))),
      random: ridges.fork(`ridge ${layer}`),
    });
    const rock = isSnowy(easel) ? "#7f92a8" : scene.season === "autumn" ? "#7d6a63" : "#5f6f86";
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
  const snowLine = summit + tall * (isSnowy({ scene, weather }) ? 0.6 : 0.38);
  const lit: Point[][] = [];
  const shaded: Point[][] = [];
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
    shaded.push(face({ ridge, index, direction: -direction, until: peakY + tall * 0.6, random }));
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
    canvas.fill("shape", shaded, toHex(palette.at(1)), ` fill-opacity="${(0.1 + 0.16 * depth).toFixed(2)}"`);
    canvas.fill("shape", lit, toHex(mix(rock, palette.glow, 0.3)), ` fill-opacity=".42"`);
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
  const edge: Point[] = [ridge[index]];
  for (let at = index + direction; ridge[at] !== undefined && ridge[at][1] <= until; at += direction) {
    if (Math.abs(at - index) === 26) break;
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
