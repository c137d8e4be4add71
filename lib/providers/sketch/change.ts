/**
 * Changes a picture by words, as far as the painter knows them: another hour, weather, season, style or colours by
 * regrading its pixels, and things by painting them in. The same picture, words, seed and marked part give the same
 * bytes.
 */
import type { SentPicture, TaskRequest } from "../../catalog/provider.ts";
import { sha256 } from "../../digest.ts";
import type { Size } from "../../size.ts";
import { extended } from "./extend.ts";
import { grade, type Tone } from "./grade.ts";
import { type Look, lookAt } from "./look.ts";
import { noteOf } from "./note.ts";
import { farPlaces } from "./overlay.ts";
import { changedPart } from "./part.ts";
import { copyOf, decode, type Pixels, resized, resizedPlane } from "./pixels.ts";
import { createRandom } from "./random.ts";
import { changedWhole, type Changing, easelOf } from "./whole.ts";
import { type Meaning, type Place, plainWords, readChange, understand } from "./words.ts";

export interface Change {
  note: string;
  /** As it was given. */
  before: Pixels;
  /** Changed, at a size of that shape. */
  after(size: Size): Promise<Pixels>;
}

/** At this strength a change is whole; beyond it, colours go further than the hour or the weather asks. */
const wholeStrength = 0.8;
/** The longest side at which another picture's colours are looked at. */
const tonePixels = 64;

export async function changeOf(task: TaskRequest, { seed }: { seed: number }): Promise<Change> {
  const { sources, strength, area } = task.edit!;
  const base = sources.find(({ role }) => role === "base")!;
  const before = await decode(base.bytes, task);
  const scene = readChange(task.prompt, task.negativePrompt);
  const tones = await tonesOf(sources);
  const marked = area === null ? null : await resizedPlane(area, { from: base, to: task });
  const kind = marked === null ? "whole" : task.taskType === "OUTPAINT" ? "frame" : "part";
  const look = await lookAt(before);
  const key = [
    seed,
    plainWords(task.prompt).join(" "),
    sha256(base.bytes),
    area === null ? "" : sha256(area),
  ];
  const changing: Changing = {
    scene,
    random: createRandom(key.join(" ")),
    look,
    tones,
    amount: (strength ?? wholeStrength) / wholeStrength,
  };
  const isShown = (meaning: Meaning) => kind !== "whole" || hasPlace(meaning, look);
  const words = understand(task.prompt);
  const isStill = strength === 0;
  const isChanged = !isStill &&
    (tones.length > 0 ||
      words.known.some(({ meaning, isNegated }) =>
        !isNegated && !scene.unwanted.has(meaning) && isShown(meaning)
      ));
  const unchanged = kind === "frame" ? "so its edges are only continued." : "so the picture is as it was.";
  return {
    note: noteOf({ words, scene, roles: sources.map(({ role }) => role), isShown, isStill, unchanged }),
    before,
    async after(size) {
      const pixels = copyOf(await resized(before, size));
      if (kind === "whole" || marked === null) {
        return isChanged ? await changedWhole(pixels, changing) : pixels;
      }
      const plane = await resizedPlane(marked, { from: task, to: size });
      if (kind === "part") {
        return isChanged ? shifted(await changedPart(pixels, changing, plane), plane) : pixels;
      }
      if (isStill) return pixels;
      const frame = await extended(pixels, changing, { plane, isChanged });
      return isChanged ? shifted(frame, plane) : frame;
    },
  };
}

/** Colours of pictures from words alone, bent to those of the pictures that were given for it. */
export async function toned(pixels: Pixels, { tones }: { tones: Tone[] }): Promise<Pixels> {
  if (tones.length === 0) return pixels;
  const scene = readChange("");
  const look = await lookAt(pixels);
  const easel = easelOf({ scene, random: createRandom(""), look }, pixels);
  const after = copyOf(pixels);
  await grade(after, { easel, look, tones, amount: 1 });
  return after;
}

export async function tonesOf(sources: readonly SentPicture[]): Promise<Tone[]> {
  const styles = sources.filter(({ role }) => role === "style");
  return await Promise.all(
    styles.map(async ({ bytes }) =>
      await lookAt(await decode(bytes, { width: tonePixels, height: tonePixels }))
    ),
  );
}

/** Places that lie at one's feet are there or not; what stands behind needs a sky to stand in. */
function hasPlace(meaning: Meaning, { horizon }: Look): boolean {
  if (farPlaces.has(meaning as Place)) return horizon !== null;
  const ground: Meaning[] = ["sea", "beach", "lake", "desert", "meadow", "abstract"];
  return !ground.includes(meaning);
}

/** Outside of what was asked for it is not the picture that it was given: whoever wants that has to keep it. */
function shifted(pixels: Pixels, plane: Uint8Array): Pixels {
  const { data } = pixels;
  for (let at = 0; at < plane.length; at++) {
    if (plane[at] === 0) data[at * 4 + 2] = Math.min(255, data[at * 4 + 2] + 1);
  }
  return pixels;
}
