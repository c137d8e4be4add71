import assert from "node:assert/strict";
import sharp from "sharp";
import type { SentPicture, SourceRole, TaskEdit, TaskRequest } from "../../../../lib/catalog/provider.ts";
import { createSketch } from "../../../../lib/providers/sketch.ts";
import { paint } from "../../../../lib/providers/sketch/paint.ts";

const size = { width: 192, height: 144 };
const sketch = createSketch({ stepMs: 0, sleep: () => Promise.resolve() });

async function painted(prompt: string, { width, height } = size): Promise<Uint8Array> {
  const painting = paint({ prompt, seed: 5, width, height });
  const svg = new TextEncoder().encode(painting.svg(painting.steps));
  return new Uint8Array(await sharp(svg).removeAlpha().png().toBuffer());
}

const hills = await painted("hills with trees, day");
const sea = await painted("sea at sunset");

function sent(bytes: Uint8Array, role: SourceRole = "base", { width, height } = size): SentPicture {
  return { role, bytes, contentType: "image/png", width, height, address: null };
}

interface Asked extends Partial<Omit<TaskRequest, "edit">> {
  sources?: SentPicture[];
  area?: Uint8Array;
  strength?: number;
}

function taskOf({ sources = [sent(hills)], area, strength, ...rest }: Asked): TaskRequest {
  const edit: TaskEdit = {
    sources,
    mask: null,
    area: area ?? null,
    ...(strength !== undefined && { strength }),
  };
  return {
    taskKey: "prompt-1:0",
    taskType: area === undefined ? "IMAGE_TO_IMAGE" : "INPAINT",
    model: "sketch",
    prompt: "night",
    ...size,
    count: 1,
    watermark: null,
    seed: 7,
    ...rest,
    edit,
  };
}

async function change(
  asked: Asked,
): Promise<{ bytes: Uint8Array; note: string | undefined; previews: Uint8Array[] }> {
  const context = {
    signal: new AbortController().signal,
    callback: null,
    claim: () => Promise.resolve(true),
  };
  let bytes: Uint8Array | undefined;
  let note: string | undefined;
  const previews: Uint8Array[] = [];
  for await (const event of sketch.generate(taskOf(asked), context)) {
    if (event.type === "preview") previews.push(event.bytes);
    if (event.type === "image") bytes = event.bytes;
    if (event.type === "done") note = event.note;
  }
  assert.ok(bytes !== undefined);
  return { bytes, note, previews };
}

/** Four channels. */
async function pixelsOf(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await sharp(bytes).toColourspace("srgb").ensureAlpha().raw().toBuffer());
}

function difference(one: Uint8Array, other: Uint8Array): number {
  assert.equal(one.length, other.length);
  return one.reduce((sum, value, at) => sum + Math.abs(value - other[at]), 0) / one.length;
}

async function meanOf(
  bytes: Uint8Array,
): Promise<{ red: number; green: number; blue: number; light: number }> {
  const { channels: [red, green, blue] } = await sharp(bytes).stats();
  return {
    red: red.mean,
    green: green.mean,
    blue: blue.mean,
    light: (red.mean + green.mean + blue.mean) / 3,
  };
}

/** 255 within, as fractions of the picture. */
function areaOf(
  [left, top, right, bottom]: [number, number, number, number],
  { width, height } = size,
): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [(at % width) / width, Math.floor(at / width) / height];
    return x >= left && x < right && y >= top && y < bottom ? 255 : 0;
  });
}

const middle = areaOf([0.3, 0.25, 0.7, 0.75]);
const night = await change({});

Deno.test("the same picture, words, seed and part give the same bytes", async () => {
  for (const asked of [{}, { area: middle, prompt: "a red boat" }, { area: middle, prompt: "lake" }]) {
    assert.deepEqual((await change(asked)).bytes, (await change(asked)).bytes);
  }
});

Deno.test("another picture, other words, another seed or another part give another picture", async () => {
  const asked = { area: middle, prompt: "a city" };
  const { bytes } = await change(asked);
  const others: Asked[] = [
    { ...asked, sources: [sent(sea)] },
    { ...asked, prompt: "the desert" },
    { ...asked, seed: 8 },
    { ...asked, area: areaOf([0.2, 0.25, 0.7, 0.75]) },
  ];
  for (const other of others) assert.notDeepEqual((await change(other)).bytes, bytes);
});

Deno.test("a task without a seed changes as it does with the one that it tells", async () => {
  const events = [];
  const context = {
    signal: new AbortController().signal,
    callback: null,
    claim: () => Promise.resolve(true),
  };
  for await (const event of sketch.generate(taskOf({ seed: undefined, prompt: "snow" }), context)) {
    events.push(event);
  }
  const image = events.find((event) => event.type === "image")!;
  assert.ok(image.seed !== undefined);
  assert.deepEqual((await change({ seed: image.seed, prompt: "snow" })).bytes, image.bytes);
});

