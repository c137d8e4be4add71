/** Sky, sun, moon, stars, clouds and northern lights. */
import type { Point } from "./canvas.ts";
import { along, type Colour, lighter, mix, toHex } from "./colour.ts";
import type { Easel } from "./easel.ts";
import { blob } from "./outline.ts";
import { createNoise } from "./random.ts";
import type { Subject } from "./words.ts";

export function paintSky(easel: Easel): void {
  const { scene, time, weather, random } = easel;
  paintAir(easel);
  const isOpen = weather === "clear" || weather === "cloudy";
  const wantsStars = scene.subjects.has("stars") || (time === "night" && isOpen);
  if (wantsStars && !scene.unwanted.has("stars")) paintStars(easel);
  if (scene.subjects.has("aurora")) paintAurora(easel);
  const isMoon = time === "night";
  const light: Subject = isMoon ? "moon" : "sun";
  const isHidden = scene.unwanted.has(light) || (!isOpen && weather !== "fog" && !scene.subjects.has(light));
  if (!isHidden) paintLight(easel);
  const isCloudy = weather !== "clear" || random.fork("cloudy").chance(0.75);
  if (isCloudy && weather !== "fog" && !scene.unwanted.has("cloudy")) paintClouds(easel);
}

function paintAir({ scene, palette, canvas, height, width, horizon, light, random }: Easel): void {
  const { sky, paper } = palette;
  if (scene.style === "poster") {
    const bands = 7;
    for (let band = 0; band < bands; band++) {
      const colour = along(sky, band / (bands - 1));
      canvas.band("mass", (band / bands) * horizon, band === bands - 1 ? height : horizon, toHex(colour));
    }
    return;
  }
  if (scene.style === "ink") {
    canvas.band("mass", 0, height, toHex(paper));
    const grey = (colour: Colour) => mix(paper, colour, 0.5 * (1 - colour[0]) + 0.08);
    canvas.band(
      "mass",
      0,
      horizon,
      canvas.fade(0, horizon, sky.map((colour, index) => ({ at: index / 3, colour: grey(colour) }))),
    );
    const darkness = 1 - sky[0][0];
    const lines: Point[][] = [];
    const strokes = random.fork("sky strokes");
    for (let y = 14; y < horizon * 0.75; y += 7 + 26 * (y / horizon) / darkness) {
      let x = strokes.between(-80, 20);
      while (x < width) {
        const length = strokes.between(60, 260);
        if (strokes.chance(darkness)) {
          lines.push([[x, y], [x + length / 2, y + strokes.between(-2, 2)], [x + length, y]]);
        }
        x += length + strokes.between(8, 50);
      }
    }
    canvas.stroke("detail", lines, { paint: "#1d1a1c", width: 1, opacity: 0.7 });
    return;
  }
  const opacity = scene.style === "watercolour" ? 0.5 : 1;
  if (opacity < 1) canvas.band("mass", -20, height + 20, toHex(paper));
  const stops = sky.map((colour, index) => ({ at: [0, 0.38, 0.74, 1][index], colour, opacity }));
  canvas.band("mass", -20, height + 20, canvas.fade(0, horizon, stops));
  const dabs = random.fork("dabs");
  const isWet = scene.style === "watercolour";
  const count = isWet ? 46 : scene.style === "pastel" ? 150 : 40;
  for (let dab = 0; dab < count; dab++) {
    const y = dabs.between(-0.05, 1) * horizon;
    const x = dabs.between(-0.1, 1.1) * width;
    const colour = lighter(along(sky, y / horizon + dabs.between(-0.16, 0.16)), dabs.between(-0.03, 0.05));
    if (isWet) {
      const outline = blob([x, y], [dabs.between(50, 230), dabs.between(18, 80)], {
        wobble: 0.16,
        random: dabs,
      });
      canvas.fill(dab % 2 === 0 ? "mass" : "shape", [outline], toHex(colour), ` fill-opacity=".2"`);
      if (dab % 3 === 0) {
        canvas.stroke("detail", [outline], {
          paint: toHex(lighter(colour, -0.1)),
          width: 1.4,
          opacity: 0.14,
        });
      }
    } else {
      const length = dabs.between(80, 320);
      const bend = (y - light.y) / 9;
      const line: Point[] = [[x, y], [x + length / 2, y - dabs.between(0, 8)], [x + length, y + bend / 8]];
      const width = scene.style === "pastel" ? dabs.between(5, 20) : dabs.between(10, 36);
      canvas.stroke("shape", [line], {
        paint: toHex(colour),
        width,
        opacity: scene.style === "pastel" ? 0.3 : 0.07,
      });
    }
  }
}

