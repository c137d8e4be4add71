/** How a style lays down an area: smooth paint, hatched ink, chalk, flat poster colour or watercolour wash. */
import type { Canvas, Point, Stage } from "./canvas.ts";
import { type Colour, fromHex, lighter, mix, toHex } from "./colour.ts";
import type { Random } from "./random.ts";
import type { Style } from "./words.ts";

export interface Brush {
  /** A large area that fades from its upper edge to `foot`. */
  mass(outline: Point[], area: { top: Colour; foot: Colour; stage?: Stage }): void;
  /** Small things of one colour, each outline closed. */
  shape(outlines: Point[][], colour: Colour, stage?: Stage): void;
  /** Thin lines. */
  line(lines: Point[][], colour: Colour, options: { width: number; opacity?: number; stage?: Stage }): void;
}

const ink = fromHex("#1d1a1c");

export function createBrush(
  { canvas, style, paper, random }: { canvas: Canvas; style: Style | null; paper: Colour; random: Random },
): Brush {
  const line: Brush["line"] = (lines, colour, { width, opacity = 1, stage = "detail" }) =>
    canvas.stroke(stage, lines, {
      paint: toHex(style === "ink" ? mix(ink, paper, colour[0] > 0.75 ? 0.85 : 0) : colour),
      width,
      opacity,
    });
  switch (style) {
    case "ink":
      return { ...inkBrush({ canvas, paper, random }), line };
    case "watercolour":
      return { ...watercolourBrush({ canvas, random }), line };
    case "poster":
      return {
        mass: (outline, { top, foot, stage = "mass" }) =>
          canvas.fill(stage, [outline], toHex(mix(top, foot, 0.25))),
        shape: (outlines, colour, stage = "shape") => canvas.fill(stage, outlines, toHex(colour)),
        line,
      };
    default:
      return { ...paintBrush({ canvas, isChalky: style === "pastel", random }), line };
  }
}

function paintBrush(
  { canvas, isChalky, random }: { canvas: Canvas; isChalky: boolean; random: Random },
): Omit<Brush, "line"> {
  return {
    mass(outline, { top, foot, stage = "mass" }) {
      const [from, to] = extent(outline);
      const paint = canvas.fade(from, to, [{ at: 0, colour: top }, { at: 1, colour: foot }]);
      canvas.fill(stage, [outline], paint);
      if (!isChalky) return;
      const edge = outline.slice(0, -2);
      for (const [offset, opacity] of [[3, 0.35], [-4, 0.22], [9, 0.2]]) {
        const moved = edge.map(([x, y]): Point => [x, y + offset + random.between(-3, 3)]);
        canvas.stroke("shape", [moved], { paint: toHex(lighter(top, offset / 120)), width: 7, opacity });
      }
    },
    shape(outlines, colour, stage = "shape") {
      canvas.fill(stage, outlines, toHex(colour));
    },
  };
}

function inkBrush(
  { canvas, paper, random }: { canvas: Canvas; paper: Colour; random: Random },
): Omit<Brush, "line"> {
  const hatches = new Map<number, string>();
  const hatch = (spacing: number, angle: number) => {
    const key = spacing * 1000 + angle;
    const known = hatches.get(key);
    if (known !== undefined) return known;
    const paint = canvas.define((id) => hatchPattern({ id, spacing, angle, random }));
    hatches.set(key, paint);
    return paint;
  };
  const draw = (outlines: Point[][], colour: Colour, stage: Stage) => {
    const lightness = colour[0];
    if (lightness < 0.2) {
      canvas.fill(stage, outlines, toHex(mix(ink, colour, 0.1)));
      return;
    }
    canvas.fill(stage, outlines, toHex(mix(paper, colour, 0.16)));
    if (lightness < 0.82) canvas.fill("detail", outlines, hatch(lightness < 0.6 ? 6 : 11, 38));
    if (lightness < 0.48) canvas.fill("detail", outlines, hatch(7, -40));
    if (lightness < 0.34) canvas.fill("detail", outlines, hatch(5, 82));
  };
  const outlined = (outlines: Point[][], width: number, stage: Stage) => {
    const shaky = outlines.map((outline) =>
      [...outline, outline[0]].map((
        [x, y],
      ): Point => [x + random.between(-0.7, 0.7), y + random.between(-0.7, 0.7)])
    );
    canvas.stroke(stage, shaky, { paint: toHex(ink), width });
  };
  return {
    mass(outline, { top, foot, stage = "mass" }) {
      draw([outline], mix(top, foot, 0.3), stage);
      outlined([outline], 2, "shape");
    },
    shape(outlines, colour, stage = "shape") {
      draw(outlines, colour, stage);
      outlined(outlines, 1.3, stage);
    },
  };
}

