/** Changes the marked part of a picture: paints a scene or a thing into it, in the colours that are around it. */
import type { Rect, Size } from "../../size.ts";
import { type Colour, fromRgb } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { filledIn } from "./fill.ts";
import { meanOf } from "./look.ts";
import { paintFlowers } from "./land.ts";
import { cleared, paintAbove, paintSubject, skySubjects, svgOf } from "./overlay.ts";
import { paintScene, setUp } from "./paint.ts";
import type { Surrounding } from "./palette.ts";
import { blend, blurred, copyOf, drawn, layOver, type Pixels } from "./pixels.ts";
import { paintSurface } from "./surface.ts";
import { changedWhole, type Changing } from "./whole.ts";
import type { Place, Scene, Subject } from "./words.ts";

/** `plane` says of each pixel whether it may change. */
export async function changedPart(pixels: Pixels, changing: Changing, plane: Uint8Array): Promise<Pixels> {
  const bounds = boundsOf(plane, pixels, (value) => value > 127);
  if (bounds === null) return pixels;
  const { scene, amount } = changing;
  const isPlace = scene.places.length > 0;
  const isThing = scene.subjects.size > 0;
  const patch = isPlace
    ? await withScene(pixels, changing, { bounds, plane })
    : isThing
    ? await withThings(pixels, changing, { bounds, plane })
    : await changedWhole(pixels, changing);
  const soft = await softened(plane, { size: pixels, bounds });
  const opacity = Math.min(1, amount);
  await blend(pixels, patch, (at) => soft[at] / 255 * opacity);
  return pixels;
}

