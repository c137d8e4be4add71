/** The things a prompt can name: each small, simple and in its place. */
import type { Point } from "./canvas.ts";
import { type Colour, lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { blob, box, curve } from "./outline.ts";
import type { Subject } from "./words.ts";

/** The colour named for a subject, in this light, or its usual one. */
function colourOf({ scene, palette }: Easel, subject: Subject, usual: string): Colour {
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

export function paintBoat(easel: Easel, waterline: number): void {
  const { brush, canvas, palette, random, width, height, light, scene } = easel;
  const boat = random.fork("boat");
  const y = waterline + (height - waterline) * boat.between(0.26, 0.42);
  const size = 84 * boat.between(0.85, 1.25);
  const x = width * (light.x < width / 2 ? boat.between(0.56, 0.74) : boat.between(0.26, 0.44));
  const hull: Point[] = [[x - size * 0.62, y - size * 0.16], [x + size * 0.72, y - size * 0.2], [
    x + size * 0.5,
    y + size * 0.06,
  ], [x - size * 0.46, y + size * 0.06]];
  const mast: Point[] = box(x - 1.5, y - size * 1.5, 3, size * 1.36);
  const sail = curve([[x + 5, y - size * 1.46], [x + size * 0.5, y - size * 0.7], [
    x + size * 0.66,
    y - size * 0.28,
  ], [x + 5, y - size * 0.26]], { steps: 5 });
  const jib: Point[] = [[x - 4, y - size * 1.36], [x - 5, y - size * 0.28], [
    x - size * 0.5,
    y - size * 0.24,
  ]];
  const mirror = (outline: Point[]): Point[] =>
    outline.map(([px, py]) => [px, 2 * y + size * 0.12 - (py - y) * 0.62 - y]);
  const hullColour = colourOf(easel, "boat", "#7a3b2e");
  const sailColour = mix(palette.lit("#fbf6ea"), palette.glow, 0.35);
  if (scene.style !== "ink") {
    canvas.fill("shape", [mirror(sail), mirror(jib)], toHex(sailColour), ` fill-opacity=".25"`);
    canvas.fill("shape", [mirror(hull)], toHex(hullColour), ` fill-opacity=".4"`);
  }
  brush.shape([sail], sailColour);
  brush.shape([jib], lighter(sailColour, -0.06));
  brush.shape([mast], palette.at(1, "#3d2d26"));
  brush.shape([hull], hullColour);
  brush.line(
    [[[x - size * 0.58, y - size * 0.1], [x + size * 0.66, y - size * 0.13]]],
    palette.lit("#f5efe2"),
    { width: 2.5, opacity: 0.8 },
  );
  const ripples = Array.from({ length: 7 }, (): Point[] => {
    const at = x + boat.between(-0.9, 0.9) * size;
    const below = y + size * boat.between(0.05, 0.5);
    return [[at - 16, below], [at + 16, below]];
  });
  brush.line(ripples, palette.sky[3], { width: 1.8, opacity: 0.5 });
}

export function paintLighthouse(easel: Easel, waterline: number): void {
  const { brush, canvas, palette, random, width, height, light, time, weather, scene } = easel;
  const rocks = random.fork("lighthouse");
  const isRight = light.x < width / 2;
  const x = width * (isRight ? rocks.between(0.74, 0.82) : rocks.between(0.18, 0.26));
  const ground = waterline + height * 0.015;
  const out = isRight ? 1 : -1;
  const cliff: Point[] = [[x - out * 170, ground + height * 0.075]];
  for (let step = 0; step < 16; step++) {
    const part = step / 15;
    const rise = Math.sin(Math.min(1, part * 1.9) * Math.PI / 2) * height * 0.1;
    cliff.push([
      x - out * 160 + out * part * (width * 0.3 + 190),
      ground + height * 0.06 - rise + rocks.between(-8, 8),
    ]);
  }
  const edge = isRight ? width + 30 : -30;
  cliff.push([edge, ground - height * 0.04], [edge, ground + height * 0.12], [x, ground + height * 0.1]);
  const foot = ground - height * 0.03;
  const tall = height * 0.3;
  const half = tall * 0.085;
  const isLit = time === "night" || time === "sunset" || weather === "fog" || weather === "storm";
  const lampY = foot - tall * 1.06;
  if (isLit && scene.style !== "ink") {
    for (const side of [-1, 1]) {
      const reach = width * 0.8;
      const paint = canvas.glow([x, lampY], reach, [{ at: 0, colour: palette.lamp, opacity: 0.6 }, {
        at: 0.4,
        colour: palette.lamp,
        opacity: 0.18,
      }, { at: 1, colour: palette.lamp, opacity: 0 }]);
      canvas.fill("detail", [[[x, lampY - 3], [x + side * reach, lampY - reach * 0.13], [
        x + side * reach,
        lampY + reach * 0.05,
      ], [x, lampY + 3]]], paint);
    }
  }
  const at = (part: number) => half * (1 - 0.36 * part);
  const slice = (
    from: number,
    to: number,
  ): Point[] => [[x - at(from), foot - tall * from + 6], [x - at(to), foot - tall * to + 6], [
    x + at(to),
    foot - tall * to + 6,
  ], [x + at(from), foot - tall * from + 6]];
  const wall = palette.at(0.95, "#f6f1e6");
  const stripe = colourOf(easel, "lighthouse", "#c8402f");
  brush.shape([slice(-0.03, 1)], wall);
  brush.shape([slice(0.14, 0.34), slice(0.54, 0.74), slice(0.94, 1)], stripe);
  canvas.fill(
    "detail",
    [[[x + at(0) * 0.35, foot + 6], [x + at(1) * 0.35, foot - tall + 6], [x + at(1), foot - tall + 6], [
      x + at(0),
      foot + 6,
    ]]],
    toHex(palette.at(1)),
    ` fill-opacity=".22"`,
  );
  const top = foot - tall + 6;
  brush.shape([box(x - half * 0.95, top - 5, half * 1.9, 6)], palette.at(1, "#38343a"));
  brush.shape(
    [box(x - half * 0.48, top - half * 1.2, half * 0.96, half * 1.1)],
    isLit ? palette.lamp : palette.at(0.7, "#d8e6ea"),
  );
  brush.shape([[[x - half * 0.72, top - half * 1.15], [x, top - half * 2], [
    x + half * 0.72,
    top - half * 1.15,
  ]]], stripe);
  if (isLit) {
    const glow = canvas.glow([x, lampY], 110, [{ at: 0, colour: palette.lamp, opacity: 0.85 }, {
      at: 0.25,
      colour: palette.lamp,
      opacity: 0.3,
    }, { at: 1, colour: palette.lamp, opacity: 0 }]);
    if (scene.style !== "ink") canvas.fill("detail", [blob([x, lampY], [110, 110])], glow);
  }
  brush.mass(cliff, { top: palette.at(0.86, "#5b5550"), foot: palette.at(1, "#3a3a40"), stage: "shape" });
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
