/** How a style lays down an area: smooth paint, hatched ink, chalk, flat poster colour or watercolour wash. */
import { type Canvas, type Point, short, type Stage } from "./canvas.ts";
import { type Colour, fromHex, lighter, mix, toHex } from "./colour.ts";
import { blob } from "./outline.ts";
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
  const hatch = (spacing: number) => {
    const paint = hatches.get(spacing) ??
      canvas.define((id) => hatchPattern({ id, spacing, isCrossed: spacing === 5 || spacing === 8, random }));
    hatches.set(spacing, paint);
    return paint;
  };
  const draw = (outlines: Point[][], colour: Colour, stage: Stage) => {
    const lightness = colour[0];
    if (lightness < 0.2) {
      canvas.fill(stage, outlines, toHex(mix(ink, colour, 0.1)));
      return;
    }
    canvas.fill(stage, outlines, toHex(mix(paper, colour, 0.16)));
    if (lightness > 0.82) return;
    const spacing = lightness > 0.6 ? 11 : lightness > 0.48 ? 6 : lightness > 0.34 ? 8 : 5;
    canvas.fill("detail", outlines, hatch(spacing));
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
    // Outlines first, so that of things that overlap only the common outline is left.
    shape(outlines, colour, stage = "shape") {
      outlined(outlines, 2.6, stage);
      draw(outlines, colour, stage);
    },
  };
}

/** Strokes with gaps, on a tile that repeats without a seam; crossed ones for the dark. */
function hatchPattern(
  { id, spacing, isCrossed, random }: { id: string; spacing: number; isCrossed: boolean; random: Random },
): string {
  const side = spacing * 24;
  const gap = 4;
  const strokes = Array.from({ length: 24 }, (_, index) => {
    const y = (index + 0.5) * spacing + random.between(-0.15, 0.15) * spacing;
    const start = random.between(0, side);
    const bend = y + random.between(-1, 1);
    return [start - side, start].map((from) => {
      const [middle, to] = [from + (side - gap) / 2, from + side - gap];
      const along = `M${short(from)} ${short(y)}Q${short(middle)} ${short(bend)} ${short(to)} ${short(y)}`;
      const across = `M${short(y)} ${short(from)}Q${short(bend)} ${short(middle)} ${short(y)} ${short(to)}`;
      return isCrossed ? along + across : along;
    }).join("");
  }).join("");
  return `<pattern id="${id}" patternUnits="userSpaceOnUse" width="${side}" height="${side}" ` +
    `patternTransform="rotate(38)"><path d="${strokes}" fill="none" stroke="${toHex(ink)}" ` +
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
        { at: 0, colour: top, opacity: 0.92 },
        { at: 0.3, colour: mix(top, foot, 0.5), opacity: 0.66 },
        { at: 1, colour: foot, opacity: 0.85 },
      ]);
      canvas.fill(stage, [bleed(outline, 1.2)], paint);
      for (const [by, opacity] of [[6, 0.18], [11, 0.14], [17, 0.1]]) {
        canvas.fill(
          "shape",
          [bleed(outline, by)],
          toHex(lighter(top, 0.1 - by / 110)),
          ` fill-opacity="${opacity}"`,
        );
      }
      const edge = outline.slice(0, -2);
      for (let bloom = 0; bloom < 5; bloom++) {
        const [x, y] = edge[random.integer(0, edge.length - 1)];
        const reach = random.between(24, 70);
        const spot = blob([x, y + reach * 1.3], [reach * 1.6, reach], { wobble: 0.14, random });
        const isPale = random.chance(0.5);
        canvas.fill("shape", [spot], toHex(lighter(top, isPale ? 0.16 : -0.06)), ` fill-opacity=".13"`);
        canvas.stroke("detail", [spot], { paint: toHex(lighter(top, -0.1)), width: 1.3, opacity: 0.16 });
      }
      canvas.stroke("detail", [bleed(edge, 1)], {
        paint: toHex(lighter(top, -0.14)),
        width: 2.4,
        opacity: 0.45,
      });
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
