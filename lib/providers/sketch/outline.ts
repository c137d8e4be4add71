/** Outlines of natural things. */
import type { Point } from "./canvas.ts";
import { createNoise, type Random } from "./random.ts";

/** A jagged line from left to right by midpoint displacement; `rise` is how far it reaches above `base`. */
export function jaggedRidge(
  { width, base, rise, roughness, peaks, random }: {
    width: number;
    base: number;
    rise: number;
    /** 0 smooth to 1 wild. */
    roughness: number;
    peaks: number;
    random: Random;
  },
): Point[] {
  const segments = 2 ** 8;
  const heights = new Float64Array(segments + 1);
  const step = segments / 2 ** Math.ceil(Math.log2(peaks * 2));
  for (let at = 0; at <= segments; at += step) {
    const isPeak = (at / step) % 2 === 1;
    heights[at] = isPeak ? random.between(0.45, 1) : random.between(0.02, 0.4);
  }
  let spread = roughness * 0.36;
  for (let half = step / 2; half >= 1; half /= 2) {
    for (let at = half; at < segments; at += half * 2) {
      heights[at] = (heights[at - half] + heights[at + half]) / 2 + random.between(-spread, spread);
    }
    spread *= 0.52;
  }
  const shift = random.between(-0.12, 0);
  return Array.from(heights, (height, at) => [
    (shift + (1.12 * at) / segments) * width,
    base - rise * height,
  ]);
}

/** A rolling line from left to right. */
export function rollingRidge(
  { width, base, rise, waves, random }: {
    width: number;
    base: number;
    rise: number;
    waves: number;
    random: Random;
  },
): Point[] {
  const noise = createNoise(random, 2);
  const start = random.between(0, 100);
  return Array.from({ length: 97 }, (_, index) => {
    const part = index / 96;
    return [(part * 1.04 - 0.02) * width, base - rise * (0.5 + 0.5 * noise(start + part * waves))];
  });
}

/** Closes a ridge line down to `bottom`. */
export function below(ridge: Point[], bottom: number): Point[] {
  return [...ridge, [ridge[ridge.length - 1][0], bottom], [ridge[0][0], bottom]];
}

/** The height of a ridge at `x`. */
export function heightAt(ridge: Point[], x: number): number {
  let index = 1;
  while (index < ridge.length - 1 && ridge[index][0] < x) index++;
  const [[leftX, leftY], [rightX, rightY]] = [ridge[index - 1], ridge[index]];
  const part = rightX === leftX ? 0 : (x - leftX) / (rightX - leftX);
  return leftY + (rightY - leftY) * Math.min(1, Math.max(0, part));
}

/** A closed curve around a centre; `wobble` 0 gives a true ellipse. */
export function blob(
  [x, y]: Point,
  [radiusX, radiusY]: Point,
  { wobble = 0, points = 36, random }: { wobble?: number; points?: number; random?: Random } = {},
): Point[] {
  const offsets = random === undefined
    ? []
    : [random.between(0, 7), random.between(0, 7), random.between(0, 7)];
  return Array.from({ length: points }, (_, index) => {
    const angle = (index / points) * Math.PI * 2;
    const swell = offsets.reduce(
      (sum, offset, wave) => sum + Math.sin(angle * (wave * 2 + 2) + offset) / (wave + 1.5),
      0,
    );
    const reach = 1 + wobble * swell;
    return [x + Math.cos(angle) * radiusX * reach, y + Math.sin(angle) * radiusY * reach];
  });
}

export function box(x: number, y: number, width: number, height: number): Point[] {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
}

/** Points of a curve through the given ones (Catmull-Rom), so that few points give a soft shape. */
export function curve(points: Point[], { isClosed = true, steps = 6 } = {}): Point[] {
  const count = points.length;
  const at = (index: number) =>
    points[isClosed ? (index + count) % count : Math.min(count - 1, Math.max(0, index))];
  const result: Point[] = [];
  for (let index = 0; index < (isClosed ? count : count - 1); index++) {
    const [before, from, to, after] = [at(index - 1), at(index), at(index + 1), at(index + 2)];
    for (let step = 0; step < steps; step++) {
      const t = step / steps;
      const blend = (axis: 0 | 1) =>
        0.5 * (2 * from[axis] + (to[axis] - before[axis]) * t +
          (2 * before[axis] - 5 * from[axis] + 4 * to[axis] - after[axis]) * t * t +
          (3 * from[axis] - before[axis] - 3 * to[axis] + after[axis]) * t * t * t);
      result.push([blend(0), blend(1)]);
    }
  }
  if (!isClosed) result.push(points[count - 1]);
  return result;
}
