import assert from "node:assert/strict";
import sharp from "sharp";
import { createA1111 } from "../../../lib/providers/a1111.ts";
import { givenPictures } from "../../fixtures/edits.ts";
import { photo, upload } from "../../fixtures/edit_stand_in.ts";
import { type ProviderScene, setProviderScene, type Shown } from "../../fixtures/provider_scene.ts";
import { until } from "../../fixtures/until.ts";
import { type A1111Kind, type A1111StandIn, startA1111 } from "../../stand_ins/a1111.ts";
import { brokenLine, cutOff, drip, hang, huge, serve } from "../../stand_ins/http.ts";

interface Scene extends ProviderScene {
  api: A1111StandIn;
  // deno-lint-ignore no-explicit-any
  models: any[];
  /** Bodies of the requests that make pictures. */
  // deno-lint-ignore no-explicit-any
  made(): any[];
  count(path: string): number;
}

interface Setting {
  kind?: A1111Kind;
  auth?: string;
  isGiven?: boolean;
  prepare?: (api: A1111StandIn) => void;
}

async function setScene({ kind, auth, isGiven = false, prepare }: Setting = {}): Promise<Scene> {
  const api = startA1111(kind);
  prepare?.(api);
  const scene = await setProviderScene((common) => {
    const provider = createA1111({ baseUrl: api.url, auth, ...common });
    return isGiven ? givenPictures(provider, { roles: ["base"] }) : provider;
  });
  await scene.studio.deps.health.start();
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  const generating = /\/(txt|img)2img$/;
  return {
    ...scene,
    api,
    models,
    made: () => api.journal.filter(({ path }) => generating.test(path)).map(({ body }) => body),
    count: (path) => api.journal.filter((entry) => entry.path === path).length,
    async [Symbol.asyncDispose]() {
      scene.studio.deps.health.stop();
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const free = ({ status, costMicros, ledger }: Shown) => [status, costMicros, ledger.basis];
const progressOf = (scene: Scene, promptId: string) => scene.studio.deps.progress.read(promptId);

const servers: [kind: A1111Kind, name: string, models: string[], steps: number | undefined][] = [
  ["AUTOMATIC1111", "AUTOMATIC1111", ["painter_xl", "flux1-dev"], 20],
  ["older AUTOMATIC1111", "AUTOMATIC1111", ["painter_xl", "flux1-dev"], 20],
  ["Forge", "Forge", ["painter_xl", "flux1-dev"], 20],
  ["SD.Next", "SD.Next", ["painter_xl", "flux1-dev"], 20],
  ["sd.cpp", "stable-diffusion.cpp", ["sd3.5_medium"], undefined],
];

for (const [kind, name, ids, steps] of servers) {
  Deno.test(`${kind} is recognised, offers its checkpoints, and makes pictures free of charge`, async () => {
    await using scene = await setScene({ kind });
    assert.equal(scene.provider.name, name);
    assert.deepEqual(scene.models.map(({ id }) => id), ids);
    const prompt = await scene.run({ imageSize: "512x512" });
    assert.deepEqual(free(prompt), ["COMPLETED", 0, "none"], `${prompt.errorMessage}`);
    assert.deepEqual(prompt.images.map(({ width, height }) => [width, height]), [[512, 512]]);
    assert.equal(scene.made()[0].steps, steps);
  });
}

Deno.test("what people choose goes out in the server's own words, with the checkpoint by its title", async () => {
  await using scene = await setScene();
  const chosen = { seed: 7, steps: 12, guidance: 4.5, negativePrompt: "text", model: "painter_xl" };
  const prompt = await scene.run({ imageSize: "768x512", ...chosen });
  const { force_task_id, ...body } = scene.made()[0];
  assert.equal(force_task_id, `task(darkroom-${prompt.id}:0)`);
  assert.deepEqual(body, {
    prompt: "a sea",
    negative_prompt: "text",
    width: 768,
    height: 512,
    seed: 7,
    steps: 12,
    cfg_scale: 4.5,
    batch_size: 1,
    n_iter: 1,
    send_images: true,
    save_images: false,
    override_settings: { sd_model_checkpoint: "xl/painter_xl.safetensors [31e35c80fc]" },
  });
});

Deno.test("the seed that the server drew is kept with the picture, and a server that tells none has ours", async () => {
  for (const [kind, fields, seed] of [["Forge", {}, 4242], ["sd.cpp", { seed: 7 }, 7]] as const) {
    await using scene = await setScene({ kind });
    const { images: [{ id }] } = await scene.run(fields);
    const { image } = await (await scene.program.get(`/api/v1/images/${id}`)).json();
    assert.equal(image.seed, seed);
  }
});

Deno.test("versions without the lists offer the checkpoint that is loaded", async () => {
  const missing = ["/sdapi/v1/sd-models", "/sdapi/v1/samplers"];
  await using scene = await setScene({ kind: "Forge", prepare: (api) => void (api.missing = missing) });
  assert.deepEqual(scene.models.map(({ id }) => id), ["painter_xl"]);
  assert.equal((await scene.run()).status, "COMPLETED");
  assert.equal(scene.made()[0].override_settings, undefined);
});

const orders = [
  "a sea <lora:../../secret:1>",
  "a <lo<lora:x:1>ra:y:1> sea",
  "a sea <hypernet:x:0.5> <anything_else:1>",
  'a sea <sd_cpp_extra_args>{"lora":[1]}</sd_cpp_extra_args>',
  'a sea<sd_cpp_<sd_cpp_extra_args>x</sd_cpp_extra_args>extra_args>{"a":1}',
  "a __../secrets/*__ sea",
];

for (const kind of ["Forge", "sd.cpp"] as const) {
  Deno.test(`${kind} gets no orders from within the words of a prompt`, async () => {
    await using scene = await setScene({ kind });
    for (const prompt of orders) {
      const sent = await scene.run({ prompt, negativePrompt: prompt, imageSize: "512x512" });
      assert.equal(sent.status, "COMPLETED");
    }
    assert.deepEqual(scene.api.orders, []);
    assert.equal(scene.made().length, orders.length);
    const seen = scene.made().flatMap(({ prompt, negative_prompt }) => [prompt, negative_prompt]);
    for (const words of seen) {
      assert.doesNotMatch(words, /<\w+:|sd_cpp_extra_args|__/);
      assert.match(words, /sea/);
    }
    // The words around them, and what merely looks alike, stay.
    await scene.run({ prompt: "a sea (stormy:1.2), [day:night:0.5], 3 < 4" });
    assert.equal(scene.made().at(-1).prompt, "a sea (stormy:1.2), [day:night:0.5], 3 < 4");
  });
}

for (const kind of ["AUTOMATIC1111", "Forge"] as const) {
  Deno.test(`${kind}: percentage and previews are those of one's own task`, async () => {
    await using scene = await setScene({ kind });
    scene.api.isHeld = true;
    const promptId = await scene.send();
    await until(() => scene.api.queue(), ({ length }) => length === 1);
    scene.api.advance(0.4);
    const seen = await until(
      () => progressOf(scene, promptId),
      (progress) => progress?.percent === 40 && progress.previews[0] !== undefined,
    );
    assert.deepEqual(await colourOf(seen!.previews[0].bytes!), [5, 150, 105]);
    scene.api.advance(1);
    await until(() => scene.show(promptId), ({ status }) => status === "COMPLETED");
  });
}

Deno.test("a server that tells only of whatever runs: its percentage counts while nothing else can be meant, a preview never", async () => {
  await using scene = await setScene({ kind: "older AUTOMATIC1111" });
  scene.api.isHeld = true;
  const promptId = await scene.send();
  await until(() => scene.api.queue(), ({ length }) => length === 1);
  scene.api.advance(0.4);
  const seen = await until(() => progressOf(scene, promptId), (progress) => progress?.percent === 40);
  assert.deepEqual(seen!.previews, {});
  scene.api.advance(1);
  await until(() => scene.show(promptId), ({ status }) => status === "COMPLETED");
});

for (const kind of ["AUTOMATIC1111", "older AUTOMATIC1111", "Forge"] as const) {
  Deno.test(`${kind}: somebody else's task is neither shown nor broken off`, async () => {
    // Only by its global progress, which names the task.
    const missing = kind === "Forge" ? ["/internal/progress"] : [];
    await using scene = await setScene({ kind, prepare: (api) => void (api.missing = missing) });
    const anothers = scene.api.runAnothers();
    scene.api.advance(0.7);
    const promptId = await scene.send();
    await until(() => scene.api.queue(), ({ length }) => length === 2);
    const path = kind === "AUTOMATIC1111" ? "/internal/progress" : "/sdapi/v1/progress";
    const before = scene.count(path);
    await until(() => scene.count(path), (count) => count > before + 3);
    const progress = progressOf(scene, promptId);
    assert.deepEqual([progress?.percent ?? null, progress?.previews ?? {}], [null, {}]);
    await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
    await until(() => scene.studio.worker.runningCount(), (count) => count === 0);
    assert.equal(scene.count("/sdapi/v1/interrupt"), 0);
    assert.deepEqual(free(await scene.show(promptId)), ["CANCELLED", 0, "none"]);
    anothers.end();
    // Its turn comes once nothing is left of the cancelled one.
    assert.equal((await scene.run()).status, "COMPLETED");
  });
}

Deno.test("one's own task that runs is broken off at the server when its prompt is cancelled", async () => {
  await using scene = await setScene();
  scene.api.isHeld = true;
  const promptId = await scene.send();
  await until(() => scene.api.queue(), ({ length }) => length === 1);
  await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
  await until(() => scene.api.interrupted, ({ length }) => length === 1);
  assert.deepEqual(scene.api.interrupted, [`task(darkroom-${promptId}:0)`]);
  assert.deepEqual(free(await scene.show(promptId)), ["CANCELLED", 0, "none"]);
  assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
});

Deno.test("a task that is cancelled while it waits behind somebody else's is broken off when its turn comes", async () => {
  await using scene = await setScene();
  const anothers = scene.api.runAnothers();
  scene.api.isHeld = true;
  const first = await scene.send();
  await until(() => scene.api.queue(), ({ length }) => length === 2);
  const second = await scene.send();
  await until(() => scene.studio.worker.runningCount(), (count) => count === 2);
  await scene.program.post(`/api/v1/prompts/${first}/cancel`);
  await until(() => scene.studio.worker.runningCount(), (count) => count === 1);
  assert.deepEqual(free(await scene.show(first)), ["CANCELLED", 0, "none"]);
  const before = scene.count("/internal/progress");
  await until(() => scene.count("/internal/progress"), (count) => count > before + 3);
  // It would only wait behind the cancelled one.
  assert.equal(scene.made().length, 1);
  assert.equal(scene.count("/sdapi/v1/interrupt"), 0);
  anothers.end();
  await until(() => scene.api.interrupted, ({ length }) => length === 1);
  assert.deepEqual(scene.api.interrupted, [`task(darkroom-${first}:0)`]);
  await until(() => scene.api.queue(), (queue) => queue[0] === `task(darkroom-${second}:0)`);
  scene.api.advance(1);
  await until(() => scene.show(second), ({ status }) => status === "COMPLETED");
  assert.equal(scene.made().length, 2);
});

Deno.test("tasks are handed in one after another, and one that is cancelled while it waits never is", async () => {
  await using scene = await setScene();
  scene.api.isHeld = true;
  const first = await scene.send();
  await until(() => scene.api.queue(), ({ length }) => length === 1);
  const second = await scene.send();
  const third = await scene.send();
  await until(
    () => Promise.all([second, third].map((id) => scene.show(id))),
    (shown) => shown.every(({ status }) => status === "PROCESSING"),
  );
  assert.equal(scene.made().length, 1);
  await scene.program.post(`/api/v1/prompts/${second}/cancel`);
  scene.api.advance(1);
  await until(() => scene.show(first), ({ status }) => status === "COMPLETED");
  await until(() => scene.api.queue(), (queue) => queue[0] === `task(darkroom-${third}:0)`);
  scene.api.advance(1);
  await until(() => scene.show(third), ({ status }) => status === "COMPLETED");
  assert.equal(scene.made().length, 2);
});

Deno.test("a part that changes goes out as white on black, from what is there; all of the rest stays, pixel for pixel", async () => {
  await using scene = await setScene();
  const pixels = Uint8Array.from({ length: 512 * 512 * 3 }, (_, at) => (at * 37) % 251);
  const base = await sharp(pixels, { raw: { width: 512, height: 512, channels: 3 } }).png().toBuffer();
  const source = await upload(
    scene.program,
    new File([new Uint8Array(base)], "base.png", { type: "image/png" }),
  );
  const shapes = [{ kind: "rect", x: 0.25, y: 0.25, width: 0.5, height: 0.5 }];
  const { mask } = await (await scene.program.post("/api/v1/masks", { image: source, shapes })).json();
  const prompt = await scene.run({
    sources: [{ id: source, role: "base" }],
    mask: mask.id,
    strength: 0.6,
  });
  assert.deepEqual(free(prompt), ["COMPLETED", 0, "none"], `${prompt.errorMessage}`);
  const [{ init_images: [init], mask: sent, ...body }] = scene.made();
  assert.equal(`${sent.width}x${sent.height}`, `${init.width}x${init.height}`);
  assert.ok(sent.mayChange > 0);
  assert.deepEqual(
    [body.denoising_strength, body.inpainting_fill, body.inpaint_full_res, body.inpainting_mask_invert],
    [0.6, 1, false, 0],
  );
  const file = await scene.program.get(`/api/v1/images/${prompt.images[0].id}/file`);
  const made = await sharp(await file.bytes()).removeAlpha().raw().toBuffer();
  let [different, changed] = [0, 0];
  for (let i = 0; i < made.length; i++) {
    const [x, y] = [Math.floor(i / 3) % 512, Math.floor(i / 3 / 512)];
    const isInside = x >= 128 && x < 384 && y >= 128 && y < 384;
    if (made[i] !== pixels[i] && isInside) changed++;
    if (made[i] !== pixels[i] && !isInside) different++;
  }
  assert.equal(different, 0);
  assert.ok(changed > 10_000, `${changed}`);
});

Deno.test("a picture that is given without a mask is where the server begins", async () => {
  await using scene = await setScene({ kind: "Forge" });
  const source = await upload(scene.program, await photo("#369", { width: 640, height: 640 }));
  const prompt = await scene.run({ sources: [{ id: source, role: "base" }] });
  assert.equal(prompt.status, "COMPLETED", `${prompt.errorMessage}`);
  const [{ init_images, mask, denoising_strength, width, height }] = scene.made();
  assert.deepEqual([init_images.length, mask, denoising_strength], [1, undefined, 0.75]);
  assert.equal(width, height);
});

Deno.test("a server that gives the picture back unchanged is found out, and its picture says so", async () => {
  for (
    const [givesBack, note] of [[true, "The server gave the picture back unchanged."], [false, undefined]]
  ) {
    await using scene = await setScene({
      kind: "Forge",
      prepare: (api) => void (api.givesBack = givesBack === true),
    });
    const source = await upload(scene.program, await photo("#369", { width: 640, height: 480 }));
    const { id } = await scene.run({ sources: [{ id: source, role: "base" }] });
    const { value } = await scene.studio.store.kv.get<{ tasks: { note?: string }[] }>(["prompt", id]);
    assert.equal(value!.tasks[0].note, note);
  }
});

Deno.test("a server without its API says how to switch it on, before and when it is asked for a picture", async () => {
  await using scene = await setScene();
  scene.api.isApiOff = true;
  const [{ status }] = await scene.studio.deps.health.check();
  const asked = await scene.provider.checkStatus!(new AbortController().signal);
  assert.deepEqual([status?.state, asked.state, asked.detail], [
    "ok",
    "trouble",
    "Its API is off: start it with --api",
  ]);
  const prompt = await scene.run();
  assert.deepEqual([prompt.errorCode, prompt.errorDetail], [
    "provider_unavailable",
    "Its API is off: start it with --api",
  ]);
  assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
});

Deno.test("a page that answers every path is no server of pictures", async () => {
  await using page = serve(() =>
    new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } })
  );
  await using scene = await setProviderScene((common) => createA1111({ baseUrl: page.url, ...common }));
  const { state } = await scene.provider.checkStatus!(new AbortController().signal);
  assert.deepEqual([state, scene.provider.models], ["trouble", []]);
});

