/** Pictures of nothing in particular, for words that name nothing the painter knows. */
import type { Point } from "./canvas.ts";
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { below, blob, box } from "./outline.ts";
import { createNoise } from "./random.ts";

export function paintAbstract(easel: Easel): void {
  const { canvas, palette, random, height } = easel;
  const [ground] = palette.harmony;
  const soft = lighter(ground, ground[0] > 0.5 ? -0.05 : 0.06);
  canvas.band(
    "mass",
    -20,
    height + 20,
    canvas.fade(0, height, [{ at: 0, colour: ground }, { at: 1, colour: soft }]),
  );
  random.fork("composition").pick([paintStrata, paintDiscs, paintTiles, paintFields, paintThreads])(easel);
}

/** Flowing bands, like sand between two panes of glass. */
function paintStrata({ brush, palette, random, width, height }: Easel): void {
  const strata = random.fork("strata");
  const noise = createNoise(strata, 3);
  const layers = strata.integer(9, 14);
  const tilt = strata.between(-0.3, 0.3);
  const ramp = palette.harmony.slice(1);
  const disc = blob([width * strata.between(0.25, 0.75), height * strata.between(0.2, 0.36)], [105, 105], {
    points: 60,
  });
  brush.shape([disc], palette.harmony[3]);
  for (let layer = 0; layer < layers; layer++) {
    const part = (layer + 0.6) / layers;
    const ridge = Array.from({ length: 90 }, (_, index): Point => {
      const across = index / 89;
      const y = height * (0.16 + part * 0.84) + tilt * height * (across - 0.5) * (1 - part) +
        noise(across * 2.6 + layer * 0.34) * height * 0.13;
      return [across * (width + 40) - 20, y];
    });
    const tone = ramp[[0, 1, 3, 1, 0, 2][layer % 6]];
    const colour = lighter(mix(tone, palette.harmony[0], 0.35 * (1 - part)), strata.between(-0.04, 0.04));
    brush.mass(below(ridge, height + 20), { top: lighter(colour, 0.05), foot: lighter(colour, -0.08) });
    brush.line([ridge], lighter(colour, 0.14), { width: 1.6, opacity: 0.6 });
  }
}

/** Overlapping discs and arcs. */
function paintDiscs({ canvas, palette, random, width, height, brush, scene }: Easel): void {
  const discs = random.fork("discs");
  const [, ...colours] = palette.harmony;
  for (let disc = 0; disc < 13; disc++) {
    const radius = disc < 3 ? discs.between(150, 270) : discs.between(24, 120);
    const at: Point = [width * discs.between(0.08, 0.92), height * discs.between(0.08, 0.92)];
    const outline = blob(at, [radius, radius], { points: 72 });
    const colour = colours[disc % 4];
    if (scene.style === "ink") brush.shape([outline], colour);
    else {
      const paint = canvas.fade(at[1] - radius, at[1] + radius, [{
        at: 0,
        colour: lighter(colour, 0.05),
        opacity: 0.92,
      }, { at: 1, colour, opacity: disc < 3 ? 0.5 : 0.75 }]);
      canvas.fill(disc < 4 ? "mass" : "shape", [outline], paint);
    }
    if (disc % 3 !== 0) continue;
    const rings = [1.12, 1.22, 1.36].map((reach) => {
      const ring = blob(at, [radius * reach, radius * reach], { points: 72 });
      const from = discs.integer(0, 40);
      return ring.slice(from, from + discs.integer(14, 31));
    });
    brush.line(rings, colours[(disc + 2) % 4], { width: 3, opacity: 0.8 });
  }
  const lines = Array.from(
    { length: 5 },
    (): Point[] => [[discs.between(-50, width), discs.between(0, height)], [
      discs.between(0, width + 50),
      discs.between(0, height),
    ]],
  );
  brush.line(lines, palette.harmony[1], { width: 1.5, opacity: 0.7 });
}

/** Quarter circles, halves and dots in a grid. */
function paintTiles({ brush, palette, random, width, height }: Easel): void {
  const tiles = random.fork("tiles");
  const columns = Math.max(3, Math.round(width / (1000 / tiles.integer(4, 6))));
  const size = width / columns;
  const rows = Math.ceil(height / size);
  const colours = palette.harmony;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [column * size, row * size];
      const back = tiles.integer(0, 4);
      const front = (back + tiles.integer(1, 4)) % 5;
      brush.shape([box(x, y, size + 0.5, size + 0.5)], colours[back], "mass");
      const kind = tiles.integer(0, 5);
      const turn = tiles.integer(0, 3) * Math.PI / 2;
      if (kind <= 2) {
        const corner: Point = [x + (turn === 0 || turn > 4 ? 0 : size), y + (turn < 2 ? 0 : size)];
        const quarter = Array.from({ length: 20 }, (_, index): Point => {
          const angle = Math.atan2(y + size / 2 - corner[1], x + size / 2 - corner[0]) - Math.PI / 4 +
            (index / 19) * Math.PI / 2;
          return [corner[0] + Math.cos(angle) * size, corner[1] + Math.sin(angle) * size];
        });
        brush.shape([[corner, ...quarter]], colours[front]);
        if (kind === 2) {
          brush.shape(
            [[corner, ...quarter.map(([px, py]): Point => [(px + corner[0]) / 2, (py + corner[1]) / 2])]],
            colours[back],
            "detail",
          );
        }
      } else if (kind === 3) {
        brush.shape(
          [blob([x + size / 2, y + size / 2], [size * 0.36, size * 0.36], { points: 48 })],
          colours[front],
        );
      } else if (kind === 4) {
        brush.shape(
          [blob([x + size / 2, y + size / 2], [size * 0.42, size * 0.42], { points: 48 })],
          colours[front],
        );
        brush.shape(
          [blob([x + size / 2, y + size / 2], [size * 0.2, size * 0.2], { points: 36 })],
          colours[(front + 2) % 5],
          "detail",
        );
      } else {
        for (let stripe = 0; stripe < 4; stripe++) {
          brush.shape([box(x, y + stripe * size / 4, size, size / 8)], colours[front], "detail");
        }
      }
    }
  }
}

