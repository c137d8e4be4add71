import assert from "node:assert/strict";
import sharp from "sharp";
import { paint } from "../../../../lib/providers/sketch/paint.ts";
import { createRandom } from "../../../../lib/providers/sketch/random.ts";
import * as vocabulary from "../../../../lib/providers/sketch/vocabulary.ts";

const square = { width: 512, height: 512 };
const prompts = [
  "a quiet sea at sunset with a boat and a lighthouse",
  "snowy mountain peaks at dawn, pines",
  "city skyline on a rainy night",
  "autumn forest by a lake, fog",
  "desert with cactus and a hot air balloon, day",
  "a galaxy of purple stars",
  "northern lights over a house in the hills",
  "meadow with red flowers and a cat",
  "tropical beach with palms in a thunderstorm",
  "ink drawing of a village",
  "watercolour of an island",
  "pastel prairie in spring",
  "travel poster of a fjord",
  "the sound of seven",
  "entropy and tea",
];

async function pixelsOf(svg: string): Promise<Uint8Array> {
  return await sharp(new TextEncoder().encode(svg)).removeAlpha().raw().toBuffer();
}

/** Mean difference of the channels of two pictures, from 0 to 255. */
function difference(one: Uint8Array, other: Uint8Array): number {
  assert.equal(one.length, other.length);
  return one.reduce((sum, value, index) => sum + Math.abs(value - other[index]), 0) / one.length;
}

async function distance(one: string, other: string): Promise<number> {
  return difference(await pixelsOf(one), await pixelsOf(other));
}

/** Mean difference of each pixel from its right neighbour: how much detail there is. */
function detailOf(pixels: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < pixels.length - 3; index++) sum += Math.abs(pixels[index] - pixels[index + 3]);
  return sum / pixels.length;
}

/** Mean distance of the channels of a pixel: how much colour there is. */
function colourOf(pixels: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < pixels.length; index += 3) {
    const pixel = pixels.subarray(index, index + 3);
    sum += Math.max(...pixel) - Math.min(...pixel);
  }
  return sum / (pixels.length / 3);
}

function finished(
  prompt: string,
  { seed = 1, negativePrompt }: { seed?: number; negativePrompt?: string } = {},
) {
  const painting = paint({ prompt, negativePrompt, seed, ...square });
  return painting.svg(painting.steps, 160);
}

