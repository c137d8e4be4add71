/**
 * How a change is sent: in which size the provider is asked, which part of the picture it sees, and how large the result
 * is. Fixed at acceptance, so that a quote, every attempt and the composite agree.
 */
import type { Model } from "../catalog/provider.ts";
import { Refusal } from "../refusal.ts";
import { type Frame, framed, parseSize, type Rect, type Size, sizeText } from "../size.ts";

export interface EditPlan {
  /** "WIDTHxHEIGHT" of what is stored in the end. */
  imageSize: string;
  /** "WIDTHxHEIGHT" that the provider is asked for. */
  askedSize: string;
  /** Of the canvas (the base with its frame); null: the whole base. May reach beyond it. */
  area: Rect | null;
}

export interface Wanted {
  base: Size;
  /** What encloses all that may change; null without a mask. */
  bounds: Rect | null;
  frame: Frame | null;
  isRestKept: boolean;
  /** Only the part with what may change is sent; undefined: where the model needs that. */
  isOnlyPart?: boolean;
  /** Undefined: the base's, with its frame. */
  imageSize?: string;
}

export const maxPixels = 25_000_000;
const leastPadding = 64;
const paddingShare = 0.5;
/** How far the ratio of a size may be from that of what is shown, so that fitting it moves nothing that is seen. */
const ratioTolerance = 0.02;

/** Refuses with `invalid_request` what is too large, or a size that would not keep the rest as it is. */
export function planEdit(model: Model, wanted: Wanted): EditPlan {
  const { base, bounds, frame, isRestKept, imageSize } = wanted;
  const canvas = frame === null ? base : framed(base, frame);
  if (frame !== null) demandFrameFits(model, canvas);
  const isPart = bounds !== null && isRestKept && (wanted.isOnlyPart ?? needsPart(model, canvas));
  if (imageSize !== undefined && isRestKept && imageSize !== sizeText(canvas)) {
    const words = `What is not changed stays as it is, so the size is ${canvas.width}x${canvas.height}`;
    throw new Refusal("invalid_image_size", words, { field: "imageSize" });
  }
  if (isPart) {
    const { area, asked } = partOf(model, { canvas, bounds });
    return { imageSize: sizeText(canvas), askedSize: sizeText(asked), area };
  }
  const size = imageSize === undefined || imageSize === sizeText(canvas) ? canvas : chosen(model, imageSize);
  const asked = size === canvas ? askedFor(model, canvas) : size;
  const area = isRestKept ? wholeArea(canvas, { asked, hasFrame: frame !== null }) : null;
  return { imageSize: sizeText(size), askedSize: sizeText(asked), area };
}

/** All of the canvas in the shape that is asked for: what is put back would be bent otherwise. */
function wholeArea(canvas: Size, { asked, hasFrame }: { asked: Size; hasFrame: boolean }): Rect | null {
  const whole = { left: 0, top: 0, ...canvas };
  const size = covering(canvas, asked);
  const isAll = size.width === canvas.width && size.height === canvas.height;
  return isAll && !hasFrame ? null : around(whole, size);
}

function chosen(model: Model, imageSize: string): Size {
  if (!model.sizes.includes(imageSize)) throw invalidSize(model);
  return parseSize(imageSize);
}

export function invalidSize(model: Model): Refusal {
  const sizes = model.sizes.join(", ");
  return new Refusal("invalid_image_size", `Invalid image size. Supported: ${sizes}`, { field: "imageSize" });
}

function demandFrameFits(model: Model, canvas: Size): void {
  const { width, height } = largestOf(model);
  const isWithin = canvas.width <= width && canvas.height <= height;
  if (isWithin && canvas.width * canvas.height <= maxPixels) return;
  const most = isWithin
    ? `${maxPixels / 1e6} megapixels is the most`
    : `${model.name} makes at most ${width} × ${height}`;
  const words = `With this frame the picture has ${canvas.width} × ${canvas.height}; ${most}`;
  throw new Refusal("invalid_request", words, { field: "extend" });
}

function largestOf(model: Model): Size {
  if (model.edit?.sizes === "same") {
    const side = model.edit.sources.longestSide;
    return { width: side, height: side };
  }
  const sizes = model.sizes.map(parseSize);
  return {
    width: Math.max(...sizes.map(({ width }) => width)),
    height: Math.max(...sizes.map(({ height }) => height)),
  };
}

