import assert from "node:assert/strict";
import sharp from "sharp";
import { createComfy } from "../../../lib/providers/comfy.ts";
import { type ComfyTemplate, readComfyTemplates } from "../../../lib/providers/comfy_templates.ts";
import { listenToSocket } from "../../../lib/outgoing_socket.ts";
import { upload } from "../../fixtures/edit_stand_in.ts";
import { type ProviderScene, setProviderScene, type Shown } from "../../fixtures/provider_scene.ts";
import { until } from "../../fixtures/until.ts";
import { type ComfyStandIn, red, startComfy } from "../../stand_ins/comfy.ts";
import { brokenLine, cutOff, drip, hang, huge, serve } from "../../stand_ins/http.ts";

const shipped = new URL("../../../docs/comfy", import.meta.url).pathname;
const templates = await readComfyTemplates(shipped);
const words = "text_to_image";
const part = "inpainting";

interface Scene extends ProviderScene {
  api: ComfyStandIn;
  /** Requests that hand in a graph. */
  // deno-lint-ignore no-explicit-any
  posted(): any[];
  count(path: string): number;
}

async function setScene(
  { prepare, given = templates, at }: {
    prepare?: (api: ComfyStandIn) => void;
    given?: readonly ComfyTemplate[];
    /** Where its calls go instead. */
    at?: (url: string) => string;
  } = {},
): Promise<Scene> {
  const api = startComfy();
  prepare?.(api);
  const scene = await setProviderScene(({ outgoing, ...common }) =>
    createComfy({
      baseUrl: api.url,
      templates: given,
      listen: listenToSocket,
      outgoing: {
        ...outgoing,
        callForJson: (call) => outgoing.callForJson({ ...call, url: at?.(call.url) ?? call.url }),
      },
      ...common,
    })
  );
  return {
    ...scene,
    api,
    posted: () => api.journal.filter(({ path }) => path === "/prompt").map(({ body }) => body),
    count: (path) => api.journal.filter((entry) => entry.path === path).length,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const free = ({ status, costMicros, ledger }: Shown) => [status, costMicros, ledger.basis];
const isFinal = ({ status }: Shown) => !["PENDING", "PROCESSING"].includes(status);
const running = (scene: Scene) => until(() => scene.api.queue(), ({ length }) => length === 1);
const progressOf = (scene: Scene, promptId: string) => scene.studio.deps.progress.read(promptId);

Deno.test("the templates that ship make a picture from words, free of charge, with all that is chosen", async () => {
  await using scene = await setScene();
  const status = await scene.provider.checkStatus!(new AbortController().signal);
  assert.equal(status.state, "ok", `${status.detail}`);
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  assert.deepEqual(models.map(({ id, name }: { id: string; name: string }) => [id, name]), [
    [words, "SDXL"],
    [part, "SDXL, change a part"],
  ]);
  const chosen = { seed: 7, steps: 12, guidance: 4.5, negativePrompt: "text", imageSize: "1216x832" };
  const prompt = await scene.run({ prompt: "a sea", ...chosen });
  assert.deepEqual(free(prompt), ["COMPLETED", 0, "none"], `${prompt.errorMessage}`);
  assert.deepEqual(prompt.images.map(({ width, height }) => [width, height]), [[1216, 832]]);
  const [{ prompt: graph, client_id, prompt_id, ...others }] = scene.posted();
  assert.equal(client_id, prompt_id);
  assert.match(prompt_id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(others, { extra_data: {} });
  const [{ graph: template }] = templates.filter(({ id }) => id === words);
  const expected = structuredClone(template);
  Object.assign(expected[3].inputs, { seed: 7, steps: 12, cfg: 4.5 });
  Object.assign(expected[5].inputs, { width: 1216, height: 832 });
  expected[6].inputs.text = "a sea";
  expected[7].inputs.text = "text";
  assert.deepEqual(graph, expected);
  assert.deepEqual(scene.api.journal.filter(({ origin }) => origin !== null), []);
});

Deno.test("what nobody chose stays as the template has it, but for the seed, which is drawn and kept", async () => {
  await using scene = await setScene();
  const { images: [{ id }] } = await scene.run();
  const [{ prompt: graph }] = scene.posted();
  assert.deepEqual([graph[3].inputs.steps, graph[3].inputs.cfg, graph[7].inputs.text], [25, 7, ""]);
  const { image } = await (await scene.program.get(`/api/v1/images/${id}`)).json();
  assert.equal(image.seed, graph[3].inputs.seed);
  assert.equal(image.seed, 2 ** 31);
});

Deno.test("nobody's request reaches a graph beyond its mapped inputs, and no orders are within the words", async () => {
  await using scene = await setScene();
  for (
    const fields of [{ graph: {} }, { workflow: {} }, { prompt_id: "x" }, { inputs: { ckpt_name: "x" } }]
  ) {
    const answer = await scene.program.post("/api/v1/images/generate", { prompt: "a sea", ...fields });
    assert.equal(answer.status, 400);
  }
  const prompt =
    'a sea <lora:../x:1> embedding:../secret __file__ ","class_type":"LoadImage" {"3":{}} ["4",0]';
  await scene.run({ prompt, negativePrompt: "embembedding:edding:x" });
  const [{ prompt: graph }] = scene.posted();
  assert.doesNotMatch(graph[6].inputs.text, /<lora|embedding:|__/);
  assert.doesNotMatch(graph[7].inputs.text, /embedding:/);
  assert.match(graph[6].inputs.text, /a sea .*"class_type":"LoadImage" \{"3":\{\}\}/);
  const kinds = (of: ComfyTemplate["graph"]) =>
    Object.entries(of).map(([node, { class_type }]) => [node, class_type]);
  assert.deepEqual(kinds(graph), kinds(templates.find(({ id }) => id === words)!.graph));
});

async function painted(program: Scene["program"]): Promise<{ id: string; pixels: Uint8Array }> {
  const pixels = Uint8Array.from({ length: 256 * 192 * 3 }, (_, at) => (at * 37) % 251);
  const png = await sharp(pixels, { raw: { width: 256, height: 192, channels: 3 } }).png().toBuffer();
  const file = new File([new Uint8Array(png)], "base.png", { type: "image/png" });
  return { id: await upload(program, file), pixels };
}

/** The shipped one takes both in one input; others load the mask by a node of its own. */
const separate: ComfyTemplate = (() => {
  const template = structuredClone(templates.find(({ id }) => id === part)!);
  template.graph[13] = { class_type: "LoadImageMask", inputs: { image: "example.png", channel: "alpha" } };
  template.graph[12].inputs.mask = ["13", 0];
  template.targets.mask = [{ node: "13", input: "image" }];
  return template;
})();

for (
  const [how, given] of [["as its transparency", templates], ["as a picture of its own", [separate]]] as const
) {
  Deno.test(`a part of a picture is changed, the mask going out ${how}; the rest stays, pixel for pixel`, async () => {
    await using scene = await setScene({ given });
    const { id, pixels } = await painted(scene.program);
    const shapes = [{ kind: "rect", x: 0.25, y: 0.25, width: 0.5, height: 0.5 }];
    const { mask } = await (await scene.program.post("/api/v1/masks", { image: id, shapes })).json();
    const prompt = await scene.run({
      model: part,
      sources: [{ id, role: "base" }],
      mask: mask.id,
      strength: 0.6,
      onlyPart: false,
    });
    assert.deepEqual(free(prompt), ["COMPLETED", 0, "none"], `${prompt.errorMessage} ${prompt.errorDetail}`);
    const [{ prompt: graph }] = scene.posted();
    assert.equal(graph[3].inputs.denoise, 0.6);
    assert.match(graph[10].inputs.image, /^darkroom\/[0-9a-f-]+(-mask)?\.(png|jpg)$/);
    const file = await scene.program.get(`/api/v1/images/${prompt.images[0].id}/file`);
    const made = await sharp(await file.bytes()).removeAlpha().raw().toBuffer();
    let [different, changed] = [0, 0];
    for (let i = 0; i < made.length; i++) {
      const [x, y] = [Math.floor(i / 3) % 256, Math.floor(i / 3 / 256)];
      const isInside = x >= 64 && x < 192 && y >= 48 && y < 144;
      if (made[i] !== pixels[i] && !isInside) different++;
      if (isInside && made[i] === red[i % 3]) changed++;
    }
    assert.equal(different, 0);
    assert.equal(changed, 128 * 96 * 3);
  });
}

Deno.test("a template that takes a mask changes all of a picture where nothing is marked", async () => {
  await using scene = await setScene();
  const { id } = await painted(scene.program);
  const prompt = await scene.run({ model: part, sources: [{ id, role: "base" }] });
  assert.equal(prompt.status, "COMPLETED", `${prompt.errorMessage}`);
  const file = await scene.program.get(`/api/v1/images/${prompt.images[0].id}/file`);
  const { channels } = await sharp(await file.bytes()).stats();
  assert.deepEqual(channels.map(({ mean }) => Math.round(mean)), red);
});

Deno.test("a template that changes pictures is refused without one, in words, and is nobody's default", async () => {
  await using scene = await setScene({ given: templates.filter(({ id }) => id === part) });
  const answer = await scene.program.post("/api/v1/images/generate", { prompt: "a sea", model: part });
  const { error } = await answer.json();
  assert.deepEqual([answer.status, error.code, error.message], [
    422,
    "unsupported_option",
    "SDXL, change a part changes pictures: give it one as a source",
  ]);
  assert.equal(scene.posted().length, 0);
});

for (const kind of ["named", "unnamed"] as const) {
  Deno.test(`percentage and previews come over the WebSocket, previews that are ${kind}`, async () => {
    await using scene = await setScene({ prepare: (api) => void (api.isHeld = true) });
    const promptId = await scene.send();
    await running(scene);
    await scene.api.advance(8, kind);
    const seen = await until(
      () => progressOf(scene, promptId),
      (progress) => progress?.percent === 40 && progress.previews[0] !== undefined,
    );
    const { channels } = await sharp(seen!.previews[0].bytes!).stats();
    assert.ok(Math.abs(channels[1].mean - 150) < 3, "the preview is ours");
    assert.equal(seen!.previews[0].contentType, "image/jpeg");
    scene.api.letGo();
    await until(() => scene.show(promptId), isFinal);
    await until(() => scene.api.lines(), (count) => count === 0);
  });
}

for (const kind of ["named", "unnamed"] as const) {
  Deno.test(`somebody else's task is neither shown nor broken off, previews that are ${kind}`, async () => {
    for (const isOlder of [false, true]) {
      await using scene = await setScene({ prepare: (api) => void (api.isOlder = isOlder) });
      const anothers = scene.api.runAnothers();
      const promptId = await scene.send();
      await until(() => scene.api.queue(), ({ length }) => length === 2);
      await scene.api.advance(10, kind);
      const before = scene.count("/queue");
      await until(() => scene.count("/queue"), (count) => count > before + 3);
      const progress = progressOf(scene, promptId);
      assert.deepEqual([progress?.percent ?? null, progress?.previews ?? {}], [null, {}]);
      await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
      await until(() => scene.api.queue(), (queue) => queue.length === 1 && queue[0] === anothers);
      assert.deepEqual(scene.api.interrupted, []);
      assert.deepEqual(free(await until(() => scene.show(promptId), ({ ledger }) => ledger !== null)), [
        "CANCELLED",
        0,
        "none",
      ]);
      scene.api.letGo();
      await until(() => scene.api.queue(), ({ length }) => length === 0);
      assert.deepEqual(scene.api.ran, []);
    }
  });
}

for (const isOlder of [false, true]) {
  Deno.test(`one's own task that runs is broken off at ${isOlder ? "an older" : "the"} server`, async () => {
    const prepare = (api: ComfyStandIn) => void Object.assign(api, { isOlder, isHeld: true });
    await using scene = await setScene({ prepare });
    const promptId = await scene.send();
    await running(scene);
    const [id] = scene.api.queue();
    await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
    await until(() => scene.api.interrupted, ({ length }) => length === 1);
    assert.deepEqual(scene.api.interrupted, [id]);
    const prompt = await until(() => scene.show(promptId), ({ ledger }) => ledger !== null);
    assert.deepEqual(free(prompt), ["CANCELLED", 0, "none"]);
    assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
  });
}

Deno.test("a WebSocket that closes, or never opens, loses nothing: the history has it", async () => {
  await using scene = await setScene({ prepare: (api) => void (api.isHeld = true) });
  const promptId = await scene.send();
  await running(scene);
  await until(() => scene.api.lines(), (count) => count === 1);
  scene.api.cutLines();
  scene.api.letGo();
  assert.equal((await until(() => scene.show(promptId), isFinal)).status, "COMPLETED");
  scene.api.isHeld = false;
  scene.api.onPoint = ({ path, point }) => {
    if (path === "/ws" && point === "received") throw new Error("no line, as planned");
  };
  assert.equal((await scene.run()).status, "COMPLETED");
});

Deno.test("binary messages that make no sense are passed over", async () => {
  await using scene = await setScene();
  const { createComfyWatch } = await import("../../../lib/providers/comfy_watch.ts");
  const watch = createComfyWatch({ promptId: "a", passes: 2 });
  const bytes = (...values: number[]) => new Uint8Array(values);
  for (
    const each of [
      bytes(),
      bytes(0, 0, 0, 1),
      bytes(0, 0, 0, 4, 255, 255, 255, 255, 1),
      bytes(0, 0, 0, 3, 0, 0, 0, 0, 65),
    ]
  ) {
    watch.take(each);
  }
  watch.take("{");
  watch.take("null");
  watch.take(JSON.stringify({ type: "progress", data: { prompt_id: "a", node: "3", value: 5, max: 0 } }));
  assert.deepEqual([watch.fraction(), watch.takePreview(), watch.hasEnded()], [null, null, false]);
  const progress = (node: string, value: number) =>
    watch.take(JSON.stringify({ type: "progress", data: { prompt_id: "a", node, value, max: 10 } }));
  const seen = [["3", 5], ["3", 10], ["9", 5], ["9", 10]].map(([node, value]) => {
    progress(String(node), Number(value));
    return watch.fraction();
  });
  assert.deepEqual(seen, [0.25, 0.5, 0.75, 1]);
  assert.equal((await scene.run()).status, "COMPLETED");
});

const json = (body: object, status = 200) => () => Response.json(body, { status });
const nodeErrors = {
  error: {
    type: "prompt_outputs_failed_validation",
    message: "Prompt outputs failed validation",
    details: "",
  },
  node_errors: {
    4: {
      class_type: "CheckpointLoaderSimple",
      errors: [{ message: "Value not in list", details: "ckpt_name: 'x'" }],
    },
  },
};
const faults: [
  name: string,
  instead: ComfyStandIn["instead"],
  ends: string | null,
  said?: RegExp,
  ran?: number,
][] = [
  [
    "a graph that it refuses",
    [["/prompt", json(nodeErrors, 400)]],
    "provider_rejected",
    /CheckpointLoaderSimple: Value not in list/,
    0,
  ],
  ["an answer that is lost, of what it took", [], null, undefined, 1],
  [
    "an answer that is cut off, of what never arrived",
    [["/prompt", () => cutOff('{"prompt_id"')]],
    null,
    undefined,
    1,
  ],
  ["an error that says nothing, of what never arrived", [["/prompt", json({}, 502)]], null, undefined, 1],
  [
    "success as a page, of what never arrived",
    [["/prompt", () => new Response("<html>")]],
    null,
    undefined,
    1,
  ],
  ["history that flaps", [["/history/", json({}, 500)], ["/queue", () => cutOff("{")]], null, undefined, 1],
  ["a history without end", [["/history/", () => huge(80_000_000)]], null, undefined, 1],
  [
    "a picture that is a page",
    [["/view", () => new Response("<!doctype html><p>no")]],
    "bad_result",
    /a page \(HTML\)/,
    1,
  ],
  ["half a picture", [["/view", () => cutOff("\x89PNG", "image/png")]], null, undefined, 1],
  [
    "a picture that is gone",
    Array.from({ length: 3 }, () => ["/view", json({}, 404)]),
    "bad_result",
    /it answered 404/,
    1,
  ],
];

for (const [name, instead, ends, said, ran] of faults) {
  Deno.test(`${name}: ends as documented, costs nothing and runs once at most`, async () => {
    await using scene = await setScene();
    scene.api.instead.push(...instead);
    if (name.startsWith("an answer that is lost")) {
      scene.api.onPoint = ({ path, point }) => {
        if (path !== "/prompt" || point !== "before the answer") return;
        scene.api.onPoint = () => {};
        throw new Error("lost, as planned");
      };
    }
    const prompt = await scene.run();
    assert.deepEqual([prompt.errorCode, prompt.costMicros], [ends, 0], `${prompt.errorMessage}`);
    if (said !== undefined) assert.match(prompt.errorDetail ?? "", said);
    assert.equal(scene.api.ran.length, ran);
    assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
  });
}

Deno.test("what a graph failed of is passed on, and that it was interrupted at the server", async () => {
  await using scene = await setScene({
    prepare: (api) => {
      api.fails = {
        exception_message: "CUDA out of memory\n",
        exception_type: "OutOfMemoryError",
        node_type: "KSampler",
      };
    },
  });
  const failed = await scene.run();
  assert.deepEqual([failed.errorCode, failed.errorDetail], [
    "provider_failed",
    "KSampler: CUDA out of memory",
  ]);
  scene.api.fails = null;
  scene.api.isHeld = true;
  const promptId = await scene.send();
  await running(scene);
  await (await fetch(`${scene.api.url}/interrupt`, { method: "POST", body: "{}" })).body?.cancel();
  const prompt = await until(() => scene.show(promptId), isFinal);
  assert.deepEqual([prompt.errorCode, prompt.errorDetail], [
    "provider_failed",
    "It was interrupted at the server",
  ]);
});

Deno.test("a server that was started anew has forgotten its tasks, and the prompt says so", async () => {
  await using scene = await setScene({ prepare: (api) => void (api.isHeld = true) });
  const promptId = await scene.send();
  await running(scene);
  scene.api.startAnew();
  const prompt = await until(() => scene.show(promptId), isFinal);
  assert.deepEqual([prompt.errorCode, prompt.costMicros], ["provider_failed", 0]);
  assert.match(prompt.errorDetail!, /was started anew/);
  assert.equal(scene.posted().length, 1);
});

Deno.test("a picture that the server would not take ends the prompt as such, before anything runs", async () => {
  await using scene = await setScene();
  const { id } = await painted(scene.program);
  scene.api.instead.push(["/upload/image", json({ error: "no" }, 400)]);
  const prompt = await scene.run({ model: part, sources: [{ id, role: "base" }] });
  assert.deepEqual([prompt.errorCode, prompt.costMicros, scene.posted().length], ["source_refused", 0, 0]);
});

Deno.test("a task is taken up where it is by the same id; one that never arrived is handed in by a later attempt", async () => {
  await using scene = await setScene({ prepare: (api) => void (api.isHeld = true) });
  const { signal } = new AbortController();
  const task = {
    taskKey: "one:0",
    taskType: "TEXT_TO_IMAGE",
    model: words,
    prompt: "a sea",
    width: 64,
    height: 64,
    count: 1,
    watermark: null,
  } as const;
  const context = { signal, callback: null, claim: () => Promise.resolve(true) };
  const begun = scene.provider.generate(task, context)[Symbol.asyncIterator]();
  const { value: first } = await begun.next();
  assert.ok(first?.type === "submitted");
  assert.equal(scene.posted().length, 0, "the handle is there before anything is sent");
  await assert.rejects(
    Array.fromAsync(scene.provider.resume!(first.handle, task, context)),
    { reason: "provider_unavailable", outcome: "not_created", isRetryable: true },
  );
  const { value: second } = await begun.next();
  assert.ok(second?.type === "submitted");
  await begun.return?.();
  for (const { handle } of [first, second]) {
    const events = Array.fromAsync(scene.provider.resume!(handle, task, context));
    scene.api.letGo();
    assert.equal((await events).at(-1)?.type, "done");
  }
  const again = await Array.fromAsync(scene.provider.generate(task, context));
  assert.equal(again.at(-1)?.type, "done");
  assert.deepEqual([scene.posted().length, scene.api.ran.length], [1, 1]);
});

Deno.test("a server that lacks a node or a file for a template says which, and the others go on being offered", async () => {
  await using scene = await setScene();
  const check = () => scene.provider.checkStatus!(new AbortController().signal);
  scene.api.lacks = ["SetLatentNoiseMask"];
  assert.deepEqual(await check(), {
    state: "trouble",
    balance: null,
    detail: "inpainting: the server has no node SetLatentNoiseMask",
  });
  assert.deepEqual(scene.provider.models.map(({ id }) => id), [words]);
  scene.api.lacks = [];
  scene.api.checkpoints = ["other.safetensors"];
  assert.match(
    (await check()).detail!,
    /text_to_image: the server has no ckpt_name sd_xl_base_1.0.safetensors/,
  );
  assert.deepEqual(scene.provider.models, []);
  scene.api.checkpoints = ["sd_xl_base_1.0.safetensors"];
  assert.equal((await check()).state, "ok");
  assert.equal(scene.provider.models.length, 2);
});

Deno.test("a server that is down says so, and a refused connection is tried again", async () => {
  const gone = brokenLine("at once");
  await gone[Symbol.asyncDispose]();
  await using scene = await setScene({ at: (url) => gone.url + new URL(url).pathname });
  assert.equal((await scene.provider.checkStatus!(new AbortController().signal)).state, "unreachable");
  const promptId = await scene.send();
  await until(
    () => scene.studio.store.kv.get<{ status: string; retries: number }>(["prompt", promptId]),
    ({ value }) => value?.status === "PENDING" && value.retries === 1,
  );
  await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
  assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
});

for (const [kind, answer] of Object.entries({ hangs: hang, drips: drip })) {
  Deno.test(`a server that ${kind} holds up nobody, and a prompt that is cancelled meanwhile costs nothing`, async () => {
    await using server = serve(answer);
    await using scene = await setScene({ at: (url) => server.url + new URL(url).pathname });
    const promptId = await scene.send();
    await until(() => scene.show(promptId), ({ status }) => status === "PROCESSING");
    await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
    const prompt = await until(() => scene.show(promptId), ({ ledger }) => ledger !== null, 60_000);
    assert.deepEqual(free(prompt), ["CANCELLED", 0, "none"]);
    await until(() => scene.studio.worker.runningCount(), (count) => count === 0, 60_000);
  });
}
