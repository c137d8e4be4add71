/** Changing a picture, from the request to the stored bytes: what may not change is the same, whatever the provider did. */
import assert from "node:assert/strict";
import sharp from "sharp";
import type { EditAbility, TaskRequest } from "../../../lib/catalog/provider.ts";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createStandIn, picture, type StandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

const edit: EditAbility = {
  sources: {
    max: 3,
    maxBytes: 20_000_000,
    longestSide: 2048,
    contentTypes: ["image/png", "image/jpeg"],
    by: "bytes",
    roles: false,
  },
  mask: "white",
  strength: null,
  sizes: "list",
};

Deno.test("what is outside of the mask is the base's, pixel for pixel, and the provider's own stands beside it", async () => {
  await using studio = await createEditingStudio();
  const program = await studio.withKey();
  const base = await upload(program, await noise(512, 512, 1));
  const mask = await lowerHalf(program, base);
  const { promptId, images: [{ id }] } = await generate(program, {
    sources: [{ id: base }],
    mask,
    feather: 8,
  });
  const [before, after] = await Promise.all([pixels(program, base), pixels(program, id)]);
  assert.deepEqual([after.width, after.height], [512, 512]);
  const half = before.data.length / 2;
  assert.ok(before.data.subarray(0, half).equals(after.data.subarray(0, half)));
  assert.ok(!before.data.subarray(half).equals(after.data.subarray(half)));

  const { image } = await (await program.get(`/api/v1/images/${id}`)).json();
  assert.deepEqual([image.parents, image.kind], [[{ imageId: base, role: "base" }], "made"]);
  assert.ok(image.edge > 12, String(image.edge));
  const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
  assert.deepEqual([prompt.taskType, prompt.mask], ["INPAINT", { maskId: mask, feather: 8, keep: true }]);

  const whole = await program.post(`/api/v1/images/${id}/whole`);
  assert.equal(whole.status, 201);
  const taken = (await whole.json()).image;
  const original = await (await program.get(`/api/v1/images/${id}/file?original=1`)).bytes();
  assert.deepEqual(await (await program.get(`/api/v1/images/${taken.id}/file`)).bytes(), original);
  assert.deepEqual([taken.cost, taken.edge], [0, null]);
  assert.equal((await (await program.post(`/api/v1/images/${id}/whole`)).json()).image.id, taken.id);
  await expectWell(studio);
});

Deno.test("the provider is sent the base, bare, and the mask in its form and size", async () => {
  await using studio = await createEditingStudio();
  const program = await studio.withKey();
  const base = await upload(program, await noise(512, 512, 2));
  const mask = await lowerHalf(program, base);
  await generate(program, { sources: [{ id: base }], mask });
  const [task] = studio.standIn.submitted as TaskRequest[];
  const [sent] = task.edit!.sources;
  assert.deepEqual([sent.width, sent.height, sent.role, sent.address], [512, 512, "base", null]);
  const { width, height, channels } = await sharp(task.edit!.mask!).metadata();
  const marked = await sharp(task.edit!.mask!).raw().toBuffer();
  assert.deepEqual([width, height, channels, marked[0], marked.at(-1)], [512, 512, 1, 0, 255]);
});

Deno.test("a frame keeps the picture as it was but for a band at the extended side", async () => {
  await using studio = await createEditingStudio();
  const program = await studio.withKey();
  const base = await upload(program, await noise(512, 512, 3));
  const { promptId, images: [{ id }] } = await generate(program, {
    sources: [{ id: base }],
    extend: { left: 0, top: 0, right: 256, bottom: 0 },
  });
  const [before, after] = await Promise.all([pixels(program, base), pixels(program, id)]);
  assert.deepEqual([after.width, after.height], [768, 512]);
  for (let y = 0; y < 512; y++) {
    const kept = before.data.subarray(y * 512 * 3, (y * 512 + 480) * 3);
    assert.ok(kept.equals(after.data.subarray(y * 768 * 3, (y * 768 + 480) * 3)), `row ${y}`);
  }
  const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
  assert.deepEqual([prompt.taskType, prompt.imageSize], ["OUTPAINT", "768x512"]);
});

