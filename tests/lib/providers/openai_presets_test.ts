import assert from "node:assert/strict";
import { createLocalServer } from "../../../lib/providers/local_server.ts";
import { presetOf } from "../../../lib/providers/openai_presets.ts";
import { createEditStandIn } from "../../fixtures/edit_stand_in.ts";
import { givenPictures, mayChange, type Wanted } from "../../fixtures/edits.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import {
  createStandIn,
  picture,
  type StandIn,
  standInPriceMicros,
} from "../../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { cutOff, hang, huge, serve } from "../../stand_ins/http.ts";
import {
  type Answer,
  error,
  key,
  type Service,
  type ServiceStandIn,
  startService,
} from "../../stand_ins/openai_services.ts";

interface Scene extends ProviderScene {
  quote(fields: object): Promise<number>;
  // deno-lint-ignore no-explicit-any
  listed(): Promise<any[]>;
}

async function sceneAt(
  baseUrl: string,
  { name, apiKey = key, wanted }: { name: string; apiKey?: string; wanted?: Wanted },
): Promise<Scene> {
  const as = { id: name, preset: presetOf({ name, address: baseUrl }) };
  const scene = await setProviderScene((common) => {
    const provider = createLocalServer({ baseUrl, apiKey, as, ...common });
    return wanted === undefined ? provider : givenPictures(provider, wanted);
  });
  return {
    ...scene,
    quote: async (fields) =>
      (await (await scene.program.post("/api/v1/quotes", { prompt: "a sea", ...fields })).json()).costMicros,
    listed: async () => (await (await scene.program.get("/api/v1/models")).json()).models,
  };
}

