/** Trees, from a wood on the horizon to a single palm. */
import type { Point } from "./canvas.ts";
import { lighter, mix } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { below, blob, heightAt, rollingRidge } from "./outline.ts";
import type { Random } from "./random.ts";
import { isSnowy, paintMist } from "./weather.ts";

type Kind = "pine" | "round";

function leafColours({ scene, weather }: Easel): string[] {
  if (scene.season === "autumn") return ["#c4622d", "#d98b34", "#a8432f", "#8c6a3a"];
  if (scene.season === "spring") return ["#eba7bd", "#f2c3cf", "#7fa862", "#d98aa5"];
  if (isSnowy({ scene, weather })) return ["#7f97a3", "#93a9b3", "#6c8593", "#a9bac2"];
  return ["#2f6148", "#3c7350", "#27553f", "#4a7d50"];
}

function kindOf({ scene, random }: Easel): Kind {
  if (scene.subjects.has("pines")) return "pine";
  if (scene.unwanted.has("pines")) return "round";
  if (scene.season === "autumn" || scene.season === "spring") return "round";
  if (scene.places.includes("mountains") || scene.season === "winter") return "pine";
  return random.fork("kind of trees").chance(0.6) ? "pine" : "round";
}

/** Blossom and autumn leaves shine where green goes dark. */
function openness({ scene }: Easel): number {
  return scene.season === "spring" || scene.season === "autumn" ? 0.45 : 0;
}

/** Small trees that stand on a ridge. */
export function paintTreesAlong(
  easel: Easel,
  ridge: Point[],
  { size, depth, count, isClustered = false }: {
    size: number;
    depth: number;
    count: number;
    isClustered?: boolean;
  },
): void {
  const { brush, palette, random, width } = easel;
  const trees = random.fork(`trees along ${ridge[3][1]}`);
  const kind = kindOf(easel);
  const colours = leafColours(easel);
  const centres = [trees.between(0, width), trees.between(0, width), trees.between(0, width)];
  const groups: Point[][][] = colours.map(() => []);
  const trunks: Point[][] = [];
  for (let tree = 0; tree < count; tree++) {
    const x = isClustered
      ? trees.pick(centres) + trees.between(-1, 1) * width * 0.13
      : trees.between(0, width);
    const tall = size * trees.between(0.7, 1.35);
    const y = heightAt(ridge, x) + 2;
    const group = groups[trees.integer(0, groups.length - 1)];
    if (kind === "pine") group.push(pine([x, y], tall * 1.25, trees));
    else {
      trunks.push([[x - tall * 0.05, y], [x, y - tall * 0.6], [x + tall * 0.05, y]]);
      group.push(
        blob([x, y - tall * 0.62], [tall * 0.4, tall * 0.42], { wobble: 0.09, points: 16, random: trees }),
      );
    }
  }
  if (trunks.length > 0) brush.shape(trunks, palette.at(depth, "#4a3b33"));
  groups.forEach((group, index) =>
    group.length > 0 && brush.shape(group, palette.at(depth, colours[index], openness(easel)))
  );
}

/** A wood in rows that fills the picture from `from` to `to`. */
export function paintForest(
  easel: Easel,
  { from, to, isNear }: { from: number; to: number; isNear: boolean },
): void {
  const { brush, palette, random, width, height } = easel;
  const forest = random.fork("forest");
  const kind = kindOf(easel);
  const colours = leafColours(easel);
  const rows = isNear ? 5 : 3;
  for (let row = 0; row < rows; row++) {
    const part = row / (rows - 1);
    const depth = isNear ? 0.2 + 0.8 * part : 0.42 + 0.34 * part;
    const foot = from + (to - from) * part ** 1.15;
    const tall = isNear ? height * (0.17 + 0.3 * part ** 1.4) : height * (0.07 + 0.04 * part);
    const ridge = rollingRidge({
      width,
      base: foot + 12,
      rise: 30 + 30 * part,
      waves: 2,
      random: forest.fork(`row ${row}`),
    });
    const isLast = isNear && row === rows - 1;
    const spacing = tall * (kind === "pine" ? 0.2 : 0.3) * (isLast ? 1.7 : 1);
    const trunks: Point[][] = [];
    const groups: Point[][][] = colours.map(() => []);
    for (let x = -spacing; x < width + spacing; x += spacing * forest.between(0.6, 1.4)) {
      const middle = Math.abs(x / width - 0.5) * 2;
      if (isLast && middle < 0.45) continue;
      const size = tall * forest.between(0.62, 1.15) * (isNear ? 0.72 + 0.4 * middle : 1);
      const y = heightAt(ridge, x) + 6;
      const group = groups[forest.integer(0, groups.length - 1)];
      if (kind === "pine") group.push(pine([x, y], size, forest));
      else {
        trunks.push([[x - size * 0.035, y + 10], [x - size * 0.015, y - size * 0.6], [
          x + size * 0.015,
          y - size * 0.6,
        ], [x + size * 0.035, y + 10]]);
        group.push(...crown([x, y - size * 0.68], size * 0.36, forest));
      }
    }
    if (trunks.length > 0) brush.shape(trunks, palette.at(depth, "#43352f"));
    groups.forEach((group, index) =>
      group.length > 0 &&
      brush.shape(group, lighter(palette.at(depth, colours[index], openness(easel)), 0.02))
    );
    const ground = isSnowy(easel) ? "#dfe8ee" : easel.scene.season === "autumn" ? "#8f6a3c" : "#4a6b45";
    brush.mass(below(ridge, height + 20), {
      top: palette.at(depth, ground),
      foot: palette.at(Math.min(1, depth + 0.15), ground),
    });
    if (!isLast) paintMist(easel, foot - 6, tall * 0.42, 0.5 - 0.34 * part);
  }
}

