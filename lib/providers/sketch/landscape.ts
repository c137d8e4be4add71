/** Puts the places of a scene one behind the other: sky, far land, water, near land, things, weather. */
import type { Easel } from "./easel.ts";
import { paintCity } from "./city.ts";
import { paintDesert } from "./desert.ts";
import { paintMist } from "./weather.ts";
import { paintBank, paintHills, paintMeadow } from "./land.ts";
import { paintMountains } from "./mountains.ts";
import { paintSky } from "./sky.ts";
import { paintBalloon, paintBirds, paintCacti, paintCat, paintHouse } from "./subjects.ts";
import { paintBoat, paintLighthouse } from "./waterside.ts";
import { paintForest, paintLoneTree, paintPalms } from "./trees.ts";
import { paintBeach, paintWater } from "./water.ts";
import type { Place } from "./words.ts";

export function paintLandscape(easel: Easel): void {
  const { scene, canvas, random, height, width, horizon, time } = easel;
  const has = (place: Place) => scene.places.includes(place);
  const isWatery = has("sea") || has("lake") || has("beach");
  const shore = horizon;

  paintSky(easel);
  const begun = canvas.parts.length;
  if (has("mountains")) paintMountains(easel, shore);
  if (has("hills") && (isWatery || has("city"))) {
    paintHills(easel, { from: shore - height * 0.03, isNear: false });
  }
  if (has("forest") && isWatery) {
    paintForest(easel, { from: shore - height * 0.03, to: shore, isNear: false });
  }
  if (has("city") && (isWatery || has("meadow"))) paintCity(easel, { foot: shore, isFar: true });
  if (has("lake") && scene.places.length === 1) paintLakeside(easel, shore);

  if (isWatery) {
    const mirrored = canvas.parts.slice(begun);
    paintWater(easel, { from: shore, isCalm: has("lake") && easel.weather !== "storm", mirrored });
    paintMist(easel, shore + 4, 16, 0.5);
    if (has("desert")) paintDesert(easel, height * 0.8);
    if (has("meadow") && !has("beach")) paintMeadow(easel, height * 0.84);
  } else if (has("city") && !has("meadow")) paintCity(easel, { foot: shore, isFar: false });
  else if (has("desert")) paintDesert(easel, shore);
  else if (has("forest")) paintForest(easel, { from: shore, to: height * 0.97, isNear: true });
  else if (has("meadow")) {
    if (!has("mountains")) paintHills(easel, { from: shore - height * 0.01, isNear: false });
    paintMeadow(easel, shore + height * 0.03);
  } else paintHills(easel, { from: shore });
  if (has("beach")) paintBeach(easel, height * random.fork("beach line").between(0.8, 0.86));

  const isOpenLake = has("lake") && !has("beach") && !has("meadow") && !has("desert");
  if (isOpenLake) paintBank(easel);

  const { subjects, unwanted } = scene;
  if (isWatery && subjects.has("boat")) paintBoat(easel, shore);
  if (subjects.has("lighthouse")) paintLighthouse(easel, isWatery ? shore : height * 0.86);
  if (subjects.has("house")) {
    const place = random.fork("place of the house");
    if (isWatery) paintHouse(easel, [width * place.pick([0.16, 0.82]), shore + 6], 44);
    else {paintHouse(
        easel,
        [width * place.between(0.28, 0.7), height * place.between(0.76, 0.82)],
        height * 0.12,
      );}
  }
  if (subjects.has("palm") || (has("beach") && !unwanted.has("palm") && random.fork("palm").chance(0.4))) {
    paintPalms(easel, height * 0.9, 2);
  }
  if (
    subjects.has("cactus") || (has("desert") && !unwanted.has("cactus") && random.fork("cactus").chance(0.6))
  ) {
    paintCacti(easel);
  }
  if ((subjects.has("trees") || subjects.has("pines")) && !has("forest") && !has("desert")) {
    paintLoneTree(easel, [width * random.fork("tree").pick([0.2, 0.8]), height * 0.92], height * 0.46);
  }
  if (subjects.has("balloon")) paintBalloon(easel);
  const isBirdy = subjects.has("birds") ||
    (time !== "night" && easel.weather !== "storm" && random.fork("birdy").chance(0.35));
  if (isBirdy && !unwanted.has("birds")) paintBirds(easel);
  if (subjects.has("cat")) paintCat(easel);
}

/** A lake has a far shore even when nobody names one. */
function paintLakeside(easel: Easel, shore: number): void {
  const { height, random } = easel;
  if (random.fork("lakeside").chance(0.5) && !easel.scene.unwanted.has("mountains")) {
    paintMountains(easel, shore);
  }
  if (!easel.scene.unwanted.has("trees") && !easel.scene.unwanted.has("forest")) {
    paintForest(easel, { from: shore - height * 0.02, to: shore, isNear: false });
  } else paintHills(easel, { from: shore - height * 0.04, isNear: false });
}