Deno.test("user and password go to the server, and a server that wants others says which setting it is", async () => {
  const wanting = (api: A1111StandIn) => void (api.auth = "ada:s3cret:with colon");
  await using scene = await setScene({ auth: "ada:s3cret:with colon", prepare: wanting });
  assert.equal((await scene.run()).status, "COMPLETED");
  const { api: { url: baseUrl } } = scene;
  await using locked = await setProviderScene((common) =>
    createA1111({ baseUrl, auth: "ada:other", ...common })
  );
  const status = await locked.provider.checkStatus!(new AbortController().signal);
  assert.deepEqual([status.state, /A1111_AUTH/.test(status.detail!)], ["key_refused", true]);
  assert.doesNotMatch(JSON.stringify(status), /other|s3cret/);
  scene.api.auth = "somebody:else";
  const prompt = await scene.run();
  assert.equal(prompt.errorCode, "provider_auth");
});

const json = (body: object, status = 200) => () => Response.json(body, { status });
const faults: [name: string, instead: () => Response, ends: string | null, said?: RegExp][] = [
  [
    "a bad field",
    json({ detail: [{ loc: ["body", "steps"], msg: "not an integer" }] }, 422),
    "provider_rejected",
    /not an integer/,
  ],
  [
    "a checkpoint that is gone",
    json({ detail: "Model not found" }, 404),
    "provider_rejected",
    /Model not found/,
  ],
  [
    "no memory left",
    json({ error: "OutOfMemoryError", detail: "", body: "", errors: "CUDA out of memory" }, 500),
    "provider_failed",
    /OutOfMemoryError: CUDA out of memory/,
  ],
  ["nothing that can be read", () => new Response("<html>502", { status: 502 }), "outcome_unknown"],
  ["an answer that is cut off", () => cutOff('{"images":["iVBO'), "outcome_unknown"],
  ["an empty answer", () => new Response(""), "outcome_unknown"],
  ["a list instead of an object", json([1, 2]), "bad_result"],
  ["success without a picture", json({ images: [], info: "" }), "bad_result"],
  ["success with an error in it", json({ error: "NaN in the picture" }), "provider_failed", /NaN/],
  [
    "a page for a picture",
    json({ images: [btoa("<!doctype html><p>no picture at all, sorry")] }),
    "bad_result",
  ],
  ["an address for a picture", json({ images: ["http://169.254.169.254/latest/"] }), "bad_result"],
  ["half a picture", json({ images: ["iVBORw0KGgoAAAANSUhEUgAAAgAAAAIA"] }), "bad_result"],
  ["an answer without end", () => huge(300_000_000), "outcome_unknown"],
  ["a redirection", () => Response.redirect("http://127.0.0.1:9/", 307), "provider_unavailable"],
];

