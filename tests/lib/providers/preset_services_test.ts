/** fal, Black Forest Labs and Replicate in a whole studio, against stand-ins that go wrong in every way that is known. */
import assert from "node:assert/strict";
import { shippedPrices } from "../../../lib/catalog/price_book.ts";
import type { Provider, TaskContext, TaskHandle, TaskRequest } from "../../../lib/catalog/provider.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { createBfl } from "../../../lib/providers/bfl.ts";
import { createFal } from "../../../lib/providers/fal.ts";
import { createReplicate } from "../../../lib/providers/replicate.ts";
import { keyedAddress } from "../../../lib/providers/task_provider.ts";
import { editFor, givenPictures, type Wanted } from "../../fixtures/edits.ts";
import { type Common, type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { until } from "../../fixtures/until.ts";
import * as bfl from "../../stand_ins/bfl.ts";
import * as fal from "../../stand_ins/fal.ts";
import { cutOff, serve } from "../../stand_ins/http.ts";
import * as replicate from "../../stand_ins/replicate.ts";
import type { Answer, Entry, TaskStandIn } from "../../stand_ins/task_service.ts";

interface Service {
  key: string;
  start(): TaskStandIn;
  create(deps: { apiKey: string; baseUrl: string } & Common): Provider;
  /** Of which a square costs so much. */
  model: string;
  micros: number;
  basis: "reported" | "table";
  balance: string | null;
  /** The task is made, and named with an address elsewhere. */
  elsewhere: ((address: string) => Answer) | null;
  /** A result that lies at that address. */
  resultAt(address: string): Partial<TaskStandIn["instead"]>;
}

const json = (value: unknown, status = 200, headers?: HeadersInit): Answer => () =>
  Response.json(value, { status, headers });
/** The right answer, with that in it. */
const changed =
  (change: (body: { [field: string]: unknown }) => object, status?: number): Answer => async (each) => {
    const answer = await each.right();
    return Response.json(change(await answer.json()), { status: status ?? answer.status });
  };
const unbilled = (answer: Answer): Answer => async (each) => {
  each.bill(0);
  return await answer(each);
};
const lasting = (answer: Answer): Answer[] => Array.from({ length: 8 }, () => answer);

const services: { [name: string]: Service } = {
  "fal": {
    key: fal.key,
    start: fal.startFal,
    create: createFal,
    model: "fal-ai/flux-2-pro",
    micros: 30_000,
    basis: "table",
    balance: null,
    elsewhere: (address) => changed((body) => ({ ...body, status_url: `${address}/status` })),
    resultAt: (address) => ({ result: [changed((body) => ({ ...body, images: [{ url: address }] }))] }),
  },
  "Black Forest Labs": {
    key: bfl.key,
    start: bfl.startBfl,
    create: createBfl,
    model: "flux-2-pro",
    micros: 30_000,
    basis: "reported",
    balance: "1234.5 credits",
    elsewhere: (address) => changed((body) => ({ ...body, polling_url: `${address}/v1/get_result/1` })),
    resultAt: (address) => ({ look: [() => bfl.state("Ready", { result: { sample: address } })] }),
  },
  "Replicate": {
    key: replicate.token,
    start: replicate.startReplicate,
    create: createReplicate,
    model: "black-forest-labs/flux-dev",
    micros: 25_000,
    basis: "table",
    balance: null,
    elsewhere: null,
    resultAt: (address) => ({
      look: [
        (each) => Response.json(replicate.prediction({ id: each.taskId, input: {} }, "succeeded", address)),
      ],
    }),
  },
};

interface Scene extends ProviderScene {
  api: TaskStandIn;
}

async function setScene(
  { key, start, create }: Service,
  { wanted, apiKey = key }: { wanted?: Wanted; apiKey?: string } = {},
): Promise<Scene> {
  const api = start();
  const scene = await setProviderScene((common) => {
    const provider = create({ apiKey, baseUrl: api.url, ...common });
    return wanted === undefined ? provider : givenPictures(provider, wanted);
  });
  return {
    ...scene,
    api,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const asked = ({ api }: Scene, request: Entry["request"]) =>
  api.journal.filter((entry) => entry.request === request).length;

const commonFaults = ({ key, basis }: Service): { [name: string]: Fault } => ({
  "no credits": {
    create: [json({ detail: "no credit is left" }, 402)],
    ends: ["provider_billing", "none"],
  },
  "a key that is refused, and repeated": {
    create: [json({ detail: `no such key: ${key}` }, 401)],
    ends: ["provider_auth", "none"],
  },
  "a bad field": { create: [json({ detail: "seed is bad" }, 422)], ends: ["provider_rejected", "none"] },
  "a fault of its own while it takes the task": {
    create: [json({ detail: "oh" }, 500)],
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer that is cut": {
    create: [async (each) => (await each.right(), cutOff('{"id":"'))],
    ends: ["outcome_unknown", "unknown"],
  },
  "a success without an id": {
    create: [async (each) => (await each.right(), Response.json({ status: "fine" }))],
    ends: ["outcome_unknown", "unknown"],
  },
  "a page for an answer": { create: [() => new Response("<html>")], ends: ["outcome_unknown", "unknown"] },
  "looks that fail for a while": {
    look: [
      () => cutOff("{"),
      () => new Response("", { status: 502 }),
      json({ detail: "slow" }, 429, { "Retry-After": "0" }),
      json([]),
      json({ detail: "no such task" }, 404),
    ],
    ends: null,
  },
  "looks that are refused the key": {
    look: lasting(json({ detail: "revoked" }, 401)),
    ends: ["provider_auth", "unknown"],
  },
  "a link that is dead": {
    download: lasting(() => new Response("gone", { status: 404 })),
    ends: ["bad_result", basis],
  },
  "a link that is dead for a moment": { download: [() => new Response("", { status: 500 })], ends: null },
  "half a picture": {
    download: [() => new Response(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0]))],
    ends: ["bad_result", basis],
  },
  "a page for a picture": { download: [() => new Response("<html>no</html>")], ends: ["bad_result", basis] },
});

interface Fault extends Partial<TaskStandIn["instead"]> {
  /** Error code and basis of the failed prompt; null: it completes. */
  ends: [reason: string, basis: string] | null;
  /** What the prompt says, beside that. */
  says?: RegExp;
  submissions?: number;
}

const moderated = { detail: [{ loc: ["body"], msg: "flagged", type: "content_policy_violation" }] };
const inState = (state: string, more: object = {}): Answer => (each) =>
  Response.json({ ...replicate.prediction({ id: each.taskId, input: {} }, state), ...more });

const ownFaults: { [service: string]: { [name: string]: Fault } } = {
  "fal": {
    "a rate limit, then success": {
      create: [json({ detail: "slow" }, 429, { "Retry-After": "0" })],
      ends: null,
      submissions: 2,
    },
    "a pause, then success": {
      create: [json({ detail: "busy" }, 503, { "Retry-After": "0" })],
      ends: null,
      submissions: 2,
    },
    "a locked account": {
      create: [() => fal.detail(403, "User is locked. Reason: Exhausted balance.")],
      ends: ["provider_billing", "none"],
    },
    "a flagged prompt": { create: [json(moderated, 422)], ends: ["content_policy", "none"] },
    "a result that is a refusal": {
      result: [unbilled(json(moderated, 422))],
      ends: ["content_policy", "unknown"],
      says: /flagged/,
    },
    "a result that is an error of the model": {
      result: [json({ detail: [{ loc: ["body", "seed"], msg: "too large", type: "value_error" }] }, 422)],
      ends: ["provider_rejected", "unknown"],
      says: /seed: too large/,
    },
    "a result that is a fault of the service": {
      result: [unbilled(json({ detail: "runner disconnected", error_type: "runner_disconnected" }, 503))],
      ends: ["provider_failed", "none"],
      says: /runner disconnected/,
    },
    "a result that can't be had for a moment": {
      result: [() => new Response("<html>", { status: 502 }), () => cutOff("{")],
      ends: null,
    },
    "a picture that its checker blackened": {
      result: [changed((body) => ({ ...body, has_nsfw_concepts: [true] }))],
      ends: ["content_policy", "table"],
    },
    "a success without a picture": {
      result: lasting(changed((body) => ({ ...body, images: [] }))),
      ends: ["bad_result", "table"],
    },
    "a picture that is one, and no list": {
      result: [changed(({ images, ...body }) => ({ ...body, image: (images as unknown[])[0] }))],
      ends: null,
    },
    "a result of wrong types": {
      result: lasting(json({ images: 7, seed: {}, has_nsfw_concepts: 3 })),
      ends: ["bad_result", "table"],
    },
  },
  "Black Forest Labs": {
    "words that are moderated": {
      look: [
        unbilled(() =>
          bfl.state("Request Moderated", {
            result: null,
            details: { "Moderation Reasons": ["Public Figures"] },
          })
        ),
      ],
      ends: ["content_policy", "none"],
      says: /Request Moderated: Public Figures/,
    },
    "a picture that is moderated": {
      look: [unbilled(() => bfl.state("Content Moderated", { result: null }))],
      ends: ["content_policy", "none"],
      says: /Content Moderated/,
    },
    "an error": {
      look: [unbilled(() => bfl.state("Error", { result: null, details: { error: "no GPU is left" } }))],
      ends: ["provider_failed", "none"],
      says: /no GPU is left/,
    },
    "a task not found, just after it was made": {
      look: [() => bfl.state("Task not found")],
      ends: null,
    },
    "a state that nobody knows": { look: [() => bfl.state("Reticulating", { result: null })], ends: null },
    "a success without a picture": {
      look: lasting(() => bfl.state("Ready", { result: {} })),
      ends: ["bad_result", "reported"],
    },
    "a key without a right": {
      create: [() => bfl.detail(403, "Not authenticated")],
      ends: ["provider_auth", "none"],
    },
  },
  "Replicate": {
    "a failed prediction": {
      look: [unbilled(inState("failed", { error: "CUDA out of memory (E1001)" }))],
      ends: ["provider_failed", "none"],
      says: /E1001/,
    },
    "a picture that is filtered": {
      look: [unbilled(inState("failed", { error: "NSFW content detected. Try running it again" }))],
      ends: ["content_policy", "none"],
    },
    "a prediction that never began": {
      look: [unbilled(inState("aborted"))],
      ends: ["timeout", "none"],
    },
    "a prediction that somebody cancelled": {
      look: [inState("canceled")],
      ends: ["provider_failed", "table"],
      says: /cancelled at Replicate/,
    },
    "a result that was removed": {
      look: [inState("succeeded", { data_removed: true })],
      ends: ["bad_result", "table"],
      says: /removed/,
    },
    "one address in place of a list": {
      look: [(each) =>
        Response.json(
          replicate.prediction(
            { id: each.taskId, input: {} },
            "succeeded",
            `${each.url}/files/${each.taskId}.png`,
          ),
        )],
      ends: null,
    },
    "a success without a picture": {
      look: lasting(inState("succeeded")),
      ends: ["bad_result", "table"],
    },
    "outputs of wrong types": {
      look: lasting(inState("succeeded", { output: { a: 1 } })),
      ends: ["bad_result", "table"],
    },
  },
};

for (const [name, service] of Object.entries(services)) {
  const { model, micros, basis } = service;

  Deno.test(`${name}: each model makes what it lists, exactly, and costs what was quoted`, async () => {
    await using scene = await setScene(service);
    const { models } = await (await scene.program.get("/api/v1/models")).json();
    const ofWords = scene.provider.models.filter(({ needsSource }) => !needsSource).map(({ id }) => id);
    assert.ok(ofWords.length >= 5);
    const wanted = ofWords.flatMap((id) =>
      ["512x512", "1536x864", "1536x1536"].map((imageSize) => ({ model: id, imageSize }))
    );
    await Promise.all(wanted.map(async ({ model, imageSize }) => {
      assert.ok(models.find(({ id }: { id: string }) => id === model).sizes.includes(imageSize));
      const quoted = await scene.program.post("/api/v1/quotes", { prompt: "a sea", model, imageSize });
      const { costMicros } = await quoted.json();
      const prompt = await scene.run({ model, imageSize });
      assert.equal(prompt.status, "COMPLETED", `${model}: ${prompt.errorDetail}`);
      assert.equal(`${prompt.images[0].width}x${prompt.images[0].height}`, imageSize, model);
      assert.deepEqual(
        [prompt.costMicros, prompt.ledger.basis],
        [costMicros, basis],
        `${model} ${imageSize}`,
      );
    }));
    assert.equal((await scene.books()).spentMicros, scene.api.billedMicros());
    assert.equal(scene.api.created().length, wanted.length);
  });

  Deno.test(`${name}: each model that takes pictures is given them as it wants them, and bills no more than is held`, async () => {
    using world = createCommon();
    const { common, context } = world;
    await using api = service.start();
    await using sources = serve(async (request) => {
      const index = Number(new URL(request.url).pathname.slice(1));
      const { sources } = await editFor(able[0].edit!, { roles: ["base", "style"] });
      const { bytes, contentType } = sources[index];
      return new Response(bytes as BodyInit, { headers: { "Content-Type": contentType } });
    });
    const provider = service.create({ apiKey: service.key, baseUrl: api.url, ...common });
    const able = provider.models.filter(({ edit }) => edit !== null);
    for (const { id, edit } of able) {
      const roles: Wanted["roles"] = edit!.sources.max > 1 ? ["base", "style"] : ["base"];
      const made = await editFor(edit!, { roles, address: (index) => `${sources.url}/${index}` });
      const events = await Array.fromAsync(provider.generate(request(id, made), context));
      assert.deepEqual(events.map(({ type }) => type).filter((type) => type !== "progress"), [
        "submitted",
        "image",
        "done",
      ]);
      const [taskId, task] = [...api.tasks].at(-1)!;
      assert.equal(task.input.given.length, roles.length, id);
      assert.equal(task.input.mask?.mayChange, edit!.mask === null ? undefined : 40 * 30, id);
      const row = shippedPrices.find((each) => each.model === id && each.provider === provider.id)!;
      const held = row.costMicros + (row.perSourceMicros ?? 0) * roles.length;
      assert.ok(api.bills.get(taskId)! <= held, `${id} bills ${api.bills.get(taskId)} of ${held}`);
    }
  });

  for (
    const [fault, { ends, says, submissions = 1, ...instead }] of Object.entries({
      ...commonFaults(service),
      ...ownFaults[name],
    })
  ) {
    Deno.test(`${name} answers with ${fault}: words, charge and books are right`, async () => {
      await using scene = await setScene(service);
      Object.assign(scene.api.instead, instead);
      const prompt = await scene.run({ model });
      const said = `${prompt.errorCode}: ${prompt.errorDetail}`;
      if (ends === null) assert.equal(prompt.status, "COMPLETED", said);
      else assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ends, said);
      if (says !== undefined) assert.match(`${prompt.errorDetail}`, says);
      assert.equal(asked(scene, "create"), submissions);
      assert.equal(prompt.costMicros, ends?.[1] === "none" ? 0 : micros);
      assert.deepEqual(await scene.books(), { spentMicros: prompt.costMicros, heldMicros: 0 });
      const isUnknown = prompt.ledger.basis === "unknown";
      assert.ok(isUnknown || scene.api.billedMicros() === prompt.costMicros, `${scene.api.billedMicros()}`);
      assert.equal(prompt.images.length, ends === null ? 1 : 0);
      assert.ok(!JSON.stringify(prompt).includes(service.key));
    });
  }

  for (const address of ["https://169.254.169.254/a.png", "http://10.0.0.1/a.png", "file:///etc/passwd"]) {
    Deno.test(`${name}: a result at ${address} is not fetched`, async () => {
      await using scene = await setScene(service);
      Object.assign(scene.api.instead, service.resultAt(address));
      const prompt = await scene.run({ model });
      assert.deepEqual([prompt.errorCode, prompt.costMicros], ["bad_result", micros]);
      assert.match(prompt.errorDetail!, /can't be fetched|without a picture/);
    });
  }

  Deno.test(`${name}: its key goes nowhere but to itself, though it names an address elsewhere`, async () => {
    if (service.elsewhere === null) return await keysStay(service);
    let visits = 0;
    await using other = serve(() => {
      visits++;
      return Response.json({});
    });
    await using scene = await setScene(service);
    scene.api.instead.create.push(service.elsewhere(other.url));
    const prompt = await scene.run({ model });
    assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ["outcome_unknown", "unknown"]);
    assert.equal(visits, 0);
    await keysStay(service);
  });

  Deno.test(`${name}: a task is found again by its handle alone, and not made twice`, async () => {
    using world = createCommon();
    const claimed: string[] = [];
    const claim = (taskId: string) => Promise.resolve(claimed.push(taskId) > 0);
    const { common } = world;
    const context = { ...world.context, claim };
    await using api = service.start();
    const create = () => service.create({ apiKey: service.key, baseUrl: api.url, ...common });
    const task = request(model);
    const begun = create().generate(task, context)[Symbol.asyncIterator]();
    const { value: first } = await begun.next();
    await begun.return!();
    assert.equal(first.type, "submitted");
    const handle: TaskHandle = JSON.parse(JSON.stringify(first.handle));
    assert.ok(!JSON.stringify(handle).includes(service.key));
    const events = await Array.fromAsync(create().resume!(handle, task, context));
    assert.deepEqual(events.map(({ type }) => type).slice(-2), ["image", "done"]);
    assert.equal(api.created().length, 1);
    const [taskId] = api.tasks.keys();
    assert.deepEqual(claimed, [taskId, taskId]);
  });

  Deno.test(`${name}: a task whose id was given to another one before is in doubt`, async () => {
    await using scene = await setScene(service);
    await scene.run({ model });
    const [taskId] = scene.api.tasks.keys();
    scene.api.instead.create.push(
      changed((body) => JSON.parse(JSON.stringify(body).replaceAll(/task-\d+/g, taskId))),
    );
    assert.equal((await scene.run({ model })).errorCode, "outcome_unknown");
  });

  Deno.test(`${name}: one that it can't tell of any more is in doubt, and nothing is sent again`, async () => {
    using world = createCommon();
    const { common, context } = world;
    await using api = service.start();
    let at = 0;
    const provider = service.create({
      apiKey: service.key,
      baseUrl: api.url,
      ...common,
      now: () => at += 6000,
    });
    const made = provider.generate(request(model), context);
    const follow = async () => {
      for await (const { type } of made) if (type === "submitted") api.tasks.clear();
    };
    await assert.rejects(follow, { reason: "outcome_unknown", outcome: "unknown" });
    assert.equal(api.created().length, 1);
  });

  Deno.test(`${name}: whether it answers and takes the key is shown, and what is left where it tells`, async () => {
    await using scene = await setScene(service);
    const { signal } = new AbortController();
    const good = await scene.provider.checkStatus!(signal);
    assert.deepEqual([good.state, good.balance], ["ok", service.balance]);
    await using other = await setScene(service, { apiKey: "wrong" });
    assert.equal((await other.provider.checkStatus!(signal)).state, "key_refused");
    await scene.api[Symbol.asyncDispose]();
    assert.equal((await scene.provider.checkStatus!(signal)).state, "unreachable");
  });
}

