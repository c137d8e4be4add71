/** The colours of a picture: light of the hour, dimmed by the weather, bent to the colours that were named. */
import { along, type Colour, fromHex, fromHue, lighter, mix, saturated, toHex } from "./colour.ts";
import type { Random } from "./random.ts";
import type { Style, Time, Tint, Weather } from "./words.ts";

export interface Palette {
  paper: Colour;
  /** From the top to the horizon. */
  sky: Colour[];
  /** Sun or moon. */
  light: Colour;
  glow: Colour;
  /** Lit windows and lamps. */
  lamp: Colour;
  cloud: Colour;
  cloudShade: Colour;
  /** A thing of this colour in this light. */
  lit(local: string): Colour;
  /** The same at a distance: 0 at the horizon, 1 before the viewer; an open thing keeps more of its colour. */
  at(depth: number, local?: string, openness?: number): Colour;
  tint(name: Tint): Colour;
  /** Five colours that go together, dark to light. */
  harmony: Colour[];
}

interface Hour {
  sky: string[];
  haze: string;
  near: string;
  light: string;
  glow: string;
  lamp: string;
  cloud: [light: string, shade: string];
  /** How much of a thing's own colour is lost in shadow. */
  shadow: number;
}

const hours: { [time in Time]: Hour[] } = {
  dawn: [
    {
      sky: ["#5a6ea6", "#9d90c0", "#e6b0b5", "#fde0bd"],
      haze: "#efccc4",
      near: "#34304f",
      light: "#fff3d6",
      glow: "#ffd9a8",
      lamp: "#ffcf8a",
      cloud: ["#fdd9cf", "#a890b4"],
      shadow: 0.5,
    },
    {
      sky: ["#41639a", "#86a5cb", "#d9c6cf", "#fee6c6"],
      haze: "#e3d3d2",
      near: "#2a3a52",
      light: "#fff6dc",
      glow: "#ffe2b0",
      lamp: "#ffd592",
      cloud: ["#fbe6dc", "#a3a7c0"],
      shadow: 0.45,
    },
    {
      sky: ["#37597a", "#6f9aa5", "#d8c9a8", "#fbd99a"],
      haze: "#d9cdb2",
      near: "#263b45",
      light: "#fff3cf",
      glow: "#ffdf9c",
      lamp: "#ffd28a",
      cloud: ["#f7e6c6", "#8ea3a6"],
      shadow: 0.45,
    },
  ],
  day: [
    {
      sky: ["#2f78bd", "#6aabdc", "#b3d9ec", "#eaf3ee"],
      haze: "#cfe3ea",
      near: "#1f3f4c",
      light: "#fffbe6",
      glow: "#fff5cf",
      lamp: "#ffe2a0",
      cloud: ["#ffffff", "#b7c9d8"],
      shadow: 0.16,
    },
    {
      sky: ["#3b8fb5", "#78bdcf", "#bfe0da", "#f6f1da"],
      haze: "#d9e8dc",
      near: "#234842",
      light: "#fffbe0",
      glow: "#fff2bd",
      lamp: "#ffe2a0",
      cloud: ["#fffdf6", "#b5cbcb"],
      shadow: 0.16,
    },
    {
      sky: ["#4a7fc0", "#8fb4e2", "#cddcf0", "#f8eee2"],
      haze: "#dbe2ec",
      near: "#2b3d57",
      light: "#fffaec",
      glow: "#fff0d2",
      lamp: "#ffe2a0",
      cloud: ["#ffffff", "#bcc4da"],
      shadow: 0.18,
    },
  ],
  sunset: [
    {
      sky: ["#2a2456", "#7d3a70", "#e0614f", "#ffbb62"],
      haze: "#ee9566",
      near: "#1d142e",
      light: "#fff0bd",
      glow: "#ffc66b",
      lamp: "#ffcb70",
      cloud: ["#ff9f7c", "#6a3566"],
      shadow: 0.62,
    },
    {
      sky: ["#1e3a63", "#6b5788", "#e38a70", "#ffd899"],
      haze: "#e8a888",
      near: "#1a2038",
      light: "#fff2cf",
      glow: "#ffd28a",
      lamp: "#ffd07c",
      cloud: ["#ffb99a", "#5f5080"],
      shadow: 0.58,
    },
    {
      sky: ["#3c2150", "#a63f55", "#f0853f", "#ffd36a"],
      haze: "#ef9a55",
      near: "#240f22",
      light: "#fff1b0",
      glow: "#ffd065",
      lamp: "#ffcf6c",
      cloud: ["#ffb070", "#83304f"],
      shadow: 0.64,
    },
    {
      sky: ["#274a6b", "#5f7f92", "#e8a97a", "#ffd49a"],
      haze: "#dfae8c",
      near: "#152a38",
      light: "#fff1cf",
      glow: "#ffcf8f",
      lamp: "#ffd28a",
      cloud: ["#ffcda4", "#607488"],
      shadow: 0.55,
    },
  ],
  night: [
    {
      sky: ["#060a1e", "#0f1c40", "#1e3866", "#41628f"],
      haze: "#34527f",
      near: "#04070f",
      light: "#f6f1de",
      glow: "#9db8de",
      lamp: "#ffcf74",
      cloud: ["#4d6690", "#15264a"],
      shadow: 0.76,
    },
    {
      sky: ["#0a0822", "#1b1748", "#362c70", "#6a559a"],
      haze: "#4d4284",
      near: "#07051a",
      light: "#f8efe2",
      glow: "#b7a5e0",
      lamp: "#ffc978",
      cloud: ["#5b4f8c", "#1e184a"],
      shadow: 0.76,
    },
    {
      sky: ["#04131c", "#0a2b38", "#17505a", "#3d8080"],
      haze: "#2c6a70",
      near: "#030c10",
      light: "#f2f4e4",
      glow: "#9cd0c8",
      lamp: "#ffd482",
      cloud: ["#3f7478", "#0d2f3a"],
      shadow: 0.74,
    },
  ],
};