for (const prompt of prompts) {
  Deno.test(`"${prompt}" is painted the same each time, sound, and with none of its text`, async () => {
    const svg = finished(prompt);
    assert.equal(finished(prompt), svg);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity|<text|<script|<image/);
    const used = [...svg.matchAll(/url\(#(\w+)\)/g)].map((match) => match[1]);
    for (const id of new Set(used)) assert.ok(svg.includes(`id="${id}"`), `${id} is defined`);
    const { channels } = await sharp(await pixelsOf(svg), { raw: { width: 160, height: 160, channels: 3 } })
      .stats();
    assert.ok(channels.some(({ stdev }) => stdev > 8), "it is no blank sheet");
  });
}

Deno.test("any words the painter knows go together, in every shape", () => {
  const random = createRandom("combinations");
  const words = Object.values(vocabulary).flatMap((meanings) =>
    Object.values(meanings).map((word) => word.split(" ")[0])
  );
  for (let seed = 0; seed < 300; seed++) {
    const prompt = Array.from({ length: random.integer(1, 6) }, () => random.pick(words)).join(" ");
    const [width, height] = random.pick([[512, 512], [1536, 864], [864, 1536]]);
    const svg = paint({ prompt, negativePrompt: random.pick(words), seed, width, height }).svg(6);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/, prompt);
  }
});

Deno.test("another seed gives another composition, another prompt another picture", async () => {
  for (const prompt of prompts) {
    assert.ok(await distance(finished(prompt), finished(prompt, { seed: 2 })) > 4, prompt);
  }
  assert.ok(await distance(finished("quantum poetry"), finished("entropy and tea")) > 8);
});

Deno.test("nothing of the prompt enters the SVG, whatever it holds", () => {
  const hostile = `sea"/><script>alert(1)</script> &xxe; ]]> url(#d1) zyzzyva`;
  const svg = paint({ prompt: hostile, negativePrompt: `qwertz"><image href="x"/>`, seed: 1, ...square }).svg(
    6,
  );
  for (const trace of ["script", "alert", "xxe", "zyzzyva", "qwertz", "<image", "href"]) {
    assert.ok(!svg.includes(trace), trace);
  }
});

Deno.test("a picture comes up like a print: each step shows more, in at least four", async () => {
  for (
    const prompt of ["city skyline at sunset", "pine forest, day", "watercolour sea with a boat at dawn"]
  ) {
    const painting = paint({ prompt, seed: 3, ...square });
    assert.ok(painting.steps >= 4);
    const steps: Uint8Array[] = [];
    for (let step = 1; step <= painting.steps; step++) steps.push(await pixelsOf(painting.svg(step, 320)));
    for (let step = 1; step < steps.length; step++) {
      const label = `${prompt}, step ${step + 1}`;
      assert.ok(difference(steps[step - 1], steps[step]) > 1, `${label} differs from the one before`);
      assert.ok(detailOf(steps[step]) > detailOf(steps[step - 1]), `${label} has more detail`);
    }
    assert.ok(
      colourOf(steps[0]) < colourOf(steps[3]) && colourOf(steps[2]) < colourOf(steps[4]),
      "colour comes",
    );
  }
});

Deno.test("at first there is no colour but that of the paper", async () => {
  const painting = paint({ prompt: "red hills, orange sunset", seed: 3, ...square });
  assert.ok(colourOf(await pixelsOf(painting.svg(1, 160))) < 19);
  assert.ok(colourOf(await pixelsOf(painting.svg(painting.steps, 160))) > 60);
});

Deno.test("the negative prompt takes away what it names", async () => {
  const pairs: [prompt: string, negativePrompt: string][] = [
    ["a sea with a boat", "boat"],
    ["a sea at sunset", "the sun"],
    ["hills at night", "stars"],
    ["hills in the rain", "rain"],
    ["a desert with cactus", "cacti"],
    ["mountains by a lake", "mountains"],
  ];
  for (const [prompt, negativePrompt] of pairs) {
    const [withIt, without] = [finished(prompt), finished(prompt, { negativePrompt })];
    assert.ok(await distance(withIt, without) > 0.1, `${prompt} without ${negativePrompt}`);
    assert.notEqual(withIt, without);
  }
  assert.equal(finished("hills at night", { negativePrompt: "a zebra" }), finished("hills at night"));
});

Deno.test("a thing taken away moves nothing else", () => {
  const parts = (svg: string) => new Set(svg.match(/<path[^>]*>/g));
  const withBoat = parts(finished("a day at the sea with a boat"));
  const without = parts(finished("a day at the sea with a boat", { negativePrompt: "boat" }));
  const kept = [...without].filter((part) => withBoat.has(part)).length;
  assert.ok(kept / without.size > 0.9, `${kept} of ${without.size}`);
  assert.ok(withBoat.size > without.size);
});

Deno.test("named colours rule the picture, and grey leaves none", async () => {
  const mean = async (prompt: string) => {
    const { channels } = await sharp(new TextEncoder().encode(finished(prompt))).stats();
    return channels.map((channel) => channel.mean);
  };
  const [redR, redG, redB] = await mean("red hills, day");
  assert.ok(redR > redG + 20 && redR > redB + 20);
  const [blueR, , blueB] = await mean("blue hills, sunset");
  assert.ok(blueB > blueR + 20);
  assert.ok(colourOf(await pixelsOf(finished("monochrome hills, sunset"))) < 14);
});

Deno.test("night is dark, sunset is warm and day is cool", async () => {
  const light = async (time: string) => {
    const { channels } = await sharp(new TextEncoder().encode(finished(`mountains and sea, ${time}`)))
      .stats();
    const [red, green, blue] = channels.map((channel) => channel.mean);
    return { brightness: (red + green + blue) / 3, warmth: red - blue };
  };
  const [night, sunset, day] = await Promise.all(["night", "sunset", "day"].map(light));
  assert.ok(night.brightness < Math.min(sunset.brightness, day.brightness) - 40);
  assert.ok(sunset.warmth > day.warmth + 40);
});
