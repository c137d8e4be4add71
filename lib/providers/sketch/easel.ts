/** What every painter of a part of the picture needs. */
import type { Brush } from "./brush.ts";
import type { Canvas } from "./canvas.ts";
import type { Palette } from "./palette.ts";
import type { Random } from "./random.ts";
import type { Scene, Time, Weather } from "./words.ts";

export interface Easel {
  scene: Scene;
  time: Time;
  weather: Weather;
  palette: Palette;
  canvas: Canvas;
  brush: Brush;
  random: Random;
  /** In units of which a picture has about a million square ones, whatever its pixels. */
  width: number;
  height: number;
  /** Where the sky ends. */
  horizon: number;
  /** Centre of sun or moon. */
  light: { x: number; y: number; radius: number };
}