/** A model without masks must not see what it must not touch; others would make a large picture coarse, or bend it. */
function needsPart(model: Model, canvas: Size): boolean {
  const largest = largestOf(model);
  return model.edit?.mask == null || canvas.width > largest.width || canvas.height > largest.height ||
    distance(askedFor(model, canvas), canvas) > ratioTolerance;
}

/** The size for all of the canvas. */
function askedFor(model: Model, canvas: Size): Size {
  if (model.edit?.sizes === "same") return within(canvas, model.edit.sources.longestSide);
  const sizes = model.sizes.map(parseSize);
  const nearest = Math.min(...sizes.map((size) => distance(size, canvas)));
  const ofShape = sizes.filter((size) => distance(size, canvas) <= nearest + 1e-9);
  return enough(ofShape, canvas);
}

/** The part with what may change, some of what is around it, in the shape of a size that the model makes. */
function partOf(
  model: Model,
  { canvas, bounds }: { canvas: Size; bounds: Rect },
): { area: Rect; asked: Size } {
  const padding = Math.max(leastPadding, Math.round(Math.max(bounds.width, bounds.height) * paddingShare));
  const part = padded(bounds, { by: padding, canvas });
  if (model.edit?.sizes === "same") {
    return { area: part, asked: within(part, model.edit.sources.longestSide) };
  }
  const asked = askedFor(model, part);
  const least = padded(bounds, { by: leastPadding, canvas });
  return { area: inside(shaped(asked, { part, least, canvas }), canvas), asked };
}

/**
 * In the shape of what is asked for. A small part has more around it rather than being blown up; where there is no room
 * for that shape, the part has less, down to the least, before it goes beyond the canvas.
 */
function shaped(asked: Size, { part, least, canvas }: { part: Rect; least: Rect; canvas: Size }): Rect {
  const room = withinShape(canvas, asked);
  const size = covering(part, asked);
  if (fits(size, canvas)) {
    const roomy = asked.width < room.width ? asked : room;
    return around(part, size.width < roomy.width ? roomy : size);
  }
  return fits(covering(least, asked), room) ? around(least, room) : around(part, size);
}

function padded(bounds: Rect, { by, canvas }: { by: number; canvas: Size }): Rect {
  const { left, top, width, height } = bounds;
  const wide = { left: left - by, top: top - by, width: width + 2 * by, height: height + 2 * by };
  return intersection(wide, canvas);
}

/** The smallest of the shape of `asked` that has room for `size`. */
function covering(size: Size, asked: Size): Size {
  const ratio = asked.width / asked.height;
  const width = Math.max(size.width, Math.round(size.height * ratio));
  return { width, height: Math.max(size.height, Math.round(width / ratio)) };
}

/** The largest of the shape of `asked` that has room in `size`. */
function withinShape(size: Size, asked: Size): Size {
  const ratio = asked.width / asked.height;
  const width = Math.max(1, Math.min(size.width, Math.floor(size.height * ratio)));
  return { width, height: Math.max(1, Math.min(size.height, Math.round(width / ratio))) };
}

function fits(size: Size, room: Size): boolean {
  return size.width <= room.width && size.height <= room.height;
}

function around({ left, top, width, height }: Rect, size: Size): Rect {
  return {
    left: left - Math.floor((size.width - width) / 2),
    top: top - Math.floor((size.height - height) / 2),
    ...size,
  };
}

/** Moved so that it reaches beyond the canvas only where it is larger. */
function inside({ left, top, width, height }: Rect, canvas: Size): Rect {
  const moved = (start: number, length: number, most: number) =>
    length >= most ? Math.ceil((most - length) / 2) : Math.min(Math.max(0, start), most - length);
  return {
    left: moved(left, width, canvas.width),
    top: moved(top, height, canvas.height),
    width,
    height,
  };
}

function intersection({ left, top, width, height }: Rect, canvas: Size): Rect {
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  return {
    left: x,
    top: y,
    width: Math.min(canvas.width, left + width) - x,
    height: Math.min(canvas.height, top + height) - y,
  };
}

function within({ width, height }: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The smallest that has enough pixels, or the largest. */
function enough(sizes: readonly Size[], { width, height }: Size): Size {
  const byArea = sizes.toSorted((a, b) => a.width * a.height - b.width * b.height);
  return byArea.find((size) => size.width >= width && size.height >= height) ?? byArea.at(-1)!;
}

/** Between two shapes: 0 for the same one, whatever their sizes. */
function distance(a: Size, b: Size): number {
  return Math.abs(Math.log((a.width / a.height) / (b.width / b.height)));
}
