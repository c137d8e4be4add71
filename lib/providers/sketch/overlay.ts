/** What words add to a picture that is there: behind what stands in it, or before all of it. */
import { createBrush } from "./brush.ts";
import { Canvas } from "./canvas.ts";
import { paintCity } from "./city.ts";
import type { Easel } from "./easel.ts";
import { paintFlowers, paintHills } from "./land.ts";
import { paintMountains } from "./mountains.ts";
import { paintAurora, paintClouds, paintLight, paintStars } from "./sky.ts";
import { paintBalloon, paintBirds, paintCacti, paintCat, paintHouse } from "./subjects.ts";
import { paintForest, paintLoneTree, paintPalms } from "./trees.ts";
import { paintBoat, paintLighthouse } from "./waterside.ts";
import { paintWeather } from "./weather.ts";
import type { Place, Subject } from "./words.ts";

/** Places that can be seen from afar, so also behind what is there. */
export const farPlaces: ReadonlySet<Place> = new Set(["mountains", "hills", "forest", "city"]);
export const skySubjects: ReadonlySet<Subject> = new Set(["sun", "moon", "stars", "aurora"]);

/** The same view with nothing painted yet. */
export function cleared(easel: Easel): Easel {
  const { width, height, scene, palette, random } = easel;
  const canvas = new Canvas(width, height);
  const brush = createBrush({
    canvas,
    style: scene.style,
    paper: palette.paper,
    random: random.fork("brush"),
  });
  return { ...easel, canvas, brush };
}

/** What is seen only where the sky was; `isSky` says whether there is one. */
export function paintAbove(view: Easel, { isSky }: { isSky: boolean }): Easel {
  const easel = cleared(view);
  const { scene, weather, time, height, horizon } = easel;
  const { subjects, unwanted } = scene;
  const isOpen = weather === "clear" || weather === "cloudy";
  const isNight = isSky && scene.time === "night" && isOpen && !unwanted.has("stars");
  if (subjects.has("stars") || isNight || scene.places.includes("space")) paintStars(easel);
  if (subjects.has("aurora")) paintAurora(easel);
  if (subjects.has("moon")) paintLight({ ...easel, time: "night" });
  else if (subjects.has("sun")) paintLight({ ...easel, time: time === "night" ? "day" : time });
  else if (isSky && isOpen && scene.time !== null && scene.time !== "day") {
    if (!unwanted.has(scene.time === "night" ? "moon" : "sun")) paintLight(easel);
  }
  if (!isSky) return easel;
  if (scene.weather !== null && scene.weather !== "clear" && weather !== "fog") paintClouds(easel);
  const foot = horizon + height * 0.03;
  if (scene.places.includes("mountains")) paintMountains(easel, foot);
  if (scene.places.includes("hills")) paintHills(easel, { from: foot - height * 0.03, isNear: false });
  if (scene.places.includes("city")) paintCity(easel, { foot, isFar: true });
  if (scene.places.includes("forest")) {
    paintForest(easel, { from: foot - height * 0.03, to: foot, isNear: false });
  }
  return easel;
}

export function paintBefore(view: Easel): Easel {
  const easel = cleared(view);
  for (const subject of easel.scene.subjects.keys()) paintSubject(easel, subject);
  paintWeather(easel);
  return easel;
}

/** One thing where such a thing stands in a picture; those of the sky are no things. */
export function paintSubject(easel: Easel, subject: Subject): void {
  const { width, height, horizon, random } = easel;
  const place = random.fork(`place of the ${subject}`);
  switch (subject) {
    case "birds":
      return paintBirds(easel);
    case "balloon":
      return paintBalloon(easel);
    case "boat":
      return paintBoat(easel, horizon);
    case "lighthouse":
      return paintLighthouse(easel, horizon);
    case "house":
      return paintHouse(
        easel,
        [width * place.between(0.26, 0.74), height * place.between(0.76, 0.84)],
        height * 0.12,
      );
    case "trees":
    case "pines":
      return paintLoneTree(easel, [width * place.pick([0.17, 0.83]), height * 0.95], height * 0.48);
    case "flowers":
      return paintFlowers(easel, Math.max(horizon + height * 0.1, height * 0.72));
    case "palm":
      return paintPalms(easel, height * 0.96, 2);
    case "cactus":
      return paintCacti(easel);
    case "cat":
      return paintCat(easel);
    default:
      return;
  }
}

/** What was painted, transparent where nothing was; `view` is the part that is shown, in the picture's units. */
export function svgOf(
  { canvas }: Easel,
  { pixels, view = [0, 0, canvas.width, canvas.height] }: {
    pixels: { width: number; height: number };
    view?: readonly [x: number, y: number, width: number, height: number];
  },
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${pixels.width}" height="${pixels.height}" ` +
    `viewBox="${view.join(" ")}" preserveAspectRatio="none"><defs>${canvas.definitions.join("")}</defs>` +
    `${canvas.parts.map((part) => part.element).join("")}</svg>`;
}