export function pine([x, y]: Point, tall: number, random: Random): Point[] {
  const tiers = Math.max(4, Math.min(9, Math.round(tall / 18)));
  const wide = tall * random.between(0.17, 0.24);
  const left: Point[] = [];
  const right: Point[] = [];
  for (let tier = 0; tier < tiers; tier++) {
    const part = (tier + 1) / tiers;
    const reach = wide * part ** 0.85 * random.between(0.85, 1.12);
    const edge = y - tall * (1 - part * 0.9);
    right.push([x + reach, edge + tall * 0.012], [x + reach * 0.48, edge - tall * 0.015]);
    left.push([x - reach * random.between(0.9, 1.05), edge + tall * 0.012], [
      x - reach * 0.48,
      edge - tall * 0.015,
    ]);
  }
  const trunk = tall * 0.018;
  return [[x, y - tall], ...right, [x + trunk, y - tall * 0.1], [x + trunk, y], [x - trunk, y], [
    x - trunk,
    y - tall * 0.1,
  ], ...left.reverse()];
}

function crown([x, y]: Point, size: number, random: Random): Point[][] {
  return Array.from({ length: 7 }, () => {
    const at: Point = [x + random.between(-0.62, 0.62) * size, y + random.between(-0.75, 0.55) * size];
    const reach = size * random.between(0.3, 0.55);
    return blob(at, [reach, reach * 0.92], { wobble: 0.07, points: size < 40 ? 10 : 20, random });
  });
}

/** One tree in front of everything, with light in its crown. */
export function paintLoneTree(easel: Easel, [x, y]: Point, tall: number): void {
  const { brush, palette, random } = easel;
  const tree = random.fork("lone tree");
  if (kindOf(easel) === "pine") {
    brush.shape([pine([x, y], tall, tree)], palette.at(0.98, leafColours(easel)[0]));
    return;
  }
  const lean = tree.between(-0.08, 0.08) * tall;
  const branches = [-0.22, 0.02, 0.24].map((side): Point[] => [
    [x - tall * 0.025, y - tall * 0.25],
    [x + lean + side * tall, y - tall * 0.62],
    [x + tall * 0.025, y - tall * 0.25],
  ]);
  brush.shape([[[x - tall * 0.05, y + 4], [x - tall * 0.025, y - tall * 0.3], [
    x + tall * 0.025,
    y - tall * 0.3,
  ], [x + tall * 0.055, y + 4]], ...branches], palette.at(1, "#3b2d28"));
  leafColours(easel).slice(0, 3).forEach((colour, coat) => {
    const leaves = Array.from({ length: 10 - coat * 2 }, () => {
      const [angle, far] = [tree.between(0, 6.3), tree.between(0, 0.26)];
      const at: Point = [
        x + lean + Math.cos(angle) * far * tall * 1.15,
        y - tall * (0.72 + 0.03 * coat) + Math.sin(angle) * far * tall * 0.75,
      ];
      return blob(at, [tall * 0.13, tall * 0.1], { wobble: 0.1, points: 20, random: tree });
    });
    brush.shape(leaves, lighter(palette.at(1 - coat * 0.06, colour, openness(easel)), coat * 0.035));
  });
}

export function paintPalms(easel: Easel, ground: number, count: number): void {
  const { brush, palette, random, width, height } = easel;
  const palms = random.fork("palms");
  const side = palms.chance(0.5) ? 0.12 : 0.86;
  const trunks: Point[][] = [];
  const leaves: Point[][] = [];
  for (let palm = 0; palm < count; palm++) {
    const x = width * (side + palms.between(-0.1, 0.1));
    const tall = height * palms.between(0.3, 0.46);
    const bend = (side < 0.5 ? 1 : -1) * tall * palms.between(0.08, 0.24);
    const spine = Array.from(
      { length: 12 },
      (_, step): Point => [x + bend * (step / 11) ** 2, ground + 10 - tall * step / 11],
    );
    trunks.push([
      ...spine.map(([px, py], step): Point => [px - 7 + step * 0.35, py]),
      ...spine.map(([px, py], step): Point => [px + 7 - step * 0.35, py]).reverse(),
    ]);
    const [topX, topY] = spine[11];
    for (let frond = 0; frond < 10; frond++) {
      const angle = (frond / 9) * Math.PI * 1.25 + Math.PI * 0.875 + palms.between(-0.1, 0.1);
      const long = tall * palms.between(0.26, 0.36);
      const along = (
        part: number,
      ): Point => [
        topX + Math.cos(angle) * long * part,
        topY + Math.sin(angle) * long * 0.8 * part + long * 0.6 * part ** 2,
      ];
      const upper = [0, 0.25, 0.5, 0.75, 1].map(along);
      const lower: Point[] = [];
      for (let tooth = 9; tooth > 0; tooth--) {
        const [px, py] = along(tooth / 10);
        lower.push([px + (tooth % 2) * 2, py + (tooth % 2 === 0 ? 4 : 17 * (1 - tooth / 14))]);
      }
      leaves.push([...upper, ...lower]);
    }
  }
  brush.shape(trunks, palette.at(1, "#5a4434"));
  brush.shape(leaves, mix(palette.at(1, "#2e6a48"), palette.at(1), 0.2));
}
