/** What the people of a seeded studio ask for, and how it ends. */
import type { Ending } from "./rehearsal.ts";

export type Person = "owner" | "admin" | "designer" | "student";

export interface Scene {
  by: Person;
  text: string;
  model: "sketch" | "rehearsal-one" | "rehearsal-fine";
  imageSize: string;
  count: number;
  negativePrompt?: string;
  watermark?: string;
  ending?: Ending;
}

type Line = [text: string, imageSize: string, more?: Partial<Scene>];

const fine = { model: "rehearsal-fine" } as const;
const one = { model: "rehearsal-one" } as const;

const owner: Line[] = [
  ["a lighthouse at dusk above a stormy sea, golden light", "1536x1024", fine],
  ["a red sailboat on a calm lake at sunrise, mist on the water", "1024x1024"],
  ["snowy mountains under the northern lights, pines in front", "1536x864", { ...one, count: 2 }],
  ["city skyline at night in the rain, neon", "864x1536", fine],
  ["misty pine forest at dawn, watercolour", "1024x1536"],
  ["hot air balloons over a desert canyon at sunset", "1536x1024", one],
  ["a cottage in a lavender meadow, evening, pastel", "1024x1024", { count: 2 }],
  ["Saturn above a quiet ocean, stars", "1536x864", fine],
  ["cherry blossom trees by a river in spring, ukiyo poster", "1024x1536", one],
  ["a black cat on a hill under a full moon", "1024x1024"],
  ["abstract composition in teal and orange, Bauhaus", "1024x1024", { count: 4 }],
  ["a fishing boat in the harbour, fog, ink drawing", "768x768"],
  ["autumn woods with a stream, golden leaves", "1536x1024", { ...fine, watermark: "Northlight Studio" }],
  ["palm trees on a tropical beach at noon", "1536x864", one],
  ["a volcano at night, red glow, thunderstorm", "1024x1024", one],
  ["wheat fields with poppies and a farmhouse, summer afternoon", "1536x1024"],
  ["cactus desert under the milky way", "864x1536", { ...one, count: 2 }],
  ["a village in the hills of Tuscany at golden hour", "1536x864", fine],
  ["winter lake with a cabin and smoke, snowfall", "1024x1024"],
  ["geese over a marsh at daybreak, soft pastel", "1536x1024", { negativePrompt: "boat, house" }],
];

const failures: Line[] = [
  ["a portrait of a well-known politician, photograph", "1024x1024", {
    ...one,
    ending: {
      type: "fails",
      reason: "content_policy",
      outcome: "not_created",
      said: "Real people can't be shown.",
    },
  }],
  ["a cliff with gulls, four studies in charcoal", "768x768", {
    ...one,
    count: 4,
    ending: {
      type: "fails",
      reason: "provider_rejected",
      outcome: "not_created",
      said: "The worker of this task is out of memory.",
      tasks: [2],
    },
  }],
  ["an island with a waterfall, moonlit", "1024x1536", {
    ...fine,
    ending: { type: "fails", reason: "outcome_unknown", outcome: "unknown", said: null },
  }],
  ["a glacier bay in pale blue", "1536x864", {
    ...one,
    ending: {
      type: "fails",
      reason: "provider_failed",
      outcome: "failed",
      said: "Internal error, please retry.",
    },
  }],
  ["a rooftop garden in the rain", "1024x1024", { ...one, ending: { type: "no_picture" } }],
  ["a meadow of tulips, four seasons in one", "1024x1024", { ...fine, ending: { type: "never" } }],
  ["a highland moor with a rainbow", "1536x1024", {
    ...fine,
    ending: { type: "fails", reason: "outcome_unknown", outcome: "unknown", said: null },
  }],
  ["a poster for the harvest fair, pumpkins and lanterns", "864x1536", {
    ...one,
    ending: {
      type: "fails",
      reason: "provider_billing",
      outcome: "not_created",
      said: "Insufficient credits.",
    },
  }],
];

const admin: Line[] = [
  ["a reservoir between alpine peaks, morning", "1536x1024", one],
  ["downtown at night, black and white", "1024x1536"],
  ["a spruce forest in a blizzard, woodcut", "1024x1024"],
  ["a nebula in violet and rose", "1536x864", fine],
];

const designer: Line[] = [
  ["travel poster: the coast at sunset, flat colours", "1024x1536", { ...one, count: 2 }],
  ["travel poster: the mountains in winter, flat colours", "1024x1536", { ...one, count: 2 }],
  ["travel poster: the desert at night, flat colours", "1024x1536", one],
  ["geometric pattern in mustard and navy", "768x768"],
  ["a lagoon at noon, turquoise, screenprint", "1536x864", fine],
];

const student: Line[] = [
  ["a barn in the prairie before a storm", "1024x1024"],
  ["ships in the bay at dawn, etching", "1536x1024", one],
  ["an olive grove in spring", "1024x1024"],
  ["oaks in the fog, pencil", "768x768", one],
];

function scenesBy(by: Person, lines: Line[]): Scene[] {
  return lines.map(([text, imageSize, more]) => ({
    by,
    text,
    imageSize,
    model: "sketch",
    count: 1,
    ...more,
  }));
}

/** Made on some day of the past weeks. */
export const pastScenes: readonly Scene[] = [
  ...scenesBy("owner", [...owner, ...failures]),
  ...scenesBy("admin", admin),
  ...scenesBy("designer", designer),
  ...scenesBy("student", student),
];

/** Made within the last hour, in this order. */
export const recentScenes: readonly Scene[] = [
  ...scenesBy("designer", [["a pier in the evening, long exposure", "1536x864", one]]),
  ...scenesBy("owner", [
    ["a fjord with a small red house, clear morning", "1536x1024", fine],
    ["three studies of a wave, ink", "768x768", { count: 3 }],
    ["a starry night over the vineyards", "1024x1024"],
  ]),
];

/** Made from what somebody else shows to everybody. */
export const remixScene: Scene = {
  by: "student",
  text: "the same place in winter, seen from a hill, woodcut",
  model: "sketch",
  imageSize: "1024x1024",
  count: 1,
};

/** The provider asks to be left alone for a while, so it waits for its next attempt. */
export const delayedScene: Scene = {
  by: "owner",
  text: "a monastery on a ridge above the clouds",
  model: "rehearsal-one",
  imageSize: "1536x1024",
  count: 1,
  ending: {
    type: "fails",
    reason: "rate_limited",
    outcome: "not_created",
    said: "Too many requests.",
    retryAfterMs: 50 * 60_000,
  },
};

/** They are in the queue when the server starts, and develop then. */
export const waitingScenes: readonly Scene[] = [
  ...scenesBy("owner", [["a lighthouse in a snowstorm at night, four views", "1024x1024", { count: 4 }]]),
  ...scenesBy("student", [["a waterfall in the jungle, watercolour", "1024x1536"]]),
];

/** Many at once. */
export interface BatchScene {
  by: Person;
  name: string;
  texts: readonly string[];
  model: string;
  imageSize: string;
}

const seasons = ["spring", "summer", "autumn", "winter"];

export const batchScene: BatchScene = {
  by: "owner",
  name: "a valley in four seasons",
  texts: ["dawn", "dusk"].flatMap((hour) =>
    seasons.map((season) => `a mountain valley at ${hour}, ${season}`)
  ),
  model: "sketch",
  imageSize: "512x512",
};

/** None of its rows has begun. */
export const pausedBatchScene: BatchScene = {
  by: "owner",
  name: "the coast in four seasons",
  texts: seasons.map((season) => `a rocky coast, ${season}`),
  model: "sketch",
  imageSize: "768x768",
};