export function paintStars({ scene, canvas, palette, random, width, horizon, height }: Easel): void {
  const stars = random.fork("stars");
  const colour = scene.style === "ink" ? palette.paper : lighter(palette.light, 0.05);
  const isMany = scene.subjects.has("stars") || scene.places.includes("space");
  const [wayX, lean] = [stars.between(0.25, 0.75) * width, stars.pick([-1, 1]) * stars.between(0.35, 0.8)];
  const ceiling = scene.places.includes("space") ? height : horizon;
  if (isMany && scene.style !== "poster") {
    for (let puff = 0; puff < 26; puff++) {
      const y = (puff / 26) * ceiling;
      const x = wayX + (y - ceiling / 2) * lean + stars.between(-45, 45);
      const radius = stars.between(60, 150);
      const paint = canvas.glow([x, y], radius, [
        { at: 0, colour: stars.pick([palette.glow, palette.cloud, palette.light]), opacity: 0.11 },
        { at: 1, colour: palette.glow, opacity: 0 },
      ]);
      canvas.fill("shape", [blob([x, y], [radius, radius])], paint);
    }
  }
  const sizes: string[] = ["", "", ""];
  const count = isMany ? 620 : 260;
  for (let star = 0; star < count; star++) {
    const y = stars.next() ** 1.25 * ceiling;
    const isInBand = isMany && star % 2 === 0;
    const x = isInBand
      ? wayX + (y - ceiling / 2) * lean + (stars.next() + stars.next() + stars.next() - 1.5) * 130
      : stars.next() * width;
    const size = stars.next() ** 5;
    sizes[Math.min(2, Math.floor(size * 4))] += `M${x.toFixed(1)} ${y.toFixed(1)}h.01`;
  }
  sizes.forEach((path, index) =>
    path !== "" && canvas.add(
      "detail",
      `<path d="${path}" stroke="${toHex(colour)}" stroke-width="${[1.5, 2.4, 3.6][index]}" ` +
        `stroke-opacity="${[0.65, 0.85, 1][index]}" stroke-linecap="round"/>`,
    )
  );
}

export function paintLight(
  { scene, time, canvas, palette, light, brush, random, width, height }: Easel,
): void {
  const centre: Point = [light.x, light.y];
  const isMoon = time === "night";
  const { radius } = light;
  if (scene.style === "poster") {
    for (const [reach, part] of [[2.6, 0.22], [1.9, 0.36], [1.4, 0.55]]) {
      canvas.fill(
        "mass",
        [blob(centre, [radius * reach, radius * reach], { points: 60 })],
        toHex(palette.glow),
        ` fill-opacity="${part}"`,
      );
    }
  } else if (scene.style !== "ink") {
    const reach = Math.max(width, height) * (isMoon ? 0.42 : 0.62);
    const strength = isMoon ? 0.5 : time === "day" ? 0.55 : 0.85;
    const paint = canvas.glow(centre, reach, [
      { at: 0, colour: palette.glow, opacity: strength },
      { at: 0.12, colour: palette.glow, opacity: strength * 0.6 },
      { at: 0.4, colour: palette.glow, opacity: strength * 0.2 },
      { at: 1, colour: palette.glow, opacity: 0 },
    ]);
    canvas.add(
      "mass",
      `<rect x="-20" y="-20" width="${width + 40}" height="${height + 40}" fill="${paint}"/>`,
    );
  } else {
    const rays = Array.from({ length: 40 }, (_, index): Point[] => {
      const angle = (index / 40) * Math.PI * 2;
      const far = radius * (index % 2 === 0 ? 2.1 : 1.7);
      return [1.3 * radius, far].map((
        at,
      ): Point => [light.x + Math.cos(angle) * at, light.y + Math.sin(angle) * at]);
    });
    if (!isMoon) canvas.stroke("detail", rays, { paint: "#1d1a1c", width: 1.2, opacity: 0.8 });
  }
  const disc = blob(centre, [radius, radius], { points: 64 });
  if (scene.style === "ink") canvas.fill("shape", [disc], toHex(lighter(palette.paper, 0.04)));
  else canvas.fill("shape", [disc], toHex(palette.light));
  if (scene.style === "ink") brush.line([[...disc, disc[0]]], [0, 0, 0], { width: 1.5 });
  if (!isMoon) return;
  const marks = random.fork("moon");
  for (let mark = 0; mark < 6; mark++) {
    const [angle, far, size] = [marks.between(0, 6.3), marks.between(0, 0.6), marks.between(0.1, 0.26)];
    const at: Point = [light.x + Math.cos(angle) * far * radius, light.y + Math.sin(angle) * far * radius];
    canvas.fill(
      "detail",
      [blob(at, [size * radius, size * radius * 0.8], { wobble: 0.12, random: marks })],
      toHex(palette.glow),
      ` fill-opacity=".22"`,
    );
  }
}