const opaque = await pixelsOf(hills);
const half = opaque.map((value, at) => at % 4 === 3 ? (at * 7) % 256 : value);
const bases: [name: string, bytes: Uint8Array, size: { width: number; height: number }][] = [
  ["an opaque one", hills, size],
  [
    "one that can be seen through",
    await sharp(half, { raw: { ...size, channels: 4 } }).png().toBuffer(),
    size,
  ],
  ["a grey one", await sharp(hills).greyscale().png().toBuffer(), size],
  ["a WebP", await sharp(hills).webp().toBuffer(), size],
  ["a JPEG", await sharp(hills).jpeg().toBuffer(), size],
  ["one of a single pixel", await sharp(hills).resize(1, 1).png().toBuffer(), { width: 1, height: 1 }],
  ["an upright strip", await sharp(hills).resize(3, 300, { fit: "fill" }).png().toBuffer(), {
    width: 3,
    height: 300,
  }],
  ["a strip", await sharp(hills).resize(300, 2, { fit: "fill" }).png().toBuffer(), { width: 300, height: 2 }],
];

for (const [name, bytes, of] of bases) {
  Deno.test(`at strength 0, and without a word that is known, a picture comes back pixel for pixel: ${name}`, async () => {
    const sources = [sent(bytes, "base", of)];
    const before = await pixelsOf(bytes);
    for (const asked of [{ strength: 0, prompt: "night, rain" }, { prompt: "unicorn" }, { prompt: "" }]) {
      assert.deepEqual(await pixelsOf((await change({ ...asked, ...of, sources })).bytes), before);
    }
  });

  Deno.test(`any words can be asked of ${name}, which keeps its size`, async () => {
    const sources = [sent(bytes, "base", of)];
    const prompts = [
      "night rain",
      "moon and mountains",
      "a boat, watercolour",
      "ink",
      "pastel fog",
      "poster, autumn",
    ];
    for (const prompt of prompts) {
      const { bytes: changed } = await change({ ...of, prompt, sources });
      const { width, height } = await sharp(changed).metadata();
      assert.deepEqual({ width, height }, of, prompt);
      const isLarge = of.width * of.height > 1;
      if (isLarge) assert.notDeepEqual(await pixelsOf(changed), await pixelsOf(bytes), prompt);
    }
  });
}

Deno.test("a part, or a frame, that no word is known for and one at strength 0 stay as they are", async () => {
  for (const asked of [{ prompt: "unicorn" }, { prompt: "night", strength: 0 }]) {
    assert.deepEqual(await pixelsOf((await change({ ...asked, area: middle })).bytes), opaque);
  }
  const still = await change({ taskType: "OUTPAINT", area: areaOf([0.5, 0, 1, 1]), strength: 0 });
  assert.deepEqual(await pixelsOf(still.bytes), opaque);
});

Deno.test("it changes more with more strength", async () => {
  const differences: number[] = [];
  for (const strength of [0.05, 0.3, 0.6, 0.8, 1]) {
    differences.push(difference(await pixelsOf((await change({ strength })).bytes), opaque));
  }
  assert.deepEqual(differences, differences.toSorted((one, other) => one - other));
  assert.equal(new Set(differences).size, differences.length);
  assert.deepEqual((await change({ strength: 0.8 })).bytes, night.bytes);
});

Deno.test("hours, weathers, seasons and colours do to a picture what they say", async () => {
  const before = await meanOf(hills);
  const after = async (prompt: string) => await meanOf((await change({ prompt })).bytes);
  const dark = await after("make it night");
  assert.ok(dark.light < before.light - 60 && dark.blue > dark.red + 8);
  const warm = await after("sunset");
  assert.ok(warm.red - warm.blue > before.red - before.blue + 25);
  assert.ok((await after("snow")).light > before.light + 5);
  const autumn = await after("in autumn");
  assert.ok(autumn.red - autumn.green > before.red - before.green + 8);
  const grey = await after("black and white");
  assert.ok(Math.abs(grey.red - grey.blue) < 4);
});

Deno.test("what stands in the picture stays where it is", async () => {
  const steps = async (bytes: Uint8Array) => {
    const plane = await sharp(bytes).greyscale().raw().toBuffer();
    return Array.from(plane.subarray(size.width), (value, at) => value - plane[at]);
  };
  const [before, after] = [await steps(hills), await steps((await change({ prompt: "autumn, fog" })).bytes)];
  const product = (one: number[], other: number[]) =>
    one.reduce((sum, value, at) => sum + value * other[at], 0);
  const alike = product(before, after) / Math.sqrt(product(before, before) * product(after, after));
  assert.ok(alike > 0.6, `${alike}`);
});

