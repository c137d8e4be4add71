/** Seas and lakes: the sky and the far shore upside down, and the path of the light. */
import type { Part, Point } from "./canvas.ts";
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { below, curve, rollingRidge } from "./outline.ts";

export function paintWater(
  easel: Easel,
  { from, isCalm, mirrored }: { from: number; isCalm: boolean; mirrored: Part[] },
): void {
  const { canvas, palette, scene, width, height, weather, time } = easel;
  const { sky } = palette;
  const deep = palette.at(0.92, time === "night" ? "#12305a" : "#1f6a86");
  const shallow = mix(sky[3], palette.at(0.3, "#4b9bb0"), time === "day" ? 0.5 : 0.28);
  const middle = mix(sky[1], deep, time === "day" ? 0.62 : 0.45);
  const stops = isCalm
    ? [{ at: 0, colour: lighter(sky[3], -0.04) }, { at: 0.4, colour: mix(sky[2], deep, 0.25) }, {
      at: 1,
      colour: mix(sky[0], deep, 0.45),
    }]
    : [{ at: 0, colour: shallow }, { at: 0.35, colour: middle }, { at: 1, colour: deep }];
  if (scene.style === "ink") canvas.band("mass", from, height + 20, toHex(palette.paper));
  else if (scene.style === "poster") {
    for (let strip = 0; strip < 5; strip++) {
      const colour = strip < 2
        ? mix(stops[0].colour, stops[1].colour, strip / 2 + 0.2)
        : mix(stops[1].colour, stops[2].colour, (strip - 2) / 2);
      const top = from + (height - from) * (strip / 5) ** 1.4;
      const edge = rollingRidge({
        width,
        base: top + 6,
        rise: strip === 0 ? 0 : 14,
        waves: 5,
        random: easel.random.fork(`strip ${strip}`),
      });
      if (strip === 0) canvas.band("mass", from, height + 20, toHex(colour));
      else canvas.fill("mass", [below(edge, height + 20)], toHex(colour));
    }
  } else canvas.band("mass", from, height + 20, canvas.fade(from, height, stops));
  const reflection = isCalm ? 0.5 : weather === "storm" ? 0.08 : 0.2;
  const clip = canvas.define((id) =>
    `<clipPath id="${id}"><rect x="-20" y="${from}" width="${width + 40}" height="${height}"/></clipPath>`
  );
  const squeeze = isCalm ? 0.92 : 0.7;
  for (const stage of ["mass", "shape"] as const) {
    const elements = mirrored.filter((part) => part.stage === stage).map((part) => part.element).join("");
    if (elements === "" || scene.style === "poster") continue;
    canvas.add(
      stage,
      `<g clip-path="${clip}" opacity="${reflection}"><g transform="translate(0 ${
        from * (1 + squeeze)
      }) scale(1 -${squeeze})">${elements}</g></g>`,
    );
  }
  paintLightPath(easel, from);
  paintWaves(easel, { from, isCalm });
}

/** Lens-shaped glints under sun or moon, wider the nearer they come. */
function paintLightPath(
  { canvas, palette, random, light, height, width, weather, scene, time }: Easel,
  from: number,
): void {
  if (weather === "storm" || weather === "rain" || weather === "snow") return;
  if (scene.unwanted.has(time === "night" ? "moon" : "sun")) return;
  const glints = random.fork("glints");
  const outlines: Point[][] = [];
  for (let glint = 0; glint < 120; glint++) {
    const part = glints.next() ** 1.35;
    const y = from + 3 + (height - from) * part * 0.96;
    const spread = light.radius * (0.55 + 2.1 * part);
    const x = light.x + (glints.next() + glints.next() - 1) * spread;
    const long = (7 + 60 * part) * glints.between(0.4, 1);
    outlines.push(lens([x, y], long, 0.9 + 3.4 * part));
  }
  const colour = scene.style === "ink"
    ? lighter(palette.paper, 0.03)
    : mix(palette.light, palette.glow, 0.35);
  canvas.fill("detail", outlines, toHex(colour), ` fill-opacity="${time === "day" ? 0.5 : 0.72}"`);
  if (scene.style === "ink" || scene.style === "poster") return;
  const paint = canvas.glow([light.x, from], Math.min(width, height) * 0.5, [
    { at: 0, colour: palette.glow, opacity: time === "day" ? 0.3 : 0.55 },
    { at: 1, colour: palette.glow, opacity: 0 },
  ]);
  canvas.band("shape", from, height + 20, paint);
}