const tintColours: { [tint in Tint]: Colour } = {
  red: fromHex("#d1352f"),
  orange: fromHex("#ec7a2c"),
  golden: fromHex("#e9ae32"),
  green: fromHex("#4c9a58"),
  teal: fromHex("#239c9c"),
  blue: fromHex("#2f6fd0"),
  purple: fromHex("#8a4fc4"),
  pink: fromHex("#ec7fa4"),
  brown: fromHex("#8b5e3c"),
  white: fromHex("#f4f1ea"),
  black: fromHex("#17161a"),
  grey: fromHex("#8a8a8c"),
};

/** Colours of a picture that something is painted into. */
export interface Surrounding {
  /** From the top to the horizon, four. */
  sky: Colour[];
  haze: Colour;
  near: Colour;
}

export function createPalette(
  { time, weather, style, tints, random, surrounding }: {
    time: Time;
    weather: Weather;
    style: Style | null;
    tints: Tint[];
    random: Random;
    surrounding?: Surrounding;
  },
): Palette {
  const usual = random.fork("hour").pick(hours[time]);
  const hour = surrounding === undefined ? usual : {
    ...usual,
    sky: surrounding.sky.map(toHex),
    haze: toHex(surrounding.haze),
    near: toHex(surrounding.near),
  };
  const dim = (colour: Colour) => dimmed(colour, { time, weather });
  const finish = (colour: Colour) => styled(tinted(colour, tints), style);
  const colour = (hex: string) => finish(dim(fromHex(hex)));
  const sky = hour.sky.map(fromHex).map(dim);
  if (weather === "fog") sky.forEach((tone, index) => sky[index] = mix(tone, dim(fromHex(hour.haze)), 0.55));
  const haze = weather === "clear" ? fromHex(hour.haze) : mix(dim(fromHex(hour.haze)), sky[3], 0.4);
  const near = dim(fromHex(hour.near));
  const lit = (local: string, openness = 0) => mix(dim(fromHex(local)), near, hour.shadow * (1 - openness));
  const reach = weather === "fog" ? 1.9 : 1.15;
  return {
    paper: fromHex("#f6f0e4"),
    sky: sky.map(finish),
    light: colour(hour.light),
    glow: colour(hour.glow),
    lamp: finish(fromHex(hour.lamp)),
    cloud: colour(hour.cloud[0]),
    cloudShade: colour(hour.cloud[1]),
    lit: (local) => finish(lit(local)),
    at: (depth, local, openness) =>
      finish(
        mix(
          haze,
          local === undefined ? near : lit(local, openness),
          Math.min(1, Math.max(0, depth)) ** reach,
        ),
      ),
    tint: (name) => styled(tintColours[name], style),
    harmony: createHarmony(random.fork("harmony"), time).map(finish),
  };
}