/** Large soft-edged fields one above another. */
function paintFields({ canvas, palette, random, width, height, brush }: Easel): void {
  const fields = random.fork("fields");
  const count = fields.integer(2, 4);
  const colours = palette.harmony.slice(1);
  const ground = mix(palette.harmony[0], colours[0], 0.45);
  canvas.band("mass", -20, height + 20, toHex(ground));
  let y = height * 0.06;
  const weights = Array.from({ length: count }, () => fields.between(0.5, 1.6));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const turn = fields.integer(0, 3);
  for (let field = 0; field < count; field++) {
    const share = (height * 0.9 * weights[field]) / sum;
    const tall = share * fields.between(0.86, 0.97);
    const colour = colours[(field * 3 + turn) % 4];
    for (let coat = 0; coat < 9; coat++) {
      const inset = width * 0.07 + coat * 3.2;
      const noise = createNoise(fields.fork(`${field}/${coat}`), 3);
      const edge = (length: number, at: (part: number, wobble: number) => Point, seed: number) =>
        Array.from({ length }, (_, index) => at(index / length, noise(index * 0.35 + seed) * 7));
      const [left, right, top, bottom] = [inset, width - inset, y + coat * 2.5, y + tall - coat * 2.5];
      const outline = [
        ...edge(40, (part, wobble) => [left + (right - left) * part, top + wobble], 0),
        ...edge(30, (part, wobble) => [right + wobble, top + (bottom - top) * part], 60),
        ...edge(40, (part, wobble) => [right - (right - left) * part, bottom + wobble], 120),
        ...edge(30, (part, wobble) => [left + wobble, bottom - (bottom - top) * part], 180),
      ];
      canvas.fill(
        coat < 4 ? "mass" : "shape",
        [outline],
        toHex(lighter(colour, (coat - 4) * 0.012)),
        ` fill-opacity=".28"`,
      );
    }
    const strokes = Array.from({ length: 50 }, (): Point[] => {
      const at = y + tall * fields.between(0.06, 0.94);
      const x = width * fields.between(0.1, 0.7);
      return [[x, at], [x + width * fields.between(0.06, 0.2), at + fields.between(-4, 4)]];
    });
    brush.line(strokes, lighter(colour, 0.08), { width: 9, opacity: 0.1 });
    y += share;
  }
}

/** Threads that follow a field of directions. */
function paintThreads({ brush, palette, random, width, height }: Easel): void {
  const threads = random.fork("threads");
  const [across, down] = [createNoise(threads.fork("across"), 2), createNoise(threads.fork("down"), 2)];
  const turn = threads.between(0, 6.3);
  const groups: Point[][][] = [[], [], [], []];
  for (let thread = 0; thread < 620; thread++) {
    let [x, y] = [threads.between(-0.1, 1.1) * width, threads.between(-0.1, 1.1) * height];
    const line: Point[] = [[x, y]];
    const length = threads.integer(14, 40);
    for (let step = 0; step < length; step++) {
      const angle = turn + 2.4 * across(x / 330 + y / 900) + 1.9 * down(y / 300 - x / 1100);
      x += Math.cos(angle) * 11;
      y += Math.sin(angle) * 11;
      line.push([x, y]);
    }
    const tone = Math.floor(
      (across(line[0][0] / 260 + 50) + down(line[0][1] / 240 + 50) + 2) * 0.99 + threads.next() * 0.8,
    ) % 4;
    groups[tone].push(line);
  }
  groups.forEach((lines, tone) => {
    const colour = palette.harmony[tone + 1];
    const third = Math.ceil(lines.length / 3);
    brush.line(lines.slice(0, third), colour, { width: 17, opacity: 0.5, stage: "mass" });
    brush.line(lines.slice(third, 2 * third), lighter(colour, 0.03), {
      width: 8,
      opacity: 0.8,
      stage: "shape",
    });
    brush.line(lines.slice(2 * third), lighter(colour, 0.08), { width: 2.2, opacity: 0.9 });
  });
}
