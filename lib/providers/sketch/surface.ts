/** What the picture is painted on: paper, canvas grain, the white edge of a watercolour. */
import { type Point, short } from "./canvas.ts";
import { lighter, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { createNoise } from "./random.ts";

export function paintSurface(easel: Easel): void {
  const { scene } = easel;
  if (scene.style === "poster") return;
  if (scene.style === "watercolour") paintMargin(easel);
  if (scene.style === "pastel") paintGrain(easel, { frequency: 0.5, strength: 0.26 });
  else if (scene.style === "watercolour") paintGrain(easel, { frequency: 0.3, strength: 0.13 });
  else paintGrain(easel, { frequency: 0.8, strength: scene.style === "ink" ? 0.1 : 0.085 });
  if (scene.style === null) paintVignette(easel);
}

/** One tile of noise repeated, because librsvg takes a quarter of a second for a whole picture of it. */
function paintGrain(
  { canvas, random, width, height }: Easel,
  { frequency, strength }: { frequency: number; strength: number },
): void {
  const tile = 256;
  const area = `x="0" y="0" width="${tile}" height="${tile}"`;
  const seed = random.fork("grain").integer(1, 999);
  const filter = (id: string, tone: number, channel: string) =>
    `<filter id="${id}" filterUnits="userSpaceOnUse" color-interpolation-filters="sRGB" ${area}>` +
    `<feTurbulence type="fractalNoise" baseFrequency="${frequency}" numOctaves="2" stitchTiles="stitch" seed="${seed}"/>` +
    `<feColorMatrix values="0 0 0 0 ${tone} 0 0 0 0 ${tone} 0 0 0 0 ${tone} ${channel} -0.75"/></filter>`;
  const paint = canvas.define((id) =>
    filter(`${id}dark`, 0, "1.9 0 0 0") + filter(`${id}light`, 1, "0 1.9 0 0") +
    `<pattern id="${id}" patternUnits="userSpaceOnUse" width="${tile}" height="${tile}">` +
    `<rect ${area} filter="url(#${id}dark)" opacity="${short(strength * 0.6, 3)}"/>` +
    `<rect ${area} filter="url(#${id}light)" opacity="${short(strength, 3)}"/></pattern>`
  );
  canvas.add("finish", `<rect width="${width}" height="${height}" fill="${paint}"/>`);
}

function paintVignette({ canvas, palette, width, height, time }: Easel): void {
  const paint = canvas.glow([width / 2, height / 2], Math.hypot(width, height) / 2, [
    { at: 0.55, colour: palette.at(1), opacity: 0 },
    { at: 1, colour: palette.at(1), opacity: time === "day" ? 0.08 : 0.2 },
  ]);
  canvas.band("finish", -20, height + 20, paint);
}

/** The wash stops short of the edge of the sheet, unevenly. */
function paintMargin({ canvas, palette, random, width, height }: Easel): void {
  const noise = createNoise(random.fork("margin"), 4);
  const inset = 34;
  const around: Point[] = [];
  const side = (from: Point, to: Point, normal: Point, seed: number) => {
    for (let index = 0; index < 60; index++) {
      const part = index / 60;
      const wobble = noise(seed + part * 9) * 15;
      around.push([
        from[0] + (to[0] - from[0]) * part + normal[0] * wobble,
        from[1] + (to[1] - from[1]) * part + normal[1] * wobble,
      ]);
    }
  };
  side([inset, inset], [width - inset, inset], [0, 1], 0);
  side([width - inset, inset], [width - inset, height - inset], [1, 0], 30);
  side([width - inset, height - inset], [inset, height - inset], [0, 1], 60);
  side([inset, height - inset], [inset, inset], [1, 0], 90);
  const edge = around.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  canvas.add(
    "shape",
    `<path fill-rule="evenodd" d="M-30 -30H${width + 30}V${height + 30}H-30ZM${edge}Z" fill="${
      toHex(palette.paper)
    }"/>`,
  );
  canvas.add(
    "detail",
    `<path d="M${edge}Z" fill="none" stroke="${
      toHex(lighter(palette.sky[1], -0.08))
    }" stroke-width="2.5" stroke-opacity=".3"/>`,
  );
}