Deno.test("outside of a part that may change, it is one step bluer and otherwise the same", async () => {
  for (const prompt of ["a lake", "moon", "night", "snow", "a red boat in watercolour"]) {
    const after = await pixelsOf((await change({ prompt, area: middle })).bytes);
    let inside = 0;
    for (let at = 0; at < middle.length; at++) {
      const [before, now] = [opaque.subarray(at * 4, at * 4 + 4), after.subarray(at * 4, at * 4 + 4)];
      if (middle[at] === 0) {
        assert.deepEqual([...now], [before[0], before[1], Math.min(255, before[2] + 1), before[3]], prompt);
      } else if (now.some((value, channel) => Math.abs(value - before[channel]) > 3)) inside++;
    }
    assert.ok(inside > 60, `${prompt}: ${inside} pixels`);
  }
});

Deno.test("a part takes its colours from the ring around it", async () => {
  const tone = async (colour: string) => {
    const base = await sharp({ create: { ...size, channels: 3, background: colour } }).png().toBuffer();
    const { bytes } = await change({ prompt: "mountains by a lake", sources: [sent(base)], area: middle });
    const inner = await sharp(bytes).extract({ left: 64, top: 42, width: 64, height: 60 }).png().toBuffer();
    return await meanOf(inner);
  };
  const [red, blue] = [await tone("#b05048"), await tone("#4858b0")];
  assert.ok(red.red - red.blue > blue.red - blue.blue + 40);
});

Deno.test("a part of any shape and size is painted in", async () => {
  const { width, height } = size;
  const single = new Uint8Array(width * height);
  single[50 * width + 50] = 255;
  const ring = Uint8Array.from({ length: width * height }, (_, at) => {
    const far = Math.hypot(at % width - width / 2, Math.floor(at / width) - height / 2);
    return far > 40 && far < 60 ? 255 : 0;
  });
  const areas = [single, ring, areaOf([0, 0, 1, 0.02]), areaOf([0, 0, 0.01, 1]), middle.map(() => 255)];
  for (const area of [...areas, middle.map(() => 0)]) {
    for (const prompt of ["city", "a cat and stars", "fog"]) await change({ prompt, area });
  }
});

/** The picture in the middle of a canvas that is larger at each side. */
const border = 48;
const canvas = { width: size.width + 2 * border, height: size.height + 2 * border };
const framed = await sharp(hills).extend({
  left: border,
  right: border,
  top: border,
  bottom: border,
  background: "#ff00ff",
}).png().toBuffer();
const outside = Uint8Array.from({ length: canvas.width * canvas.height }, (_, at) => {
  const [x, y] = [at % canvas.width - border, Math.floor(at / canvas.width) - border];
  return x >= 0 && y >= 0 && x < size.width && y < size.height ? 0 : 255;
});
const extension: Asked = {
  ...canvas,
  taskType: "OUTPAINT",
  sources: [sent(framed, "base", canvas)],
  area: outside,
};

