/** Draws a picture anew in a style: with pen and ink, chalk, flat poster colour or watercolour wash. */
import { lighter, saturated } from "./colour.ts";
import { createTable, type Grade } from "./colour_table.ts";
import { blurred, inSlices, lightnessOf, type Pixels, resized, toSharp } from "./pixels.ts";
import { createNoise, type Random } from "./random.ts";
import type { Style } from "./words.ts";

export async function restyled(
  pixels: Pixels,
  { style, random }: { style: Style; random: Random },
): Promise<Pixels> {
  switch (style) {
    case "ink":
      return await inInk(pixels, random);
    case "watercolour":
      return await inWatercolour(pixels, random);
    case "poster":
      return await asPoster(pixels);
    case "pastel":
      return await inChalk(pixels, random);
  }
}

/** How many pixels make a thousandth of a picture's mean side: what pens and brushes are measured in. */
function unitOf({ width, height }: Pixels): number {
  return Math.sqrt(width * height) / 1000;
}

const ink = [29, 26, 28];
const paper = [246, 240, 228];

/** Pen lines where the tone falls off, and hatching that is closer the darker it is. */
async function inInk(pixels: Pixels, random: Random): Promise<Pixels> {
  const { data, width, height } = pixels;
  const unit = unitOf(pixels);
  const plane = lightnessOf(pixels);
  const [fine, wide, tone] = await Promise.all(
    [1.1, 2.6, 4].map((sigma) => blurred(plane, { width, height, sigma: sigma * unit })),
  );
  const light = stretched(tone);
  const sway = createNoise(random.fork("hatch"), 2);
  const result = new Uint8Array(data.length);
  const [sine, cosine] = [Math.sin(0.66), Math.cos(0.66)];
  await inSlices(pixels, (from, to) => {
    for (let at = from; at < to; at++) {
      const [x, y] = [(at % width) / unit, Math.floor(at / width) / unit];
      const dark = 1 - light[tone[at]];
      const line = Math.min(1, Math.max(0, (wide[at] - fine[at] - 4) / 8));
      const along = x * cosine + y * sine;
      const across = y * cosine - x * sine + 1.6 * sway(along / 60);
      let covered = Math.max(line, hatched(across, { spacing: 7, dark: (dark - 0.3) / 0.5 }));
      if (dark > 0.6) {
        const crossing = y * Math.cos(-0.9) - x * Math.sin(-0.9) + 1.6 * sway(across / 60 + 40);
        covered = Math.max(covered, hatched(crossing, { spacing: 6, dark: (dark - 0.6) / 0.4 }));
      }
      if (dark > 0.92) covered = Math.max(covered, (dark - 0.92) / 0.08);
      const index = at * 4;
      for (let channel = 0; channel < 3; channel++) {
        const sheet = paper[channel] * 0.88 + data[index + channel] * 0.12;
        result[index + channel] = Math.round(sheet + (ink[channel] - sheet) * covered * 0.94);
      }
      result[index + 3] = data[index + 3];
    }
  });
  return { data: result, width, height };
}

/** The tones from the twentieth part that is darkest to the one that is lightest, as 0 to 1. */
function stretched(plane: Uint8Array): Float32Array {
  const counts = new Uint32Array(256);
  for (const value of plane) counts[value]++;
  const at = (part: number) => {
    let [value, sum] = [0, counts[0]];
    while (sum < plane.length * part && value < 255) sum += counts[++value];
    return value;
  };
  const [low, high] = [at(0.04), Math.max(at(0.04) + 40, at(0.95))];
  return Float32Array.from(counts, (_, value) => Math.min(1, Math.max(0, (value - low) / (high - low))));
}

function hatched(across: number, { spacing, dark }: { spacing: number; dark: number }): number {
  if (dark <= 0) return 0;
  const place = Math.abs((across / spacing) - Math.round(across / spacing)) * spacing;
  const half = 0.3 + spacing * 0.2 * Math.min(1, dark);
  return Math.min(1, Math.max(0, half - place + 0.5)) * Math.min(1, 0.55 + dark * 0.6);
}

/** Larger spots of one colour; it is made small first, where a filter of that reach takes no time. */
async function simplified(pixels: Pixels, { side, reach }: { side: number; reach: number }): Promise<Pixels> {
  const { width, height } = pixels;
  const scale = Math.min(1, side / Math.max(width, height));
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const small = await resized(pixels, size);
  const window = Math.min(reach, size.width, size.height);
  const data = window < 2 ? small.data : await toSharp(small).median(window).raw().toBuffer();
  return await resized({ data, ...size }, { width, height });
}