const cancels: [name: string, looks: number, costMicros: number][] = [
  ["fal", 0, 0],
  ["fal", 3, 30_000],
  ["Replicate", 0, 0],
  ["Replicate", 3, 25_000],
  ["Black Forest Labs", 3, 30_000],
];
for (const [name, looks, costMicros] of cancels) {
  const when = looks === 0 ? "before it has begun" : "while it runs";
  Deno.test(`${name}: a prompt that is cancelled ${when} costs ${costMicros} micro-dollars, as it says`, async () => {
    const service = services[name];
    await using scene = await setScene(service);
    scene.api.looksUntilDone = Infinity;
    const gone = Promise.withResolvers<void>();
    // Held there, it has not been looked at yet.
    if (looks === 0) {
      scene.api.onPoint = ({ method, point }) =>
        method === "GET" && point === "received" ? gone.promise : undefined;
    }
    const promptId = await scene.send({ model: service.model });
    await until(() => asked(scene, looks === 0 ? "create" : "look"), (count) => count >= Math.max(1, looks));
    await until(
      () => scene.studio.store.kv.get<{ tasks: { state: string }[] }>(["prompt", promptId]),
      ({ value }) => value?.tasks[0].state === "running",
    );
    await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
    const prompt = await until(() => scene.show(promptId), ({ ledger }) => ledger !== null);
    gone.resolve();
    assert.deepEqual([prompt.status, prompt.costMicros], ["CANCELLED", costMicros]);
    assert.deepEqual(await scene.books(), { spentMicros: costMicros, heldMicros: 0 });
    assert.equal(scene.api.billedMicros(), costMicros);
  });
}