/** Neighbouring hues with one from across the wheel, so that any hash gives colours that agree. */
function createHarmony(random: Random, time: Time): Colour[] {
  const hue = random.pick([random.between(0, 70), random.between(140, 360)]);
  const turn = random.pick([24, 32, -28]);
  const across = clean(hue + random.pick([150, 180, 205]));
  const isDark = time === "night" || random.chance(0.35);
  const ground = isDark ? fromHue(0.24, 0.05, hue) : fromHue(0.94, 0.025, hue + 60);
  return [
    ground,
    fromHue(isDark ? 0.42 : 0.4, 0.11, hue),
    fromHue(0.6, 0.13, clean(hue + turn)),
    fromHue(0.7, 0.15, across),
    fromHue(isDark ? 0.88 : 0.83, 0.08, hue + 2 * turn),
  ];
}

/** Steps over the greens that look like mud when they are not light. */
function clean(hue: number): number {
  const turned = ((hue % 360) + 360) % 360;
  return turned > 78 && turned < 138 ? (turned < 108 ? 70 : 150) : turned;
}

/** A colour as the weather leaves it. */
export function dimmed(colour: Colour, { time, weather }: { time: Time; weather: Weather }): Colour {
  const grey: Colour = [colour[0], 0, -0.012];
  if (weather === "rain") return lighter(mix(colour, grey, 0.5), colour[0] > 0.35 ? -0.09 : 0);
  if (weather === "storm") return lighter(mix(colour, grey, 0.5), colour[0] > 0.3 ? -0.2 * colour[0] : 0);
  if (weather === "cloudy") return mix(colour, grey, 0.3);
  if (weather === "fog") return mix(colour, grey, 0.35);
  if (weather === "snow") return lighter(mix(colour, grey, 0.4), time === "night" ? 0.03 : 0.01);
  return colour;
}

/** Keeps the lightness, so that the order of near and far stays readable in any colour. */
export function tinted(colour: Colour, tints: Tint[]): Colour {
  const hues = tints.filter((tint) => tint !== "white" && tint !== "black");
  let tone = colour;
  if (hues.length > 0) {
    const ramp = hues.flatMap((tint) =>
      tint === "golden" ? [tintColours.brown, tintColours.golden] : [tintColours[tint]]
    );
    const target = ramp.length === 1 ? ramp[0] : along(ramp, colour[0]);
    const strength = 0.25 + 1.1 * Math.min(colour[0], 1 - 0.75 * colour[0]) * 1.4;
    const part = hues.includes("grey") ? 0.94 : 0.58;
    tone = mix(colour, [colour[0], target[1] * strength, target[2] * strength], part);
  }
  if (tints.includes("white")) tone = saturated(lighter(tone, 0.3 * (1 - tone[0])), 0.7);
  if (tints.includes("black")) tone = saturated(lighter(tone, -0.3 * tone[0]), 0.85);
  return tone;
}

function styled(colour: Colour, style: Style | null): Colour {
  if (style === "pastel") return [0.42 + 0.56 * colour[0], colour[1] * 0.72, colour[2] * 0.72];
  if (style === "poster") return saturated([Math.round(colour[0] * 14) / 14, colour[1], colour[2]], 1.15);
  if (style === "watercolour") return saturated(lighter(colour, 0.07 * (1 - colour[0])), 1.12);
  if (style === "ink") return saturated(colour, 0.3);
  return colour;
}
