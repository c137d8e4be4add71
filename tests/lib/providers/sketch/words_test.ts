import assert from "node:assert/strict";
import { plainWords, readScene, type Scene } from "../../../../lib/providers/sketch/words.ts";

type Expected = Partial<Omit<Scene, "subjects" | "unwanted">> & { subjects?: [string, string | null][] };

const readings: [prompt: string, expected: Expected][] = [
  ["a calm ocean at sundown", { places: ["sea"], time: "sunset" }],
  ["Alpine peaks, early morning mist", { places: ["mountains"], time: "dawn", weather: "fog" }],
  ["the skyline after dark, rainy", { places: ["city"], weather: "rain" }],
  ["a walk in the woods in autumn", { places: ["forest"], season: "autumn" }],
  ["DUNES of the Sahara at noon", { places: ["desert"], time: "day" }],
  ["rolling hills in thick fog", { places: ["hills"], weather: "fog" }],
  ["mountains by a lake", { places: ["mountains", "lake"] }],
  ["a nebula and two galaxies", { places: ["space"] }],
  ["snowy village street at midnight", { places: ["city"], weather: "snow", time: "night" }],
  ["thunderstorm over the harbour", { places: ["sea"], weather: "storm" }],
  ["golden hour on the beach", { places: ["beach"], time: "sunset", tints: [] }],
  ["pen and ink, a city", { style: "ink" }],
  ["watercolor, sea", { style: "watercolour" }],
  ["Ukiyo-e waves", { style: "poster", places: ["sea"] }],
  ["soft chalk hills", { style: "pastel" }],
  ["crimson and gold, a desert", { tints: ["red", "golden"] }],
  ["black and white photo of a street", { tints: ["grey"], places: ["city"] }],
  ["a red boat", { places: ["sea"], tints: [], subjects: [["boat", "red"]] }],
  ["a red, red sea with a boat", { tints: ["red"], subjects: [["boat", null]] }],
  ["lighthouse", { places: ["sea"], subjects: [["lighthouse", null]] }],
  ["cacti and crows", { places: ["desert"], subjects: [["cactus", null], ["birds", null]] }],
  ["the northern lights", { places: ["mountains"], time: "night", subjects: [["aurora", null]] }],
  ["a crescent moon over the valley", { places: ["hills"], time: "night", subjects: [["moon", null]] }],
  ["a field of red poppies", { places: ["meadow"], subjects: [["flowers", "red"]] }],
  ["a café at dusk", { places: ["hills"], time: "sunset" }],
  ["portrait of nobody", { places: ["abstract"], time: null, weather: null, style: null, tints: [] }],
  ["", { places: ["abstract"] }],
  ["constructor __proto__ toString", { places: ["abstract"] }],
  ["a sea without boats", { places: ["sea"], subjects: [] }],
  ["mountains, no snow", { places: ["mountains"], weather: null }],
];

for (const [prompt, expected] of readings) {
  Deno.test(`"${prompt}" is read as ${JSON.stringify(expected)}`, () => {
    const scene = readScene(prompt);
    const seen = { ...scene, subjects: [...scene.subjects] };
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(seen[key as keyof Expected], value, key);
    }
  });
}

const removals: [prompt: string, negativePrompt: string, expected: Expected][] = [
  ["sea with a boat and gulls", "ships", { subjects: [["birds", null]] }],
  ["mountains and sea", "ocean", { places: ["mountains"] }],
  ["rainy city at night", "rain, darkness at midnight", { weather: null, time: null, places: ["city"] }],
  ["a blue hill, watercolour", "blue, aquarelle", { tints: [], style: null }],
  ["the sea", "sea", { places: ["abstract"] }],
  ["lighthouse", "sea", { places: ["abstract"] }],
];

for (const [prompt, negativePrompt, expected] of removals) {
  Deno.test(`"${prompt}" loses what "${negativePrompt}" names`, () => {
    const scene = readScene(prompt, negativePrompt);
    const seen = { ...scene, subjects: [...scene.subjects] };
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(seen[key as keyof Expected], value, key);
    }
  });
}

Deno.test("what the negative prompt names is unwanted even when the prompt does not ask for it", () => {
  assert.deepEqual([...readScene("hills", "birds and the sun").unwanted], ["birds", "sun"]);
});

Deno.test("words are compared without case, accents and punctuation", () => {
  assert.deepEqual(plainWords("  Café-au-LAIT, 2 «naïve» Ångström! "), [
    "cafe",
    "au",
    "lait",
    "2",
    "naive",
    "angstrom",
  ]);
});
