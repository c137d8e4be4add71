/** The things a prompt can name: each small, simple and in its place. */
import type { Point } from "./canvas.ts";
import { type Colour, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { blob, box, curve } from "./outline.ts";
import type { Subject } from "./words.ts";

/** The colour named for a subject, in this light, or its usual one. */
export function colourOf({ scene, palette }: Easel, subject: Subject, usual: string): Colour {
  const tint = scene.subjects.get(subject);
  if (tint === null || tint === undefined) return palette.at(0.92, usual);
  return mix(palette.tint(tint), palette.at(1), 0.22);
}

export function paintBirds({ brush, palette, random, width, horizon, time }: Easel): void {
  const birds = random.fork("birds");
  const [centreX, centreY] = [birds.between(0.25, 0.75) * width, birds.between(0.25, 0.55) * horizon];
  const lines: Point[][] = [];
  for (let bird = 0; bird < birds.integer(5, 11); bird++) {
    const [x, y] = [centreX + birds.between(-150, 150), centreY + birds.between(-60, 60)];
    const [span, lift] = [birds.between(8, 20), birds.between(0.25, 0.6)];
    lines.push(
      curve([[x - span, y - span * lift * 0.5], [x - span * 0.5, y - span * lift], [x, y], [
        x + span * 0.5,
        y - span * lift,
      ], [x + span, y - span * lift * 0.4]], { isClosed: false, steps: 4 }),
    );
  }
  brush.line(lines, time === "night" ? palette.at(0.3) : palette.at(0.85), { width: 2.4 });
}

export function paintHouse(easel: Easel, [x, y]: Point, size: number): void {
  const { brush, canvas, palette, time, weather, scene, random } = easel;
  const house = random.fork("house");
  const wall = colourOf(easel, "house", house.pick(["#e8dcc4", "#b8543f", "#d9c3a0"]));
  const roof = palette.at(0.97, house.pick(["#6d3a30", "#4b4a55", "#7b4a35"]));
  const [half, tall] = [size * 0.62, size * 0.62];
  brush.shape([box(x + half * 0.42, y - tall * 1.75, size * 0.14, size * 0.5)], palette.at(1, "#6b4a40"));
  brush.shape([box(x - half, y - tall, half * 2, tall + 3)], wall);
  brush.shape([[[x - half * 1.16, y - tall], [x - half * 0.72, y - tall * 1.72], [
    x + half * 0.72,
    y - tall * 1.72,
  ], [x + half * 1.16, y - tall]]], roof);
  const isDark = time !== "day" || weather === "storm" || weather === "rain";
  const pane = isDark ? palette.lamp : palette.at(0.9, "#8fb0c0");
  const panes = [-0.72, 0.38].map((at) => box(x + half * at, y - tall * 0.72, size * 0.2, size * 0.22));
  if (isDark && scene.style !== "ink") {
    const glow = canvas.glow([x, y - tall * 0.5], size * 1.7, [
      { at: 0, colour: palette.lamp, opacity: 0.5 },
      { at: 1, colour: palette.lamp, opacity: 0 },
    ]);
    canvas.fill("detail", [blob([x, y - tall * 0.5], [size * 1.7, size * 1.7])], glow);
  }
  brush.shape(panes, pane, "detail");
  brush.shape(
    [box(x - size * 0.1, y - tall * 0.66, size * 0.2, tall * 0.66 + 2)],
    palette.at(1, "#4a3428"),
    "detail",
  );
  const smoke = curve([[x + half * 0.55, y - tall * 1.8], [x + half * 0.75, y - tall * 2.2], [
    x + half * 0.5,
    y - tall * 2.7,
  ], [x + half * 0.95, y - tall * 3.3]], { isClosed: false });
  brush.line([smoke], palette.cloud, { width: size * 0.09, opacity: 0.35 });
}

export function paintCacti(easel: Easel): void {
  const { palette, random, width, height, canvas, scene, light } = easel;
  const cacti = random.fork("cacti");
  const colour = colourOf(easel, "cactus", "#3e6b4c");
  const count = cacti.integer(3, 5);
  for (let cactus = 0; cactus < count; cactus++) {
    const part = cactus === count - 1 ? 1 : cacti.between(0.1, 0.6);
    const x = width * (cactus === count - 1 ? cacti.pick([0.2, 0.78]) : cacti.between(0.05, 0.95));
    const y = height * (0.7 + 0.24 * part);
    const tall = height * (0.07 + 0.24 * part);
    const thick = tall * 0.13;
    const arms: Point[][] = [[[x, y], [x, y - tall]]];
    for (const side of [-1, 1]) {
      const from = y - tall * cacti.between(0.35, 0.58);
      const out = x + side * tall * cacti.between(0.2, 0.26);
      arms.push(
        curve([[x, from], [out - side * tall * 0.06, from], [out, from - tall * 0.07], [
          out,
          from - tall * cacti.between(0.2, 0.36),
        ]], { isClosed: false }),
      );
    }
    const distance = mix(palette.at(0.35), colour, 0.3 + 0.7 * part);
    const dark = scene.style === "ink" ? "#1d1a1c" : toHex(distance);
    canvas.stroke("shape", arms.slice(1), { paint: dark, width: thick * 0.72 });
    canvas.stroke("shape", arms.slice(0, 1), { paint: dark, width: thick });
    const side = light.x < x ? -1 : 1;
    const rim = arms.map((arm) => arm.map(([px, py]): Point => [px + side * thick * 0.24, py]));
    canvas.stroke("detail", rim, {
      paint: toHex(mix(distance, palette.glow, 0.4)),
      width: thick * 0.13,
      opacity: 0.7,
    });
  }
}

/** Seen from behind, looking at the view. */
export function paintCat(easel: Easel): void {
  const { brush, palette, random, width, height, canvas } = easel;
  const cat = random.fork("cat");
  const [x, y, size] = [width * cat.pick([0.3, 0.7]), height * 0.95, height * 0.17];
  const colour = colourOf(easel, "cat", "#2a2426");
  const body = curve([
    [x - size * 0.36, y],
    [x - size * 0.38, y - size * 0.3],
    [x - size * 0.24, y - size * 0.72],
    [x - size * 0.13, y - size * 0.9],
    [x + size * 0.13, y - size * 0.9],
    [x + size * 0.24, y - size * 0.72],
    [x + size * 0.38, y - size * 0.3],
    [x + size * 0.36, y],
  ]);
  const head = blob([x, y - size * 1.08], [size * 0.24, size * 0.21]);
  const ears = [-1, 1].map((
    side,
  ): Point[] => [[x + side * size * 0.23, y - size * 1.06], [x + side * size * 0.2, y - size * 1.43], [
    x + side * size * 0.03,
    y - size * 1.24,
  ]]);
  const tail = curve([[x + size * 0.3, y - size * 0.04], [x + size * 0.62, y - size * 0.02], [
    x + size * 0.76,
    y - size * 0.22,
  ], [x + size * 0.66, y - size * 0.46]], { isClosed: false });
  canvas.stroke("shape", [tail], { paint: toHex(colour), width: size * 0.11 });
  brush.shape([body, head, ...ears], colour);
  brush.line(
    [
      [...ears[0].slice(0, 2)],
      curve([[x - size * 0.36, y - size * 0.2], [x - size * 0.24, y - size * 0.7]], { isClosed: false }),
    ],
    mix(colour, palette.glow, 0.6),
    { width: 2, opacity: 0.6 },
  );
}

export function paintBalloon(easel: Easel): void {
  const { brush, palette, random, width, horizon } = easel;
  const balloons = random.fork("balloons");
  const usual = balloons.pick(["#d8483a", "#e39a2d", "#2f7f9a"]);
  for (const [part, size] of [[0.55, 34], [0.3, 84]]) {
    const x = width * (balloons.between(0.15, 0.4) + (size > 50 ? 0.15 : 0.4));
    const y = horizon * part;
    const colour = mix(palette.at(0.5), colourOf(easel, "balloon", usual), size > 50 ? 1 : 0.7);
    const skin = curve([
      [x, y - size],
      [x + size * 0.72, y - size * 0.66],
      [x + size * 0.84, y - size * 0.05],
      [x + size * 0.2, y + size * 0.86],
      [x - size * 0.2, y + size * 0.86],
      [x - size * 0.84, y - size * 0.05],
      [x - size * 0.72, y - size * 0.66],
    ]);
    const gore = (reach: number) =>
      curve([[x, y - size], [x + size * reach, y - size * 0.1], [x + size * reach * 0.25, y + size * 0.86], [
        x - size * reach * 0.25,
        y + size * 0.86,
      ], [x - size * reach, y - size * 0.1]]);
    brush.shape([skin], colour);
    brush.shape([gore(0.56)], mix(colour, palette.lit("#fdf3dc"), 0.72));
    brush.shape([gore(0.24)], colour);
    brush.line(
      [-0.2, 0.2].map((
        side,
      ): Point[] => [[x + side * size, y + size * 0.84], [x + side * size * 0.6, y + size * 1.18]]),
      palette.at(0.9),
      { width: 1.4 },
    );
    brush.shape(
      [box(x - size * 0.14, y + size * 1.16, size * 0.28, size * 0.2)],
      palette.at(0.95, "#6b4a32"),
    );
  }
}