function paintWaves(
  { canvas, brush, palette, random, width, height, weather, scene }: Easel,
  { from, isCalm }: { from: number; isCalm: boolean },
): void {
  const waves = random.fork("waves");
  const count = isCalm ? 70 : weather === "storm" ? 230 : 170;
  const groups: Point[][][] = [[], []];
  for (let wave = 0; wave < count; wave++) {
    const part = waves.next() ** 1.6;
    const y = from + 2 + (height - from) * part;
    const x = waves.between(-40, width + 40);
    const long = (14 + 120 * part) * waves.between(0.4, 1);
    groups[wave % 2].push(
      lens([x, y], long, (0.8 + (isCalm ? 1.6 : 4.2) * part) * (weather === "storm" ? 1.7 : 1)),
    );
  }
  if (scene.style === "ink") {
    brush.line(groups.flat().map((outline) => outline.slice(0, outline.length / 2)), [0, 0, 0], {
      width: 1.3,
      opacity: 0.85,
    });
    return;
  }
  const opacity = isCalm ? 0.16 : 0.24;
  canvas.fill(
    "detail",
    groups[0],
    toHex(mix(palette.sky[3], palette.light, 0.3)),
    ` fill-opacity="${opacity}"`,
  );
  canvas.fill("detail", groups[1], toHex(palette.at(1, "#1a4a66")), ` fill-opacity="${opacity * 1.1}"`);
  if (isCalm) return;
  if (weather !== "storm") return;
  const crests = Array.from({ length: 26 }, (): Point[] => {
    const part = waves.between(0.15, 1);
    const [x, y, long] = [
      waves.between(0, width),
      from + (height - from) * part,
      (30 + 90 * part) * waves.between(0.5, 1),
    ];
    const tall = long * waves.between(0.1, 0.2);
    return curve([
      [x - long, y],
      [x - long * 0.3, y - tall],
      [x + long * 0.25, y - tall * 0.7],
      [x + long, y + 2],
      [x + long * 0.2, y - tall * 0.3],
      [x - long * 0.4, y - tall * 0.5],
    ]);
  });
  canvas.fill("detail", crests, toHex(palette.lit("#f4f8fa")), ` fill-opacity=".6"`);
}

function lens([x, y]: Point, long: number, tall: number): Point[] {
  return [[x - long, y], [x - long * 0.4, y - tall], [x + long * 0.4, y - tall * 0.9], [x + long, y], [
    x + long * 0.3,
    y + tall * 0.6,
  ], [x - long * 0.3, y + tall * 0.6]];
}

/** Sand at the lower edge with a line of foam. */
export function paintBeach(easel: Easel, from: number): void {
  const { brush, canvas, palette, random, width, height } = easel;
  const beach = random.fork("beach");
  const slope = beach.pick([-1, 1]) * height * 0.07;
  const shore = (offset: number, rise: number, name: string): Point[] =>
    rollingRidge({ width, base: from + offset, rise, waves: 3, random: beach.fork(name) })
      .map(([x, y]) => [x, y + slope * (x / width - 0.5)]);
  const edge = shore(0, 26, "edge");
  const foam = palette.lit("#ffffff");
  canvas.fill(
    "shape",
    [below(edge.map(([x, y]) => [x, y - 13 + 3 * Math.sin(x / 37)]), height + 20)],
    toHex(foam),
    ` fill-opacity=".45"`,
  );
  canvas.fill(
    "shape",
    [below(edge.map(([x, y]) => [x, y - 5 + 4 * Math.sin(x / 23)]), height + 20)],
    toHex(foam),
    ` fill-opacity=".9"`,
  );
  brush.mass(below(edge, height + 20), {
    top: palette.at(0.9, "#b98f5f"),
    foot: palette.at(0.95, "#e6c48d"),
    stage: "shape",
  });
  const dry = shore(34, 26, "edge");
  brush.mass(below(dry, height + 20), {
    top: palette.at(0.88, "#e3c08a"),
    foot: palette.at(1, "#d9ae74"),
    stage: "shape",
  });
  const grains = Array.from({ length: 150 }, (): Point[] => {
    const x = beach.between(0, width);
    const y = beach.between(from + 60, height);
    return [[x, y], [x + beach.between(1, 9), y + beach.between(-1, 1)]];
  });
  brush.line(grains, palette.at(1, "#a37c4f"), { width: 1.6, opacity: 0.45 });
}