for (const [name, instead, ends, said] of faults) {
  for (const isGiven of [false, true]) {
    Deno.test(`${name}${isGiven ? ", given pictures" : ""}: ends as documented and costs nothing`, async () => {
      await using scene = await setScene({ isGiven });
      scene.api.instead.push(instead);
      const prompt = await scene.run();
      assert.deepEqual([prompt.errorCode, prompt.costMicros], [ends, 0], `${prompt.errorMessage}`);
      if (said !== undefined) assert.match(prompt.errorDetail ?? "", said);
      assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
      // It was asked once, whatever came of it, and goes on to be asked.
      assert.equal(scene.made().length, 1);
      assert.equal((await scene.run()).status, "COMPLETED");
    });
  }
}

Deno.test("a picture is told whatever becomes of the questions for progress", async () => {
  await using scene = await setScene();
  let asked = 0;
  scene.api.onPoint = ({ path, point }) => {
    if (path === "/internal/progress" && point === "before the answer" && ++asked < 4) {
      throw new Error("lost, as planned");
    }
  };
  scene.api.isHeld = true;
  const promptId = await scene.send();
  await until(() => asked, (count) => count > 4);
  scene.api.advance(1);
  assert.equal(
    (await until(() => scene.show(promptId), ({ status }) => status !== "PROCESSING")).status,
    "COMPLETED",
  );
});