for (const name of ["fal", "Replicate"]) {
  Deno.test(`${name}: asked twice to stop a task, since an answer was lost, it says the same of its bill`, async () => {
    const service = services[name];
    using world = createCommon();
    const { common, context } = world;
    await using api = service.start();
    const provider = service.create({ apiKey: service.key, baseUrl: api.url, ...common });
    for (const [looks, says] of [[0, "not_billed"], [3, "billed"]] as const) {
      api.looksUntilDone = Infinity;
      let handle: TaskHandle = {};
      let seen = 0;
      for await (const event of provider.generate(request(service.model), context)) {
        if (event.type === "submitted") handle = event.handle;
        if (looks === 0 || (event.type === "progress" && ++seen >= looks)) break;
      }
      assert.deepEqual([await provider.cancel!(handle), await provider.cancel!(handle)], [says, says]);
      assert.equal([...api.bills.values()].at(-1)! > 0, says === "billed");
    }
    await api[Symbol.asyncDispose]();
    assert.equal(await provider.cancel!({ taskId: "task-1", cancelUrl: `${api.url}/x` }), "billed");
  });
}

Deno.test("fal is told not to try again by itself, and Replicate until when it need be done", async () => {
  const headers = async (name: string) => {
    await using scene = await setScene(services[name]);
    await scene.run({ model: services[name].model });
    return scene.api.created()[0].headers;
  };
  const ofFal = await headers("fal");
  assert.deepEqual([ofFal.get("x-fal-no-retry"), ofFal.get("x-fal-request-timeout")], ["1", "600"]);
  assert.equal((await headers("Replicate")).get("cancel-after"), "10m");
});