Deno.test("what could not be put into its place is finished later, free of charge", async () => {
  let isBroken = true;
  await using studio = await createEditingStudio({
    blobs: (blobs) => ({
      ...blobs,
      put: (key, bytes, type) =>
        isBroken && /^images\/..\/[^.]+$/.test(key) && type === "image/png" && bytes.length > 300_000
          ? Promise.reject(new Error("the disk is full"))
          : blobs.put(key, bytes, type),
    }),
    storagePatienceMs: 0,
  });
  const program = await studio.withKey();
  const base = await upload(program, await flat(512, 512));
  const mask = await lowerHalf(program, base);
  const answer = await program.post("/api/v1/images/generate", body({ sources: [{ id: base }], mask }));
  const failed = await answer.json();
  assert.equal(answer.status, 500, JSON.stringify(failed));
  const [found] = (await (await program.get("/api/v1/prompts")).json()).prompts;
  const path = `/api/v1/prompts/${found.id}`;
  const { prompt } = await (await program.get(path)).json();
  assert.deepEqual([prompt.status, prompt.errorCode, prompt.costMicros], [
    "FAILED",
    "storage_failed",
    20_000,
  ]);
  await expectWell(studio);

  isBroken = false;
  const finished = (await (await program.post(`${path}/finish`)).json()).prompt;
  assert.deepEqual([finished.status, finished.costMicros, finished.images.length], ["COMPLETED", 20_000, 1]);
  assert.equal(studio.standIn.submitted.length, 1);
  assert.equal((await program.post(`${path}/finish`)).status, 409);
  await expectWell(studio);
});

Deno.test("a picture that is being changed keeps its bytes although it was deleted", async () => {
  const gate = Promise.withResolvers<void>();
  await using studio = await createEditingStudio();
  studio.standIn.scripts.push(async function* (task) {
    await gate.promise;
    yield { type: "image", bytes: await noise(task.width, task.height, 9) };
    yield { type: "done", cost: null };
  });
  const program = await studio.withKey();
  const base = await upload(program, await noise(512, 512, 4));
  const mask = await lowerHalf(program, base);
  const accepted = await program.post("/api/v1/images/generate", body({ sources: [{ id: base }], mask }), {
    Prefer: "respond-async",
  });
  const { promptId } = await accepted.json();
  await program.delete(`/api/v1/images/${base}`);
  assert.ok(await studio.blobs.exists(blobKeys.picture(base)));
  gate.resolve();
  await studio.deps.changes.waitForFinal(
    { id: promptId, userId: studio.owner.id } as never,
    { timeoutMs: 20_000, signal: new AbortController().signal },
  );
  const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
  assert.equal(prompt.status, "COMPLETED");
  await expectWell(studio);
});

function createEditingStudio(options: Parameters<typeof createStudio>[0] = {}): Promise<Studio> {
  const standIn: StandIn = createStandIn({ models: [{ ...standInModel, edit }] });
  standIn.provider.generate = async function* (task: TaskRequest) {
    standIn.submitted.push(task);
    const script = standIn.scripts.shift();
    if (script !== undefined) return yield* script(task, undefined as never);
    yield { type: "image", bytes: await noise(task.width, task.height, 7) };
    yield { type: "done", cost: null };
  };
  return createStudio({ standIn, ...options });
}

const body = (fields: object) => ({ prompt: "a boat", ...fields });

async function generate(program: Client, fields: object) {
  const answer = await program.post("/api/v1/images/generate", body(fields));
  const json = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(json));
  return json;
}

async function upload(program: Client, bytes: Uint8Array): Promise<string> {
  const form = new FormData();
  form.set("file", new File([bytes as Uint8Array<ArrayBuffer>], "base.png"));
  return (await (await program.send("/api/v1/uploads", form)).json()).image.id;
}

async function lowerHalf(program: Client, image: string): Promise<string> {
  const shapes = [{ kind: "rect", x: 0, y: 0.5, width: 1, height: 0.5 }];
  return (await (await program.post("/api/v1/masks", { image, shapes })).json()).mask.id;
}

async function pixels(program: Client, id: string) {
  const bytes = await (await program.get(`/api/v1/images/${id}/file`)).bytes();
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function noise(width: number, height: number, seed: number): Promise<Uint8Array> {
  const data = new Uint8Array(width * height * 3);
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return sharp(data, { raw: { width, height, channels: 3 } }).png().toBuffer();
}

const flat = (width: number, height: number) => picture(width, height);

async function expectWell({ store, blobs }: Studio): Promise<void> {
  assert.deepEqual((await verify(store, { blobs })).violations, []);
}
