/** Collects the elements of an SVG in painter's order, each with the stage at which it appears. */
import { type Colour, toHex } from "./colour.ts";

export type Point = readonly [x: number, y: number];

/** From the first to the last to appear: large areas, things, small things, paper and grain. */
export const stages = ["mass", "shape", "detail", "finish"] as const;
export type Stage = (typeof stages)[number];

export interface Part {
  stage: Stage;
  element: string;
}

export interface Stop {
  at: number;
  colour: Colour;
  opacity?: number;
}

export class Canvas {
  readonly parts: Part[] = [];
  readonly definitions: string[] = [];

  constructor(readonly width: number, readonly height: number) {}

  add(stage: Stage, element: string): void {
    this.parts.push({ stage, element });
  }

  fill(stage: Stage, outlines: Point[][], paint: string, attributes = ""): void {
    this.add(stage, `<path d="${outlines.map(closed).join("")}" fill="${paint}"${attributes}/>`);
  }

  stroke(stage: Stage, lines: Point[][], { paint, width, opacity = 1 }: {
    paint: string;
    width: number;
    opacity?: number;
  }): void {
    this.add(
      stage,
      `<path d="${lines.map(open).join("")}" fill="none" stroke="${paint}" stroke-width="${short(width)}" ` +
        `stroke-opacity="${short(opacity, 3)}" stroke-linecap="round" stroke-linejoin="round"/>`,
    );
  }

  /** Defines something and returns the paint or reference that names it. */
  define(write: (id: string) => string): string {
    const id = `d${this.definitions.length}`;
    this.definitions.push(write(id));
    return `url(#${id})`;
  }

  /** A gradient between two heights. */
  fade(from: number, to: number, stops: Stop[]): string {
    return this.define((id) =>
      `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="0" y1="${short(from)}" x2="0" ` +
      `y2="${short(to)}">${stops.map(stopElement).join("")}</linearGradient>`
    );
  }

  glow([x, y]: Point, radius: number, stops: Stop[]): string {
    return this.define((id) =>
      `<radialGradient id="${id}" gradientUnits="userSpaceOnUse" cx="${short(x)}" cy="${short(y)}" ` +
      `r="${short(radius)}">${stops.map(stopElement).join("")}</radialGradient>`
    );
  }

  /** A rectangle over the whole width. */
  band(stage: Stage, from: number, to: number, paint: string): void {
    this.add(
      stage,
      `<rect x="-20" y="${short(from)}" width="${short(this.width + 40)}" height="${short(to - from)}" ` +
        `fill="${paint}"/>`,
    );
  }
}

export function short(value: number, digits = 1): string {
  const scale = 10 ** digits;
  return `${Math.round(value * scale) / scale}`;
}

function stopElement({ at, colour, opacity = 1 }: Stop): string {
  return `<stop offset="${short(at, 3)}" stop-color="${toHex(colour)}" stop-opacity="${short(opacity, 3)}"/>`;
}

function open(points: Point[]): string {
  let path = "";
  for (const [x, y] of points) {
    path += `${path === "" ? "M" : "L"}${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
  }
  return path;
}

function closed(points: Point[]): string {
  return open(points) + "Z";
}
