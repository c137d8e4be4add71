/** A skyline in rows, with windows that are lit when it is dark. */
import type { Point } from "./canvas.ts";
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { box } from "./outline.ts";
import type { Random } from "./random.ts";
import { paintMist } from "./weather.ts";

export function paintCity(easel: Easel, { foot, isFar }: { foot: number; isFar: boolean }): void {
  const { palette, brush, random, width, height, scene } = easel;
  const city = random.fork("city");
  const rows = isFar ? 3 : 4;
  const [wall, trim] = city.pick([["#7d8ba0", "#c9b7a4"], ["#8f8580", "#bfa08d"], ["#6f8390", "#a7b4b8"]]);
  for (let row = 0; row < rows; row++) {
    const part = row / (rows - 1);
    const depth = 0.2 + (isFar ? 0.46 : 0.72) * part;
    const base = foot + (isFar ? 0 : (height - foot) * 0.55 * part ** 1.5);
    const tallest = height * (isFar ? 0.34 : 0.44) * (1 - 0.34 * part);
    const blocks = buildRow({ width, base, tallest, part, random: city.fork(`row ${row}`) });
    const body = [wall, trim].map((local, index) => lighter(palette.at(depth, local), index * 0.02));
    for (const index of [0, 1]) {
      const outlines = blocks.filter((block) => block.index % 2 === index).map((block) => block.outline);
      brush.shape(outlines, body[index], "mass");
    }
    paintSides(easel, blocks, depth);
    if (row > 0) paintWindows(easel, blocks, { depth, random: city.fork(`windows ${row}`) });
    paintMist(
      easel,
      base - tallest * 0.05,
      tallest * 0.34,
      (scene.weather === "fog" ? 0.55 : 0.4) * (1 - part),
    );
    if (!isFar && row === rows - 1) paintStreet(easel, base);
  }
}

interface Block {
  index: number;
  x: number;
  top: number;
  wide: number;
  base: number;
  outline: Point[];
}

function buildRow(
  { width, base, tallest, part, random }: {
    width: number;
    base: number;
    tallest: number;
    part: number;
    random: Random;
  },
): Block[] {
  const blocks: Block[] = [];
  const centre = random.between(0.3, 0.7) * width;
  let x = -30;
  while (x < width + 30) {
    const wide = random.between(26, 62) * (0.8 + 0.9 * part);
    const nearCentre = Math.exp(-(((x - centre) / (width * 0.3)) ** 2));
    const tall = tallest * (0.22 + 0.32 * random.next() + 0.46 * nearCentre * random.next() ** 0.6);
    const top = base - tall;
    blocks.push({
      index: blocks.length,
      x,
      top,
      wide,
      base,
      outline: tower({ x, top, wide, base: base + 30, random }),
    });
    x += wide + (random.chance(0.25) ? random.between(2, 16) : 0);
  }
  return blocks;
}

function tower(
  { x, top, wide, base, random }: { x: number; top: number; wide: number; base: number; random: Random },
): Point[] {
  const right = x + wide;
  const middle = x + wide / 2;
  const roof = random.next();
  const crown: Point[] = roof < 0.42 ? [[x, top], [right, top]] : roof < 0.58
    ? [
      [x, top + wide * 0.3],
      [x + wide * 0.18, top + wide * 0.3],
      [x + wide * 0.18, top],
      [right - wide * 0.18, top],
      [right - wide * 0.18, top + wide * 0.3],
      [right, top + wide * 0.3],
    ]
    : roof < 0.7
    ? [
      [x, top + wide * 0.25],
      [middle - 2, top],
      [middle - 1, top - wide * 0.8],
      [middle + 1, top - wide * 0.8],
      [middle + 2, top],
      [right, top + wide * 0.25],
    ]
    : roof < 0.82
    ? [[x, top + wide * 0.4], [right, top]]
    : [
      [x, top],
      [x + wide * 0.7, top],
      [x + wide * 0.7, top - wide * 0.5],
      [x + wide * 0.74, top - wide * 0.5],
      [x + wide * 0.74, top],
      [right, top],
    ];
  return [[x, base], ...crown, [right, base]];
}