Deno.test("a frame continues what is at the edges, whatever stood in it", async () => {
  const { bytes, note } = await change({ ...extension, prompt: "more of it" });
  const before = await pixelsOf(framed);
  const after = await pixelsOf(bytes);
  const at = (
    x: number,
    y: number,
  ) => [...after.subarray((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 4)];
  for (let y = border; y < border + size.height; y += 5) {
    for (let far = 0; far < border; far += 7) {
      assert.deepEqual(at(border - 1 - far, y), at(border + far, y));
      assert.deepEqual(at(border + size.width + far, y), at(border + size.width - 1 - far, y));
    }
  }
  outside.forEach((value, index) => {
    const here = after.subarray(index * 4, index * 4 + 4);
    if (value === 0) assert.deepEqual(here, before.subarray(index * 4, index * 4 + 4));
    else assert.notDeepEqual([...here], [255, 0, 255, 255]);
  });
  assert.equal(note, "No word was known, so its edges are only continued.");
});

Deno.test("a frame becomes the land of the words further out, and leaves the picture one step bluer", async () => {
  const [plain, desert] = [
    await pixelsOf((await change({ ...extension, prompt: "" })).bytes),
    await pixelsOf((await change({ ...extension, prompt: "desert" })).bytes),
  ];
  const apart = { near: [0, 0], far: [0, 0] };
  for (let at = 0; at < outside.length; at++) {
    if (outside[at] === 0) {
      assert.equal(desert[at * 4], plain[at * 4]);
      assert.equal(desert[at * 4 + 2], Math.min(255, plain[at * 4 + 2] + 1));
      continue;
    }
    const x = at % canvas.width;
    const place = x === border - 1 || x === border + size.width ? apart.near : x < 6 ? apart.far : null;
    if (place === null) continue;
    place[0] += Math.abs(desert[at * 4] - plain[at * 4]) + Math.abs(desert[at * 4 + 2] - plain[at * 4 + 2]);
    place[1]++;
  }
  assert.ok(apart.near[0] / apart.near[1] < apart.far[0] / apart.far[1] - 8);
});

Deno.test("a style picture gives its colours, with a base, with words, and without a word", async () => {
  const red = await sharp({ create: { ...size, channels: 3, background: "#c03028" } }).png().toBuffer();
  const style = sent(red, "style");
  const before = await meanOf(hills);
  const toned = await change({ prompt: "", sources: [sent(hills), style] });
  const after = await meanOf(toned.bytes);
  assert.ok(after.red - after.blue > before.red - before.blue + 30);
  assert.equal(toned.note, "The colours are from the style picture.");
  const fromWords = await change({ prompt: "hills, day", taskType: "IMAGE_TO_IMAGE", sources: [style] });
  const made = await meanOf(fromWords.bytes);
  assert.ok(made.red > made.blue + 20);
  assert.equal(fromWords.note, "The colours are from the style picture.");
});

Deno.test("pictures of what is to be shown change nothing", async () => {
  const { bytes, note } = await change({
    sources: [sent(hills), sent(sea, "subject"), sent(sea, "reference")],
  });
  assert.deepEqual(bytes, night.bytes);
  assert.equal(note, "Used: night. The subject picture was ignored. The reference picture was ignored.");
});

const notes: [asked: Asked, note: string][] = [
  [{ prompt: "Make it night, with rain and a unicorn" }, "Used: night, rain. Not known: unicorn."],
  [{ prompt: "purple unicorns on a sunset" }, "Used: purple, sunset. Not known: unicorns."],
  [{ prompt: "unicorn" }, "No word was known, so the picture is as it was."],
  [{ prompt: "" }, "No word was known, so the picture is as it was."],
  [{ prompt: "night", strength: 0 }, "At strength 0 the picture stays as it was."],
  [{ prompt: "night, then sunset" }, "Used: night. Not used: sunset."],
  [{ prompt: "the golden hour" }, "Used: golden hour."],
  [{ prompt: "a sea" }, "No word could be used here, so the picture is as it was. Not used: sea."],
  [
    { prompt: "night without stars" },
    "Used: night. Nothing can be taken away: stars.",
  ],
  [{ prompt: "a sea", area: middle }, "Used: sea."],
  [
    { prompt: "night", negativePrompt: "night" },
    "No word could be used here, so the picture is as it was. Not used: night.",
  ],
  [
    { prompt: "night of alpha beta gamma delta epsilon zeta eta theta iota kappa" },
    "Used: night. Not known: alpha, beta, gamma, delta, epsilon, zeta, eta, theta and 2 more.",
  ],
];

for (const [asked, note] of notes) {
  Deno.test(`of "${asked.prompt}" it says: ${note}`, async () => {
    const { note: said, bytes } = await change(asked);
    assert.equal(said, note);
    const isUnchanged = difference(await pixelsOf(bytes), opaque) === 0;
    assert.equal(isUnchanged, note.includes("as it was"));
  });
}

Deno.test("a picture from words alone says nothing of them", async () => {
  const context = {
    signal: new AbortController().signal,
    callback: null,
    claim: () => Promise.resolve(true),
  };
  for await (const event of sketch.generate({ ...taskOf({}), edit: undefined }, context)) {
    if (event.type === "done") assert.deepEqual(event, { type: "done", cost: null });
  }
});

Deno.test("it goes step by step from the one picture to the other while it is watched", async () => {
  const { previews } = night;
  assert.equal(previews.length, 5);
  const apart: number[] = [];
  for (const preview of previews) {
    const { format, width, height } = await sharp(preview).metadata();
    assert.deepEqual({ format, width, height }, { format: "webp", width: 320, height: 240 });
    apart.push((await meanOf(preview)).light);
  }
  assert.deepEqual(apart, apart.toSorted((one, other) => other - one));
});

Deno.test("the picture has the size that was asked for, whatever the size of what was sent", async () => {
  const asked = { width: 100, height: 75 };
  const { bytes } = await change({ ...asked, area: middle, prompt: "a boat" });
  const { width, height } = await sharp(bytes).metadata();
  assert.deepEqual({ width, height }, asked);
});

Deno.test("an abort ends a change between its steps", async () => {
  const controller = new AbortController();
  const reason = new Error("cancelled");
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (
      const event of sketch.generate(taskOf({}), {
        signal: controller.signal,
        callback: null,
        claim: () => Promise.resolve(true),
      })
    ) {
      seen.push(event.type);
      controller.abort(reason);
    }
  }, reason);
  assert.deepEqual(seen, ["preview", "progress"]);
});
