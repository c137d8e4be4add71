/** Sailing boats and lighthouses. */
import type { Point } from "./canvas.ts";
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { blob, box, curve } from "./outline.ts";
import { colourOf } from "./subjects.ts";

export function paintBoat(easel: Easel, waterline: number): void {
  const { brush, canvas, palette, random, width, height, light, scene } = easel;
  const boat = random.fork("boat");
  const y = waterline + (height - waterline) * boat.between(0.26, 0.42);
  const size = 84 * boat.between(0.85, 1.25);
  const isRight = (light.x < width / 2) !== scene.subjects.has("lighthouse");
  const x = width * (isRight ? boat.between(0.56, 0.74) : boat.between(0.26, 0.44));
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
  const crags = Array.from({ length: 9 }, (_, index): Point[] => {
    const [cragX, cragY] = cliff[3 + index];
    const fall = height * rocks.between(0.03, 0.08);
    return [[cragX, cragY + 2], [cragX + out * rocks.between(12, 26), cragY + 5], [
      cragX + out * rocks.between(-4, 14),
      cragY + fall,
    ], [cragX - out * 14, cragY + fall * 0.8]];
  });
  brush.mass(cliff, { top: palette.at(0.86, "#5b5550"), foot: palette.at(1, "#3a3a40"), stage: "shape" });
  brush.shape(crags, palette.at(0.8, "#7a716a"), "detail");
}