/** A shaded strip on the side away from the light gives the blocks a body. */
function paintSides({ canvas, palette, light, scene }: Easel, blocks: Block[], depth: number): void {
  const strips = blocks.map(({ x, top, wide, base }) => {
    const isLeftLit = light.x < x + wide / 2;
    return box(isLeftLit ? x + wide * 0.68 : x, top + wide * 0.42, wide * 0.32, base - top);
  });
  const opacity = scene.style === "ink" ? 0.16 : 0.2;
  canvas.fill("shape", strips, toHex(palette.at(Math.min(1, depth + 0.35))), ` fill-opacity="${opacity}"`);
}

function paintWindows(
  easel: Easel,
  blocks: Block[],
  { depth, random }: { depth: number; random: Random },
): void {
  const { canvas, palette, time, weather, scene } = easel;
  const isDark = time === "night" || time === "sunset" || weather === "storm" || weather === "rain";
  const lit: Point[][] = [];
  const warm: Point[][] = [];
  const unlit: Point[][] = [];
  for (const { x, top, wide, base } of blocks) {
    const columns = Math.max(2, Math.floor(wide / 9));
    const pitch = wide / columns;
    const rowPitch = random.pick([10, 12, 14]);
    const share = (time === "night" ? 0.46 : isDark ? 0.3 : 0.03) * (0.25 + 1.9 * random.next() ** 2);
    for (let y = top + wide * 0.45 + 4; y < base - 6; y += rowPitch) {
      for (let column = 0; column < columns; column++) {
        const pane = box(x + pitch * (column + 0.26), y, pitch * 0.48, rowPitch * 0.52);
        if (random.chance(share)) (random.chance(0.75) ? lit : warm).push(pane);
        else if (random.chance(0.8)) unlit.push(pane);
      }
    }
  }
  const shadow = isDark
    ? palette.at(Math.min(1, depth + 0.3))
    : mix(palette.at(depth, "#33475c"), palette.sky[0], 0.2);
  if (scene.style === "ink") {
    canvas.fill("detail", time === "night" ? unlit : [...unlit, ...lit], "#1d1a1c", ` fill-opacity=".85"`);
    return;
  }
  canvas.fill("detail", unlit, toHex(shadow), ` fill-opacity="${isDark ? 0.3 : 0.38}"`);
  const fading = ` fill-opacity="${(0.5 + 0.5 * depth).toFixed(2)}"`;
  if (lit.length > 0) canvas.fill("detail", lit, toHex(palette.lamp), fading);
  if (warm.length > 0) {
    canvas.fill("detail", warm, toHex(mix(palette.lamp, palette.tint("orange"), 0.45)), fading);
  }
}

/** Wet-looking ground with the glow of lamps. */
function paintStreet(
  { canvas, palette, width, height, random, time, weather, scene, brush }: Easel,
  from: number,
): void {
  const street = random.fork("street");
  brush.mass(box(-20, from, width + 40, height - from + 20), {
    top: palette.at(0.86, "#5a5f6b"),
    foot: palette.at(1, "#3f434d"),
  });
  const isDark = time === "night" || time === "sunset" || weather === "rain" || weather === "storm";
  if (!isDark || scene.style === "ink") return;
  const streaks: Point[][] = Array.from({ length: 60 }, () => {
    const part = street.next();
    return box(
      street.between(0, width),
      from + (height - from) * part * 0.7,
      street.between(1.5, 5),
      street.between(14, 70),
    );
  });
  canvas.fill("detail", streaks, toHex(palette.lamp), ` fill-opacity=".2"`);
  for (let lamp = 0; lamp < 7; lamp++) {
    const [x, y] = [street.between(0, width), from + street.between(-8, 10)];
    const paint = canvas.glow([x, y], 60, [{ at: 0, colour: palette.lamp, opacity: 0.55 }, {
      at: 1,
      colour: palette.lamp,
      opacity: 0,
    }]);
    canvas.fill("detail", [box(x - 60, y - 60, 120, 120)], paint);
  }
}