export function paintClouds(easel: Easel): void {
  const { scene, weather, canvas, palette, random, width, horizon, time, light } = easel;
  const clouds = random.fork("clouds");
  const isHeavy = weather === "storm" || weather === "rain" || weather === "cloudy" || weather === "snow";
  const count = isHeavy ? 13 : clouds.integer(3, 6);
  const isFlat = !isHeavy && time !== "day" || clouds.chance(0.3);
  for (let cloud = 0; cloud < count; cloud++) {
    const depth = (cloud + 0.5) / count;
    const y = horizon * (isHeavy ? 0.02 + 0.6 * (1 - depth) : clouds.between(0.08, 0.78));
    const x = clouds.between(-0.05, 1.05) * width;
    const long = (isFlat ? clouds.between(120, 300) : clouds.between(70, 170)) * (isHeavy ? 1.7 : 1) *
      (0.5 + 0.5 * (1 - y / horizon));
    const tall = isFlat ? long * clouds.between(0.05, 0.09) : long * clouds.between(0.2, 0.3);
    const nearness = Math.max(0, 1 - Math.hypot(x - light.x, y - light.y) / (width * 0.6));
    const top = mix(palette.cloud, palette.light, isHeavy ? 0 : nearness * 0.4);
    const shade = palette.cloudShade;
    const opacity = isHeavy ? 0.62 : 0.8;
    const outline = cloudOutline({ x, y, long, tall, random: clouds, isFlat });
    if (scene.style === "ink") {
      canvas.fill("shape", [outline], toHex(palette.paper));
      canvas.stroke("shape", [outline.slice(0, -1)], { paint: "#1d1a1c", width: 1.4 });
    } else if (scene.style === "poster") {
      canvas.fill("shape", [outline], toHex(mix(top, shade, isHeavy ? depth : 0.15)));
    } else {
      const paint = canvas.fade(y - tall * 1.6, y + tall * 0.4, [
        { at: 0, colour: isHeavy ? mix(top, shade, 0.55) : top, opacity },
        { at: 0.55, colour: mix(top, shade, isHeavy ? 0.85 : 0.45), opacity: opacity * 0.85 },
        { at: 1, colour: shade, opacity: isHeavy ? 0.15 : 0.04 },
      ]);
      canvas.fill("shape", [outline], paint);
      if (scene.style === "watercolour") continue;
      const veil = cloudOutline({
        x: x + long * 0.08,
        y: y + tall * 0.15,
        long: long * 1.3,
        tall: tall * 0.7,
        random: clouds,
        isFlat: true,
      });
      canvas.fill("detail", [veil], toHex(top), ` fill-opacity=".13"`);
    }
  }
}

function cloudOutline(
  { x, y, long, tall, random, isFlat }: {
    x: number;
    y: number;
    long: number;
    tall: number;
    random: Easel["random"];
    isFlat: boolean;
  },
): Point[] {
  const noise = createNoise(random.fork(`cloud ${x}`), 3);
  const start = random.between(0, 90);
  const lumps = isFlat ? 3 : 6;
  const top = Array.from({ length: 49 }, (_, index): Point => {
    const part = index / 48;
    const dome = Math.sin(part * Math.PI) ** 0.6;
    const lump = isFlat
      ? 0.7 + 0.5 * noise(start + part * lumps)
      : 0.45 + 0.9 * Math.abs(noise(start + part * lumps));
    return [x + (part - 0.5) * 2 * long, y - tall * 1.5 * dome * lump];
  });
  const foot = Array.from({ length: 17 }, (_, index): Point => {
    const part = 1 - index / 16;
    return [
      x + (part - 0.5) * 2 * long,
      y + tall * 0.4 * Math.sin(part * Math.PI) * (0.6 + 0.5 * noise(start + 50 + part * 3)),
    ];
  });
  return [...top, ...foot];
}

export function paintAurora({ canvas, random, palette, width, horizon }: Easel): void {
  const aurora = random.fork("aurora");
  for (let curtain = 0; curtain < 3; curtain++) {
    const noise = createNoise(aurora.fork(`curtain ${curtain}`), 2);
    const foot = horizon * aurora.between(0.5, 0.8);
    const tall = horizon * aurora.between(0.4, 0.6);
    const colour = palette.tint(curtain === 1 ? "teal" : aurora.pick(["green", "purple", "teal"]));
    const bright = lighter(colour, 0.16);
    const steps = 110;
    for (let step = 0; step < steps; step++) {
      const part = step / steps;
      const y = foot + noise(part * 3.2) * horizon * 0.16;
      const reach = tall * (0.75 + 0.35 * noise(part * 17 + 40));
      const x = (part * 1.1 - 0.05) * width + noise(part * 4 + 9) * 50;
      const paint = canvas.fade(y - reach, y, [
        { at: 0, colour, opacity: 0 },
        { at: 0.8, colour: bright, opacity: 0.1 + 0.07 * noise(part * 31 + 70) },
        { at: 1, colour: bright, opacity: 0 },
      ]);
      const wide = (width * 1.1) / steps * (3.4 + 1.6 * noise(part * 60 + 5));
      canvas.fill("shape", [[[x, y - reach], [x + wide, y - reach], [x + wide, y], [x, y]]], paint);
    }
  }
}