function hatchPattern(
  { id, spacing, angle, random }: { id: string; spacing: number; angle: number; random: Random },
): string {
  const count = 12;
  const [length, breadth] = [180, spacing * count];
  const strokes = Array.from({ length: count }, (_, index) => {
    const y = (index + 0.5) * spacing + random.between(-0.15, 0.15) * spacing;
    const from = random.between(0, 8);
    const bend = random.between(-1, 1);
    return `M${from.toFixed(1)} ${y.toFixed(1)}Q90 ${(y + bend).toFixed(1)} ${length - 4} ${y.toFixed(1)}`;
  }).join("");
  return `<pattern id="${id}" patternUnits="userSpaceOnUse" width="${length}" height="${breadth}" ` +
    `patternTransform="rotate(${angle})"><path d="${strokes}" fill="none" stroke="${toHex(ink)}" ` +
    `stroke-width="1.1" stroke-linecap="round" stroke-opacity=".8"/></pattern>`;
}

/** Several jittered transparent coats whose edges do not quite meet, and pigment gathered at the rim. */
function watercolourBrush({ canvas, random }: { canvas: Canvas; random: Random }): Omit<Brush, "line"> {
  const bleed = (outline: Point[], by: number) => {
    const sway = [random.between(0, 6), random.between(0, 6)];
    return outline.map(([x, y]): Point => [
      x + random.between(-by, by) * 0.5 + by * Math.sin(y / 31 + sway[0]),
      y + random.between(-by, by) * 0.5 + by * Math.sin(x / 43 + sway[1]),
    ]);
  };
  return {
    mass(outline, { top, foot, stage = "mass" }) {
      const [from, to] = extent(outline);
      const paint = canvas.fade(from, to, [
        { at: 0, colour: top, opacity: 0.95 },
        { at: 0.35, colour: mix(top, foot, 0.5), opacity: 0.8 },
        { at: 1, colour: foot, opacity: 0.9 },
      ]);
      canvas.fill(stage, [bleed(outline, 1.2)], paint);
      canvas.fill("shape", [bleed(outline, 5)], toHex(top), ` fill-opacity=".16"`);
      canvas.fill("shape", [bleed(outline, 9)], toHex(lighter(top, 0.08)), ` fill-opacity=".12"`);
      const rim = bleed(outline.slice(0, -2), 1);
      canvas.stroke("detail", [rim], { paint: toHex(lighter(top, -0.12)), width: 2, opacity: 0.4 });
    },
    shape(outlines, colour, stage = "shape") {
      canvas.fill(
        stage,
        outlines.map((outline) => bleed(outline, 0.6)),
        toHex(colour),
        ` fill-opacity=".82"`,
      );
      canvas.fill(
        stage,
        outlines.map((outline) => bleed(outline, 2.4)),
        toHex(colour),
        ` fill-opacity=".25"`,
      );
    },
  };
}

function extent(outline: Point[]): [top: number, bottom: number] {
  let [top, bottom] = [Infinity, -Infinity];
  for (const [, y] of outline) [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  return [top, bottom];
}