/** Washes with pigment at their rims, and the grain of rough paper. */
async function inWatercolour(pixels: Pixels, random: Random): Promise<Pixels> {
  const { width, height } = pixels;
  const unit = unitOf(pixels);
  const wash = await simplified(pixels, { side: 820, reach: 7 });
  const [washed, drawn] = [lightnessOf(wash), lightnessOf(pixels)];
  const [rim, fine, wide] = await Promise.all([
    blurred(washed, { width, height, sigma: 7 * unit }),
    blurred(drawn, { width, height, sigma: 0.9 * unit }),
    blurred(drawn, { width, height, sigma: 2.4 * unit }),
  ]);
  const blooms = await cloudy(pixels, { random: random.fork("blooms"), size: 90 });
  const grain = await cloudy(pixels, { random: random.fork("pigment"), size: 4 });
  return await repainted(wash, {
    grade: (colour) => saturated(lighter(colour, 0.1 * (1 - colour[0])), 1.22),
    change(at) {
      const edge = Math.max(0, rim[at] - washed[at] - 2) * 0.9 + Math.max(0, wide[at] - fine[at] - 3) * 1.5;
      return (blooms[at] - 128) * 0.11 + (grain[at] - 128) * 0.05 - Math.min(70, edge);
    },
  });
}

/** Few tones, each flat. */
async function asPoster(pixels: Pixels): Promise<Pixels> {
  const flat = await simplified(pixels, { side: 560, reach: 9 });
  const vivid = await repainted(flat, { grade: (colour) => saturated(colour, 1.22) });
  return await inTones(vivid);
}

const tones = 8;

/** Each pixel becomes as light as the nearest tone, with an edge between two that is a little soft. */
async function inTones(pixels: Pixels): Promise<Pixels> {
  const { data, width, height } = pixels;
  const plane = lightnessOf(pixels);
  const factors = Float32Array.from({ length: 256 }, (_, value) => {
    const place = value / 255 * tones;
    const within = place - Math.floor(place);
    const tone = Math.floor(place) + Math.min(1, Math.max(0, (within - 0.5) * 10 + 0.5));
    return (tone / tones * 255 + 4) / (value + 4);
  });
  const result = new Uint8Array(data.length);
  await inSlices(pixels, (from, to) => {
    for (let index = from * 4; index < to * 4; index++) {
      const value = index % 4 === 3 ? data[index] : data[index] * factors[plane[index >> 2]];
      result[index] = Math.min(255, Math.round(value));
    }
  });
  return { data: result, width, height };
}

/** Dry strokes that leave the tooth of the paper. */
async function inChalk(pixels: Pixels, random: Random): Promise<Pixels> {
  const { width } = pixels;
  const unit = unitOf(pixels);
  const soft = await simplified(pixels, { side: 760, reach: 5 });
  const [fine, wide] = await Promise.all([1, 3].map((sigma) => {
    return blurred(lightnessOf(pixels), { ...pixels, sigma: sigma * unit });
  }));
  const tooth = await cloudy(pixels, { random: random.fork("tooth"), size: 2.2 });
  const stroke = createNoise(random.fork("strokes"), 3);
  return await repainted(soft, {
    grade: ([lightness, a, b]) => [0.22 + 0.74 * lightness, a * 0.95, b * 0.95],
    change(at) {
      const [x, y] = [(at % width) / unit, Math.floor(at / width) / unit];
      const streak = stroke((x + y * 0.8) / 5 + 3 * stroke((x - y) / 160));
      return streak * 6 + (tooth[at] - 128) * 0.1 - Math.max(0, wide[at] - fine[at] - 2) * 1.6;
    },
  });
}

/** Spots of chance around 128, `size` units across. */
async function cloudy(
  pixels: Pixels,
  { random, size }: { random: Random; size: number },
): Promise<Uint8Array> {
  const { width, height } = pixels;
  const unit = unitOf(pixels);
  const small = {
    width: Math.min(width, Math.max(2, Math.ceil(width / unit / size))),
    height: Math.min(height, Math.max(2, Math.ceil(height / unit / size))),
  };
  const data = new Uint8Array(small.width * small.height * 4);
  for (let index = 0; index < data.length; index += 4) data.fill(random.integer(0, 255), index, index + 3);
  for (let index = 3; index < data.length; index += 4) data[index] = 255;
  return lightnessOf(await resized({ data, ...small }, { width, height }));
}

/** `change` is what is added to each channel of a pixel. */
async function repainted(
  pixels: Pixels,
  { grade, change = () => 0 }: { grade: Grade; change?: (at: number) => number },
): Promise<Pixels> {
  const { data, width, height } = pixels;
  const table = createTable([grade]);
  const after = new Float32Array(3);
  const result = new Uint8Array(data.length);
  await inSlices(pixels, (from, to) => {
    for (let at = from; at < to; at++) {
      const index = at * 4;
      const shift = change(at);
      table.look(data[index], data[index + 1], data[index + 2], after);
      for (let channel = 0; channel < 3; channel++) {
        result[index + channel] = Math.min(255, Math.max(0, Math.round(after[channel] + shift)));
      }
      result[index + 3] = data[index + 3];
    }
  });
  return { data: result, width, height };
}
