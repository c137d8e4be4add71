/** What the words of a prompt ask for, as data. What they leave open is null or absent, and the painter decides. */
import * as vocabulary from "./vocabulary.ts";

export type Place = keyof typeof vocabulary.places;
export type Time = keyof typeof vocabulary.times;
export type Weather = keyof typeof vocabulary.weathers;
export type Season = keyof typeof vocabulary.seasons;
export type Style = keyof typeof vocabulary.styles;
export type Tint = keyof typeof vocabulary.tints;
export type Subject = keyof typeof vocabulary.subjects;

export interface Scene {
  /** In the order named; for a new picture never empty, "abstract" if nothing was recognised. */
  places: Place[];
  time: Time | null;
  weather: Weather | null;
  season: Season | null;
  style: Style | null;
  /** Colours of the whole picture. */
  tints: Tint[];
  /** With the colour named just before the subject, as in "a red boat". */
  subjects: Map<Subject, Tint | null>;
  /** What must not appear, even of the painter's own accord. */
  unwanted: ReadonlySet<Meaning>;
}

export type Meaning = Place | Time | Weather | Season | Style | Tint | Subject;

type Reading =
  | { kind: "place"; meaning: Place }
  | { kind: "time"; meaning: Time }
  | { kind: "weather"; meaning: Weather }
  | { kind: "season"; meaning: Season }
  | { kind: "style"; meaning: Style }
  | { kind: "tint"; meaning: Tint }
  | { kind: "subject"; meaning: Subject };

/** Where a subject is at home when no place was named. */
const homes: { [subject in Subject]: Place } = {
  sun: "hills",
  moon: "hills",
  stars: "hills",
  aurora: "mountains",
  birds: "hills",
  boat: "sea",
  lighthouse: "sea",
  house: "hills",
  trees: "forest",
  pines: "forest",
  flowers: "meadow",
  palm: "beach",
  cactus: "desert",
  cat: "hills",
  balloon: "hills",
};

const readings = createReadings();
const negations = new Set(["no", "not", "without", "never"]);
const articles = new Set(["a", "an", "any", "the"]);
/** Words that tell what to do, or join others, and name nothing. */
const joining = new Set(
  ("above add all also and around as at background be become behind below beside bottom but by change convert do " +
    "draw edge edit everything extend fill for foreground from front give have i in instead into is it its keep left " +
    "let like look lot lots make me middle more my near next now of on one onto or our out over paint part photo " +
    "picture image please put render replace rest right same scene set show side so some something that then there " +
    "this to top turn under up upper lower very view want we whole with would you").split(" "),
);

export function readScene(prompt: string, negativePrompt = ""): Scene {
  return withConsequences(readChange(prompt, negativePrompt));
}

/** Only what is named, without any place that it would need: a picture that is there has one. */
export function readChange(prompt: string, negativePrompt = ""): Scene {
  const unwanted = new Set<Meaning>(readWords(negativePrompt).map((word) => word.reading.meaning));
  const words = readWords(prompt);
  for (const word of words) if (word.isNegated) unwanted.add(word.reading.meaning);
  const wanted = words.filter(({ reading }) => !unwanted.has(reading.meaning));

  const scene: Scene = {
    places: [],
    time: null,
    weather: null,
    season: null,
    style: null,
    tints: [],
    subjects: new Map(),
    unwanted,
  };
  wanted.forEach((word, index) => {
    const { reading } = word;
    const next = wanted[index + 1];
    if (reading.kind === "place" && !scene.places.includes(reading.meaning)) {
      scene.places.push(reading.meaning);
    } else if (reading.kind === "time") scene.time ??= reading.meaning;
    else if (reading.kind === "weather") scene.weather ??= reading.meaning;
    else if (reading.kind === "season") scene.season ??= reading.meaning;
    else if (reading.kind === "style") scene.style ??= reading.meaning;
    else if (reading.kind === "subject" && !scene.subjects.has(reading.meaning)) {
      scene.subjects.set(reading.meaning, null);
    } else if (reading.kind === "tint") {
      const isOfNext = next?.reading.kind === "subject" && next.position === word.position + 1;
      if (isOfNext) scene.subjects.set(next.reading.meaning as Subject, reading.meaning);
      else if (!scene.tints.includes(reading.meaning)) scene.tints.push(reading.meaning);
    }
  });
  return scene;
}

/** Lower-case words without accents: what the picture's chance grows from besides the seed. */
export function plainWords(text: string): string[] {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function withConsequences(scene: Scene): Scene {
  if (scene.places.length === 0) {
    const home = [...scene.subjects.keys()].map((subject) => homes[subject])
      .find((place) => !scene.unwanted.has(place));
    const isOutside = scene.time !== null || scene.weather !== null || scene.season !== null;
    scene.places.push(home ?? (isOutside && !scene.unwanted.has("hills") ? "hills" : "abstract"));
  }
  const isNightly = ["moon", "stars", "aurora"].some((subject) => scene.subjects.has(subject as Subject));
  if (scene.time === null && isNightly && !scene.unwanted.has("night")) scene.time = "night";
  return scene;
}

/** What was understood of a text, and the words that were not; words that only join others are neither. */
export interface Understanding {
  known: { text: string; meaning: Meaning; isNegated: boolean }[];
  unknown: string[];
}

export function understand(text: string): Understanding {
  const { found, rest } = readText(text);
  return {
    known: found.map(({ text, reading, isNegated }) => ({ text, meaning: reading.meaning, isNegated })),
    unknown: [...new Set(rest.filter((word) => !joining.has(word)))],
  };
}

interface Word {
  position: number;
  /** As it was written, without accents and case. */
  text: string;
  reading: Reading;
  isNegated: boolean;
}

function readWords(text: string): Word[] {
  return readText(text).found;
}

function readText(text: string): { found: Word[]; rest: string[] } {
  const written = plainWords(text);
  const words = written.map(singular);
  const found: Word[] = [];
  const rest: string[] = [];
  let isNegated = false;
  for (let position = 0; position < words.length; position++) {
    if (negations.has(words[position])) {
      isNegated = true;
      continue;
    }
    if (articles.has(words[position])) continue;
    const length = [3, 2, 1].find((size) =>
      position + size <= words.length && readings.has(words.slice(position, position + size).join("_"))
    ) ??
      1;
    const reading = readings.get(words.slice(position, position + length).join("_"));
    const text = written.slice(position, position + length).join(" ");
    position += length - 1;
    if (reading !== undefined) {
      found.push({ position, text, reading, isNegated });
    } else rest.push(text);
    isNegated = false;
  }
  return { found, rest };
}

function createReadings(): Map<string, Reading> {
  const map = new Map<string, Reading>();
  const learn = <Kind extends Reading["kind"]>(kind: Kind, meanings: { [meaning: string]: string }) => {
    for (const [meaning, words] of Object.entries(meanings)) {
      for (const word of words.split(" ")) {
        map.set(word.split("_").map(singular).join("_"), { kind, meaning } as Reading);
      }
    }
  };
  learn("place", vocabulary.places);
  learn("time", vocabulary.times);
  learn("weather", vocabulary.weathers);
  learn("season", vocabulary.seasons);
  learn("style", vocabulary.styles);
  learn("tint", vocabulary.tints);
  learn("subject", vocabulary.subjects);
  return map;
}

/** Good enough for nouns; both sides of each look-up go through it, so what it spoils it spoils alike. */
function singular(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return word.slice(0, -3) + "y";
  if (word.length > 4 && /(?:ch|sh|ss|x|us)es$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss") && !word.endsWith("us")) {
    return word.slice(0, -1);
  }
  return word;
}