async function setScene(
  service: Service,
  options: { wanted?: Wanted; apiKey?: string } = {},
): Promise<Scene & { api: ServiceStandIn }> {
  const api = startService(service);
  const scene = await sceneAt(api.api, { name: service, ...options });
  return {
    ...scene,
    api,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const offered: { [service in Service]: { [id: string]: number } } = {
  xai: { "xai/grok-imagine-image": 20_000, "xai/grok-imagine-image-2.0": 80_000 },
  recraft: {
    "recraft/recraftv4_1": 40_000,
    "recraft/recraftv4": 40_000,
    "recraft/recraftv4_pro": 250_000,
    "recraft/recraftv3": 40_000,
  },
  together: {
    "together/black-forest-labs/FLUX.1-schnell": 2_700,
    // It takes pictures from addresses only, which this server has none of.
    "together/black-forest-labs/FLUX.1-kontext-pro": 40_000,
    "together/black-forest-labs/FLUX.2-pro": 30_000,
    "together/somebody/new-painter": 0,
  },
  deepinfra: { "deepinfra/black-forest-labs/FLUX-2-max": 70_000, "deepinfra/Qwen/Qwen-Image-Edit": 0 },
  litellm: { "litellm/painter": 50_000, "litellm/gpt-image-2": 60_000, "litellm/unpriced": 0 },
};
const services = Object.keys(offered) as Service[];

for (const service of services) {
  Deno.test(`${service} offers its makers of pictures under its own name, at its own prices`, async () => {
    await using scene = await setScene(service);
    const models = await scene.listed();
    const prices = models.map(({ id, sizes, prices }) => {
      const size = sizes.find((each: string) => each === "1024x1024") ?? sizes[0];
      return [id, prices.find((row: { size: string }) => row.size === size).costMicros];
    });
    assert.deepEqual(Object.fromEntries(prices), offered[service]);
    assert.ok(models.every(({ provider }) => provider === service));
  });

  Deno.test(`${service} makes every size of each model exactly, takes every field, and costs no more than was quoted`, async () => {
    await using scene = await setScene(service);
    for (const { id, sizes, options } of await scene.listed()) {
      for (const imageSize of [sizes[0], sizes.at(-1)]) {
        const fields = {
          model: id,
          imageSize,
          ...(options.seed && { seed: 7 }),
          ...(options.negativePrompt && { negativePrompt: "text" }),
        };
        const quoted = await scene.quote(fields);
        const prompt = await scene.run(fields);
        assert.equal(prompt.status, "COMPLETED", `${id} ${imageSize}: ${prompt.errorDetail}`);
        assert.equal(`${prompt.images[0].width}x${prompt.images[0].height}`, imageSize);
        assert.ok(prompt.costMicros <= quoted, `${id} ${imageSize}: ${prompt.costMicros} of ${quoted}`);
      }
    }
    assert.equal((await scene.books()).heldMicros, 0);
  });

  Deno.test(`${service}: a refused key says so, without the key, and brings no models`, async () => {
    await using scene = await setScene(service, { apiKey: "key-that-is-wrong-9876543210" });
    const { status } = (await scene.studio.deps.health.check()).find(({ provider }) =>
      provider.id === service
    )!;
    assert.equal(status?.state, "key_refused");
    assert.ok(!JSON.stringify(status).includes("9876543210"), `${status?.detail}`);
    assert.deepEqual(scene.provider.models, []);
  });
}

const reported: [service: Service, model: string, micros: number][] = [
  ["xai", "xai/grok-imagine-image-2.0", 60_000],
  ["recraft", "recraft/recraftv4_pro", 250_000],
  ["litellm", "litellm/painter", 45_000],
];
for (const [service, model, micros] of reported) {
  Deno.test(`${service} reports what a picture cost, and that is what is booked`, async () => {
    await using scene = await setScene(service);
    const prompt = await scene.run({ model });
    assert.deepEqual([prompt.ledger.basis, prompt.costMicros], ["reported", micros]);
    assert.equal(prompt.costMicros, scene.api.billedMicros());
  });
}

Deno.test("Recraft's balance is shown", async () => {
  await using scene = await setScene("recraft");
  assert.equal((await scene.provider.checkStatus!(AbortSignal.timeout(5000))).balance, "987 credits");
});

const changes: [service: Service, model: string, wanted: Wanted, path: string, fields: string[]][] = [
  ["xai", "xai/grok-imagine-image", { roles: ["base"] }, "edits", ["image"]],
  ["xai", "xai/grok-imagine-image", { roles: ["base", "style"] }, "edits", ["images"]],
  ["recraft", "recraft/recraftv3", { roles: ["base"], isMasked: false }, "imageToImage", [
    "image",
    "strength",
  ]],
  ["recraft", "recraft/recraftv3", { roles: ["base"] }, "inpaint", ["image", "mask"]],
  [
    "together",
    "together/black-forest-labs/FLUX.1-kontext-pro",
    { roles: ["base"], address: () => "https://d.test/1" },
    "generations",
    ["image_url"],
  ],
  [
    "together",
    "together/black-forest-labs/FLUX.2-pro",
    { address: (n) => `https://d.test/${n}` },
    "generations",
    ["reference_images"],
  ],
  ["deepinfra", "deepinfra/black-forest-labs/FLUX-2-max", { roles: ["base"] }, "edits", ["image"]],
  ["litellm", "litellm/gpt-image-2", {}, "edits", ["image[]"]],
];
for (const [service, model, wanted, path, fields] of changes) {
  Deno.test(`${service} is given ${wanted.roles?.length ?? 2} pictures by ${path}, as ${fields.join(" and ")}`, async () => {
    await using scene = await setScene(service, { wanted });
    const prompt = await scene.run({ model });
    assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
    const entry = scene.api.journal.findLast(({ method }) => method === "POST")!;
    assert.ok(entry.path.endsWith(`/images/${path}`), entry.path);
    for (const field of fields) assert.ok(entry.body[field] !== undefined, Object.keys(entry.body).join());
    if (fields.includes("mask")) assert.equal(entry.body.mask.mayChange, mayChange);
    else assert.equal(entry.body.mask, undefined);
    if (prompt.ledger.basis === "reported") assert.equal(prompt.costMicros, scene.api.billedMicros());
  });
}

const json = (value: unknown) => () => Response.json(value);
const faults: {
  [name: string]: { answer: Answer; ends: [reason: string, basis: string] };
} = {
  "a refusal of the prompt": {
    answer: () => error(400, "no", "content_policy_violation"),
    ends: ["content_policy", "none"],
  },
  "a bad key, repeated": { answer: () => error(401, `bad ${key}`), ends: ["provider_auth", "none"] },
  "no money left": { answer: () => error(402, "pay"), ends: ["provider_billing", "none"] },
  "an edge that waited too long": {
    answer: () => error(524, "timeout"),
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer that is cut": {
    answer: () => cutOff('{"data":[{"b64_json":"AAAA'),
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer without end": { answer: () => huge(210_000_000), ends: ["outcome_unknown", "unknown"] },
  "a page for an answer": { answer: () => new Response("<html>"), ends: ["outcome_unknown", "unknown"] },
  "no picture": { answer: json({ data: [] }), ends: ["bad_result", "table"] },
  "lines instead of a picture": {
    answer: json({
      data: [{ b64_json: btoa('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>') }],
    }),
    ends: ["bad_result", "table"],
  },
  "a link into a private network": {
    answer: json({ data: [{ url: "https://10.0.0.1/a.png" }] }),
    ends: ["bad_result", "table"],
  },
  "a redirect": {
    answer: () => new Response(null, { status: 307, headers: { Location: "http://127.0.0.1:1/" } }),
    ends: ["provider_unavailable", "none"],
  },
};
const models: { [service in Service]: string } = {
  xai: "xai/grok-imagine-image-2.0",
  recraft: "recraft/recraftv4",
  together: "together/black-forest-labs/FLUX.1-schnell",
  deepinfra: "deepinfra/black-forest-labs/FLUX-2-max",
  litellm: "litellm/painter",
};
for (const service of services) {
  Deno.test(`${service}: whatever it answers with, words, charge and books are right`, async () => {
    await using scene = await setScene(service);
    const price = offered[service][models[service]];
    let spent = 0;
    for (const [name, { answer, ends }] of Object.entries(faults)) {
      const before = scene.api.journal.length;
      scene.api.instead.push(answer);
      const prompt = await scene.run({ model: models[service] });
      assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ends, `${name}: ${prompt.errorDetail}`);
      assert.equal(prompt.costMicros, ends[1] === "none" ? 0 : price, name);
      assert.equal(scene.api.journal.length, before + 1, name);
      assert.ok(!JSON.stringify(prompt).includes(key), name);
      spent += prompt.costMicros;
    }
    assert.deepEqual(await scene.books(), { spentMicros: spent, heldMicros: 0 });
  });
}

Deno.test("a service without its way to change pictures is not offered for that again", async () => {
  await using scene = await setScene("deepinfra", { wanted: { roles: ["base"] } });
  const model = "deepinfra/black-forest-labs/FLUX-2-max";
  scene.api.instead.push(() => error(404, "Not Found"));
  const prompt = await scene.run({ model });
  assert.deepEqual([prompt.errorCode, prompt.costMicros], ["provider_rejected", 0]);
  assert.ok((await scene.listed()).every(({ edit }) => edit === null));
  await scene.provider.checkStatus!(AbortSignal.timeout(5000));
  assert.ok((await scene.listed()).every(({ edit }) => edit === null));
});

Deno.test("a model that is gone takes no way to change pictures with it", async () => {
  await using scene = await setScene("deepinfra", { wanted: { roles: ["base"] } });
  scene.api.instead.push(() => error(404, "The model does not exist", "model_not_found"));
  await scene.run({ model: "deepinfra/black-forest-labs/FLUX-2-max" });
  assert.ok((await scene.listed()).some(({ edit }) => edit !== null));
});

Deno.test("a service is known by its host under any name, and an unknown one by neither", () => {
  const known = (name: string, address: string | null) => presetOf({ name, address })?.name ?? null;
  assert.equal(known("grok", "https://api.x.ai/v1"), "xAI");
  assert.equal(known("xai", null), "xAI");
  assert.equal(known("litellm", "http://127.0.0.1:4000/v1"), "LiteLLM");
  assert.equal(known("mine", "http://127.0.0.1:4000/v1"), null);
  assert.equal(known("mine", "https://api.x.ai.example/v1"), null);
  for (const service of [...services, "darkroom"]) assert.ok(known(service, null) !== null, service);
});

Deno.test("of several servers that call a model alike each has its own, and its own price", async () => {
  const start = (calls: string[]) =>
    serve(async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/models") return Response.json({ data: [{ id: "painter" }, { id: "llama-3" }] });
      if (pathname !== "/v1/images/generations") return Response.json({}, { status: 404 });
      calls.push((await request.json()).model);
      return Response.json({ data: [{ b64_json: (await picture(1024, 1024)).toBase64() }] });
    });
  const calls: [string[], string[]] = [[], []];
  await using one = start(calls[0]);
  await using two = start(calls[1]);
  const providers: ReturnType<typeof createLocalServer>[] = [];
  await using scene = await setProviderScene((common) => {
    const at = (id: string, baseUrl: string) =>
      createLocalServer({ baseUrl, apiKey: key, as: { id, preset: null }, ...common });
    providers.push(at("one", one.url), at("two", two.url));
    return providers[0];
  }, { others: () => [providers[1]] });
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  const ids = models.map(({ id }: { id: string }) => id).filter((id: string) => id.includes("painter"));
  assert.deepEqual(ids, ["one/painter", "two/painter"]);
  const admin = await scene.studio.withSession();
  const validFrom = new Date().toISOString().slice(0, 10);
  for (const [model, cost] of [["one/painter", "0.03"], ["two/painter", "0.04"]]) {
    const added = await admin.form("/admin/prices", { model, size: "*", cost, validFrom });
    assert.equal(added.status, 303);
  }
  assert.equal((await scene.run({ model: "one/painter" })).costMicros, 30_000);
  assert.equal((await scene.run({ model: "two/painter" })).costMicros, 40_000);
  assert.deepEqual(calls, [["painter"], ["painter"]]);
});

Deno.test("a server that hangs holds up neither the start nor the others, and is said not to answer", async () => {
  await using hung = serve(() => hang());
  await using good = startService("xai");
  const providers: ReturnType<typeof createLocalServer>[] = [];
  const begun = performance.now();
  await using scene = await setProviderScene((common) => {
    const at = (id: string, baseUrl: string) => {
      const as = { id, preset: presetOf({ name: id, address: baseUrl }) };
      return createLocalServer({ baseUrl, apiKey: key, as, ...common });
    };
    providers.push(at("litellm", hung.url), at("xai", good.api));
    return providers[0];
  }, { others: () => [providers[1]] });
  assert.ok(performance.now() - begun < 5000);
  assert.equal(scene.studio.deps.health.known("litellm")?.state, "unreachable");
  const prompt = await scene.run({ model: "xai/grok-imagine-image" });
  assert.deepEqual([prompt.status, prompt.costMicros], ["COMPLETED", 20_000]);
});

interface Inner extends AsyncDisposable {
  studio: Studio;
  standIn: StandIn;
  scene: Scene;
  /** The keys by which requests that come twice are known. */
  repeats: (string | null)[];
  /** What it answers instead, once. */
  instead: (() => Response)[];
}

/** A Darkroom that another one asks for pictures. */
async function setTwoDarkrooms(standIn: StandIn, wanted?: Wanted): Promise<Inner> {
  const stack = new AsyncDisposableStack();
  const studio = stack.use(await createStudio({ standIn }));
  const { credential } = await studio.withKey();
  const repeats: Inner["repeats"] = [];
  const instead: Inner["instead"] = [];
  const server = stack.use(serve(async (request) => {
    if (request.method !== "POST") return await studio.handle(request);
    repeats.push(request.headers.get("Idempotency-Key"));
    const answer = instead.shift();
    if (answer === undefined) return await studio.handle(request);
    await request.bytes();
    return answer();
  }));
  const scene = stack.use(
    await sceneAt(`${server.url}/v1`, { name: "darkroom", apiKey: credential, wanted }),
  );
  return { studio, standIn, scene, repeats, instead, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("another Darkroom offers its models with their fields and prices, and what it charged is booked", async () => {
  await using two = await setTwoDarkrooms(createStandIn());
  const { scene, standIn } = two;
  const [model] = (await scene.listed()).filter(({ id }) => id === "darkroom/stand-in");
  assert.deepEqual([model.options.seed, model.options.guidance], [true, { min: 1, max: 10, step: 0.5 }]);
  const prompt = await scene.run({ model: "darkroom/stand-in", seed: 7, guidance: 5 });
  assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
  assert.deepEqual([prompt.costMicros, prompt.ledger.basis], [standInPriceMicros, "reported"]);
  assert.deepEqual([standIn.submitted[0].seed, standIn.submitted[0].guidance], [7, 5]);
  assert.ok(await scene.quote({ model: "darkroom/stand-in" }) >= standInPriceMicros);
  assert.deepEqual(two.repeats, [`${prompt.id}:0`]);
});

Deno.test("another Darkroom is given pictures and a mask, and keeps nothing of the rest itself", async () => {
  await using two = await setTwoDarkrooms(createEditStandIn(), {});
  const prompt = await two.scene.run({ model: "darkroom/changer" });
  assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
  const [{ edit }] = two.standIn.submitted;
  assert.equal(edit?.sources.length, 2);
  assert.ok(edit.area?.some((value) => value === 255) && edit.area.some((value) => value === 0));
});

for (const code of ["still_running", "outcome_unknown", "timeout"]) {
  Deno.test(`another Darkroom that says ${code} leaves it in doubt, and is not asked again`, async () => {
    await using two = await setTwoDarkrooms(createStandIn());
    two.instead.push(() => error(400, "The prompt goes on", code));
    const prompt = await two.scene.run({ model: "darkroom/stand-in" });
    assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ["outcome_unknown", "unknown"]);
    assert.equal(two.repeats.length, 1);
  });
}