for (const when of ["at once", "after reading"] as const) {
  Deno.test(`a line that is reset ${when} leaves the outcome in doubt, and nothing is sent again`, async () => {
    await using line = brokenLine(when);
    await using scene = await moving((known) => known ? line.url : null);
    const prompt = await scene.run();
    assert.deepEqual([prompt.errorCode, prompt.costMicros], ["outcome_unknown", 0]);
    assert.equal(line.count - scene.questions(), 1);
  });
}

for (const [kind, answer] of Object.entries({ hangs: hang, drips: drip })) {
  Deno.test(`a server that ${kind} holds up nobody else, and a prompt that is cancelled meanwhile costs nothing`, async () => {
    await using server = serve(answer);
    await using scene = await moving((known) => known ? server.url : null);
    const promptId = await scene.send();
    await until(() => scene.show(promptId), ({ status }) => status === "PROCESSING");
    await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
    assert.deepEqual(free(await scene.show(promptId)), ["CANCELLED", 0, "none"]);
    await until(() => scene.studio.worker.runningCount(), (count) => count === 0);
  });
}

Deno.test("a server that is down says so, and a refused connection is tried again", async () => {
  const gone = brokenLine("at once");
  await gone[Symbol.asyncDispose]();
  await using scene = await moving((known) => known ? gone.url : null);
  const promptId = await scene.send();
  await until(
    () => scene.studio.store.kv.get<{ status: string; retries: number }>(["prompt", promptId]),
    ({ value }) => value?.status === "PENDING" && value.retries === 1,
  );
  const status = await scene.provider.checkStatus!(new AbortController().signal);
  assert.equal(status.state, "unreachable");
  await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
  assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
});

/** A scene whose server is at another address once it is known what it has. */
async function moving(
  addressWhenKnown: (isKnown: boolean) => string | null,
): Promise<ProviderScene & { questions(): number }> {
  const api = startA1111("sd.cpp");
  let isKnown = false;
  let questions = 0;
  const scene = await setProviderScene(({ outgoing, ...common }) => {
    const at = (url: string) => url.replace(api.url, addressWhenKnown(isKnown) ?? api.url);
    return createA1111({
      baseUrl: api.url,
      outgoing: {
        ...outgoing,
        callForJson: (call) => {
          if (isKnown) questions++;
          return outgoing.callForJson({ ...call, url: at(call.url) });
        },
        callForStream: (call) => outgoing.callForStream({ ...call, url: at(call.url) }),
      },
      ...common,
    });
  });
  await scene.studio.deps.health.start();
  isKnown = true;
  return {
    ...scene,
    questions: () => questions,
    async [Symbol.asyncDispose]() {
      scene.studio.deps.health.stop();
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

async function colourOf(bytes: Uint8Array): Promise<number[]> {
  const { channels } = await sharp(bytes).stats();
  return channels.slice(0, 3).map(({ mean }) => Math.round(mean));
}
