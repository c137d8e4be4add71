import assert from "node:assert/strict";
import sharp from "sharp";
import type { ProviderEvent, TaskRequest } from "../../../lib/catalog/provider.ts";
import { createSketch } from "../../../lib/providers/sketch.ts";

const immediately = { stepMs: 0, sleep: () => Promise.resolve() };
const task: TaskRequest = {
  taskKey: "prompt-1/0",
  taskType: "TEXT_TO_IMAGE",
  model: "sketch",
  prompt: "a lighthouse at sunset",
  width: 512,
  height: 512,
  count: 1,
  watermark: null,
  seed: 7,
};

async function eventsOf(
  request: TaskRequest,
  { provider = createSketch(immediately), signal = new AbortController().signal } = {},
): Promise<ProviderEvent[]> {
  const events: ProviderEvent[] = [];
  for await (
    const event of provider.generate(request, {
      signal,
      callback: null,
      claim: () => Promise.resolve(true),
    })
  ) events.push(event);
  return events;
}

function imageOf(events: ProviderEvent[]) {
  const images = events.filter((event) => event.type === "image");
  assert.equal(images.length, 1);
  return images[0];
}

Deno.test("a task gives growing progress with previews, then one picture, then the end at no cost", async () => {
  const events = await eventsOf(task);
  const fractions = events.flatMap((event) => event.type === "progress" ? [event.fraction] : []);
  assert.ok(fractions.length >= 3);
  assert.deepEqual(fractions, [...new Set(fractions)].sort());
  assert.ok(fractions.every((fraction) => fraction !== null && fraction > 0 && fraction < 1));
  const previews = events.flatMap((event) => event.type === "preview" ? [event] : []);
  assert.equal(previews.length, fractions.length);
  for (const preview of previews) {
    assert.equal(preview.contentType, "image/webp");
    const { format, width, height } = await sharp(preview.bytes).metadata();
    assert.deepEqual({ format, width, height }, { format: "webp", width: 320, height: 320 });
  }
  assert.deepEqual(events.slice(-2).map((event) => event.type), ["image", "done"]);
  assert.deepEqual(events.at(-1), { type: "done", cost: null });
});

for (const size of createSketch(immediately).models[0].sizes) {
  Deno.test(`the picture and its previews have the shape asked for: ${size}`, async () => {
    const [width, height] = size.split("x").map(Number);
    const events = await eventsOf({ ...task, width, height });
    const picture = await sharp(imageOf(events).bytes).metadata();
    assert.deepEqual([picture.format, picture.width, picture.height], ["png", width, height]);
    const preview = events.find((event) => event.type === "preview");
    assert.ok(preview !== undefined);
    const seen = await sharp(preview.bytes).metadata();
    assert.deepEqual([seen.width, seen.height], [320, Math.round(320 * height / width)]);
  });
}

Deno.test("the same task gives the same bytes, another seed others", async () => {
  const [first, again, other] = [
    imageOf(await eventsOf(task)),
    imageOf(await eventsOf(task)),
    imageOf(await eventsOf({ ...task, seed: 8 })),
  ];
  assert.deepEqual(first.bytes, again.bytes);
  assert.notDeepEqual(first.bytes, other.bytes);
  assert.equal(first.seed, 7);
});

Deno.test("without a seed each task has its own, the same at every attempt, and it gives that picture again", async () => {
  const unseeded = { ...task, seed: undefined };
  const [first, again] = [imageOf(await eventsOf(unseeded)), imageOf(await eventsOf(unseeded))];
  const sibling = imageOf(await eventsOf({ ...unseeded, taskKey: "prompt-1/1" }));
  assert.equal(first.seed, again.seed);
  assert.notEqual(first.seed, sibling.seed);
  assert.deepEqual(first.bytes, again.bytes);
  assert.deepEqual(imageOf(await eventsOf({ ...task, seed: first.seed })).bytes, first.bytes);
});

Deno.test("it waits before every step as long as it was told", async () => {
  const waits: number[] = [];
  const sleep = (ms: number) => {
    waits.push(ms);
    return Promise.resolve();
  };
  const events = await eventsOf(task, { provider: createSketch({ stepMs: 40, sleep }) });
  const previews = events.filter((event) => event.type === "preview").length;
  assert.deepEqual(waits, Array(previews + 1).fill(40));
});

Deno.test("an abort ends it between steps, and while it waits", async () => {
  const controller = new AbortController();
  const reason = new Error("cancelled");
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (
      const event of createSketch(immediately).generate(task, {
        signal: controller.signal,
        callback: null,
        claim: () => Promise.resolve(true),
      })
    ) {
      seen.push(event.type);
      controller.abort(reason);
    }
  }, reason);
  assert.ok(!seen.includes("image"));

  const sleeping = new AbortController();
  const sleep = (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const pending = eventsOf(task, { provider: createSketch({ stepMs: 40, sleep }), signal: sleeping.signal });
  sleeping.abort(reason);
  await assert.rejects(pending, reason);
});
