/** Nebulae and planets. */
import { lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { blob } from "./outline.ts";
import { paintStars } from "./sky.ts";

export function paintSpace(easel: Easel): void {
  const { canvas, palette, random, width, height, scene, brush } = easel;
  const [deep, less] = palette.sky;
  canvas.band(
    "mass",
    -20,
    height + 20,
    canvas.fade(0, height, [
      { at: 0, colour: deep },
      { at: 0.55, colour: less },
      { at: 1, colour: deep },
    ]),
  );
  if (!scene.unwanted.has("stars")) paintStars(easel);
  const space = random.fork("space");
  const isSoft = scene.style !== "ink" && scene.style !== "poster";
  const hues = scene.tints.length > 0 ? scene.tints.map((tint) => palette.tint(tint)) : space.pick(
    [["purple", "teal", "pink"], ["blue", "orange", "pink"], ["teal", "golden", "purple"]] as const,
  ).map((tint) => palette.tint(tint));
  const lean = space.between(-0.6, 0.6);
  for (let cloud = 0; isSoft && cloud < 34; cloud++) {
    const part = cloud / 33;
    const x = width * part + space.between(-90, 90);
    const y = height * (0.45 + lean * (part - 0.5)) + space.between(-150, 150);
    const radius = space.between(70, 260);
    const colour = mix(space.pick(hues), palette.sky[2], space.between(0, 0.4));
    canvas.fill(
      "mass",
      [blob([x, y], [radius, radius])],
      canvas.glow([x, y], radius, [{ at: 0, colour, opacity: 0.36 }, { at: 0.5, colour, opacity: 0.15 }, {
        at: 1,
        colour,
        opacity: 0,
      }]),
    );
  }
  const worlds = space.integer(1, 3);
  for (let world = 0; world < worlds; world++) {
    const radius = world === 0 ? space.between(95, 170) : space.between(16, 44);
    const [x, y] = [
      width * space.between(0.2, 0.8),
      height * (world === 0 ? space.between(0.35, 0.66) : space.between(0.1, 0.9)),
    ];
    const colour = space.pick(hues);
    const bright = lighter(mix(colour, palette.light, 0.45), 0.05);
    const dark = mix(colour, palette.sky[0], 0.82);
    const disc = blob([x, y], [radius, radius], { points: 80 });
    const hasRing = world === 0 && space.chance(0.8);
    const tilt = space.between(-28, 28);
    const ring = (half: "back" | "front") => {
      const sweep = half === "back" ? 1 : 0;
      for (const [reach, thick, opacity] of [[1.5, 0.1, 0.6], [1.72, 0.16, 0.75], [1.98, 0.05, 0.5]]) {
        const [rx, ry] = [radius * reach, radius * reach * 0.24];
        canvas.add(
          "shape",
          `<path transform="rotate(${tilt.toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)})" d="M${
            (x - rx).toFixed(1)
          } ${y.toFixed(1)}A${rx.toFixed(1)} ${ry.toFixed(1)} 0 0 ${sweep} ${(x + rx).toFixed(1)} ${
            y.toFixed(1)
          }" fill="none" stroke="${toHex(scene.style === "ink" ? palette.paper : bright)}" stroke-width="${
            (radius * thick).toFixed(1)
          }" stroke-opacity="${opacity}"/>`,
        );
      }
    };
    if (hasRing) ring("back");
    if (isSoft) {
      canvas.fill(
        "shape",
        [blob([x, y], [radius * 1.5, radius * 1.5])],
        canvas.glow([x, y], radius * 1.5, [{ at: 0.6, colour: bright, opacity: 0.35 }, {
          at: 1,
          colour: bright,
          opacity: 0,
        }]),
      );
      canvas.fill(
        "shape",
        [disc],
        canvas.glow([x - radius * 0.45, y - radius * 0.5], radius * 1.75, [{ at: 0, colour: bright }, {
          at: 0.45,
          colour,
        }, { at: 1, colour: dark }]),
      );
    } else brush.shape([disc], colour);
    for (let band = 0; isSoft && band < 7; band++) {
      const at = (band - 3) / 3.6;
      const chord = Math.sqrt(1 - at * at) * radius;
      const paint = toHex(band % 2 === 0 ? bright : dark);
      canvas.add(
        "detail",
        `<ellipse transform="rotate(${tilt.toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)})" cx="${
          x.toFixed(1)
        }" cy="${(y + at * radius).toFixed(1)}" rx="${(chord * 0.97).toFixed(1)}" ry="${
          (radius * space.between(0.03, 0.09)).toFixed(1)
        }" fill="${paint}" fill-opacity=".13"/>`,
      );
    }
    if (hasRing) ring("front");
  }
}