Deno.test("an address is asked with a key only where it is the service's own", () => {
  const at = (named: unknown, baseUrl = "https://api.bfl.ai") =>
    keyedAddress(named, { baseUrl, domain: "bfl.ai" });
  assert.equal(at("https://api.eu2.bfl.ai/v1/get_result?id=1"), "https://api.eu2.bfl.ai/v1/get_result?id=1");
  assert.equal(at("https://api.bfl.ai/x"), "https://api.bfl.ai/x");
  const others = [
    "http://api.eu2.bfl.ai/x",
    "https://api.bfl.ai.evil.example/x",
    "https://evilbfl.ai/x",
    "https://api.bfl.ai@evil.example/x",
    "https://ada:secret@api.bfl.ai/x",
    "https://api.bfl.ai:8443/x",
    "https://127.0.0.1/x",
    "//evil.example/x",
    "/v1/get_result",
    "",
    7,
    null,
  ];
  for (const each of others) assert.equal(at(each), null, String(each));
  // A proxy in its place is asked for all of it.
  assert.equal(at("http://127.0.0.1:9/x", "http://127.0.0.1:9"), "http://127.0.0.1:9/x");
  assert.equal(at("https://api.bfl.ai/x", "http://127.0.0.1:9"), null);
});

/** Every request with a key was one to the service itself, and fetching pictures takes none along. */
async function keysStay(service: Service): Promise<void> {
  await using scene = await setScene(service);
  await scene.run({ model: service.model });
  const downloads = scene.api.journal.filter(({ request }) => request === "download");
  assert.deepEqual(downloads.map(({ isSigned }) => isSigned), [false]);
  const others = scene.api.journal.filter(({ request }) => request !== "download");
  assert.ok(others.every(({ isSigned }) => isSigned));
}

function createCommon() {
  const common: Common = {
    outgoing: createOutgoing(),
    now: Date.now,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    publicUrl: "http://localhost:8000",
    usagePrice: () => null,
  };
  const { signal } = new AbortController();
  const context: TaskContext = { signal, callback: null, claim: () => Promise.resolve(true) };
  return { common, context, [Symbol.dispose]: () => common.outgoing[Symbol.dispose]() };
}

function request(model: string, edit?: TaskRequest["edit"]): TaskRequest {
  return {
    taskKey: "prompt:0",
    taskType: edit === undefined ? "TEXT_TO_IMAGE" : "INPAINT",
    model,
    prompt: "a sea",
    width: 1024,
    height: 1024,
    count: 1,
    watermark: null,
    ...(edit !== undefined && { edit }),
  };
}
