/** Colours in OKLab (Björn Ottosson, 2020), where mixing and shading look even to the eye. */

/** Lightness from 0 to 1, green to red, blue to yellow. */
export type Colour = readonly [lightness: number, a: number, b: number];

export function fromHex(hex: string): Colour {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return fromRgb([red, green, blue]);
}

/** The channels from 0 to 255. */
export function fromRgb(rgb: readonly [red: number, green: number, blue: number]): Colour {
  const [red, green, blue] = rgb.map((channel) => linear(channel / 255));
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
  ];
}

/** `hue` in degrees. */
export function fromHue(lightness: number, chroma: number, hue: number): Colour {
  const angle = hue * Math.PI / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

export function toHex(colour: Colour): string {
  return "#" + toRgb(colour).map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("");
}

/** The channels from 0 to 255, not rounded. */
export function toRgb([lightness, a, b]: Colour): number[] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const channels = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return channels.map((channel) => 255 * Math.min(1, Math.max(0, gamma(channel))));
}

export function mix(from: Colour, to: Colour, part: number): Colour {
  const between = (index: 0 | 1 | 2) => from[index] + (to[index] - from[index]) * part;
  return [between(0), between(1), between(2)];
}

export function lighter([lightness, a, b]: Colour, by: number): Colour {
  return [Math.min(1, Math.max(0, lightness + by)), a, b];
}

export function saturated([lightness, a, b]: Colour, factor: number): Colour {
  return [lightness, a * factor, b * factor];
}

/** The colour at `part` of a ramp of evenly spaced colours. */
export function along(ramp: readonly Colour[], part: number): Colour {
  const place = Math.min(1, Math.max(0, part)) * (ramp.length - 1);
  const index = Math.min(ramp.length - 2, Math.floor(place));
  return mix(ramp[index], ramp[index + 1], place - index);
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

function gamma(channel: number): number {
  return channel <= 0.0031308 ? 12.92 * channel : 1.055 * channel ** (1 / 2.4) - 0.055;
}