/** The smallest rectangle around what is meant; null: there is nothing. */
export function boundsOf(
  plane: Uint8Array,
  { width, height }: Size,
  isMeant: (value: number) => boolean,
): Rect | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let at = 0; at < plane.length; at++) {
    if (!isMeant(plane[at])) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Only inward: outside it stays at nothing. */
async function softened(
  plane: Uint8Array,
  { size, bounds }: { size: Size; bounds: Rect },
): Promise<Uint8Array> {
  const sigma = Math.min(6, Math.min(bounds.width, bounds.height) * 0.03);
  const soft = await blurred(plane, { width: size.width, height: size.height, sigma });
  return soft.map((value, at) => plane[at] === 0 ? 0 : Math.max(0, Math.min(255, (value - 128) * 2)));
}

interface Part {
  bounds: Rect;
  plane: Uint8Array;
}

async function withScene(pixels: Pixels, changing: Changing, part: Part): Promise<Pixels> {
  const { scene, random } = changing;
  const easel = setUp(scene, {
    random,
    width: part.bounds.width,
    height: part.bounds.height,
    around: {
      time: scene.time ?? changing.look.time,
      horizon: horizonIn(changing, { bounds: part.bounds, height: pixels.height }),
      ...(scene.time === null && { colours: surroundingOf(pixels, part) }),
    },
  });
  paintScene(easel);
  paintSurface(easel);
  return await laidIn(copyOf(pixels), easel, part.bounds);
}

const groundPlaces: ReadonlySet<Place> = new Set(["sea", "beach", "lake", "desert", "meadow"]);

/** That of the picture where the part lies on the ground; else the part shows a view of its own. */
function horizonIn(
  { scene, look }: Changing,
  { bounds, height }: { bounds: Rect; height: number },
): number {
  const place = ((look.horizon ?? 0.5) * height - bounds.top) / bounds.height;
  const isGround = groundPlaces.has(scene.places[0]);
  return Math.min(0.78, Math.max(isGround ? -0.2 : 0.4, place));
}

async function laidIn(pixels: Pixels, easel: Easel, bounds: Rect): Promise<Pixels> {
  const picture = await drawn(svgOf(easel, { pixels: bounds }), bounds);
  await layOver(pixels, placed(picture, bounds, pixels), {});
  return pixels;
}

/** In a picture of another size that is transparent elsewhere. */
function placed(picture: Pixels, { left, top, width, height }: Rect, size: Size): Pixels {
  const data = new Uint8Array(size.width * size.height * 4);
  for (let row = 0; row < height; row++) {
    const line = picture.data.subarray(row * width * 4, (row + 1) * width * 4);
    data.set(line, ((top + row) * size.width + left) * 4);
  }
  return { data, width: size.width, height: size.height };
}

/** The longest side of a thing, as a part of the picture's mean side. */
const largest: { [subject in Subject]?: number } = {
  moon: 0.2,
  sun: 0.24,
  birds: 0.36,
  balloon: 0.4,
  cat: 0.5,
};

/** What is spread over all of a part, and leaves room for what is there. */
const covers: ReadonlySet<Subject> = new Set(["stars", "aurora", "flowers"]);

async function withThings(pixels: Pixels, changing: Changing, part: Part): Promise<Pixels> {
  const { scene, look, random } = changing;
  const isCover = [...scene.subjects.keys()].every((subject) => covers.has(subject));
  const emptied = isCover ? copyOf(pixels) : await emptiedOf(pixels, part);
  const isRegraded = scene.time !== null || scene.weather !== null || scene.season !== null ||
    scene.tints.length > 0;
  const plain: Scene = { ...scene, subjects: new Map(), style: null };
  const ground = isRegraded ? await changedWhole(emptied, { ...changing, scene: plain }) : emptied;
  const surrounding = surroundingOf(pixels, part);
  const easel = setUp({ ...scene, style: null }, {
    random,
    width: part.bounds.width,
    height: part.bounds.height,
    around: {
      time: scene.time ?? look.time,
      horizon: 1,
      ...(scene.time === null && { colours: surrounding }),
    },
  });
  for (const subject of scene.subjects.keys()) {
    if (covers.has(subject)) await withCover(ground, { subject, easel, part });
    else await withThing(ground, { subject, changing, colours: surrounding, part });
  }
  if (scene.style === null) return ground;
  return await changedWhole(ground, {
    ...changing,
    scene: { ...plain, time: null, weather: null, season: null, tints: [], style: scene.style },
  });
}

async function withCover(
  pixels: Pixels,
  { subject, easel, part }: { subject: Subject; easel: Easel; part: Part },
): Promise<void> {
  const { scene } = easel;
  const only = { ...scene, subjects: new Map([[subject, scene.subjects.get(subject) ?? null]]), time: null };
  const isOfSky = skySubjects.has(subject);
  const plain = { ...easel, scene: only };
  const view = isOfSky ? paintAbove(plain, { isSky: false }) : cleared(plain);
  if (!isOfSky) paintFlowers(view, view.height * 0.04);
  const picture = placed(await drawn(svgOf(view, { pixels: part.bounds }), part.bounds), part.bounds, pixels);
  if (isOfSky) await layWithin(pixels, picture, part);
  else await layOver(pixels, picture, {});
}

/** How far the part may be from what is around it, of 255 in the mean, to count as empty. */
const emptyWithin = 13;

/** What stands where something is to be painted goes; an empty sky or sea stays as crisp as it is. */
async function emptiedOf(pixels: Pixels, part: Part): Promise<Pixels> {
  const filled = await filledIn(pixels, part);
  let [sum, count] = [0, 0];
  for (let at = 0; at < part.plane.length; at++) {
    if (part.plane[at] === 0) continue;
    for (let channel = at * 4; channel < at * 4 + 3; channel++) {
      sum += Math.abs(filled.data[channel] - pixels.data[channel]);
    }
    count += 3;
  }
  return sum < count * emptyWithin ? copyOf(pixels) : filled;
}

/** Painted for itself in a view of its own, and then fitted into the part. */
async function withThing(
  pixels: Pixels,
  { subject, changing: { scene, look, random }, colours, part: { bounds, plane } }: {
    subject: Subject;
    changing: Changing;
    colours: Surrounding;
    part: Part;
  },
): Promise<void> {
  const subjects = new Map([[subject, scene.subjects.get(subject) ?? null]]);
  const own = setUp({ ...scene, subjects, places: [], weather: null, style: null, time: null }, {
    random,
    width: 1000,
    height: 1000,
    around: { time: scene.time ?? look.time, horizon: 0.5, ...(scene.time === null && { colours }) },
  });
  const easel = skySubjects.has(subject) ? paintAbove(own, { isSky: false }) : cleared(own);
  if (!skySubjects.has(subject)) paintSubject(easel, subject);
  const seen = await extentOf(easel);
  if (seen === null) return;
  const mean = Math.sqrt(pixels.width * pixels.height);
  const most = (largest[subject] ?? 0.7) * mean;
  const isHigh = skySubjects.has(subject) || subject === "birds" || subject === "balloon";
  const box = boxFor(seen, { most, plane, bounds, isHigh, width: pixels.width });
  const scale = box.width / seen.width;
  const view = [
    seen.left - (box.left - bounds.left) / scale,
    seen.top - (box.top - bounds.top) / scale,
    bounds.width / scale,
    bounds.height / scale,
  ] as const;
  const picture = await drawn(svgOf(easel, { pixels: bounds, view }), bounds);
  const over = placed(picture, bounds, pixels);
  if (skySubjects.has(subject)) await layWithin(pixels, over, { bounds, plane });
  else await layOver(pixels, over, {});
}

/** A glow ends before the part does. */
async function layWithin(pixels: Pixels, over: Pixels, { bounds, plane }: Part): Promise<void> {
  const sigma = 0.14 * Math.min(bounds.width, bounds.height);
  const wide = await blurred(plane, { width: pixels.width, height: pixels.height, sigma });
  await layOver(pixels, over, { share: (at) => Math.min(1, Math.max(0, (wide[at] - 135) / 90)) });
}

/** As large as fits into the part with all its corners: in the middle, or on the ground. */
function boxFor(
  seen: Size,
  { most, plane, bounds, isHigh, width: row }: {
    most: number;
    plane: Uint8Array;
    bounds: Rect;
    isHigh: boolean;
    width: number;
  },
): Rect {
  const boxAt = (share: number): Rect => {
    const scale = Math.min(
      share * bounds.width / seen.width,
      share * bounds.height / seen.height,
      most / Math.max(seen.width, seen.height),
    );
    const [width, height] = [seen.width * scale, seen.height * scale];
    const free = bounds.height - height;
    return {
      left: bounds.left + (bounds.width - width) / 2,
      top: bounds.top + (isHigh ? free / 2 : Math.min(free * 0.85, free / 2 + bounds.height * 0.2)),
      width,
      height,
    };
  };
  const isInside = ({ left, top, width, height }: Rect) =>
    [[left, top], [left + width, top], [left, top + height], [left + width, top + height]].every(([x, y]) =>
      plane[Math.floor(y) * row + Math.floor(x)] > 127
    );
  const shares = [0.88, 0.8, 0.72, 0.64, 0.56, 0.48, 0.4];
  return shares.map(boxAt).find(isInside) ?? boxAt(0.72);
}

/** Where something solid was painted, in units of the picture; a glow is not. */
async function extentOf(easel: Easel): Promise<Rect | null> {
  const size = { width: 250, height: 250 };
  const { data } = await drawn(svgOf(easel, { pixels: size }), size);
  const opacity = Uint8Array.from({ length: size.width * size.height }, (_, at) => data[at * 4 + 3]);
  const bounds = boundsOf(opacity, size, (value) => value > 205);
  if (bounds === null) return null;
  const unit = easel.width / size.width;
  return {
    left: bounds.left * unit,
    top: bounds.top * unit,
    width: bounds.width * unit,
    height: bounds.height * unit,
  };
}

function lighterHalf(colours: Colour[]): Colour[] {
  const sorted = colours.toSorted((one, other) => one[0] - other[0]);
  return sorted.slice(Math.floor(sorted.length / 2));
}

/** The colours of the ring around a part, from its top to its foot: what is light in it makes the sky. */
function surroundingOf(pixels: Pixels, { bounds, plane }: Part): Surrounding {
  const reach = Math.max(6, Math.round(0.12 * Math.max(bounds.width, bounds.height)));
  const left = Math.max(0, bounds.left - reach);
  const top = Math.max(0, bounds.top - reach);
  const right = Math.min(pixels.width, bounds.left + bounds.width + reach);
  const bottom = Math.min(pixels.height, bounds.top + bounds.height + reach);
  const step = Math.max(1, Math.round(Math.sqrt((right - left) * (bottom - top) / 6000)));
  const bands: Colour[][] = [[], [], [], []];
  for (let y = top; y < bottom; y += step) {
    const band = bands[Math.min(3, Math.floor((y - top) / (bottom - top) * 4))];
    for (let x = left; x < right; x += step) {
      const at = y * pixels.width + x;
      if (plane[at] > 0) continue;
      band.push(fromRgb([pixels.data[at * 4], pixels.data[at * 4 + 1], pixels.data[at * 4 + 2]]));
    }
  }
  const all = bands.flat();
  if (all.length === 0) all.push([0.6, 0, 0]);
  const sorted = all.toSorted((one, other) => one[0] - other[0]);
  const mean = meanOf(all);
  const sky = bands.map((band) => band.length > 0 ? meanOf(lighterHalf(band)) : mean);
  const near = meanOf(sorted.slice(0, Math.ceil(sorted.length / 10)));
  return { sky, haze: sky[3], near: [near[0] * 0.6, near[1], near[2]] };
}
